// The classic BPF program that lets a raw socket have only the segments for ports in use. Pure: ports in, program out.
// A raw socket sees packets from their IPv4 header on, reassembled.

import { PORT_FACTOR, type ShareOptions, SUM_FACTOR, SUM_SHIFT } from './share.ts'

/** Instructions of four words: code, jt, jf, k (linux/filter.h). */
export type Program = Uint32Array

/** First and last port. */
export type PortRange = readonly [number, number]

export const PROGRAM_STRIDE = 4
/** BPF_MAXINSNS. */
export const MAX_INSTRUCTIONS = 4096

const LDX_MSH = 0xb1 // X = 4 * (packet[k] & 15)
const LD_ABS = 0x20 // A = a word at packet[k]
const LD_IND = 0x40 // A = a word at packet[X + k]
const LDH_IND = 0x48 // A = half a word at packet[X + k]
const LDB_ABS = 0x30 // A = packet[k]
const LDB_IND = 0x50 // A = packet[X + k]
const LDX_MEM = 0x61 // X = M[k]
const ST = 0x02 // M[k] = A
const TAX = 0x07
const ADD_X = 0x0c
const XOR_X = 0xac
const AND = 0x54
const MUL = 0x24
const RSH = 0x74
const JA = 0x05
const JEQ = 0x15
const JGE = 0x35
const RET = 0x06

const WHOLE_PACKET = 0xffffffff
const PROTOCOL_AT = 9
const SOURCE_AT = 12
const DESTINATION_AT = 16
const PROTOCOL_TCP = 6
const DESTINATION_PORT_AT = 2
const ICMP_HEADER_LENGTH = 8
const PORT_END = 65536
/** The farthest that jt and jf lead. */
const FARTHEST = 255
/** Nodes of the search that share one accept and one reject: as many as still reach them. */
const SHARING = FARTHEST - 1

/** Takes nothing. */
export const rejectAll: Program = Uint32Array.of(RET, 0, 0, 0)

/** Of ICMP errors, those about a TCP segment. */
export const icmpAboutTcp: Program = Uint32Array.of(
  ...[LDX_MSH, 0, 0, 0],
  ...[LDB_IND, 0, 0, ICMP_HEADER_LENGTH + PROTOCOL_AT],
  ...[JEQ, 0, 1, PROTOCOL_TCP],
  ...[RET, 0, 0, WHOLE_PACKET],
  ...[RET, 0, 0, 0]
)

/**
 * Ranges that cover the ports: exactly where `limit` ranges are enough, else rounded out to blocks of a power of two,
 * the smallest that do. Ports in between come as well; a port in use is never lost. Blocks rather than the smallest
 * gaps: the next ports to be claimed are likely to be covered already.
 */
export function coveringRanges(ports: Iterable<number>, limit: number): PortRange[] {
  const sorted = Uint16Array.from(ports).sort()
  for (let block = 1; ; block *= 2) {
    const ranges = blockRanges(sorted, block)
    if (ranges.length <= Math.max(1, limit)) return ranges
  }
}

function blockRanges(sorted: Uint16Array, block: number): PortRange[] {
  const ranges: [number, number][] = []
  for (const port of sorted) {
    const first = port - (port % block)
    const last = ranges.at(-1)
    if (last !== undefined && first <= last[1] + 1) last[1] = first + block - 1
    else ranges.push([first, first + block - 1])
  }
  return ranges
}

/**
 * Leaves in A the index of the member to which a segment belongs (`memberOf`); the IPv4 header, which X has the length of, begins at
 * `at` of the packet.
 */
export function memberOfSegment(at: number, of: number): number[] {
  return [
    ...[LD_IND, 0, 0, at], // both ports
    ...[ST, 0, 0, 0],
    ...[RSH, 0, 0, 16],
    ...[LDX_MEM, 0, 0, 0],
    ...[XOR_X, 0, 0, 0],
    ...[AND, 0, 0, 0xffff],
    ...[MUL, 0, 0, PORT_FACTOR],
    ...[ST, 0, 0, 0],
    ...[LD_ABS, 0, 0, at + SOURCE_AT],
    ...[TAX, 0, 0, 0],
    ...[LD_ABS, 0, 0, at + DESTINATION_AT],
    ...[XOR_X, 0, 0, 0],
    ...[LDX_MEM, 0, 0, 0],
    ...[ADD_X, 0, 0, 0],
    ...[ST, 0, 0, 0],
    ...[RSH, 0, 0, SUM_SHIFT],
    ...[LDX_MEM, 0, 0, 0],
    ...[XOR_X, 0, 0, 0],
    ...[MUL, 0, 0, SUM_FACTOR],
    ...[RSH, 0, 0, 16],
    ...[MUL, 0, 0, of],
    ...[RSH, 0, 0, 16]
  ]
}

/**
 * TCP segments to ports within the ranges, which are in order and do not touch; with a share, only what is in it. Throws where the
 * ranges are too many.
 */
export function portFilter(ranges: readonly PortRange[], share?: ShareOptions): Program {
  if (ranges.length === 0) return rejectAll
  // The port is in a range if it has an odd number of boundaries below it: one comparison a node, two rets for leaves.
  const boundaries: number[] = []
  for (const [first, last] of ranges) {
    if (first > 0) boundaries.push(first)
    if (last + 1 < PORT_END) boundaries.push(last + 1)
  }
  const program = new Assembler()
  program.emit(LDB_ABS, 0, 0, PROTOCOL_AT)
  program.emit(JEQ, 1, 0, PROTOCOL_TCP)
  program.emit(RET, 0, 0, 0)
  program.emit(LDX_MSH, 0, 0, 0)
  if (share !== undefined) {
    program.append(memberOfSegment(0, share.of))
    program.emit(JEQ, 1, 0, share.index)
    program.emit(RET, 0, 0, 0)
    program.emit(LDX_MSH, 0, 0, 0)
  }
  program.emit(LDH_IND, 0, 0, DESTINATION_PORT_AT)
  search(program, boundaries, 0, boundaries.length, ranges[0][0] === 0)
  return program.finish()
}

/** Compares with boundaries [from, to), of which all before `from` lie below the port. */
function search(program: Assembler, boundaries: number[], from: number, to: number, startsInside: boolean): void {
  if (to - from <= SHARING) {
    searchShared(program, boundaries, from, to, startsInside)
    return
  }
  const middle = (from + to) >> 1
  // Too far for a conditional jump: an unconditional one, whose offset has 32 bits, stands beside it.
  program.emit(JGE, 0, 1, boundaries[middle])
  const toUpper = program.emit(JA, 0, 0, 0)
  search(program, boundaries, from, middle, startsInside)
  program.setOffset(toUpper, program.length - toUpper - 1)
  search(program, boundaries, middle + 1, to, startsInside)
}

/** A subtree in order of its nodes, left before right, whose leaves are two rets at its end. */
function searchShared(program: Assembler, boundaries: number[], from: number, to: number, startsInside: boolean): void {
  const accept = program.length + (to - from)
  const inside = (below: number): boolean => (below % 2 === 1) !== startsInside
  const leaf = (below: number): number => (inside(below) ? accept : accept + 1)
  const node = (low: number, high: number): void => {
    if (low === high) return
    const middle = (low + high) >> 1
    const at = program.length
    const left = low === middle ? leaf(low) : at + 1
    const right = middle + 1 === high ? leaf(high) : at + 1 + (middle - low)
    program.emit(JGE, right - at - 1, left - at - 1, boundaries[middle])
    node(low, middle)
    node(middle + 1, high)
  }
  node(from, to)
  // A program without boundaries begins with its one leaf.
  if (from === to) program.emit(RET, 0, 0, inside(from) ? WHOLE_PACKET : 0)
  else {
    program.emit(RET, 0, 0, WHOLE_PACKET)
    program.emit(RET, 0, 0, 0)
  }
}

class Assembler {
  readonly #words: number[] = []

  get length(): number {
    return this.#words.length / PROGRAM_STRIDE
  }

  /** Answers the instruction's number. */
  emit(code: number, jt: number, jf: number, k: number): number {
    this.#words.push(code, jt, jf, k)
    return this.length - 1
  }

  append(instructions: readonly number[]): void {
    this.#words.push(...instructions)
  }

  setOffset(instruction: number, offset: number): void {
    this.#words[instruction * PROGRAM_STRIDE + 3] = offset
  }

  finish(): Program {
    if (this.length > MAX_INSTRUCTIONS) throw new RangeError(`A filter of ${this.length} instructions is too long`)
    return Uint32Array.from(this.#words)
  }
}
