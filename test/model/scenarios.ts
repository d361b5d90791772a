// Two kinds of runs, from a seed: one stack against an adversary, and two stacks on a bad line with somebody off the
// path who guesses. Both end with users who are done, and nothing may be left.

import type { Link, LinkReceiver, TxBatch } from '../../src/link/link.ts'
import { RX_LENGTH, RX_OFFSET, RxBatch } from '../../src/link/link.ts'
import { type PairLink, pairLinks } from '../../src/link/pair.ts'
import { Random } from '../../src/random.ts'
import { VirtualClock } from '../../src/sim/clock.ts'
import { Stack } from '../../src/stack/stack.ts'
import type { SocketOptions } from '../../src/tcp/options.ts'
import { HandLink } from '../support/peer.ts'
import { Adversary, LISTEN_PORT, PEER_PORTS } from './adversary.ts'
import type { Limits, StateName } from './connection-model.ts'
import { forged } from './guesser.ts'
import { StallingClock } from './stalling-clock.ts'
import { byteAt } from './streams.ts'
import { User } from './user.ts'
import { Watch } from './watch.ts'

export interface Outcome {
  /** Undefined when all is well. */
  readonly fault: string | undefined
  /** Segments that arrived. */
  readonly segments: number
  /** How often a connection came to each state. */
  readonly visited: ReadonlyMap<StateName, number>
}

/** More virtual time than any timeout of the options below needs. */
const LAST_MS = 3_600_000

/** A SYN that finds no room is dropped: a cookie would be an answer by nobody whom the model knows. */
const LISTENERS = { synCookies: 'off' } as const

/** In every other run idle connections are packed as soon as they may be: nobody can tell. */
const wholeConnections = (seed: number): number => (seed % 2 === 0 ? 0 : 1024)

interface Settings {
  readonly sockets: SocketOptions
  readonly limits: Limits
}

function settings(random: Random): Settings {
  const limits: Limits = {
    synRetries: 1 + random.int(3),
    retries: 2 + random.int(4),
    keepAliveProbes: 1 + random.int(3),
    timeWaitMs: [0, 1000, 5000][random.int(3)],
    finWait2Ms: [0, 1000, 5000][random.int(3)],
    maxRtoMs: 1000 + random.int(4000)
  }
  const sockets: SocketOptions = {
    ...limits,
    synAckRetries: limits.synRetries,
    receiveBuffer: [2048, 3000, 16_384, 65_536, 300_000][random.int(5)],
    sendBuffer: [2048, 8192, 65_536][random.int(3)],
    delayedAckMs: [0, 40, 200, 500][random.int(4)],
    initialRtoMs: [100, 1000][random.int(2)],
    maximumSegmentSize: random.chance(0.2) ? 64 + random.int(600) : 0,
    noDelay: random.chance(0.3),
    windowScaling: random.chance(0.7),
    timestamps: random.chance(0.6),
    selectiveAcks: random.chance(0.7),
    keepAliveIntervalMs: 1000
  }
  return { sockets, limits }
}

/** Mostly what lies between two segments, sometimes what lies beyond every timeout. */
function pause(random: Random): number {
  const lot = random.float()
  return lot < 0.7 ? random.int(100) : lot < 0.97 ? random.int(2000) : random.int(60_000)
}

/** One stack against an adversary, for so many steps. */
export function againstAdversary(seed: number, steps: number): Outcome {
  return playAdversary(new Random(seed), seed, step => step < steps)
}

/** The same with another source of what is random, for as long as it wants to go on. */
export function playAdversary(random: Random, seed: number, goesOn: (step: number) => boolean): Outcome {
  const clock = new VirtualClock({ seed, startMs: random.chance(0.3) ? 2 ** 32 - 5000 : 0 })
  const host = new StallingClock(clock, random)
  const link = new HandLink()
  const { sockets, limits } = settings(random)
  const watch = new Watch('stack', limits, 1)
  const now = (): number => host.now()
  const stack = new Stack({
    link,
    host,
    tracer: watch,
    wholeConnections: wholeConnections(seed),
    ...LISTENERS,
    ...sockets
  })
  const user = new User(stack, watch, random, now, (model, offset) => byteAt(2, model.irs + 1 + offset), {
    address: '10.0.0.2',
    ports: PEER_PORTS
  })
  const adversary = new Adversary(link, watch, random, now, 2, random.float())
  const rest = (ms: number): void => {
    clock.advance(ms)
    watch.check(now(), host.onTimeSince)
    link.sent = []
  }

  const play = (): void => {
    rest(0)
    user.listen(LISTEN_PORT)
    for (let step = 0; goesOn(step); step++) {
      const lot = random.float()
      if (lot < 0.55) adversary.step()
      else if (lot < 0.87) user.step()
      else if (lot < 0.91) user.connect()
      else if (lot < 0.915) user.closeListener()
      else if (lot < 0.93 && !user.isListening) user.listen(LISTEN_PORT)
      else if (lot < 0.933) host.stall(random.int(20_000))
      rest(random.chance(0.7) ? 0 : pause(random))
    }
    user.finish()
    // A peer that answers lets connections end in order; one that is silent makes the timers end them.
    for (let i = random.chance(0.5) ? 20 : 0; i > 0; i--) {
      adversary.behave()
      rest(100)
    }
    const end = clock.now() + LAST_MS
    while (clock.now() < end && clock.pending > 0) rest(1000 + random.int(20_000))
    user.checkDone()
    stack.close()
  }
  return outcome(play, [watch])
}

/** Two stacks, a line that gets better and worse, and segments from somebody who sees nothing. */
export function betweenStacks(seed: number, steps: number): Outcome {
  const random = new Random(seed)
  const clock = new VirtualClock({ seed, shuffleSimultaneous: random.chance(0.5) })
  const host = new StallingClock(clock, random)
  const { sockets, limits } = settings(random)
  const pair = pairLinks({ host, seed, addresses: ['10.0.0.1', '10.0.0.2'] })
  const links = pair.map(link => new DoorLink(link))
  const now = (): number => host.now()
  const watches = [new Watch('left', limits, 1), new Watch('right', limits, 2)]
  const users = links.map((link, i) => {
    const stack = new Stack({
      link,
      host,
      tracer: watches[i],
      wholeConnections: wholeConnections(seed),
      ...LISTENERS,
      ...sockets
    })
    return new User(stack, watches[i], random, now, (_, offset) => byteAt(2 - i, offset), {
      address: `10.0.0.${2 - i}`,
      ports: [80, 80, 80, 81]
    })
  })
  const rest = (ms: number): void => {
    clock.advance(ms)
    for (const watch of watches) watch.check(now(), host.onTimeSince)
  }

  const play = (): void => {
    rest(0)
    for (const user of users) user.listen(80)
    for (let step = 0; step < steps; step++) {
      const side = random.int(2)
      const lot = random.float()
      if (lot < 0.6) users[side].step()
      else if (lot < 0.7) users[side].connect()
      else if (lot < 0.78) impair(pair[side], random)
      else if (lot < 0.79) users[side].closeListener()
      else if (lot < 0.81 && !users[side].isListening) users[side].listen(80)
      else if (lot < 0.82) host.stall(random.int(10_000))
      else if (lot < 0.83) pair[side].setUp(random.chance(0.6))
      else if (lot < 0.95) {
        const guess = forged(watches[side], random, side)
        if (guess !== undefined) links[side].inject(guess)
      }
      rest(random.chance(0.3) ? 0 : pause(random))
    }
    for (const link of pair) link.impair({ loss: 0, duplicate: 0, corrupt: 0, reorder: 0 })
    pair[0].setUp(true)
    for (const user of users) user.finish()
    const end = clock.now() + LAST_MS
    while (clock.now() < end && clock.pending > 0) rest(1000 + random.int(20_000))
    for (const user of users) user.checkDone()
    for (const user of users) user.stack.close()
  }
  return outcome(play, watches)
}

function impair(link: PairLink, random: Random): void {
  const isBad = random.chance(0.7)
  const chance = (most: number): number => (isBad && random.chance(0.5) ? most * random.float() : 0)
  link.impair({
    loss: chance(0.3),
    duplicate: chance(0.2),
    corrupt: chance(0.1),
    reorder: chance(0.3),
    reorderDelayMs: 1 + random.int(200),
    delayMs: random.int(100),
    jitterMs: random.int(20)
  })
}

function outcome(play: () => void, watches: readonly Watch[]): Outcome {
  let fault: string | undefined
  try {
    play()
  } catch (error) {
    const events = watches.map(watch => watch.lastEvents).join('\n')
    fault = `${(error as Error).stack ?? String(error)}\n${events}`
  }
  const visited = new Map<StateName, number>()
  for (const watch of watches)
    for (const [state, count] of watch.visited) visited.set(state, (visited.get(state) ?? 0) + count)
  return { fault, visited, segments: watches.reduce((sum, watch) => sum + watch.segmentsIn, 0) }
}

/** A link with a door for packets that somebody else has sent. */
class DoorLink implements Link {
  readonly name: string
  readonly addresses: readonly number[]
  readonly acceptsPartialChecksums = false
  #receiver: LinkReceiver | undefined

  constructor(readonly inner: PairLink) {
    this.name = inner.name
    this.addresses = inner.addresses
  }

  get congested(): boolean {
    return this.inner.congested
  }

  start(receiver: LinkReceiver): void {
    this.#receiver = receiver
    this.inner.start(receiver)
  }

  send(batch: TxBatch): void {
    this.inner.send(batch)
  }

  route(destination: number): ReturnType<PairLink['route']> {
    return this.inner.route(destination)
  }

  counters(): ReturnType<PairLink['counters']> {
    return this.inner.counters()
  }

  close(): void {
    this.inner.close()
  }

  inject(packet: Uint8Array): void {
    const batch = new RxBatch(packet, 1)
    batch.table[RX_OFFSET] = 0
    batch.table[RX_LENGTH] = packet.length
    batch.count = 1
    this.#receiver?.packetsArrived(batch)
  }
}
