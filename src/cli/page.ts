// A page of HTML with plots, drawn by uPlot, which is put into the page with the numbers, so that the page needs nothing else.

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { PAGE_SCRIPT, PAGE_STYLE } from './page-parts.ts'

export interface Series {
  readonly name: string
  readonly x: readonly number[]
  /** Null where there is none. */
  readonly values: readonly (number | null)[]
}

export interface Panel {
  readonly title: string
  readonly xLabel: string
  /** Of x 0, 1, 2 and so on, where they stand for something without a measure. */
  readonly xNames?: readonly string[]
  readonly series: readonly Series[]
  /** Two of the series, by their places, between which the plot is coloured. */
  readonly band?: readonly [upper: number, lower: number]
}

/** HTML before and after its panels. */
export interface Section {
  readonly head: string
  readonly panels: readonly Panel[]
  readonly tail: string
}

export function page({ title, sections }: { title: string; sections: readonly Section[] }): string {
  const bodies = sections.map(({ head, tail }) => `${head}\n<div class="panels"></div>\n${tail}`)
  const panels = sections.map(section => section.panels)
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
${bodies.join('\n')}
<script>
${library('uPlot.iife.min.js')}
</script>
<script>
const sections = ${JSON.stringify(panels).replaceAll('<', '\\u003c')}
${PAGE_SCRIPT}
</script>
</body>
</html>
`
}

export function table(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  return `<table>
<tr>${headings.map(heading => `<th>${escaped(heading)}</th>`).join('')}</tr>
${rows.map(row => `<tr>${row.map(cell => `<td>${escaped(cell)}</td>`).join('')}</tr>`).join('\n')}
</table>`
}

export function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}

function library(name: string): string {
  return readFileSync(createRequire(import.meta.url).resolve(`uplot/dist/${name}`), 'utf8').trim()
}
