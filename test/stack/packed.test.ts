// Of more than `wholeConnections` open connections those that do nothing are packed, and nobody can tell but by the counters.

import t from 'tap'
import { pairLinks } from '../../src/link/pair.ts'
import { VirtualClock } from '../../src/sim/clock.ts'
import { Network } from '../../src/sim/network.ts'
import type { Connection } from '../../src/stack/connection.ts'
import { Stack } from '../../src/stack/stack.ts'
import { WholeList } from '../../src/stack/whole-list.ts'
import type { SocketOptions } from '../../src/tcp/options.ts'

const text = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString()

/** Many connections between two stacks that keep `whole` of them; each says something. */
function crowd(count: number, whole: number, options: SocketOptions = {}) {
  const clock = new VirtualClock()
  const [left, right] = pairLinks({ host: clock, impairments: { delayMs: 1 } })
  const client = new Stack({ link: left, host: clock, wholeConnections: whole, ...options })
  const server = new Stack({ link: right, host: clock, wholeConnections: whole, ...options })
  const accepted: Connection[] = []
  const events: string[] = []
  server.listen({ port: 7 }, connection => {
    accepted.push(connection)
    connection.handlers = {
      readable: () => events.push(`readable ${text(connection.read())}`),
      ended: () => events.push('ended'),
      closed: (_, error) => events.push(`closed ${error?.code}`)
    }
  })
  const opened = Array.from({ length: count }, () => client.connect({ address: '10.0.0.2', port: 7 }))
  clock.advance(1000)
  opened.forEach((connection, i) => {
    connection.write(Buffer.from(`hello ${i}`))
    clock.advance(200)
  })
  const packed = (stack: Stack): number => stack.counters().stack.packed - stack.counters().stack.unpacked
  return { clock, left, client, server, opened, accepted, events, packed }
}

t.test('an idle connection has no whole record, and no memory of the slab', async t => {
  const { client, server, packed, events } = crowd(50, 10)
  for (const stack of [client, server]) {
    t.equal(packed(stack), 40)
    t.equal(stack.counts().connections, 50)
    t.equal(stack.statistics().tcp.CurrEstab, 50)
    t.equal(stack.counters().stack.slabUsedBytes, 0)
  }
  t.same(events.sort(), Array.from({ length: 50 }, (_, i) => `readable hello ${i}`).sort())
})

t.test('where there are no more than that, none is packed', async t => {
  const { client } = crowd(10, 10)
  t.equal(client.counters().stack.packed, 0)
})

t.test('a packed connection answers what it is asked', async t => {
  const { clock, client, opened, accepted, packed } = crowd(5, 0)
  t.equal(packed(client), 5)
  const [connection] = opened
  t.equal(connection.state, 'ESTABLISHED')
  t.equal(connection.localAddress, '10.0.0.1')
  t.equal(connection.remoteAddress, '10.0.0.2')
  t.equal(connection.remotePort, 7)
  t.equal(connection.localPort, accepted[0].remotePort)
  t.equal(connection.readableBytes, 0)
  t.equal(connection.read(), undefined)
  t.equal(connection.discard(), 0)
  t.equal(connection.isEnded, false)
  t.equal(connection.options.keepAlive, false)
  t.equal(packed(client), 5, 'for none of these it is unpacked')
  t.equal(connection.info().bytesAcked, 'hello 0'.length)
  t.equal(connection.writableBytes, 512 * 1024)
  t.equal(packed(client), 4)
  connection.setOptions({ keepAlive: true, keepAliveIdleMs: 60_000 })
  clock.advance(1000)
  opened[1].write(Buffer.from('and others take their turns'))
  clock.advance(1000)
  t.equal(packed(client), 5)
  t.equal(connection.options.keepAlive, true)
})

t.test('text for a packed connection arrives, and so do its end, a reset, and the last word of its stack', async t => {
  const { clock, opened, accepted, events, server } = crowd(6, 0)
  events.length = 0
  opened[0].write(Buffer.from('more'))
  clock.advance(1000)
  t.same(events.splice(0), ['readable more'])
  opened[1].shutdown()
  clock.advance(1000)
  t.same(events.splice(0), ['ended'])
  accepted[1].close()
  clock.advance(1000)
  t.same(events.splice(0), ['closed undefined'])
  opened[2].abort()
  clock.advance(1000)
  t.same(events.splice(0), ['closed ECONNRESET'])
  server.close()
  clock.advance(1000)
  t.same(
    opened.map(({ isClosed }) => isClosed),
    [true, true, true, true, true, true]
  )
})

t.test('keepalive goes on for those that are packed', async t => {
  const options = { keepAlive: true, keepAliveIdleMs: 60_000, keepAliveIntervalMs: 1000, keepAliveProbes: 3 }
  const { clock, left, opened, packed, client, events } = crowd(4, 0, options)
  t.equal(packed(client), 4)
  clock.advance(300_000)
  t.ok(opened.every(({ state }) => state === 'ESTABLISHED'))
  t.ok(client.counters().tcp.keepAliveProbes >= 4, 'probes were sent')
  events.length = 0
  left.setUp(false)
  clock.advance(120_000)
  t.same(events, Array(4).fill('closed ETIMEDOUT'))
  t.ok(opened.every(({ isClosed }) => isClosed))
})

for (const seed of [1, 2, 3]) {
  t.test(`a run is the same to the bit, packed or not: seed ${seed}`, async t => {
    const [never, always] = [run(seed, 2 ** 24), run(seed, 0)]
    t.equal(never.packed, 0)
    t.ok(always.packed > 100, `packed ${always.packed} times`)
    t.equal(always.digest, never.digest)
    t.same(always.infos, never.infos)
  })
}

/** Questions and answers of all sizes, with pauses, over a line that loses, marks and reorders. */
function run(seed: number, wholeConnections: number) {
  const net = new Network({ seed, digest: true })
  const random = net.random()
  const [asker, answerer] = ['asker', 'answerer'].map(name => net.host(name, { wholeConnections, ecn: 'on' }))
  net.link(asker, answerer, {
    rateBitsPerSecond: 20e6,
    delayMs: 10,
    jitterMs: 2,
    loss: 0.02,
    reorder: 0.01,
    queue: { discipline: 'codel', ecn: true }
  })
  answerer.stack.listen({ port: 80 }, connection => {
    connection.handlers = {
      readable: () => {
        for (let bytes = connection.read(); bytes !== undefined; bytes = connection.read()) {
          for (const size of bytes) connection.write(Buffer.alloc(size * size, 'answer'))
        }
      },
      ended: () => connection.close()
    }
  })
  const connections = Array.from({ length: 12 }, (_, i) => {
    const congestionControl = i % 4 === 3 ? 'reno' : 'cubic'
    const connection = asker.stack.connect({ address: answerer.address, port: 80, congestionControl })
    connection.handlers = { readable: () => void connection.discard() }
    const ask = (): void => {
      if (connection.isClosed) return
      connection.write(Buffer.of(random.int(256)))
      net.at(net.now + 100 + random.int(1500), ask)
    }
    net.at(500 + random.int(500), ask)
    return connection
  })
  net.run(30_000)
  const infos = connections.map(connection => connection.info())
  const { packed } = asker.stack.counters().stack
  return { digest: net.digest, infos, packed }
}

t.test('the list of whole connections: in order of joining, any may leave, slots beyond the first ones', async t => {
  const list = new WholeList()
  for (const slot of [3, 1, 500, 2]) list.push(slot, slot * 10)
  t.equal(list.count, 4)
  t.equal(list.segmentsSince(500, 5003), 3)
  list.remove(1)
  const order: number[] = []
  while (list.first >= 0) {
    order.push(list.first)
    list.remove(list.first)
  }
  t.same(order, [3, 500, 2])
  list.push(7, 0)
  list.push(8, 0)
  list.remove(8)
  list.push(9, 0)
  list.remove(7)
  t.equal(list.first, 9)
  t.equal(list.count, 1)
})
