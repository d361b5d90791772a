// Somebody off the path, who knows addresses and ports and guesses the rest, well: what he may not achieve, by RFC 5961,
// is any change of a connection. So all that he sends is what must change nothing: RST and SYN that miss RCV.NXT, ACKs
// of what was never sent, text outside the window.

import type { Random } from '../../src/random.ts'
import { ACK, RST, Segment, SYN } from '../../src/wire/segment.ts'
import { tcpPacket } from '../support/peer.ts'
import { distance } from './connection-model.ts'
import { bytesOf } from './streams.ts'
import type { Watch } from './watch.ts'

const LEFT = 0x0a00_0001
const RIGHT = 0x0a00_0002
const segment = new Segment()

/** A packet for the stack on `side`, undefined where there is no connection to aim at. */
export function forged(watch: Watch, random: Random, side: number): Uint8Array | undefined {
  const all = [...watch.connections.values()].filter(({ model }) => model.isSynchronized && model.state !== 'TIME-WAIT')
  if (all.length === 0) return undefined
  const { name, model } = all[random.int(all.length)]
  const [local, remote] = name.split('/').map(Number)
  const window = distance(model.rcvAdv, model.rcvNxt)
  segment.reset()
  segment.sourcePort = remote
  segment.destinationPort = local
  segment.window = random.int(65_536)
  let text = 0
  switch (random.int(4)) {
    case 0: // RST inside the window, but not at its edge
      segment.flags = RST | (random.chance(0.5) ? ACK : 0)
      segment.seq = (model.rcvNxt + 1 + random.int(Math.max(1, window + 5))) | 0
      break
    case 1: // SYN anywhere
      segment.flags = SYN | (random.chance(0.5) ? ACK : 0)
      segment.seq = (model.rcvNxt + random.int(2000) - 1000) | 0
      break
    case 2: // an ACK of what was never sent, with text that must not be taken
      segment.flags = ACK
      segment.seq = model.rcvNxt
      segment.ack = (model.nxt + 1 + random.int(100_000)) | 0
      text = random.int(100)
      break
    default: // text outside the window
      segment.flags = ACK
      segment.seq = (model.rcvAdv + 1 + random.int(100_000)) | 0
      segment.ack = model.nxt
      text = 1 + random.int(100)
  }
  segment.ack = segment.ack === 0 ? model.nxt : segment.ack
  const [source, destination] = side === 0 ? [RIGHT, LEFT] : [LEFT, RIGHT]
  return tcpPacket(segment, bytesOf(99, 0, text), source, destination)
}
