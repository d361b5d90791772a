// TCP Fast Open between two stacks, as their users have it (RFC 7413). What is on the wire is in test/packetdrill/fast-open.

import t from 'tap'
import { pairLinks } from '../../src/link/pair.ts'
import { VirtualClock } from '../../src/sim/clock.ts'
import type { Connection } from '../../src/stack/connection.ts'
import type { Listener } from '../../src/stack/listener.ts'
import { type ConnectOptions, Stack, type StackOptions } from '../../src/stack/stack.ts'
import { FastOpenMemory } from '../../src/tcp/fast-open-memory.ts'
import { Segment, SYN } from '../../src/wire/segment.ts'

const ONE_WAY_MS = 50
const SERVER = { address: '10.0.0.2', port: 80 }
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const textOf = (chunk: Uint8Array | undefined): string => new TextDecoder().decode(chunk)

/** A server that answers `answer` to whatever comes first, and a client `ONE_WAY_MS` away. */
class Pair {
  readonly clock = new VirtualClock({ seed: 1 })
  readonly client: Stack
  readonly server: Stack
  listener: Listener | undefined
  readonly #links = pairLinks({ host: this.clock, seed: 1, impairments: { delayMs: ONE_WAY_MS } })

  constructor(options: Partial<StackOptions> = {}) {
    this.client = new Stack({ link: this.#links[0], host: this.clock, ...options })
    this.server = new Stack({ link: this.#links[1], host: this.clock, ...options })
  }

  serve(fastOpen: number, answer = 'answer'): void {
    this.listener = this.server.listen({ port: 80, fastOpen }, connection => {
      connection.handlers = {
        readable: () => {
          while (connection.read() !== undefined);
          connection.write(bytes(answer))
        },
        ended: () => connection.close()
      }
    })
  }

  /** One request; answers when the answer was there, ms after it left. */
  ask(options: Partial<ConnectOptions> = { fastOpen: true }): number {
    const from = this.clock.now()
    let at = Number.NaN
    const connection = this.client.connect(
      { ...SERVER, ...options },
      {
        readable: open => {
          if (textOf(open.read()) === 'answer') at = this.clock.now()
          open.close()
        }
      }
    )
    connection.write(bytes('question'))
    this.clock.run(this.clock.now() + 10_000)
    return at - from
  }
}

t.test(
  'the first question waits for the handshake, the second one goes with the SYN and saves a round trip',
  async t => {
    const pair = new Pair()
    pair.serve(10)
    t.equal(Math.round(pair.ask() / ONE_WAY_MS), 4, 'two round trips')
    t.equal(Math.round(pair.ask() / ONE_WAY_MS), 2, 'one')
    t.equal(Math.round(pair.ask({}) / ONE_WAY_MS), 4, 'who does not ask for it does without')
    const { tcpExt } = pair.client.statistics()
    t.match(tcpExt, { TCPFastOpenActive: 1, TCPFastOpenActiveFail: 0, TCPFastOpenBlackhole: 0 })
    t.match(pair.server.statistics().tcpExt, {
      TCPFastOpenCookieReqd: 1,
      TCPFastOpenPassive: 1,
      TCPFastOpenPassiveFail: 0,
      TCPFastOpenListenOverflow: 0
    })
  }
)

t.test('a changed key costs one round trip, once; with the former one kept, none', async t => {
  const pair = new Pair()
  pair.serve(10)
  const [first, second, third] = [1, 2, 3].map(n => new Uint8Array(16).fill(n))
  pair.server.setFastOpenKeys(first)
  pair.ask()
  t.equal(Math.round(pair.ask() / ONE_WAY_MS), 2)
  pair.server.setFastOpenKeys(second, first)
  t.equal(Math.round(pair.ask() / ONE_WAY_MS), 2, 'the old cookie is taken')
  pair.server.setFastOpenKeys(third, second)
  t.equal(Math.round(pair.ask() / ONE_WAY_MS), 2, 'it came with a new one')
  pair.server.setFastOpenKeys(first)
  t.equal(Math.round(pair.ask() / ONE_WAY_MS), 4, 'and is refused now')
  t.equal(Math.round(pair.ask() / ONE_WAY_MS), 2, 'once')
  t.match(pair.server.statistics().tcpExt, { TCPFastOpenPassiveAltKey: 2, TCPFastOpenPassiveFail: 1 })
  t.match(pair.client.statistics().tcpExt, { TCPFastOpenActive: 4, TCPFastOpenActiveFail: 1 })
})

t.test('without cookies on both sides even the first question goes with the SYN', async t => {
  const pair = new Pair({ fastOpenWithoutCookie: true })
  pair.serve(10)
  t.equal(Math.round(pair.ask() / ONE_WAY_MS), 2)
})

t.test('a server that has none is asked in both forms, and then left alone for a while', async t => {
  const pair = new Pair()
  pair.serve(0)
  t.equal(Math.round(pair.ask() / ONE_WAY_MS), 4)
  t.match(pair.client.statistics().tcpExt, { TCPFastOpenActive: 0, TCPFastOpenBlackhole: 0 })
  t.equal(Math.round(pair.ask() / ONE_WAY_MS), 4)
  t.match(pair.client.statistics().tcpExt, { TCPFastOpenBlackhole: 1 })
})

t.test(
  'a server that has it no more: the text goes with the ACK, and Fast Open is left alone there for a while',
  async t => {
    const pair = new Pair()
    pair.serve(10)
    pair.ask()
    pair.listener?.setOptions({ fastOpen: 0 })
    t.equal(Math.round(pair.ask() / ONE_WAY_MS), 4)
    t.match(pair.client.statistics().tcpExt, { TCPFastOpenActiveFail: 1, TCPFastOpenBlackhole: 1 })
    t.equal(pair.client.fastOpenRoom(SERVER), 0)
    pair.clock.run(pair.clock.now() + 3_600_000)
    t.equal(pair.client.fastOpenRoom(SERVER), 1420)
  }
)

t.test('what a SYN could carry is known beforehand', async t => {
  const pair = new Pair()
  pair.serve(10)
  t.equal(pair.client.fastOpenRoom(SERVER), 0)
  pair.ask()
  t.equal(pair.client.fastOpenRoom(SERVER), 1420)
  t.equal(pair.client.fastOpenRoom({ ...SERVER, maximumSegmentSize: 500 }), 460)
})

t.test('a write of more than fits goes on after the handshake', async t => {
  const pair = new Pair()
  pair.serve(1)
  pair.ask()
  let received = 0
  pair.listener?.close()
  pair.server.listen({ port: 80, fastOpen: 1 }, connection => {
    connection.handlers = {
      readable: () => {
        for (let chunk = connection.read(); chunk !== undefined; chunk = connection.read()) received += chunk.length
      }
    }
  })
  const connection: Connection = pair.client.connect({ ...SERVER, fastOpen: true })
  connection.write(new Uint8Array(100_000))
  pair.clock.run(pair.clock.now() + ONE_WAY_MS + 1)
  t.equal(received, 1420)
  t.equal(connection.state, 'SYN-SENT')
  pair.clock.run(pair.clock.now() + 5000)
  t.equal(received, 100_000)
  t.match(connection.info(), { bytesAcked: 100_000, bytesRetrans: 0, options: { synData: true } })
})

t.test('keys of another length, and no keys, are refused', async t => {
  const { server } = new Pair()
  t.throws(() => server.setFastOpenKeys(new Uint8Array(15)), { code: 'ERR_OUT_OF_RANGE' })
  t.throws(() => server.setFastOpenKeys('x' as never), { code: 'ERR_INVALID_ARG_TYPE' })
  const listener = server.listen({ port: 80, fastOpen: 1 })
  t.throws(() => listener.setFastOpenKeys(new Uint8Array(16), new Uint8Array(17)), { code: 'ERR_OUT_OF_RANGE' })
})

t.test('what a client remembers is bounded: the server not met for longest goes', async t => {
  const memory = new FastOpenMemory(1000)
  const server = (remoteAddress: number) => ({ localAddress: 1, remoteAddress, remotePort: 80 })
  const seg = new Segment()
  seg.flags = SYN
  for (let i = 0; i < 5000; i++) {
    memory.meet(server(i)).cookieLength = 8
    memory.pause(server(i), 0)
    memory.recall(server(0))
  }
  t.equal(memory.recall(server(0))?.cookieLength, 8)
  t.equal(memory.recall(server(900)), undefined)
  t.equal(memory.recall(server(4999))?.cookieLength, 8)
  t.notOk(memory.isPaused(server(0), 10))
  t.ok(memory.isPaused(server(4999), 10))
})

t.test('a pause is twice as long each time, 64 times at most, and short again once it has worked', async t => {
  const memory = new FastOpenMemory(1000)
  const service = { localAddress: 1, remoteAddress: 2, remotePort: 80 }
  for (const length of [1000, 2000, 4000, 8000, 16_000, 32_000, 64_000, 64_000]) {
    memory.pause(service, 0)
    t.ok(memory.isPaused(service, length - 1))
    t.notOk(memory.isPaused(service, length))
  }
  t.notOk(memory.isPaused({ ...service, remotePort: 81 }, 1), 'another port is another matter')
  memory.worked(service)
  memory.pause(service, 0)
  t.notOk(memory.isPaused(service, 1000))
  t.equal(new FastOpenMemory(0).pause(service, 0), false, 'and there may be none')
})
