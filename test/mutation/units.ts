// Files of src/tcp of which a peer sees too little for scripts to tell right from wrong: memory, its size, and what stands for a
// connection that does nothing. Tests of their own judge them first, each in a process that begins with the mutant on.

import { spawn } from 'node:child_process'
import { join } from 'node:path'
import type { Mutant } from './instrument.ts'

export const UNITS: Readonly<Record<string, readonly string[]>> = {
  'src/tcp/arena.ts': ['test/tcp/buffers.test.ts'],
  'src/tcp/buffer-tuning.ts': ['test/tcp/buffer-tuning.test.ts'],
  'src/tcp/packed.ts': ['test/tcp/packed.test.ts']
}

/** Some ten times as long as one takes. */
const PATIENCE_MS = 20_000

export const unitsOf = (file: string): readonly string[] => UNITS[file] ?? []

/** The first of its file's tests that the mutant fails, in the instrumented `copy`. */
export async function failingUnit(
  { id, file }: Pick<Mutant, 'id' | 'file'>,
  copy: string
): Promise<string | undefined> {
  for (const test of unitsOf(file)) if (!(await passes(join(copy, test), id))) return test
  return undefined
}

/** What the processes of the instrumented code take for the number of the mutant that is on. */
const ACTIVE = '__STRYKER_ACTIVE_MUTANT__'

function passes(test: string, mutant: string): Promise<boolean> {
  const child = spawn(process.execPath, ['--import=tsx', test], {
    env: { ...process.env, RAWTCP_CHECKS: '1', TAP_BAIL: '1', [ACTIVE]: mutant },
    stdio: 'ignore',
    timeout: PATIENCE_MS,
    killSignal: 'SIGKILL'
  })
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', code => resolve(code === 0))
  })
}
