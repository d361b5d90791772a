// The classic BPF programs that let a packet socket have only what is for us. Pure: our address in, program out.
// A packet socket sees frames from their Ethernet header on, those for other stations and those of this host as well.

import type { Program } from './port-filter.ts'

const LD_ABS = 0x20 // A = a word at frame[k]
const LDH_ABS = 0x28 // A = half a word
const TAX = 0x07
const JEQ = 0x15
const JEQ_X = 0x1d
const RET = 0x06
const WHOLE_FRAME = 0xffffffff

/** Beyond all bytes of a frame: what the kernel knows of it (SKF_AD_OFF + SKF_AD_PKTTYPE, linux/filter.h). */
const PACKET_TYPE = 0xfffff004
const PACKET_HOST = 0
const PACKET_OUTGOING = 4

const ETHERNET_HEADER = 14
const IP_DESTINATION_AT = ETHERNET_HEADER + 16
const ARP_OPERATION_AT = ETHERNET_HEADER + 6
const ARP_SENDER_AT = ETHERNET_HEADER + 14
const ARP_TARGET_AT = ETHERNET_HEADER + 24
const ARP_REPLY = 2

/** Of IPv4, what is sent to our station alone, and to this address (RFC 1122 §3.3.6). */
export function packetsTo(address: number): Program {
  return Uint32Array.of(
    ...[LD_ABS, 0, 0, PACKET_TYPE],
    ...[JEQ, 0, 3, PACKET_HOST],
    ...[LD_ABS, 0, 0, IP_DESTINATION_AT],
    ...[JEQ, 0, 1, address],
    ...[RET, 0, 0, WHOLE_FRAME],
    ...[RET, 0, 0, 0]
  )
}

/** The same where our station has a hardware address of its own, and the host takes ours for another's. */
export function packetsToStation(address: number, mac: number): Program {
  return Uint32Array.of(
    ...[LD_ABS, 0, 0, 0],
    ...[JEQ, 0, 5, Math.floor(mac / 0x10000)],
    ...[LDH_ABS, 0, 0, 4],
    ...[JEQ, 0, 3, mac % 0x10000],
    ...[LD_ABS, 0, 0, IP_DESTINATION_AT],
    ...[JEQ, 0, 1, address],
    ...[RET, 0, 0, WHOLE_FRAME],
    ...[RET, 0, 0, 0]
  )
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
