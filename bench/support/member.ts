// A stack in a worker thread or a process of its own: one of several that share an address, or a pair in memory that shares nothing.

import { createHash } from 'node:crypto'
import { isMainThread, parentPort, workerData } from 'node:worker_threads'
import { createRawStack, createTunStack, type Stack } from '../../src/index.ts'
import { parts as memoryParts, type Way } from '../memory.ts'
import type { Timing } from './bench.ts'
import { TUN } from './tcp.ts'

export interface ServerTask {
  /** Descriptor of the member's queue on a TUN device; else it is on raw sockets. */
  readonly fd?: number
  readonly share: { readonly index: number; readonly of: number }
  readonly port: number
  /** Of a request, and of a response. */
  readonly messageBytes: number
  /** What a request costs its server: the hash of so many bytes. */
  readonly workBytes: number
}

export type PairTask = Timing & Way

export type Task = { readonly serve: ServerTask } | { readonly pair: PairTask }

/** What the member says: that it can be used, and then, once it was told to go, what came of it. */
export type Answer = 'ready' | number

const task: Task = isMainThread ? JSON.parse(process.argv[2]) : workerData
const starter = isMainThread ? process : parentPort
if (!starter) throw new Error('This is for a worker thread or a child process')
// It ends with its parent, or when the parent wants no more of it.
if (isMainThread) process.once('disconnect', () => process.exit())

if ('pair' in task) {
  // All begin together.
  starter.once('message', async () => answer((await memoryParts.stacks(task.pair)).dataPerSecond))
} else {
  const stack = serve(task.serve)
  starter.once('message', () => {
    stack.close()
    answer(0)
  })
}
answer('ready')

function answer(given: Answer): void {
  if (isMainThread) process.send?.(given)
  else parentPort?.postMessage(given)
}

function serve({ fd, share, port, messageBytes, workBytes }: ServerTask): Stack {
  const stack =
    fd === undefined
      ? createRawStack({ noDelay: true, raw: { share } })
      : createTunStack({ noDelay: true, tun: { address: TUN.address, fd, share } })
  const work = Buffer.alloc(workBytes)
  const response = Buffer.alloc(messageBytes, 'response')
  stack.listen({ port }, connection => {
    let received = 0
    connection.handlers = {
      readable() {
        for (let bytes = connection.read(); bytes !== undefined; bytes = connection.read()) received += bytes.length
        for (; received >= messageBytes; received -= messageBytes) {
          if (workBytes > 0) createHash('sha256').update(work).digest()
          connection.write(response)
        }
      },
      ended: () => connection.close()
    }
  })
  return stack
}
