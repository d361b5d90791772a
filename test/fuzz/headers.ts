// Headers of IPv4, TCP and ICMP: whatever the bytes, what is read lies within them, and TCP's fields read back as written.

import assert from 'node:assert/strict'
import { finish, pseudoHeaderSum, sum } from '../../src/wire/checksum.ts'
import { ICMP_HEADER_LENGTH, ICMP_OK, IcmpMessage, parseIcmp } from '../../src/wire/icmp.ts'
import { IPV4_OK, Ipv4Header, PROTOCOL_ICMP, PROTOCOL_TCP, parseIpv4 } from '../../src/wire/ipv4.ts'
import { formatSegment } from '../../src/wire/notation.ts'
import { Segment } from '../../src/wire/segment.ts'
import {
  parseTcp,
  TCP_HEADER_LENGTH,
  TCP_OK,
  tcpHeaderLength,
  verifyTcpChecksum,
  writeTcpHeader
} from '../../src/wire/tcp.ts'
import { watched } from './watched.ts'

/** As a packet lies in a slab: not at its beginning, with other bytes behind it. */
const FRONT = 3
const ROOM = 256

/** The first byte says what is made good before the rest is parsed: a random checksum lets nothing pass. */
export const fuzz = watched(input => {
  if (input.length < 1) return
  const repair = input[0]
  const bytes = new Uint8Array(FRONT + input.length - 1 + ROOM).fill(0xa5)
  bytes.set(input.subarray(1), FRONT)
  const view = new DataView(bytes.buffer)
  const length = input.length - 1
  if ((repair & 3) === 1) return void tcp(view, bytes, FRONT, length)
  if ((repair & 3) === 2) return icmp(view, FRONT, length)
  packet(view, bytes, length, (repair & 4) !== 0)
})

function packet(view: DataView, bytes: Uint8Array, length: number, mend: boolean): void {
  if (mend && length >= 20) {
    const headerLength = Math.max(20, Math.min(length, (bytes[FRONT] & 15) * 4))
    bytes[FRONT] = 0x40 | (headerLength >> 2)
    if (headerLength % 4 === 0) seal(view, FRONT, headerLength, FRONT + 10, 0)
  }
  const header = new Ipv4Header()
  if (parseIpv4(view, FRONT, length, header) !== IPV4_OK) return
  const end = header.payloadOffset + header.payloadLength
  assert.ok(header.headerLength >= 20 && header.headerLength <= header.totalLength)
  assert.ok(
    header.payloadOffset === FRONT + header.headerLength && end <= FRONT + length,
    'the payload is in the packet'
  )
  if (header.protocol === PROTOCOL_ICMP) icmp(view, header.payloadOffset, header.payloadLength)
  if (header.protocol === PROTOCOL_TCP && tcp(view, bytes, header.payloadOffset, header.payloadLength)) {
    const { source, destination, payloadOffset, payloadLength } = header
    const pseudo = pseudoHeaderSum(source, destination, PROTOCOL_TCP, payloadLength)
    seal(view, payloadOffset, payloadLength, payloadOffset + 16, pseudo)
    assert.ok(verifyTcpChecksum(view, payloadOffset, payloadLength, source, destination), 'a good checksum is good')
    bytes[payloadOffset] ^= 1
    assert.ok(!verifyTcpChecksum(view, payloadOffset, payloadLength, source, destination), 'a flipped bit shows')
  }
}

/** Answers whether it is a segment. */
function tcp(view: DataView, bytes: Uint8Array, offset: number, length: number): boolean {
  const seg = new Segment()
  if (parseTcp(view, bytes, offset, length, seg) > TCP_OK) return false
  assert.ok(seg.payloadOffset >= offset + TCP_HEADER_LENGTH && seg.payloadLength >= 0)
  assert.equal(seg.payloadOffset + seg.payloadLength, offset + length, 'the text ends where the segment ends')
  assert.ok(formatSegment(seg).length > 0)
  const written = new DataView(new ArrayBuffer(80))
  const headerLength = writeTcpHeader(written, 0, seg)
  assert.equal(headerLength, tcpHeaderLength(seg))
  const again = new Segment()
  const verdict = parseTcp(written, new Uint8Array(written.buffer), 0, headerLength, again)
  assert.equal(verdict, TCP_OK, 'what is written reads back')
  for (const name of ['sourcePort', 'destinationPort', 'seq', 'ack', 'flags', 'window', 'urgentPointer'] as const)
    assert.equal(again[name], seg[name], name)
  return true
}

function icmp(view: DataView, offset: number, length: number): void {
  if (length >= 4) seal(view, offset, length, offset + 2, 0)
  const message = new IcmpMessage()
  if (parseIcmp(view, offset, length, message) !== ICMP_OK) return
  assert.ok(!message.quotesTcp || message.isError, 'only an error quotes')
  if (message.isError) {
    const quotedHeader = (view.getUint8(offset + ICMP_HEADER_LENGTH) & 15) * 4
    assert.ok(quotedHeader >= 20 && ICMP_HEADER_LENGTH + quotedHeader + 8 <= length, 'what is quoted is in the message')
  }
  assert.ok(message.mtu >= 0 && message.mtu <= 0xffff)
  assert.ok(message.quotedSourcePort <= 0xffff && message.quotedDestinationPort <= 0xffff)
}

function seal(view: DataView, offset: number, length: number, field: number, initial: number): void {
  view.setUint16(field, 0)
  view.setUint16(field, finish(sum(view, offset, length, initial)))
}
