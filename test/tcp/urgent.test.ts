// The urgent mechanism (RFC 9293 §3.8.5, RFC 6093).

import t from 'tap'
import { URG } from '../../src/wire/segment.ts'
import { established, type Peer, parsed } from '../support/peer.ts'

const bytes = (n: number): Uint8Array => new Uint8Array(n)

/** Each segment sent for the call: sequence number, and where its pointer points, both relative to our ISN. */
function pointers(peer: Peer, work: () => void): [number, number | undefined][] {
  peer.link.sent = []
  work()
  peer.settle()
  return peer.link.sent.map(packet => {
    const seg = parsed(packet)
    const seq = (seg.seq - peer.ourIsn) | 0
    return [seq, (seg.flags & URG) === 0 ? undefined : seq + seg.urgentPointer]
  })
}

function watched(peer: Peer): number[] {
  const told: number[] = []
  peer.connection!.handlers.urgent = c => void told.push(c.urgentBytes)
  return told
}

t.test(
  'all segments up to the mark point at the octet after it, until it is acknowledged (MUST-31, MUST-62)',
  async t => {
    const peer = established()
    t.same(
      pointers(peer, () => {
        peer.connection?.write(bytes(3000), { urgent: true })
        peer.connection?.write(bytes(20))
      }),
      [
        [1, 3001],
        [1461, 3001],
        [2921, 3001]
      ]
    )
    t.same(
      pointers(peer, () => peer.clock.advance(300)),
      [[1, 3001]],
      'again too'
    )
    peer.arrive({ flags: '.', seq: 1, ack: 3021 })
    t.same(
      pointers(peer, () => peer.connection?.write(bytes(20))),
      [[3021, undefined]]
    )
  }
)

t.test('it is not held back by Nagle, and reaches a peer whose window is closed', async t => {
  const peer = established()
  peer.call(c => c.write(bytes(10)))
  t.same(
    pointers(peer, () => peer.connection?.write(bytes(1), { urgent: true })),
    [[11, 12]]
  )
  const closed = established({ window: 0 })
  t.same(
    pointers(closed, () => closed.connection?.write(bytes(5), { urgent: true })),
    [[1, 6]],
    'a segment without text'
  )
  t.same(
    pointers(closed, () => closed.clock.advance(1100)),
    [
      [0, 6],
      [0, 6]
    ],
    'and on probes'
  )
})

t.test('a mark farther away than 16 bits', async t => {
  const peer = established({ window: 65_535, syn: { windowScale: 2 } })
  const sent = pointers(peer, () => peer.connection?.write(bytes(100_000), { urgent: true }))
  t.same(sent[0], [1, 1 + 65_535], 'as far as the field goes')
  peer.arrive({ flags: '.', seq: 1, ack: 14_601, window: 65_535 })
  peer.arrive({ flags: '.', seq: 1, ack: 40_001, window: 65_535 })
  const last = pointers(peer, () => peer.link.deliver(peer.packet({ flags: '.', seq: 1, ack: 43_801 }))).at(-1)
  t.equal(last?.[1], 100_001)
})

t.test('the user is told once, and again when the mark moves on (MUST-32), and how much is left (MUST-33)', async t => {
  const peer = established()
  const told = watched(peer)
  peer.arrive({ flags: '.U', seq: 1, ack: 1, text: 'abc', urgentPointer: 5 })
  t.same(told, [5])
  t.equal(peer.connection?.urgentBytes, 5, 'two have not come yet')
  peer.arrive({ flags: '.U', seq: 4, ack: 1, text: 'd', urgentPointer: 2 })
  t.same(told, [5], 'the same mark')
  peer.arrive({ flags: '.U', seq: 5, ack: 1, text: 'e', urgentPointer: 3 })
  t.same(told, [5, 7])
  t.equal(peer.read(), 'abcde', 'in line, in order')
  t.equal(peer.connection?.urgentBytes, 2)
  peer.arrive({ flags: '.', seq: 6, ack: 1, text: 'fgh' })
  peer.read()
  t.equal(peer.connection?.urgentBytes, 0)
  peer.arrive({ flags: '.U', seq: 9, ack: 1, text: 'i', urgentPointer: 1 })
  t.same(told, [5, 7, 1], 'a new one')
})

t.test('a pointer on a segment without text counts; one to what was read does not; nor does one after FIN', async t => {
  const peer = established()
  const told = watched(peer)
  peer.arrive({ flags: '.U', seq: 1, ack: 1, urgentPointer: 0 })
  t.same(told, [], 'nothing lies before it')
  peer.arrive({ flags: '.U', seq: 1, ack: 1, urgentPointer: 10 })
  t.same(told, [10])
  peer.arrive({ flags: '.', seq: 1, ack: 1, text: bytes(20) })
  peer.read()
  peer.arrive({ flags: '.U', seq: 21, ack: 1, urgentPointer: 0 })
  t.equal(peer.connection?.urgentBytes, 0)
  peer.arrive({ flags: 'F.', seq: 21, ack: 1 })
  peer.arrive({ flags: '.U', seq: 22, ack: 1, urgentPointer: 9 })
  t.same(told, [10])
})

t.test('while our window is closed a pointer counts all the same (MUST-66)', async t => {
  const peer = established({ sockets: { receiveBuffer: 2048 } })
  const told = watched(peer)
  peer.arrive({ flags: '.', seq: 1, ack: 1, text: bytes(2048) })
  t.equal(peer.connection?.info().rcvWnd, 0)
  peer.arrive({ flags: '.U', seq: 2049, ack: 1, urgentPointer: 7 })
  t.same(told, [2048 + 7])
})

t.test('a FIN with the last urgent text', async t => {
  const peer = established()
  const told = watched(peer)
  peer.arrive({ flags: 'F.U', seq: 1, ack: 1, text: 'xy', urgentPointer: 2 })
  t.same(told, [2])
  t.equal(peer.read(), 'xy')
  t.equal(peer.connection?.urgentBytes, 0)
})
