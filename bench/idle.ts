// What does an open connection cost that does nothing, and what does a segment cost where there are many of them?
//
// Both ends are in this process, on two stacks in memory and a virtual clock. Memory is what the heap and all buffers grow by from
// the first connection to the last, after a collection, for one end. Then a thousand of them, spread over all, take turns in sending a
// byte, which is read and acknowledged, and then all of them do, in an order that no cache knows: CPU time for each of the two segments,
// both ends and the collector's threads included. The first is what the number of connections costs, the second what it costs as
// well that nothing is known of a connection in any cache when its turn comes.

import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { pairLinks } from '../src/link/pair.ts'
import { ConnectionStream } from '../src/net/duplex.ts'
import { VirtualClock } from '../src/sim/clock.ts'
import type { Connection, ConnectionHandlers } from '../src/stack/connection.ts'
import { Stack } from '../src/stack/stack.ts'
import type { Context, Row } from './support/bench.ts'
import type { Where } from './support/parts.ts'
import { cpuMicroseconds } from './support/window.ts'

type Kind = 'connection' | 'stream'

interface Held {
  /** Heap and buffers for one end. */
  readonly bytesPerEnd: number
  /** Of the process at its peak, for each connection, both ends, before and after each had sent a byte. */
  readonly gibibytes: number
  /** Where a thousand take turns. */
  readonly nanosecondsOfSome: number
  /** Where all do. */
  readonly nanosecondsOfAll: number
}

export const parts = { hold }

const ADDRESS = '10.0.0.2'
const FIRST_PORT = 1000
/** Of the 32768 that a client has for each port of the server. */
const CONNECTIONS_PER_PORT = 30_000
/** Opened before memory is measured: what is there once for all is no connection's. */
const FIRST = 512
const SOME = 1000
/** They open, and send, so many at a time. */
const BURST = 64
/** No factor of any count here: each connection comes once in a round, and neighbours in memory far apart. */
const STRIDE = 7919
/** Until an ACK that waits for more has left. */
const ROUND_TRIP_MS = 250

async function hold({ kind, count, sends }: { kind: Kind; count: number; sends: number }): Promise<Held> {
  const clock = new VirtualClock()
  const [left, right] = pairLinks({ host: clock, addresses: ['10.0.0.1', ADDRESS] })
  const [client, server] = [new Stack({ link: left, host: clock }), new Stack({ link: right, host: clock })]
  const streams: ConnectionStream[] = []
  const connections: Connection[] = []
  let accepted = 0
  let received = 0

  const sink: ConnectionHandlers = { readable: connection => void (received += connection.discard()) }
  const take = (connection: Connection): void => {
    accepted++
    if (kind === 'connection') connection.handlers = sink
    else streams.push(new ConnectionStream(connection).on('data', bytes => (received += bytes.length)))
  }
  const open = (i: number): void => {
    const port = FIRST_PORT + Math.floor(i / CONNECTIONS_PER_PORT)
    if (i % CONNECTIONS_PER_PORT === 0) server.listen({ port }, take)
    const connection = client.connect({ address: ADDRESS, port }, sink)
    connections.push(connection)
    if (kind === 'stream') streams.push(new ConnectionStream(connection))
  }
  /** Streams go by ticks of the program. */
  const settle = async (): Promise<void> => {
    clock.advance(ROUND_TRIP_MS)
    if (kind === 'stream') await new Promise(resolve => setImmediate(resolve))
  }

  const openUpTo = async (most: number): Promise<void> => {
    while (connections.length < most) {
      for (let left = Math.min(BURST, most - connections.length); left > 0; left--) open(connections.length)
      await settle()
    }
  }
  await openUpTo(FIRST)
  const before = usedBytes()
  await openUpTo(count)
  if (accepted !== count) throw new Error(`${accepted} of ${count} connections are open`)
  const bytesPerEnd = (usedBytes() - before) / (2 * (count - FIRST))

  const byte = Buffer.alloc(1)
  let sent = 0
  /** Rounds in which so many connections send, until they have sent so often. */
  const rounds = async (members: number, least: number): Promise<void> => {
    for (const end = sent + least; sent < end; ) {
      for (let i = 0; i < members; i += BURST) {
        for (let j = i; j < Math.min(members, i + BURST); j++, sent++) connections[(j * STRIDE) % count].write(byte)
        await settle()
      }
    }
  }
  const segments = (): number => client.counters().tcp.segmentsSent + server.counters().tcp.segmentsSent
  const nanoseconds = async (members: number): Promise<number> => {
    await rounds(members, sends)
    const [segmentsBefore, cpuBefore] = [segments(), cpuMicroseconds()]
    await rounds(members, sends)
    return (1000 * (cpuMicroseconds() - cpuBefore)) / (segments() - segmentsBefore)
  }
  const nanosecondsOfSome = await nanoseconds(Math.min(count, SOME))
  const nanosecondsOfAll = await nanoseconds(count)
  if (received !== sent) throw new Error(`${received} of ${sent} bytes arrived`)
  return { bytesPerEnd, gibibytes: process.resourceUsage().maxRSS / 2 ** 20, nanosecondsOfSome, nanosecondsOfAll }
}

function usedBytes(): number {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  for (let i = 0; i < 3; i++) collect()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

/** `measureMs` of a quick run is below this. */
const THOROUGH_MS = 1000
const ROOM: Where = { node: ['--max-old-space-size=20000'], limitMs: 600_000 }

export default async function idle({ measureMs, repeats, partsOf }: Context): Promise<Row[]> {
  const start = partsOf<typeof parts>(import.meta.url)
  const isThorough = measureMs >= THOROUGH_MS
  const counts = isThorough ? [1000, 10_000, 100_000, 1_000_000] : [1000, 20_000]
  const ofStreams = isThorough ? 100_000 : 5000
  const sends = isThorough ? 200_000 : 40_000
  const times = Math.min(repeats, isThorough ? 3 : 1)
  const held = new Map<string, Held[]>()
  const measure = async (kind: Kind, count: number): Promise<void> => {
    const where = { ...ROOM, profileAs: `idle-${kind}-${count}` }
    const figures = await start('hold', { kind, count, sends }, where).result
    held.set(`${kind} ${count}`, [...(held.get(`${kind} ${count}`) ?? []), figures])
  }
  for (let i = 0; i < times; i++) {
    for (const count of counts) await measure('connection', count)
    await measure('stream', ofStreams)
  }
  const of = (kind: Kind, count: number, figure: keyof Held): number[] =>
    (held.get(`${kind} ${count}`) as Held[]).map(it => it[figure])
  const [fewest] = counts
  const most = counts[counts.length - 1]
  const turns = (name: string, figure: keyof Held): Row[] =>
    counts.map(count => ({
      name: `CPU time of a segment, ${number(count)} open, ${name}`,
      unit: 'ns',
      values: of('connection', count, figure),
      ...(count !== fewest && {
        reference: { name: `${number(fewest)} open`, values: of('connection', fewest, figure) }
      })
    }))
  return [
    ...counts.map(count => ({
      name: `memory of an idle connection, ${number(count)} open`,
      unit: 'bytes',
      values: of('connection', count, 'bytesPerEnd')
    })),
    {
      name: `memory of an idle ConnectionStream, ${number(ofStreams)} open`,
      unit: 'bytes',
      values: of('stream', ofStreams, 'bytesPerEnd')
    },
    {
      name: `resident at the peak, ${number(most)} with both ends`,
      unit: 'GiB',
      values: of('connection', most, 'gibibytes')
    },
    ...turns(`${number(SOME)} take turns`, 'nanosecondsOfSome'),
    ...turns('all take turns', 'nanosecondsOfAll')
  ]
}

const number = (value: number): string => value.toLocaleString('en').replaceAll(',', ' ')
