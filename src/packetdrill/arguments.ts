// Arguments of calls, from the tree to values.

import { formatAddress, parseAddress } from '../wire/address.ts'
import type { Expression, Field } from './ast.ts'
import type { Endpoint } from './socket.ts'
import { ScriptError, Unsupported } from './verdict.ts'
import { WORDS } from './words.ts'

export const isDefault = (expression: Expression | undefined): boolean => expression?.kind === 'ellipsis'
export const isNull = (expression: Expression | undefined): boolean => expression?.kind === 'null'

/** An integer, a word that stands for one, or several joined by `|`. */
export function integer(expression: Expression): number {
  switch (expression.kind) {
    case 'integer':
      return expression.value
    case 'word':
      if (!Object.hasOwn(WORDS, expression.name)) throw new Unsupported(`the word ${expression.name}`)
      return WORDS[expression.name]
    case 'or':
      return expression.operands.reduce((bits, operand) => bits | integer(operand), 0)
    case 'function':
      if (expression.name === 'htons' || expression.name === 'htonl') return integer(expression.args[0])
      break
    case 'list':
      if (expression.items.length === 1) return integer(expression.items[0])
  }
  throw new ScriptError(`a number was expected, not ${describe(expression)}`)
}

/** The name of a level or an option, which is looked up and not computed. */
export function word(expression: Expression): string {
  if (expression.kind === 'word') return expression.name
  throw new Unsupported(`${describe(expression)} in the place of a name`)
}

/** `[v]`: what it points at; undefined for `...`. */
export function pointee(expression: Expression): Expression | undefined {
  if (expression.kind === 'ellipsis') return undefined
  if (expression.kind !== 'list') return expression
  if (expression.items.length !== 1) throw new ScriptError('one value in brackets was expected')
  return expression.items[0].kind === 'ellipsis' ? undefined : expression.items[0]
}

export function field(fields: readonly Field[], name: string): Expression | undefined {
  return fields.find(each => each.name === name)?.value
}

export function structure(expression: Expression): readonly Field[] {
  if (expression.kind === 'struct') return expression.fields
  throw new ScriptError(`a structure was expected, not ${describe(expression)}`)
}

/** `{sa_family = AF_INET, sin_port = htons(P), sin_addr = inet_addr("A")}`; `fallback` for `...`. */
export function endpoint(expression: Expression, fallback: Endpoint): Endpoint {
  if (isDefault(expression)) return fallback
  const fields = structure(expression)
  const family = field(fields, 'sa_family') ?? field(fields, 'sin_family')
  if (family !== undefined && !isDefault(family) && integer(family) !== WORDS.AF_INET) {
    throw new Unsupported(`the address family ${describe(family)}`)
  }
  const port = field(fields, 'sin_port')
  const address = field(fields, 'sin_addr')
  return {
    port: port === undefined || isDefault(port) ? fallback.port : integer(port),
    address: address === undefined || isDefault(address) ? fallback.address : addressOf(address)
  }
}

function addressOf(expression: Expression): string | undefined {
  const text =
    expression.kind === 'function' && expression.name === 'inet_addr' && expression.args[0]?.kind === 'string'
      ? expression.args[0].value
      : undefined
  if (text !== undefined && parseAddress(text) !== undefined) return text === '0.0.0.0' ? undefined : text
  const number = integer(expression)
  return number === 0 ? undefined : formatAddress(number | 0)
}

/** `[{..., LEN}, {..., LEN}]`: the bytes of all; `count` is how many there are said to be. */
export function vectorLength(expression: Expression, count?: Expression): number {
  if (expression.kind !== 'list') throw new ScriptError('a list of buffers was expected')
  const { length: buffers } = expression.items
  if (count !== undefined && !isDefault(count) && integer(count) !== buffers) {
    throw new ScriptError(`there are ${buffers} buffers, not ${describe(count)}`)
  }
  let length = 0
  for (const item of expression.items) {
    const fields = structure(item)
    const last = field(fields, 'iov_len') ?? fields[fields.length - 1]?.value
    if (last === undefined) throw new ScriptError('a buffer needs a length')
    length += integer(last)
  }
  return length
}

export function describe(expression: Expression): string {
  switch (expression.kind) {
    case 'ellipsis':
      return '...'
    case 'null':
      return 'NULL'
    case 'integer':
      return String(expression.value)
    case 'string':
      return `"${expression.value}"`
    case 'word':
      return expression.name
    case 'or':
      return expression.operands.map(describe).join('|')
    case 'list':
      return `[${expression.items.map(describe).join(', ')}]`
    case 'struct':
      return `{${expression.fields.map(({ name, value }) => (name === undefined ? '' : `${name}=`) + describe(value)).join(', ')}}`
    case 'function':
      return `${expression.name}(${expression.args.map(describe).join(', ')})`
  }
}
