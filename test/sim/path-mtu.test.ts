// A link in the midst that takes less than those at the ends: what its router says, and what the stacks make of it.

import t from 'tap'
import { Network } from '../../src/sim/network.ts'
import type { RouterOptions } from '../../src/sim/node.ts'

const BYTES = 300_000

/** Two hosts, two routers, and between these a link of 1000 bytes. */
function narrow(options: RouterOptions = {}, sockets: object = {}) {
  const net = new Network({ seed: 1 })
  const [a, b] = [net.host('a'), net.host('b')]
  const [left, right] = [net.router('left', options), net.router('right', options)]
  net.link(a, left, { delayMs: 5 })
  net.link(left, right, { delayMs: 5, mtu: 1000 })
  net.link(right, b, { delayMs: 5 })
  return { net, a, left, right, flow: net.flow({ from: 'a', to: 'b', bytes: BYTES, ...sockets }) }
}

t.test('path MTU discovery (RFC 1191): the router says what fits, and all that follows does', async t => {
  const { net, left, right, flow } = narrow()
  net.run(1000)
  t.equal(flow.bytesReceived, BYTES)
  t.match(flow.info(), { sndMss: 960 })
  t.equal(flow.info()?.pmtu, 1000)
  t.equal(left.droppedTooBig, 10, 'the first window')
  t.equal(left.errorsSent, 10)
  t.same(right.counters(), { ...right.counters(), droppedTooBig: 0, errorsSent: 0 })
})

t.test('a router that says nothing: black hole detection finds a size that passes', async t => {
  const { net, left, flow } = narrow({ icmpErrors: false }, { baseMss: 900 })
  net.run(300_000)
  t.equal(flow.bytesReceived, BYTES)
  t.ok(left.droppedTooBig > 10)
  t.equal(left.errorsSent, 0)
})

t.test('a packet whose time is over: the router says so, and the host counts it', async t => {
  const { net, a, left, right } = narrow({}, { timeToLive: 2 })
  net.run(500)
  t.ok(right.droppedTimeToLive > 0)
  t.equal(right.errorsSent, right.droppedTimeToLive)
  t.equal(left.forwarded, 2 * right.errorsSent, 'there and back')
  t.equal(a.stack.counters().icmp.timeExceeded, right.errorsSent)
})

t.test('the link of a host says how large its segments may be', async t => {
  const net = new Network({ seed: 1 })
  net.host('a')
  net.host('b')
  net.link('a', 'b', { delayMs: 1, mtu: 576 })
  const flow = net.flow({ from: 'a', to: 'b', bytes: 10_000 })
  net.run(100)
  t.match(flow.info(), { sndMss: 536 })
  t.throws(() => net.link('a', 'b', { mtu: 1501 }), { code: 'ERR_OUT_OF_RANGE' })
  t.throws(() => net.link('a', 'b', { mtu: 67 }), { code: 'ERR_OUT_OF_RANGE' })
  t.throws(() => net.router('c', { icmp: false } as RouterOptions), { code: 'ERR_INVALID_ARG_VALUE' })
})

t.test(
  'cross traffic that is too large: lost at its host, or at the router, and told to nobody who would mind',
  async t => {
    const { net, a, left } = narrow()
    net.host('c')
    net.link('c', 'left', { delayMs: 1, mtu: 576 })
    net.crossTraffic({ from: 'c', to: 'b', rateBitsPerSecond: 8e5, packetBytes: 1000, stopMs: 100 })
    net.crossTraffic({ from: 'a', to: 'c', rateBitsPerSecond: 8e5, packetBytes: 1000, startMs: 500, stopMs: 600 })
    net.run(400)
    const c = net.node('c') as typeof a
    t.ok(c.droppedTooBig >= 9, `${c.droppedTooBig}`)
    t.equal(c.sentPackets, 0)
    const before = left.droppedTooBig
    net.run(1000)
    t.equal(left.droppedTooBig - before, c.droppedTooBig)
    t.equal(left.errorsSent, left.droppedTooBig)
  }
)
