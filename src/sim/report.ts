// What a run has come to, as plain data: the flows, the links, the series of all probes; and as comma-separated values.

import type { Counters } from '../stats.ts'
import type { FlowResult } from './flow.ts'
import type { Network } from './network.ts'
import type { Series } from './probe.ts'

export interface Report {
  readonly seed: number
  readonly durationMs: number
  /** Segments of TCP that all hosts have sent. */
  readonly segmentsSent: number
  readonly flows: readonly FlowResult[]
  /** Each direction of each link by its name, `a -> b`. */
  readonly links: Readonly<Record<string, Counters>>
  readonly crossTraffic: readonly { readonly name: string; readonly sentPackets: number }[]
  readonly series: readonly Series[]
}

export function reportOf(net: Network): Report {
  const wires = net.links.flatMap(({ there, back }) => [there, back])
  return {
    seed: net.seed,
    durationMs: net.now,
    segmentsSent: net.segmentsSent,
    flows: net.flows.map(flow => flow.result()),
    links: Object.fromEntries(wires.map(wire => [wire.name, wire.counters()])),
    crossTraffic: net.crossTraffics.map(({ name, sentPackets }) => ({ name, sentPackets })),
    series: net.probes.flatMap(({ series }) => series)
  }
}

/** A row a sample. Times in ms; nothing stands where there was nothing to read. */
export function seriesToCsv(series: readonly Series[]): string {
  const rows = ['time_ms,name,quantity,unit,value']
  for (const { name, quantity, unit, times, values } of series) {
    const label = [name, quantity, unit].map(quoted).join(',')
    times.forEach((time, i) => void rows.push(`${time},${label},${Number.isNaN(values[i]) ? '' : values[i]}`))
  }
  return `${rows.join('\n')}\n`
}

/** RFC 4180 §2. */
function quoted(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
