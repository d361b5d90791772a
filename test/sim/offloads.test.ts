// Seeds of the simulator with segments joined on the way in and super-segments cut on the way out, and without: the streams are the
// same, and as to joining so is every packet.

import t from 'tap'
import type { Impairments } from '../../src/link/impairments.ts'
import { type TransferResult, transfer } from '../support/transfer.ts'

const SEEDS = 25

/** What leaves at one time arrives at one time, else there would be nothing to join. */
const lines: readonly { name: string; impairments: Partial<Impairments> }[] = [
  { name: 'a clean line', impairments: { delayMs: 10 } },
  {
    name: 'a bad line',
    impairments: { loss: 0.03, reorder: 0.03, duplicate: 0.02, corrupt: 0.01, delayMs: 10, reorderDelayMs: 10 }
  }
]

for (const { name, impairments } of lines) {
  const run = (seed: number, cutting: boolean, joining: boolean): TransferResult =>
    transfer({ seed, bytesThere: 200_000, bytesBack: 100_000, impairments, offloads: { cutting, joining } })

  t.test(`joining and cutting on and off: ${name}`, async t => {
    let [cut, joined] = [0, 0]
    const told: string[] = []
    for (let seed = 1; seed <= SEEDS; seed++) {
      for (const cutting of [false, true]) {
        const [apart, together] = [run(seed, cutting, false), run(seed, cutting, true)]
        // Both streams were compared with what was written, byte by byte.
        for (const fault of [...apart.faults, ...together.faults])
          told.push(`seed ${seed}, cutting ${cutting}: ${fault}`)
        if (together.digest !== apart.digest) told.push(`seed ${seed}, cutting ${cutting}: joining shows`)
        cut += together.cut
        joined += together.joined
      }
    }
    t.same(told, [])
    t.ok(cut > SEEDS, `${cut} were cut`)
    t.ok(joined > SEEDS, `${joined} were joined`)
  })
}

t.test('on a line that loses nothing cutting changes nothing but where a push is asked for', async t => {
  const run = (cutting: boolean): TransferResult =>
    transfer({
      seed: 5,
      bytesThere: 200_000,
      bytesBack: 0,
      impairments: { delayMs: 10 },
      offloads: { cutting, joining: false }
    })
  const [whole, cut] = [run(false), run(true)]
  t.equal(cut.elapsedMs, whole.elapsedMs)
  t.ok(cut.cut > 0)
})
