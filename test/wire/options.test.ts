// TCP options as a peer may send them: orders and paddings that we do not use, repeats, wrong lengths, and noise.

import t from 'tap'
import { Random } from '../../src/random.ts'
import { parseOptions } from '../../src/wire/options.ts'
import { ACK, Segment, SYN } from '../../src/wire/segment.ts'
import { parseTcp, TCP_BAD_DATA_OFFSET, TCP_MALFORMED_OPTIONS, TCP_OK } from '../../src/wire/tcp.ts'
import { bytesOf, hexOf, randomBytes, viewOf } from './bytes.ts'

interface Seen {
  ok: boolean
  mss?: number
  windowScale?: number
  sackPermitted?: true
  ts?: [number, number]
  sack?: number[]
  cookie?: string
  experimental?: true
  userTimeout?: number
  /** Bytes of ECT(0), CE and ECT(1). */
  accEcn?: [number, number, number]
}

/** What was read, defaults left out. The record starts with values that no parse may leave behind. */
function read(hex: string, flags = SYN): Seen {
  const options = bytesOf(hex)
  const bytes = Uint8Array.of(0xee, ...options, ...bytesOf('02040bad 03030b 0402 080a0badbadb0badbadb'))
  const seg = new Segment()
  Object.assign(seg, {
    flags,
    mss: 99,
    windowScale: 99,
    sackPermitted: true,
    hasTimestamps: true,
    tsVal: 99,
    sackBlocks: 3,
    cookieLength: 4,
    userTimeout: 9
  })
  const seen: Seen = { ok: parseOptions(viewOf(bytes), 1, options.length, seg) }
  if (seg.mss !== -1) seen.mss = seg.mss
  if (seg.windowScale !== -1) seen.windowScale = seg.windowScale
  if (seg.sackPermitted) seen.sackPermitted = true
  if (seg.hasTimestamps) seen.ts = [seg.tsVal, seg.tsEcr]
  if (seg.cookieLength !== -1) seen.cookie = hexOf(seg.cookie.subarray(0, seg.cookieLength))
  if (seg.cookieLength !== -1 && seg.cookieIsExperimental) seen.experimental = true
  if (seg.userTimeout !== -1) seen.userTimeout = seg.userTimeout
  if (seg.ect0Bytes + seg.ceBytes + seg.ect1Bytes > -3) seen.accEcn = [seg.ect0Bytes, seg.ceBytes, seg.ect1Bytes]
  if (seg.sackBlocks > 0) seen.sack = [...seg.sack.subarray(0, 2 * seg.sackBlocks)]
  return seen
}

const TS = '080a 00000001 fffffffe'
const rows: { what: string; hex: string; flags?: number; seen: Seen }[] = [
  { what: 'no options', hex: '', seen: { ok: true } },
  {
    what: 'a SYN of Linux',
    hex: `020405b4 0402 ${TS} 01 030307`,
    seen: { ok: true, mss: 1460, windowScale: 7, sackPermitted: true, ts: [1, -2] }
  },
  {
    what: 'the same in another order, unpadded',
    hex: `030307 ${TS} 0402 020405b4`,
    seen: { ok: true, mss: 1460, windowScale: 7, sackPermitted: true, ts: [1, -2] }
  },
  { what: 'aligned timestamps', hex: `0101 ${TS}`, flags: ACK, seen: { ok: true, ts: [1, -2] } },
  { what: 'timestamps padded at the end', hex: `${TS} 0101`, flags: ACK, seen: { ok: true, ts: [1, -2] } },
  {
    what: 'timestamps and two SACK blocks',
    hex: `0101 ${TS} 0101 0512 00000001 00000002 fffffffe ffffffff`,
    flags: ACK,
    seen: { ok: true, ts: [1, -2], sack: [1, 2, -2, -1] }
  },
  {
    what: 'four SACK blocks',
    hex: `0101 0522 ${'0000000100000002'.repeat(4)}`,
    flags: ACK,
    seen: { ok: true, sack: [1, 2, 1, 2, 1, 2, 1, 2] }
  },
  { what: 'end of options, then more', hex: '020405b4 00 030307', seen: { ok: true, mss: 1460 } },
  { what: 'an unknown kind, by its length (MUST-6)', hex: 'fd06 deadbeef 020405b4', seen: { ok: true, mss: 1460 } },
  { what: 'an unknown kind without text', hex: 'fd02 020405b4', seen: { ok: true, mss: 1460 } },
  // RFC 9293 §3.2: only on a SYN.
  { what: 'options of a SYN without SYN', hex: '020405b4 0402 030307', flags: ACK, seen: { ok: true } },
  {
    what: 'options of a SYN on SYN-ACK',
    hex: '020405b4 0402 030307',
    flags: SYN | ACK,
    seen: { ok: true, mss: 1460, sackPermitted: true, windowScale: 7 }
  },
  // Values as sent: clamping is TCP's.
  { what: 'a window scale of 255', hex: '0303ff', seen: { ok: true, windowScale: 255 } },
  { what: 'a maximum segment size of 0', hex: '02040000', seen: { ok: true, mss: 0 } },
  // Repeated: the last one counts, as on Linux.
  { what: 'two maximum segment sizes', hex: '020405b4 02040218', seen: { ok: true, mss: 536 } },
  { what: 'two timestamps', hex: `080a 00000008 00000009 ${TS}`, seen: { ok: true, ts: [1, -2] } },
  {
    what: 'two SACK options',
    hex: `0512 ${'0000000100000002'.repeat(2)} 050a 0000000300000004`,
    flags: ACK,
    seen: { ok: true, sack: [3, 4] }
  },
  // A length that is wrong for the kind: stepped over.
  { what: 'a maximum segment size of 3 bytes', hex: '020305 030307', seen: { ok: true, windowScale: 7 } },
  { what: 'a window scale of 4 bytes', hex: '03040707 020405b4', seen: { ok: true, mss: 1460 } },
  { what: 'SACK-permitted of 3 bytes', hex: '040300 020405b4', seen: { ok: true, mss: 1460 } },
  { what: 'timestamps of 8 bytes', hex: '0808 000000010000 030307', seen: { ok: true, windowScale: 7 } },
  { what: 'SACK without blocks', hex: '0502 0101', flags: ACK, seen: { ok: true } },
  { what: 'SACK of a block and a half', hex: '050e 000000010000000200000003', flags: ACK, seen: { ok: true } },
  // Fast Open (RFC 7413 §4.1.1), the experimental option of before it, and user timeouts (RFC 5482 §3).
  { what: 'a request for a Fast Open cookie', hex: '2202', seen: { ok: true, cookie: '' } },
  { what: 'a Fast Open cookie of 4 bytes', hex: '2206 01020304', seen: { ok: true, cookie: '01020304' } },
  {
    what: 'a Fast Open cookie of 16 bytes',
    hex: `2212 ${'0102'.repeat(8)}`,
    seen: { ok: true, cookie: '0102'.repeat(8) }
  },
  { what: 'a Fast Open cookie of 2 bytes', hex: '2204 0102', seen: { ok: true } },
  { what: 'a Fast Open cookie of 5 bytes', hex: '2207 0102030405', seen: { ok: true } },
  { what: 'a Fast Open cookie of 18 bytes', hex: `2214 ${'0102'.repeat(9)}`, seen: { ok: true } },
  { what: 'a Fast Open cookie without SYN', hex: '2206 01020304', flags: ACK, seen: { ok: true } },
  {
    what: 'the experiment f989',
    hex: 'fe08 f989 01020304',
    seen: { ok: true, cookie: '01020304', experimental: true }
  },
  { what: 'a request by the experiment', hex: 'fe04 f989', seen: { ok: true, cookie: '', experimental: true } },
  { what: 'another experiment', hex: 'fe08 f988 01020304', seen: { ok: true } },
  { what: 'an experiment without a number', hex: 'fe03 f9', seen: { ok: true } },
  {
    what: 'AccECN 0',
    hex: 'ac0b01020304050607080901',
    flags: ACK,
    seen: { ok: true, accEcn: [0x10203, 0x40506, 0x70809] }
  },
  {
    what: 'AccECN 1',
    hex: 'ae0b01020304050607080901',
    flags: ACK,
    seen: { ok: true, accEcn: [0x70809, 0x40506, 0x10203] }
  },
  {
    what: 'AccECN with the last counter left out',
    hex: 'ac08010203040506',
    flags: ACK,
    seen: { ok: true, accEcn: [0x10203, 0x40506, -1] }
  },
  {
    what: 'AccECN with one counter',
    hex: 'ae05ffffff010101',
    flags: ACK,
    seen: { ok: true, accEcn: [-1, -1, 0xffffff] }
  },
  { what: 'AccECN of a length that holds no whole counters', hex: 'ac04010201010101', flags: ACK, seen: { ok: true } },
  { what: 'a user timeout, on any segment', hex: '1c04801e', flags: ACK, seen: { ok: true, userTimeout: 0x801e } },
  { what: 'a user timeout of 5 bytes', hex: '1c05801e00', seen: { ok: true } },
  // Lengths that end the parse (MUST-7).
  { what: 'length 0', hex: '020405b4 0800 030307', seen: { ok: false, mss: 1460 } },
  { what: 'length 1', hex: '020405b4 fd01 030307', seen: { ok: false, mss: 1460 } },
  { what: 'length beyond the header', hex: '020405b4 0809 00000001', seen: { ok: false, mss: 1460 } },
  { what: 'no room for a length', hex: '020405b4 010103', seen: { ok: false, mss: 1460 } },
  { what: 'a maximum segment size cut off by the end', hex: '01010204', seen: { ok: false } },
  { what: 'timestamps cut off by the end', hex: '01080a 00000001 0000', seen: { ok: false } }
]
for (const row of rows) {
  t.test(`RFC 9293 §3.2: ${row.what}`, async t => {
    t.same(read(row.hex, row.flags), row.seen)
  })
}

t.test('a segment with malformed options stands, and says so', async t => {
  const bytes = bytesOf('00509c40 00000001 00000002 60100200 00000000 08ff0000 aabbcc')
  const seg = new Segment()
  t.equal(parseTcp(viewOf(bytes), bytes, 0, bytes.length, seg), TCP_MALFORMED_OPTIONS)
  t.equal(seg.payloadLength, 3)
})

t.test('random bytes never make the parser throw or read beyond the header: 100000 cases', async t => {
  const random = new Random(7)
  // The view ends where the options end: to read on is to throw.
  for (let i = 0; i < 100_000; i++) {
    const bytes = likelyOptions(random, random.int(41))
    const seg = new Segment()
    seg.flags = random.int(256)
    parseOptions(viewOf(bytes), 0, bytes.length, seg)
    const sane =
      seg.mss >= -1 && seg.mss < 65536 && seg.windowScale >= -1 && seg.windowScale < 256 && seg.sackBlocks <= 4
    if (!sane) t.fail(`case ${i}: ${Buffer.from(bytes).toString('hex')}`)
  }
  t.pass()
})

t.test('random bytes as a whole segment: a verdict, and a text that lies inside', async t => {
  const random = new Random(8)
  const verdicts = new Set<number>()
  for (let i = 0; i < 100_000; i++) {
    const bytes = randomBytes(random, random.int(80))
    const seg = new Segment()
    const verdict = parseTcp(viewOf(bytes), bytes, 0, bytes.length, seg)
    verdicts.add(verdict)
    if (verdict <= TCP_OK && seg.payloadOffset + seg.payloadLength !== bytes.length) t.fail(`case ${i}`)
  }
  for (const verdict of [TCP_OK, TCP_MALFORMED_OPTIONS, TCP_BAD_DATA_OFFSET]) t.ok(verdicts.has(verdict))
})

/** Noise in which known kinds and plausible lengths are common. */
function likelyOptions(random: Random, length: number): Uint8Array {
  const bytes = randomBytes(random, length)
  const kinds = [0, 1, 2, 3, 4, 5, 8, 28, 34, 253, 254]
  const lengths = [0, 1, 2, 3, 4, 10, 18, 26, 34, 40]
  for (let at = 0; at + 1 < length; at += 1 + random.int(12)) {
    bytes[at] = kinds[random.int(kinds.length)]
    if (random.chance(0.8)) bytes[at + 1] = lengths[random.int(lengths.length)]
  }
  return bytes
}
