// What a test needs that not every machine gives. Such a test skips and says why; where the peers are promised
// (RAWTCP_REQUIRE_PEERS=1, in CI), it fails instead, so that nothing is skipped there for years.

import { existsSync, readFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'

const CAP_NET_ADMIN = 12
const CAP_NET_RAW = 13

/** For tap's `skip`: false where the test can run, else the reason. */
export function unlessPrivileged(): string | false {
  return unless(hasCapability(CAP_NET_RAW) && hasCapability(CAP_NET_ADMIN), 'needs CAP_NET_RAW and CAP_NET_ADMIN')
}

/** For tap's `skip`: false where all the programs are there, else the reason. */
export function unlessPrograms(...names: string[]): string | false {
  const missing = names.filter(name => !isInstalled(name))
  return unless(missing.length === 0, `needs ${missing.join(', ')}`)
}

/** For tap's `skip`: false where the condition holds, else the reason, or an exception where skipping is not allowed. */
export function unless(condition: boolean, reason: string): string | false {
  if (condition) return false
  if (process.env.RAWTCP_REQUIRE_PEERS === '1') throw new Error(`RAWTCP_REQUIRE_PEERS is set, but this test ${reason}`)
  return reason
}

function isInstalled(program: string): boolean {
  const directories = (process.env.PATH ?? '').split(delimiter)
  return directories.some(directory => existsSync(join(directory, program)))
}

function hasCapability(bit: number): boolean {
  if (process.platform !== 'linux') return false
  const line = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'latin1'))
  return line !== null && ((BigInt(`0x${line[1]}`) >> BigInt(bit)) & 1n) === 1n
}
