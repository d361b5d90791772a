// The stream over a connection: by hand where the wire matters, and over two stacks in real time for what Node builds on
// streams.

import { createHash } from 'node:crypto'
import { once } from 'node:events'
import http from 'node:http'
import { Readable, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises'
import t from 'tap'
import { pairLinks } from '../../src/link/pair.ts'
import { ConnectionStream } from '../../src/net/duplex.ts'
import { NodeHost } from '../../src/net/host.ts'
import { Random } from '../../src/random.ts'
import type { Connection } from '../../src/stack/connection.ts'
import { Stack } from '../../src/stack/stack.ts'
import type { SocketOptions } from '../../src/tcp/options.ts'
import { established, Peer } from '../support/peer.ts'

interface Teardown {
  teardown(work: () => void): void
}

/** Two stacks in real time; what the second accepts on port 80 goes to `accept` as a stream. */
function realPair(t: Teardown, accept: (stream: ConnectionStream) => void, options: SocketOptions = {}) {
  const host = new NodeHost()
  const [client, server] = pairLinks({ host }).map(link => new Stack({ link, host, ...options }))
  t.teardown(() => {
    client.close()
    server.close()
  })
  server.listen({ port: 80 }, connection => {
    const stream = new ConnectionStream(connection)
    stream.on('error', () => {}) // each test looks for itself
    accept(stream)
  })
  return {
    client,
    server,
    connect: () => new ConnectionStream(client.connect({ address: '10.0.0.2', port: 80 }))
  }
}

/** Timeouts of streams do not keep a process, and there is no socket here that does. */
function holdLoopOpen(t: Teardown): void {
  const timer = setInterval(() => {}, 1000)
  t.teardown(() => clearInterval(timer))
}

/** Unlike `once`, takes an error for no reason to stop waiting. */
const closed = (stream: ConnectionStream): Promise<void> =>
  new Promise(resolve => {
    if (stream.closed) resolve()
    else stream.on('close', resolve)
  })

/** The events of a stream, in order. */
function eventsOf(stream: ConnectionStream): string[] {
  const seen: string[] = []
  for (const name of ['connect', 'ready', 'finish', 'end', 'close']) stream.on(name, () => seen.push(name))
  stream.on('error', (error: NodeJS.ErrnoException) => seen.push(`error ${error.code}`))
  return seen
}

/** `chunks` of random bytes, and the hash of all. */
function source(seed: number, chunks: number, chunkBytes: number) {
  const random = new Random(seed)
  const hash = createHash('sha256')
  const stream = Readable.from(
    (function* () {
      for (let i = 0; i < chunks; i++) {
        const chunk = new Uint8Array(1 + random.int(2 * chunkBytes))
        random.fill(chunk)
        hash.update(chunk)
        yield chunk
      }
    })()
  )
  return { stream, digest: () => hash.digest('hex') }
}

function sink() {
  const hash = createHash('sha256')
  let bytes = 0
  const stream = new Writable({
    write(chunk, _, done) {
      hash.update(chunk)
      bytes += chunk.length
      done()
    }
  })
  return { stream, digest: () => hash.digest('hex'), bytes: () => bytes }
}

t.test('what is written and ended before the connection is open is sent when it is', async t => {
  const peer = new Peer().connect()
  const stream = new ConnectionStream(peer.connection as Connection)
  stream.end('hello')
  const finished = once(stream, 'finish')
  await nextTurn()
  peer.settle()
  t.equal(peer.state, 'SYN-SENT', 'it does not give up')
  t.same(peer.arrive({ flags: 'S.', seq: 0, ack: 1 }), ['FP. 1+5 ack 1'])
  await finished
})

t.test('a connection that is refused after the end of writing is an error', async t => {
  const peer = new Peer().connect()
  const stream = new ConnectionStream(peer.connection as Connection)
  stream.end('hello')
  await nextTurn()
  const error = once(stream, 'error')
  peer.arrive({ flags: 'R.', seq: 0, ack: 1 })
  t.match(await error, [{ code: 'ECONNREFUSED' }])
  t.ok(stream.destroyed)
})

// --- By hand ---

t.test('a peer’s reset is ECONNRESET, emitted once, then close; a write that waited is told', async t => {
  const peer = established({ sockets: { sendBuffer: 2048 } })
  const stream = new ConnectionStream(peer.connection as Connection)
  const seen = eventsOf(stream)
  let failed: NodeJS.ErrnoException | null | undefined
  stream.write(new Uint8Array(10_000), error => {
    failed = error as NodeJS.ErrnoException
  })
  stream.resume()
  await nextTurn()
  peer.settle()
  peer.arrive({ flags: 'R', seq: 1 })
  await nextTurn()
  t.same(seen, ['error ECONNRESET', 'close'])
  t.equal(failed?.code, 'ECONNRESET')
  stream.destroy()
  stream.on('error', () => {})
  stream.write('late')
  await nextTurn()
  t.same(seen.slice(0, 2), ['error ECONNRESET', 'close'])
})

t.test('an ACK that makes room and a reset in one batch: ECONNRESET, not EPIPE', async t => {
  const peer = established({ sockets: { sendBuffer: 2048 } })
  const stream = new ConnectionStream(peer.connection as Connection)
  const seen = eventsOf(stream)
  stream.write(new Uint8Array(10_000))
  await nextTurn()
  peer.settle()
  peer.arrive({ flags: '.', seq: 1, ack: 1461 }, { flags: 'R', seq: 1 })
  await nextTurn()
  t.same(seen, ['error ECONNRESET', 'close'])
})

t.test('destroy before the connection is open: only close, and the late SYN-ACK is answered with a RST', async t => {
  const peer = new Peer().connect()
  const stream = new ConnectionStream(peer.connection as Connection)
  const seen = eventsOf(stream)
  let failed: NodeJS.ErrnoException | null | undefined
  stream.write('never', error => {
    failed = error as NodeJS.ErrnoException
  })
  stream.write('ever')
  stream.destroy()
  await nextTurn()
  t.same(peer.arrive({ flags: 'S.', seq: 0, ack: 1 }), ['R 1'])
  t.same(seen, ['close'])
  t.notOk(failed, 'the first chunk had been taken')
  t.same(peer.stack.counts(), { connections: 0, halfOpen: 0, timeWait: 0 })
})

t.test('destroy after end, before the connection is open: only close', async t => {
  const peer = new Peer().connect()
  const stream = new ConnectionStream(peer.connection as Connection)
  const seen = eventsOf(stream)
  stream.end('never')
  await nextTurn()
  stream.destroy()
  await nextTurn()
  t.same(seen, ['close'])
  t.equal(peer.state, 'CLOSED')
})

t.test('destroy with an error: that error, then close, and a FIN for the peer, as a socket of Node has it', async t => {
  const peer = established()
  const stream = new ConnectionStream(peer.connection as Connection)
  const seen = eventsOf(stream)
  peer.link.sent = []
  stream.destroy(Object.assign(new Error('mine'), { code: 'EMINE' }))
  await nextTurn()
  peer.settle()
  t.same(peer.replies(), ['F. 1 ack 1'])
  t.same(seen, ['error EMINE', 'close'])
})

t.test('destroy while a write waits for room: its callback gets an error, none is emitted', async t => {
  const peer = established({ sockets: { sendBuffer: 2048 } })
  const stream = new ConnectionStream(peer.connection as Connection)
  const seen = eventsOf(stream)
  const codes: unknown[] = []
  stream.write(new Uint8Array(5000), error => codes.push((error as NodeJS.ErrnoException | null)?.code))
  stream.write(new Uint8Array(10), error => codes.push((error as NodeJS.ErrnoException | null)?.code))
  await nextTurn()
  stream.destroy()
  await nextTurn()
  t.same(codes, ['ERR_STREAM_DESTROYED', 'ERR_STREAM_DESTROYED'])
  t.same(seen, ['close'])
})

for (const peerEnds of [false, true]) {
  for (const reads of [false, true]) {
    for (const ends of [false, true]) {
      const who = [peerEnds ? 'the peer has' : '', ends ? 'we have' : ''].filter(name => name !== '').join(' and ')
      t.test(
        `the stack ends: close. ${who === '' ? 'nobody has' : who} ended, ${reads ? 'all' : 'nothing'} is read`,
        async t => {
          const peer = established()
          const stream = new ConnectionStream(peer.connection as Connection)
          const seen = eventsOf(stream)
          if (reads) stream.resume()
          if (ends) stream.end()
          await nextTurn()
          peer.settle()
          peer.arrive({ flags: peerEnds ? 'F.' : '.', seq: 1, ack: 1, text: 'abc' })
          await nextTurn()
          peer.stack.close()
          await nextTurn()
          t.notOk(seen.some(name => name.startsWith('error')))
          const mayStillRead = peerEnds && ends && !reads
          t.equal(seen.includes('close'), !mayStillRead)
          stream.resume()
          await nextTurn()
          t.equal(seen.at(-1), 'close')
        }
      )
    }
  }
}

t.test('events of an orderly end: end and finish, then close, whoever is first', async t => {
  for (const first of ['peer', 'we']) {
    const peer = established()
    const stream = new ConnectionStream(peer.connection as Connection)
    const seen = eventsOf(stream)
    stream.resume()
    await nextTurn()
    if (first === 'we') {
      stream.end()
      await nextTurn()
      peer.settle()
      peer.arrive({ flags: '.', seq: 1, ack: 2 }, { flags: 'F.', seq: 1, ack: 2 })
    } else {
      peer.arrive({ flags: 'F.', seq: 1, ack: 1 })
      await nextTurn()
      stream.end()
      await nextTurn()
      peer.settle()
      peer.arrive({ flags: '.', seq: 2, ack: 2 })
    }
    await nextTurn()
    t.same(seen, first === 'we' ? ['finish', 'end', 'close'] : ['end', 'finish', 'close'])
    t.equal(peer.connection?.isClosed, true)
  }
})

t.test('what arrived before the connection came to its end can be read as late as the reader likes', async t => {
  const peer = established()
  const stream = new ConnectionStream(peer.connection as Connection)
  const seen = eventsOf(stream)
  stream.end()
  await nextTurn()
  peer.settle()
  peer.arrive({ flags: 'F.', seq: 1, ack: 2, text: 'late reader' })
  await nextTurn()
  t.ok(peer.connection?.isClosed)
  t.same(seen, ['finish'])
  let text = ''
  for await (const chunk of stream) text += chunk
  t.equal(text, 'late reader')
  t.same(seen, ['finish', 'end', 'close'])
})

t.test('a reader that pauses closes the window, one that resumes opens it', async t => {
  const peer = established({ sockets: { receiveBuffer: 4096, delayedAckMs: 0 } })
  const stream = new ConnectionStream(peer.connection as Connection, { readableHighWaterMark: 1000 })
  stream.on('data', () => {})
  stream.pause()
  await nextTurn()
  let seq = 1
  let window = 4096
  while (window > 0 && seq < 20_000) {
    const length = Math.min(1000, window)
    peer.link.deliver(peer.packet({ flags: '.', seq, ack: 1, text: new Uint8Array(length) }))
    seq += length
    await nextTurn()
    peer.settle()
    window = peer.last().window
  }
  t.equal(window, 0)
  t.ok(seq <= 1 + 4096 + 3000, `${seq - 1} bytes were taken`)
  peer.link.sent = []
  stream.resume()
  await nextTurn()
  peer.settle()
  t.equal(peer.last().window, 4096)
})

t.test('names of a socket', async t => {
  const peer = established()
  const stream = new ConnectionStream(peer.connection as Connection)
  const { localAddress, localPort, remoteAddress, remotePort, remoteFamily } = stream
  t.same([localAddress, localPort, remoteAddress, remotePort, remoteFamily], ['10.0.0.1', 80, '10.0.0.2', 5000, 'IPv4'])
  t.equal(stream.setNoDelay(), stream)
  t.ok(peer.connection?.options.noDelay)
  stream.setNoDelay(false)
  t.notOk(peer.connection?.options.noDelay)
  t.equal(stream.setKeepAlive().ref().unref(), stream)
})

t.test('timeout is emitted when nothing passes, not while something does, and not after the end', async t => {
  const peer = established()
  const stream = new ConnectionStream(peer.connection as Connection)
  holdLoopOpen(t)
  let timeouts = 0
  t.equal(
    stream.setTimeout(100, () => timeouts++),
    stream
  )
  for (let i = 0; i < 6; i++) {
    await delay(40)
    if (i % 2 === 0) stream.write('x')
    else {
      peer.arrive({ flags: '.', seq: 1 + (i >> 1), ack: 1, text: 'y' })
      stream.read()
    }
  }
  t.equal(timeouts, 0)
  await delay(200)
  t.equal(timeouts, 1)
  stream.on('timeout', () => timeouts++)
  stream.setTimeout(50)
  stream.destroy()
  await delay(100)
  t.equal(timeouts, 1)
})

// --- In real time ---

t.test('ten megabytes each way through pipelines, whole, and both ends close', async t => {
  const { client, server, connect } = realPair(t, stream => void serve(stream))
  const there = source(1, 320, 32_768)
  const back = source(2, 640, 16_384)
  const [gotThere, gotBack] = [sink(), sink()]
  let served: Promise<unknown> | undefined
  function serve(stream: ConnectionStream): void {
    served = Promise.all([pipeline(stream, gotThere.stream), pipeline(back.stream, stream), once(stream, 'close')])
  }
  const stream = connect()
  await Promise.all([pipeline(there.stream, stream), pipeline(stream, gotBack.stream), once(stream, 'close')])
  await served
  t.ok(gotThere.bytes() > 9 * 2 ** 20)
  t.equal(gotThere.digest(), there.digest())
  t.equal(gotBack.digest(), back.digest())
  t.same([client.counts().connections, server.counts().connections], [0, 0])
  t.equal(client.counters().stack.slabUsedBytes + server.counters().stack.slabUsedBytes, 0)
})

t.test('half-close: the answer comes after the question has ended', async t => {
  const { connect } = realPair(t, stream => {
    let question = ''
    stream.on('data', chunk => {
      question += chunk
    })
    stream.on('end', () => stream.end(question.toUpperCase()))
  })
  const stream = connect()
  const seen = eventsOf(stream)
  stream.end('question')
  let answer = ''
  for await (const chunk of stream) answer += chunk
  t.equal(answer, 'QUESTION')
  await closed(stream)
  t.same(seen, ['connect', 'finish', 'end', 'close'])
})

t.test('leaving an async iteration early destroys the stream', async t => {
  let ended: Promise<unknown> | undefined
  const { connect } = realPair(t, stream => {
    ended = once(stream, 'end')
    stream.end('a')
  })
  const stream = connect()
  for await (const chunk of stream) {
    t.equal(String(chunk), 'a')
    break
  }
  t.ok(stream.destroyed)
  await ended
})

t.test('allowHalfOpen: false ends our side when the peer’s has ended', async t => {
  const { connect, client } = realPair(t, stream => stream.end('bye').resume())
  const stream = new ConnectionStream(connect().connection, { allowHalfOpen: false })
  stream.resume()
  await closed(stream)
  await delay(50)
  t.equal(client.counts().connections, 0)
})

t.test('write answers false when the peer does not read, drain follows when it does', async t => {
  let accepted: ConnectionStream | undefined
  const { connect } = realPair(
    t,
    stream => {
      accepted = stream
    },
    { receiveBuffer: 8192, sendBuffer: 8192 }
  )
  const stream = connect()
  await once(stream, 'connect')
  let written = 0
  while (stream.write(new Uint8Array(1000))) written += 1000
  t.ok(written >= 15_000)
  let drained = false
  stream.on('drain', () => {
    drained = true
  })
  await delay(50)
  while (!stream.writableNeedDrain) stream.write(new Uint8Array(1000))
  await delay(50)
  const full = stream.writableLength
  drained = false
  await delay(50)
  t.notOk(drained)
  t.equal(stream.writableLength, full, 'nothing moves while the peer does not read')
  accepted?.resume()
  await once(stream, 'drain')
  stream.destroy()
})

for (const [how, events] of [
  ['destroy', ['end', 'finish', 'close']],
  ['resetAndDestroy', ['error ECONNRESET', 'close']]
] as const) {
  t.test(`${how} as the peer sees it`, async t => {
    const ended = new Promise<string[]>(resolve => {
      const { connect } = realPair(t, stream => {
        const seen = eventsOf(stream)
        stream.once('data', () => client[how]())
        stream.on('end', () => stream.end())
        stream.on('close', () => resolve(seen))
      })
      const client = connect()
      client.write('hello')
    })
    t.same(await ended, events)
  })
}

t.test('destroy with unread text: RST, for nobody will read it (RFC 9293 §3.6.1)', async t => {
  const peer = established()
  const stream = new ConnectionStream(peer.connection as Connection)
  peer.arrive({ flags: 'P.', seq: 1, ack: 1, text: 'unread' })
  peer.link.sent = []
  stream.destroy()
  await nextTurn()
  peer.settle()
  t.same(peer.replies(), ['R. 1 ack 7'])
})

t.test('nobody listens: ECONNREFUSED, then close', async t => {
  const { client } = realPair(t, () => {})
  const stream = new ConnectionStream(client.connect({ address: '10.0.0.2', port: 81 }))
  const seen = eventsOf(stream)
  stream.end('nobody')
  await closed(stream)
  t.same(seen, ['error ECONNREFUSED', 'close'])
})

t.test('corked writes leave as one, and arrive as one', async t => {
  const chunks: string[] = []
  const { connect } = realPair(t, stream => void stream.on('data', chunk => chunks.push(String(chunk))))
  const stream = connect()
  await once(stream, 'connect')
  stream.cork()
  for (const piece of ['a', 'b', 'c']) stream.write(piece)
  stream.uncork()
  await delay(50)
  t.same(chunks, ['abc'])
})

// --- http ---

/** Answers with the method, the path and the length and hash of the body. */
const answering = http.createServer((request, response) => {
  const hash = createHash('sha256')
  let length = 0
  request.on('data', chunk => {
    hash.update(chunk)
    length += chunk.length
  })
  request.on('end', () => {
    const body = Buffer.alloc(Number(new URL(request.url ?? '', 'http://x').searchParams.get('size') ?? 0), 'z')
    response.setHeader('x-hash', hash.digest('hex'))
    response.setHeader('x-length', length)
    // In pieces: chunked.
    for (let at = 0; at < body.length; at += 10_000) response.write(body.subarray(at, at + 10_000))
    response.end(`${request.method} ${request.url}`)
  })
})

interface Answer {
  readonly status: number | undefined
  readonly headers: http.IncomingHttpHeaders
  readonly body: string
}

async function ask(options: http.RequestOptions, body?: Readable): Promise<Answer> {
  const request = http.request({ host: 'stack', ...options })
  if (body === undefined) request.end()
  else await pipeline(body, request)
  const [response] = (await once(request, 'response')) as [http.IncomingMessage]
  let text = ''
  for await (const chunk of response) text += chunk
  return { status: response.statusCode, headers: response.headers, body: text }
}

t.test('http: a server and a client of Node’s over two streams', async t => {
  const { connect } = realPair(t, stream => answering.emit('connection', stream))
  const answer = await ask({ path: '/a', createConnection: connect as never, agent: undefined })
  t.match(answer, { status: 200, body: 'GET /a' })
})

t.test('http: an agent that keeps connections alive makes many requests on one', async t => {
  let accepted = 0
  const { connect, client } = realPair(t, stream => {
    accepted++
    answering.emit('connection', stream)
  })
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
  agent.createConnection = connect as never
  t.teardown(() => agent.destroy())
  for (let i = 0; i < 10; i++) t.match(await ask({ path: `/${i}`, agent }), { status: 200, body: `GET /${i}` })
  t.equal(accepted, 1)
  t.equal(client.counts().connections, 1)
  agent.destroy()
  await delay(50)
  t.equal(client.counts().connections, 0)
})

t.test('http: large chunked bodies both ways, several at once', async t => {
  const { connect } = realPair(t, stream => answering.emit('connection', stream))
  const answers = await Promise.all(
    [1, 2, 3, 4].map(async seed => {
      const body = source(seed, 40, 30_000)
      const path = `/${seed}?size=700000`
      const answer = await ask({ path, method: 'POST', createConnection: connect as never }, body.stream)
      t.equal(answer.headers['x-hash'], body.digest())
      t.equal(answer.headers['transfer-encoding'], 'chunked')
      t.equal(answer.body, `${'z'.repeat(700_000)}POST ${path}`)
      return answer
    })
  )
  t.equal(answers.length, 4)
})

t.test('http: a server that closes after the answer ends the client’s stream in order', async t => {
  const { connect, server } = realPair(t, stream => answering.emit('connection', stream))
  const stream = connect()
  const seen = eventsOf(stream)
  await ask({ path: '/close', headers: { connection: 'close' }, createConnection: (() => stream) as never })
  await closed(stream)
  t.notOk(seen.some(name => name.startsWith('error')))
  await delay(50)
  t.equal(server.counts().connections, 0)
})

t.test('http: a server drops a client that is silent', async t => {
  const patient = http.createServer((_, response) => response.end('hello'))
  patient.keepAliveTimeout = 100
  holdLoopOpen(t)
  const { connect } = realPair(t, stream => patient.emit('connection', stream))
  const stream = connect()
  const seen = eventsOf(stream)
  stream.on('end', () => stream.end())
  stream.write('GET / HTTP/1.1\r\nHost: stack\r\n\r\n')
  const [answer] = await once(stream, 'data')
  t.match(String(answer), /^HTTP\/1.1 200 OK/)
  await delay(50)
  t.same(seen, ['connect'])
  await closed(stream)
  t.same(seen, ['connect', 'end', 'finish', 'close'])
})
