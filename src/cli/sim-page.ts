// A page of HTML with the series of a run: a panel a quantity, drawn by uPlot, which is put into the page with the numbers, so
// that the page needs nothing else.

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { type Network, reportOf } from '../sim.ts'
import { PAGE_SCRIPT, PAGE_STYLE } from './sim-page-parts.ts'
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
        series: drawn.map(({ name, times, values }) => ({
          name,
          times: times.map(time => time / 1000),
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
  const title = file.replace(/^.*\//, '')
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${escaped(title)}</title>
<style>
${library('uPlot.min.css')}
${PAGE_STYLE}
</style>
</head>
<body>
<h1>${escaped(title)}</h1>
<p>${seconds(durationMs)} of virtual time, seed ${seed}, ${segmentsSent.toLocaleString('en')} segments. Drag over a stretch of time to
see more of it, in all panels; click twice to see all again. A click on a name hides its line.</p>
<div id="panels"></div>
<table>
<tr><th>flow</th><th>way</th><th>received</th><th>goodput</th><th>sent again</th><th>finished</th></tr>
${rows.map(row => `<tr>${row.map(cell => `<td>${escaped(cell)}</td>`).join('')}</tr>`).join('\n')}
</table>
<script>
${library('uPlot.iife.min.js')}
</script>
<script>
const panels = ${JSON.stringify(panels).replaceAll('<', '\\u003c')}
${PAGE_SCRIPT}
</script>
</body>
</html>
`
}

function isEverAboveZero(series: readonly { readonly values: readonly number[] }[]): boolean {
  return series.some(({ values }) => values.some(value => value > 0))
}

function library(name: string): string {
  return readFileSync(createRequire(import.meta.url).resolve(`uplot/dist/${name}`), 'utf8').trim()
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
