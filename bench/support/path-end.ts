// A process at an end of an emulated path: our sender, which serves order after order as a process does that has been
// running for a while, or the kernel's receiver.

import type { Controller } from './path-cells.ts'
import type { Order, Over } from './path-senders.ts'
import { type Tcp, tcpOf } from './tcp.ts'

const CHUNK = Buffer.alloc(256 * 1024, 'rawtcp')
/** As much as there may be on a path: what is sent stays in the buffer until it is acknowledged. */
const SEND_BUFFER = 2 ** 26

const stacks = new Map<Controller, Tcp>()
const tell = (message: Over | { readonly port: number }): void => void process.send?.(message)

process.once('disconnect', () => process.exit())
if (process.argv[2] === 'receive') {
  tell({ port: await tcpOf('kernel').listen(() => ({ ended: wire => wire.end() })) })
} else {
  process.on('message', (order: Order) => void obey(order))
}

async function obey(order: Order): Promise<void> {
  const before = performance.eventLoopUtilization()
  const error = await transfer(order)
  const { utilization } = performance.eventLoopUtilization(before)
  tell({ utilization, ...(error === null ? {} : { error: error.message }) })
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
    tcp = tcpOf('ours', { sendBuffer: SEND_BUFFER, congestionControl: controller })
    stacks.set(controller, tcp)
  }
  return tcp
}
