// The driver in processes of its own: in a network namespace, in worker threads, without privileges, and at the end.

import { type SpawnSyncOptions, spawnSync } from 'node:child_process'
import t from 'tap'
import type { RawLinkOptions } from '../../src/link/raw.ts'
import { unless, unlessPrivileged } from '../support/privileges.ts'

const skip = unlessPrivileged()
const skipUnlessRoot = skip || unless(process.getuid?.() === 0, 'needs root')

interface Ended {
  status: number | null
  stdout: string
  stderr: string
}

const root = `${import.meta.dirname}/../..`

function run(command: string[], options: SpawnSyncOptions = {}): Ended {
  const [program, ...rest] = command
  const { status, stdout, stderr, error } = spawnSync(program, rest, {
    cwd: root,
    encoding: 'utf8',
    timeout: 60_000,
    ...options
  })
  if (error !== undefined) throw error
  return { status, stdout: String(stdout), stderr: String(stderr) }
}

const node = [process.execPath, '--import=tsx']

/** A script with a link of its own, `link`. */
function withLink(body: string, options: RawLinkOptions = {}): string[] {
  const given = JSON.stringify({ address: '127.0.0.1', ...options })
  const imports = `import { RawLink } from '${root}/src/link/raw.ts'; const link = new RawLink(${given});`
  return [...node, '--input-type=module', '--eval', imports + body]
}

t.test('in a network namespace', { skip: skipUnlessRoot }, async t => {
  const { status, stdout, stderr } = run(['unshare', '--net', ...node, 'test/link/raw-namespace.child.ts'])
  t.equal(status, 0, stderr)
  const { routes, errors, congestion, overflow } = JSON.parse(stdout)

  t.test('a route has our address and the MTU, or is a SocketError', async t => {
    t.same(routes.neighbour, { source: 0x0a090001, mtu: 1500 })
    t.same(routes.unreachable, { code: 'EHOSTUNREACH', syscall: 'connect', address: '10.10.0.1' })
    t.same(routes.nowhere, { code: 'ENETUNREACH', syscall: 'connect', address: '192.0.2.1' })
  })

  t.test('a packet that cannot leave is counted by reason, and those around it leave', async t => {
    t.match(errors, {
      sentPackets: 6,
      sendHostUnreachable: 1,
      sendNetworkUnreachable: 1,
      sendOtherErrors: 1,
      sendInvalid: 1,
      sendTooLarge: 1
    })
  })

  t.test(
    'when the send buffer is full, packets wait, leave in the end, and reach the other end of the cable',
    async t => {
      const { queued, more, writableBefore, after } = congestion
      t.equal(queued.congested, true)
      t.equal(queued.sentPackets + queued.sendQueuedPackets, 100)
      t.equal(more.sendQueuedPackets, queued.sendQueuedPackets + 100, 'all behind those that wait')
      t.equal(writableBefore, 0)
      t.match(after, { congested: false, writable: 1, sentPackets: 200, sendQueueOverflows: 0 })
    }
  )

  t.test('beyond the limit of the backlog, packets are dropped and counted', async t => {
    t.equal(overflow.sentPackets + overflow.sendQueuedPackets + overflow.sendQueueOverflows, 5000)
    t.ok(overflow.sendQueueOverflows > 0)
    const bytes = overflow.sendQueuedPackets * 1440
    t.ok(bytes > 4_000_000 && bytes <= 4 * 1024 * 1024, `${bytes} bytes waited`)
  })
})

t.test('worker threads use it side by side and may end in any way', { skip }, async t => {
  const { status, stdout, stderr } = run([...node, 'test/link/raw-workers.child.ts'])
  t.equal(status, 0, stderr)
  const { rounds, open } = JSON.parse(stdout)
  for (const round of rounds) t.same(round, [true, true, true, true, true])
  t.equal(open[2], open[0], 'no descriptor stays open')
})

t.test('without CAP_NET_RAW the error says what is missing', { skip: skipUnlessRoot }, async t => {
  const { stdout } = run(
    [
      ...node,
      '--input-type=module',
      '--eval',
      `
      import { RawLink } from '${root}/src/link/raw.ts'
      try { new RawLink() } catch (error) { console.log(JSON.stringify({ ...error, message: error.message })) }`
    ],
    { uid: 65534, gid: 65534 }
  )
  t.match(JSON.parse(stdout), {
    name: 'SocketError',
    code: 'EPERM',
    errno: -1,
    syscall: 'socket',
    message: /CAP_NET_RAW/
  })
})

const idle = '{ packetsArrived() {}, linkWritable() {} }'
const endings = [
  { what: 'a link that was never started lets the process end', body: '' },
  { what: 'a link that was closed lets the process end', body: `link.start(${idle}); link.close()` },
  { what: 'a link without ref lets the process end', body: `link.start(${idle}); link.unref()` },
  {
    what: 'a link without ref lets the process end, though it polls',
    options: { busyPollMs: 3_600_000 },
    body: `
      import { addSegment, newBatch } from '${root}/test/native/packets.ts'
      const batch = newBatch()
      addSegment(batch, { sourcePort: 9, destinationPort: 9, flags: 4 })
      link.start(${idle}); link.send(batch); link.unref()`
  },
  { what: 'process.exit with an open link', body: `link.start(${idle}); setTimeout(() => process.exit(0), 20)` }
]
for (const { what, body, options } of endings) {
  t.test(what, { skip }, async t => {
    const { status, stderr } = run(withLink(body, options))
    t.equal(status, 0, stderr)
  })
}

t.test('an open link keeps the process alive', { skip }, async t => {
  const body = `link.start(${idle}); setTimeout(() => { console.log('alive'); process.exit(0) }, 100).unref()`
  t.equal(run(withLink(body)).stdout, 'alive\n')
})

/**
 * A port of ours, a packet to it, and a way to see whether the loop sleeps: it is idle then, where one that is kept awake turns. One
 * that had no CPU meanwhile has done neither.
 */
const sleepless = `
      import { setTimeout as sleep } from 'node:timers/promises'
      import { addSegment, newBatch } from '${root}/test/native/packets.ts'
      import { claimFree } from '${root}/test/link/ports.ts'
      const { eventLoopUtilization, nodeTiming } = performance
      const slept = async ms => {
        const [before, turns] = [eventLoopUtilization(), nodeTiming.uvMetricsInfo.loopCount]
        for (;;) {
          await sleep(ms)
          if (eventLoopUtilization(before).idle > 0) return true
          if (nodeTiming.uvMetricsInfo.loopCount - turns > 100) return false
        }
      }
      const destinationPort = claimFree(link.guard)
      const batch = newBatch()
      addSegment(batch, { sourcePort: 9, destinationPort, flags: 4 })`

t.test('busy polling: the loop does not sleep for a while after a packet, then it does', { skip }, async t => {
  const { status, stdout, stderr } = run(
    withLink(
      `
      ${sleepless}
      const arrived = new Promise(packetsArrived => link.start({ packetsArrived, linkWritable() {} }))
      const seen = [await slept(20)]
      link.send(batch)
      await arrived
      seen.push(await slept(20))
      while (!(await slept(20)));
      console.log(...seen)
      link.unref()`,
      { busyPollMs: 2000 }
    )
  )
  t.equal(status, 0, stderr)
  t.equal(stdout, 'true false\n')
})

t.test('packets that follow each other closely keep the loop awake, unless that is in vain', { skip }, async t => {
  const { status, stdout, stderr } = run(
    withLink(
      `
      ${sleepless}
      let arrives
      link.start({ packetsArrived: () => arrives(), linkWritable() {} })
      const sender = new RawLink({ address: '127.0.0.1' })
      const sleepsAfterPacket = async () => {
        const arrived = new Promise(resolve => (arrives = resolve))
        sender.send(batch)
        await arrived
        return slept(20)
      }
      const untilItSleeps = async () => { while (!(await slept(20))); }
      const seen = []
      seen.push('first', await sleepsAfterPacket())
      seen.push('close', await sleepsAfterPacket())
      await untilItSleeps()
      seen.push('after a pause', await sleepsAfterPacket())
      seen.push('close, left out', await sleepsAfterPacket())
      seen.push('close again', await sleepsAfterPacket())
      await untilItSleeps()
      seen.push('after another pause', await sleepsAfterPacket())
      for (let i = 1; i <= 3; i++) seen.push('left out, ' + i, await sleepsAfterPacket())
      seen.push('the fourth', await sleepsAfterPacket())
      seen.push('one success does not make up for two failures', await sleepsAfterPacket())
      seen.push('but for one', await sleepsAfterPacket())
      console.log(JSON.stringify(seen))
      link.close()
      sender.close()`,
      { closePollUs: 1_000_000 }
    )
  )
  t.equal(status, 0, stderr)
  t.same(JSON.parse(stdout), [
    ...['first', true],
    ...['close', false],
    ...['after a pause', true],
    ...['close, left out', true],
    ...['close again', false],
    ...['after another pause', true],
    ...['left out, 1', true, 'left out, 2', true, 'left out, 3', true],
    ...['the fourth', false],
    ...['one success does not make up for two failures', true],
    ...['but for one', false]
  ])
})

t.test('what a receiver throws is an uncaught exception, and the link goes on', { skip }, async t => {
  const { status, stdout, stderr } = run(
    withLink(`
      import { addSegment, newBatch } from '${root}/test/native/packets.ts'
      import { claimFree } from '${root}/test/link/ports.ts'
      const destinationPort = claimFree(link.guard)
      const batch = newBatch()
      addSegment(batch, { sourcePort: 9, destinationPort, flags: 4 })
      process.on('uncaughtException', error => console.log(error.message))
      let arrivals = 0
      link.start({
        packetsArrived() {
          if (++arrivals === 3) return link.close()
          link.send(batch)
          throw new Error('arrival ' + arrivals)
        },
        linkWritable() {}
      })
      link.send(batch)`)
  )
  t.equal(status, 0, stderr)
  t.equal(stdout, 'arrival 1\narrival 2\n')
})
