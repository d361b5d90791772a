// A process that was kept from running comes to its timers late, and may not have heard yet what has arrived meanwhile: what is due is
// judged by the time until which it has.

import t from 'tap'
import type { Host } from '../../src/host.ts'
import { pairLinks } from '../../src/link/pair.ts'
import { VirtualClock } from '../../src/sim/clock.ts'
import { Stack } from '../../src/stack/stack.ts'

const LATE_MS = 100
const DELAY_MS = 5
/** By then the timer of the SYN has come. */
const START = 2000

/** Timers come late, and all that has been heard then is what arrived in time. */
function lateHost(clock: VirtualClock): Host {
  return {
    now: () => clock.now(),
    at: (at, callback) => clock.at(at + LATE_MS, () => callback(clock.now() - LATE_MS)),
    defer: callback => clock.defer(callback),
    random: bytes => clock.random(bytes)
  }
}

t.test('a deadline that has passed, but not by what has been heard, waits for that', async t => {
  const clock = new VirtualClock()
  const links = pairLinks({ host: clock, impairments: { delayMs: DELAY_MS } })
  const client = new Stack({ link: links[0], host: lateHost(clock) })
  const server = new Stack({ link: links[1], host: clock })
  server.listen({ port: 80, quickAcks: 16 }, () => {})
  const connection = client.connect({ address: '10.0.0.2', port: 80 })
  clock.run(START)
  const rto = 2 * DELAY_MS + 200
  connection.write(new Uint8Array(100))
  clock.run(START + 30)
  t.equal(connection.info().unacked, 0)
  links[0].setUp(false)
  connection.write(new Uint8Array(100))

  const probes = (): number => client.counters().tcp.lossProbes
  // The timer of the first text, whose ACK has long come: meanwhile the second one's time has passed.
  clock.run(START + rto + LATE_MS + 5)
  t.equal(probes(), 0)
  clock.run(START + 30 + rto + LATE_MS + 5)
  t.equal(probes(), 1)
})

t.test('so it is with the SYN-ACK of a half-open connection', async t => {
  const clock = new VirtualClock()
  const links = pairLinks({ host: clock, impairments: { delayMs: DELAY_MS } })
  const client = new Stack({ link: links[0], host: clock })
  const server = new Stack({ link: links[1], host: lateHost(clock) })
  server.listen({ port: 80, initialRtoMs: 200 }, () => {})
  client.connect({ address: '10.0.0.2', port: 80 })
  clock.run(30)
  client.connect({ address: '10.0.0.2', port: 80 })
  // Its SYN is under way, and no ACK will follow.
  clock.run(31)
  links[0].impair({ loss: 1 })

  const again = (): number => server.counters().tcp.synRetransmissions
  // The timer of the first one's SYN-ACK, which is acknowledged.
  clock.run(DELAY_MS + 200 + LATE_MS + 25)
  t.equal(again(), 0)
  clock.run(30 + DELAY_MS + 200 + LATE_MS + 5)
  t.equal(again(), 1)
})
