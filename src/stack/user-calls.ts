// The calls that a connection's user makes, each in a turn of the stack.

import { CHECKS } from '../assert.ts'
import { abort, close, receive, send, setKeepAlive, shutdown } from '../tcp/calls.ts'
import { checkInvariants } from '../tcp/invariants.ts'
import type { Tcb } from '../tcp/tcb.ts'
import type { ConnectionOwner } from './connection.ts'
import type { Engine } from './engine.ts'

export class UserCalls implements ConnectionOwner {
  readonly #engine: Engine

  constructor(engine: Engine) {
    this.#engine = engine
  }

  sendText(tcb: Tcb, bytes: Uint8Array): number {
    const engine = this.#engine
    return engine.call(() => send(tcb, bytes, engine))
  }

  receiveText(tcb: Tcb, most: number): Uint8Array | undefined {
    const engine = this.#engine
    return engine.call(() => receive(tcb, most, engine))
  }

  shutdownConnection(tcb: Tcb): void {
    this.#run(tcb, () => shutdown(tcb, this.#engine))
  }

  closeConnection(tcb: Tcb): void {
    this.#run(tcb, () => close(tcb, this.#engine.now, this.#engine))
  }

  abortConnection(tcb: Tcb): void {
    this.#run(tcb, () => abort(tcb, this.#engine.now, this.#engine))
  }

  keepAlive(tcb: Tcb, on: boolean, idleMs: number): void {
    this.#run(tcb, () => setKeepAlive(tcb, on, idleMs))
  }

  changed(tcb: Tcb): void {
    this.#run(tcb, () => this.#engine.schedule(tcb))
  }

  #run(tcb: Tcb, work: () => void): void {
    this.#engine.call(work)
    this.#engine.rearm(tcb)
    if (CHECKS) checkInvariants(tcb)
  }
}
