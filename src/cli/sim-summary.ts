// What a run has come to, as text for a terminal: the flows, and the lines on which anything waited or was lost.

import { type Network, reportOf } from '../sim.ts'

const MOST_FLOWS = 40

export function summaryOf(net: Network): string {
  const { seed, durationMs, segmentsSent, flows, links } = reportOf(net)
  const lines = [`${seconds(durationMs)} of virtual time, seed ${seed}, ${segmentsSent} segments`, '']
  lines.push(
    ...table(
      ['flow', 'from', 'to', 'received', 'goodput', 'again', 'finished'],
      flows
        .slice(0, MOST_FLOWS)
        .map(flow => [
          flow.name,
          flow.from,
          flow.to,
          bytes(flow.bytesReceived),
          rate(flow.goodputBitsPerSecond),
          String(flow.retransmits),
          flow.error ?? (Number.isNaN(flow.finishedMs) ? '-' : seconds(flow.finishedMs))
        ])
    )
  )
  if (flows.length > MOST_FLOWS) lines.push(`... and ${flows.length - MOST_FLOWS} more`)
  const lossy = Object.entries(links).filter(([, counters]) => dropped(counters) + counters.markedCongestion > 0)
  if (lossy.length > 0) {
    lines.push('')
    const row = ([name, counters]: (typeof lossy)[number]): string[] => [
      name,
      String(counters.packetsSent),
      String(counters.droppedQueueFull),
      String(counters.droppedEarly),
      String(counters.droppedLoss),
      String(dropped(counters) - counters.droppedQueueFull - counters.droppedEarly - counters.droppedLoss),
      String(counters.markedCongestion)
    ]
    lines.push(...table(['line', 'sent', 'queue full', 'early', 'lost', 'other', 'marked'], lossy.map(row)))
  }
  return `${lines.join('\n')}\n`
}

function dropped(counters: Readonly<Record<string, number>>): number {
  return Object.entries(counters).reduce((sum, [name, count]) => sum + (name.startsWith('dropped') ? count : 0), 0)
}

/** Numbers to the right, names to the left. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  if (rows.length === 0) return []
  const all = [head, ...rows]
  const widths = head.map((_, column) => Math.max(...all.map(row => row[column].length)))
  const isName = head.map(title => ['flow', 'from', 'to', 'line'].includes(title))
  return all.map(row =>
    row
      .map((cell, column) => (isName[column] ? cell.padEnd(widths[column]) : cell.padStart(widths[column])))
      .join('  ')
      .trimEnd()
  )
}

export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(3)} s`
}

export function bytes(count: number): string {
  return scaled(count, 'B')
}

export function rate(bitsPerSecond: number): string {
  return scaled(bitsPerSecond, 'bit/s')
}

function scaled(value: number, unit: string): string {
  for (const [size, prefix] of [
    [1e9, 'G'],
    [1e6, 'M'],
    [1e3, 'k']
  ] as const) {
    if (value >= size) return `${(value / size).toFixed(2)} ${prefix}${unit}`
  }
  return `${value.toFixed(0)} ${unit}`
}
