// The path emulator (bench/emulator): a program of its own between two namespaces.

import type { Namespace } from '../../test/support/netns.ts'
import { compiled, LineProgram } from './line-program.ts'

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
  readonly #program: LineProgram
  /** It has real-time priority. */
  readonly hurries: boolean

  private constructor(program: LineProgram, hurries: boolean) {
    this.#program = program
    this.hurries = hurries
  }

  /** Once the devices are there. */
  static async between(left: Namespace, right: Namespace): Promise<Emulator> {
    const files = [left, right].map(({ name }) => `/var/run/netns/${name}`)
    const program = new LineProgram('The emulator', [compiled('emulator'), ...files])
    const { hurries } = (await program.ask()) as { hurries: boolean }
    return new Emulator(program, hurries)
  }

  async begin(settings: PathSettings): Promise<void> {
    const words = Object.entries(settings).map(pair => pair.join('='))
    const { error } = (await this.#program.ask(`run ${words.join(' ')}`)) as { error?: string }
    if (error !== undefined) throw new Error(`The emulator does not know ${error}`)
  }

  async report(): Promise<PathReport> {
    return (await this.#program.ask('report')) as PathReport
  }

  close(): Promise<void> {
    return this.#program.end()
  }
}
