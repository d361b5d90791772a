// Fragments in any order, at any time: a datagram that comes out consists of bytes that went in, at their places; nothing
// grows beyond its limit, and when time is over nothing is left.

import assert from 'node:assert/strict'
import { IpCounters } from '../../src/ip/counters.ts'
import { Reassembly } from '../../src/ip/reassembly.ts'
import { Ipv4Header } from '../../src/wire/ipv4.ts'
import { watched } from './watched.ts'

const LIMITS = { timeoutMs: 1000, maxDatagrams: 6, maxDatagramsPerSource: 3, maxBytes: 20_000, maxFragments: 12 }
const BYTES_EACH = 6

/** What came for a datagram since it began. */
interface Seen {
  readonly pieces: { start: number; end: number; version: number; isLast: boolean }[]
  readonly since: number
}

/** Two versions of a datagram's bytes: fragments that overlap may agree or not. */
const byteOf = (version: number, at: number): number => (at * 7 + version * 131) & 255

export const fuzz = watched(tape => {
  const counters = new IpCounters()
  const reassembly = new Reassembly(counters, LIMITS)
  const header = new Ipv4Header()
  /** No datagram has made room for another: each is kept until its time is over. */
  const keepsAll = (): boolean => counters.fragmentEvicted + counters.fragmentNoRoom === 0
  const seen = new Map<string, Seen>()
  /** Where the last fragments of each datagram end. */
  const ends = new Map<string, Set<number>>()
  let now = 0
  for (let at = 0; at + BYTES_EACH <= tape.length; at += BYTES_EACH) {
    const [who, place, high, size, flags, pause] = tape.subarray(at, at + BYTES_EACH)
    now += pause < 128 ? 0 : (pause - 127) * 10
    reassembly.expire(now)
    header.source = 0x0a000001 + (who & 3)
    header.destination = 0x0a0000ff
    header.protocol = (who & 4) === 0 ? 6 : 17
    header.id = who >> 3
    header.tos = flags >> 6
    header.moreFragments = (flags & 1) !== 0
    header.fragmentOffset = (((high & 31) << 8) | place) << 3
    header.payloadLength = (flags & 2) === 0 ? size * 8 : size
    header.payloadOffset = 20
    const version = (flags >> 2) & 1
    const bytes = new Uint8Array(20 + header.payloadLength)
    for (let i = 0; i < header.payloadLength; i++) bytes[20 + i] = byteOf(version, header.fragmentOffset + i)
    const key = `${header.source}/${header.protocol}/${header.id}`
    const ended = ends.get(key) ?? new Set()
    ends.set(key, ended)
    if (!header.moreFragments) ended.add(header.fragmentOffset + header.payloadLength)
    const before = seen.get(key) ?? { pieces: [], since: now }
    seen.set(key, before)
    const start = header.fragmentOffset
    const badLengths = counters.fragmentBadLength
    before.pieces.push({ start, end: start + header.payloadLength, version, isLast: !header.moreFragments })
    if (reassembly.fragmentArrives(header, bytes, now)) {
      const isYoung = now - before.since < LIMITS.timeoutMs
      if (isYoung && keepsAll()) assert.ok(!overlap(before.pieces), 'pieces that overlap made a datagram')
      seen.delete(key)
      assert.ok(ended.has(reassembly.length), `a datagram of ${reassembly.length} bytes that nobody ended there`)
      for (let i = 0; i < reassembly.length; i++) {
        const byte = reassembly.bytes[i]
        assert.ok(byte === byteOf(0, i) || byte === byteOf(1, i), `byte ${i} is none that was sent`)
      }
    }
    if (counters.fragmentBadLength !== badLengths) before.pieces.pop() // it counts for nothing
    assert.ok(reassembly.datagrams <= LIMITS.maxDatagrams)
    assert.ok(reassembly.heldBytes >= 0 && reassembly.heldBytes <= LIMITS.maxBytes)
    if (reassembly.datagrams === 0) assert.equal(reassembly.heldBytes, 0)
  }
  reassembly.expire(now + LIMITS.timeoutMs)
  assert.equal(reassembly.datagrams, 0)
  assert.equal(reassembly.heldBytes, 0)
  assert.equal(reassembly.nextDeadline, Number.POSITIVE_INFINITY)
})

/** Whether two pieces share a byte, and one is no mere repetition of the other. */
function overlap(pieces: Seen['pieces']): boolean {
  return pieces.some((a, i) =>
    pieces.slice(0, i).some(b => {
      const isSame = a.start === b.start && a.end === b.end && a.version === b.version && a.isLast === b.isLast
      return !isSame && a.start < b.end && b.start < a.end
    })
  )
}
