// The statistics as text in Prometheus' exposition format (version 0.0.4): the standard names as node_exporter has them
// (`node_netstat_Tcp_ActiveOpens` is `rawtcp_netstat_Tcp_ActiveOpens` here), drops by layer and reason, and our own
// counters by part.

import type { Counters } from '../stats.ts'
import type { Stack } from './stack.ts'

/** The media type to serve the text under. */
export const PROMETHEUS_CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

const GROUPS = { tcp: 'Tcp', tcpExt: 'TcpExt', ip: 'Ip', ipExt: 'IpExt', icmp: 'Icmp' } as const

/** Settings, and what may become less again. */
const GAUGES: ReadonlySet<string> = new Set([
  'Tcp_RtoAlgorithm',
  'Tcp_RtoMin',
  'Tcp_RtoMax',
  'Tcp_MaxConn',
  'Tcp_CurrEstab',
  'Ip_Forwarding',
  'Ip_DefaultTTL'
])

export function formatPrometheus(stack: Stack): string {
  const statistics = stack.statistics()
  const { stack: own, ...parts } = stack.counters()
  const { slabUsedBytes, slabReservedBytes, unreadBytes, reassemblyBytes, ...ownCounters } = own
  let text = ''
  for (const [group, title] of Object.entries(GROUPS)) {
    for (const [name, value] of Object.entries(statistics[group as keyof typeof GROUPS])) {
      const type = GAUGES.has(`${title}_${name}`) ? 'gauge' : 'counter'
      text += head(`rawtcp_netstat_${title}_${name}`, type, `Statistic ${title}${name}.`)
      text += `rawtcp_netstat_${title}_${name} ${value}\n`
    }
  }
  text += head('rawtcp_dropped_total', 'counter', 'Packets and segments dropped, by layer and reason.')
  for (const [layer, reasons] of Object.entries(statistics.dropped)) {
    text += samples('rawtcp_dropped_total', { layer }, 'reason', reasons)
  }
  text += head('rawtcp_events_total', 'counter', 'What each part of the stack counts, under its own names.')
  for (const [part, counters] of Object.entries({ ...parts, stack: ownCounters })) {
    text += samples('rawtcp_events_total', { part }, 'event', counters)
  }
  text += head('rawtcp_connections', 'gauge', 'Connections there are now, by kind.')
  text += samples('rawtcp_connections', {}, 'kind', { ...stack.counts() })
  text += head('rawtcp_slab_bytes', 'gauge', 'Memory of send buffers and of text out of order.')
  text += samples('rawtcp_slab_bytes', {}, 'kind', { used: slabUsedBytes, reserved: slabReservedBytes })
  text += head('rawtcp_held_bytes', 'gauge', 'Text in order that is not read, and fragments of datagrams.')
  text += samples('rawtcp_held_bytes', {}, 'kind', { unread: unreadBytes, fragments: reassemblyBytes })
  return text
}

function head(metric: string, type: string, help: string): string {
  return `# HELP ${metric} ${help}\n# TYPE ${metric} ${type}\n`
}

function samples(metric: string, labels: Record<string, string>, label: string, counters: Counters): string {
  const shared = Object.entries(labels).map(([name, value]) => `${name}="${value}",`)
  return Object.entries(counters)
    .map(([name, value]) => `${metric}{${shared.join('')}${label}="${name}"} ${value}\n`)
    .join('')
}
