// Tables of options: defaults, bases, and what is refused with which code.

import t from 'tap'
import { change, flag, int, oneOf, resolve } from '../src/options.ts'
import { stackOptions } from '../src/stack/stack.ts'
import { socketOptions } from '../src/tcp/options.ts'

const table = {
  size: int({ default: 10, min: 1, max: 100 }),
  fast: flag({ default: false })
}

const mixed = {
  size: int({ default: 10, min: 1, max: 100 }),
  fast: flag({ default: false, live: true }),
  way: oneOf(['left', 'right'], { default: 'left', live: true }),
  end: oneOf(['open', 'shut'], { default: 'shut' })
}

t.test('what is not given comes from the base, what the base lacks is the default', async t => {
  t.same(resolve(table), { size: 10, fast: false })
  t.same(resolve(table, { size: 5 }), { size: 5, fast: false })
  const base = resolve(table, { size: 7, fast: true })
  t.same(resolve(table, {}, base), { size: 7, fast: true })
  t.same(resolve(table, { fast: false }, base), { size: 7, fast: false })
  t.same(base, { size: 7, fast: true }, 'the base stays as it was')
})

t.test('undefined counts as not given', async t => {
  t.same(resolve(table, { size: undefined, fast: undefined }, { size: 3, fast: true }), { size: 3, fast: true })
})

const refused = [
  { given: { sise: 5 }, code: 'ERR_INVALID_ARG_VALUE', type: TypeError, names: /"sise".*size, fast/ },
  { given: { toString: 5 }, code: 'ERR_INVALID_ARG_VALUE', type: TypeError, names: /"toString"/ },
  { given: JSON.parse('{"__proto__":1}'), code: 'ERR_INVALID_ARG_VALUE', type: TypeError, names: /"__proto__"/ },
  { given: { size: '5' }, code: 'ERR_INVALID_ARG_TYPE', type: TypeError, names: /"size" must be a number.*string/ },
  { given: { size: null }, code: 'ERR_INVALID_ARG_TYPE', type: TypeError, names: /"size".*null/ },
  { given: { size: 5n }, code: 'ERR_INVALID_ARG_TYPE', type: TypeError, names: /"size".*bigint/ },
  { given: { fast: 1 }, code: 'ERR_INVALID_ARG_TYPE', type: TypeError, names: /"fast" must be a boolean.*number/ },
  { given: { size: 0 }, code: 'ERR_OUT_OF_RANGE', type: RangeError, names: /"size".*1 to 100.*0/ },
  { given: { size: 101 }, code: 'ERR_OUT_OF_RANGE', type: RangeError, names: /"size"/ },
  { given: { size: 1.5 }, code: 'ERR_OUT_OF_RANGE', type: RangeError, names: /integer/ },
  { given: { size: Number.NaN }, code: 'ERR_OUT_OF_RANGE', type: RangeError, names: /NaN/ },
  { given: { size: Number.POSITIVE_INFINITY }, code: 'ERR_OUT_OF_RANGE', type: RangeError, names: /Infinity/ }
]
for (const { given, code, type, names } of refused) {
  const [name, value] = Object.entries(given)[0]
  t.test(`${name}: ${typeof value} ${String(value)} -> ${code}`, async t => {
    t.throws(() => resolve(table, given), { code, message: names })
    t.throws(() => resolve(table, given), type)
  })
}

t.test('a choice is one of its words', async t => {
  t.equal(resolve(mixed).way, 'left')
  const end: 'open' | 'shut' = resolve(mixed, { end: 'open' }).end
  t.equal(end, 'open')
  t.throws(() => resolve(mixed, { way: 'up' }), {
    code: 'ERR_INVALID_ARG_VALUE',
    message: /"way" must be one of 'left', 'right', received 'up'/
  })
  t.throws(() => resolve(mixed, { way: 1 }), { code: 'ERR_INVALID_ARG_TYPE', message: /"way" must be a string/ })
})

t.test('a change keeps the rest, is checked as at first, and is refused for what is settled', async t => {
  const before = resolve(mixed, { size: 7 })
  t.same(change(mixed, { fast: true }, before), { ...before, fast: true })
  t.same(change(mixed, { fast: undefined, size: undefined }, before), before, 'undefined asks for nothing')
  t.equal(before.fast, false, 'what held before stays as it was')
  t.throws(() => change(mixed, { way: 'up' }, before), { code: 'ERR_INVALID_ARG_VALUE', message: /'left'/ })
  t.throws(() => change(mixed, { size: 8 }, before), {
    code: 'ERR_INVALID_ARG_VALUE',
    message: /"size" cannot be changed any more. Those that can: fast, way$/
  })
  t.throws(() => change(mixed, { sise: 8 }, before), {
    code: 'ERR_INVALID_ARG_VALUE',
    message: /Unknown option "sise"/
  })
})

t.test('the bounds themselves are allowed', async t => {
  t.equal(resolve(table, { size: 1 }).size, 1)
  t.equal(resolve(table, { size: 100 }).size, 100)
})

for (const [name, tableOf] of Object.entries({ socketOptions, stackOptions })) {
  t.test(`${name}: each default is within its bounds, and may be given`, async t => {
    const defaults = resolve(tableOf)
    t.same(resolve(tableOf, defaults), defaults)
  })
}
