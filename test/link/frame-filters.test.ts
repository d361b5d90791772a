// What a packet socket is given of the frames on its Ethernet.

import t from 'tap'
import { arpAbout, packetsTo, packetsToStation } from '../../src/link/frame-filters.ts'
import { parseAddress } from '../../src/wire/address.ts'
import { bytesOf } from '../wire/bytes.ts'
import { run } from './interpreter.ts'

const OURS = '10.0.0.5'
const HOST = 0
const BROADCAST = 1
const OTHER_HOST = 3
const OUTGOING = 4

const address = (text: string): number => parseAddress(text) as number
const hex = (text: string): string => (address(text) >>> 0).toString(16).padStart(8, '0')
const ETHERNET = '02000000aa01 02000000aa02'

const packets = [
  { what: 'to us', to: OURS, type: HOST, passes: true },
  { what: 'to the host', to: '10.0.0.4', type: HOST, passes: false },
  { what: 'to us in a frame for everybody (RFC 1122 §3.3.6)', to: OURS, type: BROADCAST, passes: false },
  { what: 'to us in a frame for another station', to: OURS, type: OTHER_HOST, passes: false },
  { what: 'to us, sent by this host', to: OURS, type: OUTGOING, passes: false }
]
for (const { what, to, type, passes } of packets) {
  t.test(`an IPv4 packet ${what} ${passes ? 'passes' : 'does not pass'}`, async t => {
    const frame = bytesOf(`${ETHERNET} 0800 45000014 00000000 40060000 ${hex('10.0.0.9')} ${hex(to)}`)
    t.equal(run(packetsTo(address(OURS)), frame, type) !== 0, passes)
  })
}

t.test('an address above 2^31 is compared as it is', async t => {
  const frame = bytesOf(`${ETHERNET} 0800 45000014 00000000 40060000 ${hex('10.0.0.9')} ${hex('192.168.1.5')}`)
  t.not(run(packetsTo(address('192.168.1.5')), frame, HOST), 0)
})

for (const { what, station, to, passes } of [
  { what: 'to us', station: '02000000aa01', to: OURS, passes: true },
  { what: 'to another address', station: '02000000aa01', to: '10.0.0.4', passes: false },
  { what: 'to a station that differs at its end', station: '02000000aa03', to: OURS, passes: false },
  { what: 'to a station that differs at its beginning', station: '06000000aa01', to: OURS, passes: false }
]) {
  t.test(`at a hardware address of our own, a packet ${what} ${passes ? 'passes' : 'does not pass'}`, async t => {
    const frame = bytesOf(`${station} 02000000aa02 0800 45000014 00000000 40060000 ${hex('10.0.0.9')} ${hex(to)}`)
    t.equal(run(packetsToStation(address(OURS), 0x02000000aa01), frame, OTHER_HOST) !== 0, passes)
  })
}

const arps = [
  { what: 'a request for us', operation: 1, sender: '10.0.0.9', target: OURS, passes: true },
  { what: 'a probe for our address', operation: 1, sender: '0.0.0.0', target: OURS, passes: true },
  { what: 'a request for somebody else', operation: 1, sender: '10.0.0.9', target: '10.0.0.8', passes: false },
  { what: 'an answer', operation: 2, sender: '10.0.0.9', target: OURS, passes: true },
  { what: 'an announcement', operation: 1, sender: '10.0.0.9', target: '10.0.0.9', passes: true },
  { what: 'a request by somebody who has our address', operation: 1, sender: OURS, target: '10.0.0.8', passes: true },
  { what: 'a request by this host', operation: 1, sender: '10.0.0.9', target: OURS, type: OUTGOING, passes: false },
  { what: 'an answer of this host', operation: 2, sender: OURS, target: '10.0.0.9', type: OUTGOING, passes: false }
]
for (const { what, operation, sender, target, type = BROADCAST, passes } of arps) {
  t.test(`of ARP, ${what} ${passes ? 'passes' : 'does not pass'}`, async t => {
    const frame = bytesOf(
      `${ETHERNET} 0806 0001 0800 0604 000${operation} 02000000aa02 ${hex(sender)} 000000000000 ${hex(target)}`
    )
    t.equal(run(arpAbout(address(OURS)), frame, type) !== 0, passes)
  })
}
