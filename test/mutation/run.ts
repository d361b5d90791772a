// `npm run mutation`: does each defect that one could make in src/tcp make a script of test/packetdrill fail, or else a run of
// the model check, or a test of the file's own (units.ts)? Every mutant is judged by those that reach it. Writes docs/mutation.md: what was
// killed by file, and every survivor, those that equivalents.ts explains with the reason.

import { readdirSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { Worker } from 'node:worker_threads'
import { typescriptWorker } from '../support/worker.ts'
import { equivalents, wrongExcuses } from './equivalents.ts'
import { instrument, type Mutant } from './instrument.ts'
import type { Answer, Coverage, JudgeData, Question } from './judge.ts'
import { report, type Verdict } from './report.ts'
import { failingUnit, unitsOf } from './units.ts'

const ROOT = join(import.meta.dirname, '../..')
const COPY = join(ROOT, 'build/mutation')
/** Of each kind of run of the model check. */
const SEEDS = 40
/** A mutant that takes so many times as long as all tests take without one goes round in circles, for good or for long. */
const PATIENCE = 2
/** Tables and declarations: nothing to decide. */
const LEFT_OUT = ['counters.ts', 'options.ts', 'outbox.ts', 'invariants.ts']

const { values } = parseArgs({
  options: { files: { type: 'string' }, jobs: { type: 'string' }, out: { type: 'string' }, least: { type: 'string' } }
})

const scripts = below(join(ROOT, 'test/packetdrill'), '.pkt')
const files = below(join(ROOT, 'src/tcp'), '.ts')
  .map(file => file.slice(ROOT.length + 1))
  .filter(file => values.files === undefined || new RegExp(values.files).test(file))
  .filter(file => !LEFT_OUT.some(name => file.endsWith(`/${name}`) && !file.includes('congestion')))

const mutants = await instrument(files, COPY)
for (const file of files) {
  const failing = await failingUnit({ id: 'none', file }, COPY)
  if (failing !== undefined) throw new Error(`${failing} fails without any mutant`)
}
const beganAt = performance.now()
const reachedBy = await coverage()
const patienceMs = PATIENCE * (performance.now() - beganAt)
const verdicts = await judgeAll(mutants)
const text = report(verdicts, scripts.length, 2 * SEEDS)
writeFileSync(values.out ?? join(ROOT, 'docs/mutation.md'), text.document)
console.log(text.summary)
const wrong = wrongExcuses(verdicts, files)
for (const each of wrong) console.log(`an excuse that does not hold: ${each}`)
if (wrong.length > 0 || text.killedShare < Number(values.least ?? 0.8)) process.exitCode = 1

function below(folder: string, ending: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter(name => name.endsWith(ending))
    .sort()
    .map(name => join(folder, name))
}

function judge(atLoad?: string): Worker {
  const data: JudgeData = { copy: COPY, scripts, seeds: SEEDS, ...(atLoad === undefined ? {} : { atLoad }) }
  const worker = typescriptWorker(new URL('judge.ts', import.meta.url), {
    workerData: data,
    env: { ...process.env, RAWTCP_CHECKS: '1' },
    resourceLimits: { maxOldGenerationSizeMb: 1024 },
    stdout: true,
    stderr: true
  })
  worker.on('error', () => {}) // heard by who waits for it
  return worker
}

/** By mutant: what reaches it; what is run while the modules are loaded, every script. */
async function coverage(): Promise<Map<string, string[]>> {
  const worker = judge()
  worker.postMessage('coverage')
  const { static: atLoad, perTest } = await new Promise<Coverage>((resolve, reject) => {
    worker.once('message', resolve)
    worker.once('error', reject)
  })
  await worker.terminate()
  const reached = new Map<string, string[]>()
  for (const [script, ids] of Object.entries(perTest)) {
    for (const id of Object.keys(ids)) {
      const known = reached.get(id)
      if (known === undefined) reached.set(id, [script])
      else known.push(script)
    }
  }
  for (const id of Object.keys(atLoad)) if (!reached.has(id)) reached.set(id, scripts)
  return reached
}

async function judgeAll(all: readonly Mutant[]): Promise<Verdict[]> {
  const found: Verdict[] = []
  const waiting = [...all]
  let done = 0
  const work = async (): Promise<void> => {
    let worker = judge()
    for (let mutant = waiting.pop(); mutant !== undefined; mutant = waiting.pop()) {
      const reaching = reachedBy.get(mutant.id) ?? []
      const isAtLoad = reaching === scripts
      if (isAtLoad) {
        await worker.terminate()
        worker = judge(mutant.id)
      }
      const question = { mutant: mutant.id, tests: reaching }
      let killedBy = await failingUnit(mutant, COPY)
      if (killedBy === undefined && reaching.length > 0) killedBy = await ask(worker, question)
      if (isAtLoad || killedBy === 'timeout' || killedBy === 'crash') {
        await worker.terminate()
        worker = judge()
      }
      const judges = reaching.length + unitsOf(mutant.file).length
      found.push({ mutant, killedBy, reaching: judges, excuse: equivalents(mutant) })
      if (++done % 200 === 0) process.stderr.write(`${done} of ${all.length}\n`)
    }
    await worker.terminate()
  }
  await Promise.all(Array.from({ length: Number(values.jobs ?? availableParallelism()) }, work))
  return found.sort((a, b) => Number(a.mutant.id) - Number(b.mutant.id))
}

/** What killed the mutant: a test, `timeout` or `crash`; undefined for nothing. */
function ask(worker: Worker, question: Question): Promise<string | undefined> {
  return new Promise(resolve => {
    const settle = (killedBy: string | undefined): void => {
      clearTimeout(timer)
      worker.removeAllListeners('message')
      worker.removeAllListeners('exit')
      resolve(killedBy)
    }
    const timer = setTimeout(settle, patienceMs, 'timeout')
    worker.once('message', (answer: Answer) => settle(answer.killedBy))
    worker.once('exit', () => settle('crash'))
    worker.postMessage(question)
  })
}
