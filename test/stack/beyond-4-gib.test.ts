// A stream longer than the sequence space: the ISS comes round again, and is no SYN then.

import t from 'tap'
import { pairLinks } from '../../src/link/pair.ts'
import { VirtualClock } from '../../src/sim/clock.ts'
import { Stack } from '../../src/stack/stack.ts'
import { Tcb } from '../../src/tcp/tcb.ts'
import { SYN } from '../../src/wire/segment.ts'

t.test('2^32 - 1 bytes after the SYN, SND.UNA stands at the ISS: what is lost there is text', async t => {
  const clock = new VirtualClock({ seed: 1 })
  const [left, right] = pairLinks({ host: clock })
  let syns = 0
  let tcb: Tcb | undefined
  const client = new Stack({
    link: left,
    host: clock,
    tracer: {
      segment(direction, { flags }) {
        if (direction === 'out' && (flags & SYN) !== 0) syns++
      },
      state(connection) {
        if (connection instanceof Tcb) tcb = connection
      }
    }
  })
  new Stack({ link: right, host: clock }).listen({ port: 80 }, () => {})
  const connection = client.connect({ address: '10.0.0.2', port: 80 })
  clock.advance(1000)
  connection.write(new Uint8Array(10))
  clock.advance(1000)
  if (tcb === undefined) throw new Error('no connection')
  tcb.iss = tcb.sndUna // as after 4 GiB
  left.setUp(false)
  connection.write(new Uint8Array(10))
  clock.advance(5000)
  t.equal(syns, 1, 'the timeouts repeat text')
  left.setUp(true)
  clock.advance(60_000)
  t.equal(connection.info().bytesAcked, 20)
  t.equal(connection.info().unackedSegments, 0)
})
