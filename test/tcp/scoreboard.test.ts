// The scoreboard's bookkeeping against a count of all records: counters, the order, and the two lists, whatever happens in
// whatever order.

import t from 'tap'
import { Random } from '../../src/random.ts'
import { RecordPool } from '../../src/tcp/records.ts'
import { LOST, RESENT, SACKED, Scoreboard } from '../../src/tcp/scoreboard.ts'
import { add, ahead, lt, type Seq, toSeq } from '../../src/tcp/seq.ts'

const SMSS = 1000
const at = (n: number): Seq => toSeq(n)

/** Ten records of three segments each, from `base`, sent a millisecond apart. */
function filled(base: Seq, pool = new RecordPool()): { board: Scoreboard; pool: RecordPool } {
  const board = new Scoreboard()
  for (let i = 0; i < 10; i++) board.append(add(base, i * 3 * SMSS), add(base, (i + 1) * 3 * SMSS), 3, i, pool)
  return { board, pool }
}

function ids(board: Scoreboard): number[] {
  return Array.from({ length: board.count }, (_, place) => board.at(place))
}

function list(board: Scoreboard, first: number): number[] {
  const found: number[] = []
  for (let id = first; id >= 0; id = board.next(id)) found.push(id)
  return found
}

function faults(board: Scoreboard): string[] {
  const found: string[] = []
  const sum = (flag: number): number =>
    ids(board).reduce((n, id) => n + ((board.flags(id) & flag) !== 0 ? board.segments(id) : 0), 0)
  if (board.sent !== ids(board).reduce((n, id) => n + board.segments(id), 0)) found.push('sent')
  if (board.sacked !== sum(SACKED)) found.push('sacked')
  if (board.lost !== sum(LOST)) found.push('lost')
  if (board.resent !== sum(RESENT)) found.push('resent')
  const records = ids(board)
  for (let i = 1; i < records.length; i++) {
    if (board.end(records[i - 1]) !== board.start(records[i])) found.push(`a gap before place ${i}`)
  }
  const flying = list(board, board.oldest)
  const lost = list(board, board.firstLost)
  const wanted = records.filter(id => (board.flags(id) & SACKED) === 0)
  const isWaiting = (id: number): boolean => (board.flags(id) & (LOST | RESENT)) === LOST
  if (flying.length + lost.length !== wanted.length) found.push('a record is in no list, or in two')
  if (flying.some(isWaiting) || !lost.every(isWaiting)) found.push('a record is in the wrong list')
  if (flying.some((id, i) => i > 0 && board.sentAt(flying[i - 1]) > board.sentAt(id))) found.push('not by time')
  if (lost.some((id, i) => i > 0 && !lt(board.start(lost[i - 1]), board.start(id)))) found.push('not by number')
  return found
}

for (const base of [1, 0x7fffff00, 0xfffffff0].map(at)) {
  t.test(`a record is found by any of its numbers, from ${base >>> 0}`, async t => {
    const { board } = filled(base)
    t.equal(board.find(base), 0)
    t.equal(board.find(add(base, 2999)), 0)
    t.equal(board.find(add(base, 3000)), 1)
    t.equal(board.find(add(base, 29_999)), 9)
    t.equal(board.find(add(base, 30_000)), 10)
  })

  t.test(`a split shares flags and times, and counts as much as before, from ${base >>> 0}`, async t => {
    const { board, pool } = filled(base)
    board.lose(board.at(4))
    board.resend(board.at(4), 50)
    board.split(4, add(base, 4 * 3000 + 1000), 1, 2, pool)
    t.equal(board.count, 11)
    t.same(
      [board.bytes(board.at(4)), board.bytes(board.at(5)), board.sentAt(board.at(5)), board.segments(board.at(5))],
      [1000, 2000, 50, 2]
    )
    t.same([board.sent, board.lost, board.resent], [30, 3, 3])
    t.same(faults(board), [])
    board.join(4, 3)
    t.equal(board.bytes(board.at(4)), 3000)
    t.same(faults(board), [])
  })
}

t.test('what is lost stands by number, in whatever order it is found', async t => {
  const { board } = filled(at(1))
  for (const place of [5, 2, 7, 3, 9, 0, 4, 8, 6, 1]) {
    board.lose(board.at(place))
    t.same(faults(board), [])
  }
  t.same(list(board, board.firstLost), ids(board))
})

t.test('what was not lost after all is in flight by the time it was sent', async t => {
  const { board } = filled(at(1))
  for (const place of [1, 2, 6]) board.lose(board.at(place))
  board.resend(board.at(2), 100)
  board.unloseAll()
  t.same(
    list(board, board.oldest).map(id => board.sentAt(id)),
    [0, 1, 3, 4, 5, 6, 7, 8, 9, 100]
  )
  t.equal(board.lost, 0)
})

t.test('what the peer has thrown away is in flight again', async t => {
  const { board } = filled(at(1))
  for (const place of [9, 3, 4]) board.sack(board.at(place))
  board.held.insert(at(9001), at(15_001))
  board.renege()
  t.same([board.sacked, board.held.count], [0, 0])
  t.same(list(board, board.oldest), ids(board))
})

t.test('a block goes back to the pool when nothing is in flight, and is used again', async t => {
  const pool = new RecordPool()
  const block = pool.take(16)
  pool.release(block)
  t.equal(pool.take(10), block)
  t.not(pool.take(10), block)
})

t.test('any sequence of events: counters, lists and order hold', async t => {
  for (let seed = 1; seed <= 60; seed++) {
    const random = new Random(seed)
    const pool = new RecordPool()
    const board = new Scoreboard()
    let end = at(random.uint32())
    let now = 0
    const pick = (wanted: (flags: number) => boolean): number => {
      const some = ids(board).filter(id => wanted(board.flags(id)))
      return some.length === 0 ? -1 : some[random.int(some.length)]
    }
    for (let step = 0; step < 300; step++) {
      now += random.int(3)
      const what = random.int(8)
      if (what <= 1) {
        const segments = 1 + random.int(4)
        const start = end
        end = add(end, segments * SMSS)
        board.append(start, end, segments, now, pool)
      } else if (what === 2) {
        const id = pick(flags => (flags & SACKED) === 0)
        if (id >= 0) board.sack(id)
      } else if (what === 3) {
        const id = pick(flags => (flags & SACKED) === 0 && (flags & (LOST | RESENT)) !== LOST)
        if (id >= 0) board.lose(id)
      } else if (what === 4) {
        if (board.firstLost >= 0) board.resend(board.firstLost, now)
      } else if (what === 5) {
        const place = board.count === 0 ? -1 : random.int(board.count)
        const segments = place < 0 ? 1 : board.segments(board.at(place))
        if (segments > 1) board.split(place, add(board.start(board.at(place)), SMSS), 1, segments - 1, pool)
      } else if (what === 6) {
        if (board.count > 0 && random.int(2) === 0) board.removeFirst()
        else if (board.count > 0 && board.segments(board.at(0)) > 1) {
          board.trimFirst(add(board.start(board.at(0)), SMSS), board.segments(board.at(0)) - 1)
        }
        if (board.count === 0) board.releaseBlock(pool)
      } else if (random.int(20) === 0) board.unloseAll()
      const found = faults(board)
      if (found.length > 0) return void t.same(found, [], `seed ${seed}, step ${step}, event ${what}`)
    }
    t.ok(board.count === 0 || ahead(end, board.start(board.at(0))) > 0)
  }
})
