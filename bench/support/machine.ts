// What figures depend on.

import { execFileSync } from 'node:child_process'
import { cpus, loadavg, release } from 'node:os'
import { packageRoot } from '../../src/native/addon.ts'

export interface Machine {
  readonly date: string
  readonly cpu: string
  readonly cores: number
  readonly kernel: string
  readonly node: string
  readonly commit: string
  /** Processes that wanted to run, over the last minute. */
  readonly load: number
}

export function machine(): Machine {
  const processors = cpus()
  return {
    date: new Date().toISOString(),
    cpu: processors[0]?.model.trim() ?? 'unknown',
    cores: processors.length,
    kernel: `${process.platform} ${release()}`,
    node: process.version,
    commit: commit(),
    load: loadavg()[0]
  }
}

function commit(): string {
  const git = (...args: string[]): string => {
    const stdio: ['ignore', 'pipe', 'ignore'] = ['ignore', 'pipe', 'ignore']
    return execFileSync('git', ['-C', packageRoot(), ...args], { encoding: 'utf8', stdio }).trim()
  }
  try {
    const changes = git('status', '--porcelain', '--', 'src', 'binding', 'bench')
    return git('rev-parse', '--short', 'HEAD') + (changes === '' ? '' : ' with changes')
  } catch {
    return 'unknown'
  }
}
