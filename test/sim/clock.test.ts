// The virtual clock keeps the promises of a Host, and repeats.

import t from 'tap'
import { Random } from '../../src/random.ts'
import { VirtualClock } from '../../src/sim/clock.ts'

t.test('timers fire in order of time, then of arming, each at its time', async t => {
  const clock = new VirtualClock({ startMs: 100 })
  const log: string[] = []
  const note = (what: string) => () => log.push(`${what}@${clock.now()}`)
  clock.at(130, note('c'))
  clock.at(110.5, note('a'))
  clock.at(120, note('b1'))
  clock.at(120, note('b2'))
  clock.at(50, note('late'))
  clock.run(120)
  t.same(log, ['late@100', 'a@110.5', 'b1@120', 'b2@120'])
  t.equal(clock.now(), 120)
  t.equal(clock.nextDeadline, 130)
  clock.advance(5)
  t.equal(clock.now(), 125)
  clock.advance(5)
  t.equal(log.at(-1), 'c@130')
})

t.test('what is deferred runs after its turn, before time moves on, and in order', async t => {
  const clock = new VirtualClock()
  const log: string[] = []
  clock.at(10, () => {
    clock.defer(() => {
      log.push(`first@${clock.now()}`)
      clock.defer(() => log.push(`nested@${clock.now()}`))
    })
    clock.defer(() => log.push(`second@${clock.now()}`))
    log.push('turn')
  })
  clock.at(10, () => log.push('same time'))
  clock.at(11, () => log.push('later'))
  clock.run(20)
  t.same(log, ['turn', 'first@10', 'second@10', 'nested@10', 'same time', 'later'])
})

t.test('deferring runs nothing at once', async t => {
  const clock = new VirtualClock()
  let ran = false
  clock.defer(() => {
    ran = true
  })
  t.notOk(ran)
  t.equal(clock.pending, 1)
  clock.run(0)
  t.ok(ran)
})

t.test('a cancelled timer does not fire, and cancelling is harmless afterwards', async t => {
  const clock = new VirtualClock()
  const log: number[] = []
  const timers = [1, 2, 3].map(at => clock.at(at, () => log.push(at)))
  timers[1].cancel()
  timers[1].cancel()
  t.equal(clock.pending, 2)
  clock.run(10)
  timers[0].cancel()
  t.same(log, [1, 3])
  t.equal(clock.pending, 0)
})

t.test('a callback may cancel a timer of the same moment', async t => {
  const clock = new VirtualClock()
  const log: string[] = []
  clock.at(1, () => other.cancel())
  const other = clock.at(1, () => log.push('other'))
  clock.run(1)
  t.same(log, [])
})

t.test('Infinity is never', async t => {
  const clock = new VirtualClock()
  const timer = clock.at(Infinity, () => t.fail('it fired'))
  t.equal(clock.nextDeadline, Infinity)
  t.ok(clock.runUntilIdle())
  timer.cancel()
  t.equal(clock.pending, 0)
})

t.test('runUntilIdle ends with the last event, and at its limit', async t => {
  const clock = new VirtualClock()
  clock.at(1000, () => clock.at(2000, () => {}))
  t.ok(clock.runUntilIdle())
  t.equal(clock.now(), 2000)
  const again = (): void => {
    clock.at(clock.now() + 10, again)
  }
  again()
  t.notOk(clock.runUntilIdle(500))
  t.equal(clock.now(), 2500)
})

t.test('step does one thing at a time', async t => {
  const clock = new VirtualClock()
  const log: string[] = []
  clock.at(5, () => {
    log.push('timer')
    clock.defer(() => log.push('deferred'))
  })
  t.notOk(clock.step(4))
  t.ok(clock.step())
  t.same(log, ['timer'])
  t.ok(clock.step())
  t.same(log, ['timer', 'deferred'])
  t.notOk(clock.step())
})

t.test('an error in a callback reaches the caller, and nothing is lost or run twice', async t => {
  const clock = new VirtualClock()
  const log: string[] = []
  clock.defer(() => {
    throw new Error('oops')
  })
  clock.defer(() => log.push('deferred'))
  clock.at(1, () => log.push('timer'))
  t.throws(() => clock.run(1), { message: 'oops' })
  clock.run(1)
  t.same(log, ['deferred', 'timer'])
})

t.test('many timers, armed and cancelled at random, fire as a sorted list would', async t => {
  const random = new Random(1)
  const clock = new VirtualClock()
  const expected: [number, number][] = []
  const fired: number[] = []
  for (let i = 0; i < 20_000; i++) {
    const at = random.int(1000)
    const timer = clock.at(at, () => fired.push(i))
    if (random.chance(0.7)) timer.cancel()
    else expected.push([at, i])
  }
  t.equal(clock.pending, expected.length)
  clock.run(1000)
  t.same(
    fired,
    expected.sort((a, b) => a[0] - b[0] || a[1] - b[1]).map(([, i]) => i)
  )
})

t.test(
  'random order among simultaneous timers: all of them, another order for another seed, the same for the same',
  async t => {
    const order = (seed: number): string => {
      const clock = new VirtualClock({ seed, shuffleSimultaneous: true })
      const log: number[] = []
      for (let i = 0; i < 20; i++) clock.at(i < 10 ? 1 : 2, () => log.push(i))
      clock.run(2)
      t.same(log.slice(0, 10).sort(), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9], 'time comes first')
      return log.join()
    }
    t.equal(order(1), order(1))
    t.not(order(1), order(2))
  }
)

t.test('entropy comes from the seed', async t => {
  const draw = (seed: number): Uint8Array => {
    const bytes = new Uint8Array(32)
    new VirtualClock({ seed }).random(bytes)
    return bytes
  }
  t.same(draw(1), draw(1))
  t.notSame(draw(1), draw(2))
})
