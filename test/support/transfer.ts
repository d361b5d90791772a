// Two stacks on an impaired pair of links, a stream of seeded bytes each way, and an oracle that watches both.

import type { Impairments } from '../../src/link/impairments.ts'
import { pairLinks } from '../../src/link/pair.ts'
import { Random } from '../../src/random.ts'
import { VirtualClock } from '../../src/sim/clock.ts'
import type { Connection } from '../../src/stack/connection.ts'
import { Stack } from '../../src/stack/stack.ts'
import type { SocketOptions } from '../../src/tcp/options.ts'
import { ReceiveBuffer } from '../../src/tcp/receive-buffer.ts'
import { OffloadedLink, type Offloads } from './offloads.ts'

export interface TransferOptions {
  readonly seed: number
  readonly bytesThere: number
  readonly bytesBack: number
  readonly impairments?: Partial<Impairments>
  readonly sockets?: SocketOptions
  /** Up to 64 KiB pass whole, and are lost whole. */
  readonly superSegments?: boolean
  readonly shuffleSimultaneous?: boolean
  /** What each stack's packets go through on their way to the line and from it. */
  readonly offloads?: Offloads
  /** How likely a receiver throws away what it holds behind a hole, and has acknowledged selectively, when more comes (RFC 2018 §8). */
  readonly reneging?: number
  /** Virtual time after which the run counts as stuck, ms. */
  readonly limitMs?: number
}

export interface TransferResult {
  /** What went wrong, empty when all is well. */
  readonly faults: string[]
  readonly elapsedMs: number
  readonly retransmitted: number
  /** How often a sender noticed that its peer had reneged. */
  readonly renegings: number
  /** Super-segments that were cut, segments that were joined to one before, and all that went on the line; with offloads only. */
  readonly cut: number
  readonly joined: number
  readonly digest: string
}

/** Byte `i` of the stream with this key: any byte out of place shows. */
const byteAt = (key: number, i: number): number => (Math.imul(i + key, 0x9e3779b1) >>> 24) & 255

class Sender {
  #sent = 0
  constructor(
    readonly key: number,
    readonly total: number,
    readonly random: Random
  ) {}

  /** Writes pieces of random size until the connection takes no more; closes the sending side at the end. */
  pump(connection: Connection): void {
    while (this.#sent < this.total) {
      const length = Math.min(this.total - this.#sent, 1 + this.random.int(5000))
      const piece = new Uint8Array(length)
      for (let i = 0; i < length; i++) piece[i] = byteAt(this.key, this.#sent + i)
      const taken = connection.write(piece)
      this.#sent += taken
      if (taken < length) return
    }
    connection.shutdown()
  }
}

class Receiver {
  received = 0
  fault: string | undefined
  constructor(
    readonly key: number,
    readonly total: number
  ) {}

  drain(connection: Connection): void {
    for (let bytes = connection.read(); bytes !== undefined; bytes = connection.read()) {
      for (const byte of bytes) {
        if (byte !== byteAt(this.key, this.received) && this.fault === undefined) {
          this.fault = `wrong byte at ${this.received}`
        }
        this.received++
      }
    }
  }

  end(): void {
    if (this.received !== this.total) this.fault ??= `ended after ${this.received} of ${this.total} bytes`
  }
}

export function transfer(options: TransferOptions): TransferResult {
  if (options.reneging === undefined) return transferOnce(options)
  const { reneging, seed } = options
  const random = new Random(seed)
  const { keep } = ReceiveBuffer.prototype
  ReceiveBuffer.prototype.keep = function forgetful(this: ReceiveBuffer, keeper, ...what): boolean {
    if (random.chance(reneging)) this.forgetWaiting(keeper)
    return keep.call(this, keeper, ...what)
  }
  try {
    return transferOnce(options)
  } finally {
    ReceiveBuffer.prototype.keep = keep
  }
}

function transferOnce(options: TransferOptions): TransferResult {
  const { seed, bytesThere, bytesBack, limitMs = 3_600_000 } = options
  const clock = new VirtualClock({ seed, shuffleSimultaneous: options.shuffleSimultaneous ?? false })
  const { superSegments = false } = options
  const pair = pairLinks({ host: clock, seed, superSegments, impairments: options.impairments ?? {} })
  const { offloads } = options
  const offloaded = offloads === undefined ? [] : pair.map(link => new OffloadedLink(link, offloads, () => clock.now()))
  const links = offloads === undefined ? pair : offloaded
  const [client, server] = links.map(link => new Stack({ link, host: clock, ...options.sockets }))
  const faults: string[] = []
  let open = 2
  let elapsedMs = 0
  const random = new Random(seed)

  const run = (name: string, sendKey: number, sendTotal: number, receiveKey: number, receiveTotal: number) => {
    const sender = new Sender(sendKey, sendTotal, random)
    const receiver = new Receiver(receiveKey, receiveTotal)
    return {
      connected: (c: Connection) => sender.pump(c),
      writable: (c: Connection) => sender.pump(c),
      readable: (c: Connection) => receiver.drain(c),
      ended: (c: Connection) => {
        receiver.drain(c)
        receiver.end()
        elapsedMs = clock.now()
      },
      closed: (_: Connection, error: Error | null) => {
        open--
        if (error !== null) faults.push(`${name}: ${error.message}`)
        if (receiver.fault !== undefined) faults.push(`${name}: ${receiver.fault}`)
        else if (receiver.received !== receiveTotal) faults.push(`${name}: closed after ${receiver.received} bytes`)
      }
    }
  }

  server.listen({ port: 80 }, connection => {
    connection.handlers = run('server', 2, bytesBack, 1, bytesThere)
    connection.handlers.connected?.(connection)
  })
  client.connect({ address: '10.0.0.2', port: 80 }, run('client', 1, bytesThere, 2, bytesBack))
  clock.runUntilIdle(limitMs)

  if (open > 0) faults.push(`${open} ends never closed`)
  for (const [name, stack] of [['client', client] as const, ['server', server] as const]) {
    const { connections, halfOpen, timeWait } = stack.counts()
    if (connections + halfOpen + timeWait > 0) faults.push(`${name}: left ${connections}, ${halfOpen}, ${timeWait}`)
    const counters = stack.counters()
    if (counters.stack.slabUsedBytes !== 0)
      faults.push(`${name}: ${counters.stack.slabUsedBytes} bytes of the slab left`)
    if (counters.tcp.impossibleTransitions !== 0) faults.push(`${name}: a state change off the diagram`)
  }
  const retransmitted = client.counters().tcp.segmentsRetransmitted + server.counters().tcp.segmentsRetransmitted
  const total = (of: (link: OffloadedLink) => number): number => offloaded.reduce((sum, link) => sum + of(link), 0)
  return {
    faults,
    elapsedMs,
    retransmitted,
    renegings: client.counters().tcp.sackRenegings + server.counters().tcp.sackRenegings,
    cut: total(link => link.cut),
    joined: total(link => link.joined),
    digest: offloaded.map(link => link.digest()).join(' ')
  }
}
