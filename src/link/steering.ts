// The program that tells a TUN device which of its queues a packet goes to: that of the member to which the connection belongs
// (`memberOf`). Pure: the number of queues in, extended BPF out. The kernel's own choice would be by a hash that nobody else knows.
//
// Segments go by their tuple, ICMP errors by that of the segment which they quote; what has no ports goes by the addresses alone: echo,
// and fragments, which do not say what they are of, so a datagram is put together in one place at least.

import { PORT_FACTOR, SUM_FACTOR, SUM_SHIFT } from './share.ts'

/** Instructions of eight bytes: code, registers, a jump's offset, a constant (linux/bpf.h). */
export type ExtendedProgram = Uint8Array

const INSTRUCTION_BYTES = 8

const LD_ABS_B = 0x30 // r0 = packet[k], r1 to r5 lost
const LD_IND_B = 0x50 // r0 = packet[source + k]
const LD_IND_H = 0x48
const LD_IND_W = 0x40
const MOVE = 0xbf
const MOVE_K = 0xb7
// In 32 bits; the upper half is 0 afterwards.
const MOVE_32 = 0xbc
const ADD = 0x0c
const ADD_K = 0x04
const XOR = 0xac
const AND_K = 0x54
const SHIFT_LEFT_K = 0x64
const SHIFT_RIGHT_K = 0x74
const MULTIPLY_K = 0x24
const JUMP = 0x05
const JUMP_IF_K = 0x15
const JUMP_UNLESS_K = 0x55
const JUMP_IF_ANY_K = 0x45
const EXIT = 0x95

const [R0, R1] = [0, 1]
/** What LD_ABS and LD_IND read from. */
const PACKET = 6
/** Where the header begins that counts: the packet's, or the quoted one. */
const HEADER = 7
const SCRATCH = 8
/** What the ports add to the hash: nothing, where there are none. */
const PORTS = 9

const PROTOCOL_ICMP = 1
const PROTOCOL_TCP = 6
const ICMP_HEADER = 8
const UNREACHABLE = 3
const TIME_EXCEEDED = 11
const PARAMETER_PROBLEM = 12
const MORE_FRAGMENTS_OR_OFFSET = 0x3fff

const FRAGMENT_AT = 6
const PROTOCOL_AT = 9
const SOURCE_AT = 12
const DESTINATION_AT = 16

/** A packet that ends too early goes to the first queue. */
export function steering(of: number): ExtendedProgram {
  const program = new Assembler()
  program.emit(MOVE, PACKET, R1)
  program.emit(MOVE_K, HEADER, 0, 0)
  program.emit(MOVE_K, PORTS, 0, 0)

  // An error: the quoted header counts.
  program.emit(LD_ABS_B, 0, 0, PROTOCOL_AT)
  program.jump(JUMP_UNLESS_K, PROTOCOL_ICMP, 'header')
  headerLength(program)
  program.emit(MOVE, SCRATCH, R0)
  program.emit(LD_IND_B, 0, SCRATCH, 0)
  for (const type of [UNREACHABLE, TIME_EXCEEDED, PARAMETER_PROBLEM]) program.jump(JUMP_IF_K, type, 'error')
  program.emit(JUMP, 0, 0, 0, 'addresses')
  program.label('error')
  program.emit(MOVE, HEADER, SCRATCH)
  program.emit(ADD_K, HEADER, 0, ICMP_HEADER)

  program.label('header')
  program.emit(LD_IND_B, 0, HEADER, PROTOCOL_AT)
  program.jump(JUMP_UNLESS_K, PROTOCOL_TCP, 'addresses')
  program.emit(LD_IND_H, 0, HEADER, FRAGMENT_AT)
  program.jump(JUMP_IF_ANY_K, MORE_FRAGMENTS_OR_OFFSET, 'addresses')
  headerLength(program)
  program.emit(ADD, R0, HEADER)
  program.emit(MOVE, SCRATCH, R0)
  program.emit(LD_IND_W, 0, SCRATCH, 0)
  program.emit(MOVE_32, PORTS, R0)
  program.emit(SHIFT_RIGHT_K, PORTS, 0, 16)
  program.emit(XOR, PORTS, R0)
  program.emit(AND_K, PORTS, 0, 0xffff)
  program.emit(MULTIPLY_K, PORTS, 0, PORT_FACTOR)

  program.label('addresses')
  program.emit(LD_IND_W, 0, HEADER, SOURCE_AT)
  program.emit(MOVE, SCRATCH, R0)
  program.emit(LD_IND_W, 0, HEADER, DESTINATION_AT)
  program.emit(XOR, R0, SCRATCH)
  program.emit(ADD, R0, PORTS)
  program.emit(MOVE_32, SCRATCH, R0)
  program.emit(SHIFT_RIGHT_K, SCRATCH, 0, SUM_SHIFT)
  program.emit(XOR, R0, SCRATCH)
  program.emit(MULTIPLY_K, R0, 0, SUM_FACTOR)
  program.emit(SHIFT_RIGHT_K, R0, 0, 16)
  program.emit(MULTIPLY_K, R0, 0, of)
  program.emit(SHIFT_RIGHT_K, R0, 0, 16)
  program.emit(EXIT)
  return program.finish()
}

/** r0: the length of the header that counts, bytes. */
function headerLength(program: Assembler): void {
  program.emit(LD_IND_B, 0, HEADER, 0)
  program.emit(AND_K, R0, 0, 15)
  program.emit(SHIFT_LEFT_K, R0, 0, 2)
}

class Assembler {
  readonly #instructions: { code: number; registers: number; to: string; k: number }[] = []
  readonly #labels = new Map<string, number>()

  emit(code: number, destination = 0, source = 0, k = 0, to = ''): void {
    this.#instructions.push({ code, registers: destination | (source << 4), to, k })
  }

  /** Forwards, by what r0 is compared with `k`. */
  jump(code: number, k: number, to: string): void {
    this.emit(code, R0, 0, k, to)
  }

  label(name: string): void {
    this.#labels.set(name, this.#instructions.length)
  }

  finish(): ExtendedProgram {
    const program = new Uint8Array(this.#instructions.length * INSTRUCTION_BYTES)
    const view = new DataView(program.buffer)
    const isLittleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1
    for (const [i, { code, registers, to, k }] of this.#instructions.entries()) {
      const at = i * INSTRUCTION_BYTES
      program[at] = code
      program[at + 1] = isLittleEndian ? registers : (registers >> 4) | ((registers & 15) << 4)
      view.setInt16(at + 2, to === '' ? 0 : (this.#labels.get(to) ?? 0) - i - 1, isLittleEndian)
      view.setInt32(at + 4, k, isLittleEndian)
    }
    return program
  }
}
