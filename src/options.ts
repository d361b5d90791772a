// Options as tables: one entry gives type, default and bounds; `resolve` applies a table once, at the API's edge.

import { rangeError, typeError } from './errors.ts'

export interface IntegerOption {
  readonly kind: 'integer'
  readonly default: number
  readonly min: number
  readonly max: number
}

export interface FlagOption {
  readonly kind: 'flag'
  readonly default: boolean
}

type Option = IntegerOption | FlagOption
type Table = Readonly<Record<string, Option>>

export type Values<T extends Table> = { readonly [K in keyof T]: T[K]['kind'] extends 'integer' ? number : boolean }

export function int(spec: { default: number; min: number; max: number }): IntegerOption {
  return { kind: 'integer', ...spec }
}

export function flag(spec: { default: boolean }): FlagOption {
  return { kind: 'flag', ...spec }
}

/**
 * The values of a table: `given` where it names them, else `base`, else the defaults. Throws a TypeError
 * (ERR_INVALID_ARG_VALUE for a name that is not in the table, ERR_INVALID_ARG_TYPE for a wrong type) or a RangeError
 * (ERR_OUT_OF_RANGE).
 */
export function resolve<T extends Table>(table: T, given: object = {}, base?: Values<T>): Values<T> {
  const values: Record<string, number | boolean> = {}
  for (const [name, option] of Object.entries(table)) values[name] = base?.[name] ?? option.default
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined) continue
    const option = Object.hasOwn(table, name) ? table[name] : undefined
    if (option === undefined) {
      const known = Object.keys(table).join(', ')
      throw typeError('ERR_INVALID_ARG_VALUE', `Unknown option "${name}". Known options: ${known}`)
    }
    checkOption(name, option, value)
    values[name] = value
  }
  return values as Values<T>
}

function checkOption(name: string, option: Option, value: unknown): asserts value is number | boolean {
  const wanted = option.kind === 'flag' ? 'boolean' : 'number'
  if (typeof value !== wanted) {
    const found = value === null ? 'null' : typeof value
    throw typeError('ERR_INVALID_ARG_TYPE', `The option "${name}" must be a ${wanted}, received ${found}`)
  }
  if (option.kind === 'flag') return
  const number = value as number
  if (!Number.isInteger(number) || number < option.min || number > option.max) {
    throw rangeError(
      'ERR_OUT_OF_RANGE',
      `The option "${name}" must be an integer from ${option.min} to ${option.max}, received ${number}`
    )
  }
}
