// What the comparison with the kernel over an emulated path is made for: paths, conditions on them, sizes, controllers.

import type { PathSettings } from './emulator.ts'

/** Those that both have, by the names that both have for them. */
export const CONTROLLERS = ['cubic', 'bbr', 'reno'] as const
export type Controller = (typeof CONTROLLERS)[number]

export interface Condition {
  readonly loss?: number
  readonly reordered?: number
  readonly policed?: boolean
  /** Of the queue, in bandwidth-delay products. */
  readonly queueBdp: number
}

/** By the names that options give them. What is not crossed: losses, reordering and policers with a short queue. */
export const CONDITIONS = {
  'queue-4': { queueBdp: 4 },
  'queue-0.5': { queueBdp: 0.5 },
  'loss-0.1': { queueBdp: 4, loss: 0.001 },
  'loss-1': { queueBdp: 4, loss: 0.01 },
  'loss-3': { queueBdp: 4, loss: 0.03 },
  'reorder-5': { queueBdp: 4, reordered: 0.05 },
  policer: { queueBdp: 4, policed: true }
} as const satisfies Readonly<Record<string, Condition>>

export type ConditionName = keyof typeof CONDITIONS

export interface Cell {
  readonly megabits: number
  readonly rttMs: number
  readonly condition: ConditionName
  readonly controller: Controller
  readonly bytes: number
}

/** How much faster than the policer the line before it is. */
const POLICED_LINE = 4
/** A packet that is overtaken is late by up to this share of the round trip. */
const LATE = 0.25

export function settingsOf({ megabits, rttMs, condition, bytes }: Cell, seed: number): PathSettings {
  const { queueBdp, loss = 0, reordered = 0, policed = false }: Condition = CONDITIONS[condition]
  const bitsPerSecond = megabits * 1e6
  const bdp = (bitsPerSecond / 8) * (rttMs / 1000)
  return {
    bitsPerSecond: policed ? POLICED_LINE * bitsPerSecond : bitsPerSecond,
    delayMs: rttMs / 2,
    queueBytes: Math.round(queueBdp * bdp),
    loss,
    reordered,
    lateMs: LATE * rttMs,
    ...(policed ? { policedBitsPerSecond: bitsPerSecond, bucketBytes: Math.round(bdp) } : {}),
    seed,
    flowBytes: bytes
  }
}

export function nameOf({ megabits, rttMs, condition, controller, bytes }: Cell): string {
  return `${bytes / 1e6} MB, ${megabits} Mbit/s, ${rttMs} ms, ${condition}, ${controller}`
}

/** Every combination. */
export function grid(of: {
  readonly megabits: readonly number[]
  readonly rttMs: readonly number[]
  readonly conditions: readonly ConditionName[]
  readonly controllers: readonly Controller[]
  readonly bytes: readonly number[]
}): Cell[] {
  return of.megabits.flatMap(megabits =>
    of.rttMs.flatMap(rttMs =>
      of.conditions.flatMap(condition =>
        of.controllers.flatMap(controller => of.bytes.map(bytes => ({ megabits, rttMs, condition, controller, bytes })))
      )
    )
  )
}
