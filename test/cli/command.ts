// The real command `rawtcp`, as a process of its own, straight from the sources.

import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Readable, Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const NOBODY = 65_534

export interface CommandOptions {
  /** Without any privilege. */
  readonly asNobody?: boolean
}

export class Rawtcp {
  readonly process: ChildProcessByStdio<Writable, Readable, Readable>
  /** What it has said so far. */
  stdout = ''
  stderr = ''
  /** The exit code, once all that it had to say has arrived; the signal's name where one ended it. */
  readonly exited: Promise<number | string>

  /** Ends with the test at the latest. */
  constructor(t: Test, args: readonly string[], { asNobody = false }: CommandOptions = {}) {
    // The test runner has its watch over every Node that is started, and one without privileges cannot write its records.
    const command = ['-u', 'NODE_OPTIONS', process.execPath, '--import', 'tsx', 'src/cli/main.ts', ...args]
    this.process = spawn('env', command, {
      cwd: ROOT,
      env: { ...process.env, NO_COLOR: '1' },
      stdio: ['pipe', 'pipe', 'pipe'],
      ...(asNobody && { uid: NOBODY, gid: NOBODY })
    })
    this.process.stdout.on('data', text => {
      this.stdout += text
    })
    this.process.stderr.on('data', text => {
      this.stderr += text
    })
    this.process.stdin.on('error', () => {}) // it may be gone before it has read all
    this.exited = once(this.process, 'close').then(([code, signal]) => code ?? signal)
    t.teardown(async () => {
      this.process.kill('SIGKILL')
      await this.exited
    })
  }

  /** Resolves once stdout matches; rejects should the command end before. */
  async says(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(this.stdout)
      if (match !== null) return match
      const exited = await Promise.race([
        once(this.process.stdout, 'data').then(() => undefined),
        this.exited.then(code => ({ code }))
      ])
      if (exited !== undefined && !pattern.test(this.stdout)) {
        throw new Error(`ended with ${exited.code} before it said ${pattern}: ${this.stdout}${this.stderr}`)
      }
    }
  }
}

/** An echo server, and the port that it listens on. */
export async function echoServer(t: Test, ...args: string[]): Promise<{ command: Rawtcp; port: number }> {
  const command = new Rawtcp(t, ['echo', '--port', '0', ...args])
  const [, port] = await command.says(/Listening on [\d.]+:(\d+)/)
  return { command, port: Number(port) }
}
