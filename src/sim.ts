// `rawtcp/sim`: stacks on links in memory, on a clock that only moves when it is told to. Needs no privileges and no addon.

export type { Impairments } from './link/impairments.ts'
export { type PairLink, type PairOptions, pairLinks } from './link/pair.ts'
export type { ChannelOptions, Filter, Verdict } from './link/path/channel.ts'
export type { LossOptions } from './link/path/loss.ts'
export type { PolicerOptions } from './link/path/policer.ts'
export type { QueueOptions } from './link/path/queues.ts'
export type { RateSteps, RateTrace } from './link/path/rate.ts'
export { VirtualClock, type VirtualClockOptions } from './sim/clock.ts'
export type { CrossTraffic, CrossTrafficOptions } from './sim/cross-traffic.ts'
export type { Flow, FlowOptions, FlowResult } from './sim/flow.ts'
export { type LinkOptions, Network, type NetworkLink, type NetworkOptions, type NodeOptions } from './sim/network.ts'
export type { NetworkHost, Router, RouterOptions } from './sim/node.ts'
export type { Probe, ProbeOptions, Quantity, Series } from './sim/probe.ts'
export { type Report, reportOf, seriesToCsv } from './sim/report.ts'
export {
  buildScenario,
  type Scenario,
  type ScenarioContext,
  type ScenarioEvent,
  type ScenarioSettings
} from './sim/scenario.ts'
export type { Wire } from './sim/wire.ts'
export { formatPrometheus, PROMETHEUS_CONTENT_TYPE } from './stack/prometheus.ts'
export { Stack, type StackOptions } from './stack/stack.ts'
