// What does a packet cost in our driver over raw sockets, and what in the one over the package raw-socket?
//
// TCP segments with 64 bytes of text, sent as fast as the driver takes them: to an address on the cable that nobody has, and
// to a host where a driver receives them. Above them is no stack. CPU time is that of the process, in the kernel too: that
// of the sender covers the packet's way into the other host, and no packets come faster than our own driver sends them. The
// second reference is a loop in C++ over the same system calls (bench/costless).

import { type Link, type RxBatch, TX_HEADER_ROOM, TX_STRIDE, TxBatch } from '../src/link/link.ts'
import { RawLink } from '../src/link/raw.ts'
import { RawSocketLink } from '../src/link/raw-socket.ts'
import { parseAddress } from '../src/wire/address.ts'
import { IPV4_HEADER_LENGTH, PROTOCOL_TCP, writeIpv4Header } from '../src/wire/ipv4.ts'
import { ACK, Segment } from '../src/wire/segment.ts'
import { TCP_HEADER_LENGTH, writeTcpHeader } from '../src/wire/tcp.ts'
import type { Context, Row, Timing } from './support/bench.ts'
import { costlessFlood, costlessTakes } from './support/costless.ts'
import type { Control } from './support/parts.ts'
import { cpuMicroseconds, Window } from './support/window.ts'
import { cable, type World } from './support/world.ts'

type Driver = 'raw' | 'raw-socket'

/** The calls are those of `raw`, without it. */
type Measured = Driver | 'calls'

interface Cost {
  readonly perSecond: number
  /** CPU time for one packet. */
  readonly microseconds: number
}

const PORT = 4000
const TEXT_BYTES = 64
const BATCH_PACKETS = 64
/** Then the event loop has its turn. */
const BATCHES_A_TURN = 16
/** On the cable's network, and no host's. */
const NOBODY = '10.98.0.99'

export const parts = { send, receive }

async function send(
  { driver, source, destination, ...timing }: Timing & { driver: Driver; source: string; destination: string },
  control: Control
): Promise<Cost> {
  const link = open(driver)
  const batch = packets(source, destination)
  const window = new Window(timing, () => ({ packets: link.counters().sentPackets, cpu: cpuMicroseconds() }))
  let mustEnd = false
  control.stopped.then(() => (mustEnd = true))
  await new Promise<void>(resolve => {
    const sendSome = (): void => {
      for (let i = 0; i < BATCHES_A_TURN && !link.congested; i++) link.send(batch)
      // A flood for a receiver goes on until that has measured.
      if (mustEnd || window.tick()) resolve()
      else if (!link.congested) setImmediate(sendSome)
    }
    link.start({ packetsArrived() {}, linkWritable: sendSome })
    sendSome()
  })
  link.close()
  return mustEnd ? { perSecond: 0, microseconds: 0 } : costOf(window)
}

async function receive({ driver, ...timing }: Timing & { driver: Driver }, control: Control): Promise<Cost> {
  const link = open(driver)
  let packets = 0
  const window = new Window(timing, () => ({ packets, cpu: cpuMicroseconds() }))
  await new Promise<void>(resolve => {
    const packetsArrived = (batch: RxBatch): void => {
      packets += batch.count
      if (window.tick()) resolve()
    }
    link.start({ packetsArrived, linkWritable() {} })
    link.guard?.claim(0, PORT)
    control.ready()
  })
  link.close()
  return costOf(window)
}

/** Held here: the package raw-socket lets a socket be collected as garbage while it is open. */
const opened: Link[] = []

function open(driver: Driver): Link {
  const link = driver === 'raw' ? new RawLink() : new RawSocketLink()
  opened.push(link)
  return link
}

function costOf(window: Window<'packets' | 'cpu'>): Cost {
  return { perSecond: window.perSecond('packets'), microseconds: window.growth('cpu') / window.growth('packets') }
}

function packets(source: string, destination: string): TxBatch {
  const batch = new TxBatch(BATCH_PACKETS, [new Uint8Array(TEXT_BYTES).fill(0x61)])
  const segment = new Segment()
  Object.assign(segment, { sourcePort: PORT, destinationPort: PORT, flags: ACK, window: 1000 })
  for (; batch.count < BATCH_PACKETS; batch.count++) {
    const header = batch.count * TX_HEADER_ROOM
    const headerLength = IPV4_HEADER_LENGTH + TCP_HEADER_LENGTH
    const length = headerLength + TEXT_BYTES
    const [from, to] = [parseAddress(source) as number, parseAddress(destination) as number]
    writeIpv4Header(batch.headerView, header, length, 0, batch.count, true, 64, PROTOCOL_TCP, from, to)
    writeTcpHeader(batch.headerView, header + IPV4_HEADER_LENGTH, segment)
    batch.table.set([header, headerLength, 0, 0, TEXT_BYTES, 0, 0, 0], batch.count * TX_STRIDE)
  }
  return batch
}

export default async function drivers(context: Context): Promise<Row[]> {
  const world = cable(context)
  const macAddress = world.right.run('cat', '/sys/class/net/v0/address').trim()
  world.left.ip(`neighbour add ${NOBODY} lladdr ${macAddress} dev v0`)
  const sending: Record<Measured, Cost[]> = { raw: [], 'raw-socket': [], calls: [] }
  const receiving: Record<Measured, Cost[]> = { raw: [], 'raw-socket': [], calls: [] }
  try {
    for (let i = 0; i < context.repeats; i++) {
      for (const driver of ['raw', 'raw-socket'] as const) {
        sending[driver].push(await measureSending(context, world, driver))
        receiving[driver].push(await measureReceiving(context, world, driver))
      }
      sending.calls.push(await costlessFlood(world, NOBODY, PORT, timingOf(context)))
      receiving.calls.push(await measureTaking(context, world))
    }
  } finally {
    world.remove()
  }
  const references = { 'package raw-socket': 'raw-socket', 'same calls in C++': 'calls' } as const
  const rows = (name: string, unit: string, costs: Record<Measured, Cost[]>, figure: keyof Cost): Row[] =>
    Object.entries(references).map(([reference, of]) => ({
      name,
      unit,
      values: costs.raw.map(it => it[figure]),
      reference: { name: reference, values: costs[of].map(it => it[figure]) }
    }))
  return [
    ...rows(`sent, ${TEXT_BYTES} bytes of text`, 'packets/s', sending, 'perSecond'),
    ...rows('CPU time for each sent', 'µs', sending, 'microseconds'),
    ...rows(`received, ${TEXT_BYTES} bytes of text`, 'packets/s', receiving, 'perSecond'),
    ...rows('CPU time for each received', 'µs', receiving, 'microseconds')
  ]
}

function measureSending(context: Context, world: World, driver: Driver): Promise<Cost> {
  const start = context.partsOf<typeof parts>(import.meta.url)
  const input = { driver, source: world.leftAddress, destination: NOBODY, ...timingOf(context) }
  return start('send', input, { namespace: world.left, profileAs: `drivers-sending-${driver}` }).result
}

async function measureReceiving(context: Context, world: World, driver: Driver): Promise<Cost> {
  const start = context.partsOf<typeof parts>(import.meta.url)
  const where = { namespace: world.right, profileAs: `drivers-receiving-${driver}` }
  const receiver = start('receive', { driver, ...timingOf(context) }, where)
  await receiver.ready
  return underFlood(context, world, receiver.result)
}

async function measureTaking(context: Context, world: World): Promise<Cost> {
  const { run } = await costlessTakes(world, PORT, timingOf(context))
  return underFlood(context, world, run)
}

async function underFlood(context: Context, world: World, receiver: Promise<Cost>): Promise<Cost> {
  const start = context.partsOf<typeof parts>(import.meta.url)
  const endless = { warmupMs: 0, measureMs: Number.MAX_SAFE_INTEGER }
  const [source, destination] = [world.leftAddress, world.rightAddress]
  const flood = start('send', { driver: 'raw', source, destination, ...endless }, { namespace: world.left })
  const cost = await receiver
  await flood.stop()
  return cost
}

function timingOf({ warmupMs, measureMs }: Context): Timing {
  return { warmupMs, measureMs }
}
