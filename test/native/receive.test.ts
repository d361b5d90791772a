// How a driver of the addon hands over what it has received: each packet in a slot of its own, and a row that says in which.

import t, { type Test } from 'tap'
import { RX_LENGTH, RX_OFFSET, RX_REGION, RX_STRIDE } from '../../src/link/link.ts'
import { portFilter, rejectAll } from '../../src/link/port-filter.ts'
import { RawLink } from '../../src/link/raw.ts'
import { ICMP_SOCKET, loadAddon, TCP_SOCKET } from '../../src/native/addon.ts'
import { RST } from '../../src/wire/segment.ts'
import { claimFree } from '../link/ports.ts'
import { unlessPrivileged } from '../support/privileges.ts'
import { until } from '../support/until.ts'
import { addSegment, LOOPBACK, newBatch } from './packets.ts'

const skip = unlessPrivileged()
const HEADERS = 40

interface Arrived {
  readonly slot: number
  readonly text: string
}

/** A raw socket whose packets come into `slots`, and a way to send it texts in one call. */
function driver(t: Test, slots: Uint8Array[]) {
  const { RawSocket } = loadAddon()
  const counters = new Float64Array(RawSocket.counterNames.length)
  const socket = new RawSocket(counters)
  const sender = new RawLink({ address: '127.0.0.1' })
  t.teardown(() => {
    socket.close()
    sender.close()
  })
  const port = claimFree(sender.guard)
  t.equal(socket.open(LOOPBACK, 1 << 20, 1 << 20), 0)
  t.equal(socket.setFilter(TCP_SOCKET, portFilter([[port, port]])), 0)
  t.equal(socket.setFilter(ICMP_SOCKET, rejectAll), 0)
  const table = new Int32Array(slots.length * RX_STRIDE)
  const arrived: Arrived[] = []
  const start = (): void =>
    socket.start(
      slots,
      table,
      false,
      0,
      0,
      count => {
        for (let row = 0; row < count * RX_STRIDE; row += RX_STRIDE) {
          const slot = table[row + RX_REGION]
          const at = table[row + RX_OFFSET]
          const packet = slots[slot].subarray(at, at + table[row + RX_LENGTH])
          arrived.push({ slot, text: Buffer.from(packet.subarray(HEADERS)).toString('latin1') })
        }
      },
      () => {}
    )
  const send = (...texts: string[]): void => {
    const batch = newBatch(Buffer.from(texts.join('')))
    let at = 0
    for (const text of texts) {
      addSegment(batch, { sourcePort: 9, destinationPort: port, flags: RST, text: [at, text.length] })
      at += text.length
    }
    sender.send(batch)
  }
  const counter = (name: string): number => counters[RawSocket.counterNames.indexOf(name)]
  return { socket, start, send, arrived, counter }
}

const slotsOf = (count: number, bytes: number): Uint8Array[] =>
  Array.from({ length: count }, () => new Uint8Array(bytes))

t.test('what is longer than its slot is counted, and those around it are found where they lie', { skip }, async t => {
  const { start, send, arrived, counter } = driver(t, slotsOf(8, HEADERS + 10))
  start()
  send('first', 'longer than ten', 'ten bytes.', 'last')
  await until(() => arrived.length === 3)
  t.same(arrived, [
    { slot: 0, text: 'first' },
    { slot: 2, text: 'ten bytes.' },
    { slot: 3, text: 'last' }
  ])
  t.equal(counter('receivedTruncated'), 1)
  t.equal(counter('receivedPackets'), 3)
})

t.test('memory that was replaced is the reader’s: the next packet comes into the other', { skip }, async t => {
  const slots = slotsOf(2, 100)
  const { socket, start, send, arrived } = driver(t, slots)
  start()
  send('kept by its reader')
  await until(() => arrived.length === 1)
  const [kept] = slots
  const before = Buffer.from(kept)
  slots[0] = new Uint8Array(100)
  socket.renewSlot(0)
  send('into other memory')
  await until(() => arrived.length === 2)
  t.same(arrived[1], { slot: 0, text: 'into other memory' })
  t.ok(before.equals(kept))
})

t.test('slots are memory of equal length, and as many as rows', { skip }, async t => {
  for (const slots of [
    [new Uint8Array(100), new Uint8Array(99)],
    [new Uint8Array(100), new Uint16Array(50) as never]
  ]) {
    t.throws(driver(t, slots).start, TypeError)
  }
  const slots = slotsOf(2, 100)
  const { socket, start } = driver(t, slots)
  start()
  t.throws(() => socket.renewSlot(2), TypeError)
  for (const other of [new Uint8Array(99), new Uint8Array(101), 'none' as never]) {
    slots[1] = other
    t.throws(() => socket.renewSlot(1), TypeError)
  }
  slots[1] = new Uint8Array(100)
  socket.renewSlot(1)
})
