// Two ways to the same streams: the kernel's TCP through node:net, and ours.

import { once } from 'node:events'
import * as net from 'node:net'
import type { Duplex } from 'node:stream'
import {
  ConnectionStream,
  createPacketStack,
  createRawStack,
  createTunStack,
  type PacketStackOptions,
  type RawStackOptions,
  type Stack,
  type TunStackOptions
} from '../../src/index.ts'
import type { SocketOptions } from '../../src/tcp/options.ts'

export interface ConnectTo extends SocketOptions {
  readonly address: string
  readonly port: number
  readonly localPort?: number
}

export interface ListenOn extends SocketOptions {
  /** 0, the default, for one that is free. */
  readonly port?: number
  readonly address?: string
}

export interface Tcp {
  /** Resolves when it listens, with the port. */
  listen(options: ListenOn, accept: (stream: Duplex) => void): Promise<Listening>
  /** A stream that emits `connect`, or `error`. */
  connect(options: ConnectTo): Duplex
  /** Ours alone. */
  readonly stack: Stack | undefined
}

export interface Listening {
  readonly port: number
  close(): void
}

/** With `tun` on a device of its own, with `packet` on packet sockets, else on raw sockets. */
export type OurOptions = RawStackOptions | TunStackOptions | PacketStackOptions

export function ourTcp(options: OurOptions): Tcp {
  const stack = stackFor(options)
  return {
    stack,
    listen: async (options, accept) =>
      stack.listen({ port: 0, ...options }, connection => accept(new ConnectionStream(connection))),
    connect: options => new ConnectionStream(stack.connect(options))
  }
}

function stackFor(options: OurOptions): Stack {
  if ('tun' in options) return createTunStack(options)
  if ('packet' in options) return createPacketStack(options)
  return createRawStack(options)
}

/** The options for our sockets mean nothing to it. */
export function kernelTcp(): Tcp {
  return {
    stack: undefined,
    async listen({ port = 0, address = '0.0.0.0' }, accept) {
      const server = net.createServer({ allowHalfOpen: true }, accept)
      server.listen({ port, host: address, backlog: 511 })
      await once(server, 'listening')
      return { port: (server.address() as net.AddressInfo).port, close: () => void server.close() }
    },
    connect: ({ address, port, localPort }) =>
      net.connect({ host: address, port, allowHalfOpen: true, ...(localPort === undefined ? {} : { localPort }) })
  }
}
