// How many requests a second does Node's own HTTP server answer over our sockets, and how long does a client wait?
//
// A server on a TUN device beside one on the kernel's TCP over a cable, one process each, without a word of difference between
// the programs but for where the connections come from. The client is the same in both, on the kernel's TCP: 64 connections that
// are kept, a request at a time on each, written and read by hand, so that it is not the client that is measured.

import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { ConnectionStream, createTunStack, type Stack } from '../src/index.ts'
import type { Context, Row, Timing } from './support/bench.ts'
import type { Control } from './support/parts.ts'
import { TUN } from './support/tcp.ts'
import { cpuMicroseconds, Window } from './support/window.ts'
import { cable, type World } from './support/world.ts'

type Place = 'tun' | 'kernel'

interface Answered {
  readonly perSecond: number
  readonly p99: number
  /** CPU time of the server for each. */
  readonly microseconds: number
}

const CONNECTIONS = 64
const BODY = Buffer.alloc(128, 'hello ')
const REQUEST = 'GET / HTTP/1.1\r\nHost: bench\r\n\r\n'

export const parts = { serve, ask }

async function serve({ kind }: { kind: Place }, control: Control): Promise<{ requests: number; microseconds: number }> {
  let requests = 0
  const server = createServer((_request, response) => {
    requests++
    response.setHeader('Content-Type', 'text/plain')
    response.end(BODY)
  })
  const { port, close } = kind === 'tun' ? onTun(server) : await onKernel(server)
  const before = cpuMicroseconds()
  control.ready(port)
  await control.stopped
  const microseconds = cpuMicroseconds() - before
  close()
  return { requests, microseconds }
}

interface Listening {
  readonly port: number
  close(): void
}

function onTun(server: Server): Listening {
  const stack: Stack = createTunStack({ tun: TUN })
  const { port } = stack.listen({ port: 0 }, connection => server.emit('connection', new ConnectionStream(connection)))
  return { port, close: () => stack.close() }
}

async function onKernel(server: Server): Promise<Listening> {
  server.listen(0, '0.0.0.0')
  await once(server, 'listening')
  const close = (): void => {
    server.close()
    server.closeAllConnections()
  }
  return { port: (server.address() as AddressInfo).port, close }
}

async function ask({
  address,
  port,
  ...timing
}: Timing & { address: string; port: number }): Promise<{ requests: number; perSecond: number; p99: number }> {
  let requests = 0
  const times: number[] = []
  const window = new Window(timing, () => ({ requests }))
  const countsFrom = performance.now() + timing.warmupMs
  const length = await lengthOfAnswer(address, port)
  requests = 1
  const one = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const socket = connect({ host: address, port, noDelay: true })
      let askedAt = 0
      let missing = 0
      const next = (): void => {
        if (window.tick()) return void socket.end()
        missing = length
        askedAt = performance.now()
        socket.write(REQUEST)
      }
      socket.on('connect', next)
      socket.on('data', bytes => {
        missing -= bytes.length
        if (missing > 0) return
        if (missing < 0) return void socket.destroy(new Error(`An answer is longer than the first by ${-missing}`))
        requests++
        if (askedAt >= countsFrom) times.push(performance.now() - askedAt)
        next()
      })
      socket.on('error', reject)
      socket.on('close', () => resolve())
    })
  await Promise.all(Array.from({ length: CONNECTIONS }, one))
  times.sort((a, b) => a - b)
  return { requests, perSecond: window.perSecond('requests'), p99: 1000 * times[Math.floor(0.99 * (times.length - 1))] }
}

/** All are equally long. */
async function lengthOfAnswer(address: string, port: number): Promise<number> {
  const socket = connect({ host: address, port })
  socket.write(REQUEST)
  let answer = ''
  while (!answer.includes(String(BODY))) answer += String((await once(socket, 'data'))[0])
  socket.destroy()
  if (!answer.startsWith('HTTP/1.1 200 ')) throw new Error(`No answer: ${answer}`)
  return answer.length
}

export default async function http(context: Context): Promise<Row[]> {
  const world = cable(context)
  const answered: Record<Place, Answered[]> = { tun: [], kernel: [] }
  try {
    for (let i = 0; i < context.repeats; i++) {
      for (const kind of ['tun', 'kernel'] as const) answered[kind].push(await measure(context, world, kind))
    }
  } finally {
    world.remove()
  }
  const row = (name: string, unit: string, figure: keyof Answered): Row => ({
    name,
    unit,
    values: answered.tun.map(it => it[figure]),
    reference: { name: 'kernel, cable', values: answered.kernel.map(it => it[figure]) }
  })
  return [
    row(`requests over TUN, ${CONNECTIONS} connections`, 'requests/s', 'perSecond'),
    row('a request is answered, p99', 'µs', 'p99'),
    row('CPU time of the server for each', 'µs', 'microseconds')
  ]
}

/** On a TUN device client and server are on one host. */
async function measure(context: Context, world: World, kind: Place): Promise<Answered> {
  const { warmupMs, measureMs } = context
  const start = context.partsOf<typeof parts>(import.meta.url)
  const profile = kind === 'tun' ? { profileAs: 'http-server' } : {}
  const server = start('serve', { kind }, { namespace: world.right, ...profile })
  const port = await server.ready
  const [namespace, address] = kind === 'tun' ? [world.right, TUN.address] : [world.left, world.rightAddress]
  const asked = await start('ask', { address, port, warmupMs, measureMs }, { namespace }).result
  const served = await server.stop()
  if (asked.requests !== served.requests) throw new Error(`${served.requests} of ${asked.requests} requests arrived`)
  return { ...asked, microseconds: served.microseconds / served.requests }
}
