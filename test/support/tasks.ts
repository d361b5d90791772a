// What a TestHost can be asked to do, whichever TCP it has.

import { createHash } from 'node:crypto'
import { once } from 'node:events'
import * as http from 'node:http'
import type { Duplex } from 'node:stream'
import { finished } from 'node:stream/promises'
import { ConnectionStream, type TcpInfo } from '../../src/index.ts'
import { Random } from '../../src/random.ts'
import type { ConnectTo, Listening, ListenOn, Tcp } from './tcp.ts'

/** Bytes enough for a transfer that goes on until `stopSending`. */
export const ENDLESS = Number.MAX_SAFE_INTEGER

/** The bytes of one direction: what a seed decides, and how many. */
export interface Pattern {
  readonly seed: number
  readonly bytes: number
}

export interface Received {
  /** SHA-256, in hexadecimal. */
  readonly received: string
  readonly receivedBytes: number
}

export interface Exchanged extends Received {
  readonly sent: string
  readonly elapsedMs: number
}

export interface HttpAnswer {
  readonly status: number
  readonly headers: http.IncomingHttpHeaders
  readonly body: string
}

export class Tasks {
  readonly #tcp: Tcp
  readonly #listening = new Map<number, Listening>()
  /** Connections, by the number that names them to the other process. */
  readonly #streams: Duplex[] = []
  /** For each, what ended it. */
  readonly #endings: Promise<string | null>[] = []
  readonly #accepted = new Queue<number>()
  readonly #served = new Queue<Promise<Exchanged>>()
  #hasStopped = false

  constructor(tcp: Tcp) {
    this.#tcp = tcp
  }

  // --- Whole conversations ---

  /** Listens; with each connection it exchanges the pattern for what comes. Answers the port. */
  async serveExchange(options: ListenOn, pattern: Pattern): Promise<number> {
    return this.#listen(options, stream => this.#served.push(this.#exchange(stream, pattern)))
  }

  /** What became of the next connection served, in the order of their arrival. */
  async served(): Promise<Exchanged> {
    return await this.#served.shift()
  }

  async exchange(options: ConnectTo, pattern: Pattern): Promise<Exchanged> {
    return this.#exchange(this.#tcp.connect(options), pattern)
  }

  /** `count` connections, `together` of them at a time. Answers how many brought what the peer's pattern promises. */
  async exchangeMany(
    options: ConnectTo,
    together: number,
    count: number,
    pattern: Pattern,
    peersPattern: Pattern
  ): Promise<number> {
    const expected = hashOf(peersPattern)
    let begun = 0
    let right = 0
    const oneAfterTheOther = async (): Promise<void> => {
      while (begun++ < count) {
        const { received } = await this.#exchange(this.#tcp.connect(options), pattern)
        if (received === expected) right++
      }
    }
    await Promise.all(Array.from({ length: together }, oneAfterTheOther))
    return right
  }

  /** Sends back what comes. */
  async serveEcho(options: ListenOn): Promise<number> {
    return this.#listen(options, stream => {
      stream.on('error', () => {})
      stream.pipe(stream)
    })
  }

  // --- Connections step by step ---

  /** Listens; connections wait for `accept`, and nothing is read from them. */
  async serve(options: ListenOn): Promise<number> {
    return this.#listen(options, stream => this.#accepted.push(this.#keep(stream)))
  }

  accept(): Promise<number> {
    return this.#accepted.shift()
  }

  async connect(options: ConnectTo): Promise<number> {
    const stream = this.#tcp.connect(options)
    await once(stream, 'connect')
    return this.#keep(stream)
  }

  /** Answers when all is handed over. The FIN follows. */
  async send(id: number, pattern: Pattern): Promise<string> {
    return sendPattern(this.#streams[id], pattern, this.#isOver)
  }

  /** All that is sent ends with the chunk at hand. */
  stopSending(): void {
    this.#hasStopped = true
  }

  /** Reads to the end. */
  async receive(id: number): Promise<Received> {
    const stream = this.#streams[id]
    const received = collect(stream)
    await finished(stream, { writable: false })
    return received()
  }

  /** How it ended: the error's code, null for an orderly end. */
  ended(id: number): Promise<string | null> {
    return this.#endings[id]
  }

  destroy(id: number): void {
    this.#streams[id].destroy()
  }

  // --- HTTP ---

  /** Node's HTTP server: answers with the SHA-256 of the body and, at /echo, with the body itself, in chunks. */
  async serveHttp(options: ListenOn): Promise<number> {
    const server = http.createServer(async (request, response) => {
      if (request.url === '/echo') {
        request.pipe(response)
        return
      }
      const received = collect(request)
      await once(request, 'end')
      response.setHeader('Content-Type', 'application/json')
      response.end(JSON.stringify(received()))
    })
    return this.#listen(options, stream => server.emit('connection', stream))
  }

  /** Node's HTTP client: requests one after the other on one connection, each with a body in chunks. */
  async requestHttp(options: ConnectTo, path: string, bodies: readonly Pattern[]): Promise<HttpAnswer[]> {
    const stream = this.#tcp.connect(options)
    const answers: HttpAnswer[] = []
    for (const body of bodies) {
      const request = http.request({
        method: 'POST',
        path,
        headers: { host: options.address, connection: 'keep-alive' },
        createConnection: () => stream
      })
      // Without an agent, this says that the next request can have the connection.
      const free = once(stream, 'free')
      const [answer] = await Promise.all([answerTo(request), sendPattern(request, body), free])
      answers.push(answer)
    }
    stream.destroy()
    return answers
  }

  // --- What is known about our stack ---

  info(id: number): TcpInfo {
    const stream = this.#streams[id]
    if (!(stream instanceof ConnectionStream)) throw new Error('The kernel’s connections tell nothing')
    return stream.connection.info()
  }

  counters(): ReturnType<NonNullable<Tcp['stack']>['counters']> {
    return this.#ourStack().counters()
  }

  counts(): ReturnType<NonNullable<Tcp['stack']>['counts']> {
    return this.#ourStack().counts()
  }

  /** After the garbage is gone, for which Node needs --expose-gc. Bytes. */
  memory(): { heapUsed: number; external: number; rss: number } {
    for (let i = 0; i < 3; i++) globalThis.gc?.()
    const { heapUsed, external, rss } = process.memoryUsage()
    return { heapUsed, external, rss }
  }

  #ourStack(): NonNullable<Tcp['stack']> {
    if (this.#tcp.stack === undefined) throw new Error('This host has the kernel’s TCP')
    return this.#tcp.stack
  }

  async #listen(options: ListenOn, accept: (stream: Duplex) => void): Promise<number> {
    const listening = await this.#tcp.listen(options, accept)
    this.#listening.set(listening.port, listening)
    return listening.port
  }

  stopListening(port: number): void {
    this.#listening.get(port)?.close()
    this.#listening.delete(port)
  }

  /** Sends the pattern and a FIN while it reads to the peer's. */
  async #exchange(stream: Duplex, pattern: Pattern): Promise<Exchanged> {
    const began = performance.now()
    const received = collect(stream)
    const [sent] = await Promise.all([sendPattern(stream, pattern, this.#isOver), finished(stream)])
    return { sent, ...received(), elapsedMs: performance.now() - began }
  }

  readonly #isOver = (): boolean => this.#hasStopped

  #keep(stream: Duplex): number {
    this.#endings.push(
      finished(stream).then(
        () => null,
        error => error.code
      )
    )
    return this.#streams.push(stream) - 1
  }
}

/** Who takes from it while it is empty waits. */
class Queue<T> {
  readonly #items: T[] = []
  readonly #takers: ((item: T) => void)[] = []

  push(item: T): void {
    const taker = this.#takers.shift()
    if (taker === undefined) this.#items.push(item)
    else taker(item)
  }

  shift(): Promise<T> {
    const item = this.#items.shift()
    return item === undefined ? new Promise(resolve => this.#takers.push(resolve)) : Promise.resolve(item)
  }
}

/** It may come before the whole request has gone. */
async function answerTo(request: http.ClientRequest): Promise<HttpAnswer> {
  const [response] = (await once(request, 'response')) as [http.IncomingMessage]
  const received = collect(response)
  await once(response, 'end')
  return { status: response.statusCode ?? 0, headers: response.headers, body: received().received }
}

/** Stops where the stream breaks; what ended it says so too. */
async function sendPattern(
  stream: NodeJS.WritableStream,
  pattern: Pattern,
  isOver: () => boolean = () => false
): Promise<string> {
  const hash = createHash('sha256')
  for (const chunk of chunksOf(pattern)) {
    if (isOver()) break
    hash.update(chunk)
    if (!stream.write(chunk)) await once(stream, 'drain')
  }
  stream.end()
  return hash.digest('hex')
}

/** Reads from now on. What it answers tells what has come so far. */
function collect(stream: NodeJS.ReadableStream): () => Received {
  const hash = createHash('sha256')
  let receivedBytes = 0
  stream.on('data', chunk => {
    hash.update(chunk)
    receivedBytes += chunk.length
  })
  return () => ({ received: hash.copy().digest('hex'), receivedBytes })
}

const CHUNK = 64 * 1024
const blocks = new Map<number, Buffer>()

/** Each chunk tells its place, so that none can stand in for another. */
function* chunksOf({ seed, bytes }: Pattern): Generator<Buffer> {
  let block = blocks.get(seed)
  if (block === undefined) {
    block = Buffer.alloc(CHUNK)
    new Random(seed).fill(block)
    blocks.set(seed, block)
  }
  for (let at = 0; at < bytes; at += CHUNK) {
    const chunk = Buffer.from(block)
    chunk.writeDoubleLE(at, 0)
    yield chunk.subarray(0, Math.min(CHUNK, bytes - at))
  }
}

export function hashOf(pattern: Pattern): string {
  const hash = createHash('sha256')
  for (const chunk of chunksOf(pattern)) hash.update(chunk)
  return hash.digest('hex')
}
