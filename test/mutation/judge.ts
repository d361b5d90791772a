// One thread that judges mutants: it switches one on, runs the scripts that reach it, and says which was the first to fail.

import { readFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { parentPort, workerData } from 'node:worker_threads'
import type { ScriptResult } from '../../src/packetdrill.ts'

export interface JudgeData {
  /** The instrumented copy of src/packetdrill.ts. */
  readonly entry: string
  readonly scripts: readonly string[]
}

export interface Question {
  readonly mutant: string
  readonly scripts: readonly string[]
}

export interface Answer {
  readonly mutant: string
  /** The script that failed, undefined when all passed. */
  readonly killedBy: string | undefined
}

/** What Stryker's switches read and write. */
interface Switches {
  activeMutant?: string | undefined
  currentTestId?: string | undefined
  mutantCoverage?: { perTest: Record<string, Record<string, number>> }
}

const { entry, scripts } = workerData as JudgeData
const port = parentPort as NonNullable<typeof parentPort>
const { runScript } = (await import(pathToFileURL(entry).href)) as {
  runScript: (text: string, options: { file: string }) => ScriptResult
}
const texts = new Map(scripts.map(file => [file, readFileSync(file, 'utf8')]))
const world = globalThis as { __stryker__?: Switches }
world.__stryker__ ??= {}
const switches = world.__stryker__

function passes(file: string): boolean {
  try {
    const { verdict, notes } = runScript(texts.get(file) as string, { file })
    return verdict === 'passed' && !notes.some(({ text }) => text.startsWith('left over'))
  } catch {
    return false // an invariant, or code that makes no sense any more
  }
}

port.on('message', (question: Question | 'coverage') => {
  if (question === 'coverage') {
    for (const file of scripts) {
      switches.currentTestId = file
      if (!passes(file)) throw new Error(`${file} fails without any mutant`)
    }
    switches.currentTestId = undefined
    port.postMessage(switches.mutantCoverage?.perTest ?? {})
    return
  }
  switches.activeMutant = question.mutant
  const killedBy = question.scripts.find(file => !passes(file))
  switches.activeMutant = undefined
  port.postMessage({ mutant: question.mutant, killedBy } satisfies Answer)
})
