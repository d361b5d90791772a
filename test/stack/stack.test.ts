// The stack at its edge: what its calls refuse, what its users are told and in which order, and that nothing is left.

import t from 'tap'
import type { PortGuard } from '../../src/link/link.ts'
import { pairLinks } from '../../src/link/pair.ts'
import { VirtualClock } from '../../src/sim/clock.ts'
import type { Connection, ConnectionHandlers } from '../../src/stack/connection.ts'
import type { Listener } from '../../src/stack/listener.ts'
import { type ConnectOptions, type ListenOptions, Stack, type StackOptions } from '../../src/stack/stack.ts'
import { established, Peer } from '../support/peer.ts'

type Extras = Omit<StackOptions, 'link' | 'host'>

/** Two stacks on a cable: 10.0.0.1 and .3 at one end, 10.0.0.2 at the other. */
class World {
  readonly clock = new VirtualClock({ seed: 1 })
  readonly links = pairLinks({
    host: this.clock,
    addresses: [['10.0.0.1', '10.0.0.3'], '10.0.0.2'],
    impairments: { delayMs: 1 }
  })
  readonly left: Stack
  readonly right: Stack
  readonly told: string[] = []
  /** What was accepted, in order. */
  readonly accepted: Connection[] = []

  constructor(left: Extras = {}, right: Extras = {}) {
    this.left = new Stack({ link: this.links[0], host: this.clock, ...left })
    this.right = new Stack({ link: this.links[1], host: this.clock, ...right })
  }

  listen(stack = this.right, options: Partial<ListenOptions> = {}, handlers: ConnectionHandlers = {}): Listener {
    return stack.listen({ port: 80, ...options }, connection => {
      this.told.push('server accepted')
      this.accepted.push(connection)
      connection.handlers = this.noting('server', handlers)
    })
  }

  connect(options: Partial<ConnectOptions> = {}, handlers: ConnectionHandlers = {}, stack = this.left): Connection {
    return stack.connect({ address: '10.0.0.2', port: 80, ...options }, this.noting('client', handlers))
  }

  /** An open connection: the client's end and the server's. */
  open(handlers: { client?: ConnectionHandlers; server?: ConnectionHandlers } = {}): [Connection, Connection] {
    this.listen(this.right, {}, handlers.server)
    const client = this.connect({}, handlers.client)
    this.clock.advance(100)
    this.told.length = 0
    return [client, this.accepted[0]]
  }

  noting(who: string, also: ConnectionHandlers): ConnectionHandlers {
    const note = (what: string) => this.told.push(`${who} ${what}`)
    return {
      connected: c => {
        note('connected')
        also.connected?.(c)
      },
      readable: c => {
        note('readable')
        also.readable?.(c)
      },
      writable: c => {
        note('writable')
        also.writable?.(c)
      },
      ended: c => {
        note('ended')
        also.ended?.(c)
      },
      closed: (c, error) => {
        note(error === null ? 'closed' : `closed ${error.code}`)
        also.closed?.(c, error)
      }
    }
  }

  of(who: string): string[] {
    return this.told.filter(line => line.startsWith(who)).map(line => line.slice(who.length + 1))
  }

  /** What is left when all has come to an end. */
  leftovers(): unknown {
    this.clock.advance(1_000_000)
    return [this.left, this.right].map(stack => ({
      ...stack.counts(),
      slab: stack.counters().stack.slabUsedBytes
    }))
  }
}

const NOTHING = { connections: 0, halfOpen: 0, timeWait: 0, slab: 0 }
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

/** What opens a connection at the server is lost: it stays half open there. */
const dropBareAcks = (packet: Uint8Array) => (packet[33] === 0x10 ? 'drop' : 'pass')

function readAll(connection: Connection): string {
  let text = ''
  for (let piece = connection.read(); piece !== undefined; piece = connection.read()) {
    text += new TextDecoder().decode(piece)
  }
  return text
}

// --- Arguments ---

const any = (value: unknown) => value as never
const listenRefusals: { name: string; options: unknown; code: string }[] = [
  { name: 'no port', options: {}, code: 'ERR_SOCKET_BAD_PORT' },
  { name: 'a port below 0', options: { port: -1 }, code: 'ERR_SOCKET_BAD_PORT' },
  { name: 'a port above 65535', options: { port: 65_536 }, code: 'ERR_SOCKET_BAD_PORT' },
  { name: 'half a port', options: { port: 1.5 }, code: 'ERR_SOCKET_BAD_PORT' },
  { name: 'a port as text', options: { port: '80' }, code: 'ERR_SOCKET_BAD_PORT' },
  { name: 'a name for an address', options: { port: 80, address: 'localhost' }, code: 'ERR_INVALID_IP_ADDRESS' },
  { name: 'a number for an address', options: { port: 80, address: 1 }, code: 'ERR_INVALID_IP_ADDRESS' },
  { name: 'an address of somebody else', options: { port: 80, address: '10.0.0.9' }, code: 'EADDRNOTAVAIL' },
  { name: 'a multicast address', options: { port: 80, address: '224.0.0.1' }, code: 'EADDRNOTAVAIL' },
  { name: 'a backlog of 0', options: { port: 80, backlog: 0 }, code: 'ERR_OUT_OF_RANGE' },
  { name: 'half a backlog', options: { port: 80, backlog: 1.5 }, code: 'ERR_OUT_OF_RANGE' },
  { name: 'an unknown option', options: { port: 80, host: 'x' }, code: 'ERR_INVALID_ARG_VALUE' },
  { name: 'a buffer too small', options: { port: 80, receiveBuffer: 1 }, code: 'ERR_OUT_OF_RANGE' },
  { name: 'a flag that is none', options: { port: 80, noDelay: 'yes' }, code: 'ERR_INVALID_ARG_TYPE' }
]
for (const { name, options, code } of listenRefusals) {
  t.test(`listen refuses ${name}: ${code}, and holds nothing`, async t => {
    const world = new World()
    t.throws(() => world.left.listen(any(options), () => {}), { code })
    world.left.listen({ port: 80 }, () => {}).close()
    t.same(world.leftovers(), [NOTHING, NOTHING])
  })
}

const connectRefusals: { name: string; options: unknown; code: string }[] = [
  { name: 'no port', options: { address: '10.0.0.2' }, code: 'ERR_SOCKET_BAD_PORT' },
  { name: 'port 0', options: { address: '10.0.0.2', port: 0 }, code: 'ERR_SOCKET_BAD_PORT' },
  { name: 'a port above 65535', options: { address: '10.0.0.2', port: 65_536 }, code: 'ERR_SOCKET_BAD_PORT' },
  { name: 'local port 0', options: { address: '10.0.0.2', port: 80, localPort: 0 }, code: 'ERR_SOCKET_BAD_PORT' },
  { name: 'no address', options: { port: 80 }, code: 'ERR_INVALID_IP_ADDRESS' },
  { name: 'a name for an address', options: { address: 'example.org', port: 80 }, code: 'ERR_INVALID_IP_ADDRESS' },
  { name: 'an octet too large', options: { address: '10.0.0.256', port: 80 }, code: 'ERR_INVALID_IP_ADDRESS' },
  {
    name: 'a local address that is none',
    options: { address: '10.0.0.2', port: 80, localAddress: 'here' },
    code: 'ERR_INVALID_IP_ADDRESS'
  },
  {
    name: 'a local address of somebody else',
    options: { address: '10.0.0.2', port: 80, localAddress: '10.0.0.2' },
    code: 'EADDRNOTAVAIL'
  },
  { name: 'a multicast address', options: { address: '224.0.0.1', port: 80 }, code: 'ENETUNREACH' },
  { name: 'the broadcast address', options: { address: '255.255.255.255', port: 80 }, code: 'ENETUNREACH' },
  { name: 'an address of class E', options: { address: '240.0.0.1', port: 80 }, code: 'ENETUNREACH' },
  { name: 'this network', options: { address: '0.0.0.0', port: 80 }, code: 'ENETUNREACH' },
  { name: 'a destination without a route', options: { address: '192.168.0.1', port: 80 }, code: 'ENETUNREACH' },
  {
    name: 'a destination without a route from a given address',
    options: { address: '192.168.0.1', port: 80, localAddress: '10.0.0.1' },
    code: 'ENETUNREACH'
  },
  {
    name: 'an unknown option',
    options: { address: '10.0.0.2', port: 80, nodelay: true },
    code: 'ERR_INVALID_ARG_VALUE'
  }
]
for (const { name, options, code } of connectRefusals) {
  t.test(`connect refuses ${name} at once: ${code}, and leaves nothing`, async t => {
    const world = new World()
    const handlers = { closed: () => t.fail('no handler is called') }
    t.throws(() => world.left.connect(any(options), handlers), { code })
    t.same(world.leftovers(), [NOTHING, NOTHING])
    t.equal(world.left.counters().tcp.segmentsSent, 0)
  })
}

t.test('a stack refuses options that it does not know, and values out of bounds', async t => {
  const clock = new VirtualClock()
  const make = (options: object) => () => new Stack({ link: pairLinks({ host: clock })[0], host: clock, ...options })
  t.throws(make({ memory: 1 }), { code: 'ERR_INVALID_ARG_VALUE' })
  t.throws(make({ memoryLimit: 1 }), { code: 'ERR_OUT_OF_RANGE' })
  t.throws(make({ timeWaitLimit: -1 }), { code: 'ERR_OUT_OF_RANGE' })
  t.throws(make({ retries: 1.5 }), { code: 'ERR_OUT_OF_RANGE' })
  t.throws(make({ timeToLive: 0 }), { code: 'ERR_OUT_OF_RANGE' })
  t.throws(make({ firstEphemeralPort: 5000, lastEphemeralPort: 4999 }), { code: 'ERR_OUT_OF_RANGE' })
  const stack = make({ firstEphemeralPort: 5000, lastEphemeralPort: 5000 })()
  t.equal(stack.connect({ address: '10.0.0.2', port: 80 }).localPort, 5000)
  t.throws(() => stack.connect({ address: '10.0.0.2', port: 80 }), { code: 'EADDRNOTAVAIL' })
})

t.test('write refuses what is not bytes', async t => {
  const [client] = new World().open()
  t.throws(() => client.write(any('text')), { code: 'ERR_INVALID_ARG_TYPE' })
  t.throws(() => client.write(any(new ArrayBuffer(4))), { code: 'ERR_INVALID_ARG_TYPE' })
  t.equal(client.write(new Uint8Array(0)), 0)
})

// --- Ports ---

t.test('listening on port 0 picks a port that is free, and it can be connected to', async t => {
  const world = new World()
  const one = world.listen(world.right, { port: 0 })
  const two = world.listen(world.right, { port: 0 })
  t.ok(one.port >= 32_768)
  t.not(one.port, two.port)
  world.connect({ port: two.port })
  world.clock.advance(100)
  t.same(world.of('client'), ['connected'])
})

t.test('a port that is listened on cannot be listened on again until it is closed', async t => {
  const world = new World()
  const first = world.listen()
  t.throws(() => world.listen(), { code: 'EADDRINUSE', port: 80, syscall: 'listen' })
  first.close()
  first.close()
  t.ok(first.isClosed)
  world.listen().close()
})

t.test('a four-tuple that is taken cannot be taken again; another destination from the same port can', async t => {
  const world = new World()
  world.listen()
  world.listen(world.right, { port: 81 })
  world.connect({ localPort: 7000 })
  t.throws(() => world.connect({ localPort: 7000 }), { code: 'EADDRINUSE', address: '10.0.0.1', port: 7000 })
  world.connect({ localPort: 7000, port: 81 })
  world.connect({ localPort: 7000, localAddress: '10.0.0.3' })
  world.clock.advance(100)
  t.equal(world.left.counts().connections, 3)
  t.same(world.of('client').filter(line => line === 'connected').length, 3)
})

t.test('a port from which a connection opens can be listened on (MUST-42)', async t => {
  const world = new World()
  world.listen()
  world.connect({ localPort: 7000 })
  world.listen(world.left, { port: 7000 })
  t.same(world.left.counts().connections, 1, 'still in SYN-SENT')
  world.connect({ address: '10.0.0.1', port: 7000 }, {}, world.right)
  world.clock.advance(100)
  t.same(world.told.filter(line => line.includes('connected')).length, 2)
})

t.test('ephemeral ports differ, and come from the local range', async t => {
  const world = new World()
  world.listen()
  const ports = Array.from({ length: 50 }, () => world.connect().localPort)
  t.equal(new Set(ports).size, 50)
  t.ok(Math.min(...ports) >= 32_768)
})

t.test('a listener at one address refuses connections to another', async t => {
  const world = new World()
  world.listen(world.left, { address: '10.0.0.3' })
  world.connect({ address: '10.0.0.1' }, {}, world.right)
  world.connect({ address: '10.0.0.3' }, {}, world.right)
  world.clock.advance(100)
  t.same(world.of('client'), ['closed ECONNREFUSED', 'connected'])
})

t.test('a port is claimed from a kernel that shares the address while it is used, and given back once', async t => {
  const world = new World()
  const log: string[] = []
  const guard: PortGuard = {
    claim: (_, port) => void log.push(`claim ${port}`),
    release: (_, port) => void log.push(`release ${port}`)
  }
  // Takes the link over from the stack that the world put there.
  const stack = new Stack({ link: Object.assign(world.links[0], { guard }), host: world.clock, timeWaitMs: 1000 })
  world.listen(world.right, {}, { ended: c => c.close() })
  world.listen(stack, { port: 81 }).close()
  t.same(log.splice(0), ['claim 81', 'release 81'])

  const clients = [7000, 7001].map(localPort => world.connect({ localPort }, {}, stack))
  world.clock.advance(100)
  t.same(log.splice(0), ['claim 7000', 'claim 7001'])
  clients[0].close()
  clients[1].abort()
  world.clock.advance(100)
  t.same(log.splice(0), ['release 7001'], 'TIME-WAIT holds its port')
  world.clock.advance(2000)
  t.same(log.splice(0), ['release 7000'])

  world.connect({ port: 82, localPort: 7002 }, {}, stack)
  world.clock.advance(100)
  t.same(log.splice(0), ['claim 7002', 'release 7002'], 'refused')

  const listener = world.listen(stack, { port: 83 })
  world.connect({ address: '10.0.0.1', port: 83 }, {}, world.right)
  world.clock.advance(100)
  listener.close()
  t.same(log.splice(0), ['claim 83'], 'what was accepted holds the port')
  stack.close()
  t.same(log.splice(0), ['release 83'])
})

// --- Handlers ---

t.test('handlers come in order: connected, readable, ended, closed, each once here', async t => {
  const world = new World()
  world.listen(world.right, {}, { ended: c => c.shutdown() })
  const client = world.connect({}, { ended: c => t.ok(c.isEnded) })
  client.write(bytes('hello'))
  world.clock.advance(10)
  client.shutdown()
  world.clock.advance(100)
  t.same(world.of('server'), ['accepted', 'readable', 'ended', 'closed'])
  t.same(world.of('client'), ['connected', 'ended', 'closed'])
  t.equal(readAll(world.accepted[0]), 'hello')
  t.same(world.leftovers(), [NOTHING, NOTHING])
})

t.test('no handler is called inside a call of the user', async t => {
  const world = new World()
  world.listen()
  let inside = true
  const no = () => t.notOk(inside)
  const client = world.connect({}, { connected: no, writable: no, closed: no })
  client.abort()
  t.same(world.told, [])
  inside = false
  world.clock.advance(10)
  t.same(world.of('client'), ['closed'])
})

t.test('the end of a connection refused: connect ECONNREFUSED, with address and port', async t => {
  const world = new World()
  world.connect(
    {},
    {
      closed: (_, error) => {
        t.match(error, { code: 'ECONNREFUSED', syscall: 'connect', address: '10.0.0.2', port: 80, errno: -111 })
        t.equal(error?.message, 'connect ECONNREFUSED 10.0.0.2:80')
      }
    }
  )
  world.clock.advance(100)
  t.same(world.of('client'), ['closed ECONNREFUSED'])
  t.same(world.leftovers(), [NOTHING, NOTHING])
})

t.test('what a handler throws surfaces outside the stack, and hurts no other connection', async t => {
  const world = new World()
  world.listen(world.right, {}, { readable: c => void c.write(bytes(readAll(c).toUpperCase())) })
  const bad = world.connect(
    {},
    {
      connected: () => {
        throw new Error('mine')
      }
    }
  )
  const good = world.connect({}, { connected: c => void c.write(bytes('good')) })
  t.throws(() => world.clock.advance(100), { message: 'mine' })
  world.clock.advance(100)
  t.equal(readAll(good), 'GOOD')
  bad.write(bytes('still open'))
  world.clock.advance(100)
  t.equal(readAll(bad), 'STILL OPEN')
})

t.test('what a handler throws does not keep the same connection’s later handlers from being called', async t => {
  const peer = established()
  const told: string[] = []
  const fail = (what: string) => () => {
    told.push(what)
    throw new Error(what)
  }
  peer.connection!.handlers = { readable: fail('readable'), ended: fail('ended'), closed: fail('closed') }
  const errors: string[] = []
  // Text, FIN and RST in one batch.
  peer.link.deliver(peer.packet({ flags: 'F.', seq: 1, ack: 1, text: 'abc' }), peer.packet({ flags: 'R', seq: 5 }))
  for (let i = 0; i < 5; i++) {
    try {
      peer.settle()
    } catch (error) {
      errors.push((error as Error).message)
    }
  }
  t.same(told, ['readable', 'ended', 'closed'])
  t.same(errors, ['readable', 'ended', 'closed'])
  t.ok(peer.connection?.isClosed)
})

t.test('a handler may replace the handlers: the new ones hear the rest', async t => {
  const world = new World()
  world.listen(world.right, {}, { readable: c => void c.write(bytes(readAll(c))), ended: c => c.close() })
  const told: string[] = []
  const client = world.connect()
  client.handlers = {
    connected: c => {
      c.handlers = { readable: () => told.push('readable'), closed: () => told.push('closed') }
      c.write(bytes('x'))
    }
  }
  world.clock.advance(100)
  readAll(client)
  client.close()
  world.clock.advance(100)
  t.same(told, ['readable', 'closed'])
})

t.test('a writer that is told there is room finds it; writable comes once for each time it was refused', async t => {
  const world = new World({ sendBuffer: 4096 })
  const received: number[] = []
  let left = 100_000
  let refusals = 0
  const pump = (c: Connection) => {
    while (left > 0) {
      const piece = new Uint8Array(Math.min(left, 1500))
      const taken = c.write(piece)
      left -= taken
      if (taken < piece.length) {
        refusals++
        return
      }
    }
  }
  world.listen(world.right, {}, { readable: c => void received.push(readAll(c).length) })
  world.connect(
    {},
    {
      connected: pump,
      writable: c => {
        t.ok(c.writableBytes > 0)
        pump(c)
      }
    }
  )
  world.clock.advance(10_000)
  t.equal(left, 0)
  t.equal(
    received.reduce((sum, n) => sum + n, 0),
    100_000
  )
  t.equal(world.of('client').filter(line => line === 'writable').length, refusals)
})

// --- Closing ---

t.test('close may come twice, and shutdown after it, or write', async t => {
  const world = new World()
  const [client, server] = world.open({ server: { ended: c => c.close() } })
  client.close()
  client.close()
  client.shutdown()
  t.throws(() => client.write(bytes('x')), { code: 'EPIPE', syscall: 'write' })
  world.clock.advance(100)
  t.equal(client.state, 'TIME-WAIT')
  client.close()
  client.abort()
  server.close()
  server.abort()
  t.same(world.of('client'), ['ended', 'closed'])
  t.same(world.of('server'), ['ended', 'closed'])
  t.same(world.leftovers(), [NOTHING, NOTHING])
})

t.test('write after shutdown is refused with EPIPE, reading goes on', async t => {
  const world = new World()
  const [client, server] = world.open()
  client.shutdown()
  t.throws(() => client.write(bytes('x')), { code: 'EPIPE' })
  world.clock.advance(100)
  t.equal(client.state, 'FIN-WAIT-2')
  server.write(bytes('late'))
  world.clock.advance(100)
  t.equal(readAll(client), 'late')
})

for (const where of ['connected', 'readable', 'writable', 'ended', 'closed'] as const) {
  t.test(`close inside the handler "${where}" is allowed, and leaves nothing`, async t => {
    const world = new World({ sendBuffer: 2048 })
    let calls = 0
    world.listen(
      world.right,
      {},
      {
        readable: c => {
          readAll(c)
          c.write(bytes('answer'))
        },
        ended: c => c.close()
      }
    )
    const client = world.connect(
      {},
      {
        readable: c => void readAll(c),
        [where]: (c: Connection) => {
          calls++
          readAll(c)
          c.close()
        }
      }
    )
    client.write(new Uint8Array(3000))
    world.clock.advance(1000)
    if (where === 'ended') world.accepted[0].shutdown()
    if (where === 'closed') client.close()
    t.same(world.leftovers(), [NOTHING, NOTHING])
    t.equal(calls, 1)
    t.equal(world.of('client').filter(line => line.startsWith('closed')).length, 1)
  })
}

t.test('abort inside a handler ends the connection with a RST, and no other handler but closed follows', async t => {
  const world = new World()
  world.listen()
  world.connect({}, { connected: c => c.abort() })
  world.clock.advance(100)
  t.same(world.of('client'), ['connected', 'closed'])
  t.same(world.of('server'), [], 'the RST came before our ACK of its SYN')
  t.same(world.leftovers(), [NOTHING, NOTHING])
})

t.test('what arrived before a reset can be read after it', async t => {
  const world = new World()
  const [client, server] = world.open()
  client.write(bytes('last words'))
  world.clock.advance(100)
  client.abort()
  world.clock.advance(100)
  t.same(world.of('server'), ['readable', 'closed ECONNRESET'])
  t.equal(server.state, 'CLOSED')
  t.equal(server.readableBytes, 10)
  t.equal(readAll(server), 'last words')
  t.throws(() => server.write(bytes('x')), { code: 'EPIPE' })
  t.same(world.leftovers(), [NOTHING, NOTHING])
})

/** How to bring the client's end into each state, by the cable and the calls of both. */
const STATES: Record<string, (world: World) => Connection> = {
  'SYN-SENT': world => world.connect(),
  ESTABLISHED: world => world.open()[0],
  'FIN-WAIT-1': world => {
    const [client] = world.open()
    world.links[0].impair({ loss: 1 })
    client.shutdown()
    return client
  },
  'FIN-WAIT-2': world => {
    const [client] = world.open()
    client.shutdown()
    return client
  },
  'CLOSE-WAIT': world => {
    const [client, server] = world.open()
    server.shutdown()
    return client
  },
  CLOSING: world => {
    const [client, server] = world.open()
    world.links[0].impair({ loss: 1 })
    client.shutdown()
    server.shutdown()
    return client
  },
  'LAST-ACK': world => {
    const [client, server] = world.open()
    server.shutdown()
    world.clock.advance(50)
    world.links[0].impair({ loss: 1 })
    client.shutdown()
    return client
  },
  'TIME-WAIT': world => {
    const [client, server] = world.open()
    client.shutdown()
    server.shutdown()
    return client
  },
  CLOSED: world => {
    const [client, server] = world.open()
    server.abort()
    return client
  }
}
// RFC 9293 §3.10.5, ABORT: a RST where the peer may still believe in the connection.
const aborts = [
  { state: 'SYN-SENT', resets: 0 },
  { state: 'ESTABLISHED', resets: 1 },
  { state: 'FIN-WAIT-1', resets: 1 },
  { state: 'FIN-WAIT-2', resets: 1 },
  { state: 'CLOSE-WAIT', resets: 1 },
  { state: 'CLOSING', resets: 0 },
  { state: 'LAST-ACK', resets: 0 },
  { state: 'TIME-WAIT', resets: 0 },
  { state: 'CLOSED', resets: 0 }
]
for (const { state, resets } of aborts) {
  t.test(`${state}: abort sends ${resets === 0 ? 'nothing' : 'a RST'}, and closed is told once`, async t => {
    const world = new World()
    const client = STATES[state](world)
    if (state !== 'SYN-SENT') world.clock.advance(50)
    t.equal(client.state, state)
    world.links[0].impair({ loss: 0 })
    const before = world.left.counters().tcp.resetsSent
    client.abort()
    t.throws(() => client.write(bytes('x')), { code: 'EPIPE' })
    world.clock.advance(0)
    t.equal(world.left.counters().tcp.resetsSent - before, resets)
    world.clock.advance(100)
    t.equal(world.of('client').filter(line => line.startsWith('closed')).length, 1)
    for (const connection of world.accepted) connection.abort()
    t.same(world.leftovers(), [NOTHING, NOTHING])
  })
  t.test(`${state}: the end of the stack closes the connection and tells it once`, async t => {
    const world = new World()
    const client = STATES[state](world)
    if (state !== 'SYN-SENT') world.clock.advance(50)
    world.left.close()
    world.left.close()
    world.clock.advance(100)
    t.equal(world.of('client').filter(line => line.startsWith('closed')).length, 1)
    t.ok(client.isClosed)
    t.same(world.left.counts(), { connections: 0, halfOpen: 0, timeWait: 0 })
    t.equal(world.left.counters().stack.slabUsedBytes, 0)
  })
}

t.test('a closed stack refuses to listen and to connect, its connections answer as closed ones do', async t => {
  const world = new World()
  const [client] = world.open()
  world.left.close()
  t.throws(() => world.connect(), { code: 'EBADF', syscall: 'connect' })
  t.throws(() => world.listen(world.left), { code: 'EBADF', syscall: 'listen' })
  t.throws(() => client.write(bytes('x')), { code: 'EPIPE' })
  client.close()
  client.abort()
  client.setOptions({ noDelay: true })
  t.equal(client.read(), undefined)
  world.clock.advance(100)
  t.same(world.of('server'), ['closed ECONNRESET'])
})

t.test('a stack that a handler closes ends after that turn, and tells everybody', async t => {
  const world = new World()
  world.listen()
  world.connect()
  world.connect({}, { connected: () => world.left.close() })
  world.clock.advance(100)
  t.equal(world.of('client').filter(line => line === 'closed').length, 2)
  t.same(world.left.counts(), { connections: 0, halfOpen: 0, timeWait: 0 })
})

// --- Listeners ---

t.test('a listener that closes resets its half-open children, those that are open live on', async t => {
  const world = new World()
  const listener = world.listen()
  const open = world.connect()
  world.clock.advance(100)
  world.links[0].impair({ filter: dropBareAcks })
  world.connect()
  world.clock.advance(3)
  const { halfOpen } = world.right.counts()
  listener.close()
  t.equal(halfOpen, 1)
  world.links[0].impair({ filter: undefined })
  world.clock.advance(100)
  t.same(world.right.counts(), { connections: 1, halfOpen: 0, timeWait: 0 })
  t.same(world.of('client'), ['connected', 'connected', 'closed ECONNRESET'])
  open.write(bytes('x'))
  world.clock.advance(100)
  t.equal(readAll(world.accepted[0]), 'x')
  world.connect()
  world.clock.advance(100)
  t.equal(world.of('client').at(-1), 'closed ECONNREFUSED')
})

t.test('SYNs beyond the backlog are dropped without cookies, and taken when there is room again', async t => {
  const world = new World({}, { synCookies: 'off' })
  world.listen(world.right, { backlog: 2 })
  world.links[0].impair({ filter: dropBareAcks })
  for (let i = 0; i < 3; i++) world.connect()
  world.clock.advance(100)
  t.equal(world.right.counts().halfOpen, 2)
  t.equal(world.right.counters().tcp.droppedSynBacklogFull, 1)
  world.links[0].impair({ filter: undefined })
  world.clock.advance(10_000)
  t.equal(world.accepted.length, 3)
})

t.test('a half-open connection that nobody completes is forgotten', async t => {
  const peer = new Peer().listen()
  peer.arrive({ flags: 'S', mss: 1460 })
  t.equal(peer.stack.counts().halfOpen, 1)
  peer.wait(200_000)
  t.same(peer.stack.counts(), { connections: 0, halfOpen: 0, timeWait: 0 })
  t.same(peer.told, [])
})

// --- To ourselves, and both at once ---

t.test('a connection to an own address passes through the stack alone', async t => {
  const world = new World()
  world.listen(world.left, {}, { readable: c => void c.write(bytes(readAll(c).toUpperCase())), ended: c => c.close() })
  const client = world.connect({ address: '10.0.0.1' })
  t.equal(client.localAddress, '10.0.0.1')
  client.write(bytes('to myself'))
  world.clock.advance(100)
  t.equal(readAll(client), 'TO MYSELF')
  client.close()
  t.same(world.leftovers(), [NOTHING, NOTHING])
  t.equal(world.links[0].counters().packetsSent, 0)
})

t.test('a megabyte to ourselves arrives whole', async t => {
  const world = new World()
  let received = 0
  let left = 2 ** 20
  world.listen(world.left, {}, { readable: c => void (received += readAll(c).length), ended: c => c.close() })
  const pump = (c: Connection) => {
    while (left > 0) {
      const taken = c.write(new Uint8Array(Math.min(left, 10_000)))
      left -= taken
      if (taken === 0) return
    }
    c.shutdown()
  }
  world.connect({ address: '10.0.0.1' }, { connected: pump, writable: pump })
  world.clock.advance(10_000)
  t.equal(received, 2 ** 20)
  t.same(world.leftovers(), [NOTHING, NOTHING])
})

t.test(
  'RFC 9293 §3.5: a connection from a port to itself opens as a simultaneous one, and talks to itself',
  async t => {
    const world = new World()
    const self = world.connect({ address: '10.0.0.1', port: 7000, localPort: 7000 }, { ended: c => c.close() })
    self.write(bytes('echo'))
    world.clock.advance(2000)
    t.equal(self.state, 'ESTABLISHED')
    t.equal(readAll(self), 'echo')
    self.shutdown()
    world.clock.advance(2000)
    t.same(world.of('client').slice(-2), ['ended', 'closed'])
    t.equal(world.left.counters().tcp.impossibleTransitions, 0)
    t.same(world.leftovers(), [NOTHING, NOTHING])
  }
)

t.test('RFC 9293 §3.5, figure 8: two stacks that connect to each other at once have one connection', async t => {
  const world = new World()
  const left = world.left.connect({ address: '10.0.0.2', port: 9001, localPort: 9000 }, world.noting('left', {}))
  const right = world.right.connect({ address: '10.0.0.1', port: 9000, localPort: 9001 }, world.noting('right', {}))
  left.write(bytes('from the left'))
  right.write(bytes('from the right'))
  world.clock.advance(3000)
  t.equal(left.state, 'ESTABLISHED')
  t.equal(right.state, 'ESTABLISHED')
  t.equal(readAll(left), 'from the right')
  t.equal(readAll(right), 'from the left')
  left.shutdown()
  right.shutdown()
  t.same(world.leftovers(), [NOTHING, NOTHING])
  t.same(world.of('left'), ['connected', 'readable', 'ended', 'closed'])
  for (const stack of [world.left, world.right]) t.equal(stack.counters().tcp.impossibleTransitions, 0)
})

for (const call of ['shutdown', 'close', 'abort'] as const) {
  t.test(`SYN-RECEIVED of a simultaneous open: ${call} leaves nothing`, async t => {
    const world = new World()
    const left = world.left.connect({ address: '10.0.0.2', port: 9001, localPort: 9000 }, world.noting('left', {}))
    const right = world.right.connect(
      { address: '10.0.0.1', port: 9000, localPort: 9001 },
      world.noting('right', { ended: c => c.close() })
    )
    world.clock.advance(1)
    t.equal(left.state, 'SYN-RECEIVED')
    left[call]()
    world.clock.advance(5000)
    right.close()
    t.same(world.leftovers(), [NOTHING, NOTHING])
    t.equal(world.of('left').filter(line => line.startsWith('closed')).length, 1)
    for (const stack of [world.left, world.right]) t.equal(stack.counters().tcp.impossibleTransitions, 0)
  })
}

// --- Limits ---

t.test('timeWaitLimit: connections beyond it close without waiting', async t => {
  const world = new World({ timeWaitLimit: 2 })
  world.listen(world.right, {}, { ended: c => c.close() })
  const clients = Array.from({ length: 5 }, () => world.connect())
  world.clock.advance(100)
  for (const client of clients) client.close()
  world.clock.advance(100)
  t.equal(world.left.counts().timeWait, 2)
  t.equal(world.left.counters().stack.timeWaitOverflow, 3)
  t.equal(world.of('client').filter(line => line === 'closed').length, 5)
  t.same(world.leftovers(), [NOTHING, NOTHING])
})

t.test('memoryLimit: writers share what there is, each goes on when memory is free, and all is sent', async t => {
  const world = new World({ memoryLimit: 2 ** 20 })
  const total = 600_000
  const received = new Map<Connection, number>()
  world.listen(
    world.right,
    {},
    {
      readable: c => void received.set(c, (received.get(c) ?? 0) + readAll(c).length),
      ended: c => c.close()
    }
  )
  for (let i = 0; i < 12; i++) {
    let left = total
    const pump = (c: Connection) => {
      while (left > 0) {
        const piece = new Uint8Array(Math.min(left, 200_000))
        const taken = c.write(piece)
        left -= taken
        if (taken < piece.length) return
      }
      c.shutdown()
    }
    world.connect({}, { connected: pump, writable: pump })
  }
  world.clock.advance(60_000)
  t.same([...received.values()], Array(12).fill(total))
  t.ok(world.left.counters().stack.slabReservedBytes <= 2 ** 20)
  t.same(world.leftovers(), [NOTHING, NOTHING])
})

t.test('an idle connection owns no block, however much has passed through it', async t => {
  const world = new World()
  const [client, server] = world.open()
  for (let i = 0; i < 20; i++) {
    client.write(new Uint8Array(30_000))
    world.clock.advance(500)
    readAll(server)
  }
  world.clock.advance(1000)
  t.equal(world.left.counters().stack.slabUsedBytes, 0)
  t.equal(world.right.counters().stack.slabUsedBytes, 0)
})

t.test('a thousand connections come and go, and leave nothing', async t => {
  const world = new World()
  world.listen(world.right, {}, { readable: c => void c.write(bytes(readAll(c))), ended: c => c.close() })
  for (let round = 0; round < 10; round++) {
    const clients = Array.from({ length: 100 }, () => world.connect())
    clients.forEach((client, i) => {
      client.write(new Uint8Array(i * 10 + 1))
    })
    world.clock.advance(1000)
    t.equal(world.left.counts().connections, 100)
    clients.forEach((client, i) => {
      t.equal(readAll(client).length, i * 10 + 1)
      if (i % 3 === 0) client.abort()
      else client.close()
    })
    world.clock.advance(100)
  }
  t.same(world.leftovers(), [NOTHING, NOTHING])
})
