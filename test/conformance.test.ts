// docs/conformance: every requirement has a row, every row a test that exists.
//
// A cell "shown by" holds, separated by <br>: `tcp/windows` and a title, `packetdrill/….pkt`, `open`, or – alone.

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { literals, titles } from './support/titles.ts'

/** Rows that no test shows yet. It may only be lowered. */
const OPEN_ROWS = 36

const HERE = import.meta.dirname
const DOCS = join(HERE, '../docs/conformance')

/** Appendix B of RFC 9293: MUST-1 to MUST-69 and so on. */
const APPENDIX_B: Record<string, number> = { MUST: 69, SHLD: 31, MAY: 18, REC: 1 }

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

const files = readdirSync(DOCS).filter(file => file.endsWith('.md'))
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

t.test('each requirement of appendix B of RFC 9293 has a row, and one only', async t => {
  const wanted = Object.entries(APPENDIX_B).flatMap(([kind, count]) =>
    Array.from({ length: count }, (_, i) => `${kind}-${i + 1}`)
  )
  const found = rows.get('rfc9293.md')?.map(row => row.id) ?? []
  t.same(
    wanted.filter(id => !found.includes(id)),
    [],
    'missing'
  )
  t.same(
    found.filter((id, i) => !wanted.includes(id) || found.indexOf(id) !== i),
    [],
    'unknown or doubled'
  )
})

t.test('no id comes twice in a document', async t => {
  for (const [file, of] of rows) {
    const ids = of.map(row => row.id)
    t.same(
      ids.filter((id, i) => ids.indexOf(id) !== i),
      [],
      file
    )
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
