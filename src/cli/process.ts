// What every command needs of its process: output that survives its reader, names made addresses, signals as promises.

import { lookup } from 'node:dns/promises'
import { isIPv4 } from 'node:net'
import { Failure } from './exit.ts'

/**
 * A reader that goes away (`rawtcp demo | head -1`) is no error: what follows has nobody to read it. Anything else that
 * goes wrong with stdout ends the program as it should.
 */
export function tolerateClosedOutput(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error
    })
  }
}

/** Throws a Failure where the name has no IPv4 address. */
export async function resolveHost(name: string): Promise<string> {
  if (isIPv4(name)) return name
  try {
    return (await lookup(name, { family: 4 })).address
  } catch (error) {
    throw new Failure(`no IPv4 address is known for ${name} (${(error as NodeJS.ErrnoException).code})`)
  }
}

/** Calls back on the first Ctrl-C, or SIGTERM; the second ends the process at once, as if nobody listened. */
export function onInterrupt(callback: () => void): void {
  const signals = ['SIGINT', 'SIGTERM'] as const
  const interrupted = (): void => {
    for (const signal of signals) process.off(signal, interrupted)
    callback()
  }
  for (const signal of signals) process.on(signal, interrupted)
}
