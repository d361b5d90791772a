// Is the working tree faster or slower than another commit, on this machine?
//
//   npm run bench:compare -- REV [NAME...] [--pairs N]
//
// REV is built in a folder of its own. Both run the same benches in turns, the order changing from pair to pair, so that what
// else happens on the machine meets both. What counts is the median of the pairs' ratios, and whether 1 lies within what it could
// be by chance. In benches of one process rates are per CPU second, or per instruction where the CPU counts them.

import { parseArgs } from 'node:util'
import type { Context, Row } from './support/bench.ts'
import { machine } from './support/machine.ts'
import { bestUnit, METER_VARIABLE, type Unit } from './support/meter.ts'
import type { PartRunner } from './support/parts.ts'
import { median, writeResults } from './support/report.ts'
import { formatTable } from './support/table.ts'
import { Tree } from './support/tree.ts'
import { type Comparison, compare, FEWEST_PAIRS } from './support/verdict.ts'

/** They need no privileges, and what one process does is all there is to them. */
const ALONE = ['memory', 'scoreboard', 'simulator']
const TIMING = { warmupMs: 300, measureMs: 500 }
const PAIRS = 12

const USAGE = `Usage: npm run bench:compare -- REV [NAME...] [--pairs N]

Compares the working tree with the commit REV. NAME is a bench; without one: ${ALONE.join(', ')}.

  --pairs N  how often both run, ${FEWEST_PAIRS} at least (${PAIRS})
  --help     this text

Ends with 0 where nothing has become slower, with 1 where something has, with 2 where it cannot tell.`

interface Side {
  readonly tree: Tree
  readonly runner: PartRunner
}

/** A row's value of each pair. */
interface Values {
  readonly unit: string
  readonly before: number[]
  readonly after: number[]
}

interface Found extends Comparison, Values {
  readonly bench: string
  readonly name: string
}

try {
  process.exitCode = await main()
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 2
}

async function main(): Promise<number> {
  const { revision, names, pairs, help } = argumentsOf()
  if (help || revision === undefined || !Number.isInteger(pairs) || pairs < FEWEST_PAIRS) {
    ;(help ? console.log : console.error)(USAGE)
    return help ? 0 : 2
  }
  process.stderr.write(`building ${revision} and the working tree ...\n`)
  const theirs = Tree.of(revision, names)
  process.once('exit', () => theirs.remove())
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(2))
  const ours = Tree.ours()
  const before = { tree: theirs, runner: await theirs.partRunner() }
  const after = { tree: ours, runner: await ours.partRunner() }
  const unit = theirs.hasMeter ? bestUnit() : 'seconds'
  const found: Found[] = []
  for (const name of names) found.push(...(await compareBench(name, before, after, pairs, unit)))
  print(found, theirs, ours, pairs, unit)
  const results = { machine: machine(), before: theirs.commit, after: ours.commit, pairs, unit, found }
  console.log(`\n${writeResults(`compare-${new Date().toISOString()}`, results)}`)
  return found.some(({ verdict }) => verdict === 'slower') ? 1 : 0
}

function argumentsOf() {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        pairs: { type: 'string', default: String(PAIRS) },
        help: { type: 'boolean', default: false, short: 'h' }
      }
    })
    const [revision, ...names] = positionals
    return { revision, names: names.length > 0 ? names : ALONE, pairs: Number(values.pairs), help: values.help }
  } catch (error) {
    throw new Error(`${(error as Error).message}\n\n${USAGE}`)
  }
}

async function compareBench(name: string, before: Side, after: Side, pairs: number, unit: Unit): Promise<Found[]> {
  if (ALONE.includes(name) && unit !== 'seconds') process.env[METER_VARIABLE] = unit
  else delete process.env[METER_VARIABLE]
  const rows = new Map<string, Values>()
  const take = async (side: Side, which: 'before' | 'after'): Promise<void> => {
    for (const row of await run(name, side)) {
      const values = rows.get(row.name) ?? { unit: row.unit, before: [], after: [] }
      rows.set(row.name, values)
      values[which].push(median(row.values))
    }
  }
  for (let i = 0; i < pairs; i++) {
    process.stderr.write(`${name} ${i + 1} of ${pairs}\r`)
    const order = [() => take(before, 'before'), () => take(after, 'after')]
    for (const one of i % 2 === 0 ? order : order.reverse()) await one()
  }
  process.stderr.write('\n')
  // What only one of them has cannot be compared.
  const common = [...rows].filter(([, { before, after }]) => before.length === pairs && after.length === pairs)
  return common.map(([row, values]) => ({
    bench: name,
    name: row,
    ...values,
    ...compare(values.unit, values.before, values.after)
  }))
}

/** A row each, however many references it has. */
async function run(name: string, { tree, runner }: Side): Promise<Row[]> {
  const context: Context = {
    ...TIMING,
    repeats: 1,
    references: false,
    partsOf: file => runner.partsOf(file),
    remark() {}
  }
  try {
    const rows = await (await tree.bench(name))(context)
    return rows.filter((row, i) => rows.findIndex(other => other.name === row.name) === i)
  } finally {
    await runner.endAll()
  }
}

function print(found: readonly Found[], before: Tree, after: Tree, pairs: number, unit: Unit): void {
  const { cpu, cores, kernel, node } = machine()
  console.log(`\n${cpu}, ${cores} CPUs, ${kernel}, Node ${node}`)
  console.log(`${before.commit} before, ${after.commit} after, ${pairs} pairs of runs in turns.`)
  if (before.hasOwnBenches)
    console.log(`Our benches do not run on ${before.commit}: it has its own, and all is by the clock.`)
  else console.log(`Seconds of ${ALONE.join(', ')} are ${unit}.`)
  console.log('A ratio above 1: better than before. 99% of such intervals hold the true one.\n')
  const percent = (ratio: number): string => ratio.toFixed(3)
  const rows = found.map(({ bench, name, unit, before, after, median: ratio, interval, verdict }) => [
    bench,
    name,
    ...[before, after].map(values => median(values).toLocaleString('en', { maximumSignificantDigits: 4 })),
    unit,
    percent(ratio),
    `${percent(interval.low)} to ${percent(interval.high)}`,
    verdict
  ])
  const headings = ['bench', 'figure', 'before', 'after', 'unit', 'ratio', 'interval', 'verdict']
  console.log(formatTable(headings, rows, new Set([2, 3, 5])))
}
