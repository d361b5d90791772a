// A script as one test: its text in, its verdict out. Each run has a clock, a link and a stack of its own.

import { applyOption, type Config, defaultConfig } from './config.ts'
import { parseScript } from './parser.ts'
import { type Note, Runner } from './runner.ts'
import { Mismatch, ScriptError, Unsupported } from './verdict.ts'

export interface ScriptOptions {
  /** Names the script in messages. */
  readonly file?: string
  /** The language's own options as words, `--mtu=1400` or `-D NAME=VALUE`; those in the script win. */
  readonly options?: readonly string[]
  /** What happens at the same time happens in an order that this number decides; in the order of arming without it. */
  readonly shuffle?: number
  /** Commands and sysctls that mean nothing here make the script skipped instead of leaving a note. */
  readonly strictCommands?: boolean
}

export interface ScriptResult {
  readonly file: string
  /**
   * `skipped`: the script uses something that is not here, which `message` names. `error`: the script makes no sense.
   */
  readonly verdict: 'passed' | 'failed' | 'skipped' | 'error'
  /** Of the event that the message is about, 0 for none. */
  readonly line: number
  /** Empty for a script that passed. */
  readonly message: string
  /** Packets side by side, and what both ends know. */
  readonly details: readonly string[]
  readonly notes: readonly Note[]
  /** Virtual time that the script took, s. */
  readonly seconds: number
}

export function runScript(text: string, options: ScriptOptions = {}): ScriptResult {
  const file = options.file ?? 'script'
  let runner: Runner | undefined
  let line = 0
  let result: Pick<ScriptResult, 'verdict' | 'line' | 'message' | 'details'>
  try {
    const config = defaultConfig()
    for (const word of options.options ?? []) applyWord(config, word)
    const script = parseScript(file, text, config.defines)
    for (const { name, value, line: at } of script.options) {
      line = at
      applyOption(config, name, value)
    }
    runner = new Runner({
      config,
      seed: options.shuffle ?? 1,
      shuffle: options.shuffle !== undefined,
      strictCommands: options.strictCommands ?? false
    })
    runner.run(script)
    result = { verdict: 'passed', line: 0, message: '', details: [] }
  } catch (error) {
    result = verdictOf(error, runner?.line ?? line)
  }
  const seconds = (runner?.world.now() ?? 0) / 1000
  runner?.world.close()
  return { file, ...result, notes: runner?.notes ?? [], seconds }
}

/** `--name=value`, `--name`, `-D NAME=VALUE`. */
function applyWord(config: Config, word: string): void {
  const found = /^--([a-z_]+)(?:=(.*))?$|^-(D)\s*(\S+)$/.exec(word)
  if (found === null) throw new ScriptError(`no option: ${word}`)
  applyOption(config, found[1] ?? found[3], found[2] ?? found[4])
}

/** Problems of the text know their own line. */
function verdictOf(error: unknown, running: number): Pick<ScriptResult, 'verdict' | 'line' | 'message' | 'details'> {
  if (!(error instanceof Mismatch || error instanceof Unsupported || error instanceof ScriptError)) throw error
  const { line = running, details = [] } = error as { line?: number; details?: readonly string[] }
  const verdict = error instanceof Mismatch ? 'failed' : error instanceof Unsupported ? 'skipped' : 'error'
  return { verdict, line, message: error.message, details }
}

/** `file:line: message`, and below it what was expected and what came. */
export function formatResult(result: ScriptResult): string {
  const { file, line, message, details } = result
  const said = result.verdict === 'skipped' ? `skipped: ${message}` : message
  return [`${file}:${line}: ${said}`, ...details.map(detail => `    ${detail}`)].join('\n')
}
