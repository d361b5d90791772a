// The text of a script, read from the front: white space and comments are stepped over, and whoever finds something else
// than it needs says so with the line and a caret.

import { ScriptError, Unsupported } from './verdict.ts'

/** The script makes no sense where it says so. */
export class SyntaxProblem extends ScriptError {
  constructor(
    message: string,
    readonly line: number,
    /** The line itself, and a caret below what is wrong. */
    readonly details: readonly string[]
  ) {
    super(message)
  }
}

/** The script asks, in its text, for what is not here. */
export class UnsupportedSyntax extends Unsupported {
  constructor(
    message: string,
    readonly line: number
  ) {
    super(message)
  }
}

const WHITE_OR_COMMENT = /(?:\s+|\/\/[^\n]*|\/\*[\s\S]*?\*\/)*/y

export class Scanner {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  /** From 1, of what comes next. */
  get line(): number {
    this.skip()
    return this.#lineAt(this.#at)
  }

  get isAtEnd(): boolean {
    this.skip()
    return this.#at >= this.#text.length
  }

  skip(): void {
    this.#match(WHITE_OR_COMMENT)
  }

  /** Whether the pattern, a sticky one, comes next. */
  sees(pattern: RegExp): boolean {
    this.skip()
    pattern.lastIndex = this.#at
    return pattern.test(this.#text)
  }

  /** What the sticky pattern matches, if it comes next: its first group, or all. */
  take(pattern: RegExp): string | undefined {
    this.skip()
    const match = this.#match(pattern)
    return match === null ? undefined : (match[1] ?? match[0])
  }

  /** As `take` with no white space before. */
  takeHere(pattern: RegExp): string | undefined {
    const match = this.#match(pattern)
    return match === null ? undefined : (match[1] ?? match[0])
  }

  /** Whether the text came next, and is taken. */
  accept(text: string): boolean {
    this.skip()
    if (!this.#text.startsWith(text, this.#at)) return false
    this.#at += text.length
    return true
  }

  expect(text: string, where: string): void {
    if (!this.accept(text)) throw this.problem(`"${text}" was expected ${where}`)
  }

  /** Raw text up to a closing mark, which is taken too. */
  until(close: string, what: string): string {
    const end = this.#text.indexOf(close, this.#at)
    if (end < 0) throw this.problem(`${what} is not closed by ${close}`)
    const raw = this.#text.slice(this.#at, end)
    this.#at = end + close.length
    return raw
  }

  /** What is left, on the lines on which it stood. */
  rest(): string {
    return this.#text.slice(0, this.#at).replace(/[^\n]+/g, '') + this.#text.slice(this.#at)
  }

  problem(message: string): SyntaxProblem {
    this.skip()
    const at = Math.min(this.#at, this.#text.length)
    const start = this.#text.lastIndexOf('\n', at - 1) + 1
    const end = this.#text.indexOf('\n', at)
    const line = this.#text.slice(start, end < 0 ? undefined : end)
    return new SyntaxProblem(message, this.#lineAt(at), [line, `${line.slice(0, at - start).replace(/\S/g, ' ')}^`])
  }

  unsupported(what: string): UnsupportedSyntax {
    return new UnsupportedSyntax(what, this.line)
  }

  #match(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.#at
    const match = pattern.exec(this.#text)
    if (match !== null) this.#at += match[0].length
    return match
  }

  #lineAt(at: number): number {
    let line = 1
    for (let i = this.#text.indexOf('\n'); i >= 0 && i < at; i = this.#text.indexOf('\n', i + 1)) line++
    return line
  }
}
