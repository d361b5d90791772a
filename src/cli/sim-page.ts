// The series of a simulator's run as a page of plots: a panel a quantity.

import { type Network, reportOf } from '../sim.ts'
import { page, table } from './page.ts'
import { bytes, rate, seconds } from './sim-summary.ts'

/** How a quantity is shown: its title, and what one of its unit on the axis is in the unit of the series. */
const PANELS: Readonly<Record<string, readonly [title: string, unit: string, scale: number]>> = {
  goodput: ['Goodput', 'Mbit/s', 1e6],
  cwnd: ['Congestion window', 'kB', 1e3],
  ssthresh: ['Slow start threshold', 'kB', 1e3],
  inFlight: ['In flight', 'kB', 1e3],
  srtt: ['Smoothed round trip', 'ms', 1],
  retransmits: ['Segments sent again, so far', 'segments', 1],
  throughput: ['Throughput of the line', 'Mbit/s', 1e6],
  queuePackets: ['Queue', 'packets', 1],
  queueBytes: ['Queue', 'kB', 1e3],
  drops: ['Packets dropped, so far', 'packets', 1],
  marks: ['Packets marked, so far', 'packets', 1]
}

export function pageOf(net: Network, file: string): string {
  const { seed, durationMs, segmentsSent, flows, series } = reportOf(net)
  const panels = Object.entries(PANELS).flatMap(([quantity, [title, unit, scale]]) => {
    const drawn = series.filter(each => each.quantity === quantity && each.values.some(value => !Number.isNaN(value)))
    // Neither is worth a panel when it has nothing to show.
    if (drawn.length === 0 || (['drops', 'marks', 'retransmits'].includes(quantity) && !isEverAboveZero(drawn)))
      return []
    return [
      {
        title: `${title} (${unit})`,
        xLabel: 'time (s)',
        series: drawn.map(({ name, times, values }) => ({
          name,
          x: times.map(time => time / 1000),
          values: values.map(value => (Number.isNaN(value) ? null : value / scale))
        }))
      }
    ]
  })
  const rows = flows.map(flow => [
    flow.name,
    `${flow.from} → ${flow.to}`,
    bytes(flow.bytesReceived),
    rate(flow.goodputBitsPerSecond),
    String(flow.retransmits),
    flow.error ?? (Number.isNaN(flow.finishedMs) ? '–' : seconds(flow.finishedMs))
  ])
  const intro = `<p>${seconds(durationMs)} of virtual time, seed ${seed}, ${segmentsSent.toLocaleString('en')} segments. Drag over a stretch of time to
see more of it, in all panels; click twice to see all again. A click on a name hides its line.</p>`
  const headings = ['flow', 'way', 'received', 'goodput', 'sent again', 'finished']
  return page({
    title: file.replace(/^.*\//, ''),
    sections: [{ head: intro, panels, tail: table(headings, rows) }]
  })
}

function isEverAboveZero(series: readonly { readonly values: readonly number[] }[]): boolean {
  return series.some(({ values }) => values.some(value => value > 0))
}
