// Which of several stacks a connection belongs to, and that the filters and the steering of a TUN device say the same.

import t from 'tap'
import { packetsTo } from '../../src/link/frame-filters.ts'
import { portFilter } from '../../src/link/port-filter.ts'
import { memberOf, shareOption } from '../../src/link/share.ts'
import { steering } from '../../src/link/steering.ts'
import { Random } from '../../src/random.ts'
import { bytesOf } from '../wire/bytes.ts'
import { runExtended } from './extended-interpreter.ts'
import { run } from './interpreter.ts'

const HOST = 0
const random = new Random(5)
const word = (): number => (random.int(0x10000) << 16) | random.int(0x10000)
const hex = (number: number, digits: number): string => (number >>> 0).toString(16).padStart(digits, '0')

interface Tuple {
  source: number
  sourcePort: number
  destination: number
  destinationPort: number
}

const tuple = (): Tuple => ({
  source: word(),
  sourcePort: random.int(0x10000),
  destination: word(),
  destinationPort: random.int(0x10000)
})

function packet({ source, sourcePort, destination, destinationPort }: Tuple, options = '', fragment = 0x4000): string {
  const length = (20 + options.length / 2) / 4
  return (
    `${hex(0x40 + length, 2)}00 0040 0000 ${hex(fragment, 4)} 4006 0000 ${hex(source, 8)} ${hex(destination, 8)}` +
    `${options}${hex(sourcePort, 4)}${hex(destinationPort, 4)}0000000000000000 50020000 00000000`
  )
}
const frame = (tuple: Tuple, options?: string, fragment?: number): Uint8Array =>
  bytesOf(`02000000aa01 02000000aa02 0800 ${packet(tuple, options, fragment)}`)

t.test('both ends of a connection agree whose it is', async t => {
  for (let i = 0; i < 1000; i++) {
    const of = 1 + random.int(256)
    const { source, sourcePort, destination, destinationPort } = tuple()
    const member = memberOf(of, source, sourcePort, destination, destinationPort)
    t.equal(memberOf(of, destination, destinationPort, source, sourcePort), member)
    t.ok(member >= 0 && member < of)
  }
})

for (const of of [1, 2, 3, 7, 256]) {
  t.test(
    `of ${of} filters, the one of the owner lets a segment pass, on raw sockets and on packet sockets`,
    async t => {
      for (let i = 0; i < 100; i++) {
        const each = tuple()
        const owner = memberOf(of, each.source, each.sourcePort, each.destination, each.destinationPort)
        const options = random.chance(0.5) ? '' : '0101010101010101'
        for (const index of new Set([owner, (owner + 1) % of, random.int(of)])) {
          const share = { index, of }
          const raw = portFilter([[each.destinationPort, each.destinationPort]], share)
          t.equal(run(raw, bytesOf(packet(each, options))) !== 0, index === owner)
          const program = packetsTo(each.destination >>> 0, share)
          t.equal(run(program, frame(each, options), HOST) !== 0, index === owner)
        }
      }
    }
  )
}

t.test('a share does not widen what a filter lets pass', async t => {
  const each = { ...tuple(), destinationPort: 80 }
  const owner = memberOf(2, each.source, each.sourcePort, each.destination, each.destinationPort)
  const share = { index: owner, of: 2 }
  t.equal(run(portFilter([[81, 90]], share), bytesOf(packet(each))), 0, 'another port')
  t.equal(run(packetsTo((each.destination + 1) >>> 0, share), frame(each), HOST), 0, 'another address')
})

t.test('fragments, and packets of other protocols, pass to all members of a packet socket', async t => {
  const each = tuple()
  const programs = [0, 1].map(index => packetsTo(each.destination >>> 0, { index, of: 2 }))
  for (const fragment of [0x2000, 0x0001, 0x1fff]) {
    for (const program of programs) t.not(run(program, frame(each, '', fragment), HOST), 0)
  }
  const icmp = frame(each)
  icmp[14 + 9] = 1
  for (const program of programs) t.not(run(program, icmp, HOST), 0)
})

for (const of of [1, 2, 3, 7, 256]) {
  t.test(`a TUN device of ${of} queues steers by the same hash`, async t => {
    const program = steering(of)
    for (let i = 0; i < 200; i++) {
      const each = tuple()
      const { source, sourcePort, destination, destinationPort } = each
      const owner = memberOf(of, source, sourcePort, destination, destinationPort)
      const ofAddresses = memberOf(of, source, 0, destination, 0)
      const options = random.chance(0.5) ? '' : '0101010101010101'
      t.equal(runExtended(program, bytesOf(packet(each, options))), owner, 'a segment')
      const type = [3, 11, 12][random.int(3)]
      t.equal(runExtended(program, error(type, packet(each, options))), owner, 'an error about a segment')
      for (const fragment of [0x2000, 0x0001]) {
        t.equal(runExtended(program, bytesOf(packet(each, options, fragment))), ofAddresses, 'a fragment')
        t.equal(runExtended(program, error(type, packet(each, options, fragment))), ofAddresses, 'an error about one')
      }
      const echo = bytesOf(packet(each, options))
      echo[9] = 1
      echo[20 + options.length / 2] = 8
      t.equal(runExtended(program, echo), ofAddresses, 'an echo request, which is answered by its owner')
    }
  })
}

t.test('a packet that ends too early goes to the first queue', async t => {
  const each = tuple()
  const whole = [bytesOf(packet(each)).subarray(0, 24), error(3, packet(each)).subarray(0, 52)]
  for (const bytes of whole) {
    for (let length = 0; length < bytes.length; length++) {
      t.equal(runExtended(steering(256), bytes.slice(0, length)), 0, `${length} bytes`)
    }
  }
})

/** An ICMP message with what it quotes, from somebody else. */
function error(type: number, quoted: string): Uint8Array {
  return bytesOf(
    `46000060 00000000 40010000 09090909 ${hex(word(), 8)} 01010101 ${hex(type, 2)}00 0000 00000000 ${quoted}`
  )
}

for (const { what, next } of [
  { what: 'ports that follow one another', next: (i: number) => ({ sourcePort: 32_768 + i }) },
  { what: 'every second port, as Linux chooses', next: (i: number) => ({ sourcePort: 32_768 + 2 * i }) },
  { what: 'addresses that follow one another', next: (i: number) => ({ source: 0x0a000000 + i }) },
  { what: 'both', next: (i: number) => ({ source: 0x0a000000 + i, sourcePort: 32_768 + 2 * i }) }
]) {
  t.test(`${what} spread over all members`, async t => {
    for (const of of [2, 3, 4, 8]) {
      const counts = new Array(of).fill(0)
      const base = { source: 0x0a000001, sourcePort: 40_000, destination: 0x0a000002, destinationPort: 80 }
      for (let i = 0; i < 4000; i++) {
        const each = { ...base, ...next(i) }
        counts[memberOf(of, each.source, each.sourcePort, each.destination, each.destinationPort)]++
      }
      for (const count of counts) t.ok(Math.abs(count - 4000 / of) < 0.15 * (4000 / of), `${counts}`)
    }
  })
}

t.test('options that make no sense are refused', async t => {
  t.equal(shareOption(undefined), undefined)
  t.match(shareOption({ index: 1, of: 2 }), { index: 1, of: 2 })
  const rows = [
    [{ index: 2, of: 2 }, 'ERR_OUT_OF_RANGE'],
    [{ index: -1, of: 2 }, 'ERR_OUT_OF_RANGE'],
    [{ of: 2 }, 'ERR_OUT_OF_RANGE'],
    [{ index: 0 }, 'ERR_OUT_OF_RANGE'],
    [{ index: 0, of: 257 }, 'ERR_OUT_OF_RANGE'],
    [{ index: 0.5, of: 2 }, 'ERR_OUT_OF_RANGE'],
    [{ index: '0', of: 2 }, 'ERR_INVALID_ARG_TYPE'],
    [{ index: 0, of: 2, off: 3 }, 'ERR_INVALID_ARG_VALUE']
  ] as const
  for (const [share, code] of rows) t.throws(() => shareOption(share as never), { code })
})
