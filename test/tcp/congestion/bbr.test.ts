// BBR in the simulator: the example test cases of draft-ietf-ccwg-bbr, on a path of 10 Mbit/s and 40 ms unless said otherwise.

import t from 'tap'
import { type Flow, type LinkOptions, Network } from '../../../src/sim.ts'
import { Bbr } from '../../../src/tcp/congestion/bbr.ts'
import { WindowedMax } from '../../../src/tcp/congestion/windowed-max.ts'
import type { SocketOptions } from '../../../src/tcp/options.ts'

/** What 10 Mbit/s of packets carry as text, bytes a millisecond. */
const BANDWIDTH = (1250 * 1448) / 1500
const RTT = 40

interface Run {
  readonly net: Network
  readonly flow: Flow
  readonly bbr: () => Bbr
  /** States in the order in which they were seen, with the time of each. */
  readonly states: [number, string][]
}

function run(link: LinkOptions, sockets: SocketOptions = {}): Run {
  const net = new Network({ seed: 7 })
  for (const name of ['a', 'b']) net.host(name)
  net.router('router')
  net.link('a', 'router', { rateBitsPerSecond: 1e9 })
  net.link('router', 'b', { rateBitsPerSecond: 10e6, delayMs: RTT / 2, queue: { packets: 100 }, ...link })
  const made: Bbr[] = []
  const congestionControl = (): Bbr => {
    made.push(new Bbr())
    return made[made.length - 1]
  }
  const receiver: SocketOptions = { congestionControl: 'cubic' }
  const flow = net.flow({ from: 'a', to: 'b', congestionControl, receiver, ...sockets })
  const bbr = (): Bbr => made.find(each => each.maxBw > 0) ?? made[0]
  const states: [number, string][] = []
  const look = (): void => {
    const { state } = bbr()
    if (states.length === 0 || states[states.length - 1][1] !== state) states.push([net.now, state])
    net.at(net.now + 2, look)
  }
  if (sockets.congestionControl === undefined) net.at(1, look)
  return { net, flow, bbr, states }
}

const goodput = ({ net, flow }: Run, ms: number): number => {
  const before = flow.bytesReceived
  net.run(net.now + ms)
  return (flow.bytesReceived - before) / ms
}

t.test('Startup ends on a plateau, with the bandwidth measured; Drain empties the queue; then it cruises', async t => {
  const path = run({})
  path.net.run(1500)
  t.same(
    path.states.map(([, state]) => state).filter(state => state !== 'ProbeBW_DOWN'),
    ['Startup', 'Drain', 'ProbeBW_CRUISE']
  )
  t.ok(Math.abs(path.bbr().maxBw / BANDWIDTH - 1) < 0.02, `${path.bbr().maxBw} for ${BANDWIDTH}`)
  t.ok(Math.abs(path.bbr().minRttMs - RTT) < 2.5, `${path.bbr().minRttMs}`)
  t.ok(path.states[1][0] < 16 * RTT, `Startup lasts ${path.states[1][0]} ms`)
  t.ok((path.flow.connection?.info().rttMs ?? 0) < 1.25 * RTT, 'without a queue')
  t.ok(goodput(path, 800) > 0.97 * BANDWIDTH)
  t.equal(path.flow.result().retransmits, 0)
})

t.test(
  'it probes as often as Reno would lose, and for the round trip five seconds after it last was as short',
  async t => {
    const path = run({})
    path.net.run(6000)
    const firstOf = (state: string): number => path.states.find(([, each]) => each === state)?.[0] ?? Number.NaN
    const cruise = firstOf('ProbeBW_CRUISE')
    const refill = firstOf('ProbeBW_REFILL')
    // As many round trips as the path holds segments: as often as Reno would lose one ("Bandwidth Probing and Coexistence").
    const expected = ((BANDWIDTH * RTT) / 1448) * RTT
    t.ok(Math.abs((refill - cruise) / expected - 1) < 0.15, `after ${refill - cruise} for ${expected} ms`)
    const order = path.states.map(([, state]) => state)
    t.same(order.slice(order.indexOf('ProbeBW_REFILL')).slice(0, 4), [
      'ProbeBW_REFILL',
      'ProbeBW_UP',
      'ProbeBW_DOWN',
      'ProbeBW_CRUISE'
    ])
    const at = order.indexOf('ProbeRTT')
    t.ok(at > 0, 'ProbeRTT was there')
    const [begun] = path.states[at]
    const [over, next] = path.states[at + 1]
    t.ok(begun > 5000 && begun < 5500, `from ${begun} ms`)
    t.ok(over - begun >= 200 && over - begun < 200 + 3 * RTT, `for ${over - begun} ms`)
    t.equal(next, 'ProbeBW_CRUISE')
  }
)

t.test('one packet in a hundred lost by chance: nearly all of the bandwidth all the same', async t => {
  const path = run({ loss: 0.01 })
  path.net.run(1000)
  const rate = goodput(path, 4000)
  t.ok(rate > 0.8 * BANDWIDTH, `BBR ${rate}`)
  const cubic = run({ loss: 0.01 }, { congestionControl: 'cubic' })
  cubic.net.run(1000)
  t.ok(goodput(cubic, 4000) < 0.6 * rate, 'which CUBIC has not')
})

t.test(
  'a queue of a third of what the path holds: Startup ends on loss, and there is little of it afterwards',
  async t => {
    const path = run({ queue: { packets: 11 } })
    path.net.run(1000)
    const lost = path.flow.result().retransmits
    const rate = goodput(path, 4000)
    t.ok(rate > 0.9 * BANDWIDTH, `${rate}`)
    const sent = (4000 * BANDWIDTH) / 1448
    t.ok((path.flow.result().retransmits - lost) / sent < 0.02, `${path.flow.result().retransmits - lost} of ${sent}`)
  }
)

t.test('a tenth of the bandwidth, and all of it again: the model follows', async t => {
  // With room for so many packets that what is sent too fast is lost.
  const path = run({ queue: { packets: 20 } })
  path.net.run(1500)
  const link = path.net.linkBetween('router', 'b')
  link.set({ rateBitsPerSecond: 1e6 })
  path.net.run(12_000)
  t.ok(path.bbr().maxBw < 0.13 * BANDWIDTH, `${path.bbr().maxBw} after the fall`)
  link.set({ rateBitsPerSecond: 10e6 })
  path.net.run(17_000)
  t.ok(path.bbr().maxBw > 0.9 * BANDWIDTH, `${path.bbr().maxBw} after the rise`)
})

t.test('a router that marks is heeded as one that drops', async t => {
  const path = run({ queue: { packets: 100, discipline: 'codel', ecn: true } }, { ecn: 'on' })
  path.net.run(3000)
  t.equal(path.flow.result().retransmits, 0)
  t.ok((path.flow.connection?.info().rttMs ?? 0) < 1.5 * RTT)
  t.ok(goodput(path, 1000) > 0.85 * BANDWIDTH)
})

t.test('the filter for aggregation: the largest of a window, forgotten when that is over', async t => {
  const filter = new WindowedMax()
  const random = [5, 9, 3, 7, 7, 1, 4, 8, 2, 6, 0, 3, 1, 2, 2, 1, 0, 5, 1]
  random.forEach((value, time) => {
    filter.update(value, time, 4)
    const window = random.slice(Math.max(0, time - 4), time + 1)
    t.ok(filter.best >= value && filter.best <= Math.max(...random.slice(Math.max(0, time - 5), time + 1)), `${time}`)
    t.ok(filter.best >= Math.max(...window.slice(-2)), 'never below what came last')
  })
})
