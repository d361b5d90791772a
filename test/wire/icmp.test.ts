// ICMP messages: refusals, what an error quotes, echoes.

import t from 'tap'
import { Random } from '../../src/random.ts'
import { finish, sum } from '../../src/wire/checksum.ts'
import {
  ICMP_BAD_CHECKSUM,
  ICMP_BAD_QUOTE,
  ICMP_ECHO_REPLY,
  ICMP_OK,
  ICMP_TOO_SHORT,
  IcmpMessage,
  parseIcmp,
  writeIcmpEcho
} from '../../src/wire/icmp.ts'
import { bytesOf, hexOf, randomBytes, viewOf } from './bytes.ts'

const QUOTED_IP = '4500 05dc 1234 4000 4006 0000 0a000001 f0000002'
const QUOTED_TCP = '9c40 0050 ffff0000'

/** Parses with the checksum filled in. */
function parse(hex: string): { verdict: number; message: IcmpMessage } {
  const bytes = bytesOf(hex)
  const view = viewOf(bytes)
  if (bytes.length >= 4) view.setUint16(2, finish(sum(view, 0, bytes.length, 0)))
  const message = new IcmpMessage()
  return { verdict: parseIcmp(view, 0, bytes.length, message), message }
}

t.test('RFC 792: port unreachable quotes ports and sequence number', async t => {
  const { verdict, message } = parse(`0303 0000 00000000 ${QUOTED_IP} ${QUOTED_TCP}`)
  t.equal(verdict, ICMP_OK)
  t.match(message, { type: 3, code: 3, isError: true, mtu: 0, quotesTcp: true })
  t.match(message, {
    quotedSource: 0x0a000001,
    quotedDestination: 0xf0000002 | 0,
    quotedProtocol: 6,
    quotedTotalLength: 1500
  })
  t.match(message, { quotedSourcePort: 40000, quotedDestinationPort: 80, quotedSeq: 0xffff0000 | 0 })
})

t.test('RFC 1191 §4: fragmentation needed carries the next-hop MTU in the low half of the second word', async t => {
  t.equal(parse(`0304 0000 dead0578 ${QUOTED_IP} ${QUOTED_TCP}`).message.mtu, 1400)
  t.equal(parse(`0304 0000 dead0000 ${QUOTED_IP} ${QUOTED_TCP}`).message.mtu, 0)
  t.equal(parse(`0303 0000 dead0578 ${QUOTED_IP} ${QUOTED_TCP}`).message.mtu, 0, 'and only that message does')
})

t.test('options of the quoted header are stepped over', async t => {
  const options = `${QUOTED_IP.replace('45', '47')} 94040000 01010101`
  t.match(parse(`0b00 0000 00000000 ${options} ${QUOTED_TCP}`).message, { quotesTcp: true, quotedSourcePort: 40000 })
})

t.test('a later fragment, or another protocol, has no TCP header to quote', async t => {
  t.match(parse(`0303 0000 00000000 ${QUOTED_IP.replace('4000', '0001')} ${QUOTED_TCP}`), {
    verdict: ICMP_OK,
    message: { quotesTcp: false }
  })
  t.match(parse(`0303 0000 00000000 ${QUOTED_IP.replace('4006', '4011')} ${QUOTED_TCP}`), {
    verdict: ICMP_OK,
    message: { quotesTcp: false }
  })
})

const refusals = [
  { what: '7 bytes', hex: '08000000 000000', verdict: ICMP_TOO_SHORT },
  { what: 'an error without a quote', hex: '0303 0000 00000000', verdict: ICMP_BAD_QUOTE },
  { what: 'a quote of 19 bytes', hex: `0303 0000 00000000 ${QUOTED_IP.slice(0, -2)}`, verdict: ICMP_BAD_QUOTE },
  {
    what: 'a quote of the header and 7 bytes',
    hex: `0303 0000 00000000 ${QUOTED_IP} ${QUOTED_TCP.slice(0, -2)}`,
    verdict: ICMP_BAD_QUOTE
  },
  {
    what: 'a quote that is not IPv4',
    hex: `0303 0000 00000000 ${QUOTED_IP.replace('45', '65')} ${QUOTED_TCP}`,
    verdict: ICMP_BAD_QUOTE
  },
  {
    what: 'a quoted header of 4 words',
    hex: `0303 0000 00000000 ${QUOTED_IP.replace('45', '44')} ${QUOTED_TCP}`,
    verdict: ICMP_BAD_QUOTE
  },
  {
    what: 'a quoted header beyond the message',
    hex: `0303 0000 00000000 ${QUOTED_IP.replace('45', '4f')} ${QUOTED_TCP}`,
    verdict: ICMP_BAD_QUOTE
  }
]
for (const row of refusals) {
  t.test(`${row.what} -> ${row.verdict}`, async t => {
    t.equal(parse(row.hex).verdict, row.verdict)
  })
}

t.test('RFC 792: each flipped bit is noticed', async t => {
  const bytes = bytesOf('0800 f7fe 00000001')
  t.equal(parseIcmp(viewOf(bytes), 0, 8, new IcmpMessage()), ICMP_OK)
  for (let bit = 0; bit < 64; bit++) {
    bytes[bit >> 3] ^= 0x80 >> (bit & 7)
    t.equal(parseIcmp(viewOf(bytes), 0, 8, new IcmpMessage()), ICMP_BAD_CHECKSUM)
    bytes[bit >> 3] ^= 0x80 >> (bit & 7)
  }
})

t.test('an echo reply gives identifier and sequence number back, its checksum left to the link', async t => {
  const bytes = new Uint8Array(8).fill(0xff)
  t.equal(writeIcmpEcho(viewOf(bytes), 0, ICMP_ECHO_REPLY, 0x12345678), 8)
  t.equal(hexOf(bytes), '0000000012345678')
})

t.test('random bytes never make the parser throw or read beyond the message', async t => {
  const random = new Random(9)
  for (let i = 0; i < 50_000; i++) {
    const bytes = randomBytes(random, random.int(70))
    const view = viewOf(bytes)
    if (bytes.length >= 12) {
      bytes[0] = [0, 3, 4, 5, 8, 11, 12][random.int(7)]
      bytes[8] = 0x40 | random.int(16)
      bytes[2] = bytes[3] = 0
      view.setUint16(2, finish(sum(view, 0, bytes.length, 0)))
    }
    parseIcmp(view, 0, bytes.length, new IcmpMessage())
  }
  t.pass()
})
