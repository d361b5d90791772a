// What a client remembers for Fast Open (RFC 7413 §4.1.3): the cookies of servers with the MSS that they announced, and
// where it has failed, so that it is left alone there for a while. Both are bounded: what was not used for longest goes.

import { MAX_COOKIE_LENGTH, type Segment } from '../wire/segment.ts'

/** Servers whose cookies are kept, and ports where Fast Open has failed. */
const MOST_ENTRIES = 4096

/** A pause is doubled that often at most (as on Linux). */
const MOST_DOUBLINGS = 6

/** Which form of the option a request for a cookie takes: the other one is tried where the first got no answer. */
export const Form = {
  STANDARD: 0,
  /** The standard one had no answer. */
  EXPERIMENTAL: 1,
  /** Neither had. */
  NONE: 2
} as const

export type Form = (typeof Form)[keyof typeof Form]

/** What is known of a server: one for each pair of addresses. */
export interface KnownServer {
  readonly cookie: Uint8Array
  /** 0 for none. */
  cookieLength: number
  cookieIsExperimental: boolean
  mss: number
  form: Form
  /** SYNs with text in a row that seem to have got lost. */
  lostSyns: number
}

interface Pause {
  readonly times: number
  readonly until: number
}

interface Server {
  readonly localAddress: number
  readonly remoteAddress: number
}

/** A port of a server, as a client sees it. */
export interface Service extends Server {
  readonly remotePort: number
}

export class FastOpenMemory {
  readonly #servers = new Map<string, KnownServer>()
  readonly #pauses = new Map<string, Pause>()
  readonly #pauseMs: number

  /** `pauseMs`: how long the first pause lasts; 0 for none. */
  constructor(pauseMs: number) {
    this.#pauseMs = pauseMs
  }

  recall(server: Server): KnownServer | undefined {
    const key = serverKey(server)
    const known = this.#servers.get(key)
    if (known !== undefined) touch(this.#servers, key, known)
    return known
  }

  /** What is known of a server that has just answered. */
  meet(server: Server): KnownServer {
    const known = this.recall(server)
    if (known !== undefined) return known
    const met: KnownServer = {
      cookie: new Uint8Array(MAX_COOKIE_LENGTH),
      cookieLength: 0,
      cookieIsExperimental: false,
      mss: 0,
      form: Form.STANDARD,
      lostSyns: 0
    }
    touch(this.#servers, serverKey(server), met)
    return met
  }

  /** Fast Open has failed there lately. */
  isPaused(service: Service, now: number): boolean {
    const pause = this.#pauses.get(serviceKey(service))
    return pause !== undefined && now < pause.until
  }

  /** It has failed, once more: answers false where no pauses are made. */
  pause(service: Service, now: number): boolean {
    if (this.#pauseMs === 0) return false
    const key = serviceKey(service)
    const times = this.#pauses.get(key)?.times ?? 0
    touch(this.#pauses, key, {
      times: times + 1,
      until: now + this.#pauseMs * 2 ** Math.min(times, MOST_DOUBLINGS)
    })
    return true
  }

  /** It has worked: the next pause, should there be one, is a first one again. */
  worked(service: Service): void {
    this.#pauses.delete(serviceKey(service))
  }
}

/** A cookie has come: the most recent one is kept, in the form in which it came. */
export function keepCookie(known: KnownServer, seg: Segment): void {
  known.cookie.set(seg.cookie)
  known.cookieLength = seg.cookieLength
  known.cookieIsExperimental = seg.cookieIsExperimental
}

const serverKey = ({ localAddress, remoteAddress }: Server): string => `${localAddress} ${remoteAddress}`
const serviceKey = (service: Service): string => `${serverKey(service)} ${service.remotePort}`

function touch<V>(map: Map<string, V>, key: string, value: V): void {
  map.delete(key)
  map.set(key, value)
  if (map.size <= MOST_ENTRIES) return
  for (const oldest of map.keys()) {
    map.delete(oldest)
    return
  }
}
