// ICMP at a host: which errors TCP hears of, and whose echo is answered.

import t from 'tap'
import { IcmpInput } from '../../src/ip/icmp.ts'
import { IpInput } from '../../src/ip/input.ts'
import { finish, sum } from '../../src/wire/checksum.ts'
import { bytesOf, viewOf } from '../wire/bytes.ts'
import { HERE, packetOf, THERE } from './packets.ts'

const ROUTER = 0x0a0000fe

/** A message arrives through IpInput; what the handler was told, and the counters that moved. */
function arrive(hex: string, options: { alone?: boolean; source?: number } = {}) {
  const told: unknown[][] = []
  const icmp = new IcmpInput({
    tcpErrorArrives: (...args) => told.push(args),
    echoRequested: (packet, rest, offset, length) =>
      told.push([packet.source, rest, packet.bytes.slice(offset, offset + length)])
  })
  const payload = bytesOf(hex)
  viewOf(payload).setUint16(2, finish(sum(viewOf(payload), 0, payload.length, 0)))
  const packet = packetOf({ protocol: 1, source: options.source ?? ROUTER, payload })
  const ip = new IpInput({ accepts: () => true })
  const isTaken = ip.packetArrives(viewOf(packet), packet, 0, packet.length, 0, 0)
  if (isTaken) icmp.messageArrives(ip.packet, options.alone ?? true, 77)
  const byType = ['received', 'unreachables', 'timeExceeded', 'parameterProblems']
  const moved = Object.fromEntries(
    Object.entries(icmp.counters).filter(([name, n]) => n !== 0 && !byType.includes(name))
  )
  return { told, moved, isTaken }
}

/** A segment from us to THERE, as a router quotes it. */
const quote = (totalLength: string, source = '0a000001'): string =>
  `4500 ${totalLength} 1234 4000 4006 0000 ${source} 0a000002 9c40 0050 ffff0000`

const errors = [
  { what: 'host unreachable', head: '0301 0000 00000000', type: 3, code: 1, mtu: 0 },
  { what: 'port unreachable', head: '0303 0000 00000000', type: 3, code: 3, mtu: 0 },
  { what: 'TTL exceeded', head: '0b00 0000 00000000', type: 11, code: 0, mtu: 0 },
  { what: 'parameter problem', head: '0c00 0000 14000000', type: 12, code: 0, mtu: 0 },
  { what: 'fragmentation needed', head: '0304 0000 00000514', type: 3, code: 4, mtu: 1300 },
  {
    what: 'fragmentation needed by an old router (RFC 1191 §5)',
    head: '0304 0000 00000000',
    type: 3,
    code: 4,
    mtu: 1492
  }
]
for (const row of errors) {
  t.test(`${row.what}: TCP hears of it, our end first`, async t => {
    const { told, moved } = arrive(`${row.head} ${quote('05dc')}`)
    t.same(told, [[row.type, row.code, row.mtu, HERE, 40000, THERE, 80, 0xffff0000 | 0, 77]])
    t.same(moved, { tcpErrors: 1 })
  })
}

const unheard = [
  { what: 'source quench (RFC 6633 §4)', hex: `0400 0000 00000000 ${quote('05dc')}`, moved: { sourceQuenches: 1 } },
  { what: 'a redirect', hex: `0501 0000 0a000009 ${quote('05dc')}`, moved: { redirects: 1 } },
  {
    what: 'an error about UDP',
    hex: `0303 0000 00000000 ${quote('05dc').replace('4006', '4011')}`,
    moved: { notTcp: 1 }
  },
  {
    what: 'an error about a segment of another host',
    hex: `0303 0000 00000000 ${quote('05dc', '0a000003')}`,
    moved: { misdirected: 1 }
  },
  { what: 'an error that quotes too little', hex: '0303 0000 00000000 4500', moved: { badQuote: 1 } },
  { what: 'a message of 7 bytes', hex: '0800 0000 000000', moved: { tooShort: 1 } },
  { what: 'an echo reply', hex: '0000 0000 00010001', moved: { echoReplies: 1 } },
  { what: 'a timestamp request', hex: '0d00 0000 00010001 00000000 00000000 00000000', moved: { unhandled: 1 } }
]
for (const row of unheard) {
  t.test(`${row.what}: counted, and no more`, async t => {
    const { told, moved } = arrive(row.hex)
    t.same(told, [])
    t.same(moved, row.moved)
  })
}

t.test('RFC 1122 §3.2.2.6: an echo request is to be answered with its own data', async t => {
  const { told, moved } = arrive('0800 0000 12345678 aabbccdd ee', { source: THERE })
  t.same(told, [[THERE, 0x12345678, bytesOf('aabbccddee')]])
  t.same(moved, { echoRequests: 1 })
})

t.test('where a kernel has the address too, echo is left to it', async t => {
  t.same(arrive('0800 0000 12345678', { alone: false }), { told: [], moved: { echoForOthers: 1 }, isTaken: true })
})

t.test('no echo for a group: what comes from one does not get here', async t => {
  t.same(arrive('0800 0000 12345678', { source: -1 }), { told: [], moved: {}, isTaken: false })
})
