// Programs of others in a namespace, as a test sees them: what goes in, what comes out, how they end.

import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import type { Readable, Writable } from 'node:stream'
import type { Test } from 'tap'
import type { Namespace } from './netns.ts'

export class Program {
  readonly #child: ChildProcess
  readonly #ended: Promise<[number | null, NodeJS.Signals | null]>
  readonly #name: string
  #output = ''
  #errors = ''
  #heard: () => void = () => {}

  /** It ends with the test, if not by itself. */
  constructor(t: Test, namespace: Namespace, ...command: string[]) {
    this.#name = command[0]
    this.#child = namespace.spawn(command, { stdio: ['pipe', 'pipe', 'pipe'] })
    this.#ended = once(this.#child, 'close') as Promise<[number | null, NodeJS.Signals | null]>
    this.stdin.on('error', () => {}) // it may end before it has read everything
    this.#stream('stdout').on('data', text => {
      this.#output += text
      this.#heard()
    })
    this.#stream('stderr').on('data', text => {
      this.#errors += text
      this.#heard()
    })
    this.#ended.then(() => this.#heard())
    t.teardown(async () => {
      this.#child.kill('SIGKILL')
      await this.#ended
    })
  }

  get stdin(): Writable {
    return this.#child.stdin as Writable
  }

  get output(): string {
    return this.#output
  }

  get errors(): string {
    return this.#errors
  }

  get hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null
  }

  /** Resolves when what it has written to either output holds this. Rejects if it ends without. */
  async says(what: string | RegExp): Promise<void> {
    const isSaid = (text: string): boolean => (typeof what === 'string' ? text.includes(what) : what.test(text))
    while (!isSaid(this.#output) && !isSaid(this.#errors)) {
      if (this.hasEnded) throw new Error(`${this.#name} has not said ${what}, but ${this.#output}${this.#errors}`)
      await new Promise<void>(resolve => (this.#heard = resolve))
    }
  }

  /** Its exit code, or the signal that ended it. */
  async exit(): Promise<number | NodeJS.Signals | null> {
    const [code, signal] = await this.#ended
    return code ?? signal
  }

  #stream(name: 'stdout' | 'stderr'): Readable {
    return (this.#child[name] as Readable).setEncoding('latin1')
  }
}
