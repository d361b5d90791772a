// What a router does to headers in place: the mark for congestion (RFC 3168 §5), and the time to live. The header's
// checksum follows by the difference (RFC 1624 §3).

import { ECN_CE, ECN_NOT_ECT } from '../../wire/ipv4.ts'
import type { PacketPool } from './packets.ts'

/** Marks the packet, if its transport knows the mark; answers whether it does. */
export function markCongestion(pool: PacketPool, id: number): boolean {
  const { view } = pool.regions[pool.region[id]]
  const at = pool.offset[id]
  const word = view.getUint16(at)
  if ((word & 3) === ECN_NOT_ECT) return false
  replaceWord(view, at, at, word, word | ECN_CE)
  return true
}

/** Takes one hop from the packet's life; false where none is left. */
export function spendHop(pool: PacketPool, id: number): boolean {
  const { view } = pool.regions[pool.region[id]]
  const at = pool.offset[id]
  const word = view.getUint16(at + 8)
  if (word < 0x0200) return false
  replaceWord(view, at, at + 8, word, word - 0x0100)
  return true
}

/** RFC 1624 equation 3: HC' = ~(~HC + ~m + m'). */
function replaceWord(view: DataView, header: number, at: number, old: number, word: number): void {
  if (word === old) return
  view.setUint16(at, word)
  const sum = (~view.getUint16(header + 10) & 0xffff) + (~old & 0xffff) + word
  const folded = (sum & 0xffff) + (sum >>> 16)
  view.setUint16(header + 10, ~((folded & 0xffff) + (folded >>> 16)) & 0xffff)
}
