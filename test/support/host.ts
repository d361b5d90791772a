// A host with a TCP of its own, in a process and a network namespace of its own: ours on raw sockets, or the kernel's.
// Both carry out the same tasks (tasks.ts), so each test runs in both roles.

import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import type { Reply, Request } from './host.child.ts'
import type { Namespace } from './netns.ts'
import type { Tasks } from './tasks.ts'
import type { OurOptions } from './tcp.ts'

export type TcpKind = 'ours' | 'kernel'

type TaskName = keyof Tasks
type Arguments<K extends TaskName> = Parameters<Tasks[K]>
type Result<K extends TaskName> = Awaited<ReturnType<Tasks[K]>>

export interface HostOptions {
  /** Node's own arguments. */
  readonly nodeArguments?: readonly string[]
  /** Pins the process to one CPU. */
  readonly cpu?: number
  /** The engine's invariants are checked after every event. */
  readonly checks?: boolean
  /** Beside what this process has. */
  readonly env?: NodeJS.ProcessEnv
  /** For our stack. */
  readonly stack?: OurOptions
}

export class TestHost {
  readonly #child: ChildProcess
  readonly #exited: Promise<unknown>
  readonly #waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>()
  #requests = 0

  static async start(kind: TcpKind, namespace: Namespace, options: HostOptions = {}): Promise<TestHost> {
    const { nodeArguments = [], cpu, checks = true, env = {}, stack = {} } = options
    const pin = cpu === undefined ? [] : ['taskset', '-c', String(cpu)]
    const script = `${import.meta.dirname}/host.child.ts`
    const child = namespace.spawn(
      [...pin, process.execPath, '--import=tsx', ...nodeArguments, script, kind, JSON.stringify(stack)],
      {
        stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
        env: { ...process.env, RAWTCP_CHECKS: checks ? '1' : '0', ...env }
      }
    )
    const host = new TestHost(child)
    await Promise.race([
      once(child, 'message'),
      host.#exited.then(() => {
        throw new Error('The host did not begin')
      })
    ])
    child.on('message', reply => host.#settle(reply as Reply))
    return host
  }

  private constructor(child: ChildProcess) {
    this.#child = child
    this.#exited = once(child, 'exit').then(([code, signal]) => {
      const error = new Error(`The host has ended: ${signal ?? code}`)
      for (const { reject } of this.#waiting.values()) reject(error)
      this.#waiting.clear()
    })
  }

  get pid(): number {
    return this.#child.pid as number
  }

  /** Has the task done over there. An error there is one here, with its `code`. */
  do<K extends TaskName>(task: K, ...args: Arguments<K>): Promise<Result<K>> {
    const id = this.#requests++
    const request: Request = { id, task, args }
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve: value => resolve(value as Result<K>), reject })
      this.#child.send(request, error => {
        if (error !== null) reject(error)
      })
    })
  }

  #settle(reply: Reply): void {
    const waiting = this.#waiting.get(reply.id)
    this.#waiting.delete(reply.id)
    if (reply.error === undefined) waiting?.resolve(reply.result)
    else waiting?.reject(Object.assign(new Error(reply.error.message), reply.error))
  }

  /** SIGKILL by default: the process gets no chance to clean up. */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    this.#child.kill(signal)
    await this.#exited
  }
}
