// What every part of the simulator says of options that make no sense.

import { rangeError, typeError } from '../errors.ts'

/** Throws ERR_INVALID_ARG_VALUE for a name that `options` should not have. */
export function checkNames(options: object, known: readonly string[], what: string): void {
  for (const name of Object.keys(options)) {
    if (known.includes(name)) continue
    throw typeError('ERR_INVALID_ARG_VALUE', `Unknown option "${name}" of ${what}. Known options: ${known.join(', ')}`)
  }
}

export function outOfRange(name: string, wanted: string, value: unknown): RangeError {
  return rangeError(
    'ERR_OUT_OF_RANGE',
    `The value of "${name}" is out of range. It must be ${wanted}. Received ${String(value)}`
  )
}

export function atLeastZero(name: string, value: unknown): number {
  if (typeof value === 'number' && value >= 0) return value
  throw outOfRange(name, '0 or more', value)
}

export function aboveZero(name: string, value: unknown): number {
  if (typeof value === 'number' && value > 0) return value
  throw outOfRange(name, 'above 0', value)
}
