// How many bytes a second does one connection carry over a cable, ours at one end and the kernel's at the other, measured
// against the kernel's at both? And over loopback, whose MTU of 64 KiB lets a raw socket send as much at once as a kernel?
//
// Both ends are Node processes, with node:net on the kernel's side. Repeats of ours and of the reference alternate. With
// default offloads a kernel sends and receives packets of up to 64 KiB over the cable, ours sends packets of 1500 bytes on
// raw sockets. On packet sockets and over a TUN device both do as the kernel does; the reference is that of the cable.
//
// The second reference of each is what the driver's system calls can carry: a program at the place of ours, with a TCP that
// costs nothing (bench/costless).

import type { Context, Row, Timing } from './support/bench.ts'
import { type CostlessDriver, costlessAddress, costlessReceives, costlessSends } from './support/costless.ts'
import { type Driver, PACKET, TUN, tcpOf, type Wire } from './support/tcp.ts'
import { Window } from './support/window.ts'
import { cable, type World, widestLoopback } from './support/world.ts'

interface Received {
  readonly bytes: number
  readonly bytesPerSecond: number
}

interface Sent {
  readonly bytes: number
  readonly retransmissions: number
}

interface Run {
  readonly megabytesPerSecond: number
  readonly retransmissions: number
}

const CHUNK_BYTES = 64 * 1024
/** The sender goes on until the receiver has measured. */
const SPARE_MS = 300

/** On raw sockets, on a TUN device, on packet sockets with an address of their own and with the host's. */
const DRIVERS = [
  { driver: 'ours', costless: 'raw', name: '' },
  { driver: 'tun', costless: 'tun', name: ' on TUN' },
  { driver: 'packet', costless: 'packet', name: ' on a packet socket' },
  { driver: 'host-packet', costless: 'packet', name: ' on a packet socket, the host’s address' }
] as const

export const parts = { receive, send }

async function receive(
  { kind, ...timing }: Timing & { kind: Driver },
  control: { ready(port: number): void }
): Promise<Received> {
  const tcp = tcpOf(kind)
  let bytes = 0
  const window = new Window(timing, () => ({ bytes }))
  await new Promise<void>((resolve, reject) => {
    const accept = () => ({
      data(chunk: Uint8Array) {
        bytes += chunk.length
        window.tick()
      },
      ended: (wire: Wire) => wire.end(),
      closed: (error: Error | null) => (error === null ? resolve() : reject(error))
    })
    tcp.listen(accept).then(port => control.ready(port), reject)
  })
  tcp.close()
  return { bytes, bytesPerSecond: window.perSecond('bytes') }
}

async function send({
  kind,
  address,
  port,
  forMs
}: {
  kind: Driver
  address: string
  port: number
  forMs: number
}): Promise<Sent> {
  const tcp = tcpOf(kind)
  const chunk = Buffer.alloc(CHUNK_BYTES, 'rawtcp')
  let endsAt = Number.POSITIVE_INFINITY
  let bytes = 0
  await new Promise<void>((resolve, reject) => {
    const write = (wire: Wire): void => {
      for (let taken = chunk.length; taken === chunk.length; ) {
        if (performance.now() >= endsAt) return wire.end()
        taken = wire.write(chunk)
        bytes += taken
      }
    }
    const closed = (error: Error | null): void => (error === null ? resolve() : reject(error))
    // What a link does before the first segment, ask for an address say, is no part of the run.
    const opened = (wire: Wire): void => {
      endsAt = performance.now() + forMs
      write(wire)
    }
    tcp.connect(address, port, { opened, writable: write, closed })
  })
  const retransmissions = tcp.retransmissions()
  tcp.close()
  return { bytes, retransmissions }
}

export default async function bulk(context: Context): Promise<Row[]> {
  return [...(await over(context, true)), ...(await over(context, false)), ...(await overLoopback(context))]
}

async function overLoopback(context: Context): Promise<Row[]> {
  const world = widestLoopback(context)
  const ways = [
    { from: 'ours', to: 'kernel', megabytes: [] as number[] },
    { from: 'kernel', to: 'ours', megabytes: [] as number[] },
    { from: 'kernel', to: 'kernel', megabytes: [] as number[] }
  ] as const
  try {
    for (let i = 0; i < context.repeats; i++) {
      for (const { from, to, megabytes } of ways) {
        if (!context.references && from === to) continue
        megabytes.push((await transfer(context, world, from, to, 'loopback')).megabytesPerSecond)
      }
    }
  } finally {
    world.remove()
  }
  const [out, into, kernel] = ways.map(({ from, to, megabytes }) => ({
    name: `${from} to ${to}, loopback, MTU 64 KiB`,
    values: megabytes
  }))
  return [out, into].map(row => ({
    ...row,
    unit: 'MB/s',
    ...(context.references && { reference: { ...kernel, name: 'kernel to kernel' } })
  }))
}

async function over(context: Context, segmentationOffload: boolean): Promise<Row[]> {
  const world = cable(context, { segmentationOffload })
  const offloads = segmentationOffload ? 'default offloads' : 'no segmentation offload'
  const kernel: Run[] = []
  const drivers = DRIVERS.filter(each => segmentationOffload || each.driver === 'ours').map(each => ({
    ...each,
    out: [] as Run[],
    into: [] as Run[],
    costlessOut: [] as number[],
    costlessInto: [] as number[]
  }))
  try {
    for (let i = 0; i < context.repeats; i++) {
      if (context.references) kernel.push(await transfer(context, world, 'kernel', 'kernel', offloads))
      for (const { driver, costless, out, into, costlessOut, costlessInto } of drivers) {
        out.push(await transfer(context, world, driver, 'kernel', offloads))
        if (context.references) costlessOut.push(await costlessToKernel(context, world, costless))
        into.push(await transfer(context, world, 'kernel', driver, offloads))
        if (context.references) costlessInto.push(await kernelToCostless(context, world, costless))
      }
    }
  } finally {
    world.remove()
  }
  const valuesOf = (name: string, of: Run[]): number[] => {
    const counts = of.map(it => it.retransmissions)
    // Few are tail loss probes, gone with tcp_early_retrans at 0: no packet was lost. Hundreds would be something else.
    if (counts.some(it => it > 0))
      context.remark(`bulk: ${name}, ${offloads}: sent again: ${counts.join(', ')} segments`)
    return of.map(it => it.megabytesPerSecond)
  }
  const ofKernel = { name: 'kernel to kernel', values: valuesOf('kernel to kernel', kernel) }
  return drivers.flatMap(({ name, out, into, costlessOut, costlessInto }) => {
    const ways = [
      { what: `ours${name} to kernel`, runs: out, limit: costlessOut },
      { what: `kernel to ours${name}`, runs: into, limit: costlessInto }
    ]
    return ways.flatMap(({ what, runs, limit }): Row[] => {
      const row = { name: `${what}, ${offloads}`, unit: 'MB/s', values: valuesOf(what, runs) }
      if (!context.references) return [row]
      return [
        { ...row, reference: ofKernel },
        { ...row, reference: { name: 'no TCP, same calls', values: limit } }
      ]
    })
  })
}

/** A costless receiver's sender is not told when to end: it goes on for as long as all others. */
async function kernelToCostless(context: Context, world: World, driver: CostlessDriver): Promise<number> {
  const times = timesOf(context)
  const { port, run } = await costlessReceives(driver, world, times)
  const start = context.partsOf<typeof parts>(import.meta.url)
  const namespace = driver === 'tun' ? world.right : world.left
  const address = costlessAddress(driver, world)
  const sender = start('send', { kind: 'kernel', address, port, forMs: times.forMs }, { namespace })
  const [{ bytesPerSecond, missing }] = await Promise.all([run, sender.result])
  if (missing > 0) context.remark(`bulk: kernel to no TCP, ${driver}: ${missing} bytes never came`)
  return bytesPerSecond / 1e6
}

async function costlessToKernel(context: Context, world: World, driver: CostlessDriver): Promise<number> {
  const { warmupMs, measureMs } = context
  const start = context.partsOf<typeof parts>(import.meta.url)
  const receiver = start('receive', { kind: 'kernel', warmupMs, measureMs }, { namespace: world.right })
  const run = costlessSends(driver, world, await receiver.ready, timesOf(context))
  const [{ bytes, wentBack }, received] = await Promise.all([run, receiver.result])
  if (bytes !== received.bytes) throw new Error(`No TCP, ${driver}: ${received.bytes} of ${bytes} bytes arrived`)
  if (wentBack > 0) context.remark(`bulk: no TCP to kernel, ${driver}: began again ${wentBack} times`)
  return received.bytesPerSecond / 1e6
}

function timesOf({ warmupMs, measureMs }: Timing): { warmupMs: number; measureMs: number; forMs: number } {
  return { warmupMs, measureMs, forMs: warmupMs + measureMs + SPARE_MS }
}

function addressOf(receiver: Driver, onDevice: boolean, world: World): string {
  if (receiver === 'packet') return PACKET.address
  if (!onDevice) return world.rightAddress
  return receiver === 'tun' ? TUN.address : TUN.hostAddress
}

async function transfer(context: Context, world: World, from: Driver, to: Driver, offloads: string): Promise<Run> {
  const { warmupMs, measureMs } = context
  const start = context.partsOf<typeof parts>(import.meta.url)
  const profile = (kind: Driver, role: string): { profileAs?: string } =>
    kind === 'kernel' ? {} : { profileAs: `bulk-${kind}-${role}-${offloads.replaceAll(' ', '-')}` }
  // On a TUN device both ends are on one host.
  const onDevice = from === 'tun' || to === 'tun'
  const here = onDevice ? world.right : world.left
  const address = addressOf(to, onDevice, world)

  const receiver = start(
    'receive',
    { kind: to, warmupMs, measureMs },
    { namespace: world.right, ...profile(to, 'receiving') }
  )
  const port = await receiver.ready
  const sender = start(
    'send',
    { kind: from, address, port, forMs: timesOf(context).forMs },
    { namespace: here, ...profile(from, 'sending') }
  )
  const [sent, received] = await Promise.all([sender.result, receiver.result])
  if (sent.bytes !== received.bytes) throw new Error(`${received.bytes} of ${sent.bytes} bytes arrived`)
  return { megabytesPerSecond: received.bytesPerSecond / 1e6, retransmissions: sent.retransmissions }
}
