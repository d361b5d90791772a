// Which SYNs a flood lets through, SYN by SYN.

import t from 'tap'
import { Random } from '../../src/random.ts'
import { SipHash } from '../../src/siphash.ts'
import { SynSieve } from '../../src/tcp/syn-sieve.ts'
import { Segment, SYN } from '../../src/wire/segment.ts'

const secret = new SipHash(Uint8Array.from({ length: 16 }, (_, i) => i))

function syn(fields: Partial<Segment> = {}): Segment {
  const first = { flags: SYN, seq: 7, sourceAddress: 0x0a000001, sourcePort: 5000, destinationPort: 80 }
  return Object.assign(new Segment(), first, fields)
}

const forged = (random: Random): Segment =>
  syn({ seq: random.uint32() | 0, sourceAddress: random.uint32() | 0, sourcePort: random.int(65_536) })

t.test('a queue that is nearly empty lets all through', async t => {
  const sieve = new SynSieve()
  for (let i = 0; i < 3; i++) t.ok(sieve.passes(syn({ seq: i }), 0.12, secret))
})

t.test('a longer queue lets through what comes again, unchanged', async t => {
  const sieve = new SynSieve()
  const changes = [{}, { seq: 8 }, { sourceAddress: 0x0a000002 }, { sourcePort: 5001 }, { destinationPort: 81 }]
  for (const change of changes) t.equal(sieve.passes(syn(change), 0.125, secret), false, JSON.stringify(change))
  for (const change of changes) t.equal(sieve.passes(syn(change), 0.125, secret), true)
  t.equal(sieve.passes(syn(), 0.74, secret), true, 'a third time')
})

t.test('a queue that is nearly full lets none through, and notes them all the same', async t => {
  const sieve = new SynSieve()
  t.equal(sieve.passes(syn(), 0.75, secret), false)
  t.equal(sieve.passes(syn(), 0.75, secret), false)
  t.equal(sieve.passes(syn(), 0.5, secret), true)
})

t.test('of 300000 a second, it remembers those of the last second, and hardly takes one for another', async t => {
  const sieve = new SynSieve()
  const random = new Random(3)
  for (let i = 0; i < 2_000_000; i++) sieve.passes(forged(random), 0.5, secret)
  let remembered = 0
  let mistaken = 0
  for (let client = 0; client < 200; client++) {
    const own = syn({ seq: client, sourcePort: 6000 + client })
    if (sieve.passes(own, 0.5, secret)) mistaken++
    for (let i = 0; i < 1500; i++) sieve.passes(forged(random), 0.5, secret)
  }
  for (let client = 0; client < 200; client++) {
    if (sieve.passes(syn({ seq: client, sourcePort: 6000 + client }), 0.5, secret)) remembered++
  }
  t.ok(remembered >= 190, `${remembered} of 200`)
  t.ok(mistaken <= 1, `${mistaken} of 200`)
})
