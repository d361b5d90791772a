// Pacing: how much leaves when, on a wheel that ticks once a millisecond.

import t from 'tap'
import { pairLinks } from '../../src/link/pair.ts'
import { VirtualClock } from '../../src/sim/clock.ts'
import type { Connection } from '../../src/stack/connection.ts'
import { Stack } from '../../src/stack/stack.ts'
import type { SocketOptions } from '../../src/tcp/options.ts'
import { established, type Peer } from '../support/peer.ts'

const MSS = 1000
const SYN = { mss: MSS, windowScale: 7 } as const

/** A round trip of 100 ms has been measured, nothing is in flight, the window is 20 segments. */
function warm(sockets: SocketOptions): Peer {
  const peer = established({ syn: SYN, window: 60_000, sockets: { slowStartAfterIdle: false, ...sockets } })
  peer.call(c => c.write(new Uint8Array(10 * MSS)))
  peer.wait(100)
  peer.arrive({ flags: '.', seq: 1, ack: 10 * MSS + 1, window: 60_000 })
  // Until all of it is measured by round trips of 100 ms.
  for (let i = 1; i <= 30; i++) {
    peer.call(c => c.write(new Uint8Array(100)))
    peer.wait(100)
    peer.arrive({ flags: '.', seq: 1, ack: 10 * MSS + 1 + 100 * i, window: 60_000 })
  }
  return peer
}

/** How many segments left at each millisecond. */
function bursts(lines: string[]): Map<number, number> {
  const counts = new Map<number, number>()
  for (const line of lines) {
    const at = Number.parseInt(line, 10)
    counts.set(at, (counts.get(at) ?? 0) + 1)
  }
  return counts
}

t.test('auto: what does not pace itself sends its window at once', async t => {
  for (const congestionControl of ['cubic', 'reno', 'none'] as const) {
    const peer = established({ syn: SYN, window: 60_000, sockets: { congestionControl } })
    t.equal(peer.call(c => c.write(new Uint8Array(10 * MSS))).length, 10)
  }
})

t.test('on: two windows a round trip in slow start, two segments at a time', async t => {
  const peer = warm({ pacing: 'on' })
  const { rttMs = 0, sndCwnd = 0 } = peer.connection?.info() ?? {}
  t.equal(sndCwnd, 20 * MSS)
  const first = peer.call(c => c.write(new Uint8Array(20 * MSS))).length
  const later = bursts(peer.wait(rttMs))
  t.equal(first, 2)
  t.equal(
    [...later.values()].reduce((sum, n) => sum + n, first),
    20
  )
  t.ok(
    [...later.values()].every(n => n <= 2),
    'no more at once'
  )
  // The last of twenty is due after nineteen twentieths of half a round trip.
  const last = Math.max(...later.keys())
  t.ok(last >= 0.5 * rttMs * 0.85 && last <= 0.5 * rttMs, `the last after ${last} of ${rttMs} ms`)
})

t.test('maxPacingRate: no more than that, and as much', async t => {
  for (const maxPacingRate of [100_000, 1_000_000]) {
    const peer = warm({ maxPacingRate, congestionControl: 'none', initialWindow: 60 })
    const start = peer.call(c => c.write(new Uint8Array(50 * MSS))).length
    const lines = peer.wait(20)
    const most = (20 * maxPacingRate) / 1000 / MSS
    const sent = start + lines.length
    t.ok(sent >= most && sent <= most + 2, `${sent} segments in 20 ms at ${maxPacingRate}`)
    const largest = Math.max(start, ...bursts(lines).values())
    t.ok(largest <= 2, `${largest} at once`)
  }
})

t.test('a rate is held on the average, whatever the ticks of the wheel make of its bursts', async t => {
  const rows = [
    { megabits: 3, ms: 4000 },
    { megabits: 40, ms: 500 },
    { megabits: 1000, ms: 100 }
  ]
  for (const { megabits, ms } of rows) {
    const clock = new VirtualClock({ seed: 1 })
    const [left, right] = pairLinks({ host: clock, seed: 1, impairments: { delayMs: 1.3 } })
    const bytesPerMs = megabits * 125
    const server = new Stack({ link: right, host: clock, receiveBuffer: 2 ** 22 })
    const client = new Stack({
      link: left,
      host: clock,
      sendBuffer: 2 ** 22,
      congestionControl: 'none',
      initialWindow: 1000,
      maxPacingRate: bytesPerMs * 1000
    })
    let received = 0
    server.listen({ port: 80 }, connection => {
      connection.handlers = {
        readable: () => {
          for (let bytes = connection.read(); bytes !== undefined; bytes = connection.read()) received += bytes.length
        }
      }
    })
    const text = new Uint8Array(2 ** 20)
    const pump = (connection: Connection): void => {
      while (connection.write(text) > 0);
    }
    client.connect({ address: '10.0.0.2', port: 80 }, { connected: pump, writable: pump })
    clock.run(100)
    const before = received
    clock.run(100 + ms)
    const rate = (received - before) / ms
    t.ok(Math.abs(rate / bytesPerMs - 1) < 0.02, `${megabits} Mbit/s: ${rate} bytes a millisecond`)
  }
})

t.test('off: a bound is kept, and nothing else', async t => {
  const peer = warm({ pacing: 'off' })
  t.equal(peer.call(c => c.write(new Uint8Array(20 * MSS))).length, 20)
  const bounded = warm({ pacing: 'off', maxPacingRate: 1_000_000 })
  t.equal(bounded.call(c => c.write(new Uint8Array(20 * MSS))).length, 2)
})

t.test('it can be changed while text waits', async t => {
  const peer = warm({ maxPacingRate: 1_000_000 })
  t.equal(peer.call(c => c.write(new Uint8Array(20 * MSS))).length, 2)
  t.equal(peer.call(c => c.setOptions({ maxPacingRate: 0 })).length, 18)
})
