// Does anything stay behind when connections come and go for long, in every way that there is?
//
//   npm run soak -- [--seconds N] [--seed N]
//
// A stack on raw sockets talks over the loopback device with the kernel's TCP in another process, in both roles, and with
// a second stack of ours that falls silent for seconds at a time. Chance, from the seed, decides how each connection goes:
// whole, half-closed, reset, abandoned, timed out. When all is over, counts must be what they were before: connections,
// half-open ones, those in TIME-WAIT, bytes of buffers, descriptors, timers; and memory within a bound. Needs root.

import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { NodeHost, RawLink, Stack } from '../src/index.ts'
import { Random } from '../src/random.ts'
import { Crowd } from './support/crowd.ts'
import { FickleLink } from './support/fickle-link.ts'

const ADDRESS = '127.0.0.1'
const TOGETHER = 60
/** So long a run has seen everything. */
const LONG_MS = 60_000
const WARM_UP_MS = 3000
/** The longest that anything below takes to end by itself. */
const DRAIN_MS = 30_000
/** After the last connection: until ports are out of the filter, and routes forgotten. */
const REST_MS = 2500
const MOST_GROWTH_BYTES = 16 * 1024 * 1024

const SOCKETS = {
  timeWaitMs: 300,
  finWait2Ms: 1000,
  retries: 4,
  synRetries: 2,
  synAckRetries: 2,
  maxRtoMs: 1000,
  initialRtoMs: 200
}

interface State {
  /** What must be the same. */
  readonly counts: Record<string, number>
  readonly heapBytes: number
  readonly rssBytes: number
}

const { values: options } = parseArgs({
  options: { seconds: { type: 'string', default: '600' }, seed: { type: 'string', default: '1' } }
})
const runMs = Number(options.seconds) * 1000
const seed = Number(options.seed)
if (!(runMs > 0) || !Number.isInteger(seed)) throw new Error('npm run soak -- [--seconds N] [--seed N]')

const random = new Random(seed)
const host = new NodeHost()
const stack = new Stack({ link: new RawLink(), host, ...SOCKETS })
const fickleLink = new FickleLink(new RawLink())
const fickle = new Stack({ link: fickleLink, host, ...SOCKETS })
const crowds = {
  ours: new Crowd('ours', stack, random.fork()),
  fickle: new Crowd('fickle', fickle, random.fork())
}

const kernel = fork(new URL('./support/soak-kernel.js', import.meta.url), [String(seed)])
const listener = crowds.ours.listen(ADDRESS)
const fickleListener = crowds.fickle.listen(ADDRESS)
try {
  const kernelPort = await start(kernel, listener.port)
  const goals = [kernelPort, fickleListener.port]
  await traffic(goals, WARM_UP_MS)
  const before = await drained()
  print('before', before)
  await traffic(goals, runMs)
  const after = await drained()
  print('after', after)
  report(before, after)
} finally {
  kernel.kill()
  stack.close()
  fickle.close()
}

/** Answers the port that the kernel's listener has. */
async function start(kernel: ChildProcess, port: number): Promise<number> {
  kernel.send({ port, address: ADDRESS })
  const [message] = (await once(kernel, 'message')) as [{ port: number }]
  return message.port
}

async function traffic(goals: readonly number[], ms: number): Promise<void> {
  const end = host.now() + ms
  kernel.send({ together: TOGETHER / 2 })
  let silentUntil = 0
  let nextReport = host.now() + 60_000
  while (host.now() < end) {
    crowds.ours.keepUp(TOGETHER, ADDRESS, goals)
    crowds.fickle.keepUp(TOGETHER / 4, ADDRESS, [listener.port])
    if (fickleLink.isSilent && host.now() > silentUntil) fickleLink.isSilent = false
    else if (!fickleLink.isSilent && random.chance(0.005)) {
      fickleLink.isSilent = true
      silentUntil = host.now() + 1000 + random.int(5000)
    }
    await sleep(10)
    if (host.now() < nextReport) continue
    nextReport += 60_000
    console.log(`${Math.round((end - host.now()) / 1000)} s left: ${crowds.ours.summary}`)
  }
  fickleLink.isSilent = false
}

/** Everybody goes home, and what is left is counted. */
async function drained(): Promise<State> {
  kernel.send({ together: 0 })
  for (const crowd of Object.values(crowds)) crowd.goHome()
  const end = host.now() + DRAIN_MS
  while (host.now() < end && entries(stack) + entries(fickle) > 0) await sleep(100)
  await sleep(REST_MS)
  for (let i = 0; i < 3; i++) {
    globalThis.gc?.()
    await sleep(100)
  }
  const { heapUsed, arrayBuffers, rss } = process.memoryUsage()
  const counts: Record<string, number> = { descriptors: readdirSync('/proc/self/fd').length, timers: timers() }
  for (const [name, one] of Object.entries({ stack, fickle })) {
    const { connections, halfOpen, timeWait } = one.counts()
    Object.assign(counts, {
      [`${name} connections`]: connections,
      [`${name} half open`]: halfOpen,
      [`${name} in TIME-WAIT`]: timeWait,
      [`${name} bytes in buffers`]: one.counters().stack.slabUsedBytes,
      [`${name} transitions off the diagram`]: one.counters().tcp.impossibleTransitions
    })
  }
  return { counts, heapBytes: heapUsed + arrayBuffers, rssBytes: rss }
}

function entries(of: Stack): number {
  const { connections, halfOpen, timeWait } = of.counts()
  return connections + halfOpen + timeWait
}

function timers(): number {
  return process.getActiveResourcesInfo().filter(name => name === 'Timeout').length
}

function print(when: string, { counts, heapBytes, rssBytes }: State): void {
  const megabytes = (bytes: number): string => `${(bytes / 1024 / 1024).toFixed(1)} MB`
  console.log(`${when}: heap ${megabytes(heapBytes)}, resident ${megabytes(rssBytes)}, ${JSON.stringify(counts)}`)
}

function report(before: State, after: State): void {
  const faults: string[] = []
  for (const [name, count] of Object.entries(after.counts)) {
    if (count !== before.counts[name]) faults.push(`${name}: ${before.counts[name]} have become ${count}`)
    if (name !== 'descriptors' && name !== 'timers' && count !== 0) faults.push(`${name}: ${count} left`)
  }
  if (after.heapBytes > before.heapBytes + MOST_GROWTH_BYTES)
    faults.push(`the heap has grown to ${after.heapBytes} bytes`)
  for (const [name, crowd] of Object.entries(crowds)) {
    console.log(`${name}: ${crowd.summary}`)
    if (runMs >= LONG_MS) for (const kind of crowd.missing) faults.push(`${name}: no connection was ${kind}`)
  }
  for (const fault of faults) console.error(`FAULT ${fault}`)
  console.log(faults.length === 0 ? `nothing stays behind, seed ${seed}` : `seed ${seed}: ${faults.length} faults`)
  if (faults.length > 0) process.exitCode = 1
}

function sleep(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms))
}
