// A segment as a line, letter for letter as `tcpdump -n -S` prints it after "IP ".

import t from 'tap'
import { parseAddress } from '../../src/wire/address.ts'
import { formatFlags, formatSegment } from '../../src/wire/notation.ts'
import { ACK, FIN, PSH, RST, Segment, SYN, URG } from '../../src/wire/segment.ts'

const rows: { fields: Partial<Segment>; sack?: number[]; line: string }[] = [
  {
    fields: { flags: SYN, mss: 1460, sackPermitted: true, hasTimestamps: true, tsVal: 1, windowScale: 7 },
    line: 'Flags [S], seq 100, win 65535, options [mss 1460,sackOK,TS val 1 ecr 0,nop,wscale 7], length 0'
  },
  {
    fields: { flags: SYN | ACK, mss: 1460, sackPermitted: true, windowScale: 7 },
    line: 'Flags [S.], seq 100, ack 1, win 65535, options [mss 1460,nop,nop,sackOK,nop,wscale 7], length 0'
  },
  { fields: { flags: ACK }, line: 'Flags [.], ack 1, win 65535, length 0' },
  { fields: { flags: PSH | ACK, payloadLength: 5 }, line: 'Flags [P.], seq 100:105, ack 1, win 65535, length 5' },
  { fields: { flags: FIN | ACK }, line: 'Flags [F.], seq 100, ack 1, win 65535, length 0' },
  { fields: { flags: RST }, line: 'Flags [R], seq 100, win 65535, length 0' },
  {
    fields: { flags: URG | ACK, urgentPointer: 3, payloadLength: 1 },
    line: 'Flags [.U], seq 100:101, ack 1, win 65535, urg 3, length 1'
  },
  { fields: { flags: 0 }, line: 'Flags [none], win 65535, length 0' },
  {
    fields: { flags: ACK, seq: -5, ack: -1, payloadLength: 10 },
    line: 'Flags [.], seq 4294967291:5, ack 4294967295, win 65535, length 10'
  },
  {
    fields: { flags: ACK, seq: -20, payloadLength: 10 },
    line: 'Flags [.], seq 4294967276:4294967286, ack 1, win 65535, length 10'
  },
  {
    fields: { flags: ACK, hasTimestamps: true, tsVal: -1, tsEcr: 7 },
    sack: [200, 300, -10, 10],
    line: 'Flags [.], ack 1, win 65535, options [nop,nop,TS val 4294967295 ecr 7,nop,nop,sack 2 {200:300}{4294967286:10}], length 0'
  },
  {
    fields: { flags: ACK, userTimeout: 30 },
    line: 'Flags [.], ack 1, win 65535, options [uto 30 s], length 0'
  },
  {
    fields: { flags: ACK, userTimeout: 0x8002 },
    line: 'Flags [.], ack 1, win 65535, options [uto 2 min], length 0'
  }
]
for (const row of rows) {
  t.test(row.line, async t => {
    const seg = new Segment()
    const addresses = { sourceAddress: parseAddress('127.0.0.1')!, destinationAddress: parseAddress('192.168.255.9')! }
    Object.assign(
      seg,
      { ...addresses, sourcePort: 2333, destinationPort: 40000, seq: 100, ack: 1, window: 65535 },
      row.fields
    )
    seg.sack.set(row.sack ?? [])
    seg.sackBlocks = (row.sack ?? []).length / 2
    t.equal(formatSegment(seg), `127.0.0.1.2333 > 192.168.255.9.40000: ${row.line}`)
  })
}

t.test('all flags at once, in the order of their bits', async t => {
  t.equal(formatFlags(0xff), 'FSRP.UEW')
})
