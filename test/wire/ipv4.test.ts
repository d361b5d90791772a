// IPv4 headers: what is refused and for which reason, and what comes back from what was written.

import t from 'tap'
import { Random } from '../../src/random.ts'
import { finish, sum } from '../../src/wire/checksum.ts'
import {
  IPV4_BAD_CHECKSUM,
  IPV4_BAD_HEADER_LENGTH,
  IPV4_BAD_TOTAL_LENGTH,
  IPV4_BAD_VERSION,
  IPV4_OK,
  IPV4_TOO_SHORT,
  Ipv4Header,
  parseIpv4,
  writeIpv4Header
} from '../../src/wire/ipv4.ts'
import { bytesOf, randomBytes, viewOf } from './bytes.ts'

const PLAIN = '4500 0028 1234 4000 4006 0000 0a000001 0a000002' // 20 bytes of header, 20 of payload

/** The header in hexadecimal, checksum filled in over `headerLength` bytes, at offset 3 of a packet of `length` bytes. */
function parse(hex: string, length: number, headerLength = 20): { verdict: number; header: Ipv4Header } {
  const bytes = new Uint8Array(3 + Math.max(length, 60))
  bytes.set(bytesOf(hex), 3)
  const view = viewOf(bytes)
  view.setUint16(3 + 10, finish(sum(view, 3, headerLength, 0)))
  const header = new Ipv4Header()
  return { verdict: parseIpv4(view, 3, length, header), header }
}

const rows = [
  { what: 'a plain header', hex: PLAIN, length: 40, verdict: IPV4_OK },
  { what: 'padding of the link below', hex: PLAIN, length: 46, verdict: IPV4_OK },
  { what: 'no bytes', hex: PLAIN, length: 0, verdict: IPV4_TOO_SHORT },
  { what: '19 bytes', hex: PLAIN, length: 19, verdict: IPV4_TOO_SHORT },
  { what: 'version 6', hex: PLAIN.replace('45', '65'), length: 40, verdict: IPV4_BAD_VERSION },
  { what: 'version 0', hex: PLAIN.replace('45', '05'), length: 40, verdict: IPV4_BAD_VERSION },
  { what: 'a header of 4 words', hex: PLAIN.replace('45', '44'), length: 40, verdict: IPV4_BAD_HEADER_LENGTH },
  { what: 'a header of 0 words', hex: PLAIN.replace('45', '40'), length: 40, verdict: IPV4_BAD_HEADER_LENGTH },
  { what: 'a header beyond the packet', hex: PLAIN.replace('45', '4b'), length: 40, verdict: IPV4_BAD_HEADER_LENGTH },
  {
    what: 'a header one byte beyond the packet',
    hex: PLAIN.replace('45', '46'),
    length: 23,
    verdict: IPV4_BAD_HEADER_LENGTH
  },
  {
    what: 'a total length below the header',
    hex: PLAIN.replace('0028', '0013'),
    length: 40,
    verdict: IPV4_BAD_TOTAL_LENGTH
  },
  { what: 'a total length beyond the packet', hex: PLAIN, length: 39, verdict: IPV4_BAD_TOTAL_LENGTH },
  { what: 'a header and no payload', hex: PLAIN.replace('0028', '0014'), length: 40, verdict: IPV4_OK }
]
for (const row of rows) {
  t.test(`RFC 791 §3.1: ${row.what} -> ${row.verdict}`, async t => {
    t.equal(parse(row.hex, row.length).verdict, row.verdict)
  })
}

t.test('RFC 1122 §3.2.1.2: each flipped bit of the header is noticed', async t => {
  const bytes = bytesOf(PLAIN + '00'.repeat(20))
  const view = viewOf(bytes)
  view.setUint16(10, finish(sum(view, 0, 20, 0)))
  for (let bit = 8; bit < 160; bit++) {
    bytes[bit >> 3] ^= 0x80 >> (bit & 7)
    const verdict = parseIpv4(view, 0, 40, new Ipv4Header())
    const isLength = bit >= 16 && bit < 32
    if (verdict !== IPV4_BAD_CHECKSUM && !(isLength && verdict === IPV4_BAD_TOTAL_LENGTH)) t.fail(`bit ${bit}`)
    bytes[bit >> 3] ^= 0x80 >> (bit & 7)
  }
  t.equal(parseIpv4(view, 0, 40, new Ipv4Header()), IPV4_OK)
})

t.test('options are stepped over and summed', async t => {
  const { verdict, header } = parse('4600 002c 0000 0000 4006 0000 0a000001 0a000002 94040000', 44, 24)
  t.equal(verdict, IPV4_OK)
  t.match(header, { headerLength: 24, totalLength: 44, payloadOffset: 3 + 24, payloadLength: 20 })
})

t.test('a fragment: more fragments, and an offset in units of 8 bytes', async t => {
  const { header } = parse('4500 0028 ffff 3fff 4006 0000 0a000001 0a000002', 40)
  t.match(header, { id: 0xffff, dontFragment: false, moreFragments: true, fragmentOffset: 0x1fff * 8 })
})

t.test('what was written comes back, whatever the fields', async t => {
  const random = new Random(4)
  const header = new Ipv4Header()
  for (let i = 0; i < 2000; i++) {
    const bytes = randomBytes(random, 65535)
    const view = viewOf(bytes)
    const field = (bits: number): number => random.uint32() >>> (32 - bits)
    const totalLength = 20 + random.int(65516 - 4)
    const [tos, id, ttl, protocol] = [field(8), field(16), field(8), field(8)]
    const [source, destination] = [random.uint32() | 0, random.uint32() | 0]
    const dontFragment = random.chance(0.5)
    writeIpv4Header(view, 4, totalLength, tos, id, dontFragment, ttl, protocol, source, destination)
    t.equal(view.getUint16(4 + 10), 0, 'the checksum is left to the link')
    view.setUint16(4 + 10, finish(sum(view, 4, 20, 0)))
    const verdict = parseIpv4(view, 4, totalLength, header)
    const expected = {
      headerLength: 20,
      totalLength,
      tos,
      id,
      dontFragment,
      moreFragments: false,
      fragmentOffset: 0,
      ttl,
      protocol,
      source,
      destination,
      payloadOffset: 24,
      payloadLength: totalLength - 20
    }
    if (verdict !== IPV4_OK) t.fail(`verdict ${verdict}`)
    t.same({ ...header }, expected)
  }
})
