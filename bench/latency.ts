// How long does a message of 64 bytes, or of one, take to the other end and back?
//
// One message is under way at a time, Node processes at both ends: over a cable between two namespaces; on a TUN device, with the
// kernel's TCP behind it as client; and in memory, both ends in one thread. Where both ends are pinned to one CPU none of them
// waits for a CPU that sleeps, and each for the other.

import { nativeGather, nativeVerify } from '../src/link/native-gather.ts'
import { pairLinks } from '../src/link/pair.ts'
import { NodeHost } from '../src/net/host.ts'
import type { Connection } from '../src/stack/connection.ts'
import { Stack } from '../src/stack/stack.ts'
import type { Context, Row, Timing } from './support/bench.ts'
import type { Control } from './support/parts.ts'
import { type Driver, TUN, tcpOf, type Wire } from './support/tcp.ts'
import { cable, type World } from './support/world.ts'

interface RoundTrip {
  readonly p50: number
  readonly p99: number
  readonly count: number
}

const MESSAGE_BYTES = 64
/** Which both ends share. */
const CPU = 1

export const parts = { echo, ping, memory }

async function echo({ kind }: { kind: Driver }, control: Control): Promise<void> {
  const tcp = tcpOf(kind)
  const port = await tcp.listen(() => ({
    data(bytes, wire) {
      if (wire.write(bytes) !== bytes.length) throw new Error('There was no room for 64 bytes')
    },
    ended: wire => wire.end()
  }))
  control.ready(port)
  await control.stopped
  tcp.close()
}

async function ping({
  kind,
  address,
  port,
  bytes,
  warmupMs,
  measureMs
}: Timing & { kind: Driver; address: string; port: number; bytes: number }): Promise<RoundTrip> {
  const tcp = tcpOf(kind)
  const message = Buffer.alloc(bytes, 'ping')
  const times: number[] = []
  const countsFrom = performance.now() + warmupMs
  let sentAt = 0
  let missing = 0
  await new Promise<void>((resolve, reject) => {
    const send = (wire: Wire): void => {
      missing = bytes
      sentAt = performance.now()
      wire.write(message)
    }
    tcp.connect(address, port, {
      opened: send,
      data(chunk, wire) {
        missing -= chunk.length
        if (missing > 0) return
        const now = performance.now()
        if (now >= countsFrom) times.push(now - sentAt)
        if (missing < 0) reject(new Error('More came back than was sent'))
        else if (now < countsFrom + measureMs) send(wire)
        else wire.end()
      },
      closed: error => (error === null ? resolve() : reject(error))
    })
  })
  tcp.close()
  return tripOf(times)
}

/** Both stacks in this thread: what the engine, and Node's turns, take of a round trip. */
async function memory({ bytes, warmupMs, measureMs }: Timing & { bytes: number }): Promise<RoundTrip> {
  const host = new NodeHost()
  const links = pairLinks({ host, assemble: nativeGather(), verify: nativeVerify() })
  const [client, server] = links.map(link => new Stack({ link, host, noDelay: true }))
  const message = Buffer.alloc(bytes, 'ping')
  const times: number[] = []
  const countsFrom = performance.now() + warmupMs
  server.listen({ port: 7 }, connection => {
    connection.handlers = {
      readable() {
        for (let chunk = connection.read(); chunk !== undefined; chunk = connection.read()) connection.write(chunk)
      }
    }
  })
  await new Promise<void>((resolve, reject) => {
    let sentAt = 0
    const send = (connection: Connection): void => {
      sentAt = performance.now()
      connection.write(message)
    }
    const readable = (connection: Connection): void => {
      let received = 0
      for (let chunk = connection.read(); chunk !== undefined; chunk = connection.read()) received += chunk.length
      const now = performance.now()
      if (now >= countsFrom) times.push(now - sentAt)
      if (received !== bytes) reject(new Error(`${received} of ${bytes} bytes came back`))
      else if (now < countsFrom + measureMs) send(connection)
      else resolve()
    }
    client.connect({ address: '10.0.0.2', port: 7 }, { connected: send, readable })
  })
  client.close()
  server.close()
  return tripOf(times)
}

function tripOf(times: number[]): RoundTrip {
  times.sort((a, b) => a - b)
  const at = (quantile: number): number => 1000 * times[Math.floor(quantile * (times.length - 1))]
  return { p50: at(0.5), p99: at(0.99), count: times.length }
}

interface Case {
  readonly name: string
  readonly asks: Driver
  readonly answers: Driver
  readonly bytes?: number
  readonly cpu?: number
}

const KERNEL: Case = { name: 'kernel', asks: 'kernel', answers: 'kernel' }
const KERNEL_PINNED: Case = { ...KERNEL, cpu: CPU }

/** Each with what it stands beside. */
const CASES: readonly (Case & { readonly reference: Case })[] = [
  { name: 'ours asks', asks: 'ours', answers: 'kernel', reference: KERNEL },
  { name: 'ours answers', asks: 'kernel', answers: 'ours', reference: KERNEL },
  { name: 'ours answers, busy polling', asks: 'kernel', answers: 'busy', reference: KERNEL },
  { name: 'ours answers over TUN', asks: 'kernel', answers: 'tun', reference: KERNEL },
  { name: 'ours answers over TUN', asks: 'kernel', answers: 'tun', bytes: 1, reference: { ...KERNEL, bytes: 1 } },
  { name: 'ours answers over TUN, one CPU', asks: 'kernel', answers: 'tun', cpu: CPU, reference: KERNEL_PINNED },
  {
    name: 'ours answers over TUN, one CPU',
    asks: 'kernel',
    answers: 'tun',
    bytes: 1,
    cpu: CPU,
    reference: { ...KERNEL_PINNED, bytes: 1 }
  }
]

export default async function latency(context: Context): Promise<Row[]> {
  const world = cable(context)
  const start = context.partsOf<typeof parts>(import.meta.url)
  const trips = new Map<Case, RoundTrip[]>([...CASES, ...CASES.map(it => it.reference)].map(it => [it, []]))
  const inMemory = [MESSAGE_BYTES, 1].map(bytes => ({ bytes, trips: [] as RoundTrip[] }))
  try {
    for (let i = 0; i < context.repeats; i++) {
      for (const [it, of] of trips) of.push(await measure(context, world, it))
      const { warmupMs, measureMs } = context
      for (const { bytes, trips } of inMemory) {
        const part = start('memory', { bytes, warmupMs, measureMs }, { profileAs: `latency-memory-${bytes}` })
        trips.push(await part.result)
      }
    }
  } finally {
    world.remove()
  }
  const valuesOf = (of: readonly RoundTrip[] | undefined, quantile: 'p50' | 'p99'): number[] =>
    (of ?? []).map(it => it[quantile])
  const quantiles = ['p50', 'p99'] as const
  const rows = CASES.flatMap(it =>
    quantiles.map(
      (quantile): Row => ({
        name: `${sizeOf(it)}, ${it.name}, ${quantile}`,
        unit: 'µs',
        values: valuesOf(trips.get(it), quantile),
        reference: { name: `kernel to kernel, ${quantile}`, values: valuesOf(trips.get(it.reference), quantile) }
      })
    )
  )
  const memoryRows = inMemory.flatMap(({ bytes, trips }) =>
    quantiles.map(
      (quantile): Row => ({
        name: `${sizeOf({ bytes })}, in memory, ${quantile}`,
        unit: 'µs',
        values: valuesOf(trips, quantile)
      })
    )
  )
  return [...rows, ...memoryRows]
}

function sizeOf({ bytes = MESSAGE_BYTES }: { readonly bytes?: number }): string {
  return bytes === 1 ? '1 byte' : `${bytes} bytes`
}

/** On a TUN device both ends are on one host. */
async function measure(
  context: Context,
  world: World,
  { asks, answers, bytes = MESSAGE_BYTES, cpu }: Case
): Promise<RoundTrip> {
  const { warmupMs, measureMs } = context
  const start = context.partsOf<typeof parts>(import.meta.url)
  const where = (kind: Driver, role: string): { profileAs?: string; cpu?: number } => ({
    ...(kind !== 'kernel' && { profileAs: `latency-${kind}-${role}${cpu === undefined ? '' : '-pinned'}-${bytes}` }),
    ...(cpu !== undefined && { cpu })
  })
  const answering = start('echo', { kind: answers }, { namespace: world.right, ...where(answers, 'answering') })
  const port = await answering.ready
  const [namespace, address] = answers === 'tun' ? [world.right, TUN.address] : [world.left, world.rightAddress]
  const input = { kind: asks, address, port, bytes, warmupMs, measureMs }
  const trip = await start('ping', input, { namespace, ...where(asks, 'asking') }).result
  await answering.stop()
  return trip
}
