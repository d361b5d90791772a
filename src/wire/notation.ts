// A segment as one line of text, in the manner of tcpdump: for traces, logs and tests. A Segment does not keep the order
// of its options, so they are shown in the order in which output lays them out.

import { formatAddress } from './address.ts'
import { cookieOptionLength, fixedOptionsLength, sackBlocksThatFit } from './options.ts'
import { ACK, AE, CWR, ECE, FIN, PSH, RST, type Segment, SYN, URG } from './segment.ts'

const FLAG_LETTERS: readonly (readonly [number, string])[] = [
  [FIN, 'F'],
  [SYN, 'S'],
  [RST, 'R'],
  [PSH, 'P'],
  [ACK, '.'],
  [URG, 'U'],
  [ECE, 'E'],
  [CWR, 'W'],
  [AE, 'e']
]

/** `10.0.0.1.80 > 10.0.0.2.40000: Flags [P.], seq 1:6, ack 1, win 512, length 5` */
export function formatSegment(seg: Segment): string {
  const source = `${formatAddress(seg.sourceAddress)}.${seg.sourcePort}`
  const destination = `${formatAddress(seg.destinationAddress)}.${seg.destinationPort}`
  const parts = [`Flags [${formatFlags(seg.flags)}]`]
  if (seg.payloadLength > 0 || (seg.flags & (SYN | FIN | RST)) !== 0) parts.push(`seq ${formatSeq(seg)}`)
  if ((seg.flags & ACK) !== 0) parts.push(`ack ${seg.ack >>> 0}`)
  parts.push(`win ${seg.window}`)
  if ((seg.flags & URG) !== 0) parts.push(`urg ${seg.urgentPointer}`)
  const options = formatOptions(seg)
  if (options.length > 0) parts.push(`options [${options.join(',')}]`)
  parts.push(`length ${seg.payloadLength}`)
  return `${source} > ${destination}: ${parts.join(', ')}`
}

/** `S.`, `P.`, `none`: tcpdump's letters, lowest bit first. */
export function formatFlags(flags: number): string {
  let letters = ''
  for (const [bit, letter] of FLAG_LETTERS) if ((flags & bit) !== 0) letters += letter
  return letters === '' ? 'none' : letters
}

function formatSeq(seg: Segment): string {
  const first = seg.seq >>> 0
  return seg.payloadLength === 0 ? `${first}` : `${first}:${(seg.seq + seg.payloadLength) >>> 0}`
}

function formatOptions(seg: Segment): string[] {
  const options: string[] = []
  if (seg.mss >= 0) {
    options.push(`mss ${seg.mss}`)
  }
  if (seg.hasTimestamps) {
    options.push(...(seg.sackPermitted ? ['sackOK'] : ['nop', 'nop']))
    options.push(`TS val ${seg.tsVal >>> 0} ecr ${seg.tsEcr >>> 0}`)
  } else if (seg.sackPermitted) {
    options.push('nop', 'nop', 'sackOK')
  }
  if (seg.windowScale >= 0) {
    options.push('nop', `wscale ${seg.windowScale}`)
  }
  if (seg.ceBytes >= 0) {
    options.push(`accecn e0b ${seg.ect0Bytes} ceb ${seg.ceBytes}${seg.ect1Bytes >= 0 ? ` e1b ${seg.ect1Bytes}` : ''}`)
  }
  if (seg.cookieLength >= 0) {
    const kind = seg.cookieIsExperimental ? 'exp-tfo' : 'tfo '
    options.push(`${kind} ${seg.cookieLength === 0 ? 'cookiereq' : `cookie ${formatCookie(seg)}`}`)
    if (cookieOptionLength(seg) % 4 !== 0) options.push('nop', 'nop')
  }
  if (seg.userTimeout >= 0) options.push(`uto ${formatUserTimeout(seg.userTimeout)}`)
  const blocks = sackBlocksThatFit(seg, fixedOptionsLength(seg))
  if (blocks > 0) options.push('nop', 'nop', `sack ${blocks} ${formatSack(seg, blocks)}`)
  return options
}

function formatCookie(seg: Segment): string {
  let text = ''
  for (let i = 0; i < seg.cookieLength; i++) text += seg.cookie[i].toString(16).padStart(2, '0')
  return text
}

/** The first bit tells minutes from seconds (RFC 5482 §3). tcpdump 4.99 takes the last one for it. */
function formatUserTimeout(option: number): string {
  return `${option & 0x7fff} ${option >> 15 === 1 ? 'min' : 's'}`
}

function formatSack(seg: Segment, blocks: number): string {
  let text = ''
  for (let i = 0; i < blocks; i++) text += `{${seg.sack[2 * i] >>> 0}:${seg.sack[2 * i + 1] >>> 0}}`
  return text
}
