// From the text of a script to its tree: option lines, an init command, events each with its time, a cleanup command.

import type { Event, OptionLine, Script, Shell, When } from './ast.ts'
import { parseCall } from './parse-call.ts'
import { parsePacket } from './parse-packet.ts'
import { Scanner } from './scanner.ts'

/** By name; one without a value is only for `#ifdef`. */
export type Defines = ReadonlyMap<string, string | undefined>

const NUMBER = /\d+(?:\.\d+)?|\.\d+/y

/**
 * Throws a ScriptError where the text makes no sense, Unsupported where it asks for what is not here. `defines` are the
 * names given by `-D`: the script's own come on top.
 */
export function parseScript(file: string, text: string, defines: Defines = new Map()): Script {
  const head = new Scanner(text)
  const options = parseOptions(head)
  const names = new Map(defines)
  for (const { name, value } of options) {
    if (name === 'define' && value !== undefined) names.set(...splitOnce(value))
  }
  const scanner = new Scanner(substitute(keepDefined(head.rest(), names), names))
  const init = parseShell(scanner)
  const events: Event[] = []
  while (!scanner.isAtEnd && !scanner.sees(/`/y)) events.push(parseEvent(scanner))
  const cleanup = parseShell(scanner)
  if (!scanner.isAtEnd) throw scanner.problem('nothing may follow the cleanup command')
  if (events.length === 0) throw scanner.problem('a script needs an event')
  return { file, options, init, events, cleanup }
}

/** `--name=value`, `--name`, `-D NAME=VALUE`; also from a command line. */
function parseOptions(scanner: Scanner): OptionLine[] {
  const options: OptionLine[] = []
  for (;;) {
    const { line } = scanner
    if (scanner.take(/-D(?=\s)/y) !== undefined) {
      const value = scanner.take(/\w+(?:=\S*)?/y)
      if (value === undefined) throw scanner.problem('a name was expected after -D')
      options.push({ name: 'define', value, line })
      continue
    }
    const option = scanner.take(/--(\w\S*)/y)
    if (option === undefined) return options
    const [name, value] = splitOnce(option)
    options.push({ name, value, line })
  }
}

function splitOnce(text: string): [string, string | undefined] {
  const at = text.indexOf('=')
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)]
}

/** Blanks out what stands between `#ifdef NAME` and `#endif` where the name is not defined. Lines keep their numbers. */
function keepDefined(text: string, names: Defines): string {
  const open: boolean[] = []
  return text
    .split('\n')
    .map(line => {
      const name = /^\s*#ifdef\s+(\w+)/.exec(line)?.[1]
      if (name !== undefined) {
        open.push(names.has(name))
        return ''
      }
      if (/^\s*#endif\b/.test(line)) {
        open.pop()
        return ''
      }
      return open.every(Boolean) ? line : ''
    })
    .join('\n')
}

/** A name stands for its value wherever it is a word of its own. */
function substitute(text: string, names: Defines): string {
  return text.replace(/\w+/g, word => names.get(word) ?? word)
}

function parseShell(scanner: Scanner): Shell | undefined {
  const { line } = scanner
  if (!scanner.accept('`')) return undefined
  return { line, text: scanner.until('`', 'the command') }
}

function parseEvent(scanner: Scanner): Event {
  const { line } = scanner
  const when = parseWhen(scanner)
  const event = parseAction(scanner)
  if (when.kind === 'any' && !(event.kind === 'packet' && !event.packet.inbound)) {
    throw scanner.problem('only an expected packet may come at any time')
  }
  if (when.kind === 'blocking' && event.kind !== 'call') throw scanner.problem('only a call can block')
  return { line, when, ...event }
}

type Action = Event extends infer E ? (E extends Event ? Omit<E, 'line' | 'when'> : never) : never

function parseAction(scanner: Scanner): Action {
  if (scanner.sees(/[<>]/y)) return { kind: 'packet', packet: parsePacket(scanner) }
  const shell = parseShell(scanner)
  if (shell !== undefined) return { kind: 'shell', shell }
  if (scanner.accept('%{')) return { kind: 'code', text: scanner.until('}%', 'the code') }
  if (scanner.sees(/[A-Za-z_]/y)) return { kind: 'call', call: parseCall(scanner) }
  throw scanner.problem('a packet, a call, a command or code was expected')
}

function parseWhen(scanner: Scanner): When {
  if (scanner.accept('*')) return { kind: 'any' }
  const relative = scanner.accept('+')
  const from = parseSeconds(scanner)
  if (scanner.takeHere(/\.\.\./y) !== undefined) {
    return { kind: 'blocking', relative, from, to: parseSeconds(scanner) }
  }
  if (scanner.accept('~')) {
    scanner.accept('+')
    return { kind: 'range', relative, from, to: parseSeconds(scanner) }
  }
  return { kind: relative ? 'relative' : 'absolute', at: from }
}

function parseSeconds(scanner: Scanner): number {
  const digits = scanner.take(NUMBER)
  if (digits === undefined) throw scanner.problem('a time was expected')
  return Number(digits)
}
