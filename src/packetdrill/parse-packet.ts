// Packets: `< [ip] [sport > dport] FLAGS SEQ:END(LEN) [ack N] [win N] [urg N] [<options>]`, and ICMP messages.

import type { IcmpPacket, IpInfo, Packet, TcpOption, TcpPacket } from './ast.ts'
import { ICMP_TYPES, UNREACHABLE_CODES } from './icmp-names.ts'
import type { Scanner } from './scanner.ts'
import { AUTO_COOKIE, optionsLength } from './wire-options.ts'

const NUMBER = /0[xX][0-9A-Fa-f]+|\d+/y
const WORD = /[A-Za-z_]\w*/y
const HEX = /[0-9A-Fa-f]+\b/y
const MAX_OPTIONS_LENGTH = 40

export function parsePacket(scanner: Scanner): Packet {
  const inbound = scanner.accept('<')
  if (!inbound) scanner.expect('>', 'before a packet')
  const ip = parseIpInfo(scanner)
  const quote = parseQuote(scanner)
  if (scanner.take(/icmp\b/y) !== undefined) return parseIcmp(scanner, inbound, quote)
  if (quote !== undefined) throw scanner.problem('"icmp" was expected after a quoted segment')
  for (const other of ['udp', 'ipv4', 'ipv6', 'gre', 'mpls']) {
    if (scanner.sees(new RegExp(`${other}\\b`, 'y'))) throw scanner.unsupported(`a packet of ${other}`)
  }
  return parseTcp(scanner, inbound, ip)
}

function parseIpInfo(scanner: Scanner): IpInfo {
  const close = scanner.sees(/\[\s*[a-z]/y) ? ']' : scanner.sees(/\(/y) ? ')' : undefined
  if (close === undefined) return {}
  scanner.take(/[[(]/y)
  const info: { -readonly [K in keyof IpInfo]: IpInfo[K] } = {}
  do {
    const word = scanner.take(WORD)
    switch (word) {
      case 'ect0':
      case 'ect1':
      case 'ect01':
      case 'ce':
      case 'noecn':
        info.ecn = word
        break
      case 'tos':
      case 'ttl':
        info[word] = parseNumber(scanner, `after "${word}"`, 255)
        break
      case 'df':
      case 'nodf':
        info.dontFragment = word === 'df'
        break
      case undefined:
        throw scanner.problem('a word about the IP header was expected')
      default:
        throw scanner.unsupported(`"${word}" about the IP header`)
    }
  } while (scanner.accept(',') || !scanner.sees(/[\])]/y))
  scanner.expect(close, 'after what is said of the IP header')
  return info
}

function parseTcp(scanner: Scanner, inbound: boolean, ip: IpInfo): TcpPacket {
  const ports = parsePorts(scanner)
  const flags = scanner.take(/([SFRPUEWA.]+|-)(?=\s)/y)
  if (flags === undefined) throw scanner.problem('flags were expected: letters of SFRPUEWA and ".", or "-"')
  const { seq, length } = parseSequence(scanner)
  const ack = parseNamed(scanner, 'ack', 0xffff_ffff)
  const window = parseNamed(scanner, 'win', 0xffff)
  const urgent = parseNamed(scanner, 'urg', 0xffff)
  const reserved = inbound ? parseNamed(scanner, 'reserved', 7) : undefined
  const options = parseOptions(scanner)
  return { kind: 'tcp', inbound, ip, ports, flags, seq, length, ack, window, urgent, reserved, options }
}

function parsePorts(scanner: Scanner): TcpPacket['ports'] {
  if (!scanner.sees(/\d+\s*>/y)) return undefined
  const source = parseNumber(scanner, 'as a port', 0xffff)
  scanner.expect('>', 'between ports')
  return { source, destination: parseNumber(scanner, 'as a port', 0xffff) }
}

/** `SEQ:END(LEN)`; LEN is END - SEQ modulo 2^32. */
function parseSequence(scanner: Scanner): { seq: number; length: number } {
  const seq = parseNumber(scanner, 'as SEQ', 0xffff_ffff)
  scanner.expect(':', 'after SEQ')
  const end = parseNumber(scanner, 'as END', 0xffff_ffff)
  scanner.expect('(', 'before LEN')
  const length = parseNumber(scanner, 'as LEN', 0xffff_ffff)
  if ((end - seq) >>> 0 !== length) throw scanner.problem(`LEN must be END - SEQ, ${(end - seq) >>> 0}, not ${length}`)
  scanner.expect(')', 'after LEN')
  return { seq, length }
}

function parseNamed(scanner: Scanner, name: string, most: number): number | undefined {
  if (scanner.take(new RegExp(`${name}\\b`, 'y')) === undefined) return undefined
  return parseNumber(scanner, `after "${name}"`, most)
}

function parseNumber(scanner: Scanner, where: string, most: number): number {
  const digits = scanner.take(NUMBER)
  if (digits === undefined) throw scanner.problem(`a number was expected ${where}`)
  const number = Number(digits)
  if (number > most) throw scanner.problem(`the number ${where} must not be above ${most}`)
  return number
}

/** Undefined for `<...>`, nothing where there is no list. */
function parseOptions(scanner: Scanner): readonly TcpOption[] | undefined {
  // What comes next may be the direction of another packet only after its time, so a "<" here begins options.
  if (!scanner.accept('<')) return []
  if (scanner.accept('...')) {
    scanner.expect('>', 'after "..."')
    return undefined
  }
  const options: TcpOption[] = []
  if (!scanner.sees(/>/y)) {
    do {
      options.push(parseOption(scanner))
    } while (scanner.accept(','))
  }
  const length = optionsLength(options)
  if (length % 4 !== 0) throw scanner.problem(`options come in words of 4 bytes, and these are ${length} bytes long`)
  if (length > MAX_OPTIONS_LENGTH) throw scanner.problem(`a header has room for 40 bytes of options, not ${length}`)
  scanner.expect('>', 'after the options')
  return options
}

function parseOption(scanner: Scanner): TcpOption {
  const kind = scanner.take(WORD)
  switch (kind) {
    case 'mss':
      return { kind, value: parseNumber(scanner, 'after "mss"', 0xffff) }
    case 'wscale':
      return { kind, value: parseNumber(scanner, 'after "wscale"', 255) }
    case 'sackOK':
    case 'nop':
    case 'eol':
      return { kind }
    case 'sack':
      return { kind, blocks: parseBlocks(scanner) }
    case 'TS': {
      scanner.expect('val', 'after "TS"')
      const val = parseNumber(scanner, 'after "val"', 0xffff_ffff)
      scanner.expect('ecr', 'after the TSval')
      return { kind, val, ecr: parseNumber(scanner, 'after "ecr"', 0xffff_ffff) }
    }
    case 'FO':
    case 'FOEXP':
      if (scanner.take(/auto\b/y) !== undefined) return { kind, hex: AUTO_COOKIE }
      return { kind, hex: parseHex(scanner) }
    case 'md5':
    case 'bytes':
      return { kind, hex: parseHex(scanner) }
    case 'kind':
      return { kind, number: parseNumber(scanner, 'after "kind"', 255), hex: parseHex(scanner) }
    case undefined:
      throw scanner.problem('an option was expected')
    default:
      throw scanner.unsupported(`the TCP option "${kind}"`)
  }
}

function parseHex(scanner: Scanner): string {
  const hex = scanner.take(HEX) ?? ''
  if (hex.length % 2 !== 0) throw scanner.problem('two digits make a byte')
  return hex
}

function parseBlocks(scanner: Scanner): [number, number][] {
  const blocks: [number, number][] = []
  while (scanner.sees(/\d/y)) {
    const left = parseNumber(scanner, 'as the left edge', 0xffff_ffff)
    scanner.expect(':', 'between the edges')
    blocks.push([left, parseNumber(scanner, 'as the right edge', 0xffff_ffff)])
  }
  return blocks
}

function parseQuote(scanner: Scanner): IcmpPacket['quote'] {
  if (!scanner.sees(/\[\s*\d/y)) return undefined
  scanner.expect('[', 'before a quoted segment')
  const quote = parseSequence(scanner)
  scanner.expect(']', 'after a quoted segment')
  return quote
}

function parseIcmp(scanner: Scanner, inbound: boolean, quoted: IcmpPacket['quote']): IcmpPacket {
  const type = parseNumbered(scanner, 'type', ICMP_TYPES)
  if (type === undefined) throw scanner.problem('a type of ICMP was expected')
  const isMtu = scanner.sees(/mtu\b/y)
  const code = isMtu ? undefined : parseNumbered(scanner, 'code', UNREACHABLE_CODES)
  const mtu = parseNamed(scanner, 'mtu', 0xffff)
  return { kind: 'icmp', inbound, type, code: code ?? 0, mtu, quote: quoted ?? parseQuote(scanner) }
}

/** A name of the table, or `type_N`, `code_N`. */
function parseNumbered(scanner: Scanner, prefix: string, names: Readonly<Record<string, number>>): number | undefined {
  const word = scanner.take(WORD)
  if (word === undefined) return undefined
  if (Object.hasOwn(names, word)) return names[word]
  const digits = new RegExp(`^${prefix}_(\\d+)$`).exec(word)?.[1]
  if (digits === undefined) throw scanner.unsupported(`the ICMP ${prefix} "${word}"`)
  return Number(digits)
}
