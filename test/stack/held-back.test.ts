// A link whose queue is full: a window of megabytes does not run it over, nothing is made that it cannot take, and all leaves in the end.

import t from 'tap'
import { established, type Peer } from '../support/peer.ts'

const MIB = 1024 * 1024
/** The link is asked after so much, and a super-segment goes to its end. */
const STEP = MIB + 65_535

/** One with a window that lets all out at once. The link is full after each batch, until somebody says otherwise. */
function wideOpen(): { peer: Peer; batches: number[] } {
  const peer = established({
    window: 65_535,
    syn: { windowScale: 8 },
    sockets: {
      initialWindow: 1000,
      congestionControl: 'none',
      pacing: 'off',
      sendBuffer: 4 * MIB,
      tailLossProbe: false
    }
  })
  const batches: number[] = []
  const { link } = peer
  const send = link.send.bind(link)
  link.send = batch => {
    const before = link.sent.length
    send(batch)
    batches.push(link.sent.slice(before).reduce((sum, packet) => sum + packet.length, 0))
    link.congested = true
  }
  return { peer, batches }
}

t.test('new text stops where the link is full, and goes on when it has room', async t => {
  const { peer, batches } = wideOpen()
  peer.call(c => t.equal(c.write(Buffer.alloc(2 * MIB + 1)), 2 * MIB + 1))
  const sent = peer.connection?.info().bytesSent ?? 0
  t.ok(sent > MIB / 2 && sent <= STEP, `${sent} at first`)
  peer.wait(100)
  t.equal(peer.connection?.info().bytesSent, sent, 'time alone brings nothing')
  for (let turns = 1; turns <= 2; turns++) {
    peer.link.congested = false
    peer.link.receiver?.linkWritable()
    peer.settle()
  }
  t.ok(
    batches.every(bytes => bytes <= STEP),
    `${batches}`
  )
  t.equal(peer.connection?.info().totalRetrans, 0)
})
