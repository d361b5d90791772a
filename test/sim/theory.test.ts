// CUBIC and Reno against theory: the average window over the rate of loss, as the tables 1 and 2 of RFC 9438 and the formulas of
// Mathis and Padhye have it; and how flows share a bottleneck. Each test prints its table. RAWTCP_THEORY=1 goes on to rarer
// losses and more flows, which takes minutes.

import t from 'tap'
import { Network } from '../../src/sim.ts'
import type { SocketOptions } from '../../src/tcp/options.ts'

const long = process.env.RAWTCP_THEORY === '1'
type Control = 'cubic' | 'reno' | 'bbr'

/** The average of the window in segments, with one of 1/p segments of new text lost (`periodic`); what a round trip carries, with each lost with probability p. */
function averageWindow(control: Control, rttMs: number, p: number, periodic: boolean): number {
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
  net.link(
    'sender',
    'receiver',
    { delayMs: rttMs / 2, ...(periodic ? { filter } : { loss: p }) },
    { delayMs: rttMs / 2 }
  )
  const flow = net.flow({
    from: 'sender',
    to: 'receiver',
    congestionControl: control,
    timestamps: false,
    sendBuffer: 2 ** 26,
    receiveBuffer: 2 ** 26,
    receiver: { delayedAckMs: 0 }
  })
  // A few losses to forget the beginning, then as many to average over as chance asks for.
  const losses = (n: number): void => {
    const until = flow.bytesReceived + (n / p) * 1460
    while (flow.bytesReceived < until) net.run(net.now + rttMs)
  }
  losses(periodic ? (control === 'cubic' ? 16 : 8) : 10)
  let samples = 0
  let sum = 0
  const before = flow.bytesReceived
  const start = net.now
  const sample = (): void => {
    samples++
    sum += (flow.connection?.info().sndCwnd ?? 0) / 1460
    net.at(net.now + rttMs / 4, sample)
  }
  sample()
  losses(periodic ? 6 : 300)
  // The tables have the window, the formulas what it carries.
  return periodic ? sum / samples : (flow.bytesReceived - before) / 1460 / ((net.now - start) / rttMs)
}

const near = (value: number, expected: number, tolerance: number): boolean =>
  Math.abs(value / expected - 1) <= tolerance

t.test('average windows by rate of loss: RFC 9438, tables 1 and 2, within 10%', async t => {
  const rows: [number, number, number, number][] = [
    // RTT, p, Reno, CUBIC
    [100, 1e-2, 12, 12],
    [100, 1e-3, 38, 38],
    [10, 1e-2, 12, 12],
    [10, 1e-3, 38, 38]
  ]
  if (long) rows.push([100, 1e-4, 120, 187], [10, 1e-4, 120, 120], [100, 1e-5, 379, 1054], [10, 1e-5, 379, 379])
  for (const [rttMs, p, reno, cubic] of rows) {
    for (const [control, expected] of [['reno', reno] as const, ['cubic', cubic] as const]) {
      const window = averageWindow(control, rttMs, p, true)
      const line = `RTT ${rttMs} ms, p ${p}, ${control}: ${window.toFixed(1)} segments, RFC 9438 has ${expected}`
      t.comment(line)
      t.ok(near(window, expected, 0.1), line)
    }
  }
})

t.test('Reno: Mathis and Padhye, within 15%', async t => {
  const rttMs = 100
  const b = 1
  for (const p of long ? [3e-2, 1e-2, 3e-3, 1e-3, 3e-4, 1e-4] : [3e-2, 1e-2, 3e-3, 1e-3]) {
    const mathis = Math.sqrt(3 / (2 * b * p))
    const timeout = (0.3 * Math.min(1, 3 * Math.sqrt((3 * b * p) / 8)) * p * (1 + 32 * p * p)) / (rttMs / 1000)
    const padhye = 1 / (1 / mathis + timeout)
    const window = averageWindow('reno', rttMs, p, false)
    const line = `p ${p}: ${window.toFixed(1)} segments a round trip, Mathis ${mathis.toFixed(1)}, Padhye ${padhye.toFixed(1)}`
    t.comment(line)
    t.ok(near(window, mathis, 0.15), `Mathis: ${line}`)
    t.ok(near(window, padhye, 0.15), `Padhye: ${line}`)
  }
})

/** Bits a second of each flow, once it has settled. */
function shares(
  controls: readonly Control[],
  settleMs: number,
  measureMs: number,
  sockets: SocketOptions = {}
): number[] {
  const net = new Network({ seed: 5 })
  net.router('left')
  net.router('right')
  net.link('left', 'right', { rateBitsPerSecond: 10e6, delayMs: 15, queue: { packets: 60 } })
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

const jain = (x: readonly number[]): number =>
  x.reduce((sum, each) => sum + each, 0) ** 2 / (x.length * x.reduce((sum, each) => sum + each * each, 0))

t.test("flows of one controller share fairly: Jain's index of 0.95 once settled", async t => {
  for (const control of ['cubic', 'reno', 'bbr'] as const) {
    for (const n of long ? [2, 4, 7, 10] : [2, 4]) {
      const rates = shares(new Array(n).fill(control), 15_000, long ? 60_000 : 25_000)
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
