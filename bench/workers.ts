// How much more do two members do than one, worker threads or processes with a stack in each?
//
// In memory each has both ends of a connection of its own: this is what the machine lets two do, and whether ours share anything
// that holds them back. Per CPU second it is the process's, with V8's own threads: a reader who takes views has them collect memory on
// the second CPU, which is free as long as there is one worker.
//
// Over a cable and a TUN device members share an address, and answer the requests of clients on the kernel's TCP, which need the same
// CPUs. What these allow at most is noted: with some work for each request (the hash of 256 KiB) the servers are what holds it
// back, with requests that cost no more than their transport the client is, as long as there are two CPUs.

import { availableParallelism } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import { TunQueues } from '../src/index.ts'
import type { Context, Row, Timing } from './support/bench.ts'
import type { PairTask } from './support/member.ts'
import { type Kind, Members } from './support/members.ts'
import type { Control } from './support/parts.ts'
import { median } from './support/report.ts'
import { TUN, tcpOf } from './support/tcp.ts'
import { cpuMicroseconds, Window } from './support/window.ts'
import { cable, type World } from './support/world.ts'

type Driver = 'raw' | 'tun'

interface Crew {
  readonly kind: Kind
  readonly members: number
}

interface Served extends Crew {
  readonly driver: Driver
  readonly workBytes: number
}

const CONNECTIONS = 64
const PORT = 80
const MESSAGE_BYTES = 64
const WORK_BYTES = 256 * 1024

/** V8 compiles on threads of its own for two seconds, and two members have no CPU to spare for that. */
const WARM_UPS_IN_MEMORY = 4

const IN_MEMORY = [
  { kind: 'workers', reader: 'into a buffer', way: { native: true, superSegments: 'cut', intoBuffer: true } },
  { kind: 'workers', reader: 'views', way: { native: true, superSegments: false } },
  { kind: 'processes', reader: 'views', way: { native: true, superSegments: false } }
] as const

const REQUESTS = [
  { kind: 'workers', driver: 'raw', workBytes: WORK_BYTES },
  { kind: 'workers', driver: 'tun', workBytes: WORK_BYTES },
  { kind: 'processes', driver: 'tun', workBytes: WORK_BYTES },
  { kind: 'workers', driver: 'raw', workBytes: 0 },
  { kind: 'workers', driver: 'tun', workBytes: 0 }
] as const

export const parts = { inMemory, serve, ask }

interface Rates {
  readonly perSecond: number
  readonly perCpuSecond: number
}

/** Data segments of all members. */
async function inMemory({ kind, members: count, ...pair }: PairTask & Crew): Promise<Rates> {
  const members = await Members.start(kind, count, () => ({ pair }))
  const [rates, cpus] = await Promise.all([members.go(), busyCpus(pair)])
  const perSecond = rates.reduce((sum, each) => sum + each)
  return { perSecond, perCpuSecond: perSecond / cpus }
}

/** How many this process, with all its threads, keeps busy once it is warm. */
async function busyCpus({ warmupMs, measureMs }: Timing): Promise<number> {
  await delay(warmupMs)
  const [beganAt, before] = [performance.now(), cpuMicroseconds()]
  await delay(measureMs)
  return (cpuMicroseconds() - before) / 1000 / (performance.now() - beganAt)
}

async function serve({ kind, driver, members: of, workBytes }: Served, control: Control): Promise<void> {
  const queues = driver === 'tun' ? new TunQueues({ hostAddress: TUN.hostAddress, of }) : undefined
  const members = await Members.start(kind, of, index => ({
    serve: {
      ...(queues && { fd: queues.fds[index] }),
      share: { index, of },
      port: PORT,
      messageBytes: MESSAGE_BYTES,
      workBytes
    }
  }))
  control.ready(PORT)
  await control.stopped
  await members.go()
  queues?.close()
}

interface Asked {
  readonly perSecond: number
  /** CPUs that the client keeps busy. */
  readonly busyCpus: number
}

/** Has one request under way on each connection. */
async function ask({ address, ...timing }: Timing & { address: string }): Promise<Asked> {
  const tcp = tcpOf('kernel')
  const request = Buffer.alloc(MESSAGE_BYTES, 'request')
  let answered = 0
  const window = new Window(timing, () => ({ answered, cpuSeconds: cpuMicroseconds() / 1e6 }))
  window.tick()
  const one = (): Promise<void> =>
    new Promise((resolve, reject) => {
      let missing = MESSAGE_BYTES
      tcp.connect(address, PORT, {
        opened: wire => wire.write(request),
        data(bytes, wire) {
          missing -= bytes.length
          if (missing > 0) return
          missing += MESSAGE_BYTES
          answered++
          if (window.tick()) wire.end()
          else wire.write(request)
        },
        closed: error => (error === null ? resolve() : reject(error))
      })
    })
  await Promise.all(Array.from({ length: CONNECTIONS }, one))
  return { perSecond: window.perSecond('answered'), busyCpus: window.perSecond('cpuSeconds') }
}

export default async function workers(context: Context): Promise<Row[]> {
  const rows: Row[] = []
  for (const { kind, reader, way } of IN_MEMORY) {
    const [one, two] = await inTurns(context, members => memory(context, { kind, members, ...way }))
    const name = `two ${kind} in memory, ${reader}`
    rows.push(against(name, 'segments/s', one, two, 'perSecond'))
    if (kind === 'workers') rows.push(against(name, 'segments/CPU s', one, two, 'perCpuSecond'))
  }
  const world = cable(context)
  try {
    for (const { kind, driver, workBytes } of REQUESTS) {
      const [one, two] = await inTurns(context, members =>
        requests(context, world, { kind, driver, workBytes, members })
      )
      const where = driver === 'raw' ? 'raw sockets' : 'TUN'
      const name = `two ${kind} on ${where}, requests ${workBytes > 0 ? 'with' : 'without'} work`
      rows.push(against(name, 'requests/s', one, two, 'perSecond'))
      const most = mostOfTwo(median(one.map(it => it.busyCpus)))
      context.remark(`${name}: beside the client the CPUs allow ${most.toFixed(2)} x.`)
    }
  } finally {
    world.remove()
  }
  return rows
}

/** What two can do at most, by what one does that is always busy: the client's share grows with it. */
function mostOfTwo(clientCpus: number): number {
  return Math.min(2, availableParallelism() / (1 + clientCpus))
}

/** Of one member, and of two. */
async function inTurns<T>({ repeats }: Context, run: (members: number) => Promise<T>): Promise<[T[], T[]]> {
  const [one, two]: [T[], T[]] = [[], []]
  for (let i = 0; i < repeats; i++) {
    one.push(await run(1))
    two.push(await run(2))
  }
  return [one, two]
}

function against<K extends string, T extends Record<K, number>>(
  name: string,
  unit: string,
  one: readonly T[],
  two: readonly T[],
  figure: K
): Row {
  const reference = { name: 'one of them', values: one.map(it => it[figure]) }
  return { name, unit, values: two.map(it => it[figure]), reference }
}

function memory(context: Context, pair: Omit<PairTask, keyof Timing> & Crew): Promise<Rates> {
  const { warmupMs, measureMs } = context
  const start = context.partsOf<typeof parts>(import.meta.url)
  return start('inMemory', { ...pair, warmupMs: WARM_UPS_IN_MEMORY * warmupMs, measureMs }).result
}

async function requests(context: Context, world: World, served: Served): Promise<Asked> {
  const { warmupMs, measureMs } = context
  const start = context.partsOf<typeof parts>(import.meta.url)
  const isOnDevice = served.driver === 'tun'
  const server = start('serve', served, { namespace: world.right })
  await server.ready
  const address = isOnDevice ? TUN.address : world.rightAddress
  const client = start('ask', { address, warmupMs, measureMs }, { namespace: isOnDevice ? world.right : world.left })
  const asked = await client.result
  await server.stop()
  return asked
}
