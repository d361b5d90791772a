// Starts parts of a bench, each in a process of its own (child.ts): what ran before changes what V8 has compiled.

import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import type { Namespace } from '../../test/support/netns.ts'

/** What a part can tell its bench before it ends. */
export interface Control {
  /** The part can be used; where it listens, it says on which port. */
  ready(port?: number): void
  /** Resolves when the bench wants the part to end. */
  readonly stopped: Promise<void>
}

/** By name. A part's input and result are plain data. */
export type Parts = Readonly<Record<string, (input: never, control: Control) => Promise<unknown>>>

export interface Where {
  readonly namespace?: Namespace
  /** With --profile, the name under which the process is profiled; the others are not. */
  readonly profileAs?: string
  /** The one that it runs on. */
  readonly cpu?: number
  /** Node's own options. */
  readonly node?: readonly string[]
  /** How long it may take at most, if that is more than a minute. */
  readonly limitMs?: number
}

export type PartStarter<P extends Parts> = <K extends keyof P & string>(
  name: K,
  input: Parameters<P[K]>[0],
  where?: Where
) => Part<Awaited<ReturnType<P[K]>>>

export type Message =
  | { readonly ready: number }
  | { readonly result: unknown }
  | { readonly error: { readonly message: string; readonly code?: string } }

/** No part takes so long, unless it is said. */
const LIMIT_MS = 60_000
/** A part that has answered has closed everything, so its process ends by itself. */
const EXIT_LIMIT_MS = 5000
const NOT_MEASURED = { RAWTCP_CHECKS: '0' }

export class Part<R> {
  /** The port where it listens, if it does. */
  readonly ready: Promise<number>
  /** Once the process is gone. */
  readonly result: Promise<R>
  readonly #child: ChildProcess

  constructor(name: string, nodeArguments: readonly string[], { namespace, cpu, limitMs = LIMIT_MS }: Where) {
    const options: SpawnOptions = {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      env: { ...process.env, ...NOT_MEASURED }
    }
    const pin = cpu === undefined ? [] : ['taskset', '-c', String(cpu)]
    const command = [...pin, process.execPath, ...nodeArguments]
    const child =
      namespace === undefined ? spawn(command[0], command.slice(1), options) : namespace.spawn(command, options)
    this.#child = child

    let setReady: (port: number) => void
    this.ready = new Promise((resolve, reject) => {
      setReady = resolve
      child.once('exit', () => reject(new Error(`${name} ended before it was ready`)))
    })
    this.result = new Promise((resolve, reject) => {
      let answer: Message | undefined
      let timer = setTimeout(() => this.kill(), limitMs)
      child.on('message', (message: Message) => {
        if ('ready' in message) return setReady(message.ready)
        answer = message
        clearTimeout(timer)
        timer = setTimeout(() => this.kill(), EXIT_LIMIT_MS)
      })
      child.once('error', reject)
      child.once('exit', (code, signal) => {
        clearTimeout(timer)
        if (answer === undefined) reject(new Error(`${name} ended without a result: ${signal ?? code}`))
        else if ('error' in answer) reject(Object.assign(new Error(answer.error.message), answer.error))
        else if (code !== 0) reject(new Error(`${name} did not end well: ${signal ?? code}`))
        else resolve((answer as { result: R }).result)
      })
    })
    // Who only waits for one of the two hears of a failure by that one.
    this.ready.catch(() => {})
    this.result.catch(() => {})
  }

  stop(): Promise<R> {
    this.#child.send('stop')
    return this.result
  }

  kill(): void {
    this.#child.kill('SIGKILL')
  }
}

/** Starts parts, and ends those that still run. */
export class PartRunner {
  readonly #profileDirectory: string | undefined
  readonly #running = new Set<Part<unknown>>()

  constructor(profileDirectory: string | undefined) {
    this.#profileDirectory = profileDirectory
  }

  partsOf<P extends Parts>(file: string): PartStarter<P> {
    return (name, input, where = {}) => {
      const script = new URL('./child.js', import.meta.url).pathname
      const nodeArguments = [
        ...this.#profiling(where),
        ...(where.node ?? []),
        script,
        file,
        name,
        JSON.stringify(input)
      ]
      const part = new Part<never>(name, nodeArguments, where)
      this.#running.add(part)
      const ended = (): void => void this.#running.delete(part)
      part.result.then(ended, ended)
      return part
    }
  }

  async endAll(): Promise<void> {
    const running = [...this.#running]
    for (const part of running) part.kill()
    await Promise.allSettled(running.map(part => part.result))
  }

  #profiling({ profileAs }: Where): string[] {
    if (this.#profileDirectory === undefined || profileAs === undefined) return []
    const name = `${profileAs}.cpuprofile`
    return [
      '--cpu-prof',
      '--cpu-prof-interval=250',
      `--cpu-prof-dir=${this.#profileDirectory}`,
      `--cpu-prof-name=${name}`
    ]
  }
}
