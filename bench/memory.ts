// How many segments a second go through the whole path in memory, when one thread pays for both ends?
//
// One flow, MTU 1500; every checksum is computed by the sender and verified by the receiver, by the addon or in JavaScript.
// The reference is the kernel's TCP over a loopback device of the same MTU without segmentation offload, both ends in one
// Node process: it too pays for both ends, with system calls and copies to and from user space, but for no checksum. The other
// reference is lwIP, in C, with both ends in one thread and checksums (bench/lwip).

import { nativeCut, nativeGather, nativeVerify } from '../src/link/native-gather.ts'
import { pairLinks } from '../src/link/pair.ts'
import { NodeHost } from '../src/net/host.ts'
import { Stack } from '../src/stack/stack.ts'
import { type Context, type Row, Skip, type Timing } from './support/bench.ts'
import { lwip } from './support/lwip.ts'
import { SteadyFlow } from './support/steady.ts'
import { kernelCounter, tcpOf, type Wire } from './support/tcp.ts'
import { Window } from './support/window.ts'
import { loopback } from './support/world.ts'

export interface Way {
  /** Packets are put together and their checksums looked at by the addon. */
  readonly native: boolean
  /** Up to 64 KiB pass whole, or are cut into segments and joined again by the addon, as a driver does it. */
  readonly superSegments: boolean | 'cut'
  /** The reader has a buffer of its own (`readInto`), instead of taking views. */
  readonly intoBuffer?: boolean
}

type Figure = 'dataPerSecond' | 'allPerSecond'

interface Rates {
  readonly dataPerSecond: number
  readonly allPerSecond: number
  readonly faults: string[]
}

const chunk = Buffer.alloc(64 * 1024, 'rawtcp')
/** Of both ends. Left to themselves they would grow beyond the cache, as if there were a path to fill. */
const BUFFER = 512 * 1024

export const parts = { stacks, kernel, small }

async function stacks({ native, superSegments, intoBuffer = false, ...timing }: Timing & Way): Promise<Rates> {
  const host = new NodeHost()
  const cuts = superSegments === 'cut'
  const byAddon = native ? { assemble: cuts ? nativeCut() : nativeGather(), verify: nativeVerify({ joins: cuts }) } : {}
  const buffer = new Uint8Array(64 * 1024)
  const [left, right] = pairLinks({ host, superSegments, ...byAddon })
  const buffers = { receiveBuffer: BUFFER, sendBuffer: BUFFER }
  const [sender, receiver] = [left, right].map(link => new Stack({ ...buffers, link, host }))
  const window = new Window(timing, () => {
    const sent = sender.counters().tcp
    // The receiver has nothing to say but ACKs, and the sender nothing but data.
    return {
      data: sent.segmentsSent - sent.segmentsRetransmitted,
      all: sent.segmentsSent + receiver.counters().tcp.segmentsSent
    }
  })
  let written = 0
  let received = 0

  await new Promise<void>((resolve, reject) => {
    receiver.listen({ port: 80 }, connection => {
      connection.handlers = {
        readable() {
          if (intoBuffer) {
            for (let read = connection.readInto(buffer); read > 0; read = connection.readInto(buffer)) received += read
          } else
            for (let bytes = connection.read(); bytes !== undefined; bytes = connection.read()) received += bytes.length
        },
        ended: () => connection.close()
      }
    })
    const connection = sender.connect({ address: '10.0.0.2', port: 80 })
    const write = (): void => {
      for (let taken = chunk.length; taken === chunk.length; ) {
        if (window.tick()) return connection.shutdown()
        taken = connection.write(chunk)
        written += taken
      }
    }
    connection.handlers = {
      connected: write,
      writable: write,
      closed: (_, error) => (error ? reject(error) : resolve())
    }
  })
  if (received !== written) throw new Error(`${received} of ${written} bytes arrived`)
  const faults = [...faultsOf('sender', sender), ...faultsOf('receiver', receiver)]
  sender.close()
  receiver.close()
  return { dataPerSecond: window.perSecond('data'), allPerSecond: window.perSecond('all'), faults }
}

const SMALL_TEXT = 64
const SMALL_WARMUP = 1_000_000
const SMALL_SEGMENTS = 2_000_000

/** What a small segment costs its receiver, ns of CPU time: from its arrival until the ACK has left. */
async function small(way: { segmentText: number; pushes: boolean }): Promise<number> {
  const flow = new SteadyFlow({ ...way, reads: false, superSegments: false, times: true })
  flow.run(SMALL_WARMUP)
  const from = { us: flow.receivingUs, segments: flow.segments }
  flow.run(SMALL_SEGMENTS)
  return (1e3 * (flow.receivingUs - from.us)) / (flow.segments - from.segments)
}

/** What should be zero where nothing is ever lost. */
function faultsOf(who: string, stack: Stack): string[] {
  const { tcp } = stack.counters()
  const names = Object.keys(tcp).filter(name => /^dropped|etransmi/.test(name) && tcp[name] > 0)
  return names.map(name => `${who}: ${name} ${tcp[name]}`)
}

async function kernel(timing: Timing): Promise<Rates> {
  const tcp = tcpOf('kernel')
  const window = new Window(timing, () => ({
    data: kernelCounter('netstat', 'TcpExt', 'TCPOrigDataSent'),
    all: kernelCounter('snmp', 'Tcp', 'OutSegs')
  }))
  let written = 0
  let received = 0
  const port = await tcp.listen(() => ({
    data: bytes => (received += bytes.length),
    ended: wire => wire.end()
  }))
  await new Promise<void>((resolve, reject) => {
    const write = (wire: Wire): void => {
      for (let taken = chunk.length; taken === chunk.length; ) {
        if (window.tick()) return wire.end()
        taken = wire.write(chunk)
        written += taken
      }
    }
    const closed = (error: Error | null): void => (error === null ? resolve() : reject(error))
    tcp.connect('127.0.0.1', port, { opened: write, writable: write, closed })
  })
  tcp.close()
  if (received !== written) throw new Error(`${received} of ${written} bytes arrived`)
  return { dataPerSecond: window.perSecond('data'), allPerSecond: window.perSecond('all'), faults: [] }
}

export default async function memory(context: Context): Promise<Row[]> {
  const { warmupMs, measureMs, repeats } = context
  const timing = { warmupMs, measureMs }
  const start = context.partsOf<typeof parts>(import.meta.url)
  const host = orSkipped(context, () => loopback(context))
  const library = orSkipped(context, () => lwip(context))
  const smallSegments = { alone: [] as number[], inLine: [] as number[] }
  const rates = {
    addon: [] as Rates[],
    filled: [] as Rates[],
    joined: [] as Rates[],
    whole: [] as Rates[],
    buffer: [] as Rates[],
    javascript: [] as Rates[],
    kernel: [] as Rates[],
    lwip: [] as Rates[]
  }
  try {
    for (let i = 0; i < repeats; i++) {
      const ours = (way: Way, profileAs: string): Promise<Rates> =>
        start('stacks', { ...way, ...timing }, { profileAs }).result
      rates.addon.push(await ours({ native: true, superSegments: false }, 'memory-addon'))
      const filled: Way = { native: true, superSegments: false, intoBuffer: true }
      rates.filled.push(await ours(filled, 'memory-addon-into-buffer'))
      if (host !== undefined) rates.kernel.push(await start('kernel', timing, { namespace: host }).result)
      if (library !== undefined) rates.lwip.push(await library())
      rates.javascript.push(await ours({ native: false, superSegments: false }, 'memory-javascript'))
      const joined: Way = { native: true, superSegments: 'cut', intoBuffer: true }
      rates.joined.push(await ours(joined, 'memory-cut-and-joined'))
      rates.whole.push(await ours({ native: true, superSegments: true }, 'memory-super-segments'))
      rates.buffer.push(await ours({ native: true, superSegments: true, intoBuffer: true }, 'memory-into-buffer'))
      const receiving = (pushes: boolean, profileAs: string): Promise<number> =>
        start('small', { segmentText: SMALL_TEXT, pushes }, { profileAs }).result
      smallSegments.alone.push(await receiving(true, 'memory-small'))
      smallSegments.inLine.push(await receiving(false, 'memory-small-in-line'))
    }
  } finally {
    host?.remove()
  }
  const { addon, filled, joined, whole, buffer, javascript } = rates
  const faults = [addon, filled, joined, whole, buffer, javascript].flat().flatMap(({ faults }) => faults)
  for (const fault of faults) context.remark(`memory: nothing is lost in memory, and yet ${fault}`)
  const kernelRates = host && { name: 'kernel, loopback', rates: rates.kernel }
  const lwipRates = library && { name: 'lwIP', rates: rates.lwip }
  type Reference = { readonly name: string; readonly rates: Rates[] } | undefined
  const row = (name: string, of: Rates[], figure: Figure, reference: Reference = kernelRates): Row => ({
    name,
    unit: 'segments/s',
    values: of.map(it => it[figure]),
    ...(reference && { reference: { name: reference.name, values: reference.rates.map(it => it[figure]) } })
  })
  const besideBoth = (name: string, of: Rates[]): Row[] => [
    row(name, of, 'dataPerSecond'),
    ...(lwipRates === undefined ? [] : [row(name, of, 'dataPerSecond', lwipRates)])
  ]
  return [
    ...besideBoth('data segments, checksums by the addon', rates.addon),
    row('all segments, checksums by the addon', rates.addon, 'allPerSecond'),
    ...besideBoth('data segments, checksums by the addon, into a buffer', rates.filled),
    ...besideBoth('data segments, cut and joined by the addon, into a buffer', rates.joined),
    row('data segments, super-segments on the link', rates.whole, 'dataPerSecond'),
    row('data segments, super-segments, into a buffer', rates.buffer, 'dataPerSecond'),
    { name: 'a segment of 64 bytes with PSH, from arrival to its ACK', unit: 'ns', values: smallSegments.alone },
    {
      name: 'a segment of 64 bytes in line with others, from arrival to its ACK',
      unit: 'ns',
      values: smallSegments.inLine
    },
    row('data segments, all in JavaScript', rates.javascript, 'dataPerSecond'),
    row('all segments, all in JavaScript', rates.javascript, 'allPerSecond')
  ]
}

/** Our own figures need neither privileges nor libraries. */
function orSkipped<T>(context: Context, make: () => T): T | undefined {
  if (!context.references) return undefined
  try {
    return make()
  } catch (error) {
    if (!(error instanceof Skip)) throw error
    context.remark(`memory: a reference is skipped: ${error.message}`)
    return undefined
  }
}
