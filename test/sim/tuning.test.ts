// Buffers that tune themselves: a long fast path is filled by a connection that nobody has told how long and fast it is.

import t from 'tap'
import { Network } from '../../src/sim/network.ts'
import type { Connection } from '../../src/stack/connection.ts'
import type { SocketOptions } from '../../src/tcp/options.ts'

const GIGABIT = 1e9
const MIB = 1024 * 1024

interface Filled {
  /** Of the line, that text had between the third second and the fifth. */
  readonly share: number
  readonly sent: ReturnType<Connection['info']>
  readonly taken: ReturnType<Connection['info']>
}

function fill(sender: SocketOptions, receiver: SocketOptions, rttMs = 100, queue = 16 * MIB): Filled {
  // Large segments: in tests the stack looks through all that are in flight for each that comes.
  const net = new Network({ mtu: 9000 })
  for (const name of ['a', 'b']) net.host(name)
  net.link('a', 'b', { rateBitsPerSecond: GIGABIT, delayMs: rttMs / 2, queue: { bytes: queue, packets: 100_000 } })
  const flow = net.flow({ from: 'a', to: 'b', ...sender, receiver })
  net.run(3000)
  const before = flow.result().bytesReceived
  net.run(5000)
  const [sent, taken] = [flow.connection, flow.receiverConnection].map(it => (it as Connection).info())
  return { share: (8 * (flow.result().bytesReceived - before)) / (2 * GIGABIT), sent, taken }
}

t.test('1 Gbit/s over 100 ms is filled, with timestamps or without', async t => {
  for (const options of [{}, { congestionControl: 'bbr', timestamps: false }] as const) {
    const { share, sent, taken } = fill(options, {})
    t.ok(share > 0.85, `${share}`)
    t.ok(sent.sndBuf > 12.5e6 && sent.sndBuf <= 32 * MIB, `send buffer ${sent.sndBuf}`)
    t.ok(taken.rcvBuf > 12.5e6 && taken.rcvBuf <= 16 * MIB, `receive buffer ${taken.rcvBuf}`)
    t.ok(taken.rcvRttMs >= 100 && taken.rcvRttMs < 250, `round trip ${taken.rcvRttMs}`)
  }
})

t.test('buffers that are set stay as they are, and bound what is under way', async t => {
  const fixed = 512 * 1024
  for (const [sender, receiver] of [
    [{ sendBuffer: fixed }, {}],
    [{}, { receiveBuffer: fixed }]
  ]) {
    const { share } = fill(sender, receiver)
    const bound = fixed / 0.1 / (GIGABIT / 8)
    t.ok(share > 0.5 * bound && share <= 1.02 * bound, `${share} of ${bound}`)
  }
})

t.test('a path nearby asks for little more than what a connection begins with', async t => {
  const { share, sent, taken } = fill({}, {}, 1, MIB / 4)
  t.ok(share > 0.9, `${share}`)
  t.ok(sent.sndBuf <= 2 * MIB, `send buffer ${sent.sndBuf}`)
  t.ok(taken.rcvBuf <= 4 * MIB, `receive buffer ${taken.rcvBuf}`)
})

t.test('a path shorter than the bursts of its sender does not let them grow without end', async t => {
  const net = new Network({ mtu: 65_535 })
  for (const name of ['a', 'b']) net.host(name)
  net.link('a', 'b', { rateBitsPerSecond: 100 * GIGABIT, delayMs: 0.02, queue: { bytes: 64 * MIB, packets: 100_000 } })
  const flow = net.flow({ from: 'a', to: 'b', receiver: { receiveBuffer: 64 * MIB } })
  net.run(100)
  const { sndBuf, sndCwnd } = (flow.connection as Connection).info()
  t.ok(sndBuf <= 3 * MIB, `send buffer ${sndBuf}`)
  t.ok(sndCwnd > 3 * MIB, `cwnd ${sndCwnd}: the window would have it grow`)
})

t.test('text that only waits for its own sender does not make the send buffer grow ever on', async t => {
  const net = new Network({ mtu: 9000 })
  for (const name of ['a', 'b']) net.host(name)
  net.link('a', 'b', { rateBitsPerSecond: 4 * GIGABIT, delayMs: 0.1, queue: { bytes: 64 * MIB, packets: 100_000 } })
  const flow = net.flow({ from: 'a', to: 'b', slowStartExit: 'off', receiver: { receiveBuffer: 64 * MIB } })
  net.run(200)
  const { sndBuf, sndCwnd } = (flow.connection as Connection).info()
  t.ok(sndCwnd > 9 * MIB, `cwnd ${sndCwnd}: the window would have it grow`)
  t.ok(sndBuf <= 6 * MIB, `send buffer ${sndBuf}`)
})
