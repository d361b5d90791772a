// How many bytes a second does one connection carry over a cable, ours at one end and the kernel's at the other, measured
// against the kernel's at both?
//
// Both ends are Node processes, with node:net on the kernel's side. Repeats of ours and of the reference alternate. With
// default offloads a kernel sends and receives packets of up to 64 KiB over the cable, ours sends packets of 1500 bytes on
// raw sockets. On packet sockets and over a TUN device both do as the kernel does; the reference is that of the cable.

import type { Context, Row, Timing } from './support/bench.ts'
import { type Driver, PACKET, TUN, tcpOf, type Wire } from './support/tcp.ts'
import { Window } from './support/window.ts'
import { cable, type World } from './support/world.ts'

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
  return [...(await over(context, true)), ...(await over(context, false))]
}

async function over(context: Context, segmentationOffload: boolean): Promise<Row[]> {
  const world = cable(context, { segmentationOffload })
  const offloads = segmentationOffload ? 'default offloads' : 'no segmentation offload'
  const runs = {
    sending: [] as Run[],
    reference: [] as Run[],
    receiving: [] as Run[],
    out: [] as Run[],
    into: [] as Run[],
    packetOut: [] as Run[],
    packetInto: [] as Run[]
  }
  try {
    for (let i = 0; i < context.repeats; i++) {
      runs.sending.push(await transfer(context, world, 'ours', 'kernel', offloads))
      runs.reference.push(await transfer(context, world, 'kernel', 'kernel', offloads))
      runs.receiving.push(await transfer(context, world, 'kernel', 'ours', offloads))
      if (!segmentationOffload) continue
      runs.out.push(await transfer(context, world, 'tun', 'kernel', offloads))
      runs.into.push(await transfer(context, world, 'kernel', 'tun', offloads))
      runs.packetOut.push(await transfer(context, world, 'packet', 'kernel', offloads))
      runs.packetInto.push(await transfer(context, world, 'kernel', 'packet', offloads))
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
  const reference = { name: 'kernel to kernel', values: valuesOf('kernel to kernel', runs.reference) }
  const row = (name: string, of: Run[]): Row => ({
    name: `${name}, ${offloads}`,
    unit: 'MB/s',
    values: valuesOf(name, of),
    reference
  })
  const rows = [row('ours to kernel', runs.sending), row('kernel to ours', runs.receiving)]
  if (segmentationOffload) {
    rows.push(row('ours on TUN to kernel', runs.out), row('kernel to ours on TUN', runs.into))
    rows.push(row('ours on a packet socket to kernel', runs.packetOut))
    rows.push(row('kernel to ours on a packet socket', runs.packetInto))
  }
  return rows
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
    { kind: from, address, port, forMs: warmupMs + measureMs + SPARE_MS },
    { namespace: here, ...profile(from, 'sending') }
  )
  const [sent, received] = await Promise.all([sender.result, receiver.result])
  if (sent.bytes !== received.bytes) throw new Error(`${received.bytes} of ${sent.bytes} bytes arrived`)
  return { megabytesPerSecond: received.bytesPerSecond / 1e6, retransmissions: sent.retransmissions }
}
