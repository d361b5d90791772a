// Stacks in worker threads and in processes that share an address, in a network namespace of their own.

import t from 'tap'
import { Namespace } from '../support/netns.ts'
import { unless, unlessPrivileged, unlessPrograms } from '../support/privileges.ts'

const skip = unlessPrivileged() || unless(process.getuid?.() === 0, 'needs root') || unlessPrograms('ip')

const served = { echoed: 60, accepted: 60, allHaveSome: true, resetsSent: [0, 0, 0], droppedNotOurs: [0, 0, 0] }

const rows = [
  { work: 'rawThreads', what: 'worker threads on raw sockets share a port', seen: served },
  {
    work: 'tunThreads',
    what: 'worker threads share a TUN device, a queue each; one ends, and another takes its place',
    seen: { result: served, again: { echoed: 60, allHaveSome: true }, isGone: true }
  },
  {
    work: 'tunProcesses',
    what: 'processes share a TUN device; of one that is killed the others hear nothing, and another takes its place',
    seen: { result: served, again: { echoed: 60, allHaveSome: true }, isGone: true }
  }
]

for (const { work, what, seen } of rows) {
  t.test(what, { skip }, async t => {
    const namespace = new Namespace()
    t.teardown(() => namespace.remove())
    const child = `${import.meta.dirname}/share.child.ts`
    t.match(JSON.parse(namespace.run(process.execPath, '--import=tsx', child, work)), seen)
  })
}
