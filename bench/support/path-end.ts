// The process at one end of an emulated path: a sender, ours or the kernel's, or the kernel's receiver. It serves transfer
// after transfer, as a process that has been running for a while does.

import type { Controller } from './path-cells.ts'
import { type Kind, type Tcp, tcpOf } from './tcp.ts'

export interface Order {
  readonly address: string
  readonly port: number
  readonly bytes: number
  readonly controller: Controller
  /** Whoever has not sent it all by then gives up. */
  readonly limitMs: number
}

/** To the parent: the receiver's port, or that a transfer is over, and which share of it the event loop was busy. */
export type Told =
  | { readonly port: number }
  | { readonly over: true; readonly error?: string; readonly utilization: number }

const CHUNK = Buffer.alloc(256 * 1024, 'rawtcp')
/** As much as there may be on a path: what is sent stays in the buffer until it is acknowledged. */
const SEND_BUFFER = 2 ** 26

const role = process.argv[2] as 'receive' | Kind
const tell = (message: Told): void => void process.send?.(message)
const stacks = new Map<Controller, Tcp>()

process.once('disconnect', () => process.exit())
if (role === 'receive') {
  const port = await tcpOf('kernel').listen(() => ({ ended: wire => wire.end() }))
  tell({ port })
} else {
  process.on('message', (order: Order) => void send(order))
}

async function send(order: Order): Promise<void> {
  const before = performance.eventLoopUtilization()
  const error = await transfer(order)
  const { utilization } = performance.eventLoopUtilization(before)
  tell({ over: true, utilization, ...(error === null ? {} : { error: error.message }) })
}

function transfer({ address, port, bytes, controller, limitMs }: Order): Promise<Error | null> {
  return new Promise(resolve => {
    let left = bytes
    const write = (): void => {
      if (left === 0) return
      for (let taken = -1; left > 0 && taken !== 0; left -= taken) {
        taken = wire.write(left < CHUNK.length ? CHUNK.subarray(0, left) : CHUNK)
      }
      if (left === 0) wire.end()
    }
    const timer = setTimeout(() => {
      resolve(new Error('There was not time enough'))
      wire.abort()
    }, limitMs)
    const closed = (error: Error | null): void => {
      clearTimeout(timer)
      resolve(error)
    }
    const wire = stackFor(controller).connect(address, port, { opened: write, writable: write, closed })
  })
}

function stackFor(controller: Controller): Tcp {
  let tcp = stacks.get(controller)
  if (tcp === undefined) {
    tcp = tcpOf(role as Kind, { sendBuffer: SEND_BUFFER })
    stacks.set(controller, tcp)
  }
  return tcp
}
