// What a stretch of a run has cost: by the clock, in CPU time, and as perf counts it.

import t from 'tap'
import { canCount, meterOf, PerfMeter, parseCount } from '../../bench/support/meter.ts'

/** Every kernel has it, whatever the CPU; in milliseconds. */
const EVENT = 'task-clock'

function spin(ms: number): void {
  for (const end = performance.now() + ms; performance.now() < end; );
}

t.test('what perf stat prints', async t => {
  const head = '# started on Sat Nov 28 03:14:19 2026\n\n'
  t.equal(parseCount(`${head}123456,,instructions:u,1000,100.00,1.2,insn per cycle\n`), 123_456)
  t.equal(parseCount(`${head}145.51,msec,task-clock,145514835,100.00,0.020,CPUs utilized\n`), 145.51e6)
  t.equal(parseCount(`${head}<not supported>,,instructions:u,0,100.00,,\n`), undefined)
  t.equal(parseCount(`${head}<not counted>,msec,task-clock,0,100.00,,Events disabled\n`), undefined)
  t.equal(parseCount(head), undefined, 'it is still at it')
})

t.test('a clock measures what passes, CPU time what is used', async t => {
  const [clock, cpu] = [meterOf(undefined), meterOf('CPU seconds')]
  clock.start()
  cpu.start()
  await new Promise(resolve => setTimeout(resolve, 300))
  const [passed, used] = [clock.stop(), cpu.stop()]
  t.ok(passed > 0.29, `${passed} s`)
  t.ok(used < 0.2, `${used} CPU seconds`)
})

t.test('perf counts between start and stop', { skip: !canCount(EVENT) && 'perf counts nothing here' }, async t => {
  const meter = new PerfMeter(EVENT)
  spin(200)
  const before = process.cpuUsage()
  meter.start()
  spin(300)
  const { user, system } = process.cpuUsage(before)
  const counted = meter.stop()
  // That of other threads is in it too, and on a busy machine both are less than what has passed.
  t.ok(counted > 0.4 * ((user + system) / 1e6) && counted < 0.45, `${counted} s of ${(user + system) / 1e6}`)
})
