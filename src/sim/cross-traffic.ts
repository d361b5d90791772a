// Cross traffic: datagrams that nobody controls, at a steady pace, at random, or in bursts. They share queues and lines with
// the flows, and end at their host, which counts them.

import { typeError } from '../errors.ts'
import type { Random } from '../random.ts'
import { IPV4_HEADER_LENGTH, writeIpv4Header } from '../wire/ipv4.ts'
import { DEFAULT_TTL } from '../wire/segment.ts'
import { aboveZero, atLeastZero, checkNames, outOfRange } from './check.ts'
import type { Alarm, Ringing } from './clock.ts'
import { hostOf } from './flow.ts'
import type { Network } from './network.ts'
import type { NetworkHost } from './node.ts'

export interface CrossTrafficOptions {
  readonly from: string | NetworkHost
  readonly to: string | NetworkHost
  /** While it sends, bits a second, headers included. */
  readonly rateBitsPerSecond: number
  /** Of each datagram with its headers: 1000 unless given. */
  readonly packetBytes?: number
  /**
   * `constant`: at even distances; `poisson`: at random ones; `on-off`: at even ones, for a while, and then not for a while, both
   * of random length, exponential or (with `shape`) Pareto.
   */
  readonly pattern?: 'constant' | 'poisson' | 'on-off'
  /** Mean length of a burst and of a pause, ms: 500 both. */
  readonly onMs?: number
  readonly offMs?: number
  /** Of Pareto's distribution, above 1: 1.5 gives bursts on all scales, as traffic of many users has them. */
  readonly shape?: number
  readonly startMs?: number
  readonly stopMs?: number
  readonly name?: string
}

const NAMES = [
  'from',
  'to',
  'rateBitsPerSecond',
  'packetBytes',
  'pattern',
  'onMs',
  'offMs',
  'shape',
  'startMs',
  'stopMs',
  'name'
]
const PATTERNS = ['constant', 'poisson', 'on-off']
const PROTOCOL_UDP = 17
const HEADERS = IPV4_HEADER_LENGTH + 8
/** RFC 863: whoever listens there throws it away. */
const DISCARD_PORT = 9

export class CrossTraffic implements Ringing {
  readonly name: string
  readonly from: NetworkHost
  readonly to: NetworkHost
  sentPackets = 0
  readonly #random: Random
  readonly #headers = new Uint8Array(HEADERS)
  readonly #packetBytes: number
  readonly #gapMs: number
  readonly #stopMs: number
  readonly #pattern: string
  readonly #onMs: number
  readonly #offMs: number
  readonly #shape: number | undefined
  readonly #alarm: Alarm
  /** Exact, where sums of gaps are rounded. */
  #nextAt: number
  #burstEnds = Infinity

  /** Throws ERR_* for options that make no sense. */
  constructor(network: Network, random: Random, options: CrossTrafficOptions) {
    checkNames(options, NAMES, 'cross traffic')
    const { packetBytes = 1000, pattern = 'constant', onMs = 500, offMs = 500, shape } = options
    this.#random = random
    this.from = hostOf(network, options.from, 'from')
    this.to = hostOf(network, options.to, 'to')
    this.name = options.name ?? `${this.from.name} to ${this.to.name}`
    if (!(Number.isInteger(packetBytes) && packetBytes >= HEADERS && packetBytes <= network.mtu)) {
      throw outOfRange('packetBytes', `${HEADERS} to the network's MTU, ${network.mtu}`, packetBytes)
    }
    if (!PATTERNS.includes(pattern)) {
      throw typeError(
        'ERR_INVALID_ARG_VALUE',
        `The option "pattern" must be one of ${PATTERNS.join(', ')}. Received ${pattern}`
      )
    }
    if (shape !== undefined && !(shape > 1)) throw outOfRange('shape', 'above 1', shape)
    this.#packetBytes = packetBytes
    this.#gapMs = (packetBytes * 8000) / aboveZero('rateBitsPerSecond', options.rateBitsPerSecond)
    this.#pattern = pattern
    this.#onMs = aboveZero('onMs', onMs)
    this.#offMs = aboveZero('offMs', offMs)
    this.#shape = shape
    this.#stopMs = options.stopMs ?? Infinity
    this.#nextAt = Math.max(atLeastZero('startMs', options.startMs ?? 0), network.now)
    this.#writeHeaders()
    this.#alarm = network.clock.alarm(this)
    if (pattern === 'on-off') this.#burstEnds = this.#nextAt + this.#draw(this.#onMs)
    if (pattern === 'poisson') this.#nextAt += this.#draw(this.#gapMs)
    this.#rearm()
  }

  /** For the clock: the next packet is due. */
  ring(): void {
    if (this.from.sendRaw(this.#headers, this.#packetBytes, this.to.index)) this.sentPackets++
    this.#nextAt += this.#pattern === 'poisson' ? this.#exponential(this.#gapMs) : this.#gapMs
    while (this.#nextAt >= this.#burstEnds) {
      const begins = this.#burstEnds + this.#draw(this.#offMs)
      this.#burstEnds = begins + this.#draw(this.#onMs)
      this.#nextAt = begins
    }
    this.#rearm()
  }

  #rearm(): void {
    this.#alarm.set(this.#nextAt < this.#stopMs ? this.#nextAt : Infinity)
  }

  /** A length with this mean. */
  #draw(mean: number): number {
    const shape = this.#shape
    if (shape === undefined) return this.#exponential(mean)
    return (mean * (shape - 1)) / shape / (1 - this.#random.float()) ** (1 / shape)
  }

  #exponential(mean: number): number {
    return -mean * Math.log(1 - this.#random.float())
  }

  #writeHeaders(): void {
    const view = new DataView(this.#headers.buffer)
    const [source] = this.from.addresses
    const [destination] = this.to.addresses
    writeIpv4Header(view, 0, this.#packetBytes, 0, 0, true, DEFAULT_TTL, PROTOCOL_UDP, source, destination)
    view.setUint16(IPV4_HEADER_LENGTH, DISCARD_PORT)
    view.setUint16(IPV4_HEADER_LENGTH + 2, DISCARD_PORT)
    view.setUint16(IPV4_HEADER_LENGTH + 4, this.#packetBytes - IPV4_HEADER_LENGTH)
  }
}
