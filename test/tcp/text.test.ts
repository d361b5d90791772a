// RFC 9293 §3.10.7.4, the seventh and eighth steps: text in order and out of it, FIN, and RFC 2018's blocks.

import t from 'tap'
import { established } from '../support/peer.ts'

const SACK = { syn: { sackPermitted: true } }
const BASES = [1000, 0x7ffffff0, 0xfffffff0]

for (const isn of BASES) {
  t.test(`text is delivered once and in order, ISN ${isn}`, async t => {
    const rows = [
      {
        name: 'in order',
        segments: [
          [1, 'abc'],
          [4, 'def']
        ],
        reads: 'abcdef'
      },
      {
        name: 'out of order',
        segments: [
          [4, 'def'],
          [1, 'abc']
        ],
        reads: 'abcdef'
      },
      {
        name: 'twice',
        segments: [
          [1, 'abc'],
          [1, 'abc'],
          [4, 'def']
        ],
        reads: 'abcdef'
      },
      {
        name: 'overlapping on the left',
        segments: [
          [1, 'abc'],
          [2, 'bcdef']
        ],
        reads: 'abcdef'
      },
      {
        name: 'out of order, overlapping each other',
        segments: [
          [3, 'cdef'],
          [2, 'bcd'],
          [1, 'a']
        ],
        reads: 'abcdef'
      },
      {
        name: 'a hole filled by more than the hole',
        segments: [
          [5, 'ef'],
          [2, 'b'],
          [1, 'abcdef']
        ],
        reads: 'abcdef'
      },
      {
        name: 'three holes',
        segments: [
          [6, 'f'],
          [4, 'd'],
          [2, 'b'],
          [1, 'a'],
          [3, 'c'],
          [5, 'e']
        ],
        reads: 'abcdef'
      },
      {
        name: 'one inside another',
        segments: [
          [2, 'bcdef'],
          [3, 'cd'],
          [1, 'a']
        ],
        reads: 'abcdef'
      }
    ] as const
    for (const { name, segments, reads } of rows) {
      const peer = established({ isn })
      for (const [seq, text] of segments) peer.arrive({ flags: '.', seq, ack: 1, text })
      t.equal(peer.read(), reads, name)
      t.equal(peer.stack.counters().stack.slabUsedBytes, 0, `${name}: nothing is kept`)
    }
  })

  t.test(`SACK blocks tell what waits, the latest first (RFC 2018 §4), ISN ${isn}`, async t => {
    const peer = established({ isn, ...SACK })
    t.same(peer.arrive({ flags: '.', seq: 11, ack: 1, text: '0123456789' }), ['. 1 ack 1 sack 11-21'])
    t.same(peer.arrive({ flags: '.', seq: 31, ack: 1, text: '0123456789' }), ['. 1 ack 1 sack 31-41 11-21'])
    t.same(peer.arrive({ flags: '.', seq: 51, ack: 1, text: '0123456789' }), ['. 1 ack 1 sack 51-61 31-41 11-21'])
    t.same(peer.arrive({ flags: '.', seq: 21, ack: 1, text: '0123456789' }), ['. 1 ack 1 sack 11-41 51-61'], 'joined')
    t.same(
      peer.arrive({ flags: '.', seq: 1, ack: 1, text: '0123456789' }),
      ['. 1 ack 41 sack 51-61'],
      'the first hole is filled'
    )
    t.same(peer.arrive({ flags: '.', seq: 41, ack: 1, text: '0123456789' }), ['. 1 ack 61'], 'all is there')
  })
}

t.test('the example of RFC 2018 §4, case 2: the first of eight segments is lost', async t => {
  const peer = established({ isn: 4999, ...SACK })
  const lines: string[] = []
  for (let seq = 501; seq <= 3501; seq += 500) {
    lines.push(...peer.arrive({ flags: '.', seq, ack: 1, text: new Uint8Array(500) }))
  }
  t.same(lines, [
    '. 1 ack 1 sack 501-1001',
    '. 1 ack 1 sack 501-1501',
    '. 1 ack 1 sack 501-2001',
    '. 1 ack 1 sack 501-2501',
    '. 1 ack 1 sack 501-3001',
    '. 1 ack 1 sack 501-3501',
    '. 1 ack 1 sack 501-4001'
  ])
})

t.test('the example of RFC 2018 §4, case 3: the second, fourth, sixth and eighth are lost', async t => {
  const peer = established({ isn: 4999, ...SACK })
  t.same(peer.arrive({ flags: '.', seq: 1, ack: 1, text: new Uint8Array(500) }), [])
  t.same(peer.arrive({ flags: '.', seq: 1001, ack: 1, text: new Uint8Array(500) }), ['. 1 ack 501 sack 1001-1501'])
  t.same(peer.arrive({ flags: '.', seq: 2001, ack: 1, text: new Uint8Array(500) }), [
    '. 1 ack 501 sack 2001-2501 1001-1501'
  ])
  t.same(peer.arrive({ flags: '.', seq: 3001, ack: 1, text: new Uint8Array(500) }), [
    '. 1 ack 501 sack 3001-3501 2001-2501 1001-1501'
  ])
  t.same(
    peer.arrive({ flags: '.', seq: 1501, ack: 1, text: new Uint8Array(500) }),
    ['. 1 ack 501 sack 1001-2501 3001-3501'],
    'the fourth, late'
  )
  t.same(
    peer.arrive({ flags: '.', seq: 501, ack: 1, text: new Uint8Array(500) }),
    ['. 1 ack 2501 sack 3001-3501'],
    'the second, late'
  )
})

t.test('at most four blocks, three with timestamps (RFC 2018 §3)', async t => {
  for (const [ts, most] of [
    [undefined, 4],
    [[1, 0] as [number, number], 3]
  ] as const) {
    const peer = established({ syn: { sackPermitted: true, ...(ts === undefined ? {} : { ts }) } })
    let line = ''
    for (let i = 1; i <= 6; i++) {
      line = peer.arrive({ flags: '.', seq: 1 + 20 * i, ack: 1, text: 'ab', ...(ts === undefined ? {} : { ts }) })[0]
    }
    t.equal(line.split('sack ')[1].split(' ').length, most)
  }
})

t.test('without SACK-permitted on both SYNs there is never a block (RFC 2018 §2)', async t => {
  const peer = established()
  t.same(peer.arrive({ flags: '.', seq: 11, ack: 1, text: 'x' }), ['. 1 ack 1'])
})

t.test('text beyond the window is cut off, and the FIN behind it with it (§3.10.7.4)', async t => {
  const peer = established({ sockets: { receiveBuffer: 2048 } })
  peer.arrive({ flags: 'F.', seq: 1, ack: 1, text: new Uint8Array(3000).fill(65) })
  t.equal(peer.connection?.readableBytes, 2048)
  t.equal(peer.state, 'ESTABLISHED')
  t.equal(peer.stack.counters().tcp.droppedOutsideWindow, 1)
})

t.test('more holes than are kept: the next is dropped and counted, the text in order still taken', async t => {
  const peer = established({ syn: { windowScale: 7, sackPermitted: true } })
  peer.arrive({ flags: '.', seq: 1, ack: 1, text: 'x' })
  peer.read()
  peer.settle()
  for (let i = 0; i < 1030; i++) peer.arrive({ flags: '.', seq: 10 + 3 * i, ack: 1, text: 'y' })
  t.equal(peer.stack.counters().tcp.droppedTooManyHoles, 6)
  peer.arrive({ flags: '.', seq: 2, ack: 1, text: 'z' })
  t.equal(peer.read(), 'z')
})

t.test('no memory for text out of order: dropped and counted, the text in order still taken', async t => {
  const peer = established({
    stack: { memoryLimit: 1024 * 1024 },
    sockets: { receiveBuffer: 4 * 1024 * 1024 },
    syn: { windowScale: 7 }
  })
  peer.arrive({ flags: '.', seq: 1, ack: 1, text: 'x' })
  peer.read()
  peer.settle()
  peer.arrive({ flags: '.', seq: 2_000_000, ack: 1, text: 'far' })
  t.equal(peer.stack.counters().tcp.droppedOutOfMemory, 1)
  peer.arrive({ flags: '.', seq: 2, ack: 1, text: 'near' })
  t.equal(peer.read(), 'near')
})

t.test('FIN out of order is kept and acted on when its turn comes (§3.4)', async t => {
  const peer = established()
  t.same(peer.arrive({ flags: 'F.', seq: 4, ack: 1, text: 'def' }), ['. 1 ack 1'])
  t.equal(peer.state, 'ESTABLISHED')
  t.same(peer.arrive({ flags: '.', seq: 1, ack: 1, text: 'abc' }), ['. 1 ack 8'])
  t.equal(peer.state, 'CLOSE-WAIT')
  t.equal(peer.read(), 'abcdef')
  t.same(peer.told, ['readable', 'ended'])
})

t.test('a second FIN elsewhere changes nothing: the first one stands', async t => {
  for (const second of [6, 9]) {
    const peer = established()
    peer.arrive({ flags: 'F.', seq: 7, ack: 1 })
    peer.arrive({ flags: 'F.', seq: second, ack: 1 })
    peer.arrive({ flags: '.', seq: 1, ack: 1, text: 'abcdef' })
    t.equal(peer.state, 'CLOSE-WAIT', `second at ${second}`)
    t.equal(peer.read(), 'abcdef')
  }
})

t.test(
  'a FIN behind a hole is acknowledged each time it comes: the peer counts the duplicates (RFC 5681 §4.2)',
  async t => {
    const peer = established()
    t.same(peer.arrive({ flags: 'F.', seq: 7, ack: 1 }), ['. 1 ack 1'])
    t.same(peer.arrive({ flags: 'F.', seq: 7, ack: 1 }), ['. 1 ack 1'])
    t.equal(peer.stack.counters().tcp.droppedOutsideWindow, 0)
    t.same(peer.arrive({ flags: 'F.', seq: 9, ack: 1 }), ['. 1 ack 1'], 'elsewhere')
    t.equal(peer.stack.counters().tcp.droppedOutsideWindow, 1)
  }
)

t.test('a FIN in front of text that has come already is no FIN of this peer', async t => {
  const peer = established()
  peer.arrive({ flags: '.', seq: 11, ack: 1, text: 'late' })
  peer.arrive({ flags: 'F.', seq: 5, ack: 1 })
  peer.arrive({ flags: '.', seq: 1, ack: 1, text: '0123456789' })
  t.equal(peer.state, 'ESTABLISHED')
  t.equal(peer.read(), '0123456789late')
})

t.test('text behind the FIN is ignored', async t => {
  const peer = established()
  peer.arrive({ flags: 'F.', seq: 1, ack: 1 })
  peer.arrive({ flags: 'P.', seq: 2, ack: 1, text: 'more' })
  t.equal(peer.connection?.readableBytes, 0)
  t.equal(peer.stack.counters().tcp.droppedTextAfterFin, 1)
})

t.test('what was received stays readable after the FIN, and after a RST', async t => {
  for (const end of [
    { flags: 'F.', seq: 4, ack: 1 },
    { flags: 'R', seq: 4 }
  ]) {
    const peer = established()
    peer.arrive({ flags: 'P.', seq: 1, ack: 1, text: 'abc' })
    peer.arrive(end)
    t.equal(peer.read(), 'abc', end.flags)
  }
})

t.test('urgent text is delivered in line (RFC 6093 §5)', async t => {
  const peer = established()
  peer.arrive({ flags: 'PU.', seq: 1, ack: 1, text: 'abc', urgentPointer: 2 })
  t.equal(peer.read(), 'abc')
})

t.test('delayed ACK: the timer, the second full segment, company (§3.8.6.3, RFC 5681 §4.2)', async t => {
  const fresh = (): ReturnType<typeof established> => {
    const peer = established()
    // The window has been told in full, so that reading is no reason for an ACK.
    peer.arrive({ flags: '.', seq: 1, ack: 1, text: new Uint8Array(1460) })
    peer.wait(100)
    return peer
  }
  const small = fresh()
  t.same(small.arrive({ flags: 'P.', seq: 1461, ack: 1, text: 'x' }), [])
  t.same(small.wait(100), ['40 . 1 ack 1462'], 'the timer')
  const full = fresh()
  t.same(full.arrive({ flags: '.', seq: 1461, ack: 1, text: new Uint8Array(1460) }), [])
  t.same(
    full.arrive({ flags: '.', seq: 2921, ack: 1, text: new Uint8Array(1460) }),
    ['. 1 ack 4381'],
    'the second full segment'
  )
  t.same(full.wait(100), [], 'and then no timer')
  const company = fresh()
  company.arrive({ flags: 'P.', seq: 1461, ack: 1, text: 'x' })
  t.same(
    company.call(c => c.write(new Uint8Array(1))),
    ['P. 1+1 ack 1462'],
    'company'
  )
  t.same(company.wait(100), [], 'and then no timer')
})

t.test('one ACK a batch and connection, not one a segment', async t => {
  const peer = established()
  const segments = Array.from({ length: 10 }, (_, i) => ({
    flags: '.',
    seq: 1 + 1460 * i,
    ack: 1,
    text: new Uint8Array(1460)
  }))
  t.same(peer.arrive(...segments), ['. 1 ack 14601'])
})
