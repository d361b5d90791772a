// Probes: series of numbers over time, of a flow, a connection, or one direction of a link.

import { typeError } from '../errors.ts'
import type { TcpInfo } from '../stack/info.ts'
import { aboveZero, checkNames } from './check.ts'
import type { Network } from './network.ts'
import { Wire } from './wire.ts'

export interface ProbeOptions {
  /** Between two samples, ms: 10 unless given. */
  readonly everyMs?: number
  /** All that there are, unless given. */
  readonly quantities?: readonly Quantity[]
  readonly startMs?: number
  readonly stopMs?: number
  readonly name?: string
}

/** A flow or a connection. */
export interface Sender {
  /** Undefined before it has begun. */
  info(): TcpInfo | undefined
  /** What has reached the receiver's program; without it, what is acknowledged counts. */
  readonly bytesReceived?: number
  readonly name?: string
}

/** What can be read off a flow, at its sender but for `goodput`, and off a wire. */
export const UNITS = {
  cwnd: 'bytes',
  ssthresh: 'bytes',
  srtt: 'ms',
  inFlight: 'bytes',
  /** Bytes that the receiver's program has got since the sample before, as bits a second. */
  goodput: 'bits/s',
  retransmits: 'segments',
  /** Packets that wait for the line, the one on it included. */
  queuePackets: 'packets',
  queueBytes: 'bytes',
  /** Bytes that have left the line since the sample before, as bits a second. */
  throughput: 'bits/s',
  drops: 'packets',
  marks: 'packets'
} as const

export type Quantity = keyof typeof UNITS
export const FLOW_QUANTITIES: readonly Quantity[] = ['cwnd', 'ssthresh', 'srtt', 'inFlight', 'goodput', 'retransmits']
export const WIRE_QUANTITIES: readonly Quantity[] = ['queuePackets', 'queueBytes', 'throughput', 'drops', 'marks']

export interface Series {
  /** Of the flow or the wire. */
  readonly name: string
  readonly quantity: Quantity
  readonly unit: string
  /** ms */
  readonly times: number[]
  /** NaN where there is nothing to read: before a flow has begun, or an RTT been measured. */
  readonly values: number[]
}

/** What stands for no threshold lies above any window. */
const NO_THRESHOLD = 1e9

export class Probe {
  readonly name: string
  readonly series: readonly Series[]
  readonly #target: Sender | Wire
  readonly #everyMs: number
  /** What counts up, at the last sample. */
  #lastBytes = 0

  /** Throws ERR_* for options that make no sense. */
  constructor(network: Network, target: Sender | Wire, options: ProbeOptions) {
    checkNames(options, ['everyMs', 'quantities', 'startMs', 'stopMs', 'name'], 'a probe')
    const { everyMs = 10, startMs = 0, stopMs = Infinity } = options
    const known = target instanceof Wire ? WIRE_QUANTITIES : FLOW_QUANTITIES
    const quantities = options.quantities ?? known
    for (const quantity of quantities) {
      if (known.includes(quantity)) continue
      const what = target instanceof Wire ? 'a link' : 'a flow'
      throw typeError('ERR_INVALID_ARG_VALUE', `A probe of ${what} has no "${quantity}". It has: ${known.join(', ')}`)
    }
    this.name = options.name ?? target.name ?? 'connection'
    this.#target = target
    this.#everyMs = aboveZero('everyMs', everyMs)
    const { name } = this
    this.series = quantities.map(quantity => ({ name, quantity, unit: UNITS[quantity], times: [], values: [] }))
    let count = 0
    const begin = Math.max(startMs, network.now)
    const alarm = network.clock.alarm({
      ring: () => {
        this.#sample(network.now)
        count++
        const next = begin + count * this.#everyMs
        alarm.set(next <= stopMs ? next : Infinity)
      }
    })
    alarm.set(begin)
  }

  #sample(now: number): void {
    const read = this.#target instanceof Wire ? this.#wireReader(this.#target) : this.#flowReader(this.#target)
    for (const { quantity, times, values } of this.series) {
      times.push(now)
      values.push(read(quantity))
    }
  }

  #flowReader(sender: Sender): (quantity: Quantity) => number {
    const info = sender.info()
    const rate = this.#rateOf(sender.bytesReceived ?? info?.bytesAcked ?? 0)
    return quantity => {
      if (quantity === 'goodput') return rate
      if (info === undefined || info.state === 'CLOSED') return Number.NaN
      switch (quantity) {
        case 'cwnd':
          return info.sndCwnd
        case 'ssthresh':
          // Before the first loss there is none to speak of.
          return info.sndSsthresh >= NO_THRESHOLD ? Number.NaN : info.sndSsthresh
        case 'srtt':
          return info.rttMs < 0 ? Number.NaN : info.rttMs
        case 'inFlight':
          return info.unacked
        default:
          return info.totalRetrans
      }
    }
  }

  #wireReader(wire: Wire): (quantity: Quantity) => number {
    const { packets, bytes } = wire.backlog()
    const { channel } = wire
    const rate = this.#rateOf(channel.sentBytes)
    return quantity => {
      switch (quantity) {
        case 'queuePackets':
          return packets
        case 'queueBytes':
          return bytes
        case 'throughput':
          return rate
        case 'marks':
          return channel.marked
        default:
          return channel.queueFull + channel.early + channel.lost + channel.policed + channel.filtered + wire.cutOff
      }
    }
  }

  #rateOf(bytes: number): number {
    const rate = ((bytes - this.#lastBytes) * 8000) / this.#everyMs
    this.#lastBytes = bytes
    return rate
  }
}
