// The queue of connections that wait for `accept`: what it holds, what happens when it is full, and what becomes of those
// who wait in it. Deferred accept.

import t from 'tap'
import type { Connection, ConnectionHandlers } from '../../src/stack/connection.ts'
import type { ListenOptions } from '../../src/stack/stack.ts'
import { knock, Peer } from '../support/peer.ts'

function listening(options: Partial<ListenOptions> = {}, stack = {}): Peer {
  const peer = new Peer({ stack })
  peer.listener = peer.stack.listen({ port: 80, ...options })
  return peer
}

/** The peer opens from this port, with the ACK's fields on top. Answers what the stack says to the last segment. */
function open(peer: Peer, port: number, ack = {}): string[] {
  knock(peer, port)
  return peer.arrive({ flags: '.', seq: 1, ack: 1, ...ack })
}

function watch(connection: Connection | undefined): string[] {
  const told: string[] = []
  const note = (name: string) => (): void => void told.push(name)
  const handlers: ConnectionHandlers = {
    connected: note('connected'),
    readable: note('readable'),
    ended: note('ended'),
    closed: (_, error) => void told.push(`closed ${error?.code ?? 'in order'}`)
  }
  if (connection !== undefined) connection.handlers = handlers
  return told
}

const text = (connection: Connection | undefined): string => new TextDecoder().decode(connection?.read())

t.test('connections wait in the order in which they opened, and the listener is told', async t => {
  const peer = listening()
  let news = 0
  const listener = peer.listener!
  listener.handlers = { acceptable: () => news++ }
  t.equal(listener.accept(), undefined)
  open(peer, 5001)
  open(peer, 5002)
  t.equal(news, 2)
  t.equal(listener.queueLength, 2)
  t.equal(listener.accept()?.remotePort, 5001)
  t.equal(listener.accept()?.remotePort, 5002)
  t.equal(listener.accept(), undefined)
})

t.test('text and FIN on the third ACK, and all that follows, are there after accept, and told then', async t => {
  const peer = listening()
  open(peer, 5001, { flags: 'P.', text: 'hel' })
  peer.arrive({ flags: 'FP.', seq: 4, ack: 1, text: 'lo' })
  const connection = peer.listener?.accept()
  const told = watch(connection)
  peer.settle()
  t.same(told, ['readable', 'ended'])
  t.equal(text(connection), 'hello')
  t.equal(connection?.state, 'CLOSE-WAIT')
  t.same(peer.arrive({ flags: '.', seq: 7, ack: 1 }), [])
})

t.test('a connection that the peer resets while it waits is accepted, and then told of it', async t => {
  const peer = listening()
  open(peer, 5001, { flags: 'P.', text: 'x' })
  peer.arrive({ flags: 'R', seq: 2 })
  t.equal(peer.listener?.queueLength, 1)
  const connection = peer.listener?.accept()
  const told = watch(connection)
  peer.settle()
  t.same(told, ['readable', 'closed ECONNRESET'])
  t.equal(text(connection), 'x', 'what had arrived stays readable')
})

t.test('a full queue: new SYNs are dropped, an ACK that would open is ignored until there is room', async t => {
  const peer = listening({ backlog: 1 })
  knock(peer, 5002)
  const iss = peer.ourIsn
  knock(peer, 5003)
  peer.stack.counters()
  open(peer, 5001)
  t.equal(peer.listener?.queueLength, 1)
  t.equal(knock(peer, 5004), undefined)
  t.equal(peer.stack.counters().tcp.droppedAcceptQueueFull, 1)
  peer.peerPort = 5002
  peer.ourIsn = iss
  t.same(peer.arrive({ flags: '.', seq: 1, ack: 1 }), [], 'no room')
  t.equal(peer.stack.counters().tcp.droppedAcceptQueueFull, 2)
  t.equal(peer.listener?.accept()?.remotePort, 5001)
  t.same(peer.wait(1100), ['1000 S. 0 ack 1'], 'the SYN-ACK asks for that ACK again')
  peer.arrive({ flags: '.', seq: 1, ack: 1 })
  t.equal(peer.listener?.accept()?.remotePort, 5002)
})

t.test('abortOnOverflow: such an ACK is answered by RST, and the half-open connection is gone', async t => {
  const peer = listening({ backlog: 2 }, { abortOnOverflow: true })
  knock(peer, 5002)
  const iss = peer.ourIsn
  open(peer, 5001)
  peer.listener?.setOptions({ backlog: 1 })
  peer.peerPort = 5002
  peer.ourIsn = iss
  t.same(peer.arrive({ flags: '.', seq: 1, ack: 1 }), ['R 1'])
  t.equal(peer.stack.counts().halfOpen, 0)
})

t.test('the backlog changes while listening, for both queues', async t => {
  const peer = listening({ backlog: 1 })
  open(peer, 5001)
  t.equal(knock(peer, 5002), undefined)
  peer.listener?.setOptions({ backlog: 2 })
  t.ok(knock(peer, 5002))
  t.throws(() => peer.listener?.setOptions({ backlog: 0 }), { code: 'ERR_OUT_OF_RANGE' })
  t.throws(() => peer.listener?.setOptions({ backlogg: 1 } as object), { code: 'ERR_INVALID_ARG_VALUE' })
  t.equal(peer.listener?.backlog, 2)
})

t.test('options set on a listener hold for connections to come', async t => {
  const peer = listening()
  open(peer, 5001)
  peer.listener?.setOptions({ noDelay: true })
  open(peer, 5002)
  t.equal(peer.listener?.accept()?.options.noDelay, false)
  t.equal(peer.listener?.accept()?.options.noDelay, true)
})

t.test('a listener that closes resets those who wait; what was accepted lives on', async t => {
  const peer = listening()
  open(peer, 5001)
  const first = peer.listener?.accept()
  open(peer, 5002)
  peer.listener?.close()
  peer.settle()
  t.same(peer.replies(), ['R. 1 ack 1'])
  t.equal(first?.state, 'ESTABLISHED')
  t.same(peer.stack.counts(), { connections: 1, halfOpen: 0, timeWait: 0 })
})

t.test('deferred accept: a bare ACK does not open, text does, and is there', async t => {
  const peer = listening({ deferAcceptMs: 5000 })
  t.same(open(peer, 5001), [])
  t.equal(peer.listener?.queueLength, 0)
  t.equal(peer.stack.counters().tcp.droppedDeferred, 1)
  t.same(peer.wait(2000), [], 'who has acknowledged hears nothing')
  peer.arrive({ flags: 'P.', seq: 1, ack: 1, text: 'GET' })
  t.equal(text(peer.listener?.accept()), 'GET')
})

t.test('deferred accept: when the time is over the SYN-ACK goes again, and its ACK opens', async t => {
  const peer = listening({ deferAcceptMs: 5000 })
  open(peer, 5001)
  t.same(peer.wait(7001), ['7000 S. 0 ack 1'], '5 s are up with the timeout at 1 + 2 + 4 s')
  peer.arrive({ flags: '.', seq: 1, ack: 1 })
  t.equal(peer.listener?.accept()?.state, 'ESTABLISHED')
})

t.test('deferred accept: a peer that has gone is forgotten, and nothing is left', async t => {
  const peer = listening({ deferAcceptMs: 1000, synAckRetries: 2 })
  open(peer, 5001)
  t.same(peer.wait(60_000), ['1000 S. 0 ack 1', '3000 S. 0 ack 1'])
  t.same(peer.stack.counts(), { connections: 0, halfOpen: 0, timeWait: 0 })
})
