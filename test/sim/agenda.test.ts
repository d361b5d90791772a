// The agenda against a plain list: whatever is armed, moved, taken and taken back in between, the first is the first.

import t from 'tap'
import { Random } from '../../src/random.ts'
import { Agenda } from '../../src/sim/agenda.ts'

interface Entry {
  readonly slot: number
  readonly time: number
  readonly rank: number
}

const SLOTS = 40

for (let seed = 1; seed <= 20; seed++) {
  t.test(`slots are taken in order of time, then of rank, seed ${seed}`, async t => {
    const random = new Random(seed)
    const agenda = new Agenda()
    const slots = Array.from({ length: SLOTS }, () => agenda.newSlot())
    let armed: Entry[] = []
    let rank = 0
    const first = () =>
      armed.reduce<Entry | undefined>(
        (a, b) => (a === undefined || b.time < a.time || (b.time === a.time && b.rank < a.rank) ? b : a),
        undefined
      )
    const forget = (slot: number) => void (armed = armed.filter(entry => entry.slot !== slot))
    for (let i = 0; i < 2000; i++) {
      const slot = slots[random.int(SLOTS)]
      const what = random.int(10)
      if (what < 5) {
        // Few different times, and ranks that are not in the order of arming.
        const entry = { slot, time: random.int(8), rank: random.int(2) === 0 ? rank++ : -rank++ }
        forget(slot)
        armed.push(entry)
        agenda.arm(slot, entry.time, entry.rank)
      } else if (what < 7) {
        forget(slot)
        agenda.disarm(slot)
      } else {
        const expected = first()?.slot ?? -1
        const taken = agenda.takeFirst()
        if (taken !== expected) t.equal(taken, expected, `step ${i}`)
        forget(taken)
      }
      if (agenda.size !== armed.length) t.equal(agenda.size, armed.length, `size after step ${i}`)
      // Not after each step: to ask for the time is to tidy up.
      if (random.int(3) > 0) continue
      const time = first()?.time ?? Number.POSITIVE_INFINITY
      if (agenda.firstTime !== time) t.equal(agenda.firstTime, time, `step ${i}`)
    }
    t.pass('2000 steps')
  })
}
