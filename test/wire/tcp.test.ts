// TCP headers: refusals, round trips, and the bytes that output lays out.

import t from 'tap'
import { Random } from '../../src/random.ts'
import { finish, pseudoHeaderSum, sum } from '../../src/wire/checksum.ts'
import { fixedOptionsLength, sackBlocksThatFit } from '../../src/wire/options.ts'
import { ACK, FIN, PSH, RST, Segment, SYN } from '../../src/wire/segment.ts'
import {
  parseTcp,
  TCP_BAD_DATA_OFFSET,
  TCP_OK,
  TCP_TOO_SHORT,
  tcpHeaderLength,
  verifyTcpChecksum,
  writeTcpHeader
} from '../../src/wire/tcp.ts'
import { bytesOf, hexOf, randomBytes, randomCookie, viewOf } from './bytes.ts'

function segment(fields: Partial<Segment> = {}, sack: readonly number[] = []): Segment {
  const seg = new Segment()
  Object.assign(seg, { sourcePort: 80, destinationPort: 0x9c40, seq: 1, ack: 2, flags: ACK, window: 512 }, fields)
  seg.sack.set(sack)
  seg.sackBlocks = sack.length / 2
  return seg
}

function written(seg: Segment): Uint8Array {
  const bytes = new Uint8Array(60)
  return bytes.subarray(0, writeTcpHeader(viewOf(bytes), 0, seg))
}

const refusals = [
  { what: 'no bytes', length: 0, words: 5, verdict: TCP_TOO_SHORT },
  { what: '19 bytes', length: 19, words: 5, verdict: TCP_TOO_SHORT },
  { what: 'a data offset of 0', length: 60, words: 0, verdict: TCP_BAD_DATA_OFFSET },
  { what: 'a data offset of 4', length: 60, words: 4, verdict: TCP_BAD_DATA_OFFSET },
  { what: 'a data offset beyond the segment', length: 23, words: 6, verdict: TCP_BAD_DATA_OFFSET },
  { what: 'a data offset of 15 in 59 bytes', length: 59, words: 15, verdict: TCP_BAD_DATA_OFFSET },
  { what: 'a header that fills the segment', length: 60, words: 15, verdict: TCP_OK },
  { what: 'a header and one byte of text', length: 21, words: 5, verdict: TCP_OK }
]
for (const row of refusals) {
  t.test(`RFC 9293 §3.1: ${row.what} -> ${row.verdict}`, async t => {
    const bytes = new Uint8Array(60)
    bytes[12] = row.words << 4
    const seg = new Segment()
    t.equal(parseTcp(viewOf(bytes), bytes, 0, row.length, seg), row.verdict)
    if (row.verdict === TCP_OK) t.equal(seg.payloadLength, row.length - 4 * row.words)
  })
}

// Linux's order and padding (tcp_options_write).
const header = (words: number, flags: string): string =>
  `00509c40 00000001 00000002 ${words.toString(16)}0${flags}0200 00000000`
const MSS = '020405b4'
const TS = '080a00000007fffffff9'
const layouts: { what: string; fields: Partial<Segment>; sack?: number[]; hex: string }[] = [
  { what: 'no options', fields: {}, hex: header(5, '10') },
  {
    what: 'SYN with all of its options',
    fields: { flags: SYN, mss: 1460, sackPermitted: true, hasTimestamps: true, tsVal: 7, tsEcr: -7, windowScale: 7 },
    hex: `${header(10, '02')} ${MSS} 0402 ${TS} 01030307`
  },
  {
    what: 'SYN without SACK-permitted',
    fields: { flags: SYN, mss: 1460, hasTimestamps: true, tsVal: 7, tsEcr: -7, windowScale: 7 },
    hex: `${header(10, '02')} ${MSS} 0101 ${TS} 01030307`
  },
  {
    what: 'SYN without timestamps',
    fields: { flags: SYN | ACK, mss: 1460, sackPermitted: true, windowScale: 0 },
    hex: `${header(8, '12')} ${MSS} 01010402 01030300`
  },
  {
    what: 'timestamps alone',
    fields: { hasTimestamps: true, tsVal: 7, tsEcr: -7 },
    hex: `${header(8, '10')} 0101 ${TS}`
  },
  {
    what: 'timestamps and SACK',
    fields: { hasTimestamps: true, tsVal: 7, tsEcr: -7 },
    sack: [-1, 1],
    hex: `${header(11, '10')} 0101 ${TS} 0101050a ffffffff00000001`
  },
  {
    what: 'SYN that asks for a Fast Open cookie (RFC 7413 §4.1.1)',
    fields: { flags: SYN, mss: 1460, cookieLength: 0 },
    hex: `${header(7, '02')} ${MSS} 22020101`
  },
  {
    what: 'SYN with a Fast Open cookie of 8 bytes',
    fields: { flags: SYN, windowScale: 7, cookieLength: 8, cookie: bytesOf('0102030405060708') },
    hex: `${header(9, '02')} 01030307 220a 0102030405060708 0101`
  },
  {
    what: 'SYN with a Fast Open cookie of 6 bytes: no padding needed',
    fields: { flags: SYN, cookieLength: 6, cookie: bytesOf('010203040506') },
    hex: `${header(7, '02')} 2208 010203040506`
  },
  {
    what: 'the experimental option of before, the longest cookie, a full header: no room for a user timeout',
    fields: {
      flags: SYN,
      mss: 1460,
      sackPermitted: true,
      hasTimestamps: true,
      tsVal: 7,
      tsEcr: -7,
      windowScale: 7,
      cookieLength: 16,
      cookieIsExperimental: true,
      cookie: bytesOf('000102030405060708090a0b0c0d0e0f'),
      userTimeout: 30
    },
    hex: `${header(15, '02')} ${MSS} 0402 ${TS} 01030307 fe14f989 000102030405060708090a0b0c0d0e0f`
  },
  {
    what: 'a user timeout of 30 minutes before the SACK blocks (RFC 5482 §3)',
    fields: { userTimeout: 0x801e },
    sack: [-1, 1],
    hex: `${header(9, '10')} 1c04801e 0101050a ffffffff00000001`
  }
]
for (const row of layouts) {
  t.test(`output: ${row.what}`, async t => {
    const seg = segment(row.fields, row.sack)
    t.equal(hexOf(written(seg)), row.hex.replaceAll(' ', ''))
    t.equal(tcpHeaderLength(seg), written(seg).length)
  })
}

const rooms = [
  { what: 'four alone', fields: {}, fit: 4 },
  { what: 'three beside timestamps', fields: { hasTimestamps: true }, fit: 3 },
  {
    what: 'two on a SYN with all its options',
    fields: { flags: SYN, mss: 536, hasTimestamps: true, windowScale: 1 },
    fit: 2
  },
  {
    what: 'two beside a maximum segment size and timestamps',
    fields: { flags: SYN, mss: 536, hasTimestamps: true },
    fit: 2
  },
  {
    what: 'three beside a maximum segment size and a window scale',
    fields: { flags: SYN, mss: 536, windowScale: 1 },
    fit: 3
  }
]
for (const row of rooms) {
  t.test(`RFC 2018 §3: of four SACK blocks there is room for ${row.what}, first ones first`, async t => {
    const seg = segment(row.fields, [10, 20, 30, 40, 50, 60, 70, 80])
    const back = new Segment()
    const bytes = written(seg)
    t.ok(bytes.length <= 60)
    t.equal(tcpHeaderLength(seg), bytes.length)
    t.equal(parseTcp(viewOf(bytes), bytes, 0, bytes.length, back), TCP_OK)
    t.equal(back.sackBlocks, row.fit)
    t.same(back.sack.subarray(0, 2 * row.fit), seg.sack.subarray(0, 2 * row.fit))
  })
}

t.test('SEG.LEN counts text, SYN and FIN (RFC 9293 §3.3.1)', async t => {
  for (const [flags, length] of [
    [ACK, 5],
    [SYN, 6],
    [FIN | PSH, 6],
    [SYN | FIN, 7],
    [RST, 5]
  ]) {
    t.equal(segment({ flags, payloadLength: 5 }).length, length)
  }
})

t.test('random segments come back as they were written, over the leavings of the segment before', async t => {
  const random = new Random(5)
  const back = new Segment()
  for (let i = 0; i < 20_000; i++) {
    const seg = randomSegment(random)
    const bytes = randomBytes(random, 200)
    const offset = random.int(8)
    const headerLength = writeTcpHeader(viewOf(bytes), offset, seg)
    const text = random.int(100)
    Object.assign(back, { region: 9, wrappedOffset: 9, wrappedLength: 9 })
    const verdict = parseTcp(viewOf(bytes), bytes, offset, headerLength + text, back)
    if (verdict !== TCP_OK) t.fail(`verdict ${verdict}`)
    seg.bytes = bytes
    seg.payloadOffset = offset + headerLength
    seg.payloadLength = text
    const [expected, actual] = [fieldsOf(seg), fieldsOf(back)]
    if (expected !== actual) t.equal(actual, expected)
  }
})

t.test('the checksum covers header, options, text and pseudo-header (RFC 9293 §3.1)', async t => {
  const random = new Random(6)
  for (const text of [0, 1, 2, 1459, 1460]) {
    const bytes = randomBytes(random, 60 + text)
    const view = viewOf(bytes)
    const length = writeTcpHeader(view, 0, segment({ hasTimestamps: true })) + text
    t.equal(view.getUint16(16), 0, 'output leaves it to the link')
    view.setUint16(16, finish(sum(view, 0, length, pseudoHeaderSum(0x0a000001, -2, 6, length))))
    t.ok(verifyTcpChecksum(view, 0, length, 0x0a000001, -2))
    t.notOk(verifyTcpChecksum(view, 0, length, 0x0a000001, -3), 'another address')
    t.notOk(verifyTcpChecksum(view, 0, length - 1, 0x0a000001, -2), 'another length')
    bytes[length - 1] ^= 1
    t.notOk(verifyTcpChecksum(view, 0, length, 0x0a000001, -2), 'another byte')
  }
})

/** Options as they can stand together: those of a SYN only with SYN, and no more SACK blocks than fit. */
function randomSegment(random: Random): Segment {
  const flags = random.int(256)
  const isSyn = (flags & SYN) !== 0
  const seg = segment({
    sourcePort: random.int(65536),
    destinationPort: random.int(65536),
    seq: random.uint32() | 0,
    ack: random.uint32() | 0,
    flags,
    window: random.int(65536),
    urgentPointer: random.int(65536),
    mss: isSyn && random.chance(0.5) ? random.int(65536) : -1,
    windowScale: isSyn && random.chance(0.5) ? random.int(256) : -1,
    sackPermitted: isSyn && random.chance(0.5),
    hasTimestamps: random.chance(0.5)
  })
  if (isSyn && random.chance(0.3)) Object.assign(seg, randomCookie(random))
  if (random.chance(0.2) && fixedOptionsLength(seg) <= 36) seg.userTimeout = random.int(65536)
  if (seg.hasTimestamps) Object.assign(seg, { tsVal: random.uint32() | 0, tsEcr: random.uint32() | 0 })
  seg.sackBlocks = random.int(1 + sackBlocksThatFit(Object.assign(seg, { sackBlocks: 4 }), fixedOptionsLength(seg)))
  for (let i = 0; i < 2 * seg.sackBlocks; i++) seg.sack[i] = random.uint32() | 0
  return seg
}

function fieldsOf(seg: Segment): string {
  const { bytes: _, sack, cookie, cookieIsExperimental, ...fields } = seg
  const cookieSeen = seg.cookieLength < 0 ? null : [...cookie.subarray(0, seg.cookieLength), cookieIsExperimental]
  return JSON.stringify({ ...fields, cookieSeen, sack: [...sack.subarray(0, 2 * seg.sackBlocks)] })
}
