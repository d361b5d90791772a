// How many connections a second can a server take, each with one request and one response?
//
// 64 are in flight, opened by a client on the kernel's TCP, which takes the larger part of the time: hence the second
// figure, the server's own. The server closes first, as HTTP/1.0 does, so TIME-WAIT is with the server. The two do not send
// the same: our response carries the FIN and the ACK of the request, node:net's leaves in three segments, so 7 pass for a
// connection instead of 10. On a cable the sender's CPU time covers the packet's way into the other host.

import type { Context, Row, Timing } from './support/bench.ts'
import type { Control } from './support/parts.ts'
import { type Driver, TUN, tcpOf } from './support/tcp.ts'
import { cpuMicroseconds, Window } from './support/window.ts'
import { cable, type World } from './support/world.ts'

/** On raw sockets and on the kernel's over a cable, on a TUN device on one host. */
type Place = Extract<Driver, 'ours' | 'tun' | 'kernel'>

interface Served {
  readonly perSecond: number
  /** CPU time of the server for one connection. */
  readonly microseconds: number
}

const IN_FLIGHT = 64
const MESSAGE_BYTES = 64
/** Client ports come round again before the default of a minute is over. */
const TIME_WAIT_MS = 1000

export const parts = { serve, open }

async function serve(
  { kind }: { kind: Place },
  control: Control
): Promise<{ connections: number; microseconds: number }> {
  const tcp = tcpOf(kind, { timeWaitMs: TIME_WAIT_MS })
  const response = Buffer.alloc(MESSAGE_BYTES, 'response')
  let connections = 0
  const port = await tcp.listen(() => {
    let missing = MESSAGE_BYTES
    connections++
    return {
      data(bytes, wire) {
        missing -= bytes.length
        if (missing > 0) return
        wire.write(response)
        wire.end()
      }
    }
  })
  const before = cpuMicroseconds()
  control.ready(port)
  await control.stopped
  const microseconds = cpuMicroseconds() - before
  tcp.close()
  return { connections, microseconds }
}

async function open({
  address,
  port,
  ...timing
}: Timing & { address: string; port: number }): Promise<{ connections: number; perSecond: number }> {
  const tcp = tcpOf('kernel')
  const request = Buffer.alloc(MESSAGE_BYTES, 'request')
  let connections = 0
  const window = new Window(timing, () => ({ connections }))
  window.tick()

  const one = (): Promise<void> =>
    new Promise((resolve, reject) => {
      let received = 0
      tcp.connect(address, port, {
        opened: wire => wire.write(request),
        data: bytes => (received += bytes.length),
        ended: wire => wire.end(),
        closed(error) {
          if (error !== null) return reject(error)
          if (received !== MESSAGE_BYTES) return reject(new Error(`A response of ${received} bytes`))
          connections++
          resolve()
        }
      })
    })
  const oneAfterTheOther = async (): Promise<void> => {
    while (!window.tick()) await one()
  }
  await Promise.all(Array.from({ length: IN_FLIGHT }, oneAfterTheOther))
  return { connections, perSecond: window.perSecond('connections') }
}

export default async function connections(context: Context): Promise<Row[]> {
  const world = cable(context)
  world.left.setSysctl('net/ipv4/ip_local_port_range', '10000 65000')
  world.right.setSysctl('net/ipv4/ip_local_port_range', '10000 65000')
  const served: Record<Place, Served[]> = { ours: [], tun: [], kernel: [] }
  try {
    for (let i = 0; i < context.repeats; i++) {
      for (const kind of ['ours', 'kernel', 'tun'] as const) served[kind].push(await measure(context, world, kind))
    }
  } finally {
    world.remove()
  }
  const rows = (kind: Place, where: string): Row[] => {
    const row = (name: string, unit: string, figure: keyof Served): Row => ({
      name: `${name}${where}`,
      unit,
      values: served[kind].map(it => it[figure]),
      reference: { name: 'kernel', values: served.kernel.map(it => it[figure]) }
    })
    return [
      row('opened, asked, answered and closed', 'connections/s', 'perSecond'),
      row('CPU time of the server for each', 'µs', 'microseconds')
    ]
  }
  return [...rows('ours', ''), ...rows('tun', ', over TUN')]
}

async function measure(context: Context, world: World, kind: Place): Promise<Served> {
  const { warmupMs, measureMs } = context
  const start = context.partsOf<typeof parts>(import.meta.url)
  const where = { namespace: world.right, ...(kind === 'kernel' ? {} : { profileAs: `connections-${kind}` }) }
  const server = start('serve', { kind }, where)
  const port = await server.ready
  const [namespace, address] = kind === 'tun' ? [world.right, TUN.address] : [world.left, world.rightAddress]
  const client = start('open', { address, port, warmupMs, measureMs }, { namespace })
  const opened = await client.result
  const accepted = await server.stop()
  if (opened.connections !== accepted.connections) {
    throw new Error(`${opened.connections} connections were opened, ${accepted.connections} accepted`)
  }
  return { perSecond: opened.perSecond, microseconds: accepted.microseconds / accepted.connections }
}
