// What the reports in bench/results say of each row over time. Pure.

import type { Figure, Report } from './report.ts'

export interface Point {
  /** Which of the reports. */
  readonly at: number
  readonly figure: Figure
}

export interface RowHistory {
  readonly bench: string
  readonly name: string
  /** From the oldest to the newest. */
  readonly points: readonly Point[]
}

export interface History {
  /** Those that can be compared with the newest, in the order of time. */
  readonly reports: readonly Report[]
  readonly rows: readonly RowHistory[]
}

/** Throws where there is nothing to tell of. Of what it is given, what is no report of a bench is left out. */
export function historyOf(results: readonly unknown[]): History {
  const all = results.filter(isReport).sort((a, b) => (a.machine.date < b.machine.date ? -1 : 1))
  const newest = all.at(-1)
  if (newest === undefined) throw new Error('There are no reports yet: npm run bench')
  const { cpu, cores } = newest.machine
  const reports = all.filter(it => it.machine.cpu === cpu && it.machine.cores === cores)
  const rows = new Map<string, { bench: string; name: string; points: Point[] }>()
  for (const [at, { figures }] of reports.entries()) {
    for (const figure of figures) {
      const { bench, name, reference } = figure
      const key = [bench, name, reference?.name].join('\n')
      const row = rows.get(key) ?? { bench, name, points: [] }
      rows.set(key, row)
      row.points.push({ at, figure })
    }
  }
  return { reports, rows: [...rows.values()] }
}

function isReport(result: unknown): result is Report {
  const { machine, plan, figures } = (result ?? {}) as Partial<Report>
  return typeof machine?.date === 'string' && Array.isArray(figures) && plan?.profiled === false
}
