// How long does a message of 64 bytes take to the other host and back?
//
// One message is under way at a time, over a cable between two namespaces, Node processes at both ends.

import type { Context, Row, Timing } from './support/bench.ts'
import type { Control } from './support/parts.ts'
import { type Driver, tcpOf, type Wire } from './support/tcp.ts'
import { cable, type World } from './support/world.ts'

interface RoundTrip {
  readonly p50: number
  readonly p99: number
  readonly count: number
}

const MESSAGE_BYTES = 64

export const parts = { echo, ping }

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
  warmupMs,
  measureMs
}: Timing & { kind: Driver; address: string; port: number }): Promise<RoundTrip> {
  const tcp = tcpOf(kind)
  const message = Buffer.alloc(MESSAGE_BYTES, 'ping')
  const times: number[] = []
  const countsFrom = performance.now() + warmupMs
  let sentAt = 0
  let missing = 0
  await new Promise<void>((resolve, reject) => {
    const send = (wire: Wire): void => {
      missing = MESSAGE_BYTES
      sentAt = performance.now()
      wire.write(message)
    }
    tcp.connect(address, port, {
      opened: send,
      data(bytes, wire) {
        missing -= bytes.length
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
  times.sort((a, b) => a - b)
  const at = (quantile: number): number => 1000 * times[Math.floor(quantile * (times.length - 1))]
  return { p50: at(0.5), p99: at(0.99), count: times.length }
}

export default async function latency(context: Context): Promise<Row[]> {
  const world = cable(context)
  const trips = {
    client: [] as RoundTrip[],
    reference: [] as RoundTrip[],
    server: [] as RoundTrip[],
    busy: [] as RoundTrip[]
  }
  try {
    for (let i = 0; i < context.repeats; i++) {
      trips.client.push(await measure(context, world, 'ours', 'kernel'))
      trips.reference.push(await measure(context, world, 'kernel', 'kernel'))
      trips.server.push(await measure(context, world, 'kernel', 'ours'))
      trips.busy.push(await measure(context, world, 'kernel', 'busy'))
    }
  } finally {
    world.remove()
  }
  const row = (name: string, of: RoundTrip[], quantile: 'p50' | 'p99'): Row => ({
    name: `64 bytes, ${name}, ${quantile}`,
    unit: 'µs',
    values: of.map(it => it[quantile]),
    reference: { name: `kernel to kernel, ${quantile}`, values: trips.reference.map(it => it[quantile]) }
  })
  return [
    row('ours asks', trips.client, 'p50'),
    row('ours asks', trips.client, 'p99'),
    row('ours answers', trips.server, 'p50'),
    row('ours answers', trips.server, 'p99'),
    row('ours answers, busy polling', trips.busy, 'p50'),
    row('ours answers, busy polling', trips.busy, 'p99')
  ]
}

async function measure(context: Context, world: World, client: Driver, server: Driver): Promise<RoundTrip> {
  const { warmupMs, measureMs } = context
  const start = context.partsOf<typeof parts>(import.meta.url)
  const profile = (kind: Driver, role: string): { profileAs?: string } =>
    kind !== 'kernel' ? { profileAs: `latency-${kind}-${role}` } : {}
  const answering = start('echo', { kind: server }, { namespace: world.right, ...profile(server, 'answering') })
  const port = await answering.ready
  const asking = start(
    'ping',
    { kind: client, address: world.rightAddress, port, warmupMs, measureMs },
    { namespace: world.left, ...profile(client, 'asking') }
  )
  const trip = await asking.result
  await answering.stop()
  return trip
}
