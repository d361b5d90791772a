// A client on the kernel's TCP that says something and listens.

import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { Test } from 'tap'

export class Client {
  readonly socket: Socket
  heard = ''
  /** Once both sides are closed; rejects on an error. */
  readonly closed: Promise<unknown>

  constructor(t: Test, port: number, options: { allowHalfOpen?: boolean; host?: string } = {}) {
    this.socket = connect({ port, host: '127.0.0.1', noDelay: true, ...options })
    this.socket.setEncoding('latin1').on('data', text => {
      this.heard += text
    })
    this.closed = once(this.socket, 'close')
    this.closed.catch(() => {})
    t.teardown(() => this.socket.destroy())
  }

  async hears(text: string): Promise<void> {
    while (!this.heard.includes(text)) {
      if (this.socket.readableEnded) throw new Error(`the server closed before it said ${text}: ${this.heard}`)
      await Promise.race([once(this.socket, 'data'), once(this.socket, 'end')])
    }
  }
}
