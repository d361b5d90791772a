// The calls that a connection's user makes, each in a turn of the stack.

import { CHECKS } from '../assert.ts'
import { change } from '../options.ts'
import { abort, close, discard, receive, receiveInto, send, setOptions, shutdown } from '../tcp/calls.ts'
import { checkInvariants } from '../tcp/invariants.ts'
import { type LiveSocketOptions, socketOptions } from '../tcp/options.ts'
import { tell } from '../tcp/outbox.ts'
import type { PackedTcb } from '../tcp/packed.ts'
import type { Tcb } from '../tcp/tcb.ts'
import type { ConnectionOwner } from './connection.ts'
import type { Engine } from './engine.ts'
import { infoOf, type TcpInfo } from './info.ts'

export class UserCalls implements ConnectionOwner {
  readonly #engine: Engine

  constructor(engine: Engine) {
    this.#engine = engine
  }

  sendText(tcb: Tcb, bytes: Uint8Array, more: boolean, urgent: boolean): number {
    const engine = this.#engine
    engine.beginCall()
    const taken = send(tcb, bytes, more, urgent, engine)
    engine.endCall()
    return taken
  }

  receiveText(tcb: Tcb, most: number): Uint8Array | undefined {
    const engine = this.#engine
    engine.beginCall()
    const bytes = receive(tcb, most, engine.now, engine)
    engine.endCall()
    return bytes
  }

  receiveTextInto(tcb: Tcb, target: Uint8Array): number {
    const engine = this.#engine
    engine.beginCall()
    const bytes = receiveInto(tcb, target, engine.now, engine)
    engine.endCall()
    return bytes
  }

  discardText(tcb: Tcb): number {
    const engine = this.#engine
    engine.beginCall()
    const bytes = discard(tcb, engine.now, engine)
    engine.endCall()
    return bytes
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

  changeOptions(tcb: Tcb, given: LiveSocketOptions): void {
    const options = change(socketOptions, given, tcb.options)
    this.#run(tcb, () => setOptions(tcb, options, this.#engine.now, this.#engine))
  }

  inform(tcb: Tcb): TcpInfo {
    return infoOf(tcb, this.#engine.clock, this.#engine.pathMtuTo(tcb.remoteAddress))
  }

  wholeOf(packed: PackedTcb): Tcb {
    return this.#engine.whole(packed)
  }

  tellLater(tcb: Tcb, events: number): void {
    this.#engine.call(() => tell(tcb, events, this.#engine))
  }

  #run(tcb: Tcb, work: () => void): void {
    this.#engine.call(work)
    this.#engine.rearm(tcb)
    if (CHECKS) checkInvariants(tcb)
  }
}
