// The engine in Node: its timers.

import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import t from 'tap'
import { NodeHost } from '../../src/net/host.ts'

t.test('entropy comes from the system: every byte, never twice the same (RFC 6528 §4, RFC 4086)', async t => {
  const host = new NodeHost()
  const seen = new Set<string>()
  const set = new Uint8Array(16)
  for (let i = 0; i < 200; i++) {
    const bytes = new Uint8Array(16)
    host.random(bytes)
    bytes.forEach((byte, k) => {
      set[k] |= byte
    })
    seen.add(bytes.join())
  }
  t.equal(seen.size, 200)
  t.same(set, new Uint8Array(16).fill(255))
})

t.test('after the process was busy, what has arrived is heard before a timer that is due', async t => {
  const host = new NodeHost()
  const socket = createSocket('udp4').bind(0, '127.0.0.1')
  t.teardown(() => socket.close())
  await once(socket, 'listening')
  const order: string[] = []
  socket.on('message', () => order.push('arrived'))
  await new Promise<void>(resolve => {
    host.at(host.now() + 20, () => {
      order.push('timer')
      resolve()
    })
    socket.send('x', (socket.address() as AddressInfo).port, '127.0.0.1', () => {
      busy(host, 50)
    })
  })
  t.same(order, ['arrived', 'timer'])
})

t.test(
  'where the process was busy before a timer is heard, the timer says since when nothing waits for it',
  async t => {
    const host = new NodeHost()
    let cameAt = -1
    const heardUntil = await new Promise<number | undefined>(resolve => {
      host.at(host.now(), resolve)
      // Timers of the same time come in order, and both are due: what it puts off comes before what the timer does.
      setTimeout(() => {
        cameAt = host.now()
        host.defer(() => busy(host, 5))
      }, 0)
    })
    t.ok(heardUntil !== undefined && heardUntil <= cameAt, `${heardUntil} is no later than ${cameAt}`)
  }
)

// As two stacks in memory do it: one has text under way all the time, and its timer moves away with each ACK. Whenever the process
// is kept from running, the ACK is at most two steps away.
t.test('a timer that each answer puts off never comes, however often the process is stopped', async t => {
  const host = new NodeHost()
  let due = host.now() + 2
  let answers = 0
  let isOver = false
  const answer = (): void => {
    due = host.now() + 2
    if (answers++ % 300 === 0) busy(host, 4)
    if (!isOver) host.defer(text)
  }
  const text = (): void => {
    if (answers % 300 === 150) busy(host, 4)
    host.defer(answer)
  }
  let looks = 0
  const timeComes = (heardUntil = host.now()): void => {
    looks++
    if (due <= heardUntil) t.fail(`taken for late by ${heardUntil - due} ms after ${answers} answers`)
    if (!isOver) host.at(due, timeComes)
  }
  host.at(due, timeComes)
  host.defer(text)
  while (looks < 100) await new Promise(resolve => setTimeout(resolve, 10))
  isOver = true
  t.ok(answers > 300, `${answers} answers`)
})

t.test('a timer that was cancelled does not fire, not even when it was due', async t => {
  const host = new NodeHost()
  await new Promise<void>(resolve => {
    const due = host.at(host.now(), () => t.fail('cancelled'))
    const later = host.at(host.now() + 15, () => t.fail('cancelled'))
    setTimeout(() => {
      due.cancel()
      later.cancel()
      setTimeout(resolve, 20)
    }, 1)
    busy(host, 5)
  })
})

function busy(host: NodeHost, ms: number): void {
  const end = host.now() + ms
  while (host.now() < end);
}
