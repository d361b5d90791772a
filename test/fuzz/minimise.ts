// A small corpus with the same coverage: inputs in order of their length, each kept if it runs a block of src that no kept
// one ran. A process of its own: `run.ts` starts it with the target, the folder of the corpus, and the folders that it may
// be made of.

import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { type Profiler, Session } from 'node:inspector'
import { join } from 'node:path'

const [target, corpus, ...folders] = process.argv.slice(2)

const inputs = new Map<string, Uint8Array>()
for (const folder of folders) {
  for (const file of readdirSync(folder)) {
    const bytes = readFileSync(join(folder, file))
    // libFuzzer's names: they follow from the content.
    inputs.set(createHash('sha1').update(bytes).digest('hex'), bytes)
  }
}
const { fuzz } = (await import(`./${target}.js`)) as { fuzz: (bytes: Uint8Array) => void }

const session = new Session()
session.connect()
session.post('Profiler.enable')
session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true })
/** By file: which characters of it have run. */
const seen = new Map<string, Uint8Array>()
const kept: string[] = []
const shortestFirst = [...inputs].sort(([a, x], [b, y]) => x.length - y.length || (a < b ? -1 : 1))
for (const [name, bytes] of shortestFirst) {
  coverage()
  fuzz(bytes)
  let isNews = false
  for (const script of coverage()) if (addTo(seen, script)) isNews = true
  if (isNews) kept.push(name)
}

rmSync(corpus, { recursive: true, force: true })
mkdirSync(corpus, { recursive: true })
for (const name of kept) writeFileSync(join(corpus, name), inputs.get(name)!)
console.log(`${target}: ${kept.length} of ${inputs.size} inputs run all that the others run`)

/** What has run since the last time. */
function coverage(): Profiler.ScriptCoverage[] {
  let scripts: Profiler.ScriptCoverage[] = []
  session.post('Profiler.takePreciseCoverage', (_, { result }) => {
    scripts = result.filter(({ url }) => url.includes('/build/fuzz/src/'))
  })
  return scripts
}

/** Answers whether there was anything new. */
function addTo(known: Map<string, Uint8Array>, { url, functions }: Profiler.ScriptCoverage): boolean {
  const length = Math.max(...functions.flatMap(({ ranges }) => ranges.map(({ endOffset }) => endOffset)))
  const now = new Uint8Array(length)
  // Outer ranges come first; those within say where their count differs.
  for (const { ranges } of functions) {
    for (const { startOffset, endOffset, count } of ranges) now.fill(count > 0 ? 1 : 0, startOffset, endOffset)
  }
  const before = known.get(url) ?? new Uint8Array(0)
  const both = new Uint8Array(Math.max(before.length, length))
  both.set(before)
  let isNews = false
  for (let at = 0; at < length; at++) {
    if (now[at] === 0 || both[at] === 1) continue
    both[at] = 1
    isNews = true
  }
  known.set(url, both)
  return isNews
}
