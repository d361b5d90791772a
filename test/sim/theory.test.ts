// CUBIC and Reno against theory: the average window over the rate of loss, as the tables 1 and 2 of RFC 9438 and the formulas of
// Mathis and Padhye have it; and how flows share a bottleneck. Each test prints its table. RAWTCP_THEORY=1 goes on to rarer
// losses and more flows, which takes minutes.

import t from 'tap'
import type { QueueOptions } from '../../src/link/path/queues.ts'
import { Network } from '../../src/sim.ts'
import type { CongestionControlChoice } from '../../src/tcp/congestion/choice.ts'
import type { CongestionControl } from '../../src/tcp/congestion/congestion.ts'
import { Cubic } from '../../src/tcp/congestion/cubic.ts'
import { NewReno } from '../../src/tcp/congestion/new-reno.ts'
import type { SocketOptions } from '../../src/tcp/options.ts'

const MSS = 1460
const long = process.env.RAWTCP_THEORY === '1'
type Control = 'cubic' | 'reno' | 'bbr' | 'dctcp'

interface Line {
  readonly rttMs: number
  /** Of new text, one segment in 1/p is lost, or each with probability p. */
  readonly p: number
  readonly periodic: boolean
  /** Losses before it is measured, and while it is. */
  readonly settle: number
  readonly losses: number
}

interface Averages {
  /** Of the congestion window over time, segments. */
  readonly window: number
  /** Segments that a round trip carries. */
  readonly carried: number
}

function averages(congestionControl: CongestionControlChoice, line: Line): Averages {
  const { rttMs, p, periodic } = line
  const net = new Network({ seed: 11, memoryLimit: 2 ** 30 })
  net.host('sender')
  net.host('receiver')
  let count = 0
  let highest = 0
  // Only what leaves for the first time: a repetition that is lost again would cost a timeout, of which the model knows nothing.
  const filter = (packet: Uint8Array): 'pass' | 'drop' => {
    const view = new DataView(packet.buffer, packet.byteOffset)
    if (packet.length < 1000) return 'pass'
    const ahead = (view.getUint32(24) - highest) | 0
    if (ahead <= 0 && highest !== 0) return 'pass'
    highest = view.getUint32(24)
    return ++count % Math.round(1 / p) === 0 ? 'drop' : 'pass'
  }
  const delayMs = rttMs / 2
  net.link('sender', 'receiver', { delayMs, ...(periodic ? { filter } : { loss: p }) }, { delayMs })
  const flow = net.flow({
    from: 'sender',
    to: 'receiver',
    congestionControl,
    timestamps: false,
    sendBuffer: 2 ** 26,
    receiveBuffer: 2 ** 26,
    receiver: { delayedAckMs: 0 }
  })
  const pass = (losses: number): void => {
    const until = flow.bytesReceived + (losses / p) * MSS
    while (flow.bytesReceived < until) net.run(net.now + rttMs)
  }
  pass(line.settle)
  let samples = 0
  let sum = 0
  const before = flow.bytesReceived
  const start = net.now
  const sample = (): void => {
    samples++
    sum += (flow.connection?.info().sndCwnd ?? 0) / MSS
    net.at(net.now + rttMs / 4, sample)
  }
  sample()
  pass(line.losses)
  const roundTrips = (net.now - start) / rttMs
  return { window: sum / samples, carried: (flow.bytesReceived - before) / MSS / roundTrips }
}

/**
 * A controller at the beginning of the cycle that the tables are of: it has just lost a segment at a window of `peak`. From
 * anywhere else CUBIC takes hundreds of losses to come near: a peak that is a little off changes by the cube of that.
 */
function settled(controller: CongestionControl, peak: number, beta: number): CongestionControl {
  const opened = controller.opened.bind(controller)
  controller.opened = (tcb, now) => {
    opened(tcb, now)
    tcb.cwnd = Math.round(peak) * MSS
    controller.lossDetected(tcb, now)
    tcb.ssthresh = Math.round(peak * beta) * MSS
    tcb.cwnd = tcb.ssthresh
  }
  return controller
}

const near = (value: number, expected: number, tolerance: number): boolean =>
  Math.abs(value / expected - 1) <= tolerance

t.test('average windows by rate of loss: RFC 9438, tables 1 and 2, within 10%', async t => {
  const rows: [rttMs: number, p: number, reno: number, cubic: number][] = [
    [100, 1e-2, 12, 12],
    [100, 1e-3, 38, 38],
    [100, 1e-4, 120, 187],
    [10, 1e-2, 12, 12],
    [10, 1e-3, 38, 38],
    [10, 1e-4, 120, 120]
  ]
  if (long) rows.push([100, 1e-5, 379, 1054], [10, 1e-5, 379, 379], [100, 1e-6, 1200, 5926], [10, 1e-6, 1200, 1200])
  for (const [rttMs, p, reno, cubic] of rows) {
    const line = { rttMs, p, periodic: true, settle: 1, losses: p < 1e-5 ? 2 : 6 }
    // The peak over the average: of AIMD(1, 0.5), of AIMD(0.53, 0.7) where that is faster than the curve, of the curve.
    const renoPeak = reno / 0.75
    const cubicPeak = cubic / (cubic === reno ? 0.85 : 0.925)
    const measured = [
      ['Reno', reno, averages(() => settled(new NewReno(), renoPeak, 0.5), line).window],
      // The model of the tables has no flow that makes room for others.
      ['CUBIC', cubic, averages(() => settled(new Cubic({ fastConvergence: false }), cubicPeak, 0.7), line).window]
    ] as const
    for (const [name, expected, window] of measured) {
      const text = `RTT ${rttMs} ms, p ${p}, ${name}: ${window.toFixed(1)} segments, RFC 9438 has ${expected}`
      t.comment(text)
      t.ok(near(window, expected, 0.1), text)
    }
  }
})

t.test('fast convergence costs a lone flow about a tenth of its window', async t => {
  const line = { rttMs: 100, p: 1e-4, periodic: true, settle: 4, losses: 12 }
  const { window } = averages(() => settled(new Cubic(), 187 / 0.925, 0.7), line)
  t.comment(`${window.toFixed(1)} segments, RFC 9438 has 187`)
  t.ok(window > 0.85 * 187 && window < 0.95 * 187, `${window}`)
})

t.test('Reno: Mathis and Padhye, within 15%', async t => {
  const rttMs = 100
  const b = 1
  for (const p of long ? [3e-2, 1e-2, 3e-3, 1e-3, 3e-4, 1e-4] : [3e-2, 1e-2, 3e-3, 1e-3]) {
    const mathis = Math.sqrt(3 / (2 * b * p))
    const timeout = (0.3 * Math.min(1, 3 * Math.sqrt((3 * b * p) / 8)) * p * (1 + 32 * p * p)) / (rttMs / 1000)
    const padhye = 1 / (1 / mathis + timeout)
    const { carried } = averages('reno', { rttMs, p, periodic: false, settle: 10, losses: 300 })
    const line = `p ${p}: ${carried.toFixed(1)} segments a round trip, Mathis ${mathis.toFixed(1)}, Padhye ${padhye.toFixed(1)}`
    t.comment(line)
    t.ok(near(carried, mathis, 0.15), `Mathis: ${line}`)
    t.ok(near(carried, padhye, 0.15), `Padhye: ${line}`)
  }
})

/** Bits a second of each flow, once it has settled. */
function shares(
  controls: readonly Control[],
  settleMs: number,
  measureMs: number,
  { queue = { packets: 60 }, ...sockets }: SocketOptions & { queue?: QueueOptions } = {}
): number[] {
  const net = new Network({ seed: 5 })
  net.router('left')
  net.router('right')
  net.link('left', 'right', { rateBitsPerSecond: 10e6, delayMs: 15, queue })
  const flows = controls.map((congestionControl, i) => {
    net.host(`a${i}`)
    net.host(`b${i}`)
    net.link(`a${i}`, 'left', { rateBitsPerSecond: 1e9, delayMs: 2 })
    net.link('right', `b${i}`, { rateBitsPerSecond: 1e9, delayMs: 3 })
    return net.flow({ from: `a${i}`, to: `b${i}`, startMs: 137 * i, congestionControl, ...sockets })
  })
  net.run(settleMs)
  const before = flows.map(flow => flow.bytesReceived)
  net.run(settleMs + measureMs)
  return flows.map((flow, i) => ((flow.bytesReceived - before[i]) * 8000) / measureMs)
}

/** Routers mark from a queue on that is a third of what the path holds, as DCTCP wants it. */
const MARKED = { queue: { packets: 60, markPackets: 12 }, ecn: 'on' } as const

const jain = (x: readonly number[]): number =>
  x.reduce((sum, each) => sum + each, 0) ** 2 / (x.length * x.reduce((sum, each) => sum + each * each, 0))

t.test("flows of one controller share fairly: Jain's index of 0.95 once settled", async t => {
  for (const control of ['cubic', 'reno', 'bbr', 'dctcp'] as const) {
    for (const n of long ? [2, 3, 4, 5, 6, 7, 8, 9, 10] : [2, 4]) {
      const rates = shares(new Array(n).fill(control), 15_000, 60_000, control === 'dctcp' ? MARKED : {})
      const line = `${n} x ${control}: ${rates.map(rate => (rate / 1e6).toFixed(2)).join(' ')} Mbit/s, index ${jain(rates).toFixed(3)}`
      t.comment(line)
      t.ok(jain(rates) >= 0.95, line)
    }
  }
})

t.test(
  'CUBIC beside Reno on a short path is as fast as Reno (RFC 9438 §4.3); BBR beside CUBIC is reported',
  async t => {
    const [cubic, reno] = shares(['cubic', 'reno'], 15_000, 30_000)
    t.comment(`CUBIC ${(cubic / 1e6).toFixed(2)}, Reno ${(reno / 1e6).toFixed(2)} Mbit/s`)
    t.ok(cubic / reno > 0.5 && cubic / reno < 2, `${cubic / reno}`)
    const [bbr, other] = shares(['bbr', 'cubic'], 15_000, 30_000)
    t.comment(`BBR ${(bbr / 1e6).toFixed(2)}, CUBIC ${(other / 1e6).toFixed(2)} Mbit/s`)
    t.ok(bbr > 1e6 && other > 1e6, 'neither starves')
  }
)
