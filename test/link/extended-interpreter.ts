// An interpreter of the part of extended BPF that steering.ts uses, on packets as they are.

import type { ExtendedProgram } from '../../src/link/steering.ts'

/** What the program answers: 0 where it reads beyond the packet, as in the kernel. */
export function runExtended(program: ExtendedProgram, packet: Uint8Array): number {
  const code = new DataView(program.buffer)
  const view = new DataView(packet.buffer, packet.byteOffset, packet.byteLength)
  // Only their lower halves are ever used, but for offsets, which are small.
  const r = new Uint32Array(11)
  for (let at = 0; at < program.length / 8; at++) {
    const operation = program[8 * at]
    const to = program[8 * at + 1] & 15
    const from = program[8 * at + 1] >> 4
    const offset = code.getInt16(8 * at + 2, true)
    const k = code.getInt32(8 * at + 4, true)
    const load = (bytes: 1 | 2 | 4, where: number): boolean => {
      r.fill(0xdeadbeef, 1, 6)
      if (where + bytes > packet.length) return false
      r[0] = bytes === 1 ? view.getUint8(where) : bytes === 2 ? view.getUint16(where) : view.getUint32(where)
      return true
    }
    switch (operation) {
      case 0x30:
        if (!load(1, k)) return 0
        break
      case 0x50:
        if (!load(1, r[from] + k)) return 0
        break
      case 0x48:
        if (!load(2, r[from] + k)) return 0
        break
      case 0x40:
        if (!load(4, r[from] + k)) return 0
        break
      case 0xbf:
      case 0xbc:
        r[to] = r[from]
        break
      case 0xb7:
        r[to] = k
        break
      case 0x0c:
        r[to] += r[from]
        break
      case 0x04:
        r[to] += k
        break
      case 0xac:
        r[to] ^= r[from]
        break
      case 0x54:
        r[to] &= k
        break
      case 0x64:
        r[to] <<= k
        break
      case 0x74:
        r[to] >>>= k
        break
      case 0x24:
        r[to] = Math.imul(r[to], k)
        break
      case 0x05:
        at += offset
        break
      case 0x15:
        if (r[to] === k) at += offset
        break
      case 0x55:
        if (r[to] !== k) at += offset
        break
      case 0x45:
        if ((r[to] & k) !== 0) at += offset
        break
      case 0x95:
        return r[0]
      default:
        throw new Error(`instruction ${at} is unknown: ${operation}`)
    }
  }
  throw new Error('ran off the end')
}
