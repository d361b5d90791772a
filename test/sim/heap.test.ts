// The heap, against sorting.

import t from 'tap'
import { Heap } from '../../src/heap.ts'
import { Random } from '../../src/random.ts'

function drained(heap: Heap<number>): number[] {
  const items: number[] = []
  while (heap.size > 0) {
    const next = heap.peek()
    items.push(heap.pop()!)
    if (items.at(-1) !== next) throw new Error('peek and pop differ')
  }
  return items
}

t.test('an empty heap has nothing to give', async t => {
  const heap = new Heap<number>((a, b) => a < b)
  t.equal(heap.peek(), undefined)
  t.equal(heap.pop(), undefined)
})

t.test('whatever went in comes out in order, what retain refused left out', async t => {
  const random = new Random(1)
  for (let round = 0; round < 2000; round++) {
    const heap = new Heap<number>((a, b) => a < b)
    let items = Array.from({ length: random.int(30) }, () => random.int(100))
    for (const item of items) heap.push(item)
    if (random.chance(0.5)) {
      heap.retain(item => item % 3 !== 0)
      items = items.filter(item => item % 3 !== 0)
    }
    const sorted = items.sort((a, b) => a - b)
    if (drained(heap).join() !== sorted.join()) t.fail(`round ${round}`)
  }
  t.pass()
})
