// Run with --expose-gc: connections between two stacks in memory, and what is left of them. Writes, as JSON, the bytes in use
// after each round.

import { pairLinks } from '../../src/link/pair.ts'
import { VirtualClock } from '../../src/sim/clock.ts'
import type { Connection } from '../../src/stack/connection.ts'
import { Stack } from '../../src/stack/stack.ts'

const ROUNDS = 12
const CONNECTIONS = 1000
const TOGETHER = 50
const MESSAGE = new Uint8Array(3000)

export interface Round {
  readonly heapUsed: number
  readonly external: number
  readonly slabUsed: number
  readonly slabReserved: number
  /** Connections, half-open ones and those in TIME-WAIT, on both sides. */
  readonly entries: number
  readonly wrong: number
}

const clock = new VirtualClock({ seed: 1 })
const [client, server] = pairLinks({ host: clock, seed: 1 }).map(link => new Stack({ link, host: clock }))
let wrong = 0

server.listen({ port: 80 }, connection => {
  let received = 0
  connection.handlers = {
    readable(connection) {
      received += drain(connection)
    },
    ended(connection) {
      if (received + drain(connection) !== MESSAGE.length) wrong++
      connection.write(MESSAGE)
      connection.close()
    }
  }
})

function converse(): void {
  let received = 0
  client.connect(
    { address: '10.0.0.2', port: 80 },
    {
      connected(connection) {
        connection.write(MESSAGE)
        connection.shutdown()
      },
      readable(connection) {
        received += drain(connection)
      },
      closed(_, error) {
        if (error !== null || received !== MESSAGE.length) wrong++
      }
    }
  )
}

function drain(connection: Connection): number {
  let bytes = 0
  for (let text = connection.read(); text !== undefined; text = connection.read()) bytes += text.length
  return bytes
}

function round(): Round {
  for (let i = 0; i < CONNECTIONS; i += TOGETHER) {
    for (let k = 0; k < TOGETHER; k++) converse()
    clock.advance(1000)
  }
  clock.runUntilIdle()
  for (let i = 0; i < 3; i++) globalThis.gc?.()
  const { heapUsed, external } = process.memoryUsage()
  const result = { heapUsed, external, slabUsed: 0, slabReserved: 0, entries: 0, wrong }
  for (const stack of [client, server]) {
    const { connections, halfOpen, timeWait } = stack.counts()
    const { slabUsedBytes, slabReservedBytes } = stack.counters().stack
    result.entries += connections + halfOpen + timeWait
    result.slabUsed += slabUsedBytes
    result.slabReserved += slabReservedBytes
  }
  return result
}

process.stdout.write(JSON.stringify(Array.from({ length: ROUNDS }, round)))
