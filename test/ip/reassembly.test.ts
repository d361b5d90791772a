// Reassembly: RFC 791 §3.2 and RFC 815 for what must work, RFC 5722 §4 and the limits for what must not.

import t from 'tap'
import { IpCounters } from '../../src/ip/counters.ts'
import { Reassembly, type ReassemblyOptions } from '../../src/ip/reassembly.ts'
import { Random } from '../../src/random.ts'
import { ECN_CE, ECN_ECT_0, ECN_ECT_1, ECN_NOT_ECT, Ipv4Header } from '../../src/wire/ipv4.ts'
import { randomBytes } from '../wire/bytes.ts'
import { HERE, THERE } from './packets.ts'

interface Piece {
  start: number
  end: number
  last: boolean
  id?: number
  source?: number
  destination?: number
  protocol?: number
  tos?: number
  headerLength?: number
  text?: Uint8Array
}

class Bench {
  readonly counters = new IpCounters()
  readonly reassembly: Reassembly

  constructor(options: ReassemblyOptions = {}) {
    this.reassembly = new Reassembly(this.counters, options)
  }

  /** The datagram that the piece completes, or undefined. */
  arrive(piece: Piece, now = 0): Uint8Array | undefined {
    const header = new Ipv4Header()
    const bytes = piece.text ?? TEXT.subarray(piece.start, piece.end)
    header.source = piece.source ?? THERE
    header.destination = piece.destination ?? HERE
    header.protocol = piece.protocol ?? 6
    header.id = piece.id ?? 1
    header.tos = piece.tos ?? 0
    header.headerLength = piece.headerLength ?? 20
    header.fragmentOffset = piece.start
    header.moreFragments = !piece.last
    header.payloadLength = bytes.length
    const isWhole = this.reassembly.fragmentArrives(header, bytes, now)
    return isWhole ? this.reassembly.bytes.slice(0, this.reassembly.length) : undefined
  }

  /** The counters that moved, `fragments` left out. */
  get moved(): Record<string, number> {
    const { fragments: _, ...others } = this.counters
    return Object.fromEntries(Object.entries(others).filter(([, count]) => count !== 0))
  }

  get isEmpty(): boolean {
    return this.reassembly.datagrams === 0 && this.reassembly.heldBytes === 0
  }
}

const TEXT = randomBytes(new Random(1), 65536)
const first = (end: number, more: Partial<Piece> = {}): Piece => ({ start: 0, end, last: false, ...more })
const middle = (start: number, end: number, more: Partial<Piece> = {}): Piece => ({ start, end, last: false, ...more })
const last = (start: number, end: number, more: Partial<Piece> = {}): Piece => ({ start, end, last: true, ...more })

const orders = [
  { what: 'in order', pieces: [first(16), middle(16, 32), last(32, 35)] },
  { what: 'in reverse', pieces: [last(32, 35), middle(16, 32), first(16)] },
  { what: 'the middle last', pieces: [first(16), last(32, 35), middle(16, 32)] },
  { what: 'with duplicates', pieces: [first(16), first(16), last(32, 35), last(32, 35), middle(16, 32)] },
  { what: 'with headers of different length', pieces: [first(16, { headerLength: 60 }), middle(16, 32), last(32, 35)] }
]
for (const { what, pieces } of orders) {
  t.test(`RFC 791 §3.2: fragments ${what} make one datagram`, async t => {
    const bench = new Bench()
    const results = pieces.map(piece => bench.arrive(piece))
    t.same(results.slice(0, -1), new Array(pieces.length - 1).fill(undefined))
    t.same(results.at(-1), TEXT.subarray(0, 35))
    t.ok(bench.isEmpty)
    t.equal(bench.reassembly.nextDeadline, Infinity)
    t.equal(bench.counters.fragmentDuplicate, pieces.length - 3)
  })
}

t.test('source, destination, protocol and identifier keep datagrams apart', async t => {
  const bench = new Bench()
  const others = [
    {},
    { id: 2 },
    { source: HERE },
    { destination: THERE },
    { protocol: 1 },
    { protocol: 1, destination: THERE }
  ]
  for (const other of others) bench.arrive(first(16, other))
  t.equal(bench.reassembly.datagrams, others.length)
  for (const other of others) t.same(bench.arrive(last(16, 20, other)), TEXT.subarray(0, 20))
  t.ok(bench.isEmpty)
})

// RFC 5722 §4: the whole datagram goes, with the fragments still to come.
const overlaps = [
  { what: 'into the one before', pieces: [first(16), middle(8, 24)] },
  { what: 'into the one behind', pieces: [middle(16, 32), middle(8, 24)] },
  { what: 'inside another', pieces: [first(32), middle(8, 16)] },
  { what: 'around another', pieces: [middle(8, 16), first(32)] },
  { what: 'the same start, shorter', pieces: [first(16), first(8)] },
  { what: 'the same start, longer', pieces: [first(16), first(24)] },
  { what: 'the same end', pieces: [first(16), middle(8, 16)] },
  { what: 'the same place, other bytes', pieces: [first(16), first(16, { text: new Uint8Array(16) })] },
  { what: 'the same place, now the last', pieces: [middle(16, 32), last(16, 32)] },
  { what: 'the same place, no more the last', pieces: [last(16, 32), middle(16, 32)] },
  { what: 'two ends, the second one further', pieces: [last(16, 24), last(24, 40)] },
  { what: 'two ends, the second one before', pieces: [last(32, 40), last(16, 24)] },
  { what: 'text behind the end', pieces: [last(16, 24), middle(24, 32)] },
  { what: 'an end before the text', pieces: [middle(24, 32), last(16, 24)] }
]
for (const { what, pieces } of overlaps) {
  t.test(`RFC 5722 §4: a fragment that overlaps (${what}) condemns its datagram`, async t => {
    const bench = new Bench()
    for (const piece of pieces) t.equal(bench.arrive(piece), undefined)
    t.same(bench.moved, { fragmentOverlap: 1 })
    t.equal(bench.reassembly.heldBytes, 0)
    for (const piece of [first(8), middle(8, 16), middle(16, 24), last(24, 32)]) t.equal(bench.arrive(piece), undefined)
    t.equal(bench.counters.fragmentRefused, 4)
    bench.reassembly.expire(30_000)
    t.ok(bench.isEmpty)
    t.equal(bench.counters.fragmentTimeout, 0, 'it had been counted')
    bench.arrive(first(8), 30_000)
    t.same(bench.arrive(last(8, 16), 30_000), TEXT.subarray(0, 16), 'then the identifier is free')
  })
}

const badLengths = [
  { what: 'no multiple of 8, more to come', piece: first(15) },
  { what: 'empty, more to come', piece: middle(8, 8) },
  { what: 'empty, the last', piece: last(8, 8) },
  { what: '65536 bytes with its header', piece: last(65_512, 65_516) },
  { what: '65536 bytes with options', piece: last(65_472, 65_476, { headerLength: 60 }) }
]
for (const { what, piece } of badLengths) {
  t.test(`a fragment of bad length (${what}) is dropped alone`, async t => {
    const bench = new Bench()
    bench.arrive(first(16, { id: 1 }))
    t.equal(bench.arrive(piece), undefined)
    t.equal(bench.counters.fragmentBadLength, 1)
    t.same(bench.arrive(last(16, 17)), TEXT.subarray(0, 17), 'and harms no datagram')
  })
}

t.test('the largest datagram, 65535 bytes with its header, comes out whole', async t => {
  const bench = new Bench()
  for (let at = 0; at < 65_000; at += 1000) t.equal(bench.arrive(middle(at, at + 1000)), undefined)
  t.same(bench.arrive(last(65_000, 65_515)), TEXT.subarray(0, 65_515))
})

t.test('RFC 1122 §3.3.2: a datagram has 30 s from its first fragment, later ones do not prolong it', async t => {
  const bench = new Bench()
  bench.arrive(first(16), 1000)
  bench.arrive(middle(16, 32), 20_000)
  bench.arrive(first(16, { id: 2 }), 5000)
  t.equal(bench.reassembly.nextDeadline, 31_000)
  bench.reassembly.expire(30_999)
  t.equal(bench.reassembly.datagrams, 2)
  bench.reassembly.expire(31_000)
  t.equal(bench.reassembly.datagrams, 1)
  t.equal(bench.reassembly.nextDeadline, 35_000)
  bench.reassembly.expire(35_000)
  t.ok(bench.isEmpty)
  t.same(bench.moved, { fragmentTimeout: 2 })
})

t.test('a source beyond its number of datagrams loses its own oldest', async t => {
  const bench = new Bench({ maxDatagramsPerSource: 2 })
  bench.arrive(first(16, { source: HERE, id: 1 }))
  for (const id of [1, 2, 3]) bench.arrive(first(16, { id }))
  t.same(bench.moved, { fragmentEvicted: 1 })
  t.equal(bench.arrive(last(16, 24, { id: 1 })), undefined)
  t.ok(bench.arrive(last(16, 24, { id: 3 })))
  t.ok(bench.arrive(last(16, 24, { source: HERE, id: 1 })), 'another source has lost nothing')
})

t.test('beyond the number of datagrams the oldest of all makes room', async t => {
  const bench = new Bench({ maxDatagrams: 3 })
  for (const source of [1, 2, 3, 4]) bench.arrive(first(16, { source }))
  t.equal(bench.reassembly.datagrams, 3)
  t.same(bench.moved, { fragmentEvicted: 1 })
  for (const source of [2, 3, 4]) t.ok(bench.arrive(last(16, 24, { source })), `${source} stayed`)
})

t.test('beyond the bytes the oldest makes room, but never the datagram that grows', async t => {
  const bench = new Bench({ maxBytes: 10_000 })
  bench.arrive(first(4000, { id: 1 }))
  bench.arrive(first(4000, { id: 2 }))
  bench.arrive(middle(4000, 8000, { id: 1 }))
  t.equal(bench.counters.fragmentEvicted, 1, 'the younger one went')
  t.ok(bench.reassembly.heldBytes <= 10_000)
  bench.arrive(middle(8000, 12_000, { id: 1 }))
  t.equal(bench.counters.fragmentNoRoom, 1)
  t.ok(bench.arrive(last(8000, 8001, { id: 1 })))
})

t.test('a datagram in too many pieces is condemned', async t => {
  const bench = new Bench({ maxFragments: 4 })
  for (let i = 0; i < 5; i++) bench.arrive(middle(8 * i, 8 * i + 8))
  t.same(bench.moved, { fragmentTooMany: 1 })
  t.equal(bench.reassembly.heldBytes, 0)
  bench.arrive(last(40, 48))
  t.equal(bench.counters.fragmentRefused, 1)
})

t.test('tiny fragments are not free: what is held counts more than their bytes', async t => {
  const bench = new Bench()
  bench.arrive(first(8))
  t.ok(bench.reassembly.heldBytes > 100)
})

const marks = [
  { what: 'CE and ECT(0)', tos: [ECN_ECT_0, ECN_CE], result: ECN_CE },
  { what: 'CE first', tos: [ECN_CE, ECN_ECT_1], result: ECN_CE },
  { what: 'all ECT(0)', tos: [ECN_ECT_0, ECN_ECT_0], result: ECN_ECT_0 },
  { what: 'none', tos: [ECN_NOT_ECT, ECN_NOT_ECT], result: ECN_NOT_ECT },
  { what: 'the rest of the field', tos: [0xb8, 0x04], result: 0xb8 },
  { what: 'CE and not ECN-capable', tos: [ECN_CE, ECN_NOT_ECT], result: undefined }
]
for (const { what, tos, result } of marks) {
  t.test(`RFC 3168 §5.3: marks of fragments, ${what} -> ${result ?? 'dropped'}`, async t => {
    const bench = new Bench()
    bench.arrive(last(16, 24, { tos: tos[1] }))
    const whole = bench.arrive(first(16, { tos: tos[0] }))
    if (result === undefined) {
      t.equal(whole, undefined)
      t.same(bench.moved, { fragmentBadEcn: 1 })
    } else {
      t.equal(bench.reassembly.tos, result)
    }
  })
}

t.test('any cut, order and number of duplicates: what comes out is what was cut', async t => {
  const random = new Random(3)
  for (let round = 0; round < 500; round++) {
    const bench = new Bench()
    const sources = 1 + random.int(4)
    const pieces: Piece[] = []
    for (let source = 1; source <= sources; source++) pieces.push(...randomPieces(random, source))
    const models = new Map(pieces.map(piece => [piece.source!, new Model()]))
    const whole = new Set<number>()
    for (const piece of random.shuffle([...pieces, ...pieces.filter(() => random.chance(0.2))])) {
      const result = bench.arrive(piece)
      if (!sameBytes(result, models.get(piece.source!)!.arrive(piece))) t.fail(`round ${round}: not as the model`)
      const end = Math.max(...pieces.filter(({ source }) => source === piece.source).map(({ end }) => end))
      if (result !== undefined && !sameBytes(result, TEXT.subarray(0, end))) t.fail(`round ${round}: other bytes`)
      if (result !== undefined) whole.add(piece.source!)
    }
    if (whole.size !== sources) t.fail(`round ${round}: ${whole.size} of ${sources} came out`)
    bench.reassembly.expire(Infinity)
    if (!bench.isEmpty) t.fail(`round ${round}: something was left`)
  }
  t.pass()
})

t.test('with forged fragments in between, a datagram comes out only where no two disagree', async t => {
  const random = new Random(4)
  const outcomes = { none: 0, whole: 0 }
  for (let round = 0; round < 5000; round++) {
    const bench = new Bench()
    const model = new Model()
    const pieces = random.shuffle(randomPieces(random, 1))
    const end = Math.max(...pieces.map(piece => piece.end))
    for (let forgeries = 1 + random.int(3); forgeries > 0; forgeries--) {
      const start = 8 * random.int(end >> 3)
      const length = 8 * (1 + random.int(20))
      const forged = middle(start, start + length, {
        source: 1,
        last: random.chance(0.3),
        text: new Uint8Array(length)
      })
      pieces.splice(random.int(pieces.length), 0, forged)
    }
    for (const piece of pieces) {
      const result = bench.arrive(piece)
      if (!sameBytes(result, model.arrive(piece))) t.fail(`round ${round}: not as the model`)
      outcomes[result === undefined ? 'none' : 'whole']++
    }
  }
  t.ok(outcomes.none > 0 && outcomes.whole > 0)
})

/** The rules with no thought of speed: all pieces are kept, and each new one is held against each old one. */
class Model {
  #pieces: { start: number; end: number; last: boolean; text: Uint8Array }[] = []
  #condemned = false

  arrive({ start, last, text: given, ...piece }: Piece): Uint8Array | undefined {
    const text = given ?? TEXT.subarray(start, piece.end)
    const end = start + text.length
    if (this.#condemned) return undefined
    const isRepeat = this.#pieces.some(old => old.start === start && old.last === last && sameBytes(old.text, text))
    if (isRepeat) return undefined
    this.#condemned = this.#pieces.some(old => {
      const overlaps = start < old.end && old.start < end
      const goesBeyond = (old.last && end > old.end) || (last && old.end > end)
      return overlaps || goesBeyond || (last && old.last)
    })
    this.#pieces.push({ start, end, last, text })
    if (this.#condemned) return undefined
    const total = this.#pieces.find(old => old.last)?.end
    if (total !== this.#pieces.reduce((sum, old) => sum + old.text.length, 0)) return undefined
    const inOrder = this.#pieces.sort((a, b) => a.start - b.start).map(old => old.text)
    this.#pieces = []
    return new Uint8Array(Buffer.concat(inOrder))
  }
}

/** TEXT up to a random end, cut at random multiples of 8. */
function randomPieces(random: Random, source: number): Piece[] {
  const end = 9 + random.int(random.chance(0.1) ? 60_000 : 600)
  const cuts = new Set([0])
  for (let i = random.int(20); i >= 0; i--) cuts.add(8 * random.int((end + 7) >> 3))
  const starts = [...cuts].sort((a, b) => a - b)
  const pieces = starts.map((start, i) =>
    middle(start, starts[i + 1] ?? end, { source, last: i === starts.length - 1 })
  )
  return pieces.length > 1 ? pieces : [first(8, { source }), last(8, end, { source })]
}

function sameBytes(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  return a === undefined || b === undefined ? a === b : Buffer.compare(a, b) === 0
}
