// An interpreter of classic BPF that is as strict as the kernel's checker.

import type { Program } from '../../src/link/port-filter.ts'

/** SKF_AD_OFF + SKF_AD_PKTTYPE of linux/filter.h. */
const PACKET_TYPE = 0xfffff004

/** What the program answers; refuses what the kernel would refuse (net/core/filter.c, bpf_check_classic). */
export function run(program: Program, packet: Uint8Array, packetType = 0): number {
  const view = new DataView(packet.buffer, packet.byteOffset, packet.byteLength)
  const count = program.length / 4
  let a = 0
  let x = 0
  const memory = new Uint32Array(16)
  for (let at = 0; at < count; at++) {
    const [code, jt, jf, k] = program.subarray(4 * at, 4 * at + 4)
    const from = (code & 0x40) !== 0 ? x + k : k
    switch (code) {
      case 0xb1:
        if (k >= packet.length) return 0
        x = 4 * (view.getUint8(k) & 15)
        break
      case 0x20:
      case 0x40:
        if (k === PACKET_TYPE) a = packetType
        else if (from + 4 > packet.length) return 0
        else a = view.getUint32(from)
        break
      case 0x28:
      case 0x48:
        if (from + 2 > packet.length) return 0
        a = view.getUint16(from)
        break
      case 0x30:
      case 0x50:
        if (from + 1 > packet.length) return 0
        a = view.getUint8(from)
        break
      case 0x07:
        x = a
        break
      case 0x02:
        memory[k] = a
        break
      case 0x61:
        x = memory[k]
        break
      case 0x0c:
        a = (a + x) >>> 0
        break
      case 0xac:
        a = (a ^ x) >>> 0
        break
      case 0x54:
        a = (a & k) >>> 0
        break
      case 0x24:
        a = Math.imul(a, k) >>> 0
        break
      case 0x74:
        a >>>= k
        break
      case 0x05:
        if (at + 1 + k >= count) throw new Error(`instruction ${at} jumps out of the program`)
        at += k
        break
      case 0x15:
      case 0x1d:
      case 0x35:
      case 0x45: {
        if (jt > 255 || jf > 255) throw new Error(`instruction ${at} jumps farther than 8 bits`)
        if (at + 1 + Math.max(jt, jf) >= count) throw new Error(`instruction ${at} jumps out of the program`)
        at += holds(code, a, code === 0x1d ? x : k) ? jt : jf
        break
      }
      case 0x06:
        return k
      default:
        throw new Error(`instruction ${at} is unknown: ${code}`)
    }
  }
  throw new Error('ran off the end')
}

function holds(code: number, a: number, b: number): boolean {
  if (code === 0x35) return a >= b
  return code === 0x45 ? (a & b) !== 0 : a === b
}
