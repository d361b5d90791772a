// Fast Open as a listener has it (RFC 7413 §4.2): which SYNs open at once, and which clients get a cookie.

import { type CookieOffer, FastOpenKeys } from '../tcp/fast-open-keys.ts'
import type { Tcb } from '../tcp/tcb.ts'
import type { Segment } from '../wire/segment.ts'
import type { Engine } from './engine.ts'
import type { Listener } from './listener.ts'

export interface FastOpenVerdict {
  readonly opens: boolean
  /** Goes with the SYN-ACK. */
  readonly offer: CookieOffer | undefined
}

const ORDINARY: FastOpenVerdict = { opens: false, offer: undefined }

export class FastOpens {
  /** Of listeners that have none of their own. */
  keys: FastOpenKeys
  readonly #engine: Engine
  readonly #pending = new Map<Tcb, Listener>()

  constructor(engine: Engine, key: Uint8Array) {
    this.#engine = engine
    this.keys = new FastOpenKeys(key)
  }

  /** §4.2.2, "Server: Receiving SYN", steps 1 to 3. */
  judge(listener: Listener, seg: Segment): FastOpenVerdict {
    const { counters, now } = this.#engine
    if (listener.fastOpen === 0) return ORDINARY
    if (seg.cookieLength === 0) counters.fastOpenCookiesAsked++
    if (seg.cookieLength < 0 && seg.payloadLength === 0) return ORDINARY
    if (!listener.fastOpens.hasRoom(listener.fastOpen, now)) {
      counters.fastOpenOverflows++
      return ORDINARY
    }
    if (listener.options.fastOpenWithoutCookie) return { opens: true, offer: undefined }
    if (seg.cookieLength < 0) return ORDINARY
    const keys = listener.fastOpenKeys ?? this.keys
    const offer = {
      cookie: keys.cookie(seg.sourceAddress, seg.destinationAddress),
      isExperimental: seg.cookieIsExperimental
    }
    if (seg.cookieLength === 0) return { opens: false, offer }
    switch (keys.check(seg)) {
      case 'valid':
        return { opens: true, offer: undefined }
      case 'former':
        counters.fastOpensWithFormerKey++
        return { opens: true, offer }
      default:
        counters.fastOpensPassiveFailed++
        return { opens: false, offer }
    }
  }

  /** A connection has begun. */
  begin(tcb: Tcb, listener: Listener): void {
    this.#pending.set(tcb, listener)
    listener.fastOpens.begin()
  }

  /** It is acknowledged, or over. */
  settled(tcb: Tcb, wasReset: boolean): void {
    this.#pending.get(tcb)?.fastOpens.end(wasReset, this.#engine.now)
    this.#pending.delete(tcb)
  }
}
