// `rawtcp packetdrill`: runs scripts in the packetdrill language against a stack of their own, in memory.

import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { Command, InvalidArgumentError, Option } from 'commander'
import { formatResult, type ScriptResult, scriptOptionWords } from '../packetdrill.ts'
import { EXIT_FAILURE, EXIT_OK, EXIT_USAGE, Failure } from './exit.ts'
import { runFiles } from './packetdrill-jobs.ts'

const HELP = `
Options of the language may stand here or in a script, where they win. Directories are searched for *.pkt.

Examples:
  rawtcp packetdrill test/packetdrill
  rawtcp packetdrill --profile=bsd -D MTU=1400 handshake.pkt

Exit codes:
  0    all scripts passed
  1    a script failed
  2    none failed, but one was skipped or makes no sense; or the command line makes none`

interface Options {
  readonly json?: true
  readonly verbose?: true
  readonly jobs: number
  readonly shuffle?: number
  readonly strictCommands?: true
  readonly define: readonly string[]
}

export function packetdrillCommand(): Command {
  const command = new Command('packetdrill')
    .description('run packetdrill scripts against the stack, in process and on a virtual clock')
    .argument('<file...>', 'scripts, or directories of them')
    .option('--json', 'print the results as JSON')
    .option('-v, --verbose', 'name the scripts that passed too, and print notes')
    .option('-j, --jobs <number>', 'threads to share the scripts out to', toCount, 1)
    .option('--shuffle <seed>', 'let what happens at the same time happen in an order drawn from this number', toCount)
    .option('--strict-commands', 'skip a script whose shell commands mean nothing here')
    .option('-D, --define <NAME=VALUE>', 'replace a word of the scripts, and keep its #ifdef blocks', collect, [])
  for (const { name, takesValue } of scriptOptionWords) {
    if (name === 'define') continue
    command.addOption(new Option(takesValue ? `--${name} <value>` : `--${name}`, 'option of the language'))
  }
  return command.addHelpText('after', HELP).action(async (paths: string[], options: Options) => {
    process.exitCode = await packetdrill(paths, options)
  })
}

async function packetdrill(paths: readonly string[], options: Options): Promise<number> {
  const files = paths.flatMap(scriptsBelow)
  if (files.length === 0) throw new Failure('no scripts there: files end in .pkt')
  const results = await runFiles(
    files,
    {
      options: [
        ...languageOptions(options as unknown as Record<string, unknown>),
        ...options.define.map(each => `-D ${each}`)
      ],
      ...(options.shuffle !== undefined && { shuffle: options.shuffle }),
      strictCommands: options.strictCommands === true
    },
    options.jobs
  )
  if (options.json === true) printJson(results)
  else printText(results, options.verbose === true)
  if (results.some(({ verdict }) => verdict === 'failed')) return EXIT_FAILURE
  return results.every(({ verdict }) => verdict === 'passed') ? EXIT_OK : EXIT_USAGE
}

function languageOptions(options: Readonly<Record<string, unknown>>): string[] {
  return scriptOptionWords.flatMap(({ name }) => {
    const value = options[name]
    if (name === 'define' || value === undefined) return []
    return value === true ? [`--${name}`] : [`--${name}=${value}`]
  })
}

function scriptsBelow(path: string): string[] {
  if (!statSync(path).isDirectory()) return [path]
  return readdirSync(path, { recursive: true, encoding: 'utf8' })
    .filter(name => name.endsWith('.pkt'))
    .sort()
    .map(name => join(path, name))
}

function printText(results: readonly ScriptResult[], verbose: boolean): void {
  for (const result of results) {
    if (result.verdict !== 'passed') process.stdout.write(`${formatResult(result)}\n`)
    else if (verbose) process.stdout.write(`${result.file}: passed, ${result.seconds} s\n`)
    if (!verbose) continue
    for (const { line, text } of result.notes) process.stdout.write(`${result.file}:${line}: note: ${text}\n`)
  }
  process.stdout.write(`${summary(results)}\n`)
}

function counts(results: readonly ScriptResult[]): Record<ScriptResult['verdict'], number> {
  const found = { passed: 0, failed: 0, skipped: 0, error: 0 }
  for (const { verdict } of results) found[verdict]++
  return found
}

function summary(results: readonly ScriptResult[]): string {
  const { passed, failed, skipped, error } = counts(results)
  const text = `${passed} passed, ${failed} failed, ${skipped} skipped`
  return error === 0 ? text : `${text}, ${error} in error`
}

function printJson(results: readonly ScriptResult[]): void {
  process.stdout.write(`${JSON.stringify({ ...counts(results), scripts: results }, null, 2)}\n`)
}

function toCount(text: string): number {
  if (/^\d{1,9}$/.test(text) && Number(text) > 0) return Number(text)
  throw new InvalidArgumentError('It must be a whole number above 0.')
}

function collect(value: string, all: readonly string[]): string[] {
  return [...all, value]
}
