// `rawtcp/sim`: stacks on links in memory, on a clock that only moves when it is told to. Needs no privileges and no addon.

export type { Impairments, Verdict } from './link/impairments.ts'
export { type PairLink, type PairOptions, pairLinks } from './link/pair.ts'
export { VirtualClock, type VirtualClockOptions } from './sim/clock.ts'
export { formatPrometheus, PROMETHEUS_CONTENT_TYPE } from './stack/prometheus.ts'
export { Stack, type StackOptions } from './stack/stack.ts'
