// The stream over a connection.

import { once } from 'node:events'
import { setImmediate as nextTurn } from 'node:timers/promises'
import t from 'tap'
import { ConnectionStream } from '../../src/net/duplex.ts'
import type { Connection } from '../../src/stack/connection.ts'
import { Peer } from '../support/peer.ts'

t.test('what is written and ended before the connection is open is sent when it is', async t => {
  const peer = new Peer().connect()
  const stream = new ConnectionStream(peer.connection as Connection)
  stream.end('hello')
  const finished = once(stream, 'finish')
  await nextTurn()
  peer.settle()
  t.equal(peer.state, 'SYN-SENT', 'it does not give up')
  t.same(peer.arrive({ flags: 'S.', seq: 0, ack: 1 }), ['FP. 1+5 ack 1'])
  await finished
})

t.test('a connection that is refused after the end of writing is an error', async t => {
  const peer = new Peer().connect()
  const stream = new ConnectionStream(peer.connection as Connection)
  stream.end('hello')
  await nextTurn()
  const error = once(stream, 'error')
  peer.arrive({ flags: 'R.', seq: 0, ack: 1 })
  t.match(await error, [{ code: 'ECONNREFUSED' }])
  t.ok(stream.destroyed)
})
