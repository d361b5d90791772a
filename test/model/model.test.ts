// Random runs under a model of RFC 9293 (connection-model.ts): a stack against an adversary, and two stacks on a bad line.
// RAWTCP_SEEDS says how many seeds of each run (10000 by night), RAWTCP_SEED picks a single one: the failure's message
// has the command.

import t from 'tap'
import type { StateName } from './connection-model.ts'
import { againstAdversary, betweenStacks, type Outcome } from './scenarios.ts'

const THIS_FILE = 'test/model/model.test.ts'
const SEEDS = Number(process.env.RAWTCP_SEEDS ?? 500)
/** They found a fault once, and did not let it come back. */
const FOUND_ONE = [8348]
const only = process.env.RAWTCP_SEED === undefined ? undefined : Number(process.env.RAWTCP_SEED)

const STATES: readonly StateName[] = [
  'SYN-SENT',
  'SYN-RECEIVED',
  'ESTABLISHED',
  'FIN-WAIT-1',
  'FIN-WAIT-2',
  'CLOSE-WAIT',
  'CLOSING',
  'LAST-ACK',
  'TIME-WAIT',
  'CLOSED'
]

const kinds: readonly { name: string; run: (seed: number) => Outcome }[] = [
  { name: 'a stack against an adversary', run: seed => againstAdversary(seed, 120) },
  { name: 'two stacks on a bad line', run: seed => betweenStacks(seed, 80) }
]

for (const { name, run } of kinds) {
  t.test(`${name}: every step is one of RFC 9293`, async t => {
    const all = new Set([...Array.from({ length: SEEDS }, (_, i) => i + 1), ...FOUND_ONE])
    const seeds = only === undefined ? [...all] : [only]
    const visited = new Map<StateName, number>()
    let segments = 0
    for (const seed of seeds) {
      const result = run(seed)
      if (result.fault !== undefined) {
        t.fail(`seed ${seed}: ${result.fault}\nto repeat it: RAWTCP_SEED=${seed} npx tap ${THIS_FILE}`)
        return
      }
      segments += result.segments
      for (const [state, count] of result.visited) visited.set(state, (visited.get(state) ?? 0) + count)
    }
    t.pass(`${seeds.length} seeds, ${segments} segments`)
    if (seeds.length < 100) return
    // CLOSING, the rarest, about ten times in 500 runs.
    for (const state of STATES) t.ok((visited.get(state) ?? 0) > 10, `${state} was reached`)
  })
}
