// How much more do two worker threads do than one, with a stack in each?
//
// In memory each thread has both ends of a connection of its own: this is what the machine lets two threads do, and whether ours
// share anything that holds them back: the second figure, by the CPU time that they had, says so on a busy machine, too. Over a cable and a TUN device the threads share an address, and answer the requests of clients on
// the kernel's TCP. These and the kernel's part of it need the same two CPUs: with requests that cost the server nothing but their
// transport they are what holds it back, with some work for each (the hash of 256 KiB) the servers are.

import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { TunQueues } from '../src/index.ts'
import type { Context, Row, Timing } from './support/bench.ts'
import type { PairTask, Task } from './support/member.ts'
import type { Control } from './support/parts.ts'
import { TUN, tcpOf } from './support/tcp.ts'
import { cpuMicroseconds, Window } from './support/window.ts'
import { cable, type World } from './support/world.ts'

type Driver = 'raw' | 'tun'

interface Served {
  readonly driver: Driver
  readonly threads: number
  readonly workBytes: number
}

const CONNECTIONS = 64
const PORT = 80
const MESSAGE_BYTES = 64
const WORK_BYTES = 256 * 1024

/** Memory for views of 64 KiB makes V8's collector, which has threads of its own, busy with whole heaps. */
const READERS = [
  { name: 'into a buffer', native: true, superSegments: 'cut', intoBuffer: true },
  { name: 'views', native: true, superSegments: false }
] as const

export const parts = { inMemory, serve, ask }

interface Rates {
  readonly perSecond: number
  readonly perCpuSecond: number
}

/** Data segments of all threads. */
async function inMemory({ threads, ...pair }: PairTask & { threads: number }): Promise<Rates> {
  const members = await startAll(threads, () => ({ pair }))
  const [beganAt, cpuBefore] = [performance.now(), cpuMicroseconds()]
  const perSecond = (await tellAll(members)).reduce((sum, each) => sum + each)
  const busyCpus = (cpuMicroseconds() - cpuBefore) / 1000 / (performance.now() - beganAt)
  return { perSecond, perCpuSecond: perSecond / busyCpus }
}

async function serve({ driver, threads, workBytes }: Served, control: Control): Promise<void> {
  const queues = driver === 'tun' ? new TunQueues({ hostAddress: TUN.hostAddress, of: threads }) : undefined
  const members = await startAll(threads, index => ({
    serve: {
      ...(queues && { fd: queues.fds[index] }),
      share: { index, of: threads },
      port: PORT,
      messageBytes: MESSAGE_BYTES,
      workBytes
    }
  }))
  control.ready(PORT)
  await control.stopped
  await tellAll(members)
  queues?.close()
}

async function startAll(threads: number, taskOf: (index: number) => Task): Promise<Worker[]> {
  const file = new URL('./support/member.js', import.meta.url)
  const members = Array.from({ length: threads }, (_, index) => new Worker(file, { workerData: taskOf(index) }))
  await Promise.all(members.map(member => once(member, 'message')))
  return members
}

async function tellAll(members: readonly Worker[]): Promise<number[]> {
  return Promise.all(
    members.map(async member => {
      member.postMessage('go')
      const [answer] = await once(member, 'message')
      return answer as number
    })
  )
}

/** Requests answered a second, one under way on each connection. */
async function ask({ address, ...timing }: Timing & { address: string }): Promise<number> {
  const tcp = tcpOf('kernel')
  const request = Buffer.alloc(MESSAGE_BYTES, 'request')
  let answered = 0
  const window = new Window(timing, () => ({ answered }))
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
  return window.perSecond('answered')
}

export default async function workers(context: Context): Promise<Row[]> {
  const { warmupMs, measureMs } = context
  const start = context.partsOf<typeof parts>(import.meta.url)
  const rows: Row[] = []
  const compare = async (name: string, unit: string, run: (threads: number) => Promise<number>): Promise<void> => {
    const [one, two]: [number[], number[]] = [[], []]
    for (let i = 0; i < context.repeats; i++) {
      one.push(await run(1))
      two.push(await run(2))
    }
    rows.push({ name, unit, values: two, reference: { name: 'one worker', values: one } })
  }
  for (const { name, ...way } of READERS) {
    const inTurns: [Rates[], Rates[]] = [[], []]
    for (let i = 0; i < context.repeats; i++) {
      for (const threads of [1, 2]) {
        inTurns[threads - 1].push(await start('inMemory', { threads, warmupMs, measureMs, ...way }).result)
      }
    }
    for (const [unit, figure] of [
      ['segments/s', 'perSecond'],
      ['segments/CPU s', 'perCpuSecond']
    ] as const) {
      const [one, two] = inTurns.map(rates => rates.map(it => it[figure]))
      rows.push({
        name: `two workers in memory, ${name}`,
        unit,
        values: two,
        reference: { name: 'one worker', values: one }
      })
    }
  }
  const world = cable(context)
  try {
    for (const { driver, workBytes } of [
      { driver: 'raw', workBytes: WORK_BYTES },
      { driver: 'tun', workBytes: WORK_BYTES },
      { driver: 'raw', workBytes: 0 },
      { driver: 'tun', workBytes: 0 }
    ] as const) {
      const name = `two workers on ${driver === 'raw' ? 'raw sockets' : 'TUN'}, requests ${workBytes > 0 ? 'with' : 'without'} work`
      await compare(name, 'requests/s', threads => requests(context, world, { driver, threads, workBytes }))
    }
  } finally {
    world.remove()
  }
  return rows
}

async function requests(context: Context, world: World, served: Served): Promise<number> {
  const { warmupMs, measureMs } = context
  const start = context.partsOf<typeof parts>(import.meta.url)
  const isOnDevice = served.driver === 'tun'
  const server = start('serve', served, { namespace: world.right })
  await server.ready
  const address = isOnDevice ? TUN.address : world.rightAddress
  const client = start('ask', { address, warmupMs, measureMs }, { namespace: isOnDevice ? world.right : world.left })
  const perSecond = await client.result
  await server.stop()
  return perSecond
}
