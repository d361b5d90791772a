// Options as tables: one entry gives type, default and bounds, and whether it may still change once it is in use.
// `resolve` applies a table where a user's options come in, `change` where the user gives some of them anew.

import { rangeError, typeError } from './errors.ts'

interface Liveness {
  /** May be changed for as long as what it configures exists; the others are settled at its beginning. */
  readonly live?: boolean
}

export interface IntegerOption extends Liveness {
  readonly kind: 'integer'
  readonly default: number
  readonly min: number
  readonly max: number
  /** 0 may be below `min`: it says that there is no number. */
  readonly orZero?: boolean
}

export interface FlagOption extends Liveness {
  readonly kind: 'flag'
  readonly default: boolean
}

export interface ChoiceOption<C extends string = string> extends Liveness {
  readonly kind: 'choice'
  readonly default: C
  readonly choices: readonly C[]
}

/** One of ours by its name, or a function of the user's that makes one. */
export interface FactoryOption<C extends string = string, M = unknown> extends Liveness {
  readonly kind: 'factory'
  readonly default: C | (() => M)
  readonly choices: readonly C[]
  /** What the function should have returned instead, if that was wrong. */
  readonly wanted: (made: unknown) => string | undefined
  /** Only for its type. */
  readonly made?: M
}

export type Option = IntegerOption | FlagOption | ChoiceOption | FactoryOption
type Table = Readonly<Record<string, Option>>
type Value<O> =
  O extends FactoryOption<infer C, infer M>
    ? C | (() => M)
    : O extends ChoiceOption<infer C>
      ? C
      : O extends IntegerOption
        ? number
        : boolean

export type Values<T extends Table> = { readonly [K in keyof T]: Value<T[K]> }

type LiveNames<T extends Table> = { [K in keyof T]: T[K] extends { readonly live: true } ? K : never }[keyof T]

/** What `change` takes: the live options, each if wanted. */
export type Changes<T extends Table> = { readonly [K in LiveNames<T>]?: Value<T[K]> | undefined }

export function int<const S extends Omit<IntegerOption, 'kind'>>(spec: S): { readonly kind: 'integer' } & S {
  return { kind: 'integer', ...spec }
}

export function flag<const S extends Omit<FlagOption, 'kind'>>(spec: S): { readonly kind: 'flag' } & S {
  return { kind: 'flag', ...spec }
}

export function oneOf<const C extends string, const S extends Liveness & { readonly default: NoInfer<C> }>(
  choices: readonly C[],
  spec: S
): ChoiceOption<C> & Pick<S, 'live' & keyof S> {
  return { kind: 'choice', choices, ...spec }
}

export function oneOfOrMade<M, const C extends string, const S extends Liveness>(
  choices: readonly C[],
  wanted: (made: unknown) => string | undefined,
  spec: S & { readonly default: NoInfer<C> }
): FactoryOption<C, M> & Pick<S, 'live' & keyof S> {
  return { kind: 'factory', choices, wanted, ...spec }
}

/**
 * The values of a table: `given` where it names them, else `base`, else the defaults. Throws a TypeError
 * (ERR_INVALID_ARG_VALUE for a name that is not in the table or a word that is no choice, ERR_INVALID_ARG_TYPE for a
 * wrong type) or a RangeError (ERR_OUT_OF_RANGE).
 */
export function resolve<T extends Table>(table: T, given: object = {}, base?: Values<T>): Values<T> {
  const from: Readonly<Record<string, unknown>> = base ?? defaultsOf(table)
  let values: Record<string, unknown> | undefined
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined) continue
    checkOption(name, findOption(table, name), value)
    values ??= { ...from }
    values[name] = value
  }
  // Nobody changes values in place: those who ask for nothing of their own share them.
  return (values ?? from) as Values<T>
}

const defaults = new WeakMap<Table, Readonly<Record<string, unknown>>>()

/**
 * Values are read for each segment. An object that is made at once, and copied by a spread, keeps its fields at fixed places; one that
 * grows by dozens of computed names is a hash table to V8.
 */
function defaultsOf(table: Table): Readonly<Record<string, unknown>> {
  let values = defaults.get(table)
  if (values === undefined) {
    values = Object.fromEntries(Object.entries(table).map(([name, option]) => [name, option.default]))
    defaults.set(table, values)
  }
  return values
}

/** `current` with the changes that `given` asks for: as `resolve`, and ERR_INVALID_ARG_VALUE for an option that is not live. */
export function change<T extends Table>(table: T, given: object, current: Values<T>): Values<T> {
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined || findOption(table, name).live) continue
    const live = Object.keys(table).filter(each => table[each].live)
    throw typeError(
      'ERR_INVALID_ARG_VALUE',
      `The option "${name}" cannot be changed any more. Those that can: ${live.join(', ')}`
    )
  }
  return resolve(table, given, current)
}

/** What of `given` is in the table, and what is not. */
export function partition(table: Table, given: object): [object, object] {
  const own: Record<string, unknown> = {}
  const rest: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(given)) {
    if (Object.hasOwn(table, name)) own[name] = value
    else rest[name] = value
  }
  return [own, rest]
}

function findOption(table: Table, name: string): Option {
  if (Object.hasOwn(table, name)) return table[name]
  const known = Object.keys(table).join(', ')
  throw typeError('ERR_INVALID_ARG_VALUE', `Unknown option "${name}". Known options: ${known}`)
}

const TYPES = { flag: 'boolean', integer: 'number', choice: 'string', factory: 'string' } as const

function checkOption(name: string, option: Option, value: unknown): void {
  if (option.kind === 'factory' && typeof value === 'function')
    return checkFactory(name, option, value as () => unknown)
  const wanted = TYPES[option.kind]
  if (typeof value !== wanted) {
    const found = value === null ? 'null' : typeof value
    throw typeError(
      'ERR_INVALID_ARG_TYPE',
      `The option "${name}" must be a ${wanted}${option.kind === 'factory' ? ' or a function' : ''}, received ${found}`
    )
  }
  if ((option.kind === 'choice' || option.kind === 'factory') && !option.choices.includes(value as string)) {
    const choices = option.choices.map(choice => `'${choice}'`).join(', ')
    throw typeError('ERR_INVALID_ARG_VALUE', `The option "${name}" must be one of ${choices}, received '${value}'`)
  }
  if (option.kind !== 'integer') return
  const number = value as number
  if (number === 0 && option.orZero === true) return
  if (!Number.isInteger(number) || number < option.min || number > option.max) {
    throw rangeError(
      'ERR_OUT_OF_RANGE',
      `The option "${name}" must be ${option.orZero === true ? '0 or ' : ''}an integer from ${option.min} to ${option.max}, received ${number}`
    )
  }
}

/** Here and not when a connection needs one: that may be in the middle of a segment, where nobody could be told. */
function checkFactory(name: string, option: FactoryOption, make: () => unknown): void {
  const wanted = option.wanted(make())
  if (wanted !== undefined)
    throw typeError('ERR_INVALID_RETURN_VALUE', `The function given as "${name}" must return ${wanted}`)
}
