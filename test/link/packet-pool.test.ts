// The pool of packets under way: slots are used again, and text that is said to be zeros is zeros whoever had the slot before.

import t from 'tap'
import { PacketPool } from '../../src/link/path/packets.ts'

/** A packet of `length` bytes in the slot that was released last, its headers written, zeros behind them. */
function zeroPacket(pool: PacketPool, length: number, headers: number): number {
  const id = pool.allocate(length)
  pool.bytesOf(id).fill(1, 0, headers)
  pool.zeroText(id, headers)
  return id
}

for (const { what, use } of [
  { what: 'a packet full of text', use: (pool: PacketPool) => fill(pool, pool.allocate(1500)) },
  {
    what: 'a longer packet, then a shorter one',
    use: (pool: PacketPool) => {
      pool.release(fill(pool, pool.allocate(1500)))
      return fill(pool, pool.allocate(700))
    }
  },
  { what: 'longer headers', use: (pool: PacketPool) => zeroPacket(pool, 1500, 120) },
  {
    what: 'a packet that was doubled from one with text',
    use: (pool: PacketPool) => {
      const id = fill(pool, pool.allocate(900))
      const copy = pool.duplicate(id)
      t.same(pool.bytesOf(copy), pool.bytesOf(id))
      return copy
    }
  }
]) {
  t.test(`zeroText: zeros to the end after ${what}`, async t => {
    const pool = new PacketPool(1500)
    pool.release(use(pool))
    const id = zeroPacket(pool, 1500, 52)
    const bytes = pool.bytesOf(id)
    t.ok(bytes.subarray(0, 52).every(byte => byte === 1))
    t.ok(bytes.subarray(52).every(byte => byte === 0))
    // And so it stays for the next one.
    pool.release(id)
    t.ok(
      pool
        .bytesOf(zeroPacket(pool, 1500, 40))
        .subarray(40)
        .every(byte => byte === 0)
    )
  })
}

function fill(pool: PacketPool, id: number): number {
  pool.bytesOf(id).fill(0xff)
  pool.noteWritten(id)
  return id
}
