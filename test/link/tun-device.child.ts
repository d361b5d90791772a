// Run in a network namespace of its own: a TUN device made, used and left in every way. Writes what it saw as JSON.

import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, existsSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { ConnectionStream, createTunStack, TunLink, TunQueues, type TunStackOptions } from '../../src/index.ts'

const OURS = '10.97.0.2'
const HOST = '10.97.0.1'
const ip = (command: string): string => execFileSync('ip', command.split(' '), { encoding: 'utf8' })
const isThere = (name: string): boolean => existsSync(`/sys/class/net/${name}`)

ip('link set lo up')

function echoServer(tun: Partial<TunStackOptions['tun']> = {}): ReturnType<typeof createTunStack> {
  const stack = createTunStack({ tun: { address: OURS, hostAddress: HOST, ...tun } })
  stack.listen({ port: 7 }, connection => {
    const stream = new ConnectionStream(connection)
    stream.pipe(stream)
  })
  return stack
}

/** What comes back of `bytes` bytes sent from `HOST`. */
async function echoed(bytes: number, address = OURS): Promise<number> {
  const socket = connect(7, address)
  socket.end(Buffer.alloc(bytes, 1))
  let received = 0
  for await (const chunk of socket) received += (chunk as Buffer).length
  return received
}

async function creates(): Promise<object> {
  const stack = echoServer({ name: 'made%d', mtu: 1400, queuePackets: 3000, routes: ['10.96.0.0/16'] })
  const shown = ip('-4 address show dev made0')
  const result = {
    echoed: await echoed(1_000_000),
    address: /inet (\S+)/.exec(shown)?.[1],
    mtu: Number(/mtu (\d+)/.exec(shown)?.[1]),
    queuePackets: Number(/qlen (\d+)/.exec(shown)?.[1]),
    route: ip('route show 10.96.0.0/16').trim(),
    isThere: isThere('made0')
  }
  stack.close()
  return { ...result, isGone: !isThere('made0') }
}

/** Without a virtio header: every packet whole, its checksums too. */
async function withoutHeader(joinSegments: boolean): Promise<object> {
  const stack = echoServer({ name: 'plain0', offload: false, joinSegments })
  const sent = Buffer.from(Uint32Array.from({ length: 500_000 }, (_, i) => Math.imul(i, 0x9e3779b1)).buffer)
  const socket = connect(7, OURS)
  socket.end(sent)
  const received: Buffer[] = []
  for await (const chunk of socket) received.push(chunk as Buffer)
  const { receivedChecksumPartial, receivedChecksumBad, receivedJoined } = stack.counters().link
  stack.close()
  const isSame = sent.equals(Buffer.concat(received))
  return { isSame, receivedChecksumPartial, receivedChecksumBad, isJoined: receivedJoined > 0 }
}

const plain = (): Promise<object> => withoutHeader(true)
const apart = (): Promise<object> => withoutHeader(false)

/** A slot of the driver's. */
const SLOT_BYTES = 67_776

/** Keeps all that it reads, of every second batch once that is gone, and looks at it in the end. */
async function kept(tun: Partial<TunStackOptions['tun']>): Promise<object> {
  const stack = createTunStack({ tun: { address: OURS, hostAddress: HOST, ...tun } })
  const sent = Buffer.from(Uint32Array.from({ length: 4_000_000 }, (_, i) => Math.imul(i, 0x9e3779b1)).buffer)
  const views: Uint8Array[] = []
  await new Promise<void>(ended => {
    stack.listen({ port: 7 }, connection => {
      const readAll = (): void => {
        for (let bytes = connection.read(); bytes !== undefined; bytes = connection.read()) views.push(bytes)
      }
      let calls = 0
      const readable = (): void => void (calls++ % 2 === 0 ? readAll() : setImmediate(readAll))
      connection.handlers = { readable, ended: () => connection.shutdown(), closed: () => setImmediate(ended) }
    })
    connect(7, OURS).resume().end(sent)
  })
  const { receivedBytes, receivedBatches } = stack.counters().link
  stack.close()
  const inSlots = views.filter(({ buffer }) => buffer.byteLength === SLOT_BYTES)
  return {
    isSame: sent.equals(Buffer.concat(views)),
    given: inSlots.length > 0,
    isPrompt: receivedBytes / receivedBatches < 330_000,
    fillsHalf: inSlots.every(({ length }) => length >= SLOT_BYTES / 2)
  }
}

const givesAway = (): Promise<object> => kept({})
const givesAwayJoined = (): Promise<object> => kept({ offload: false })
const copiesSmall = (): Promise<object> => kept({ offload: false, joinSegments: false })

async function existing(): Promise<object> {
  ip('tuntap add dev kept0 mode tun')
  ip(`address add ${HOST}/24 dev kept0`)
  ip('link set kept0 up')
  const stack = createTunStack({ tun: { address: OURS, name: 'kept0' } })
  stack.listen({ port: 7 }, connection => {
    const stream = new ConnectionStream(connection)
    stream.pipe(stream)
  })
  const received = await echoed(1000)
  stack.close()
  const result = { echoed: received, isKept: isThere('kept0') }
  ip('tuntap del dev kept0 mode tun')
  return result
}

async function killed(): Promise<object> {
  const script = `
    import { createTunStack } from ${JSON.stringify(new URL('../../src/index.ts', import.meta.url).href)}
    createTunStack({ tun: { address: '${OURS}', hostAddress: '${HOST}', name: 'killed0' } })
    process.send('ready')`
  const child = spawn(process.execPath, ['--import=tsx', '--input-type=module', '-e', script], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc']
  })
  await once(child, 'message')
  const wasThere = isThere('killed0')
  child.kill('SIGKILL')
  await once(child, 'exit')
  return { wasThere, isGone: !isThere('killed0') }
}

/** Our stack as the client of a program on the kernel's TCP. */
async function connects(): Promise<object> {
  const stack = createTunStack({ tun: { address: OURS, hostAddress: HOST } })
  const server = createServer((socket: Socket) => void socket.pipe(socket)).listen(9, HOST)
  await once(server, 'listening')
  const stream = new ConnectionStream(stack.connect({ address: HOST, port: 9 }))
  stream.end(Buffer.alloc(300_000, 1))
  let received = 0
  for await (const chunk of stream) received += (chunk as Buffer).length
  server.close()
  stack.close()
  return { echoed: received }
}

/** Taken down, the device drops what comes; up again, the connection goes on. */
async function downAndUp(): Promise<object> {
  const stack = createTunStack({ tun: { address: OURS, hostAddress: HOST, name: 'cut0' } })
  let stream: ConnectionStream | undefined
  stack.listen({ port: 7 }, connection => {
    stream = new ConnectionStream(connection)
    stream.pipe(stream)
  })
  const socket = connect(7, OURS)
  await once(socket, 'connect')
  socket.write('before')
  const [before] = await once(socket, 'data')
  ip('link set cut0 down')
  stream?.write('lost at first')
  while (stack.counters().link.sendNetworkDown === 0) await new Promise(resolve => setImmediate(resolve))
  ip('link set cut0 up')
  const [after] = await once(socket, 'data')
  socket.destroy()
  stack.close()
  return { before: String(before), after: String(after) }
}

function refusals(): object {
  const codeOf = (work: () => unknown): string => {
    try {
      work()
      return 'none'
    } catch (error) {
      return (error as NodeJS.ErrnoException).code ?? String(error)
    }
  }
  const first = new TunLink({ address: OURS, hostAddress: HOST, name: 'first0' })
  const result = {
    taken: codeOf(() => new TunLink({ address: OURS, name: 'first0' })),
    twice: codeOf(() => new TunLink({ address: OURS, hostAddress: HOST, name: 'lo' })),
    address: codeOf(() => new TunLink({ address: '10.97.0' })),
    route: codeOf(() => new TunLink({ address: OURS, hostAddress: HOST, routes: ['10.0.0.0'] })),
    descriptor: codeOf(() => new TunLink({ address: OURS, fd: 1 })),
    unknown: codeOf(() => new TunLink({ address: OURS, speed: 3 } as never)),
    long: codeOf(() => new TunLink({ address: OURS, name: 'a-name-that-is-too-long' }))
  }
  first.close()
  first.close()
  return { ...result, isGone: !isThere('first0') }
}

async function warnings(offload: boolean): Promise<object> {
  const queues = new TunQueues({ hostAddress: HOST, name: 'old%d', of: 2, offload: false })
  const seen: unknown[] = []
  process.on('warning', warning => seen.push((warning as { code?: string }).code))
  const links = queues.fds.map((fd, index) => new TunLink({ address: OURS, fd, share: { index, of: 2 }, offload }))
  await new Promise(setImmediate)
  const has = links.map(link => link.offload)
  for (const link of links) link.close()
  queues.close()
  return { has, seen }
}

const work: Record<string, () => object | Promise<object>> = {
  creates,
  plain,
  apart,
  givesAway,
  givesAwayJoined,
  copiesSmall,
  existing,
  killed,
  connects,
  downAndUp,
  refusals,
  fallsBack: () => warnings(true),
  doesWithout: () => warnings(false)
}
process.stdout.write(JSON.stringify(await work[process.argv[2]]()))
closeSync(1)
