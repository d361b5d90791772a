// How long does a megabyte take over a path that queues, loses and reorders, against the kernel as the sender? A few cells of
// the grid that path-grid.ts (`npm run paths`) goes through.

import type { Bench, Context, Row } from './support/bench.ts'
import { CONDITIONS, type ConditionName, grid, nameOf } from './support/path-cells.ts'
import { compare } from './support/path-grid.ts'
import { needsRoot } from './support/world.ts'

const paths: Bench = async (context: Context): Promise<Row[]> => {
  needsRoot()
  const cells = grid({
    megabits: [100],
    rttMs: [10],
    conditions: Object.keys(CONDITIONS) as ConditionName[],
    controllers: ['cubic'],
    bytes: [1e6]
  })
  const comparisons = await compare(cells, {
    repeats: context.repeats,
    spendMs: Number.POSITIVE_INFINITY,
    limitMs: 20_000,
    together: () => 1,
    nodeArguments: [],
    remark: text => context.remark(`paths: ${text}`)
  })
  return comparisons.map(({ cell, ours, kernel }) => ({
    name: nameOf(cell),
    unit: 'ms',
    values: ours.map(run => run.durationMs),
    reference: { name: 'kernel', values: kernel.map(run => run.durationMs) }
  }))
}

export default paths
