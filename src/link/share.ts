// Several stacks that share an address, in worker threads or in processes: each connection belongs to one of them, by a hash of
// its four-tuple. The hash is computed here, and the same by the filters that keep a connection's segments from all other members
// (port-filter.ts, frame-filters.ts) or lead them to their own (steering.ts): so nobody has to tell anybody anything.

import { rangeError } from '../errors.ts'
import { int, resolve } from '../options.ts'

export interface ShareOptions {
  /** Which one this stack is, from 0. */
  readonly index: number
  /** How many there are: all must say the same. */
  readonly of: number
}

/** What of an address that several stacks share is ours. */
export interface Share extends ShareOptions {
  /** Whether a connection is. The same for both of its ends; ports are 0 for what has none. */
  owns(localAddress: number, localPort: number, remoteAddress: number, remotePort: number): boolean
}

const shareOptions = {
  // Neither has a default that would make sense.
  index: int({ default: -1, min: 0, max: 255 }),
  of: int({ default: 0, min: 1, max: 256 })
}

/** Of the golden ratio and of MurmurHash3: odd, their bits well mixed. */
export const PORT_FACTOR = 0x9e3779b1
export const SUM_FACTOR = 0x85ebca6b
export const SUM_SHIFT = 15

/** The index of the member, of so many, to which a connection belongs. Needs nothing but what classic BPF can do. */
export function memberOf(of: number, address: number, port: number, otherAddress: number, otherPort: number): number {
  const sum = ((address ^ otherAddress) + Math.imul(port ^ otherPort, PORT_FACTOR)) | 0
  const hash = Math.imul(sum ^ (sum >>> SUM_SHIFT), SUM_FACTOR)
  return ((hash >>> 16) * of) >>> 16
}

/** Throws ERR_* for what makes no sense. Undefined where nothing is shared. */
export function shareOption(given: ShareOptions | undefined): Share | undefined {
  if (given === undefined) return undefined
  const { index, of } = resolve(shareOptions, given)
  if (index < 0 || index >= of) {
    throw rangeError('ERR_OUT_OF_RANGE', `The option "share" has an index from 0 to ${of - 1}, received ${given.index}`)
  }
  return {
    index,
    of,
    owns: (localAddress, localPort, remoteAddress, remotePort) =>
      memberOf(of, localAddress, localPort, remoteAddress, remotePort) === index
  }
}
