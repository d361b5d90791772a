// System calls: `name(args) = result [ERRNO] [(any words)]`.

import type { Call, Expression, Field } from './ast.ts'
import type { Scanner } from './scanner.ts'

const WORD = /[A-Za-z_]\w*/y
const INTEGER = /-?(?:0[xX][0-9A-Fa-f]+|\d+)/y

export function parseCall(scanner: Scanner): Call {
  const name = scanner.take(WORD)
  if (name === undefined) throw scanner.problem('the name of a call was expected')
  scanner.expect('(', `after "${name}"`)
  const args = parseList(scanner, ')')
  scanner.expect('=', `after "${name}(...)"`)
  const result = parsePrimary(scanner)
  const errno = scanner.take(/E[A-Z0-9]+\b/y)
  if (scanner.accept('(')) skipWords(scanner)
  return { name, args, result, errno }
}

/** Words in parentheses, which may hold more of them. */
function skipWords(scanner: Scanner): void {
  let depth = 1
  while (depth > 0) {
    if (scanner.isAtEnd) throw scanner.problem('the words in parentheses are not closed by )')
    const mark = scanner.takeHere(/[^()\n]*([()\n])/y)
    if (mark === undefined) throw scanner.problem('the words in parentheses are not closed by )')
    if (mark === '(') depth++
    else if (mark === ')') depth--
  }
}

function parseList(scanner: Scanner, close: string): Expression[] {
  const items: Expression[] = []
  if (scanner.accept(close)) return items
  do items.push(parseExpression(scanner))
  while (scanner.accept(','))
  scanner.expect(close, 'at the end of a list')
  return items
}

function parseExpression(scanner: Scanner): Expression {
  const first = parsePrimary(scanner)
  if (!scanner.sees(/\|/y)) return first
  const operands = [first]
  while (scanner.accept('|')) operands.push(parsePrimary(scanner))
  return { kind: 'or', operands }
}

function parsePrimary(scanner: Scanner): Expression {
  if (scanner.accept('...')) return { kind: 'ellipsis' }
  if (scanner.accept('[')) return { kind: 'list', items: parseList(scanner, ']') }
  if (scanner.accept('{')) return { kind: 'struct', fields: parseFields(scanner) }
  const text = scanner.take(/"((?:[^"\\\n]|\\.)*)"/y)
  if (text !== undefined) return { kind: 'string', value: text }
  const digits = scanner.take(INTEGER)
  if (digits !== undefined) return { kind: 'integer', value: toInteger(digits) }
  const name = scanner.take(WORD)
  if (name === undefined) throw scanner.problem('a value was expected')
  if (name === 'NULL') return { kind: 'null' }
  if (scanner.accept('(')) return { kind: 'function', name, args: parseList(scanner, ')') }
  return { kind: 'word', name }
}

function toInteger(digits: string): number {
  return digits.startsWith('-') ? -Number(digits.slice(1)) : Number(digits)
}

/** `name = value`, `name(size) = value`, or a bare value. */
function parseFields(scanner: Scanner): Field[] {
  const fields: Field[] = []
  if (scanner.accept('}')) return fields
  do {
    let size: Expression | undefined
    const name = scanner.take(/([A-Za-z_]\w*)(?=\s*(?:\([^()]*\))?\s*=)/y)
    if (name !== undefined) {
      if (scanner.accept('(')) size = parseList(scanner, ')')[0]
      scanner.expect('=', `after the field "${name}"`)
    }
    fields.push({ name, ...(size !== undefined && { size }), value: parseExpression(scanner) })
  } while (scanner.accept(','))
  scanner.expect('}', 'at the end of a structure')
  return fields
}
