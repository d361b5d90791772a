// Ways to the same connections, as thin as they can be: ours on raw sockets, on a TUN device or on packet sockets by the low-level
// API, the kernel's by node:net.

import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import * as net from 'node:net'
import {
  type Connection,
  createPacketStack,
  createRawStack,
  createTunStack,
  type SocketOptions,
  type Stack
} from '../../src/index.ts'

export type Kind = 'ours' | 'kernel'
/** Ours on raw sockets, also with busy polling, on a TUN device, or on packet sockets with an address of their own or the host's. */
export type Driver = Kind | 'busy' | 'tun' | 'packet' | 'host-packet'

/** The network of the TUN device. */
export const TUN = { address: '10.97.0.2', hostAddress: '10.97.0.1' } as const

/** On the cable, beside either host's (world.ts). */
export const PACKET = { interface: 'v0', address: '10.98.0.3' } as const

export interface Handlers {
  opened?(wire: Wire): void
  data?(bytes: Uint8Array, wire: Wire): void
  /** After a `write` that did not take all. */
  writable?(wire: Wire): void
  ended?(wire: Wire): void
  closed?(error: Error | null): void
}

export interface Wire {
  /** How many of the bytes were taken. They must stay as they are. */
  write(bytes: Uint8Array): number
  /** A half-close. */
  end(): void
  /** At once, whatever is under way. */
  abort(): void
}

export interface Tcp {
  /** Answers the port. */
  listen(accept: () => Handlers): Promise<number>
  connect(address: string, port: number, handlers: Handlers): Wire
  /** Segments that were sent again since it began. */
  retransmissions(): number
  close(): void
}

export function tcpOf(kind: Driver, options: SocketOptions = {}): Tcp {
  if (kind === 'kernel') return new KernelTcp()
  const all = { noDelay: true, ...options }
  return new OurTcp(stackOn(kind, all))
}

function stackOn(driver: Exclude<Driver, 'kernel'>, options: SocketOptions): Stack {
  switch (driver) {
    case 'ours':
      return createRawStack(options)
    case 'busy':
      return createRawStack({ ...options, raw: { busyPollMs: 1000 } })
    case 'tun':
      return createTunStack({ ...options, tun: TUN })
    case 'packet':
      return createPacketStack({ ...options, packet: PACKET })
    case 'host-packet':
      return createPacketStack({ ...options, packet: { interface: PACKET.interface } })
  }
}

class OurTcp implements Tcp {
  readonly #stack: Stack

  constructor(stack: Stack) {
    this.#stack = stack
  }

  async listen(accept: () => Handlers): Promise<number> {
    return this.#stack.listen({ port: 0 }, connection => wrapOurs(connection, accept())).port
  }

  connect(address: string, port: number, handlers: Handlers): Wire {
    return wrapOurs(this.#stack.connect({ address, port }), handlers)
  }

  retransmissions(): number {
    return this.#stack.counters().tcp.segmentsRetransmitted
  }

  close(): void {
    this.#stack.close()
  }
}

function wrapOurs(connection: Connection, handlers: Handlers): Wire {
  const wire: Wire = {
    write: bytes => connection.write(bytes),
    end: () => connection.shutdown(),
    abort: () => connection.abort()
  }
  connection.handlers = {
    connected: () => handlers.opened?.(wire),
    readable: () => {
      for (let bytes = connection.read(); bytes !== undefined; bytes = connection.read()) handlers.data?.(bytes, wire)
    },
    writable: () => handlers.writable?.(wire),
    ended: () => handlers.ended?.(wire),
    closed: (_, error) => handlers.closed?.(error)
  }
  return wire
}

class KernelTcp implements Tcp {
  readonly #before = kernelCounter('snmp', 'Tcp', 'RetransSegs')
  #server: net.Server | undefined

  async listen(accept: () => Handlers): Promise<number> {
    const options = { allowHalfOpen: true, noDelay: true }
    const server = net.createServer(options, socket => wrapKernel(socket, accept()))
    this.#server = server.listen({ port: 0, host: '0.0.0.0', backlog: 511 })
    await once(server, 'listening')
    return (server.address() as net.AddressInfo).port
  }

  connect(address: string, port: number, handlers: Handlers): Wire {
    return wrapKernel(net.connect({ host: address, port, allowHalfOpen: true, noDelay: true }), handlers)
  }

  retransmissions(): number {
    return kernelCounter('snmp', 'Tcp', 'RetransSegs') - this.#before
  }

  close(): void {
    this.#server?.close()
  }
}

function wrapKernel(socket: net.Socket, handlers: Handlers): Wire {
  const wire: Wire = {
    write(bytes) {
      if (socket.writableNeedDrain) return 0
      socket.write(bytes)
      return bytes.length
    },
    end: () => void socket.end(),
    abort: () => void socket.resetAndDestroy()
  }
  let failure: Error | null = null
  socket.on('connect', () => handlers.opened?.(wire))
  socket.on('data', bytes => handlers.data?.(bytes, wire))
  socket.on('drain', () => handlers.writable?.(wire))
  socket.on('end', () => handlers.ended?.(wire))
  socket.on('error', error => (failure = error))
  socket.on('close', () => handlers.closed?.(failure))
  return wire
}

/** One of the kernel's counters of this namespace: a line of names, then a line of numbers. */
export function kernelCounter(file: 'snmp' | 'netstat', group: string, name: string): number {
  const lines = readFileSync(`/proc/net/${file}`, 'latin1').split('\n')
  const [names, numbers] = lines.filter(line => line.startsWith(`${group}:`)).map(line => line.split(' '))
  return Number(numbers[names.indexOf(name)])
}
