// What expressions of `%{ }%` come to, as in Python: division rounds down, comparisons chain, `and` and `or` answer one
// of their operands.

import type { Expression } from './code-expression.ts'
import { ScriptError, Unsupported } from './verdict.ts'

export type Value = bigint | string

export interface Scope {
  /** What the script has assigned; lives to its end. */
  readonly names: Map<string, Value>
  /** Fields of TCP_INFO and constants. Undefined for a name that there is not. */
  lookUp(name: string): number | undefined
}

export function evaluate(expression: Expression, scope: Scope): Value {
  switch (expression.kind) {
    case 'integer':
    case 'string':
      return expression.value
    case 'name':
      return valueOfName(expression.name, scope)
    case 'unary':
      return unary(expression.operator, evaluate(expression.operand, scope))
    case 'logical': {
      const left = evaluate(expression.left, scope)
      return isTrue(left) === (expression.operator === 'or') ? left : evaluate(expression.right, scope)
    }
    case 'comparison':
      return compare(expression.operators, expression.operands, scope)
    case 'binary': {
      const { operator, left, right } = expression
      const first = evaluate(left, scope)
      if (typeof first === 'string') return formatted(operator, first, right, scope)
      return binary(operator, first, toInteger(evaluate(right, scope)))
    }
    case 'tuple':
      throw new Unsupported('a tuple that formats nothing')
  }
}

export function show(value: Value): string {
  return String(value)
}

function valueOfName(name: string, scope: Scope): Value {
  const own = scope.names.get(name)
  if (own !== undefined) return own
  const value = scope.lookUp(name)
  if (value === undefined) throw new Unsupported(`the name ${name} in code`)
  return BigInt(value)
}

export function isTrue(value: Value): boolean {
  return value !== 0n && value !== ''
}

function toInteger(value: Value): bigint {
  if (typeof value === 'string') throw new ScriptError(`a number was expected, not '${value}'`)
  return value
}

function unary(operator: string, value: Value): bigint {
  if (operator === 'not') return isTrue(value) ? 0n : 1n
  return operator === '-' ? -toInteger(value) : ~toInteger(value)
}

function compare(operators: readonly string[], operands: readonly Expression[], scope: Scope): bigint {
  let left = evaluate(operands[0], scope)
  for (const [i, operator] of operators.entries()) {
    const right = evaluate(operands[i + 1], scope)
    if (!holds(operator, left, right)) return 0n
    left = right
  }
  return 1n
}

function holds(operator: string, left: Value, right: Value): boolean {
  switch (operator) {
    case '==':
      return left === right
    case '!=':
      return left !== right
    case '<':
      return toInteger(left) < toInteger(right)
    case '<=':
      return toInteger(left) <= toInteger(right)
    case '>':
      return toInteger(left) > toInteger(right)
    default:
      return toInteger(left) >= toInteger(right)
  }
}

/** Python shifts by thousands of bits; no script means to. */
const MOST_SHIFT = 1024n

function binary(operator: string, left: bigint, right: bigint): bigint {
  switch (operator) {
    case '+':
      return left + right
    case '-':
      return left - right
    case '*':
      return left * right
    case '&':
      return left & right
    case '|':
      return left | right
    case '^':
      return left ^ right
    case '<<':
    case '>>':
      if (right < 0n || right > MOST_SHIFT) throw new ScriptError(`a shift by ${right}`)
      return operator === '<<' ? left << right : left >> right
    default:
      if (right === 0n) throw new ScriptError('a division by zero')
      return operator === '//' ? divideDown(left, right) : left - right * divideDown(left, right)
  }
}

function divideDown(left: bigint, right: bigint): bigint {
  const quotient = left / right
  return left % right !== 0n && left < 0n !== right < 0n ? quotient - 1n : quotient
}

/** `'text %d' % value`, `'%s %d' % (a, b)`. */
function formatted(operator: string, format: string, right: Expression, scope: Scope): string {
  if (operator === '+') return format + show(evaluate(right, scope))
  if (operator !== '%') throw new Unsupported(`"${operator}" on a string`)
  const values = (right.kind === 'tuple' ? right.items : [right]).map(item => evaluate(item, scope))
  let next = 0
  return format.replace(/%([-0-9.]*)([dsixru%])/g, (_, _width: string, letter: string) => {
    if (letter === '%') return '%'
    const value = values[next++]
    if (value === undefined) throw new ScriptError(`not enough values for '${format}'`)
    return letter === 'x' && typeof value === 'bigint' ? value.toString(16) : show(value)
  })
}
