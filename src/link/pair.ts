// Two links joined in memory: what one sends, the other receives (direction.ts). Each direction can be made bad
// (impairments.ts), and the cable can be pulled.

import { rangeError, SocketError, typeError } from '../errors.ts'
import type { Host } from '../host.ts'
import { Random } from '../random.ts'
import type { Counters } from '../stats.ts'
import { formatAddress, parseAddress } from '../wire/address.ts'
import { Direction, type Verify } from './direction.ts'
import { type Gather, gather } from './gather.ts'
import type { Impairments } from './impairments.ts'
import type { Link, LinkReceiver, Route, TxBatch } from './link.ts'

export interface PairOptions {
  readonly host: Host
  /** One or several for each end. */
  readonly addresses?: readonly [string | readonly string[], string | readonly string[]]
  /** Largest packet that passes, in bytes: 68 to 65535. */
  readonly mtu?: number
  /** Repeats what chance does. */
  readonly seed?: number
  /** For both directions, or from the first end to the second and from the second to the first. */
  readonly impairments?: Partial<Impairments> | readonly [Partial<Impairments>, Partial<Impairments>]
  /** The way leads on beyond the other end: every destination has a route. Else only the addresses above have one. */
  readonly routesAll?: boolean
  /**
   * Super-segments of up to 64 KiB pass whole, as over a device that leaves cutting to others and joining too: the MTU bounds
   * the segments that they stand for. Or they are taken and `cut`, by `assemble`, which has to be able to (`nativeCut`).
   */
  readonly superSegments?: boolean | 'cut'
  /** Puts a batch of packets together: the addon's function where speed counts. */
  readonly assemble?: Gather
  /** Looks at the checksums of a batch before it is handed over, as a driver does; without it the receiving stack sums by itself. */
  readonly verify?: Verify
}

const DEFAULT_ADDRESSES = ['10.0.0.1', '10.0.0.2'] as const
const DEFAULT_MTU = 1500
/** IPv4's. */
const LARGEST_PACKET = 65_535

export function pairLinks(options: PairOptions): [PairLink, PairLink] {
  const mtu = options.mtu ?? DEFAULT_MTU
  if (!(Number.isInteger(mtu) && mtu >= 68 && mtu <= LARGEST_PACKET)) {
    throw rangeError('ERR_OUT_OF_RANGE', `The value of "mtu" is out of range. It must be 68 to 65535. Received ${mtu}`)
  }
  const seeds = new Random(options.seed ?? 1)
  const impairments = options.impairments ?? {}
  const [there, back] = isPair(impairments) ? impairments : [impairments, impairments]
  const assemble = options.assemble ?? gather
  const cuts = options.superSegments === 'cut'
  const superSegmentBytes = cuts || options.superSegments === true ? LARGEST_PACKET : 0
  const longest = cuts ? mtu : Math.max(mtu, superSegmentBytes)
  const outward = new Direction(options.host, seeds.fork(), longest, assemble, options.verify, cuts, there)
  const inward = new Direction(options.host, seeds.fork(), longest, assemble, options.verify, cuts, back)

  const [left, right] = options.addresses ?? DEFAULT_ADDRESSES
  const leftAddresses = parseAddresses(left)
  const rightAddresses = parseAddresses(right)
  const reachable = options.routesAll === true ? undefined : new Set([...leftAddresses, ...rightAddresses])
  return [
    new PairLink('pair0', leftAddresses, reachable, mtu, superSegmentBytes, outward, inward),
    new PairLink('pair1', rightAddresses, reachable, mtu, superSegmentBytes, inward, outward)
  ]
}

export class PairLink implements Link {
  readonly acceptsPartialChecksums = false
  readonly #reachable: ReadonlySet<number> | undefined
  readonly #out: Direction
  readonly #in: Direction

  constructor(
    readonly name: string,
    /** Of this end, int32. */
    readonly addresses: readonly number[],
    reachable: ReadonlySet<number> | undefined,
    readonly mtu: number,
    readonly superSegmentBytes: number,
    out: Direction,
    into: Direction
  ) {
    this.#reachable = reachable
    this.#out = out
    this.#in = into
  }

  get congested(): boolean {
    return this.#out.congested
  }

  start(receiver: LinkReceiver): void {
    this.#in.receiver = receiver
    this.#out.sender = receiver
  }

  send(batch: TxBatch): void {
    this.#out.send(batch)
  }

  route(destination: number): Route {
    if (this.#reachable !== undefined && !this.#reachable.has(destination)) {
      throw new SocketError('ENETUNREACH', 'connect', formatAddress(destination))
    }
    const source = this.addresses.includes(destination) ? destination : this.addresses[0]
    return { source, mtu: this.mtu }
  }

  /** Changes what goes wrong with packets that this end sends from now on. */
  impair(changes: Partial<Impairments>): void {
    this.#out.impair(changes)
  }

  /** False pulls the cable, at both ends: what is under way is lost, and what is sent. True plugs it in again. */
  setUp(up: boolean): void {
    this.#out.setUp(up)
    this.#in.setUp(up)
  }

  counters(): Counters {
    const sent = this.#out.counters()
    return { ...sent, packetsReceived: this.#in.packetsDelivered, bytesReceived: this.#in.bytesDelivered }
  }

  close(): void {
    this.#in.receiver = undefined
    this.#out.sender = undefined
    this.#out.close()
  }
}

function isPair(
  impairments: Partial<Impairments> | readonly [Partial<Impairments>, Partial<Impairments>]
): impairments is readonly [Partial<Impairments>, Partial<Impairments>] {
  return Array.isArray(impairments)
}

function parseAddresses(texts: string | readonly string[]): number[] {
  const list = typeof texts === 'string' ? [texts] : texts
  if (list.length === 0) throw typeError('ERR_INVALID_ARG_VALUE', 'Each end of a pair needs an address')
  return list.map(text => {
    const address = parseAddress(text)
    if (address === undefined) throw typeError('ERR_INVALID_IP_ADDRESS', `Invalid IPv4 address: ${text}`)
    return address
  })
}
