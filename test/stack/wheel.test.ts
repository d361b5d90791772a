// The timer wheel against a model that knows nothing of levels: a list of ticks, searched from end to end.

import t from 'tap'
import { Random } from '../../src/random.ts'
import { TimerWheel } from '../../src/stack/wheel.ts'

const HORIZON = 2 ** 30

/** A wheel and its model, compared at each step. Ticks count from the origin, without a modulo. */
class Pair {
  readonly wheel: TimerWheel
  readonly ticks = new Map<number, number>()
  readonly fired: number[] = []
  faults: string[] = []
  /** What a fire callback does besides. */
  onFire: ((slot: number, now: number) => void) | undefined
  #elapsed = 0
  #now: number

  constructor(readonly origin: number) {
    this.wheel = new TimerWheel(origin)
    this.#now = origin
  }

  get now(): number {
    return this.#now
  }

  arm(slot: number, deadline: number): void {
    this.wheel.arm(slot, deadline)
    const ahead = Math.ceil(deadline - Math.floor(this.origin)) - this.#elapsed
    const tick = this.#elapsed + Math.min(HORIZON, Math.max(0, ahead))
    if (deadline !== Number.POSITIVE_INFINITY) this.ticks.set(slot, Math.min(tick, this.ticks.get(slot) ?? tick))
  }

  disarm(slot: number): void {
    this.wheel.disarm(slot)
    this.ticks.delete(slot)
  }

  advance(now: number): void {
    this.#now = now
    const target = Math.floor(now) - Math.floor(this.origin)
    this.wheel.advance(now, slot => {
      const tick = this.ticks.get(slot)
      if (tick === undefined) return void this.faults.push(`slot ${slot} fired, but is not armed`)
      if (tick > this.earliest) this.faults.push(`slot ${slot} fired at tick ${tick} before one at ${this.earliest}`)
      if (tick > target) this.faults.push(`slot ${slot} fired ${tick - target} ticks early`)
      this.ticks.delete(slot)
      this.fired.push(slot)
      this.#elapsed = tick
      this.onFire?.(slot, now)
    })
    this.#elapsed = Math.max(this.#elapsed, target)
    if (this.earliest <= target) this.faults.push(`nothing fired at tick ${this.earliest}, and it is ${target}`)
    this.checkNext()
  }

  get earliest(): number {
    let least = Number.POSITIVE_INFINITY
    for (const tick of this.ticks.values()) if (tick < least) least = tick
    return least
  }

  checkNext(): void {
    const next = this.wheel.nextAt
    const due = Math.floor(this.origin) + this.earliest
    if (next > due) this.faults.push(`nextAt is ${next}, but the earliest deadline ${due}`)
    if ((next === Number.POSITIVE_INFINITY) !== (this.ticks.size === 0)) this.faults.push(`nextAt ${next} of ${due}`)
    if (next < Math.floor(this.#now)) this.faults.push(`nextAt ${next} has passed`)
  }
}

const SPANS = [0, 1, 2, 63, 64, 65, 4096, 2 ** 18 + 1, 2 ** 24, HORIZON - 1, HORIZON, HORIZON + 1, 3 * HORIZON]

for (const origin of [0, 12345.678, 2 ** 32 - 5000, 2 ** 40 + 0.5]) {
  t.test(`timers fire once, in order, on their tick: random calls, clock from ${origin}`, async t => {
    for (let seed = 1; seed <= 30; seed++) {
      const random = new Random(seed)
      const pair = new Pair(origin)
      const slots = seed % 2 === 0 ? 10 : 200
      const armOne = (): void => {
        const span = SPANS[random.int(SPANS.length)]
        pair.arm(random.int(slots), pair.now + random.float() * span + (random.chance(0.1) ? -100 : 0))
      }
      pair.onFire = () => {
        if (random.chance(0.3)) armOne()
        if (random.chance(0.1)) pair.disarm(random.int(slots))
      }
      for (let step = 0; step < 600 && pair.faults.length === 0; step++) {
        const what = random.float()
        if (what < 0.6) armOne()
        else if (what < 0.7) pair.disarm(random.int(slots))
        else pair.advance(pair.now + random.float() * SPANS[random.int(SPANS.length)])
        pair.checkNext()
      }
      t.same(pair.faults, [], `seed ${seed}`)
      t.not(pair.fired.length, 0)
    }
  })
}

t.test('the 32-bit tick wraps after 49 days: timers on both sides of it fire in order', async t => {
  const pair = new Pair(0)
  const wrap = 2 ** 32
  for (const edge of [2 ** 30, 2 ** 31, 3 * 2 ** 30, wrap, wrap + 2 ** 31, 2 * wrap]) {
    pair.advance(edge - 100)
    pair.fired.length = 0
    const ahead = [250, 99, 100, 1, 101, 5000, 0]
    for (const [slot, ms] of ahead.entries()) pair.arm(slot, edge - 100 + ms)
    pair.advance(edge + 5000)
    t.same(pair.fired, [6, 3, 1, 2, 4, 0, 5], `around 2^${Math.log2(edge)}`)
  }
  t.same(pair.faults, [])
})

t.test('a deadline beyond the horizon fires early, and armed anew comes at its time', async t => {
  const wheel = new TimerWheel(0)
  const deadline = 5 * HORIZON + 17
  const early: number[] = []
  let done = -1
  wheel.arm(3, deadline)
  for (let now = wheel.nextAt; now !== Number.POSITIVE_INFINITY; now = wheel.nextAt) {
    wheel.advance(now, slot => {
      if (now >= deadline) done = now
      else {
        early.push(now)
        wheel.arm(slot, deadline)
      }
    })
    if (early.length > 10) break
  }
  t.same(early, [HORIZON, 2 * HORIZON, 3 * HORIZON, 4 * HORIZON, 5 * HORIZON])
  t.equal(done, deadline)
})

t.test('arming for later than armed changes nothing, for earlier moves the timer', async t => {
  const fired: [number, number][] = []
  const wheel = new TimerWheel(0)
  const run = (to: number) => {
    for (let now = 0; now <= to; now++) wheel.advance(now, slot => fired.push([slot, now]))
  }
  wheel.arm(1, 100)
  wheel.arm(1, 5000)
  wheel.arm(2, 5000)
  wheel.arm(2, 100)
  wheel.arm(3, 100)
  wheel.arm(3, Number.POSITIVE_INFINITY)
  run(6000)
  t.same(
    fired.sort(([a], [b]) => a - b),
    [
      [1, 100],
      [2, 100],
      [3, 100]
    ]
  )
})

t.test('a fraction of a millisecond is rounded up: no timer fires before its deadline', async t => {
  const wheel = new TimerWheel(0.75)
  wheel.arm(0, 10.25)
  let fired = false
  const fire = () => {
    fired = true
  }
  wheel.advance(10.9, fire)
  t.notOk(fired)
  t.equal(wheel.nextAt, 11)
  wheel.advance(11, fire)
  t.ok(fired)
  t.equal(wheel.nextAt, Number.POSITIVE_INFINITY)
})

t.test('a timer that a callback disarms does not fire, whether it is of the same tick or a later one', async t => {
  const wheel = new TimerWheel(0)
  const fired: number[] = []
  for (const slot of [0, 1, 2]) wheel.arm(slot, 70)
  wheel.arm(3, 90)
  wheel.advance(100, slot => {
    fired.push(slot)
    for (const other of [0, 1, 2, 3]) wheel.disarm(other)
  })
  t.equal(fired.length, 1)
  t.equal(wheel.nextAt, Number.POSITIVE_INFINITY)
})

t.test('disarming what is not armed, or was never known, is harmless', async t => {
  const wheel = new TimerWheel(0)
  wheel.disarm(5)
  wheel.disarm(100_000)
  wheel.arm(5, 10)
  wheel.disarm(5)
  wheel.disarm(5)
  wheel.advance(20, () => t.fail('nothing is armed'))
  t.equal(wheel.nextAt, Number.POSITIVE_INFINITY)
})
