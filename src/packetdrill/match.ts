// An expected packet against what came: one segment, or a run of them that a segmenting network card would have sent as one.

import { ACK, AE, CWR, ECE, FIN, PSH, RST, SYN, URG } from '../wire/segment.ts'
import type { IpInfo, TcpPacket } from './ast.ts'
import type { Captured, CapturedTcp } from './captured.ts'
import type { Flow } from './flow.ts'
import { compareOptions, formatScript, formatWire, type OptionRules } from './wire-options.ts'

export interface MatchRules extends OptionRules {
  readonly window: 'check' | 'ignore'
  readonly psh: 'check' | 'ignore'
}

const LETTERS: readonly (readonly [string, number])[] = [
  ['S', SYN],
  ['F', FIN],
  ['R', RST],
  ['P', PSH],
  ['.', ACK],
  ['U', URG],
  ['E', ECE],
  ['W', CWR],
  ['A', AE]
]

export function flagBits(letters: string): number {
  return LETTERS.reduce((bits, [letter, bit]) => (letters.includes(letter) ? bits | bit : bits), 0)
}

export function flagLetters(bits: number): string {
  return LETTERS.reduce((letters, [letter, bit]) => ((bits & bit) !== 0 ? letters + letter : letters), '') || '-'
}

export interface TcpCaptured extends Captured {
  readonly tcp: CapturedTcp
}

export const isTcp = (packet: Captured): packet is TcpCaptured => packet.tcp !== undefined

/** A segment, or several that add up to one. */
export type Run = readonly TcpCaptured[]

/** Whether `next` may follow in a run: it goes on where the last one ended, and those before it were all alike. */
export function continuesRun(run: Run, next: TcpCaptured): boolean {
  const first = run[0].tcp
  const last = run[run.length - 1].tcp
  return (
    (first.flags & ~(ACK | PSH | ECE | CWR | AE)) === 0 &&
    (last.flags & ~(ACK | PSH | ECE | AE | (run.length === 1 ? CWR : 0))) === 0 &&
    last.payload.length === first.payload.length &&
    next.tcp.payload.length <= first.payload.length &&
    next.tcp.seq === (last.seq + last.payload.length) >>> 0 &&
    next.tcp.ack === first.ack &&
    kindsOf(next.tcp) === kindsOf(first)
  )
}

const kindsOf = (tcp: CapturedTcp): string => tcp.options.map(({ kind }) => kind).join()

export const runLength = (run: Run): number => run.reduce((length, { tcp }) => length + tcp.payload.length, 0)

export interface Comparison {
  readonly differences: readonly string[]
  readonly notes: readonly string[]
}

/** Both ISNs must be known to the flow where this packet names one. */
export function comparePacket(expected: TcpPacket, run: Run, flow: Flow, rules: MatchRules): Comparison {
  const differences: string[] = []
  const notes: string[] = []
  for (const packet of run) checkIntegrity(packet, differences)
  const first = run[0].tcp
  const last = run[run.length - 1]
  const tcp = last.tcp
  const wantedFlags = flagBits(expected.flags)
  const isSyn = (wantedFlags & SYN) !== 0
  const compare = (name: string, wanted: number | string, got: number | string): void => {
    if (wanted !== got) differences.push(`${name}: expected ${wanted}, got ${got}`)
  }
  compareFlags(wantedFlags, (tcp.flags & ~CWR) | (first.flags & CWR), rules, differences, notes)
  const gotSyn = (tcp.flags & SYN) !== 0
  if (flow.oursToWire(expected.seq, isSyn) !== first.seq)
    compare('seq', expected.seq, flow.oursToScript(first.seq, gotSyn))
  compare('length', expected.length, runLength(run))
  const wantedAck = (wantedFlags & ACK) !== 0 && expected.ack !== undefined
  const ackOnWire = wantedAck ? flow.peerToWire(expected.ack, isSyn) : (expected.ack ?? 0) >>> 0
  if (ackOnWire !== tcp.ack) {
    differences.push(
      `ack: expected ${expected.ack ?? 0}, got ${wantedAck ? flow.peerToScript(tcp.ack, gotSyn) : tcp.ack}`
    )
  }
  if (expected.window !== undefined && rules.window === 'check') compare('win', expected.window, tcp.window)
  if (expected.urgent !== undefined) compare('urg', expected.urgent, tcp.urgentPointer)
  if (expected.options !== undefined) {
    const difference = compareOptions(expected.options, tcp.options, flow, rules)
    if (difference !== undefined) differences.push(difference)
  }
  for (const packet of run) compareIp(expected.ip, packet, differences)
  return { differences, notes }
}

function compareFlags(wanted: number, got: number, rules: MatchRules, differences: string[], notes: string[]): void {
  if (wanted === got) return
  const text = `flags: expected ${flagLetters(wanted)}, got ${flagLetters(got)}`
  if ((wanted ^ got) === PSH && rules.psh === 'ignore') notes.push(text)
  else if (((wanted ^ got) & (rules.psh === 'ignore' ? ~PSH : ~0)) !== 0) differences.push(text)
}

/** What holds for every packet, whatever a script says of it. */
function checkIntegrity(packet: TcpCaptured, differences: string[]): void {
  if (packet.version !== 4) differences.push(`IP version ${packet.version}`)
  if (packet.headerLength !== 20) differences.push(`IP header of ${packet.headerLength} bytes`)
  if (packet.totalLength !== packet.bytes.length) {
    differences.push(`IP total length ${packet.totalLength} in a packet of ${packet.bytes.length} bytes`)
  }
  if (!packet.headerChecksumOk) differences.push('wrong IP header checksum')
  if (!packet.tcp.checksumOk) differences.push('wrong TCP checksum')
  if (packet.tcp.reserved !== 0) differences.push(`reserved bits ${packet.tcp.reserved}, not 0`)
  if (packet.tcp.payload.some(byte => byte !== 0)) differences.push('text that nobody wrote: all text is zero')
}

const ECN_BITS = { noecn: [0], ect1: [1], ect0: [2], ce: [3], ect01: [1, 2] } as const

function compareIp(expected: IpInfo, packet: Captured, differences: string[]): void {
  const { ecn, tos, ttl, dontFragment } = expected
  if (ecn !== undefined && !(ECN_BITS[ecn] as readonly number[]).includes(packet.tos & 3)) {
    differences.push(`ECN: expected ${ecn}, got ${['noecn', 'ect1', 'ect0', 'ce'][packet.tos & 3]}`)
  }
  const mask = ecn === undefined ? 255 : 252
  if (tos !== undefined && (packet.tos & mask) !== (tos & mask)) {
    differences.push(`tos: expected 0x${tos.toString(16)}, got 0x${packet.tos.toString(16)}`)
  }
  if (ttl !== undefined && ttl !== packet.ttl) differences.push(`ttl: expected ${ttl}, got ${packet.ttl}`)
  if (dontFragment !== undefined && dontFragment !== packet.dontFragment) {
    differences.push(packet.dontFragment ? 'DF is set' : 'DF is not set')
  }
}

// --- As text, in the notation of scripts ---

export function formatExpected(packet: TcpPacket): string {
  const { flags, seq, length, ack, window, urgent, options } = packet
  const parts = [flags, `${seq}:${seq + length}(${length})`]
  if (ack !== undefined) parts.push(`ack ${ack}`)
  if (window !== undefined) parts.push(`win ${window}`)
  if (urgent !== undefined) parts.push(`urg ${urgent}`)
  if (options === undefined) parts.push('<...>')
  else if (options.length > 0) parts.push(formatScript(options))
  return parts.join(' ')
}

export function formatCaptured(packet: Captured, flow: Flow): string {
  const { tcp } = packet
  if (tcp === undefined) return `protocol ${packet.protocol}, ${packet.bytes.length} bytes`
  const isSyn = (tcp.flags & SYN) !== 0
  const seq = flow.oursToScript(tcp.seq, isSyn)
  const parts = [flagLetters(tcp.flags), `${seq}:${seq + tcp.payload.length}(${tcp.payload.length})`]
  if ((tcp.flags & ACK) !== 0) parts.push(`ack ${flow.peerToScript(tcp.ack, isSyn)}`)
  parts.push(`win ${tcp.window}`)
  if ((tcp.flags & URG) !== 0) parts.push(`urg ${tcp.urgentPointer}`)
  if (tcp.options.length > 0) parts.push(formatWire(tcp.options, flow))
  return parts.join(' ')
}
