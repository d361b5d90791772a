// A copy of src, and of the tests that use it beside, in which every mutant of the named files lies ready, and a number switches one on: all of them in one
// program, so that a mutant costs no build and no start (Stryker's instrumenter).

import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { commonTokens } from '@stryker-mutator/api/plugin'
import { createInstrumenter } from '@stryker-mutator/instrumenter'
import { createInjector } from 'typed-inject'

const ROOT = join(import.meta.dirname, '../..')

/** Words for people: what they say is no behaviour of TCP. */
const LEFT_OUT = ['StringLiteral']

export interface Mutant {
  readonly id: string
  /** Relative to the project. */
  readonly file: string
  readonly line: number
  /** The source of that line. */
  readonly context: string
  readonly mutator: string
  /** One line each, shortened. */
  readonly original: string
  readonly replacement: string
}

/** Writes the copy into `target`/src and answers the mutants in it. `files` are paths relative to the project. */
export async function instrument(files: readonly string[], target: string): Promise<Mutant[]> {
  rmSync(target, { recursive: true, force: true })
  for (const folder of ['src', 'test/model', 'test/support', 'test/tcp']) {
    cpSync(join(ROOT, folder), join(target, folder), { recursive: true })
  }
  const sources = new Map(files.map(file => [join(ROOT, file), readFileSync(join(ROOT, file), 'utf8')]))
  const quiet = {
    isTraceEnabled: () => false,
    isDebugEnabled: () => false,
    debug() {},
    info() {},
    warn() {},
    error() {}
  }
  const instrumenter = createInjector()
    .provideValue(commonTokens.logger, quiet as never)
    .provideValue(commonTokens.getLogger, (() => quiet) as never)
    .provideValue(commonTokens.options, {} as never)
    .provideValue(commonTokens.fileDescriptions, {} as never)
    .injectFunction(createInstrumenter as never) as ReturnType<typeof createInstrumenter>
  const result = await instrumenter.instrument(
    [...sources].map(([name, content]) => ({ name, content, mutate: true })),
    { plugins: null, excludedMutations: LEFT_OUT, ignorers: [] }
  )
  for (const { name, content } of result.files) writeFileSync(join(target, relative(ROOT, name)), content)
  const mutants: Mutant[] = []
  for (const { id, fileName, location, mutatorName, replacement, status } of result.mutants) {
    if (status === 'Ignored') continue // one of LEFT_OUT: no switch was made for it
    const source = sources.get(fileName) as string
    mutants.push({
      id,
      file: relative(ROOT, fileName),
      line: location.start.line + 1,
      context: source.split('\n')[location.start.line],
      mutator: mutatorName,
      original: oneLine(cut(source, location)),
      replacement: oneLine(replacement)
    })
  }
  return mutants
}

interface Location {
  readonly start: { readonly line: number; readonly column: number }
  readonly end: { readonly line: number; readonly column: number }
}

function cut(source: string, { start, end }: Location): string {
  const lines = source.split('\n').slice(start.line, end.line + 1)
  lines[lines.length - 1] = lines[lines.length - 1].slice(0, end.column)
  lines[0] = lines[0].slice(start.column)
  return lines.join('\n')
}

function oneLine(code: string): string {
  const line = code.replace(/\s+/g, ' ').trim()
  return line.length > 100 ? `${line.slice(0, 97)}...` : line
}
