// Text that nobody wants to read: dropped and counted, in place of being read. And text of which only the length is wanted: zeros.

import t from 'tap'
import { pairLinks } from '../../src/link/pair.ts'
import { VirtualClock } from '../../src/sim/clock.ts'
import type { Connection } from '../../src/stack/connection.ts'
import { Stack } from '../../src/stack/stack.ts'

const text = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString()

function pair(receiveBuffer = 4096) {
  const clock = new VirtualClock()
  const [left, right] = pairLinks({ host: clock, impairments: { delayMs: 1 } })
  const [client, server] = [new Stack({ link: left, host: clock }), new Stack({ link: right, host: clock })]
  let receiver: Connection | undefined
  server.listen({ port: 7, receiveBuffer }, connection => {
    receiver = connection
  })
  const sender = client.connect({ address: '10.0.0.2', port: 7 }, {})
  clock.advance(100)
  return { clock, client, server, sender, receiver: receiver as unknown as Connection }
}

t.test('discard: drops what is readable and says how much; what comes later is read as ever', async t => {
  const { clock, sender, receiver } = pair()
  sender.write(Buffer.from('forget this'))
  clock.advance(100)
  t.equal(receiver.discard(), 11)
  t.equal(receiver.readableBytes, 0)
  t.equal(receiver.discard(), 0)
  t.equal(receiver.read(), undefined)
  sender.write(Buffer.from('read that'))
  clock.advance(100)
  t.equal(text(receiver.read()), 'read that')
})

t.test('discard opens the window again, as reading does', async t => {
  const { clock, sender, receiver } = pair()
  let dropped = 0
  let written = sender.write(new Uint8Array(40_000))
  clock.advance(1000)
  t.ok(receiver.readableBytes <= 4096)
  while (dropped < 40_000) {
    const now = receiver.discard()
    if (now === 0) throw new Error(`stuck at ${dropped}`)
    dropped += now
    written += sender.write(new Uint8Array(Math.max(0, 40_000 - written)))
    clock.advance(2000)
  }
  t.equal(dropped, 40_000)
})

t.test('a view that was read stays as it was, though what followed it was discarded and more has come', async t => {
  const { clock, sender, receiver } = pair()
  sender.write(Buffer.from('firstsecond'))
  clock.advance(100)
  const view = receiver.read(5)
  t.equal(receiver.discard(), 6)
  sender.write(Buffer.from('third'))
  clock.advance(100)
  t.equal(text(view), 'first')
  t.equal(text(receiver.read()), 'third')
  t.equal(text(view), 'first')
})

t.test('readInto: fills what it is given and opens the window, while the text is at hand and later', async t => {
  const { clock, sender, receiver } = pair()
  const target = new Uint8Array(1000)
  const later: string[] = []
  receiver.handlers = {
    readable: () => {
      if (later.length === 0) later.push(text(target.subarray(0, receiver.readInto(target.subarray(0, 5)))))
    }
  }
  sender.write(Buffer.from('first, second'))
  clock.advance(100)
  later.push(text(target.subarray(0, receiver.readInto(target))))
  t.same(later, ['first', ', second'])
  t.equal(receiver.readInto(target), 0)
  receiver.handlers = {}
  let read = 0
  let written = sender.write(new Uint8Array(40_000))
  clock.advance(1000)
  while (read < 40_000) {
    const now = receiver.readInto(target)
    if (now === 0) throw new Error(`stuck at ${read}`)
    read += now
    written += sender.write(new Uint8Array(Math.max(0, 40_000 - written)))
    clock.advance(2000)
  }
  t.equal(read, 40_000)
  t.throws(() => receiver.readInto([] as unknown as Uint8Array), { code: 'ERR_INVALID_ARG_TYPE' })
})

t.test('keepsNothing: counts, keeps nothing, and can be taken back', async t => {
  const { clock, server, sender, receiver } = pair()
  sender.write(Buffer.from('kept'))
  clock.advance(100)
  receiver.keepsNothing = true
  sender.write(Buffer.from('not kept'))
  clock.advance(100)
  t.equal(receiver.readableBytes, 12)
  t.equal(text(receiver.read()), 'kept')
  t.equal(receiver.read(), undefined)
  t.equal(receiver.discard(), 8)
  receiver.keepsNothing = false
  sender.write(Buffer.from('kept again'))
  clock.advance(100)
  t.equal(text(receiver.read()), 'kept again')
  sender.close()
  receiver.close()
  clock.runUntilIdle()
  t.equal(server.counters().stack.slabUsedBytes, 0)
})

t.test('sendsZeros: zeros arrive in place of what is written, whatever the memory held before', async t => {
  const { clock, sender, receiver } = pair(65_536)
  // Others leave their text behind in the memory that the ring will have, small and grown.
  for (const bytes of [1000, 8000, 16_000]) {
    sender.write(Buffer.alloc(bytes, 'x'))
    clock.advance(1000)
    t.equal(receiver.discard(), bytes)
  }
  sender.sendsZeros = true
  for (const bytes of [1000, 8000, 16_000, 3]) {
    t.equal(sender.write(Buffer.alloc(bytes >> 1, 'y')), bytes >> 1)
    t.equal(sender.write(Buffer.alloc(bytes - (bytes >> 1), 'z')), bytes - (bytes >> 1))
    clock.advance(1000)
    const arrived: Uint8Array[] = []
    for (let view = receiver.read(); view !== undefined; view = receiver.read()) arrived.push(view)
    t.ok(Buffer.concat(arrived).equals(Buffer.alloc(bytes)), `${bytes} zeros`)
  }
  sender.sendsZeros = false
  sender.write(Buffer.from('as written'))
  clock.advance(1000)
  t.equal(text(receiver.read()), 'as written')
})

t.test('sendsZeros: there is no ring, and no change of mind while something waits', async t => {
  const { clock, client, sender, receiver } = pair(65_536)
  receiver.keepsNothing = true
  sender.sendsZeros = true
  t.equal(sender.write(Buffer.alloc(60_000)), 60_000)
  t.equal(client.counters().stack.slabUsedBytes, 0)
  t.throws(() => (sender.sendsZeros = false), { code: 'ERR_INVALID_STATE' })
  sender.sendsZeros = true
  clock.advance(1000)
  t.equal(receiver.discard(), 60_000)
  sender.sendsZeros = false
  t.equal(sender.write(Buffer.from('as written')), 10)
  t.throws(() => (sender.sendsZeros = true), { code: 'ERR_INVALID_STATE' })
})
