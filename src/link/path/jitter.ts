// How much later than others a packet is, in units of `jitterMs`: the distributions that netem has too.

import type { Random } from '../../random.ts'

const PARETO_SHAPE = 3

export const jitters = {
  /** From 0 to 1. */
  uniform: random => random.float(),
  /** About 0, with a standard deviation of 1 (the method of Box and Muller). */
  normal: random => Math.sqrt(-2 * Math.log(1 - random.float())) * Math.cos(2 * Math.PI * random.float()),
  /** From 0 on, 1 on average, with a long tail. */
  pareto: random => (PARETO_SHAPE - 1) * ((1 - random.float()) ** (-1 / PARETO_SHAPE) - 1)
} as const satisfies Readonly<Record<string, (random: Random) => number>>

export type JitterDistribution = keyof typeof jitters
