// A connection that is packed and unpacked is the same as before, field by field: a field that is added to the record has to be kept, or
// to be named here among those that an idle connection cannot have, or may forget.

import t from 'tap'
import { resolve } from '../../src/options.ts'
import { ReceiveTuning } from '../../src/tcp/buffer-tuning.ts'
import { Cubic } from '../../src/tcp/congestion/cubic.ts'
import { NewReno } from '../../src/tcp/congestion/new-reno.ts'
import { socketOptions } from '../../src/tcp/options.ts'
import { mayBePacked, PackedRows, pack, unpack } from '../../src/tcp/packed.ts'
import { toSeq } from '../../src/tcp/seq.ts'
import { State } from '../../src/tcp/state.ts'
import { Repair, Tcb } from '../../src/tcp/tcb.ts'

const options = resolve(socketOptions, {})

type Fields = Record<string, unknown>
const fieldsOf = (tcb: Tcb): Fields => tcb as unknown as Fields

/** With any of these values a connection is not idle. */
const NOT_IDLE: Fields = {
  state: State.CLOSE_WAIT,
  synchronized: false,
  sndUna: toSeq(99),
  urgentUnacked: true,
  finQueued: true,
  finSent: true,
  ackOwed: true,
  duplicateKnown: true,
  paceWaits: true,
  urgentUnread: true,
  finKnown: true,
  events: 1,
  scheduled: true,
  told: true,
  writerWaits: true,
  readerGone: true,
  error: 'ECONNRESET',
  softError: 'EHOSTUNREACH',
  repair: Repair.DISORDER,
  backoff: 1,
  retries: 1,
  probeOutstanding: true,
  forwardRto: true,
  sendsNewFirst: true,
  synSentAt: 1000,
  accurateEcn: {},
  retransmitAt: 1000,
  persistAt: 1000,
  delayedAckAt: 1000,
  finWait2At: 1000,
  pacedUntil: 1000,
  heldUntil: 1000,
  corkedUntil: 1000,
  unansweredSince: 1000,
  reducedUntil: 1000
}

/** What nobody looks at while nothing is under way. */
const FORGOTTEN = new Set([
  'sndUp',
  'rcvUp',
  'rcvFin',
  'duplicateLeft',
  'duplicateRight',
  'recentSack0',
  'recentSack1',
  'recentSack2',
  'recentSack3',
  'fullMss',
  'probeEnd',
  'prrDelivered',
  'prrOut',
  'prrGranted',
  'prrFlight'
])

/** Objects, and what the table of connections sets. */
const APART = new Set([
  'slot',
  'scoreboard',
  'sendBuffer',
  'receiveBuffer',
  'receiveTuning',
  'options',
  'congestion',
  'user',
  'packed'
])

/** Doubles; all other numbers are int32. */
const FRACTIONS = /(At|rttMs|rttvarMs|RttMs|rtoMs|Since|Cwnd|cwnd|sthresh|pacingRate)$/
const LARGE = /^(bytes|segments|delivered$|lost$|deliveredSegments|retransmits|reoWndDelivered|appLimitedUntil)/

function idle(): Tcb {
  const tcb = new Tcb(options, new Cubic(), 5)
  tcb.state = State.ESTABLISHED
  tcb.synchronized = true
  tcb.iss = toSeq(7)
  setNext(tcb, 77)
  return tcb
}

function setNext(tcb: Tcb, next: number): void {
  tcb.sndNxt = tcb.sndUna = toSeq(next)
  tcb.sendBuffer.beginAt(tcb.sndNxt)
}

const KEPT = Object.keys(idle()).filter(name => !(name in NOT_IDLE || FORGOTTEN.has(name) || APART.has(name)))
const FLAGS = KEPT.filter(name => typeof fieldsOf(idle())[name] === 'boolean')
const NUMBERS = KEPT.filter(name => typeof fieldsOf(idle())[name] === 'number' && name !== 'sndNxt')

function worthOf(name: string, i: number): number {
  if (FRACTIONS.test(name) && name !== 'nonsenseAt') return 1000 * i + 0.25
  return LARGE.test(name) ? 2 ** 33 + i : -(2 ** 30) - i
}

/** One that has been used, and packed, with all that it could keep. */
function used(rows: PackedRows): Tcb {
  const tcb = idle()
  for (const name of FLAGS) fieldsOf(tcb)[name] = true
  NUMBERS.forEach((name, i) => {
    fieldsOf(tcb)[name] = i + 4711
  })
  tcb.sendBuffer.sendsZeros = true
  tcb.receiveBuffer.keepsNothing = true
  pack(tcb, rows)
  return tcb
}

for (const [what, make] of [
  ['a new record', () => new Tcb(options, new Cubic(), 0)],
  ['a record that was used', used]
] as const) {
  t.test(`numbers come back, each in its place: ${what}`, async t => {
    const rows = new PackedRows()
    const before = idle()
    setNext(before, -123)
    NUMBERS.forEach((name, i) => {
      fieldsOf(before)[name] = worthOf(name, i)
    })
    before.sendBuffer.limit = 12_345
    before.receiveBuffer.limit = 54_321
    before.user = {}
    before.receiveTuning = new ReceiveTuning(before, 3)
    const { user, receiveTuning } = before
    const packed = pack(before, rows)
    t.equal(packed.state, State.ESTABLISHED)
    const after = make(rows)
    unpack(packed, after, rows)
    NUMBERS.forEach((name, i) => {
      t.equal(fieldsOf(after)[name], worthOf(name, i), name)
    })
    t.equal(after.sndNxt, -123)
    t.equal(after.sndUna, -123)
    t.equal(after.sendBuffer.start, -123)
    t.equal(after.sendBuffer.end, -123)
    t.equal(after.sendBuffer.limit, 12_345)
    t.equal(after.receiveBuffer.limit, 54_321)
    t.equal(after.user, user)
    t.equal(after.receiveTuning, receiveTuning)
    t.equal(before.receiveTuning, null, 'a record that is used again has none of another connection')
    t.equal(after.options, options)
    t.ok(mayBePacked(after))
  })

  t.test(`each flag comes back alone: ${what}`, async t => {
    const rows = new PackedRows()
    for (const flag of [...FLAGS, 'sendsZeros', 'keepsNothing', 'none']) {
      const before = idle()
      if (flag === 'sendsZeros') before.sendBuffer.sendsZeros = true
      else if (flag === 'keepsNothing') before.receiveBuffer.keepsNothing = true
      else if (flag !== 'none') fieldsOf(before)[flag] = true
      const after = make(rows)
      unpack(pack(before, rows), after, rows)
      const up = FLAGS.filter(name => fieldsOf(after)[name] === true)
      if (after.sendBuffer.sendsZeros) up.push('sendsZeros')
      if (after.receiveBuffer.keepsNothing) up.push('keepsNothing')
      t.same(up, flag === 'none' ? [] : [flag])
    }
  })
}

t.test('every field is either kept, or idle at one value, or forgotten', async t => {
  t.same(
    KEPT.filter(name => !FLAGS.includes(name) && !NUMBERS.includes(name)),
    ['sndNxt']
  )
  for (const name of [...Object.keys(NOT_IDLE), ...FORGOTTEN, ...APART]) t.ok(name in idle(), name)
})

t.test('who is not idle is not packed', async t => {
  t.ok(mayBePacked(idle()))
  for (const [name, value] of Object.entries(NOT_IDLE)) {
    const tcb = idle()
    fieldsOf(tcb)[name] = value
    t.notOk(mayBePacked(tcb), name)
  }
  const unsent = idle()
  unsent.sendBuffer.end = toSeq(78)
  t.notOk(mayBePacked(unsent))
  const unread = idle()
  unread.receiveBuffer.readable = 1
  t.notOk(mayBePacked(unread))
  const holed = idle()
  holed.receiveBuffer.waiting.insert(toSeq(5), toSeq(6))
  t.notOk(mayBePacked(holed))
})

t.test('a controller that knows more than CUBIC at its beginning stays as it is, and goes to nobody else', async t => {
  const rows = new PackedRows()
  const reno = new NewReno()
  const first = new Tcb(options, reno, 0)
  Object.assign(first, { state: State.ESTABLISHED, synchronized: true })
  const packedFirst = pack(first, rows)
  const second = idle()
  const packedSecond = pack(second, rows)
  unpack(packedSecond, first, rows)
  t.ok(first.congestion instanceof Cubic)
  unpack(packedFirst, second, rows)
  t.equal(second.congestion, reno)

  const lossy = idle()
  lossy.sndMss = 1000
  lossy.cwnd = 20_000
  const cubic = lossy.congestion
  cubic.lossDetected(lossy, 0)
  const packedLossy = pack(lossy, rows)
  const other = idle()
  unpack(packedLossy, other, rows)
  t.equal(other.congestion, cubic)
})

t.test('rows are used again, and are as many as are needed', async t => {
  const rows = new PackedRows()
  const packed = Array.from({ length: 3000 }, (_, i) => {
    const tcb = idle()
    tcb.bytesSent = i
    return pack(tcb, rows)
  })
  t.equal(new Set(packed.map(({ row }) => row)).size, 3000)
  packed.forEach((each, i) => {
    const tcb = idle()
    unpack(each, tcb, rows)
    t.equal(tcb.bytesSent, i)
    pack(tcb, rows)
    if (each.row >= 3072) t.fail(`row ${each.row}`)
  })
})
