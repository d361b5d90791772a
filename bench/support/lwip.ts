// lwIP in memory (bench/lwip), where the library of Debian's liblwip-dev is installed.

import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { promisify } from 'node:util'
import { unless } from '../../test/support/privileges.ts'
import { type Context, skipIf } from './bench.ts'
import { compiled } from './line-program.ts'

const HEADERS = '/usr/include/lwip'

export interface LwipRates {
  readonly dataPerSecond: number
  readonly allPerSecond: number
  readonly faults: string[]
}

/** Answers what measures it once. Skips where the library is missing. */
export function lwip({ warmupMs, measureMs, remark }: Context): () => Promise<LwipRates> {
  skipIf(unless(existsSync(`${HEADERS}/lwip/tcp.h`), 'needs lwIP (liblwip-dev)'))
  const program = compiled('lwip', ['-isystem', HEADERS, '-llwip'])
  return async () => {
    const { stdout } = await promisify(execFile)(program, [String(warmupMs), String(measureMs)])
    const { version, ...rates } = JSON.parse(stdout) as LwipRates & { version: string }
    remark(`lwIP ${version}, as Debian builds it.`)
    return { ...rates, faults: [] }
  }
}
