// docs/conformance: every requirement has a row, every row a test that exists.
//
// A cell "shown by" holds, separated by <br>: `tcp/windows` and a title, `packetdrill/….pkt`, `open`, or – alone.

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { REQUIREMENTS } from './support/requirements.ts'
import { literals, titles } from './support/titles.ts'

/** Rows that no test shows. */
const OPEN_ROWS = 0

const HERE = import.meta.dirname
const DOCS = join(HERE, '../docs/conformance')

interface Row {
  readonly at: string
  readonly id: string
  readonly requirement: string
  readonly does: string
  readonly shownBy: readonly string[]
}

function rowsOf(file: string): Row[] {
  const rows: Row[] = []
  const lines = readFileSync(join(DOCS, file), 'utf8').split('\n')
  lines.forEach((line, i) => {
    if (!line.startsWith('|') || line.startsWith('| id |') || line.startsWith('|---')) return
    const cells = line.split(/(?<!\\)\|/).map(cell => cell.trim().replaceAll('\\|', '|'))
    const [, id, requirement, does, shownBy, end] = cells
    if (cells.length !== 6 || end !== '') throw new Error(`${file}:${i + 1}: a row has four cells`)
    rows.push({
      at: `${file}:${i + 1} ${id}`,
      id,
      requirement,
      does,
      shownBy: shownBy.split('<br>').map(s => s.trim())
    })
  })
  return rows
}

const files = readdirSync(DOCS)
  .filter(file => file.endsWith('.md'))
  .sort()
const rows = new Map(files.map(file => [file, rowsOf(file)]))
const all = [...rows.values()].flat()

const known = new Map<string, { titles: Set<string>; literals: Set<string> }>()

function testsIn(path: string): { titles: Set<string>; literals: Set<string> } | undefined {
  let found = known.get(path)
  if (found === undefined) {
    const file = join(HERE, `${path}.test.ts`)
    if (!existsSync(file)) return undefined
    const source = readFileSync(file, 'utf8')
    found = { titles: new Set(titles(source)), literals: new Set(literals(source)) }
    known.set(path, found)
  }
  return found
}

/** What is wrong with a reference, undefined for nothing. */
function faultOf(reference: string): string | undefined {
  const parts = /^`([^`]+)`(?: (.+))?$/.exec(reference)
  if (parts === null) return `neither a test, nor a script, nor open, nor –: ${reference}`
  const [, path, name] = parts
  if (path.endsWith('.pkt')) return existsSync(join(HERE, path)) ? undefined : `no script ${path}`
  const tests = testsIn(path)
  if (tests === undefined) return `no file test/${path}.test.ts`
  if (name === undefined) return `no title: ${reference}`
  const [title, row] = name.split(' › ')
  if (!tests.titles.has(title)) return `no test in test/${path}.test.ts: ${title}`
  if (row !== undefined && !tests.literals.has(row)) return `no row in test/${path}.test.ts: ${row}`
  return undefined
}

t.test('each requirement has a row in its document, and one only', async t => {
  t.same(files, Object.keys(REQUIREMENTS).sort(), 'the documents')
  for (const [file, wanted] of Object.entries(REQUIREMENTS)) {
    const found = rows.get(file)?.map(row => row.id) ?? []
    t.equal(new Set(wanted).size, wanted.length, `${file}: what is wanted is wanted once`)
    t.same(
      wanted.filter(id => !found.includes(id)),
      [],
      `${file}: missing`
    )
    t.same(
      found.filter((id, i) => !wanted.includes(id) || found.indexOf(id) !== i),
      [],
      `${file}: unknown or doubled`
    )
  }
})

t.test('a deviation says why, here or in architecture.md', async t => {
  const table = readFileSync(join(DOCS, '../architecture.md'), 'utf8')
  t.match(table, '## Where we leave an RFC, and why')
  for (const { at, does } of all) {
    if (!does.includes('**Deviation**')) continue
    t.match(does, /\*\*Deviation\*\*: (\S+ ){3,}|\(\.\.\/architecture\.md#where-we-leave-an-rfc-and-why\)/, at)
  }
})

t.test('each row names tests or scripts that exist', async t => {
  for (const row of all) {
    for (const reference of row.shownBy) {
      if (reference === 'open' || reference === '–') continue
      const fault = faultOf(reference)
      if (fault !== undefined) t.fail(`${row.at}: ${fault}`)
    }
  }
  t.ok(all.length > 0)
})

t.test('a row without a test says why there is nothing to show', async t => {
  for (const { at, id, requirement, does, shownBy } of all) {
    t.not(requirement, '', `${at}: what is required`)
    if (!shownBy.includes('–')) {
      t.ok(does !== '' || shownBy.includes('open'), `${at}: what we do`)
      continue
    }
    t.equal(shownBy.length, 1, `${at}: – stands alone`)
    const reason =
      /^(Not applicable|The user's business): ./.test(does) || (does.startsWith('Not done') && isChoice(id))
    t.ok(reason, `${at}: ${does}`)
  }
})

/** Where the RFC leaves the choice: MAY-n of appendix B, and ids that end with (MAY). */
const isChoice = (id: string): boolean => id.startsWith('MAY-') || id.endsWith('(MAY)')

t.test('rows that are open become fewer', async t => {
  const open = all.filter(row => row.shownBy.includes('open')).map(row => row.at)
  t.equal(open.length, OPEN_ROWS, `lower OPEN_ROWS to what is left, or show these:\n${open.join('\n')}`)
})

t.test('the index names each document', async t => {
  const index = readFileSync(join(DOCS, '../conformance.md'), 'utf8')
  for (const file of files) t.ok(index.includes(`(conformance/${file})`), file)
})
