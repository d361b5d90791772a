// Ports: RFC 6056's choice of ephemeral ones, listeners that clash, and what is claimed from a kernel that has the same
// addresses.

import t from 'tap'
import { SocketError } from '../../src/errors.ts'
import type { PortGuard } from '../../src/link/link.ts'
import { resolve } from '../../src/options.ts'
import { Random } from '../../src/random.ts'
import { SipHash } from '../../src/siphash.ts'
import { Listener, listenerOptions } from '../../src/stack/listener.ts'
import { type EphemeralRange, Ports } from '../../src/stack/ports.ts'
import { socketOptions } from '../../src/tcp/options.ts'
import { formatAddress } from '../../src/wire/address.ts'

const ANY = 0
const HERE = 0x0a000001
const ALSO_HERE = 0x0a000003
const THERE = 0x0a000002
const FIRST = 32_768
const COUNT = 32_768

/** A kernel that refuses the ports it is told to, and notes what is claimed and released. */
class FakeGuard implements PortGuard {
  readonly claimed = new Map<string, number>()
  readonly log: string[] = []
  readonly refused = new Set<number>()

  claim(address: number, port: number): void {
    if (this.refused.has(port)) throw new SocketError('EADDRINUSE', 'bind', formatAddress(address), port)
    const key = `${formatAddress(address)}:${port}`
    this.claimed.set(key, (this.claimed.get(key) ?? 0) + 1)
    this.log.push(`claim ${key}`)
  }

  release(address: number, port: number): void {
    const key = `${formatAddress(address)}:${port}`
    this.claimed.set(key, (this.claimed.get(key) ?? 0) - 1)
    this.log.push(`release ${key}`)
  }
}

function portsOf(seed: number, guard?: PortGuard, range?: EphemeralRange): Ports {
  const random = new Random(seed)
  const key = new Uint8Array(16)
  random.fill(key)
  return new Ports(guard, new SipHash(key), bytes => random.fill(bytes), range)
}

const values = resolve(socketOptions)

function listenerAt(address: number, port: number): Listener {
  const nothing = (): void => {}
  return new Listener(address, port, resolve(listenerOptions), values, nothing, nothing)
}

const codeOf = (work: () => unknown): string => {
  try {
    work()
    return 'none'
  } catch (error) {
    return (error as SocketError).code
  }
}

t.test('RFC 6056 §3.3.4: ports to one destination follow each other and stay in the range', async t => {
  const ports = portsOf(1)
  const picked = Array.from({ length: 100 }, () => ports.pickEphemeral(HERE, THERE, 80, () => true))
  for (let i = 1; i < picked.length; i++) {
    t.equal((picked[i] - picked[i - 1] + COUNT) % COUNT, 1)
    t.ok(picked[i] >= FIRST && picked[i] < FIRST + COUNT)
  }
})

t.test('the range can be set, to all above 1023 (RFC 6056 §3.2), and each port of it is used', async t => {
  for (const range of [
    { first: 1024, last: 65_535 },
    { first: 5000, last: 5002 },
    { first: 65_535, last: 65_535 }
  ]) {
    const ports = portsOf(7, undefined, range)
    const count = range.last - range.first + 1
    const seen = new Set<number>()
    for (let i = 0; i < count; i++) seen.add(ports.pickEphemeral(HERE, THERE, 80, () => true))
    t.equal(seen.size, count)
    t.same([Math.min(...seen), Math.max(...seen)], [range.first, range.last])
  }
})

t.test('RFC 6056 §3.3.4: where the ports begin differs by address, port and secret', async t => {
  // Without entropy in the table of increments, only the first hash tells destinations apart.
  const plain = (key: number) => new Ports(undefined, new SipHash(new Uint8Array(16).fill(key)), () => {})
  const ports = plain(1)
  const starts = [
    ports.pickEphemeral(HERE, THERE, 80, () => true),
    ports.pickEphemeral(HERE, THERE, 81, () => true),
    ports.pickEphemeral(HERE, THERE + 1, 80, () => true),
    ports.pickEphemeral(ALSO_HERE, THERE, 80, () => true),
    plain(2).pickEphemeral(HERE, THERE, 80, () => true)
  ]
  t.ok(starts.every((port, i) => starts.every((other, k) => i === k || Math.abs(port - other) > 10)))
})

t.test('RFC 6056 §3.3.4: connections to one destination do not move the ports of another', async t => {
  const [one, two] = [portsOf(6), portsOf(6)]
  for (let i = 0; i < 50; i++) one.pickEphemeral(HERE, THERE, 80, () => true)
  t.equal(
    one.pickEphemeral(HERE, THERE, 443, () => true),
    two.pickEphemeral(HERE, THERE, 443, () => true)
  )
})

t.test('the ephemeral range goes round, and each port comes once before any comes again', async t => {
  const ports = portsOf(3)
  const seen = new Set<number>()
  for (let i = 0; i < COUNT; i++) seen.add(ports.pickEphemeral(HERE, THERE, 80, port => !seen.has(port)))
  t.equal(seen.size, COUNT)
  t.equal(Math.min(...seen), FIRST)
  t.equal(Math.max(...seen), FIRST + COUNT - 1)
  t.equal(
    codeOf(() => ports.pickEphemeral(HERE, THERE, 80, port => !seen.has(port))),
    'EADDRNOTAVAIL'
  )
})

t.test(
  'an ephemeral port skips ports that are listened on, tuples that are taken, and ports of the kernel',
  async t => {
    const next = (ports: Ports, accepts: (port: number) => boolean = () => true) =>
      ports.pickEphemeral(HERE, THERE, 80, accepts)
    const first = next(portsOf(4))
    const after = (n: number): number => FIRST + ((first - FIRST + n) % COUNT)

    const guard = new FakeGuard()
    guard.refused.add(after(2))
    const ports = portsOf(4, guard)
    ports.addListener(listenerAt(ALSO_HERE, first))
    const asked: number[] = []
    const picked = next(ports, port => {
      asked.push(port)
      if (port === after(1)) return false
      ports.hold(HERE, port)
      return true
    })
    t.equal(picked, after(3))
    t.same(asked, [after(1), after(2), after(3)], 'a listening port is not even asked about')
    t.notOk(ports.isHeld(after(2)), 'what the kernel refused is not held')
  }
)

t.test('what the guard throws other than EADDRINUSE ends the search', async t => {
  const refuse = () => {
    throw new SocketError('EMFILE', 'bind')
  }
  t.equal(
    codeOf(() => portsOf(1).pickEphemeral(HERE, THERE, 80, refuse)),
    'EMFILE'
  )
  t.equal(
    codeOf(() => portsOf(1).pickForListener(refuse)),
    'EMFILE'
  )
})

const clashes = [
  { first: ANY, second: ANY, outcome: 'EADDRINUSE' },
  { first: ANY, second: HERE, outcome: 'EADDRINUSE' },
  { first: HERE, second: ANY, outcome: 'EADDRINUSE' },
  { first: HERE, second: HERE, outcome: 'EADDRINUSE' },
  { first: HERE, second: ALSO_HERE, outcome: 'none' }
]
for (const { first, second, outcome } of clashes) {
  t.test(
    `a port listened on at ${formatAddress(first)}: listening at ${formatAddress(second)} -> ${outcome}`,
    async t => {
      const guard = new FakeGuard()
      const ports = portsOf(1, guard)
      const one = listenerAt(first, 80)
      const two = listenerAt(second, 80)
      ports.addListener(one)
      t.equal(
        codeOf(() => ports.addListener(two)),
        outcome
      )
      t.equal(ports.listenerFor(first === ANY ? ALSO_HERE : first, 80), one)
      t.equal(
        codeOf(() => ports.addListener(listenerAt(second, 81))),
        'none',
        'another port is free'
      )
      ports.removeListener(one)
      if (outcome === 'none') t.equal(ports.listenerFor(second, 80), two)
      else ports.addListener(two)
      ports.removeListener(two)
      t.equal(ports.isHeld(80), false)
    }
  )
}

t.test('a listener at one address is not found at another', async t => {
  const ports = portsOf(1)
  ports.addListener(listenerAt(HERE, 80))
  t.equal(ports.listenerFor(ALSO_HERE, 80), undefined)
  t.equal(ports.listenerFor(HERE, 81), undefined)
})

t.test('a port is claimed for its first holder and released after its last, once each', async t => {
  const guard = new FakeGuard()
  const ports = portsOf(1, guard)
  const listener = listenerAt(HERE, 80)
  ports.addListener(listener)
  const keys = [ports.hold(HERE, 80), ports.hold(HERE, 80)]
  t.same(guard.log, ['claim 10.0.0.1:80'])
  ports.removeListener(listener)
  ports.letGo(keys[0], 80)
  t.same(guard.log, ['claim 10.0.0.1:80'])
  t.ok(ports.isHeld(80))
  ports.letGo(keys[1], 80)
  t.same(guard.log, ['claim 10.0.0.1:80', 'release 10.0.0.1:80'])
  t.notOk(ports.isHeld(80))
  ports.letGo(keys[1], 80)
  t.equal(guard.log.length, 2, 'letting go once too often changes nothing')
})

t.test('connections of a listener for all addresses hold its claim after it is gone', async t => {
  const guard = new FakeGuard()
  const ports = portsOf(1, guard)
  const listener = listenerAt(ANY, 80)
  ports.addListener(listener)
  const key = ports.hold(HERE, 80)
  ports.removeListener(listener)
  t.same(guard.log, ['claim 0.0.0.0:80'])
  ports.letGo(key, 80)
  t.same(guard.log, ['claim 0.0.0.0:80', 'release 0.0.0.0:80'])
})

t.test('a refused claim leaves nothing behind', async t => {
  const guard = new FakeGuard()
  guard.refused.add(80)
  const ports = portsOf(1, guard)
  t.equal(
    codeOf(() => ports.addListener(listenerAt(ANY, 80))),
    'EADDRINUSE'
  )
  t.equal(
    codeOf(() => ports.hold(HERE, 80)),
    'EADDRINUSE'
  )
  t.notOk(ports.isHeld(80))
  t.equal(ports.listenerFor(HERE, 80), undefined)
  guard.refused.clear()
  ports.addListener(listenerAt(ANY, 80))
  t.ok(ports.isHeld(80))
})

t.test('a free port to listen on is neither held nor the kernel’s', async t => {
  const guard = new FakeGuard()
  const ports = portsOf(5, guard)
  let wouldBe = 0
  portsOf(5).pickForListener(port => {
    wouldBe = port
  })
  ports.hold(HERE, wouldBe)
  const second = FIRST + ((wouldBe - FIRST + 1) % COUNT)
  guard.refused.add(second)
  let picked = 0
  ports.pickForListener(port => {
    ports.addListener(listenerAt(ANY, port))
    picked = port
  })
  t.equal(picked, FIRST + ((wouldBe - FIRST + 2) % COUNT))
})

t.test('claims and releases balance, whoever comes and goes: random calls', async t => {
  for (let seed = 1; seed <= 50; seed++) {
    const random = new Random(seed)
    const guard = new FakeGuard()
    const ports = portsOf(seed, guard)
    const held: [number, number][] = []
    let listeners: Listener[] = []
    const pick = () => [80, 81, 82][random.int(3)]
    for (let step = 0; step < 300; step++) {
      if (random.chance(0.02)) guard.refused.add(pick())
      if (random.chance(0.05)) guard.refused.clear()
      const port = pick()
      try {
        if (random.chance(0.3)) {
          const listener = listenerAt([ANY, HERE, ALSO_HERE][random.int(3)], port)
          ports.addListener(listener)
          listeners.push(listener)
        } else held.push([ports.hold([HERE, ALSO_HERE][random.int(2)], port), port])
      } catch (error) {
        if ((error as SocketError).code !== 'EADDRINUSE') throw error
      }
      if (held.length > 0 && random.chance(0.6)) ports.letGo(...held.splice(random.int(held.length), 1)[0])
      if (listeners.length > 0 && random.chance(0.3)) {
        const gone = listeners[random.int(listeners.length)]
        listeners = listeners.filter(other => other !== gone)
        ports.removeListener(gone)
      }
      const counts = [...guard.claimed.values()]
      if (counts.some(n => n !== 0 && n !== 1)) t.fail(`seed ${seed}: claimed twice, or released what was not claimed`)
    }
    for (const [key, port] of held) ports.letGo(key, port)
    for (const listener of listeners) ports.removeListener(listener)
    t.ok(
      [...guard.claimed.values()].every(n => n === 0),
      `seed ${seed}`
    )
    t.notOk([80, 81, 82].some(port => ports.isHeld(port)))
  }
})
