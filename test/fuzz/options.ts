// TCP options: what parseOptions makes of any bytes must be what the reading below makes of them, which is written from
// the RFCs alone (9293 §3.1, 7323, 2018, 5482 §3, 7413 §4.1.1); and what is written from a segment reads back the same.

import assert from 'node:assert/strict'
import { optionsLength, parseOptions, writeOptions } from '../../src/wire/options.ts'
import { MAX_SACK_BLOCKS, Segment, SYN } from '../../src/wire/segment.ts'
import { watched } from './watched.ts'

const MOST_BYTES = 40

interface Read {
  wellFormed: boolean
  mss: number
  windowScale: number
  sackPermitted: boolean
  timestamps: [number, number] | undefined
  sack: number[]
  userTimeout: number
  /** Of Fast Open: its bytes, in which option it came. */
  cookie: { bytes: number[]; experimental: boolean } | undefined
}

function readByHand(bytes: Uint8Array, isSyn: boolean): Read {
  const read: Read = {
    wellFormed: true,
    mss: -1,
    windowScale: -1,
    sackPermitted: false,
    timestamps: undefined,
    sack: [],
    userTimeout: -1,
    cookie: undefined
  }
  const number = (at: number, size: number): number =>
    bytes.subarray(at, at + size).reduce((sum, byte) => sum * 256 + byte, 0)
  let at = 0
  while (at < bytes.length && bytes[at] !== 0) {
    const kind = bytes[at]
    if (kind === 1) {
      at++
      continue
    }
    const size = bytes[at + 1] ?? 0
    if (size < 2 || at + size > bytes.length) {
      read.wellFormed = false
      break
    }
    if (isSyn && kind === 2 && size === 4) read.mss = number(at + 2, 2)
    if (isSyn && kind === 3 && size === 3) read.windowScale = bytes[at + 2]
    if (isSyn && kind === 4 && size === 2) read.sackPermitted = true
    if (kind === 8 && size === 10) read.timestamps = [number(at + 2, 4) | 0, number(at + 6, 4) | 0]
    if (kind === 5 && size > 2 && (size - 2) % 8 === 0) {
      read.sack = []
      for (let edge = at + 2; edge < at + size; edge += 4) read.sack.push(number(edge, 4) | 0)
    }
    if (kind === 28 && size === 4) read.userTimeout = number(at + 2, 2)
    const experimental = kind === 254 && number(at + 2, 2) === 0xf989 && size >= 4
    if (isSyn && (kind === 34 || experimental)) {
      const cookie = [...bytes.subarray(at + (experimental ? 4 : 2), at + size)]
      const isCookie = cookie.length === 0 || (cookie.length >= 4 && cookie.length <= 16 && cookie.length % 2 === 0)
      if (isCookie) read.cookie = { bytes: cookie, experimental }
    }
    at += size
  }
  return read
}

function fieldsOf(seg: Segment, wellFormed: boolean): Read {
  return {
    wellFormed,
    mss: seg.mss,
    windowScale: seg.windowScale,
    sackPermitted: seg.sackPermitted,
    timestamps: seg.hasTimestamps ? [seg.tsVal, seg.tsEcr] : undefined,
    sack: [...seg.sack.subarray(0, 2 * seg.sackBlocks)],
    userTimeout: seg.userTimeout,
    cookie:
      seg.cookieLength < 0
        ? undefined
        : { bytes: [...seg.cookie.subarray(0, seg.cookieLength)], experimental: seg.cookieIsExperimental }
  }
}

/** The first byte says whether the segment is a SYN, the rest are its options. */
export const fuzz = watched(bytes => {
  if (bytes.length === 0) return
  const isSyn = (bytes[0] & 1) !== 0
  const options = bytes.slice(1, 1 + MOST_BYTES)
  const seg = new Segment()
  seg.flags = isSyn ? SYN : 0
  const wellFormed = parseOptions(new DataView(options.buffer), 0, options.length, seg)
  const parsed = fieldsOf(seg, wellFormed)
  assert.deepEqual(parsed, readByHand(options, isSyn))

  assert.ok(seg.sackBlocks <= MAX_SACK_BLOCKS)
  const room = new DataView(new ArrayBuffer(64))
  const length = writeOptions(room, 0, seg)
  assert.equal(length, optionsLength(seg))
  assert.ok(length <= MOST_BYTES && length % 4 === 0, `${length} bytes of options`)
  const again = new Segment()
  again.flags = seg.flags
  assert.ok(parseOptions(room, 0, length, again), 'what is written reads back')
  const written = fieldsOf(again, true)
  // What finds no room is left out: the user timeout, and the last of the SACK blocks.
  const userTimeout = written.userTimeout === -1 ? -1 : parsed.userTimeout
  assert.deepEqual(written, {
    ...parsed,
    wellFormed: true,
    userTimeout,
    sack: parsed.sack.slice(0, written.sack.length)
  })
  if (parsed.userTimeout !== written.userTimeout) assert.ok(length > MOST_BYTES - 4, 'there was no room')
  if (parsed.sack.length !== written.sack.length) assert.ok(length + 8 + 4 > MOST_BYTES, 'there was no room')
})
