// One of several stacks that share an address, in a worker thread or in a process of its own: echoes on a port, connects when it is
// asked to, and says what it has counted.

import { parentPort, workerData } from 'node:worker_threads'
import { type Connection, ConnectionStream, createRawStack, createTunStack } from '../../src/index.ts'

export interface MemberOptions {
  readonly stack: object
  readonly port: number
}

export interface MemberCounts {
  readonly passiveOpens: number
  readonly resetsSent: number
  readonly droppedNotOurs: number
}

export interface Request {
  /** Else only the counts are wanted. */
  readonly connect?: { readonly address: string; readonly port: number; readonly times: number }
}

const options = (parentPort === null ? JSON.parse(process.argv[2]) : workerData) as MemberOptions
const stack = 'tun' in options.stack ? createTunStack(options.stack as never) : createRawStack(options.stack)
stack.listen({ port: options.port }, (connection: Connection) => {
  const stream = new ConnectionStream(connection)
  // A client that goes away is no failure of ours.
  stream.on('error', () => {})
  stream.pipe(stream)
})

async function answer({ connect }: Request): Promise<void> {
  for (let i = 0; connect !== undefined && i < connect.times; i++) {
    const { address, port } = connect
    const stream = new ConnectionStream(stack.connect({ address, port }))
    stream.end('out')
    let echo = ''
    for await (const chunk of stream) echo += String(chunk)
    if (echo !== 'out') throw new Error(`The echo was ${echo}`)
  }
  const { passiveOpens, resetsSent, droppedNotOurs } = stack.counters().tcp
  tell({ passiveOpens, resetsSent, droppedNotOurs } as MemberCounts)
}

function tell(message: unknown): void {
  if (parentPort === null) process.send?.(message)
  else parentPort.postMessage(message)
}

if (parentPort === null) process.on('message', request => void answer(request as Request))
else parentPort.on('message', request => void answer(request))
tell('listens')
