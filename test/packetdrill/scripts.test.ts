// Every script below this directory, as written and with what happens at the same time in other orders.

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { formatResult, runScript, type ScriptResult } from '../../src/packetdrill.ts'

const SHUFFLES = [1, 2, 3]

const directory = import.meta.dirname
const files = readdirSync(directory, { recursive: true, encoding: 'utf8' })
  .filter(name => name.endsWith('.pkt'))
  .sort()

/** The comments that a script opens with. */
const header = (text: string): string => /^(?:\s*\/\/.*|\s*\/\*[\s\S]*?\*\/)*/.exec(text)?.[0] ?? ''

t.test('there are scripts', async t => t.ok(files.length > 0))

for (const file of files) {
  const text = readFileSync(join(directory, file), 'utf8')
  t.test(file, async t => {
    t.match(header(text), /RFC \d+/, 'the script says which rule it shows')
    const passes = (result: ScriptResult, order: string): void => {
      if (result.verdict !== 'passed') return void t.fail(`${order}: ${formatResult(result)}`)
      // A packet that nobody expects is what many a script is there to see.
      const leftOver = result.notes.filter(({ text }) => text.startsWith('left over')).map(({ text }) => text)
      t.same(leftOver, [], order)
    }
    passes(runScript(text, { file }), 'in order')
    for (const shuffle of SHUFFLES) passes(runScript(text, { file, shuffle }), `shuffled by ${shuffle}`)
  })
}
