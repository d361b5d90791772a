// The path emulator (bench/emulator): a program of its own, compiled when it is first used, between two namespaces.

import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { mkdirSync, readdirSync, renameSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { packageRoot } from '../../src/native/addon.ts'
import type { Namespace } from '../../test/support/netns.ts'
import { unlessPrograms } from '../../test/support/privileges.ts'
import { skipIf } from './bench.ts'

/** The device that it makes in both namespaces. */
export const DEVICE = 'path'

/** Keys as bench/emulator/settings.cc has them; what is not given is off. */
export interface PathSettings {
  readonly bitsPerSecond: number
  /** Of one way. */
  readonly delayMs: number
  readonly queueBytes: number
  /** Shares of packets. Losses are on both ways. */
  readonly loss?: number
  readonly reordered?: number
  /** By how much a packet that is overtaken is late at most. */
  readonly lateMs?: number
  readonly policedBitsPerSecond?: number
  readonly bucketBytes?: number
  readonly seed: number
  /** What the stream carries: when all of it has come, the run is complete. */
  readonly flowBytes: number
}

interface WayReport {
  readonly packets: number
  readonly bytes: number
  readonly policed: number
  readonly overflowed: number
  readonly lost: number
  readonly reordered: number
  /** Packets that a device did not take: the emulator's own fault. */
  readonly refused: number
  readonly queueMeanMs: number
  readonly queueP95Ms: number
  /** By how much packets left later than they should have. */
  readonly lateMeanMs: number
  readonly lateP99Ms: number
}

export interface PathReport {
  /** Of the first stream from left to right that began, in bytes of text. */
  readonly flow: {
    /** From the first SYN at the near end until the last byte left the far end; -1 where it has not. */
    readonly durationMs: number
    readonly deliveredBytes: number
    readonly segments: number
    readonly bytes: number
    readonly repeatedSegments: number
    readonly repeatedBytes: number
    /** Sent again although a copy had come, or was on its way and would. */
    readonly needlessBytes: number
  }
  readonly forward: WayReport
  readonly back: WayReport
}

export class Emulator {
  readonly #child: ChildProcess
  readonly #answers: AsyncIterator<string>
  readonly #ended: Promise<void>

  private constructor(program: string, left: Namespace, right: Namespace) {
    const files = [left, right].map(({ name }) => `/var/run/netns/${name}`)
    this.#child = spawn(program, files, { stdio: ['pipe', 'pipe', 'inherit'] })
    this.#answers = createInterface({ input: this.#child.stdout as Readable })[Symbol.asyncIterator]()
    this.#ended = new Promise(resolve => this.#child.once('close', () => resolve()))
  }

  /** Once the devices are there. */
  static async between(left: Namespace, right: Namespace): Promise<{ emulator: Emulator; hurries: boolean }> {
    const emulator = new Emulator(compiled(), left, right)
    const { hurries } = (await emulator.#answer()) as { hurries: boolean }
    return { emulator, hurries }
  }

  async begin(settings: PathSettings): Promise<void> {
    await this.#ask(
      `run ${Object.entries(settings)
        .map(pair => pair.join('='))
        .join(' ')}`
    )
  }

  async report(): Promise<PathReport> {
    return (await this.#ask('report')) as PathReport
  }

  async close(): Promise<void> {
    ;(this.#child.stdin as Writable).end()
    await this.#ended
  }

  async #ask(command: string): Promise<unknown> {
    ;(this.#child.stdin as Writable).write(`${command}\n`)
    const answer = (await this.#answer()) as { error?: string }
    if (answer.error !== undefined) throw new Error(`emulator: ${answer.error}`)
    return answer
  }

  async #answer(): Promise<unknown> {
    const { value, done } = await this.#answers.next()
    if (done) throw new Error('The emulator has ended')
    return JSON.parse(value)
  }
}

/** Answers where the program is. */
function compiled(): string {
  const sources = join(packageRoot(), 'bench', 'emulator')
  const directory = join(packageRoot(), 'build', 'bench')
  const program = join(directory, 'emulator')
  const changedAt = (file: string): number => statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0
  const files = readdirSync(sources).map(name => join(sources, name))
  if (Math.max(...files.map(changedAt)) < changedAt(program)) return program
  skipIf(unlessPrograms('g++'))
  mkdirSync(directory, { recursive: true })
  const made = `${program}.${process.pid}`
  const flags = ['-std=gnu++17', '-O2', '-Wall', '-Wextra', '-Werror', '-fno-exceptions', '-fno-rtti']
  execFileSync('g++', [...flags, ...files.filter(name => name.endsWith('.cc')), '-o', made])
  renameSync(made, program)
  return program
}
