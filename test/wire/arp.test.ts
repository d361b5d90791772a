// ARP packets (RFC 826): fields, and refusals.

import t from 'tap'
import { ARP_LENGTH, ARP_REPLY, ArpPacket, formatMac, parseArp, parseMac, writeArp } from '../../src/wire/arp.ts'
import { bytesOf, hexOf, viewOf } from './bytes.ts'

const REPLY = '0001 0800 06 04 0002 fe01020304ff c0a80105 02a0b0c0d0e0 0a000001'

function parse(hex: string): ArpPacket | undefined {
  const bytes = bytesOf(hex)
  const packet = new ArpPacket()
  return parseArp(viewOf(bytes), bytes.length, packet) ? packet : undefined
}

t.test('all fields are read, the bits above 2^31 too', async t => {
  t.match(parse(REPLY), {
    operation: ARP_REPLY,
    senderMac: 0xfe01020304ff,
    senderAddress: 0xc0a80105 | 0,
    targetMac: 0x02a0b0c0d0e0,
    targetAddress: 0x0a000001
  })
})

t.test('what is written reads the same', async t => {
  const bytes = new Uint8Array(ARP_LENGTH)
  writeArp(viewOf(bytes), parse(REPLY) as ArpPacket)
  t.equal(hexOf(bytes), REPLY.replaceAll(' ', ''))
})

t.test('filling up to the length of an Ethernet frame does no harm', async t => {
  t.match(parse(REPLY + '00'.repeat(18)), { operation: ARP_REPLY })
})

const refused = [
  { what: 'too short', hex: REPLY.slice(0, -2) },
  { what: 'another kind of hardware', hex: REPLY.replace('0001', '0006') },
  { what: 'another protocol', hex: REPLY.replace('0800', '86dd') },
  { what: 'hardware addresses of another length', hex: REPLY.replace('06 04', '08 04') },
  { what: 'protocol addresses of another length', hex: REPLY.replace('06 04', '06 10') },
  { what: 'operation 0', hex: REPLY.replace('0002', '0000') },
  { what: 'another operation (RARP)', hex: REPLY.replace('0002', '0003') },
  { what: 'a sender that is a group', hex: REPLY.replace('fe01020304ff', 'ffffffffffff') },
  { what: 'a sender without an address', hex: REPLY.replace('fe01020304ff', '000000000000') }
]
for (const { what, hex } of refused) {
  t.test(`refused: ${what}`, async t => {
    t.equal(parse(hex), undefined)
  })
}

t.test('a hardware address as text', async t => {
  t.equal(formatMac(0x0200000000ff), '02:00:00:00:00:ff')
})

t.test('text as a hardware address', async t => {
  t.equal(parseMac('fe:01:02:03:04:FF'), 0xfe01020304ff)
  const refused = ['', 'fe01020304ff', 'fe:01:02:03:04', 'fe:01:02:03:04:ff:00', 'fe:01:02:03:04:fg', '0:1:2:3:4:5']
  const nobodys = ['00:00:00:00:00:00', 'ff:ff:ff:ff:ff:ff', '01:00:5e:00:00:01']
  for (const text of [...refused, ...nobodys]) t.equal(parseMac(text), undefined, text)
})
