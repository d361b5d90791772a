// Figures as the reader has them: a table, and JSON with every repeat.

import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { packageRoot } from '../../src/native/addon.ts'
import type { Row } from './bench.ts'
import type { Machine } from './machine.ts'
import { formatTable } from './table.ts'

export interface Figure extends Row {
  readonly bench: string
  readonly min: number
  readonly median: number
  readonly max: number
  readonly referenceMedian: number | undefined
  /** Ours by the reference's: the median of what each repeat says. */
  readonly ratio: number | undefined
}

export interface Report {
  readonly machine: Machine & { readonly loadAfter: number }
  readonly plan: {
    readonly repeats: number
    readonly warmupMs: number
    readonly measureMs: number
    readonly profiled: boolean
  }
  readonly figures: readonly Figure[]
  readonly remarks: readonly string[]
  readonly skipped: readonly string[]
  readonly failed: readonly string[]
}

export function figureOf(bench: string, row: Row): Figure {
  const references = row.reference?.values
  const ratios = references?.map((reference, i) => row.values[i] / reference)
  return {
    bench,
    ...row,
    min: Math.min(...row.values),
    median: median(row.values),
    max: Math.max(...row.values),
    referenceMedian: references && median(references),
    ratio: ratios && median(ratios)
  }
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

const HEADINGS = ['bench', 'figure', 'min', 'median', 'max', 'unit', 'reference', 'median', 'ratio']
/** Where there was nothing to measure: nobody was served. */
const NONE = '-'
const NUMBERS = new Set([2, 3, 4, 7, 8])

export function printTable({ machine, plan, figures, remarks, skipped, failed }: Report): void {
  const { cpu, cores, kernel, node, commit, load, loadAfter, date } = machine
  console.log(`\n${cpu}, ${cores} CPUs, ${kernel}, Node ${node}, commit ${commit}, ${date}`)
  console.log(`Load ${load.toFixed(1)} before, ${loadAfter.toFixed(1)} after (one more for each process of a bench).`)
  const profiled = plan.profiled ? ' Slowed down by the profiler.' : ''
  console.log(`${plan.repeats} repeats of ${plan.measureMs} ms after a warm-up of ${plan.warmupMs} ms.${profiled}\n`)
  const rows = figures.map(it => [
    it.bench,
    it.name,
    ...[it.min, it.median, it.max].map(format),
    it.unit,
    it.reference?.name ?? '',
    it.referenceMedian === undefined ? '' : format(it.referenceMedian),
    formatRatio(it.ratio)
  ])
  if (rows.length > 0) console.log(formatTable(HEADINGS, rows, NUMBERS))
  for (const text of remarks) console.log(`Note: ${text}`)
  for (const text of skipped) console.log(`Skipped: ${text}`)
  for (const text of failed) console.log(`Failed: ${text}`)
}

/** Three digits that count; no decimals where there are enough before the point. */
export function format(value: number): string {
  if (!Number.isFinite(value)) return NONE
  const decimals = Math.max(0, 2 - Math.floor(Math.log10(Math.max(value, 0.001))))
  return value.toLocaleString('en', { minimumFractionDigits: decimals, maximumFractionDigits: decimals })
}

export function formatRatio(ratio: number | undefined | null): string {
  if (ratio === undefined) return ''
  return ratio !== null && Number.isFinite(ratio) ? `${ratio.toFixed(2)} x` : NONE
}

export function writeJson(report: Report): string {
  return writeResults(report.machine.date, report)
}

/** Answers what has become of it. */
export function writeResults(name: string, results: object): string {
  const directory = join(packageRoot(), 'bench', 'results')
  const path = join(directory, `${name.replaceAll(':', '-')}.json`)
  try {
    mkdirSync(directory, { recursive: true })
    writeFileSync(path, `${JSON.stringify(results, null, 2)}\n`)
  } catch (error) {
    return `Not written: ${(error as Error).message}`
  }
  return `Written to ${path}`
}
