// `%{ code }%`: the little Python that scripts use to look at TCP_INFO. `assert`, assignments and `print` over integers;
// all else is unsupported, by its text. Integers are unbounded, as Python's are.

import { type Expression, parseExpression, Tokens } from './code-expression.ts'
import { evaluate, isTrue, type Scope, show } from './code-value.ts'
import { Mismatch } from './verdict.ts'

export type { Scope } from './code-value.ts'

export type Statement =
  | { readonly kind: 'assert'; readonly text: string; readonly condition: Expression; readonly message?: Expression }
  | { readonly kind: 'assign'; readonly name: string; readonly value: Expression }

/** Throws Unsupported with the text of what is not in the language. */
export function parseCode(text: string): Statement[] {
  const statements: Statement[] = []
  for (const statement of splitStatements(text)) {
    const parsed = parseStatement(statement)
    if (parsed !== undefined) statements.push(parsed)
  }
  return statements
}

/** Runs what was parsed. Throws a Mismatch where an assertion does not hold, Unsupported for a name that stands for nothing. */
export function runCode(statements: readonly Statement[], scope: Scope): void {
  for (const statement of statements) {
    if (statement.kind === 'assign') scope.names.set(statement.name, evaluate(statement.value, scope))
    else if (!isTrue(evaluate(statement.condition, scope))) fail(statement, scope)
  }
}

function fail(statement: Statement & { kind: 'assert' }, scope: Scope): never {
  const message = statement.message === undefined ? '' : `: ${show(evaluate(statement.message, scope))}`
  const details: string[] = []
  for (const name of new Set(namesIn(statement.condition))) {
    const value = scope.names.get(name) ?? scope.lookUp(name)
    if (value !== undefined) details.push(`${name} = ${value}`)
  }
  throw new Mismatch(`assert ${statement.text}${message}`, details)
}

function namesIn(expression: Expression): string[] {
  switch (expression.kind) {
    case 'name':
      return [expression.name]
    case 'unary':
      return namesIn(expression.operand)
    case 'binary':
    case 'logical':
      return [...namesIn(expression.left), ...namesIn(expression.right)]
    case 'comparison':
      return expression.operands.flatMap(namesIn)
    case 'tuple':
      return expression.items.flatMap(namesIn)
    default:
      return []
  }
}

/** `print` is carried out by doing nothing. */
function parseStatement(text: string): Statement | undefined {
  const tokens = new Tokens(text)
  if (tokens.accept('assert')) {
    const from = tokens.position
    const condition = parseExpression(tokens)
    const condensed = text.slice(from, tokens.position).trim().replace(/\s+/g, ' ')
    const message = tokens.accept(',') ? parseExpression(tokens) : undefined
    tokens.expectEnd()
    return { kind: 'assert', text: condensed, condition, ...(message === undefined ? {} : { message }) }
  }
  if (/^print\s*\(/.test(text)) return undefined
  const assignment = /^([A-Za-z_]\w*)\s*([+-]?)=(?!=)/.exec(text)
  if (assignment === null) throw tokens.unsupported()
  const [head, name, sign] = assignment
  tokens.skipTo(head.length)
  const given = parseExpression(tokens)
  tokens.expectEnd()
  const before: Expression = { kind: 'name', name }
  const value: Expression = sign === '' ? given : { kind: 'binary', operator: sign, left: before, right: given }
  return { kind: 'assign', name, value }
}

/** By newlines and `;`, but not inside of brackets or strings, nor where `\` ends a line. Comments go. */
function splitStatements(text: string): string[] {
  const statements: string[] = []
  let statement = ''
  let depth = 0
  let quote = ''
  for (let i = 0; i < text.length; i++) {
    const c = text[i]
    if (quote !== '') {
      statement += c
      if (c === '\\') statement += text[++i] ?? ''
      else if (c === quote) quote = ''
    } else if (c === '\\' && text[i + 1] === '\n') {
      statement += ' '
      i++
    } else if (c === '#') {
      while (i + 1 < text.length && text[i + 1] !== '\n') i++
    } else if ((c === '\n' || c === ';') && depth === 0) {
      statements.push(statement)
      statement = ''
    } else {
      if (c === '"' || c === "'") quote = c
      else if (c === '(') depth++
      else if (c === ')') depth--
      statement += c
    }
  }
  statements.push(statement)
  return statements.map(each => each.trim()).filter(each => each !== '')
}
