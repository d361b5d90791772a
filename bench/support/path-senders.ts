// Who sends over an emulated path: ours, in a Node process of its own, or the kernel at the request of a small program.

import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { compiled, LineProgram } from './line-program.ts'
import type { Controller } from './path-cells.ts'

export interface Order {
  readonly address: string
  readonly port: number
  readonly bytes: number
  readonly controller: Controller
  /** Whoever has not sent it all by then gives up. */
  readonly limitMs: number
}

export interface Over {
  /** What went wrong. */
  readonly error?: string
  /** Share of the time that the event loop was busy. */
  readonly utilization?: number
}

export interface PathSender {
  send(order: Order): Promise<Over>
  end(): Promise<void>
}

export class OurSender implements PathSender {
  readonly #child: ChildProcess

  constructor(child: ChildProcess) {
    this.#child = child
  }

  async send(order: Order): Promise<Over> {
    const told = new AbortController()
    const gone = once(this.#child, 'exit', { signal: told.signal }).then(() => {
      throw new Error('Our sender has ended')
    })
    this.#child.send(order)
    try {
      const [over] = await Promise.race([once(this.#child, 'message', { signal: told.signal }), gone])
      return over
    } finally {
      gone.catch(() => {})
      told.abort()
    }
  }

  async end(): Promise<void> {
    if (!this.#child.connected) return
    const ended = once(this.#child, 'exit')
    this.#child.disconnect()
    await ended
  }
}

export class KernelSender implements PathSender {
  readonly #program: LineProgram

  constructor(prefix: readonly string[]) {
    this.#program = new LineProgram('The sender on the kernel', [...prefix, compiled('kernel-sender')])
  }

  async send({ address, port, bytes, controller, limitMs }: Order): Promise<Over> {
    return (await this.#program.ask([address, port, bytes, controller, limitMs].join(' '))) as Over
  }

  end(): Promise<void> {
    return this.#program.end()
  }
}
