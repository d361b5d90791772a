// A program of the benches in C++, compiled when it is first used: it is asked by lines, and answers each with one of JSON.

import { type ChildProcess, execFileSync, type SpawnOptions, spawn } from 'node:child_process'
import { mkdirSync, readdirSync, renameSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { packageRoot } from '../../src/native/addon.ts'
import type { Namespace } from '../../test/support/netns.ts'
import { unlessPrograms } from '../../test/support/privileges.ts'
import { skipIf } from './bench.ts'

const FLAGS = ['-std=gnu++17', '-O2', '-Wall', '-Wextra', '-Werror', '-fno-exceptions', '-fno-rtti']

export class LineProgram {
  readonly #name: string
  readonly #child: ChildProcess
  readonly #answers: AsyncIterator<string>
  /** By this signal, or with this code. */
  readonly #ended: Promise<string>

  constructor(name: string, command: readonly string[], namespace?: Namespace) {
    const options: SpawnOptions = { stdio: ['pipe', 'pipe', 'inherit'] }
    this.#name = name
    this.#child = namespace?.spawn(command, options) ?? spawn(command[0], command.slice(1), options)
    this.#answers = createInterface({ input: this.#child.stdout as Readable })[Symbol.asyncIterator]()
    this.#ended = new Promise(resolve => this.#child.once('close', (code, signal) => resolve(signal ?? `code ${code}`)))
  }

  /** Undefined: it is about to speak unasked. */
  async ask(line?: string): Promise<unknown> {
    if (line !== undefined) (this.#child.stdin as Writable).write(`${line}\n`)
    const { value, done } = await this.#answers.next()
    if (done) throw new Error(`${this.#name} has ended: ${await this.#ended}`)
    return JSON.parse(value)
  }

  /** It ends with its input, and so with this process at the latest. */
  async end(): Promise<void> {
    ;(this.#child.stdin as Writable).end()
    await this.#ended
  }
}

/** Answers where the program is that is made of bench/NAME, with the libraries that it wants. */
export function compiled(name: string, libraries: readonly string[] = []): string {
  const sources = join(packageRoot(), 'bench', name)
  const directory = join(packageRoot(), 'build', 'bench', 'programs')
  const program = join(directory, name)
  const changedAt = (file: string): number => statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0
  const files = readdirSync(sources).map(file => join(sources, file))
  if (Math.max(...files.map(changedAt)) < changedAt(program)) return program
  skipIf(unlessPrograms('g++'))
  mkdirSync(directory, { recursive: true })
  const made = `${program}.${process.pid}`
  execFileSync('g++', [...FLAGS, ...files.filter(file => file.endsWith('.cc')), '-o', made, ...libraries])
  renameSync(made, program)
  return program
}
