// The judge of captures judged: a connection without fault, and one fault of each kind put into it.

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { ACK, FIN, PSH, Segment, SYN } from '../../src/wire/segment.ts'
import { OUR_ADDRESS, PEER_ADDRESS, tcpPacket } from '../support/peer.ts'
import { checkWire } from '../support/wire-check.ts'

const PEER_PORT = 5000
const OUR_PORT = 80

type Fields = Partial<Pick<Segment, 'seq' | 'ack' | 'flags' | 'window' | 'mss' | 'windowScale'>>

function packet(fromUs: boolean, fields: Fields, textBytes = 0): Uint8Array {
  const seg = new Segment()
  Object.assign(seg, { flags: ACK, window: 1000, ...fields })
  seg.sourcePort = fromUs ? OUR_PORT : PEER_PORT
  seg.destinationPort = fromUs ? PEER_PORT : OUR_PORT
  const addresses = fromUs ? [OUR_ADDRESS, PEER_ADDRESS] : [PEER_ADDRESS, OUR_ADDRESS]
  return tcpPacket(seg, new Uint8Array(textBytes), addresses[0], addresses[1])
}

const ours = (fields: Fields, textBytes = 0): Uint8Array => packet(true, fields, textBytes)
const peers = (fields: Fields, textBytes = 0): Uint8Array => packet(false, fields, textBytes)

/** The peer opens; windows are scaled by 2 both ways, so 1000 is 4000 bytes. */
const handshake = [
  peers({ flags: SYN, seq: -1, mss: 1460, windowScale: 2 }),
  ours({ flags: SYN | ACK, seq: -1, ack: 0, mss: 1460, windowScale: 2 }),
  peers({ seq: 0, ack: 0 })
]

const rows: { what: string; packets: Uint8Array[]; faults: string[] }[] = [
  {
    what: 'text both ways, and the end',
    packets: [
      ours({ flags: PSH | ACK, seq: 0, ack: 0 }, 1460),
      peers({ seq: 0, ack: 1460 }, 100),
      ours({ flags: FIN | ACK, seq: 1460, ack: 100, window: 990 }),
      peers({ flags: FIN | ACK, seq: 100, ack: 1461 }),
      ours({ seq: 1461, ack: 101 })
    ],
    faults: []
  },
  { what: 'a window probe', packets: [peers({ seq: 0, window: 0 }), ours({ seq: -1 })], faults: [] },
  { what: 'a flipped bit', packets: [flipped(ours({ seq: 0 }, 10))], faults: ['bad checksum'] },
  { what: 'the window’s edge moves left', packets: [ours({}), ours({ window: 999 })], faults: ['window shrunk'] },
  { what: 'more than the peer offered', packets: burst(3), faults: ['outside the window of the peer'] },
  {
    what: 'text into a closed window',
    packets: [ours({ seq: 0 }, 1000), peers({ ack: 1000, window: 0 }), ...burst(4, 1000)],
    faults: ['outside the window of the peer']
  },
  { what: 'more than we offered', packets: [peers({ seq: 0 }, 4002)], faults: ['outside the window of ours'] },
  { what: 'sent twice', packets: [ours({ seq: 0 }, 5), ours({ seq: 0 }, 5)], faults: ['retransmission of ours'] },
  { what: 'sent twice by the peer', packets: [peers({}, 5), peers({}, 5)], faults: ['retransmission of the peer'] },
  { what: 'overtaken on the way', packets: [peers({ seq: 5 }, 5), peers({}, 5)], faults: [] },
  { what: 'a hole in what we send', packets: [ours({ seq: 5 }, 5)], faults: ['sequence numbers skipped'] },
  { what: 'larger than the MSS', packets: [ours({ seq: 0 }, 1461)], faults: ['larger than the MSS'] },
  { what: 'an ACK of the future', packets: [ours({ ack: 1 })], faults: ['ACK of what was never sent'] },
  {
    what: 'an ACK taken back',
    packets: [peers({}, 5), ours({ ack: 5 }), ours({ ack: 0, window: 1002 })],
    faults: ['ACK taken back']
  }
]

for (const { what, packets, faults } of rows) {
  t.test(what, async t => {
    const path = join(t.testdir(), 'capture.pcap')
    writeFileSync(path, pcap([...handshake, ...packets]))
    const report = checkWire(path, [OUR_PORT])
    t.same(Object.keys(report.faults), faults)
    t.equal(report.connections, 1)
    t.equal(report.ours.segments + report.peers.segments, handshake.length + packets.length)
  })
}

function burst(count: number, from = 0): Uint8Array[] {
  return Array.from({ length: count }, (_, i) => ours({ seq: from + 1460 * i }, 1460))
}

function flipped(bytes: Uint8Array): Uint8Array {
  bytes[bytes.length - 1] ^= 1
  return bytes
}

function pcap(packets: readonly Uint8Array[]): Buffer {
  const header = Buffer.alloc(24)
  header.writeUInt32LE(0xa1b2c3d4, 0)
  header.writeUInt32LE(1, 20)
  const records = packets.map((bytes, i) => {
    const record = Buffer.alloc(16 + 14)
    record.writeUInt32LE(i, 0)
    record.writeUInt32LE(14 + bytes.length, 8)
    record.writeUInt32LE(14 + bytes.length, 12)
    record.writeUInt16BE(0x0800, 16 + 12)
    return Buffer.concat([record, bytes])
  })
  return Buffer.concat([header, ...records])
}
