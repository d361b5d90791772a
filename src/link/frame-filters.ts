// The classic BPF programs that let a packet socket have only what is for us. Pure: our address in, program out.
// A packet socket sees frames from their Ethernet header on, those for other stations and those of this host as well.

import { memberOfSegment, PROGRAM_STRIDE, type Program } from './port-filter.ts'
import type { ShareOptions } from './share.ts'

const LD_ABS = 0x20 // A = a word at frame[k]
const LDH_ABS = 0x28 // A = half a word
const LDB_ABS = 0x30 // A = a byte
const LDX_MSH = 0xb1 // X = 4 * (frame[k] & 15)
const TAX = 0x07
const JEQ = 0x15
const JEQ_X = 0x1d
const JSET = 0x45
const RET = 0x06
const WHOLE_FRAME = 0xffffffff

/** Beyond all bytes of a frame: what the kernel knows of it (SKF_AD_OFF + SKF_AD_PKTTYPE, linux/filter.h). */
const PACKET_TYPE = 0xfffff004
const PACKET_HOST = 0
const PACKET_OUTGOING = 4

const ETHERNET_HEADER = 14
const IP_FRAGMENT_AT = ETHERNET_HEADER + 6
const IP_PROTOCOL_AT = ETHERNET_HEADER + 9
const IP_DESTINATION_AT = ETHERNET_HEADER + 16
const MORE_FRAGMENTS_OR_OFFSET = 0x3fff
const PROTOCOL_TCP = 6
const ARP_OPERATION_AT = ETHERNET_HEADER + 6
const ARP_SENDER_AT = ETHERNET_HEADER + 14
const ARP_TARGET_AT = ETHERNET_HEADER + 24
const ARP_REPLY = 2

/** Of IPv4, what is sent to our station alone, and to this address (RFC 1122 §3.3.6); with a share, only what may be in it. */
export function packetsTo(address: number, share?: ShareOptions): Program {
  return Uint32Array.of(...passIf([[LD_ABS, PACKET_TYPE, PACKET_HOST], ...isTo(address)], share))
}

/** The same where our station has a hardware address of its own, and the host takes ours for another's. */
export function packetsToStation(address: number, mac: number, share?: ShareOptions): Program {
  const isToMac = [
    [LD_ABS, 0, Math.floor(mac / 0x10000)],
    [LDH_ABS, 4, mac % 0x10000]
  ] as const
  return Uint32Array.of(...passIf([...isToMac, ...isTo(address)], share))
}

/** How to load a field, where it is, and what it has to be. */
type Condition = readonly [code: number, at: number, value: number]

function isTo(address: number): Condition[] {
  return [[LD_ABS, IP_DESTINATION_AT, address]]
}

/** Passes what meets all conditions and is in the share. */
function passIf(conditions: readonly Condition[], share: ShareOptions | undefined): number[] {
  const last = share === undefined ? [] : inShare(share)
  last.push(RET, 0, 0, WHOLE_FRAME)
  const program: number[] = []
  for (const [i, [code, at, value]] of conditions.entries()) {
    const left = 2 * (conditions.length - i - 1) + last.length / PROGRAM_STRIDE
    program.push(code, 0, 0, at, JEQ, 0, left, value)
  }
  return [...program, ...last, RET, 0, 0, 0]
}

/**
 * Goes on to the next instruction with what may be in the share, else to the one behind that: all but segments of other members. A
 * fragment does not say which it is of, so all members put it together; nor does ICMP, without being read.
 */
function inShare({ index, of }: ShareOptions): number[] {
  const member = memberOfSegment(ETHERNET_HEADER, of)
  const length = member.length / PROGRAM_STRIDE
  return [
    ...[LDB_ABS, 0, 0, IP_PROTOCOL_AT],
    ...[JEQ, 0, length + 4, PROTOCOL_TCP],
    ...[LDH_ABS, 0, 0, IP_FRAGMENT_AT],
    ...[JSET, length + 2, 0, MORE_FRAGMENTS_OR_OFFSET],
    ...[LDX_MSH, 0, 0, ETHERNET_HEADER],
    ...member,
    ...[JEQ, 0, 1, index]
  ]
}

/** Of ARP, what asks for this address or says that somebody has it, all answers, and announcements. */
export function arpAbout(address: number): Program {
  return Uint32Array.of(
    ...[LD_ABS, 0, 0, PACKET_TYPE],
    ...[JEQ, 9, 0, PACKET_OUTGOING],
    ...[LDH_ABS, 0, 0, ARP_OPERATION_AT],
    ...[JEQ, 6, 0, ARP_REPLY],
    ...[LD_ABS, 0, 0, ARP_SENDER_AT],
    ...[JEQ, 4, 0, address],
    ...[TAX, 0, 0, 0],
    ...[LD_ABS, 0, 0, ARP_TARGET_AT],
    ...[JEQ, 1, 0, address],
    ...[JEQ_X, 0, 1, 0],
    ...[RET, 0, 0, WHOLE_FRAME],
    ...[RET, 0, 0, 0]
  )
}
