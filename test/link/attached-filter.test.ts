// When the packet filter changes, and what it lets through then.

import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { AttachedFilter } from '../../src/link/attached-filter.ts'
import { type Program, portFilter, rejectAll } from '../../src/link/port-filter.ts'

const ENOMEM = -12
const EPERM = -1

function attached(answer: (program: Program) => number = () => 0): { filter: AttachedFilter; programs: Program[] } {
  const programs: Program[] = []
  const filter = new AttachedFilter(program => {
    const error = answer(program)
    if (error === 0) programs.push(program)
    return error
  })
  return { filter, programs }
}

t.test('a port is let through before it counts as added', async t => {
  const { filter, programs } = attached()
  filter.add(80)
  filter.add(82)
  t.same(programs, [
    portFilter([[80, 80]]),
    portFilter([
      [80, 80],
      [82, 82]
    ])
  ])
  filter.close()
})

t.test('a port that passes already changes nothing, and leaves with its last user', async t => {
  const { filter, programs } = attached()
  filter.add(80)
  filter.add(80)
  t.equal(programs.length, 1)
  filter.remove(80)
  await sleep(1100)
  t.equal(programs.length, 1)
  filter.remove(80)
  t.equal(programs.length, 1, 'not at once')
  await sleep(1100)
  t.same(programs.slice(1), [rejectAll])
})

t.test('many ports that come and go change the filter a few times', async t => {
  const { filter, programs } = attached()
  for (let i = 0; i < 5000; i++) filter.add(32768 + ((i * 7919) % 28000))
  for (let i = 0; i < 5000; i++) filter.remove(32768 + ((i * 7919) % 28000))
  t.ok(programs.length < 400, `${programs.length} changes for 5000 ports`)
  t.ok(programs.every(program => program.length / 4 < 256))
  filter.close()
})

t.test('where the kernel has no memory for a long program, a shorter one covers more ports', async t => {
  const { filter, programs } = attached(program => (program.length / 4 > 20 ? ENOMEM : 0))
  for (let port = 1000; port < 1100; port += 2) filter.add(port)
  t.ok(programs.at(-1)!.length / 4 <= 20)
  filter.close()
})

t.test('what the kernel refuses for another reason is thrown, and the port is not in use', async t => {
  let error = EPERM
  const { filter, programs } = attached(() => error)
  t.throws(() => filter.add(80), { code: 'EPERM', syscall: 'setsockopt' })
  error = 0
  filter.add(81)
  t.same(programs, [portFilter([[81, 81]])])
  filter.close()
})
