// While SYNs pour in from addresses that nobody has, as many as one core can send, does a server still let its clients in?
//
// The clients are programs on the kernel's TCP. Each opens a connection, asks, and is answered; between them they come all
// through the measurement. What is lost on the way the client's kernel sends again after one second, two, four. The server
// is at first ours, then the kernel's with its default of SYN cookies: in its case the CPU of the flood also does the
// work of answering, which slows the flood.

import { TX_HEADER_ROOM, TX_STRIDE, TxBatch } from '../src/link/link.ts'
import { RawLink } from '../src/link/raw.ts'
import { Random } from '../src/random.ts'
import { parseAddress } from '../src/wire/address.ts'
import { IPV4_HEADER_LENGTH, PROTOCOL_TCP, writeIpv4Header } from '../src/wire/ipv4.ts'
import { Segment, SYN } from '../src/wire/segment.ts'
import { writeTcpHeader } from '../src/wire/tcp.ts'
import type { Context, Row, Timing } from './support/bench.ts'
import type { Control } from './support/parts.ts'
import { type Kind, tcpOf } from './support/tcp.ts'
import { cable, type World } from './support/world.ts'

const CLIENTS = 200
const MESSAGE_BYTES = 64
/** A client that has not been served after that long counts as turned away. */
const PATIENCE_MS = 40_000
const BATCH_PACKETS = 256
/** Then the event loop has its turn. */
const BATCHES_A_TURN = 8
/** Set aside for measurements (RFC 2544); the way back leads to the sender, who drops what comes. */
const SPOOFED = '198.18.0.0'
const SPOOFED_PREFIX = 15

interface Flood {
  readonly synsPerSecond: number
}

interface Served {
  readonly clients: number
  /** From `connect` to the response, of those who got one, ms. */
  readonly times: readonly number[]
}

interface Result extends Flood, Served {
  readonly growthMiB: number
}

export const parts = { serve, flood, visit }

/** Answers by how much its memory had grown at most, bytes. */
async function serve({ kind }: { kind: Kind }, control: Control): Promise<{ growth: number }> {
  const tcp = tcpOf(kind)
  const response = Buffer.alloc(MESSAGE_BYTES, 'response')
  const port = await tcp.listen(() => {
    let missing = MESSAGE_BYTES
    return {
      data(bytes, wire) {
        missing -= bytes.length
        if (missing <= 0) wire.write(response)
      },
      ended: wire => wire.end()
    }
  })
  const before = process.memoryUsage.rss()
  let most = before
  const sampler = setInterval(() => (most = Math.max(most, process.memoryUsage.rss())), 50)
  control.ready(port)
  await control.stopped
  clearInterval(sampler)
  tcp.close()
  return { growth: most - before }
}

async function flood({ address, port }: { address: string; port: number }, control: Control): Promise<Flood> {
  const link = new RawLink()
  const batch = new TxBatch(BATCH_PACKETS, [])
  const random = new Random(1)
  const target = parseAddress(address) as number
  const began = performance.now()
  let mustEnd = false
  control.stopped.then(() => (mustEnd = true))
  await new Promise<void>(resolve => {
    const sendSome = (): void => {
      for (let i = 0; i < BATCHES_A_TURN && !link.congested; i++) {
        forge(batch, target, port, random)
        link.send(batch)
      }
      if (mustEnd) resolve()
      else if (!link.congested) setImmediate(sendSome)
    }
    link.start({ packetsArrived() {}, linkWritable: sendSome })
    sendSome()
    control.ready()
  })
  const synsPerSecond = (1000 * link.counters().sentPackets) / (performance.now() - began)
  link.close()
  return { synsPerSecond }
}

/** A batch full of SYNs as a Linux host sends them, each from another address, port and sequence number. */
function forge(batch: TxBatch, target: number, port: number, random: Random): void {
  const segment = new Segment()
  const network = parseAddress(SPOOFED) as number
  for (batch.count = 0; batch.count < BATCH_PACKETS; batch.count++) {
    const header = batch.count * TX_HEADER_ROOM
    const source = network | random.int(2 ** (32 - SPOOFED_PREFIX))
    Object.assign(segment, { sourcePort: 1024 + random.int(64_000), destinationPort: port, flags: SYN, window: 64_240 })
    Object.assign(segment, { mss: 1460, sackPermitted: true, hasTimestamps: true, windowScale: 7 })
    segment.seq = random.uint32() | 0
    segment.tsVal = random.uint32() | 0
    const length = IPV4_HEADER_LENGTH + writeTcpHeader(batch.headerView, header + IPV4_HEADER_LENGTH, segment)
    writeIpv4Header(batch.headerView, header, length, 0, 0, true, 64, PROTOCOL_TCP, source, target)
    batch.table.set([header, length, 0, 0, 0, 0, 0, 0], batch.count * TX_STRIDE)
  }
}

async function visit({ address, port, measureMs }: Timing & { address: string; port: number }): Promise<Served> {
  const tcp = tcpOf('kernel')
  const request = Buffer.alloc(MESSAGE_BYTES, 'request')
  const one = async (afterMs: number): Promise<number | undefined> => {
    await sleep(afterMs)
    const began = performance.now()
    let received = 0
    const served = new Promise<number | undefined>(resolve => {
      tcp.connect(address, port, {
        opened: wire => wire.write(request),
        data(bytes, wire) {
          received += bytes.length
          if (received < MESSAGE_BYTES) return
          resolve(performance.now() - began)
          wire.end()
        },
        closed: () => resolve(undefined)
      })
    })
    return Promise.race([served, sleep(PATIENCE_MS)])
  }
  const all = await Promise.all(Array.from({ length: CLIENTS }, (_, i) => one((i * measureMs) / CLIENTS)))
  const times = all.filter(it => it !== undefined)
  // Some still try, or try to close: what is lost on the way goes again after seconds.
  setTimeout(() => process.exit(), 1000).unref()
  return { clients: times.length, times }
}

function sleep(ms: number): Promise<undefined> {
  return new Promise(resolve => setTimeout(resolve, ms, undefined).unref())
}

export default async function flooded(context: Context): Promise<Row[]> {
  const world = cable(context)
  world.right.ip(`route add ${SPOOFED}/${SPOOFED_PREFIX} via ${world.leftAddress}`)
  for (const name of ['all', 'v0']) world.right.setSysctl(`net/ipv4/conf/${name}/rp_filter`, 0)
  const results: Record<Kind, Result[]> = { ours: [], kernel: [] }
  try {
    for (let i = 0; i < context.repeats; i++) {
      for (const kind of ['ours', 'kernel'] as const) results[kind].push(await measure(context, world, kind))
    }
  } finally {
    world.remove()
  }
  const row = (name: string, unit: string, figure: (result: Result) => number): Row => ({
    name,
    unit,
    values: results.ours.map(figure),
    reference: { name: 'kernel', values: results.kernel.map(figure) }
  })
  return [
    row(`clients served, of ${CLIENTS}`, 'clients', it => it.clients),
    row('a client is served, p50', 'ms', it => quantile(it.times, 0.5)),
    row('a client is served, p99', 'ms', it => quantile(it.times, 0.99)),
    row('SYNs sent meanwhile', 'SYNs/s', it => it.synsPerSecond),
    row("growth of the server's process", 'MiB', it => it.growthMiB)
  ]
}

async function measure(context: Context, world: World, kind: Kind): Promise<Result> {
  const { warmupMs, measureMs } = context
  const start = context.partsOf<typeof parts>(import.meta.url)
  const where = { namespace: world.right, ...(kind === 'ours' ? { profileAs: 'flood-server' } : {}) }
  const server = start('serve', { kind }, where)
  const target = { address: world.rightAddress, port: await server.ready }
  const attacker = start('flood', target, { namespace: world.left })
  await attacker.ready
  await sleep(warmupMs)
  const served = await start('visit', { ...target, warmupMs, measureMs }, { namespace: world.left }).result
  const { synsPerSecond } = await attacker.stop()
  const { growth } = await server.stop()
  return { ...served, synsPerSecond, growthMiB: growth / 2 ** 20 }
}

function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN
}
