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
      const end = host.now() + 50
      while (host.now() < end);
    })
  })
  t.same(order, ['arrived', 'timer'])
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
    const end = host.now() + 5
    while (host.now() < end);
  })
})
