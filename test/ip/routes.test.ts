// Path MTU by destination: RFC 1191, Linux's floor, and the limits.

import t from 'tap'
import { plateauBelow, Routes } from '../../src/ip/routes.ts'

const LINK = 1500

t.test('without a report the link decides', async t => {
  t.equal(new Routes().mtuTo(1, 0, LINK), LINK)
})

const reports = [
  { mtu: 1400, answer: 1400, holds: 1400, mayFragment: false },
  { mtu: 552, answer: 552, holds: 552, mayFragment: false },
  { mtu: 551, answer: 552, holds: 552, mayFragment: true },
  { mtu: 68, answer: 552, holds: 552, mayFragment: true },
  // RFC 791 §3.2: no such link.
  { mtu: 67, answer: 0, holds: LINK, mayFragment: false },
  { mtu: 0, answer: 0, holds: LINK, mayFragment: false },
  // RFC 1191 §3: a report never makes it larger.
  { mtu: 1500, answer: 0, holds: LINK, mayFragment: false },
  { mtu: 9000, answer: 0, holds: LINK, mayFragment: false }
]
for (const row of reports) {
  t.test(`a report of ${row.mtu} on a link of ${LINK} -> ${row.holds}`, async t => {
    const routes = new Routes()
    t.equal(routes.mtuReported(7, row.mtu, 0, LINK), row.answer)
    t.equal(routes.mtuTo(7, 1, LINK), row.holds)
    t.equal(routes.mayFragment(7, 1), row.mayFragment)
    t.equal(routes.mtuTo(8, 1, LINK), LINK, 'other destinations are not concerned')
    t.equal(routes.refused, row.mtu < 68 ? 1 : 0)
  })
}

t.test('RFC 1191 §6.3: after ten minutes the MTU of the link is tried again', async t => {
  const routes = new Routes()
  routes.mtuReported(7, 1400, 1000, LINK)
  t.equal(routes.mtuTo(7, 600_999, LINK), 1400)
  t.equal(routes.mtuTo(7, 601_000, LINK), LINK)
  t.equal(routes.size, 0)
})

t.test('a smaller report counts from its own time, a larger one changes nothing', async t => {
  const routes = new Routes()
  routes.mtuReported(7, 1400, 0, LINK)
  t.equal(routes.mtuReported(7, 1300, 500_000, LINK), 1300)
  t.equal(routes.mtuReported(7, 1350, 700_000, LINK), 0)
  t.equal(routes.mtuTo(7, 1_099_999, LINK), 1300)
  t.equal(routes.mtuTo(7, 1_100_000, LINK), LINK)
})

t.test('a link of less than the floor keeps its own MTU', async t => {
  const routes = new Routes()
  t.equal(routes.mtuReported(7, 100, 0, 300), 300)
  t.equal(routes.mtuTo(7, 0, 300), 300)
})

t.test('the floor can be lowered, to 68 at most', async t => {
  t.equal(new Routes({ minMtu: 100 }).mtuReported(7, 200, 0, LINK), 200)
  t.equal(new Routes({ minMtu: 0 }).mtuReported(7, 67, 0, LINK), 0)
})

t.test('beyond the number of entries the oldest is forgotten', async t => {
  const routes = new Routes({ maxEntries: 3 })
  for (const destination of [1, 2, 3]) routes.mtuReported(destination, 1400, 0, LINK)
  routes.mtuReported(2, 1300, 1, LINK)
  t.equal(routes.mtuTo(1, 1, LINK), 1400, 'a second report for one needs no room')
  routes.mtuReported(4, 1400, 2, LINK)
  t.equal(routes.size, 3)
  t.same(
    [1, 2, 3, 4].map(destination => routes.mtuTo(destination, 3, LINK)),
    [LINK, 1300, 1400, 1400]
  )
})

t.test('RFC 1191 §7.1: the plateau below what was too much', async t => {
  t.same(
    [65535, 32000, 1500, 1492, 1491, 500, 296, 68, 20].map(plateauBelow),
    [32000, 17914, 1492, 1006, 1006, 296, 68, 68, 68]
  )
})
