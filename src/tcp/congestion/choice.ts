// Which controller a connection gets: one of ours by its name, or what a factory of the user's makes.

import { Bbr } from './bbr.ts'
import type { CongestionControl, CongestionControlFactory } from './congestion.ts'
import { Cubic } from './cubic.ts'
import { Dctcp } from './dctcp.ts'
import { FixedWindow } from './fixed-window.ts'
import { NewReno } from './new-reno.ts'

const CONTROLLERS = {
  cubic: () => new Cubic(),
  reno: () => new NewReno(),
  dctcp: () => new Dctcp(),
  bbr: () => new Bbr(),
  none: () => new FixedWindow()
} as const satisfies Record<string, CongestionControlFactory>

export type CongestionControlName = keyof typeof CONTROLLERS
export type CongestionControlChoice = CongestionControlName | CongestionControlFactory

export const CONGESTION_CONTROL_NAMES = Object.keys(CONTROLLERS) as readonly CongestionControlName[]

export function makeController(choice: CongestionControlChoice): CongestionControl {
  return typeof choice === 'function' ? choice() : CONTROLLERS[choice]()
}

const METHODS = [
  'opened',
  'acknowledged',
  'lossDetected',
  'recovered',
  'timedOut',
  'undone',
  'congestionEchoed',
  'idled',
  'resumed'
] as const satisfies readonly (keyof CongestionControl)[]

const FLAGS = ['governsRecovery', 'paces', 'needsEcn'] as const satisfies readonly (keyof CongestionControl)[]

/** What is wrong with a controller that a factory has made; undefined for nothing. */
export function faultOf(made: unknown): string | undefined {
  if (typeof made !== 'object' || made === null)
    return `a congestion controller, not ${made === null ? 'null' : typeof made}`
  const controller = made as Partial<CongestionControl>
  if (typeof controller.name !== 'string') return 'a congestion controller with a name'
  const unsaid = FLAGS.find(flag => typeof controller[flag] !== 'boolean')
  if (unsaid !== undefined) return `a congestion controller with the boolean ${unsaid}`
  const missing = METHODS.find(method => typeof controller[method] !== 'function')
  return missing === undefined ? undefined : `a congestion controller with the method ${missing}`
}
