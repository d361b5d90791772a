// What a stretch of a run has cost: seconds by the clock, or, where two versions are compared, what other processes on the machine
// change less: this process's own CPU time, or the instructions that it has retired, which perf counts where the CPU has counters.

import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, readFileSync, readSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export type Unit = 'seconds' | 'CPU seconds' | 'billion instructions'

export interface Meter {
  start(): void
  /** Since `start`, in the meter's unit. */
  stop(): number
}

/** Processes of a bench are told by it what to measure in; seconds where it is not set. */
export const METER_VARIABLE = 'RAWTCP_BENCH_METER'

const INSTRUCTIONS = 'instructions:u'

export function meterOf(unit: string | undefined): Meter {
  switch (unit as Unit | undefined) {
    case 'CPU seconds':
      return new Clock(() => process.cpuUsage().user / 1e6)
    case 'billion instructions':
      return new PerfMeter(INSTRUCTIONS)
    default:
      return new Clock(() => performance.now() / 1e3)
  }
}

/** What is the least disturbed on this machine. */
export function bestUnit(): Unit {
  return canCount(INSTRUCTIONS) ? 'billion instructions' : 'CPU seconds'
}

export function canCount(event: string): boolean {
  try {
    const command = `perf stat -e ${event} -x , true 2>&1`
    return parseCount(execFileSync('sh', ['-c', command], { encoding: 'utf8' })) !== undefined
  } catch {
    return false
  }
}

class Clock implements Meter {
  readonly #read: () => number
  #from = 0

  constructor(read: () => number) {
    this.#read = read
  }

  start(): void {
    this.#from = this.#read()
  }

  stop(): number {
    return this.#read() - this.#from
  }
}

/** Attaches `perf stat` to this process, and has it count in between. */
export class PerfMeter implements Meter {
  readonly #directory = mkdtempSync(join(tmpdir(), 'rawtcp-perf-'))
  readonly #control: number
  readonly #answers: number
  readonly #perf: ChildProcess

  constructor(event: string) {
    const [control, answers] = ['control', 'answers'].map(name => join(this.#directory, name))
    execFileSync('mkfifo', [control, answers])
    this.#control = openSync(control, 'r+')
    this.#answers = openSync(answers, 'r+')
    const fifo = `--control=fifo:${control},${answers}`
    const counting = ['stat', '-e', event, '-x', ',', '-p', String(process.pid), '-D', '-1', fifo]
    this.#perf = spawn('perf', [...counting, '-o', this.#output], { stdio: 'ignore' })
    this.#perf.unref()
  }

  start(): void {
    this.#order('enable')
  }

  /** Once only. */
  stop(): number {
    this.#order('disable')
    this.#perf.kill('SIGINT') // it tells what it has counted, and ends
    const count = this.#readCount()
    closeSync(this.#control)
    closeSync(this.#answers)
    rmSync(this.#directory, { recursive: true })
    return count / 1e9
  }

  get #output(): string {
    return join(this.#directory, 'counts')
  }

  /** Until it is done. */
  #order(what: string): void {
    writeSync(this.#control, `${what}\n`)
    const answer = Buffer.alloc(16)
    for (let length = 0; !answer.subarray(0, length).includes(0x0a); ) {
      length += readSync(this.#answers, answer, length, answer.length - length, null)
    }
  }

  /** It writes while it ends. */
  #readCount(): number {
    const sleeper = new Int32Array(new SharedArrayBuffer(4))
    for (let tries = 0; tries < 1000; tries++) {
      const count = parseCount(readFileSync(this.#output, 'utf8'))
      if (count !== undefined) return count
      Atomics.wait(sleeper, 0, 0, 5)
    }
    throw new Error('perf stat has counted nothing')
  }
}

/** Of the lines that `perf stat -x ,` prints: count, unit, event, and more. Undefined where it could not be counted. */
export function parseCount(text: string): number | undefined {
  const fields = text
    .split('\n')
    .map(line => line.split(','))
    .find(each => each.length > 3)
  const count = Number.parseFloat(fields?.[0] ?? '')
  if (Number.isNaN(count)) return undefined
  return fields?.[1] === 'msec' ? count * 1e6 : count
}
