// The excuses of the mutation run: each is for a mutant that there is, and none hides one that was killed.

import t from 'tap'
import { EXCUSES, type Excuse, equivalents, wrongExcuses } from './equivalents.ts'
import { instrument, type Mutant } from './instrument.ts'
import { report, type Verdict } from './report.ts'

const mutant = (fields: Partial<Mutant> = {}): Mutant => ({
  id: '1',
  file: 'src/tcp/a.ts',
  line: 7,
  context: 'if (a > 0) b()',
  mutator: 'EqualityOperator',
  original: 'a > 0',
  replacement: 'a >= 0',
  ...fields
})
const excuse = (fields: Partial<Excuse> = {}): Excuse => ({
  file: 'src/tcp/a.ts',
  original: 'a > 0',
  replacement: 'a >= 0',
  why: 'a is never 0',
  ...fields
})
const verdict = (which: Mutant, killedBy?: string, excuse?: string): Verdict => ({
  mutant: which,
  killedBy,
  reaching: 1,
  excuse
})

t.test('an excuse is for the mutant that it names', async t => {
  t.equal(equivalents(mutant(), [excuse()]), 'a is never 0')
  t.equal(equivalents(mutant(), [excuse({ at: 'b()' })]), 'a is never 0')
  for (const other of [{ file: 'src/tcp/b.ts' }, { original: 'b > 0' }, { replacement: 'true' }, { at: 'c()' }])
    t.equal(equivalents(mutant(), [excuse(other)]), undefined)
})

t.test('an excuse for a mutant that there is not, or that is killed, is wrong', async t => {
  const files = ['src/tcp/a.ts']
  t.same(wrongExcuses([verdict(mutant())], files, [excuse()]), [])
  t.same(wrongExcuses([verdict(mutant())], files, [excuse({ replacement: 'false' })]), [
    'src/tcp/a.ts: `a > 0` → `false`: there is no such mutant'
  ])
  t.same(wrongExcuses([verdict(mutant(), 'one.pkt')], files, [excuse()]), [
    'src/tcp/a.ts: `a > 0` → `a >= 0`: killed in line 7 by one.pkt'
  ])
  t.same(wrongExcuses([], files, [excuse({ file: 'src/tcp/b.ts' })]), [], 'a file that was not looked at')
})

t.test('what is excused is shown with the reason, and not counted', async t => {
  const killed = verdict(mutant({ id: '2', replacement: 'false' }), 'one.pkt')
  const { document, summary, killedShare } = report([verdict(mutant(), undefined, 'a is never 0'), killed], 1, 0)
  t.equal(killedShare, 1)
  t.match(summary, '1 of 2 mutants killed, 1 equivalent: 100.0%')
  t.match(document, '- 7: `a > 0` → `a >= 0`: a is never 0')
  t.equal(report([verdict(mutant()), killed], 1, 0).killedShare, 0.5, 'without an excuse it counts')
})

t.test('changed words are no mutants', async t => {
  const mutants = await instrument(['src/tcp/transitions.ts'], t.testdir())
  t.ok(mutants.length > 0)
  t.notOk(mutants.some(({ mutator }) => mutator === 'StringLiteral'))
})

t.test('each excuse is for a mutant that there is', async t => {
  const files = [...new Set(EXCUSES.map(({ file }) => file))]
  const mutants = await instrument(files, t.testdir())
  t.same(
    wrongExcuses(
      mutants.map(each => verdict(each)),
      files
    ),
    []
  )
})
