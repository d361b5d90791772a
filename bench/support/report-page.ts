// The reports of the benches as a page of plots: each row beside its reference, as it was last measured, and its history.

import { escaped, type Panel, page, type Section, type Series } from '../../src/cli/page.ts'
import type { History, RowHistory } from './history.ts'
import { type Figure, format, formatRatio } from './report.ts'

const WIDTH = 320
const LANE = 9

export function reportPage({ reports, rows }: History): string {
  const { machine } = reports[reports.length - 1]
  const names = reports.map(
    ({ machine: { commit, date } }) => `${commit.replace(' with changes', '+')} ${date.slice(5, 10)}`
  )
  const benches = [...new Set(rows.map(row => row.bench))]
  const about = `<p>${escaped(`${machine.cpu}, ${machine.cores} CPUs, ${machine.kernel}, Node ${machine.node}`)}; ${reports.length}
reports, the last of ${escaped(machine.date)}. Bars reach from the smallest to the largest of the repeats, with a mark at the median: ours
above, the reference below, both from zero. Commits with a plus had changes.</p>`
  const sections = benches.map((bench, i): Section => {
    const own = rows.filter(row => row.bench === bench)
    const head = `${i === 0 ? about : ''}<h2>${escaped(bench)}</h2>\n${overview(own)}`
    return { head, panels: own.map(row => historyPanel(row, names)), tail: '' }
  })
  return page({ title: 'Benchmarks', sections })
}

function overview(rows: readonly RowHistory[]): string {
  const headings = ['figure', '', 'median', 'unit', 'reference', 'median', 'ratio']
  const cells = rows.map(({ name, points }) => {
    const { figure } = points[points.length - 1]
    const { reference, referenceMedian } = figure
    return [
      escaped(name),
      bars(figure),
      format(figure.median),
      escaped(figure.unit),
      escaped(reference?.name ?? ''),
      referenceMedian === undefined ? '' : format(referenceMedian),
      formatRatio(figure.ratio)
    ]
  })
  const line = (of: readonly string[], tag: string): string =>
    `<tr>${of.map(cell => `<${tag}>${cell}</${tag}>`).join('')}</tr>`
  return `<table>\n${line(headings, 'th')}\n${cells.map(row => line(row, 'td')).join('\n')}\n</table>`
}

/** Smallest, median and largest of ours and of the reference, on a common scale from zero. */
export function bars({ min, median, max, reference, referenceMedian }: Figure): string {
  const lanes = [{ kind: 'ours', min, median, max }]
  if (reference !== undefined && referenceMedian !== undefined) {
    const [least, most] = [Math.min(...reference.values), Math.max(...reference.values)]
    lanes.push({ kind: 'reference', min: least, median: referenceMedian, max: most })
  }
  const most = Math.max(...lanes.map(lane => lane.max).filter(Number.isFinite))
  const at = (value: number): string => ((WIDTH * value) / most).toFixed(1)
  const drawn = lanes
    .filter(lane => [lane.min, lane.median, lane.max].every(Number.isFinite) && most > 0)
    .map(({ kind, min, median, max }, i) => {
      const y = i * (LANE + 2)
      const reach = `<rect class="${kind} reach" x="${at(min)}" y="${y}" width="${at(max - min)}" height="${LANE}"/>`
      const line = `<rect class="${kind}" x="0" y="${y + LANE / 2 - 1}" width="${at(min)}" height="2"/>`
      return `${line}${reach}<rect class="${kind}" x="${at(median)}" y="${y}" width="2" height="${LANE}"/>`
    })
  return `<svg width="${WIDTH + 2}" height="${2 * LANE + 2}">${drawn.join('')}</svg>`
}

export function historyPanel({ name, points }: RowHistory, xNames: readonly string[]): Panel {
  const { unit, reference } = points[points.length - 1].figure
  const x = points.map(point => point.at)
  const line = (label: string, of: (figure: Figure) => number | undefined | null): Series => ({
    name: label,
    x,
    values: points.map(({ figure }) => of(figure) ?? null)
  })
  const series = [line('median', it => it.median), line('largest', it => it.max), line('smallest', it => it.min)]
  if (reference !== undefined) series.push(line(reference.name, it => it.referenceMedian))
  return { title: `${name} (${unit})`, xLabel: 'commit', xNames, series, band: [1, 2] }
}
