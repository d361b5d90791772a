// What is read ahead changes nothing: with many connections each gets what is its own, whatever else is in the batch.

import t from 'tap'
import { RX_LENGTH, RX_OFFSET, RX_STRIDE, RxBatch } from '../../src/link/link.ts'
import { pairLinks } from '../../src/link/pair.ts'
import { Random } from '../../src/random.ts'
import { VirtualClock } from '../../src/sim/clock.ts'
import { Demux } from '../../src/stack/demux.ts'
import { LookAhead } from '../../src/stack/look-ahead.ts'
import { Stack } from '../../src/stack/stack.ts'
import type { ConnectionTable } from '../../src/stack/table.ts'
import { PackedRows } from '../../src/tcp/packed.ts'

const LOCAL = 0x0a000001

t.test(
  'thousands of connections, most of them packed, talk in bursts, among packets that are cut short or of nobody',
  async t => {
    const clock = new VirtualClock()
    const random = new Random(3)
    let isBad = false
    const [left, right] = pairLinks({
      host: clock,
      impairments: { filter: packet => (isBad && random.chance(0.2) ? spoil(packet, random) : 'pass') }
    })
    const options = { host: clock, wholeConnections: 100 }
    const [client, server] = [new Stack({ link: left, ...options }), new Stack({ link: right, ...options })]
    const received = new Map<number, number[]>()
    server.listen({ port: 80 }, connection => {
      const own: number[] = []
      received.set(connection.remotePort, own)
      connection.handlers = { readable: () => void own.push(...(connection.read() ?? [])) }
    })
    const connections = Array.from({ length: 2500 }, (_, i) => {
      if (i % 50 === 0) clock.advance(100)
      return client.connect({ address: '10.0.0.2', port: 80 })
    })
    clock.advance(100)
    isBad = true
    for (let round = 0; round < 3; round++) {
      connections.forEach((connection, i) => {
        connection.write(Uint8Array.of(i % 251))
        if (i % 300 === 299) clock.advance(50)
      })
      clock.advance(60_000)
    }
    t.ok(
      connections.every(
        ({ localPort }, i) =>
          received.get(localPort)?.join() ===
          Array(3)
            .fill(i % 251)
            .join()
      )
    )
    t.ok(server.counters().stack.unpacked > 2000)
  }
)

/** Shorter than its headers, or for another connection than any. */
function spoil(packet: Uint8Array, random: Random): 'pass' {
  if (random.chance(0.5)) packet[3] = random.int(60)
  else packet[random.int(40)] ^= 1 << random.int(8)
  return 'pass'
}

t.test('a guess is the slot that is found, or none; none is made of a stranger', async t => {
  const random = new Random(4)
  const demux = new Demux(bytes => random.fill(bytes))
  const guess = (i: number): number => demux.guess(LOCAL, i >> 12, (80 << 16) | (1000 + (i & 4095)))
  for (let i = 0; i < 5000; i++) demux.insert(i, LOCAL, 80, i >> 12, 1000 + (i & 4095))
  const guesses = Array.from({ length: 10_000 }, (_, i) => guess(i))
  t.ok(guesses.every((slot, i) => slot === -1 || slot === i))
  t.ok(guesses.slice(5000).every(slot => slot === -1))
  const guessed = guesses.filter(slot => slot >= 0).length
  t.ok(guessed > 3500, `${guessed} of 5000`)
})

t.test(
  'each connection is looked at once for a run of its packets, and of what is too short for ports nothing is read',
  async t => {
    const guesses: number[][] = []
    const touched: number[] = []
    const table = {
      size: 1e6,
      guess: (...tuple: number[]) => guesses.push(tuple) && tuple[2] & 0xff,
      touch: (slot: number) => touched.push(slot),
      at: () => undefined
    }
    const ahead = new LookAhead(table as unknown as ConnectionTable, new PackedRows())
    const batch = new RxBatch(new Uint8Array(5 * 24 + 4), 8)
    const add = (offset: number, length: number, sourcePort: number): void => {
      const row = batch.count++ * RX_STRIDE
      batch.table[row + RX_OFFSET] = offset
      batch.table[row + RX_LENGTH] = length
      if (length < 24) return
      batch.view.setInt32(offset + 12, 0x0a000007)
      batch.view.setInt32(offset + 16, LOCAL)
      batch.view.setInt32(offset + 20, (sourcePort << 16) | 80)
    }
    add(0, 24, 1001)
    add(24, 24, 1001)
    add(48, 24, 1002)
    add(120, 4, 0)
    add(72, 24, 1001)
    ahead.look(batch, 0)
    t.same(touched, [1001 & 0xff, 1002 & 0xff, 1001 & 0xff])
    t.same(guesses[0], [LOCAL, 0x0a000007, (80 << 16) | 1001])
    touched.length = 0
    ahead.look(batch, 4)
    t.same(touched, [], 'one alone waits for itself')
  }
)
