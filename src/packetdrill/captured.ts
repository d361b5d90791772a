// A packet that the stack has sent, taken apart down to what a script can compare. Nothing here trusts the engine's own
// parsers of TCP: options keep their order and padding, reserved bits and both checksums are looked at.

import { fold, pseudoHeaderSum, sum } from '../wire/checksum.ts'
import { PROTOCOL_TCP } from '../wire/ipv4.ts'

/** An option as it lay in the header, numbers as on the wire, unsigned. */
export type WireOption =
  | { readonly kind: 'mss' | 'wscale'; readonly value: number }
  | { readonly kind: 'sackOK' | 'nop' | 'eol' }
  | { readonly kind: 'sack'; readonly blocks: readonly (readonly [number, number])[] }
  | { readonly kind: 'TS'; readonly val: number; readonly ecr: number }
  | { readonly kind: 'md5' | 'FO' | 'FOEXP'; readonly hex: string }
  | { readonly kind: 'kind'; readonly number: number; readonly hex: string }
  /** From where the options make no sense to their end. */
  | { readonly kind: 'bytes'; readonly hex: string }

export interface CapturedTcp {
  readonly sourcePort: number
  readonly destinationPort: number
  /** Unsigned, as are all numbers here. */
  readonly seq: number
  readonly ack: number
  /** The eight control bits. */
  readonly flags: number
  /** The four bits between data offset and control bits. */
  readonly reserved: number
  readonly window: number
  readonly urgentPointer: number
  readonly options: readonly WireOption[]
  readonly payload: Uint8Array
  readonly checksumOk: boolean
}

export interface Captured {
  /** When it left, ms on the script's clock. */
  readonly time: number
  readonly bytes: Uint8Array
  readonly version: number
  readonly headerLength: number
  readonly totalLength: number
  readonly tos: number
  readonly ttl: number
  readonly dontFragment: boolean
  readonly protocol: number
  /** int32. */
  readonly source: number
  readonly destination: number
  readonly headerChecksumOk: boolean
  /** Undefined for another protocol, or where the header lies beyond the packet. */
  readonly tcp: CapturedTcp | undefined
}

const IPV4_LEAST = 20
const DONT_FRAGMENT = 0x40
const TCP_LEAST = 20

export function takeApart(bytes: Uint8Array, time: number): Captured {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const headerLength = (view.getUint8(0) & 15) << 2
  const protocol = view.getUint8(9)
  return {
    time,
    bytes,
    version: view.getUint8(0) >> 4,
    headerLength,
    totalLength: view.getUint16(2),
    tos: view.getUint8(1),
    ttl: view.getUint8(8),
    dontFragment: (view.getUint8(6) & DONT_FRAGMENT) !== 0,
    protocol,
    source: view.getInt32(12),
    destination: view.getInt32(16),
    headerChecksumOk: headerLength >= IPV4_LEAST && fold(sum(view, 0, headerLength, 0)) === 0xffff,
    tcp: protocol === PROTOCOL_TCP ? takeTcpApart(bytes, view, headerLength) : undefined
  }
}

/** The eight control bits, and AE above them (RFC 9768 §3.1). */
const FLAGS = 0x1ff

function takeTcpApart(bytes: Uint8Array, view: DataView, at: number): CapturedTcp | undefined {
  const length = bytes.length - at
  if (length < TCP_LEAST) return undefined
  const headerLength = (view.getUint8(at + 12) >> 4) << 2
  if (headerLength < TCP_LEAST || headerLength > length) return undefined
  const pseudo = pseudoHeaderSum(view.getInt32(12), view.getInt32(16), PROTOCOL_TCP, length)
  return {
    sourcePort: view.getUint16(at),
    destinationPort: view.getUint16(at + 2),
    seq: view.getUint32(at + 4),
    ack: view.getUint32(at + 8),
    flags: view.getUint16(at + 12) & FLAGS,
    reserved: view.getUint8(at + 12) & 14,
    window: view.getUint16(at + 14),
    urgentPointer: view.getUint16(at + 18),
    options: decodeOptions(view, at + TCP_LEAST, at + headerLength),
    payload: bytes.subarray(at + headerLength),
    checksumOk: fold(sum(view, at, length, pseudo)) === 0xffff
  }
}

/** The experimental Fast Open option (RFC 6994, RFC 7413 appendix A): kind 254 with this magic number. */
export const FAST_OPEN_MAGIC = 0xf989

export function decodeOptions(view: DataView, from: number, end: number): WireOption[] {
  const options: WireOption[] = []
  let at = from
  while (at < end) {
    const kind = view.getUint8(at)
    if (kind <= 1) {
      options.push({ kind: kind === 0 ? 'eol' : 'nop' })
      at++
      continue
    }
    const length = at + 1 < end ? view.getUint8(at + 1) : 0
    if (length < 2 || at + length > end) {
      options.push({ kind: 'bytes', hex: hexOf(view, at, end) })
      break
    }
    options.push(decodeOption(view, at, kind, length))
    at += length
  }
  return options
}

function decodeOption(view: DataView, at: number, kind: number, length: number): WireOption {
  const body = at + 2
  switch (kind) {
    case 2:
      if (length === 4) return { kind: 'mss', value: view.getUint16(body) }
      break
    case 3:
      if (length === 3) return { kind: 'wscale', value: view.getUint8(body) }
      break
    case 4:
      if (length === 2) return { kind: 'sackOK' }
      break
    case 5:
      if (length > 2 && length % 8 === 2) return { kind: 'sack', blocks: decodeBlocks(view, body, at + length) }
      break
    case 8:
      if (length === 10) return { kind: 'TS', val: view.getUint32(body), ecr: view.getUint32(body + 4) }
      break
    case 19:
      return { kind: 'md5', hex: hexOf(view, body, at + length) }
    case 34:
      return { kind: 'FO', hex: hexOf(view, body, at + length) }
    case 254:
      if (length >= 4 && view.getUint16(body) === FAST_OPEN_MAGIC) {
        return { kind: 'FOEXP', hex: hexOf(view, body + 2, at + length) }
      }
  }
  return { kind: 'kind', number: kind, hex: hexOf(view, body, at + length) }
}

function decodeBlocks(view: DataView, from: number, end: number): [number, number][] {
  const blocks: [number, number][] = []
  for (let at = from; at < end; at += 8) blocks.push([view.getUint32(at), view.getUint32(at + 4)])
  return blocks
}

function hexOf(view: DataView, from: number, end: number): string {
  let hex = ''
  for (let at = from; at < end; at++) hex += view.getUint8(at).toString(16).padStart(2, '0')
  return hex
}
