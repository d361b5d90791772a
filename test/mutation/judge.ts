// One thread that judges mutants: it switches one on, runs what reaches it, scripts first and then seeds of the model check, and
// says what was the first to fail.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parentPort, workerData } from 'node:worker_threads'
import type { ScriptResult } from '../../src/packetdrill.ts'
import type * as Scenarios from '../model/scenarios.ts'
import type { Outcome } from '../model/scenarios.ts'

export interface JudgeData {
  /** The folder with the instrumented copy of `src`, and `test/model` beside it. */
  readonly copy: string
  readonly scripts: readonly string[]
  /** Of each kind of run of the model check. */
  readonly seeds: number
  /** A mutant to be on while the modules are loaded, for it changes what only then is run. */
  readonly atLoad?: string
}

export interface Question {
  readonly mutant: string
  /** Scripts and runs of the model check. */
  readonly tests: readonly string[]
}

export interface Answer {
  readonly mutant: string
  /** What failed, undefined when all passed. */
  readonly killedBy: string | undefined
}

/** By mutant, how often its code was run: while the modules were loaded, and by each test. */
export interface Coverage {
  readonly static: Readonly<Record<string, number>>
  readonly perTest: Readonly<Record<string, Readonly<Record<string, number>>>>
}

/** What Stryker's switches read and write. */
interface Switches {
  activeMutant?: string | undefined
  currentTestId?: string | undefined
  mutantCoverage?: Coverage
}

const { copy, scripts, seeds, atLoad } = workerData as JudgeData
const world = globalThis as { __stryker__?: Switches }
world.__stryker__ ??= {}
const switches = world.__stryker__
switches.activeMutant = atLoad
const port = parentPort as NonNullable<typeof parentPort>
const load = (file: string): Promise<unknown> => import(pathToFileURL(join(copy, file)).href)
const { runScript } = (await load('src/packetdrill.ts')) as {
  runScript: (text: string, options: { file: string }) => ScriptResult
}
const { againstAdversary, betweenStacks } = (await load('test/model/scenarios.ts')) as typeof Scenarios
const texts = new Map(scripts.map(file => [file, readFileSync(file, 'utf8')]))

const modelRuns = new Map<string, () => Outcome>()
for (let seed = 1; seed <= seeds; seed++)
  modelRuns.set(`model: adversary, seed ${seed}`, () => againstAdversary(seed, 120))
for (let seed = 1; seed <= seeds; seed++)
  modelRuns.set(`model: two stacks, seed ${seed}`, () => betweenStacks(seed, 80))

function passes(file: string): boolean {
  try {
    const modelRun = modelRuns.get(file)
    if (modelRun !== undefined) return modelRun().fault === undefined
    const { verdict, notes } = runScript(texts.get(file) as string, { file })
    return verdict === 'passed' && !notes.some(({ text }) => text.startsWith('left over'))
  } catch {
    return false // an invariant, or code that makes no sense any more
  }
}

port.on('message', (question: Question | 'coverage') => {
  if (question === 'coverage') {
    for (const file of [...scripts, ...modelRuns.keys()]) {
      switches.currentTestId = file
      if (!passes(file)) throw new Error(`${file} fails without any mutant`)
    }
    switches.currentTestId = undefined
    port.postMessage(switches.mutantCoverage ?? ({ static: {}, perTest: {} } satisfies Coverage))
    return
  }
  switches.activeMutant = question.mutant
  const killedBy = question.tests.find(file => !passes(file))
  switches.activeMutant = undefined
  port.postMessage({ mutant: question.mutant, killedBy } satisfies Answer)
})
