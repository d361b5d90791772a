// Runs cells, ours and the kernel's in turns with the same seeds, those of slow paths side by side; and the table of it.

import { type Cell, nameOf } from './path-cells.ts'
import { PathWorld, type Run } from './path-world.ts'
import { median } from './report.ts'
import { formatTable } from './table.ts'
import type { Kind } from './tcp.ts'

export interface Plan {
  /** At most, for each cell. */
  readonly repeats: number
  /** No repeat begins after so long. */
  readonly spendMs: number
  /** When a transfer is given up, and its time estimated. */
  readonly limitMs: number
  /** How many paths of a rate may be busy together on this machine. */
  together(megabits: number): number
  /** For the process of our senders. */
  readonly nodeArguments: readonly string[]
  remark(text: string): void
}

export interface Comparison {
  readonly cell: Cell
  readonly ours: readonly Run[]
  readonly kernel: readonly Run[]
}

/** Later by more than this, packets no longer come as the path would have brought them. */
const LATE_MS = 2
const PATIENCE = 3
/** What V8 has to compile comes before what is measured. */
const WARM_UP = { megabits: 1000, rttMs: 10, bytes: 1e6 }
const WARM_UP_CONDITIONS = ['queue-4', 'queue-0.5', 'policer'] as const
const WARM_UPS = 4

export async function compare(cells: readonly Cell[], plan: Plan): Promise<Comparison[]> {
  const done: Comparison[] = []
  for (const megabits of new Set(cells.map(cell => cell.megabits))) {
    const waiting = cells.filter(cell => cell.megabits === megabits)
    const worker = async (): Promise<void> => {
      const world = await PathWorld.make(plan.nodeArguments)
      try {
        await warmUp(world, cells, plan)
        if (!world.hurries) plan.remark('Emulator and ends ran without real-time priority.')
        for (let cell = waiting.shift(); cell !== undefined; cell = waiting.shift()) {
          done.push(await compareCell(world, cell, plan))
        }
        const lost = world.lostInDevices()
        if (lost > 0) plan.remark(`${lost} packets were lost in devices before they reached the emulator.`)
      } finally {
        await world.remove()
      }
    }
    const together = Math.min(plan.together(megabits), waiting.length)
    await allOf(Array.from({ length: together }, worker))
  }
  return done.sort((a, b) => cells.indexOf(a.cell) - cells.indexOf(b.cell))
}

async function warmUp(world: PathWorld, cells: readonly Cell[], { limitMs }: Plan): Promise<void> {
  for (const controller of new Set(cells.map(cell => cell.controller))) {
    for (const condition of WARM_UP_CONDITIONS) {
      for (let seed = 1; seed <= WARM_UPS; seed++) {
        await world.run('ours', { ...WARM_UP, condition, controller }, seed, limitMs)
      }
    }
    // The first large transfer of a stack also takes the memory for its send buffer.
    const bytes = Math.max(...cells.map(cell => cell.bytes))
    await world.run('ours', { ...WARM_UP, condition: 'queue-4', controller, bytes }, 1, limitMs)
  }
}

/** Waits for all of them, also where one fails: each has something to clear away. */
async function allOf(work: readonly Promise<void>[]): Promise<void> {
  const results = await Promise.allSettled(work)
  for (const result of results) if (result.status === 'rejected') throw result.reason
}

async function compareCell(world: PathWorld, cell: Cell, plan: Plan): Promise<Comparison> {
  const runs: Record<Kind, Run[]> = { ours: [], kernel: [] }
  const began = performance.now()
  for (let seed = 1; seed <= plan.repeats && (seed === 1 || performance.now() - began < plan.spendMs); seed++) {
    for (const kind of ['ours', 'kernel'] as const) runs[kind].push(await measure(world, kind, cell, seed, plan))
  }
  process.stderr.write(`${nameOf(cell)}: ${(timeOf(runs.ours) / timeOf(runs.kernel)).toFixed(2)} x\n`)
  return { cell, ...runs }
}

/** Once more where the emulator did not get its processor in time. */
async function measure(world: PathWorld, kind: Kind, cell: Cell, seed: number, plan: Plan): Promise<Run> {
  for (let tries = 1; ; tries++) {
    const run = await world.run(kind, cell, seed, plan.limitMs)
    const refused = run.forward.refused + run.back.refused
    if (refused > 0) throw new Error(`${nameOf(cell)}: the device refused ${refused} packets`)
    const late = Math.max(run.forward.lateP99Ms, run.back.lateP99Ms)
    if (late <= LATE_MS) return run
    if (tries < PATIENCE) continue
    plan.remark(`${nameOf(cell)}, ${kind}: one packet in a hundred left ${late.toFixed(1)} ms or more too late.`)
    return run
  }
}

const timeOf = (runs: readonly Run[]): number => median(runs.map(run => run.durationMs))
export const ratioOf = ({ ours, kernel }: Comparison): number =>
  median(ours.map((run, i) => run.durationMs / kernel[i].durationMs))

const HEADINGS =
  'MB,Mbit/s,RTT ms,condition,control,s,kernel,ratio,again %,kernel,needless %,kernel,queue p95 ms,kernel,busy %'
const NUMBERS = new Set([0, 1, 2, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14])

export function printPaths(comparisons: readonly Comparison[]): void {
  const rows = comparisons.map(comparison => {
    const { cell, ours, kernel } = comparison
    const both = (figure: (run: Run) => number, digits: number): string[] =>
      [ours, kernel].map(runs => median(runs.map(figure)).toFixed(digits))
    const time = [ours, kernel].map(
      runs => (timeOf(runs) / 1000).toPrecision(3) + (runs.every(run => run.complete) ? '' : '*')
    )
    return [
      String(cell.bytes / 1e6),
      String(cell.megabits),
      String(cell.rttMs),
      cell.condition,
      cell.controller,
      ...time,
      ratioOf(comparison).toFixed(2),
      ...both(({ flow }) => (100 * flow.repeatedBytes) / flow.bytes, 2),
      ...both(({ flow }) => (100 * flow.needlessBytes) / flow.bytes, 2),
      ...both(({ forward }) => forward.queueP95Ms, 1),
      (100 * median(ours.map(run => run.utilization))).toFixed(0)
    ]
  })
  console.log(formatTable(HEADINGS.split(','), rows, NUMBERS))
}

export function summaryOf(comparisons: readonly Comparison[]): string[] {
  const ratios = comparisons.map(ratioOf)
  const slower = ratios.filter(ratio => ratio > 1.1).length
  const needless = (of: (it: Comparison) => readonly Run[]): number => {
    const runs = comparisons.flatMap(of)
    const sum = (figure: (run: Run) => number): number => runs.reduce((total, run) => total + figure(run), 0)
    return (100 * sum(({ flow }) => flow.needlessBytes)) / sum(({ flow }) => flow.bytes)
  }
  return [
    `${comparisons.length} cells, ratio of times: median ${median(ratios).toFixed(3)}, ` +
      `best ${Math.min(...ratios).toFixed(2)}, worst ${Math.max(...ratios).toFixed(2)}; ` +
      `more than 10% slower in ${slower}.`,
    `Sent for nothing, of all bytes: ours ${needless(it => it.ours).toFixed(3)}%, ` +
      `the kernel's ${needless(it => it.kernel).toFixed(3)}%.`
  ]
}
