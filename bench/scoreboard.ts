// What does an ACK cost with 100 segments in flight, and with 100 000, when every hundredth is lost?
//
// One stack and a peer made of a few lines, in memory: it takes the segments in the order in which they leave, misses one in a
// hundred, the repeated ones too, and answers each with an ACK that bears SACK blocks. The window is fixed, so that as much is in
// flight as the row says. What is timed is the stack's turn for an ACK: the scoreboard, the search for losses, and what it
// sends. The reference is the same without loss.

import { Random } from '../src/random.ts'
import { FixedWindow } from '../src/tcp/congestion/fixed-window.ts'
import { Ranges } from '../src/tcp/ranges.ts'
import { ahead, lt, type Seq, toSeq } from '../src/tcp/seq.ts'
import type { Tcb } from '../src/tcp/tcb.ts'
import { established, parsed } from '../test/support/peer.ts'
import type { Context, Row, Timing } from './support/bench.ts'
import { METER_VARIABLE, meterOf } from './support/meter.ts'

const MSS = 200
const RTT_MS = 100
const LOSS_ONE_IN = 100

/** A window of as many bytes as the row asks for. */
class Wide extends FixedWindow {
  constructor(readonly bytes: number) {
    super()
  }

  override opened(tcb: Tcb): void {
    tcb.cwnd = this.bytes
  }
}

export const parts = { acks }

/** Nanoseconds for an ACK; where something else than time is measured, that, with what the peer costs. */
async function acks({ flight, lossy, ...timing }: Timing & { flight: number; lossy: boolean }): Promise<number> {
  const random = new Random(1)
  const peer = established({
    syn: { mss: MSS, windowScale: 14, sackPermitted: true },
    sockets: { congestionControl: () => new Wide(flight * MSS), sendBuffer: 2 ** 26 }
  })
  const chunk = new Uint8Array(1 << 20)
  const fill = (): void => {
    while (peer.connection?.write(chunk) === chunk.length);
  }
  const arrived = new Ranges()
  let next = toSeq(1)
  let queue: Uint8Array[] = []
  let head = 0
  let spent = 0
  let count = 0
  const step = RTT_MS / flight
  let now = peer.clock.now()
  fill()
  peer.settle()
  const startedAt = performance.now()
  const measuredIn = process.env[METER_VARIABLE]
  const meter = meterOf(measuredIn)
  let from = { at: 0, spent: 0, count: 0 }
  for (;;) {
    queue = head > flight ? queue.slice(head) : queue
    if (head > flight) head = 0
    for (const packet of peer.link.sent) queue.push(packet)
    peer.link.sent = []
    if (head === queue.length) {
      // All is lost: what the clock brings.
      now += RTT_MS
      peer.clock.run(now)
      continue
    }
    const packet = parsed(queue[head++])
    const left = ahead(toSeq(packet.seq), toSeq(peer.ourIsn)) as Seq
    if (packet.payloadLength === 0 || (lossy && random.int(LOSS_ONE_IN) === 0)) continue
    const right = toSeq(left + packet.payloadLength)
    if (lt(next, right)) arrived.insert(left, right)
    if (arrived.count > 0 && !lt(next, arrived.left(0))) {
      next = arrived.right(0)
      arrived.removeBelow(next)
    }
    const sack: [number, number][] = []
    const own = arrived.indexOf(left)
    if (own >= 0) sack.push([arrived.left(own), arrived.right(own)])
    for (let i = arrived.count - 1; i >= 0 && sack.length < 3; i--) {
      if (i !== own) sack.push([arrived.left(i), arrived.right(i)])
    }
    const ack = peer.packet({ flags: '.', seq: 1, ack: next, window: 65_535, sack })
    now += step
    peer.clock.run(now)
    const before = performance.now()
    peer.link.deliver(ack)
    peer.settle()
    spent += performance.now() - before
    count++
    if (count % 1000 === 0) {
      fill()
      const elapsed = performance.now() - startedAt
      // A window at least, so that what is lost has been found and repeated.
      if (from.at === 0 && elapsed > timing.warmupMs && count > 2 * flight) {
        from = { at: elapsed, spent, count }
        meter.start()
      }
      if (from.at > 0 && elapsed > from.at + timing.measureMs) break
    }
  }
  const cost = measuredIn === undefined ? (spent - from.spent) / 1e3 : meter.stop()
  return (1e9 * cost) / (count - from.count)
}

export default async function scoreboard(context: Context): Promise<Row[]> {
  const { warmupMs, measureMs, repeats, references } = context
  const start = context.partsOf<typeof parts>(import.meta.url)
  const rows: Row[] = []
  for (const flight of [100, 100_000]) {
    const lossy: number[] = []
    const clean: number[] = []
    for (let i = 0; i < repeats; i++) {
      lossy.push(await start('acks', { flight, lossy: true, warmupMs, measureMs }).result)
      if (references) clean.push(await start('acks', { flight, lossy: false, warmupMs, measureMs }).result)
    }
    rows.push({
      name: `an ACK, ${flight} segments in flight, 1% lost`,
      unit: 'ns',
      values: lossy,
      ...(references && { reference: { name: 'nothing lost', values: clean } })
    })
  }
  return rows
}
