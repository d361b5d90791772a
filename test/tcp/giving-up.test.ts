// How long the stack goes on when nobody answers: R1 and R2 (RFC 9293 §3.8.3), user timeouts and their option (RFC 5482),
// black holes (RFC 4821 §7.7), and a close that does not wait at all.

import t from 'tap'
import { established, knock, PEER_ADDRESS, Peer, parsed } from '../support/peer.ts'

const OPTION = { userTimeoutOption: true }

t.test('a user timeout ends the connection that long after the first text that nobody answers', async t => {
  const peer = established({ sockets: { userTimeoutMs: 2500 } })
  peer.wait(10_000)
  peer.call(c => c.write(new Uint8Array(10)))
  peer.wait(2499)
  t.equal(peer.state, 'ESTABLISHED')
  t.same(peer.wait(1), [])
  t.same(peer.told, ['closed ETIMEDOUT'])
})

t.test('an ACK of something new begins it anew, an ACK of all ends it', async t => {
  const peer = established({ sockets: { userTimeoutMs: 2000 } })
  peer.call(c => c.write(new Uint8Array(2920)))
  peer.wait(1500)
  peer.arrive({ flags: '.', seq: 1, ack: 1001 })
  peer.wait(1999)
  t.equal(peer.state, 'ESTABLISHED')
  peer.arrive({ flags: '.', seq: 1, ack: 2921 })
  peer.wait(100_000)
  t.equal(peer.state, 'ESTABLISHED')
})

t.test('it counts for a window that stays closed, though the peer answers each probe', async t => {
  const peer = established({ window: 0, sockets: { userTimeoutMs: 5000 } })
  peer.call(c => c.write(new Uint8Array(10)))
  for (let i = 0; i < 49; i++) {
    peer.wait(100)
    peer.arrive({ flags: '.', seq: 1, ack: 1, window: 0 })
  }
  t.equal(peer.state, 'ESTABLISHED')
  peer.wait(100)
  t.same(peer.told, ['closed ETIMEDOUT'])
})

t.test('it takes the place of counting retransmissions, and may be longer', async t => {
  const peer = established({ sockets: { userTimeoutMs: 100_000, retries: 2 } })
  peer.call(c => c.write(new Uint8Array(10)))
  peer.wait(99_999)
  t.equal(peer.state, 'ESTABLISHED')
  peer.wait(1)
  t.equal(peer.state, 'CLOSED')
})

t.test('it ends an active open, and with keepalive a connection on which nobody answers a probe', async t => {
  const connecting = new Peer().connect({ userTimeoutMs: 2500 })
  t.same(connecting.wait(5000), ['1000 S 0'])
  t.same(connecting.told, ['closed ETIMEDOUT'])
  const keepAlive = { keepAlive: true, keepAliveIdleMs: 1000, keepAliveIntervalMs: 1000, keepAliveProbes: 1 }
  const idle = established({ sockets: { ...keepAlive, userTimeoutMs: 3500 } })
  t.same(idle.wait(10_000), ['1000 . 0 ack 1', '2000 . 0 ack 1', '3000 . 0 ack 1', '4000 R. 1 ack 1'])
})

t.test('R1: the user is told once, and again only after progress', async t => {
  const peer = established({ sockets: { troubleRetries: 2 } })
  let troubles = 0
  peer.connection!.handlers.troubled = () => troubles++
  peer.call(c => c.write(new Uint8Array(10)))
  peer.wait(20_000)
  t.equal(troubles, 1)
  peer.arrive({ flags: '.', seq: 1, ack: 11 })
  peer.call(c => c.write(new Uint8Array(10)))
  peer.wait(200_000)
  t.equal(troubles, 2)
  t.equal(peer.stack.counters().tcp.troubles, 2)
})

t.test(
  'R1 comes with the third retransmission unless told otherwise, and the way is looked up anew (SHLD-10, MUST-20)',
  async t => {
    const peer = established()
    const forgotten: number[] = []
    Object.assign(peer.link, { forgetRoute: (address: number) => forgotten.push(address) })
    let troubles = 0
    peer.connection!.handlers.troubled = () => troubles++
    peer.call(c => c.write(new Uint8Array(10)))
    t.equal(peer.wait(200 + 400).length, 2)
    t.same([troubles, forgotten], [0, []])
    t.equal(peer.wait(800).length, 1)
    t.same([troubles, forgotten], [1, [PEER_ADDRESS]])
  }
)

t.test('by default text is given up after more than 100 s (SHLD-11), a SYN after two minutes', async t => {
  const peer = established()
  peer.call(c => c.write(new Uint8Array(10)))
  peer.wait(900_000)
  t.equal(peer.state, 'ESTABLISHED')
  peer.wait(100_000)
  t.same(peer.told, ['closed ETIMEDOUT'])
  for (const [sockets, seconds] of [
    [{}, 127],
    [{ synRetries: 7 }, 247] // three minutes and more (MUST-23)
  ] as const) {
    const connecting = new Peer().connect(sockets)
    connecting.wait(1000 * seconds - 1)
    t.equal(connecting.state, 'SYN-SENT')
    connecting.wait(1)
    t.same(connecting.told, ['closed ETIMEDOUT'])
  }
})

t.test('R2 by the number of retransmissions, for text and for a SYN (SHLD-11)', async t => {
  const peer = established({ sockets: { retries: 3 } })
  peer.call(c => c.write(new Uint8Array(10)))
  t.equal(peer.wait(100_000).length, 3)
  t.same(peer.told, ['closed ETIMEDOUT'])
  t.equal(new Peer().connect({ synRetries: 2 }).wait(100_000).length, 2)
})

t.test('the first SYNs at an even pace, where that is wanted', async t => {
  const times = new Peer()
    .connect({ synLinearTimeouts: 3, synRetries: 6 })
    .wait(200_000)
    .map(line => Number(line.split(' ')[0]))
  t.same(times, [1000, 2000, 3000, 4000, 6000, 10_000])
})

// --- RFC 5482 ---

t.test('the option goes on the SYN, and on the first segment without one; 5 minutes unless told otherwise', async t => {
  const peer = new Peer({ sockets: OPTION })
  peer.connect()
  t.equal(parsed(peer.link.sent[0]).userTimeout, 300)
  peer.link.sent = []
  peer.link.deliver(peer.packet({ flags: 'S.', seq: 0, ack: 1, mss: 1460 }))
  peer.settle()
  t.equal(peer.last().userTimeout, 300)
  peer.link.sent = []
  peer.connection?.write(new Uint8Array(1))
  peer.settle()
  t.equal(peer.last().userTimeout, -1, 'and then no more')
})

t.test('on the SYN-ACK too, in minutes where seconds do not fit, and again when it changes', async t => {
  const peer = new Peer({ sockets: { ...OPTION, advertisedUserTimeoutMs: 40_000_000 } }).listen()
  t.equal(knock(peer, 5001)?.userTimeout, 0x8000 | 667)
  peer.arrive({ flags: 'P.', seq: 1, ack: 1, text: 'x' })
  peer.connection?.setOptions({ advertisedUserTimeoutMs: 90_000 })
  peer.connection?.write(new Uint8Array(1460))
  peer.link.sent = []
  peer.settle()
  const first = parsed(peer.link.sent[0])
  t.same([first.userTimeout, first.payloadLength], [90, 1456], 'it takes room')
})

t.test('what is adopted: the larger of the two, within bounds, and what the user has set stays', async t => {
  const rows = [
    { what: "the peer's", peer: 600, sockets: {}, holds: 600_000 },
    { what: 'ours', peer: 200, sockets: {}, holds: 300_000 },
    { what: 'the lower bound', peer: 1, sockets: { advertisedUserTimeoutMs: 1000 }, holds: 100_000 },
    { what: 'the upper bound', peer: 0x8000 | 0x7fff, sockets: {}, holds: 7_200_000 },
    { what: 'minutes', peer: 0x8000 | 20, sockets: {}, holds: 1_200_000 },
    { what: 'zero is reserved', peer: 0, sockets: {}, holds: 0 },
    { what: 'what the user has set', peer: 600, sockets: { userTimeoutMs: 5000 }, holds: 5000 },
    { what: 'not without the option', peer: 600, sockets: { userTimeoutOption: false }, holds: 0 }
  ]
  for (const { what, peer: option, sockets, holds } of rows) {
    const peer = established({ sockets: { ...OPTION, ...sockets } })
    peer.arrive({ flags: '.', seq: 1, ack: 1, userTimeout: option })
    t.equal(peer.connection?.info().userTimeoutMs, holds, what)
    if (!('userTimeoutOption' in sockets) && option !== 0) t.ok(peer.connection!.info().peerUserTimeoutMs > 0, 'told')
  }
})

t.test('what is adopted while the connection opens holds once it is open (RFC 5482 §3.3)', async t => {
  const peer = new Peer({ sockets: { ...OPTION, synRetries: 10 } }).connect()
  peer.arrive({ flags: 'S', userTimeout: 100, mss: 1460 })
  t.equal(peer.connection?.info().userTimeoutMs, 0)
  peer.wait(400_000)
  t.equal(peer.state, 'SYN-RECEIVED', 'the five minutes are over')
  peer.arrive({ flags: '.', seq: 1, ack: 1 })
  t.equal(peer.connection?.info().userTimeoutMs, 300_000)
})

t.test(
  'keepalives leave an adopted user timeout its time, and the peer all of its probes (RFC 5482 §4.2, MUST-29)',
  async t => {
    const keepAlive = { keepAlive: true, keepAliveIdleMs: 10_000, keepAliveIntervalMs: 1000, keepAliveProbes: 3 }
    const impatient = established({ sockets: { ...OPTION, ...keepAlive } })
    impatient.arrive({ flags: '.', seq: 1, ack: 1, userTimeout: 200 })
    impatient.wait(299_000)
    t.equal(impatient.state, 'ESTABLISHED')
    impatient.wait(2000)
    t.same(impatient.told, ['closed ETIMEDOUT'])
    const rare = established({ sockets: { ...OPTION, ...keepAlive, keepAliveIdleMs: 7_200_000 } })
    rare.arrive({ flags: '.', seq: 1, ack: 1, userTimeout: 200 })
    t.equal(rare.wait(7_300_000).filter(line => line.endsWith('. 0 ack 1')).length, 3)
    t.equal(rare.state, 'CLOSED')
  }
)

t.test('a user timeout of nothing is never sent, and one that comes changes nothing (RFC 5482 §3.4)', async t => {
  const peer = new Peer({ sockets: { ...OPTION, advertisedUserTimeoutMs: 1000 } }).connect()
  t.equal(parsed(peer.link.sent[0]).userTimeout, 1)
  const open = established({ sockets: OPTION })
  open.arrive({ flags: '.', seq: 1, ack: 1, userTimeout: 600 })
  for (const userTimeout of [0, 0x8000]) open.arrive({ flags: '.', seq: 1, ack: 1, userTimeout })
  t.match(open.connection?.info(), { userTimeoutMs: 600_000, peerUserTimeoutMs: 600_000 })
})

t.test('an adopted user timeout stays above the retransmission timeout (RFC 5482 §3.1)', async t => {
  const sockets = { ...OPTION, advertisedUserTimeoutMs: 1000, leastUserTimeoutMs: 1000, initialRtoMs: 5000 }
  const peer = new Peer({ sockets }).connect()
  peer.wait(10_000) // the SYN went twice: the timeout is not measured
  peer.arrive({ flags: 'S.', ack: 1, userTimeout: 1 })
  const { rtoMs, userTimeoutMs } = peer.connection!.info()
  t.ok(userTimeoutMs > rtoMs, `${userTimeoutMs} > ${rtoMs}`)
})

// --- Black holes ---

t.test('large segments that vanish are cut smaller from R1 on, and large again after ten minutes', async t => {
  const peer = established()
  peer.call(c => c.write(new Uint8Array(1460)))
  t.same(
    peer.wait(3500).map(line => line.split(' ').slice(1).join(' ')),
    ['P. 1+1460 ack 1', 'P. 1+1460 ack 1', '. 1+1024 ack 1', '. 1+512 ack 1']
  )
  peer.arrive({ flags: '.', seq: 1, ack: 1461 })
  peer.wait(300_000)
  t.same(
    peer.call(c => c.write(new Uint8Array(600))),
    ['. 1461+512 ack 1', 'P. 1973+88 ack 1']
  )
  peer.arrive({ flags: '.', seq: 1, ack: 2061 })
  peer.wait(600_000)
  t.same(
    peer.call(c => c.write(new Uint8Array(1460))),
    ['P. 2061+1460 ack 1']
  )
})

t.test('small segments are not lost for their size, and the search can be switched off', async t => {
  for (const [size, sockets] of [
    [300, {}],
    [1460, { blackHoleDetection: false }]
  ] as const) {
    const peer = established({ sockets })
    peer.call(c => c.write(new Uint8Array(size)))
    t.ok(peer.wait(60_000).every(line => line.includes(`1+${size} `)))
  }
})

// --- Close without waiting ---

t.test('resetOnClose: RST at once, with text unsent, and nothing is left', async t => {
  const peer = established({ window: 0 })
  peer.call(c => c.write(new Uint8Array(10)))
  peer.connection?.setOptions({ resetOnClose: true })
  t.same(
    peer.call(c => c.close()),
    ['R. 1 ack 1']
  )
  t.same(peer.stack.counts(), { connections: 0, halfOpen: 0, timeWait: 0 })
})
