// The user of a stack in a run: makes random calls, each through the model, and checks what it is told and given. Bytes
// come in order, whole and once; `closed` comes once and last.

import type { Random } from '../../src/random.ts'
import type { Connection } from '../../src/stack/connection.ts'
import type { Listener } from '../../src/stack/listener.ts'
import type { Stack } from '../../src/stack/stack.ts'
import type { LiveSocketOptions } from '../../src/tcp/options.ts'
import { type ConnectionModel, Fault } from './connection-model.ts'
import { bytesOf } from './streams.ts'
import { nameOf, type Watch, type Watched } from './watch.ts'

interface Held {
  readonly connection: Connection
  readonly watched: Watched | undefined
  read: number
  written: number
  isEnded: boolean
  isClosed: boolean
}

const MOST_CONNECTIONS = 6

export class User {
  readonly held: Held[] = []
  accepted = 0
  connected = 0
  #listener: Listener | undefined

  constructor(
    readonly stack: Stack,
    readonly watch: Watch,
    readonly random: Random,
    readonly now: () => number,
    /** The byte that has to stand at an offset of what the peer sends. */
    readonly expected: (model: ConnectionModel, offset: number) => number,
    /** Where to connect to. */
    readonly peer: { readonly address: string; readonly ports: readonly number[] }
  ) {}

  get isListening(): boolean {
    return this.#listener !== undefined && !this.#listener.isClosed
  }

  /** Connections are taken as they come, or wait for `accept`, for longer than there is room for. */
  listen(port: number): void {
    const backlog = this.random.chance(0.3) ? 1 + this.random.int(2) : 511
    const takes = this.random.chance(0.6)
    this.watch.listening.add(port)
    this.watch.note(`${this.watch.name} listen ${port}, backlog ${backlog}${takes ? '' : ', with a queue'}`)
    const listener = this.stack.listen({ port, backlog }, takes ? connection => this.#take(connection) : undefined)
    this.watch.isQueueFull = () => listener.isQueueFull
    this.#listener = listener
  }

  #take(connection: Connection): void {
    this.accepted++
    this.#hold(connection)
    if (this.random.chance(0.3)) this.#write(this.held.at(-1)!)
  }

  closeListener(): void {
    const listener = this.#listener
    if (listener === undefined || listener.isClosed) return
    this.watch.note(`${this.watch.name} close listener`)
    const accepted = new Set(this.held.map(one => one.watched))
    this.watch.listenerCloses(listener.port, watched => accepted.has(watched), this.now())
    listener.close()
    this.watch.settle()
  }

  connect(): void {
    if (this.held.filter(one => !one.isClosed).length >= MOST_CONNECTIONS) return
    const { address, ports } = this.peer
    this.watch.note(`${this.watch.name} connect`)
    const held = this.#hold(this.stack.connect({ address, port: ports[this.random.int(ports.length)] }))
    if (this.random.chance(0.3)) this.#write(held)
  }

  #hold(connection: Connection): Held {
    // One that waited to be accepted may have ended, and another have begun in its place.
    const isOver = connection.state === 'CLOSED' || connection.state === 'TIME-WAIT'
    const watched = isOver ? undefined : this.watch.find(connection.localPort, connection.remotePort)
    const held: Held = { connection, watched, read: 0, written: 0, isEnded: false, isClosed: false }
    this.held.push(held)
    connection.handlers = {
      connected: () => this.connected++,
      readable: () => {
        if (held.isEnded) throw new Fault('readable after the end')
        if (this.random.chance(0.5)) this.#read(held, 1 + this.random.int(4000))
      },
      writable: () => {
        if (this.random.chance(0.7)) this.#write(held)
      },
      ended: () => {
        if (held.isEnded) throw new Fault('ended twice')
        held.isEnded = true
        if (this.random.chance(0.3)) this.#close(held)
      },
      closed: () => {
        if (held.isClosed) throw new Fault('closed twice')
        held.isClosed = true
        this.#read(held, Number.POSITIVE_INFINITY)
      }
    }
    return held
  }

  /** One call, whichever comes. */
  step(): void {
    const { random } = this
    const waiting = random.chance(0.5) ? this.#listener?.accept() : undefined
    if (waiting !== undefined) return this.#take(waiting)
    const alive = this.held.filter(one => !one.isClosed)
    if (alive.length === 0) return
    const one = alive[random.int(alive.length)]
    const lot = random.float()
    if (lot < 0.4) this.#write(one)
    else if (lot < 0.8) this.#read(one, random.chance(0.3) ? Number.POSITIVE_INFINITY : 1 + random.int(3000))
    else if (lot < 0.88) this.#shutdown(one)
    else if (lot < 0.91) this.#close(one)
    else if (lot < 0.92) this.#abort(one)
    else if (lot < 0.97) this.#setOptions(one)
    else this.#keepAlive(one)
  }

  /** The user is done with everything, in good order or not. */
  finish(): void {
    this.closeListener()
    for (const one of this.held) {
      if (one.isClosed) continue
      if (this.random.chance(0.2)) this.#abort(one)
      else {
        if (this.random.chance(0.7)) this.#read(one, Number.POSITIVE_INFINITY)
        this.#close(one)
      }
    }
  }

  #write({ connection, watched, ...rest }: Held): void {
    if (rest.isClosed || watched === undefined) return
    const { model } = watched
    const length = this.random.chance(0.5) ? 1 + this.random.int(200) : 1 + this.random.int(8000)
    const isRefused = model.closing || !this.#isLive(watched) || model.state === 'TIME-WAIT'
    const bytes = bytesOf(this.watch.streamKey, model.written, length)
    const room = connection.writableBytes
    let taken = -1
    this.watch.call(
      watched,
      `write ${length}`,
      () => {},
      () => {
        try {
          taken = connection.write(bytes)
        } catch (error) {
          if ((error as { code?: string }).code !== 'EPIPE') throw error
        }
      }
    )
    if (taken > room) throw new Fault(`a write of ${length} took ${taken}, with room for ${room}`)
    if (taken >= 0 && isRefused) throw new Fault(`a write is taken in ${model.state}`)
    if (taken < 0 && !isRefused && !model.readerGone) throw new Fault(`a write is refused in ${model.state}`)
    if (taken > 0) model.written += taken
  }

  #read(held: Held, most: number): void {
    const { connection, watched } = held
    if (watched === undefined) return
    this.watch.call(
      watched,
      `read ${most}`,
      () => {},
      () => {
        let left = most
        while (left > 0) {
          const bytes = connection.read(left)
          if (bytes === undefined) break
          for (const byte of bytes) {
            if (byte !== this.expected(watched.model, held.read)) throw new Fault(`wrong byte at ${held.read}`)
            held.read++
          }
          left -= bytes.length
        }
      }
    )
    const { model } = watched
    if (model.exact && this.#isLive(watched) && held.read > model.received)
      throw new Fault(`${watched.name}: ${held.read} bytes are read, ${model.received} came`)
    model.read = held.read
  }

  #shutdown({ connection, watched }: Held): void {
    this.watch.call(
      watched,
      'shutdown',
      model => model.shutdown(this.now()),
      () => connection.shutdown()
    )
  }

  #close({ connection, watched }: Held): void {
    this.watch.call(
      watched,
      'close',
      model => model.close(this.now()),
      () => connection.close()
    )
  }

  #abort({ connection, watched }: Held): void {
    this.watch.call(
      watched,
      'abort',
      model => model.abort(this.now()),
      () => connection.abort()
    )
  }

  /** Options that may change at any time, and change nothing in the model. */
  #setOptions({ connection, watched }: Held): void {
    const { random } = this
    const choices: readonly LiveSocketOptions[] = [
      { noDelay: random.chance(0.5) },
      { receiveBuffer: 2048 + random.int(100_000) },
      { sendBuffer: 2048 + random.int(100_000) },
      { keepAliveIntervalMs: 1000 + random.int(3000) }
    ]
    const changes = choices[random.int(choices.length)]
    this.watch.call(
      watched,
      `setOptions ${JSON.stringify(changes)}`,
      () => {},
      () => connection.setOptions(changes)
    )
  }

  #keepAlive({ connection, watched }: Held): void {
    const on = this.random.chance(0.7)
    this.watch.call(
      watched,
      `keepAlive ${on}`,
      model => {
        model.keepAlive ||= on
      },
      () => connection.setOptions({ keepAlive: on, keepAliveIdleMs: 1000 })
    )
  }

  #isLive(watched: Watched): boolean {
    return this.watch.find(...portsOf(watched)) === watched
  }

  /** At the end of a run. */
  checkDone(): void {
    for (const { isClosed, connection } of this.held) {
      if (!isClosed) throw new Fault(`never closed: ${nameOf(connection.localPort, connection.remotePort)}`)
    }
    const { connections, halfOpen, timeWait } = this.stack.counts()
    if (connections + halfOpen + timeWait > 0) {
      throw new Fault(`left: ${connections} connections, ${halfOpen} half open, ${timeWait} in TIME-WAIT`)
    }
    const { stack, tcp } = this.stack.counters()
    if (stack.slabUsedBytes !== 0) throw new Fault(`${stack.slabUsedBytes} bytes of buffers left`)
    if (tcp.impossibleTransitions !== 0) throw new Fault('a transition off the diagram')
  }
}

const portsOf = (watched: Watched): [number, number] => watched.name.split('/').map(Number) as [number, number]
