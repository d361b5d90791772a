// Expressions of `%{ }%`, by Python's order of precedence.

import { Unsupported } from './verdict.ts'

export type Expression =
  | { readonly kind: 'integer'; readonly value: bigint }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'unary'; readonly operator: string; readonly operand: Expression }
  | { readonly kind: 'binary'; readonly operator: string; readonly left: Expression; readonly right: Expression }
  | { readonly kind: 'logical'; readonly operator: 'and' | 'or'; readonly left: Expression; readonly right: Expression }
  /** One more operand than operators: `a < b <= c`. */
  | { readonly kind: 'comparison'; readonly operators: readonly string[]; readonly operands: readonly Expression[] }
  | { readonly kind: 'tuple'; readonly items: readonly Expression[] }

const TOKEN =
  /\s*(?:(\d\w*)|([A-Za-z_]\w*)|("(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')|(\/\/|<<|>>|[=!<>]=|[-+*%&^|~<>(),]))/y

/** One statement, token by token. */
export class Tokens {
  readonly #text: string
  #at = 0
  #next:
    | { readonly kind: 'number' | 'name' | 'string' | 'mark'; readonly text: string; readonly end: number }
    | undefined

  constructor(text: string) {
    this.#text = text
    this.#read()
  }

  /** Where the next token, or the white space before it, begins. */
  get position(): number {
    return this.#at
  }

  skipTo(position: number): void {
    this.#at = position
    this.#read()
  }

  /** The next token, if it is a mark or a word of these. */
  peek(...texts: readonly string[]): string | undefined {
    const next = this.#next
    if (next === undefined || next.kind === 'string' || next.kind === 'number') return undefined
    return texts.includes(next.text) ? next.text : undefined
  }

  accept(...texts: readonly string[]): string | undefined {
    const text = this.peek(...texts)
    if (text !== undefined) this.#advance()
    return text
  }

  take(kind: 'number' | 'name' | 'string'): string | undefined {
    if (this.#next?.kind !== kind) return undefined
    const { text } = this.#next
    this.#advance()
    return text
  }

  expectEnd(): void {
    if (this.#next !== undefined || this.#text.slice(this.#at).trim() !== '') throw this.unsupported()
  }

  unsupported(): Unsupported {
    return new Unsupported(`the code "${this.#text}"`)
  }

  #advance(): void {
    this.#at = this.#next?.end ?? this.#at
    this.#read()
  }

  #read(): void {
    TOKEN.lastIndex = this.#at
    const match = TOKEN.exec(this.#text)
    if (match === null) {
      this.#next = undefined
      return
    }
    const [, number, name, string, mark] = match
    const kind =
      number !== undefined ? 'number' : name !== undefined ? 'name' : string !== undefined ? 'string' : 'mark'
    this.#next = { kind, text: number ?? name ?? string ?? mark, end: TOKEN.lastIndex }
  }
}

const COMPARISONS = ['==', '!=', '<', '<=', '>', '>='] as const
/** From the loosest to the tightest; all group to the left. */
const BINARY: readonly (readonly string[])[] = [['|'], ['^'], ['&'], ['<<', '>>'], ['+', '-'], ['*', '//', '%']]
const KEYWORDS = ['and', 'or', 'not', 'if', 'else', 'in', 'is', 'lambda', 'assert', 'None', 'True', 'False']

export function parseExpression(tokens: Tokens): Expression {
  return parseLogical(tokens, 'or', () => parseLogical(tokens, 'and', () => parseNot(tokens)))
}

function parseLogical(tokens: Tokens, operator: 'and' | 'or', next: () => Expression): Expression {
  let left = next()
  while (tokens.accept(operator)) left = { kind: 'logical', operator, left, right: next() }
  return left
}

function parseNot(tokens: Tokens): Expression {
  if (tokens.accept('not')) return { kind: 'unary', operator: 'not', operand: parseNot(tokens) }
  const operands = [parseBinary(tokens, 0)]
  const operators: string[] = []
  for (let mark = tokens.accept(...COMPARISONS); mark !== undefined; mark = tokens.accept(...COMPARISONS)) {
    operators.push(mark)
    operands.push(parseBinary(tokens, 0))
  }
  return operators.length === 0 ? operands[0] : { kind: 'comparison', operators, operands }
}

function parseBinary(tokens: Tokens, level: number): Expression {
  if (level === BINARY.length) return parseUnary(tokens)
  let left = parseBinary(tokens, level + 1)
  for (;;) {
    const operator = tokens.accept(...BINARY[level])
    if (operator === undefined) return left
    left = { kind: 'binary', operator, left, right: parseBinary(tokens, level + 1) }
  }
}

function parseUnary(tokens: Tokens): Expression {
  const operator = tokens.accept('-', '~')
  return operator === undefined ? parseAtom(tokens) : { kind: 'unary', operator, operand: parseUnary(tokens) }
}

function parseAtom(tokens: Tokens): Expression {
  if (tokens.accept('(')) return parseParenthesized(tokens)
  const digits = tokens.take('number')
  if (digits !== undefined) {
    if (!/^(\d+|0[xX][0-9A-Fa-f]+)$/.test(digits)) throw tokens.unsupported()
    return { kind: 'integer', value: BigInt(digits) }
  }
  const string = tokens.take('string')
  if (string !== undefined) return { kind: 'string', value: string.slice(1, -1).replace(/\\(.)/g, escaped) }
  const name = tokens.take('name')
  if (name === undefined || KEYWORDS.includes(name) || tokens.peek('(') !== undefined) throw tokens.unsupported()
  return { kind: 'name', name }
}

function escaped(_: string, letter: string): string {
  return letter === 'n' ? '\n' : letter === 't' ? '\t' : letter
}

function parseParenthesized(tokens: Tokens): Expression {
  const items = [parseExpression(tokens)]
  let isTuple = false
  while (tokens.accept(',')) {
    isTuple = true
    if (tokens.peek(')') !== undefined) break
    items.push(parseExpression(tokens))
  }
  if (tokens.accept(')') === undefined) throw tokens.unsupported()
  return isTuple ? { kind: 'tuple', items } : items[0]
}
