// What is put off comes in order and soon, and never keeps the process from its timers.

import t from 'tap'
import { pairLinks } from '../../src/link/pair.ts'
import { Deferred } from '../../src/net/deferred.ts'
import { NodeHost } from '../../src/net/host.ts'
import type { Connection } from '../../src/stack/connection.ts'
import { Stack } from '../../src/stack/stack.ts'

const now = (): number => performance.now()

t.test(
  'calls come in order once their caller is done, what they put off behind them, and all before an immediate',
  async t => {
    const deferred = new Deferred(now)
    const order: string[] = []
    await new Promise<void>(resolve => {
      setImmediate(() => {
        order.push('immediate')
        resolve()
      })
      deferred.push(() => {
        order.push('a')
        deferred.push(() => order.push('a.a'))
      })
      deferred.push(() => order.push('b'))
      order.push('caller')
    })
    t.same(order, ['caller', 'a', 'b', 'a.a', 'immediate'])
  }
)

t.test('what is pushed behind answers comes after all that waits, and after what that puts off', async t => {
  const deferred = new Deferred(now)
  const order: string[] = []
  await new Promise<void>(resolve => {
    const text = (which: string) => (): void => {
      order.push(`text ${which}`)
      deferred.push(() => order.push(`ACK of ${which}`))
    }
    deferred.push(text('a'))
    deferred.push(text('b'))
    deferred.pushBehindAnswers(() => {
      order.push('timer')
      resolve()
    })
  })
  t.same(order, ['text a', 'text b', 'ACK of a', 'ACK of b', 'timer'])
})

t.test('one that throws is an uncaught exception, and the others come all the same, in order', async t => {
  const deferred = new Deferred(now)
  const order: string[] = []
  const thrown: unknown[] = []
  const listeners = process.listeners('uncaughtException')
  process.removeAllListeners('uncaughtException')
  process.on('uncaughtException', error => thrown.push(error.message))
  const fails = (what: string) => (): void => {
    deferred.push(() => order.push(`after ${what}`))
    throw new Error(what)
  }
  deferred.push(fails('first'))
  deferred.push(() => order.push('second'))
  deferred.push(fails('last'))
  await new Promise(resolve => setImmediate(resolve))
  deferred.push(() => order.push('later'))
  await new Promise(resolve => setImmediate(resolve))
  process.removeAllListeners('uncaughtException')
  for (const listener of listeners) process.on('uncaughtException', listener)
  t.same(thrown, ['first', 'last'])
  t.same(order, ['second', 'after first', 'after last', 'later'])
})

t.test(
  'calls that put off others without end leave the loop of the process its turn, once in a millisecond',
  async t => {
    let time = 0
    const deferred = new Deferred(() => time)
    let isOver = false
    const again = (): void => {
      time += 0.01
      if (!isOver) deferred.push(again)
    }
    deferred.push(again)
    const turns: number[] = []
    for (let i = 0; i < 10; i++) {
      await new Promise(resolve => setImmediate(resolve))
      turns.push(time)
    }
    isOver = true
    // The clock is looked at once in 16 rounds.
    for (let i = 1; i < turns.length; i++) {
      const passed = turns[i] - turns[i - 1]
      t.ok(passed >= 1 && passed < 1.4, `${passed} ms from one turn to the next`)
    }
  }
)

t.test('a timer comes while two stacks in memory answer each other without a pause', async t => {
  const host = new NodeHost()
  const [client, server] = pairLinks({ host }).map(link => new Stack({ link, host, noDelay: true }))
  const echo = (connection: Connection): void => {
    for (let bytes = connection.read(); bytes !== undefined; bytes = connection.read()) connection.write(bytes)
  }
  server.listen({ port: 7 }, connection => {
    connection.handlers = { readable: echo }
  })
  let trips = 0
  client.connect(
    { address: '10.0.0.2', port: 7 },
    {
      connected: connection => void connection.write(new Uint8Array(64)),
      readable(connection) {
        trips++
        if (trips < 1e6) echo(connection)
      }
    }
  )
  do await new Promise(resolve => setTimeout(resolve, 20))
  while (trips <= 10)
  t.ok(trips < 1e6, `${trips} round trips`)
  client.close()
  server.close()
})
