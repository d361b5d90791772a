// A flow: a connection that carries zeros from one host to another, as many as asked for, and says how it went.

import { typeError } from '../errors.ts'
import { resolve } from '../options.ts'
import type { Connection } from '../stack/connection.ts'
import type { TcpInfo } from '../stack/info.ts'
import { type SocketOptions, socketOptions } from '../tcp/options.ts'
import { aboveZero, atLeastZero } from './check.ts'
import type { Network, Node } from './network.ts'
import { NetworkHost } from './node.ts'

/** Options of the socket, such as `congestionControl`, may stand beside these: they hold at both ends. */
export interface FlowOptions extends SocketOptions {
  readonly from: string | NetworkHost
  readonly to: string | NetworkHost
  /** Infinity, which is the default, for as many as get through. */
  readonly bytes?: number
  readonly startMs?: number
  /** When the sender stops to write, whatever it has written. */
  readonly stopMs?: number
  /** For tables and legends: `flow1`, `flow2` ... unless given. */
  readonly name?: string
  /** Options of the receiver's socket that differ. */
  readonly receiver?: SocketOptions
}

export interface FlowResult {
  readonly name: string
  readonly from: string
  readonly to: string
  readonly startMs: number
  /** ms of the run, NaN where it has not happened. */
  readonly connectedMs: number
  /** The receiver has had the last byte. */
  readonly finishedMs: number
  readonly bytesReceived: number
  /** From the start of the flow to its end, or to now. */
  readonly goodputBitsPerSecond: number
  readonly segmentsSent: number
  readonly retransmits: number
  /** Of the connection's end at the sender; null for none. */
  readonly error: string | null
}

const ZEROS = new Uint8Array(64 * 1024)

export class Flow {
  readonly name: string
  readonly from: NetworkHost
  readonly to: NetworkHost
  readonly startMs: number
  connectedMs = Number.NaN
  finishedMs = Number.NaN
  bytesReceived = 0
  error: string | null = null
  /** At the sender, once the flow has started. */
  connection: Connection | undefined = undefined
  /** At the receiver, once it is open. */
  receiverConnection: Connection | undefined = undefined
  readonly #network: Network
  readonly #sockets: SocketOptions
  readonly #receiverSockets: SocketOptions
  #left: number
  #isStopped = false

  constructor(network: Network, number: number, options: FlowOptions) {
    const { from, to, bytes = Infinity, startMs = 0, stopMs = Infinity, name, receiver = {}, ...sockets } = options
    this.#network = network
    this.name = name ?? `flow${number + 1}`
    this.from = hostOf(network, from, 'from')
    this.to = hostOf(network, to, 'to')
    this.startMs = Math.max(atLeastZero('startMs', startMs), network.now)
    this.#left = aboveZero('bytes', bytes)
    this.#sockets = sockets
    this.#receiverSockets = { ...sockets, ...receiver }
    for (const each of [sockets, receiver]) resolve(socketOptions, each)
    if (stopMs <= this.startMs) throw typeError('ERR_INVALID_ARG_VALUE', `Flow "${this.name}" stops before it starts`)
    network.at(this.startMs, () => this.#start())
    network.at(stopMs, () => this.#stop())
  }

  /** Of the sender; undefined before the flow has started. */
  info(): TcpInfo | undefined {
    return this.connection?.info()
  }

  result(): FlowResult {
    const info = this.info()
    const until = Number.isNaN(this.finishedMs) ? this.#network.now : this.finishedMs
    const elapsed = until - this.startMs
    return {
      name: this.name,
      from: this.from.name,
      to: this.to.name,
      startMs: this.startMs,
      connectedMs: this.connectedMs,
      finishedMs: this.finishedMs,
      bytesReceived: this.bytesReceived,
      goodputBitsPerSecond: elapsed > 0 ? (this.bytesReceived * 8000) / elapsed : 0,
      segmentsSent: info?.segsOut ?? 0,
      retransmits: info?.totalRetrans ?? 0,
      error: this.error
    }
  }

  #start(): void {
    const port = this.to.nextFlowPort++
    const listener = this.to.stack.listen({ ...this.#receiverSockets, port, address: this.to.address }, connection => {
      this.receiverConnection = connection
      connection.keepsNothing = true
      connection.handlers = {
        readable: () => this.#drain(connection),
        ended: () => {
          this.#drain(connection)
          this.finishedMs = this.#network.now
          connection.close()
        }
      }
      listener.close()
    })
    this.connection = this.from.stack.connect(
      { ...this.#sockets, address: this.to.address, port, localAddress: this.from.address },
      {
        connected: connection => {
          this.connectedMs = this.#network.now
          this.#fill(connection)
        },
        writable: connection => this.#fill(connection),
        closed: (_, error) => {
          this.#isStopped = true
          this.error = error === null ? null : error.code
          listener.close()
        }
      }
    )
    this.connection.sendsZeros = true
  }

  #stop(): void {
    if (this.#isStopped) return
    this.#left = 0
    if (this.connection !== undefined) this.#fill(this.connection)
  }

  #fill(connection: Connection): void {
    if (this.#isStopped) return
    while (this.#left > 0) {
      const length = Math.min(this.#left, ZEROS.length)
      const taken = connection.write(length === ZEROS.length ? ZEROS : ZEROS.subarray(0, length))
      this.#left -= taken
      if (taken < length) return
    }
    this.#isStopped = true
    connection.shutdown()
  }

  #drain(connection: Connection): void {
    this.bytesReceived += connection.discard()
  }
}

export function hostOf(network: Network, host: string | Node, option: string): NetworkHost {
  const node = network.node(host)
  if (node instanceof NetworkHost) return node
  throw typeError('ERR_INVALID_ARG_VALUE', `The option "${option}" must name a host, and "${node.name}" is a router`)
}
