// One connection as RFC 9293 has it, and nothing of how we do it: written from the RFC's text, it sees only what goes in
// and out. Each segment, call and timeout moves it to the state that §3.10 says; whoever watches compares. The documented
// choices of the stack that it knows: RFC 5961 §3 to §5, RFC 1337, and that a peer at the right edge may acknowledge.

export type StateName =
  | 'CLOSED'
  | 'LISTEN'
  | 'SYN-SENT'
  | 'SYN-RECEIVED'
  | 'ESTABLISHED'
  | 'FIN-WAIT-1'
  | 'FIN-WAIT-2'
  | 'CLOSE-WAIT'
  | 'CLOSING'
  | 'LAST-ACK'
  | 'TIME-WAIT'

/** Figure 5 of §3.3.2, the note on SYN-RECEIVED and LISTEN included; each state but CLOSED may also end there. */
const FIGURE_5: Record<StateName, readonly StateName[]> = {
  CLOSED: ['LISTEN', 'SYN-SENT'],
  LISTEN: ['SYN-SENT', 'SYN-RECEIVED'],
  'SYN-SENT': ['SYN-RECEIVED', 'ESTABLISHED'],
  'SYN-RECEIVED': ['ESTABLISHED', 'FIN-WAIT-1', 'LISTEN'],
  ESTABLISHED: ['FIN-WAIT-1', 'CLOSE-WAIT'],
  'FIN-WAIT-1': ['FIN-WAIT-2', 'CLOSING'],
  'FIN-WAIT-2': ['TIME-WAIT'],
  'CLOSE-WAIT': ['LAST-ACK'],
  CLOSING: ['TIME-WAIT'],
  'LAST-ACK': [],
  'TIME-WAIT': []
}

export const isDrawn = (from: StateName, to: StateName): boolean => to === 'CLOSED' || FIGURE_5[from].includes(to)

/** A segment as anybody on the wire reads it. */
export interface Seen {
  readonly syn: boolean
  readonly fin: boolean
  readonly rst: boolean
  readonly hasAck: boolean
  readonly seq: number
  readonly ack: number
  readonly window: number
  /** Bytes of text. */
  readonly text: number
  readonly mss: number
  readonly windowScale: number
  readonly timestamp: number | undefined
}

/** What the connection was opened with, as far as it decides when something is over. */
export interface Limits {
  readonly synRetries: number
  readonly retries: number
  readonly keepAliveProbes: number
  readonly timeWaitMs: number
  readonly finWait2Ms: number
  readonly maxRtoMs: number
}

/** How far `a` is ahead of `b`, modulo 2^32. */
export const distance = (a: number, b: number): number => (a - b) | 0
const plus = (a: number, n: number): number => (a + n) | 0
const lengthOf = (s: Seen): number => s.text + (s.syn ? 1 : 0) + (s.fin ? 1 : 0)
const DAY_MS = 86_400_000

export class Fault extends Error {
  override readonly name = 'Fault'
}

export class ConnectionModel {
  /** Where the connection has to be by now. */
  state: StateName
  /** When it went there. */
  since: number
  /** Our SYN has left: there are numbers. */
  hasSent = false
  iss = 0
  una = 0
  nxt = 0
  irs = 0
  rcvNxt = 0
  /** RCV.NXT before the segment that is being processed: what its ACK field brings about may leave before its text is taken. */
  rcvNxtBefore = 0
  /** The right edge of all windows that we have offered. */
  rcvAdv = 0
  /** The right edge of all windows that the peer has offered. */
  sndEdge = 0
  sndWnd = 0
  maxSndWnd = 0
  /** Bytes that the user has written, and read. */
  written = 0
  read = 0
  /** The user has closed the sending side; both sides. */
  closing = false
  readerGone = false
  keepAlive = false
  /** False once the peer has contradicted itself (two ends of one stream): then only limits are checked. */
  exact = true
  /** The queue for accept is full: an ACK that would open the connection waits for a better day. */
  isHeldBack = false
  /** A RST may leave. */
  mayReset = false
  /** An ICMP error may end it, for it is not open yet. */
  mayFail = false
  /** An ACK has to leave, since then. */
  ackDueSince = Number.POSITIVE_INFINITY
  challengedAt = Number.NEGATIVE_INFINITY
  lastAckOut = 0
  lastOutAt: number
  /** When the peer last acknowledged something or changed its window: the timers begin anew. */
  progressAt = Number.NEGATIVE_INFINITY
  /** Since when there is something to send. */
  workSince = Number.POSITIVE_INFINITY
  /** Segments sent again, or probes, since the peer last acknowledged something. */
  repeats = 0
  synsOut = 0
  finOut: number | undefined

  #firstWindow = 0
  #ourScale = -1
  #peerScale = -1
  #weOfferedTimestamps = false
  #timestampsOn = false
  #tsRecent = 0
  #tsRecentAt = 0
  #wl1 = 0
  #wl2 = 0
  #peerMss = 536
  #finIn: number | undefined
  /** What has arrived behind a hole, first and last offset in the peer's stream. */
  readonly #islands: [number, number][] = []

  constructor(
    state: StateName,
    readonly isActive: boolean,
    readonly limits: Limits,
    now: number
  ) {
    this.state = state
    this.since = now
    this.lastOutAt = now
  }

  get isSynchronized(): boolean {
    return !['CLOSED', 'LISTEN', 'SYN-SENT', 'SYN-RECEIVED'].includes(this.state)
  }

  get #mayReceive(): boolean {
    return this.state === 'ESTABLISHED' || this.state === 'FIN-WAIT-1' || this.state === 'FIN-WAIT-2'
  }

  /** Bytes of the peer's stream that are in order. */
  get received(): number {
    const fin = this.#finIn !== undefined && distance(this.rcvNxt, this.#finIn) > 0 ? 1 : 0
    return Math.max(0, distance(this.rcvNxt, this.irs) - 1 - fin)
  }

  get #scaling(): boolean {
    return this.#ourScale >= 0 && this.#peerScale >= 0
  }

  get #rcvShift(): number {
    return this.#scaling ? this.#ourScale : 0
  }

  get finIsAcked(): boolean {
    return this.finOut !== undefined && distance(this.una, this.finOut) > 0
  }

  moveTo(state: StateName, now: number): void {
    if (state === this.state) return
    this.state = state
    this.since = now
  }

  // --- SEGMENT ARRIVES, §3.10.7 ---

  arrives(s: Seen, now: number): void {
    this.rcvNxtBefore = this.rcvNxt
    switch (this.state) {
      case 'SYN-SENT':
        return this.#arrivesInSynSent(s, now)
      case 'TIME-WAIT':
        return this.#arrivesInTimeWait(s, now)
      default:
        this.#arrivesElsewhere(this.#withoutKnownSyn(s, now), now)
    }
  }

  #arrivesInSynSent(s: Seen, now: number): void {
    const good = distance(s.ack, this.iss) > 0 && distance(s.ack, this.nxt) <= 0
    if (s.hasAck && !good) {
      this.mayReset = !s.rst
      return
    }
    if (s.rst) {
      if (s.hasAck) this.moveTo('CLOSED', now)
      return
    }
    if (!s.syn) return
    this.takeSyn(s, now)
    if (!s.hasAck) return this.moveTo('SYN-RECEIVED', now)
    this.una = s.ack
    this.#wl2 = s.ack
    this.moveTo('ESTABLISHED', now)
    this.#owe(now)
    this.#takeText({ ...s, syn: false, seq: plus(s.seq, 1) }, now)
  }

  /** The peer's SYN begins its half of the variables. */
  takeSyn(s: Seen, now: number): void {
    this.irs = s.seq
    this.rcvNxt = plus(s.seq, 1)
    this.rcvAdv = plus(this.rcvNxt, this.#firstWindow)
    this.#peerScale = s.windowScale < 0 ? -1 : Math.min(14, s.windowScale)
    if (s.mss > 0) this.#peerMss = s.mss
    this.#timestampsOn = this.#weOfferedTimestamps && s.timestamp !== undefined
    if (s.timestamp !== undefined) this.#tsRecent = s.timestamp
    this.#tsRecentAt = now
    this.sndWnd = s.window
    this.maxSndWnd = s.window
    this.sndEdge = plus(this.hasSent ? this.nxt : 0, s.window)
    this.#wl1 = s.seq
    this.#wl2 = this.iss
    this.lastAckOut = this.rcvNxt
  }

  #arrivesElsewhere(s: Seen, now: number): void {
    if (s.rst) return this.#resetArrives(s, now)
    if (this.#isOld(s, now) || !this.isAcceptable(s)) {
      const badAckInHandshake = this.state === 'SYN-RECEIVED' && s.hasAck && !this.#isNewAck(s.ack)
      if (badAckInHandshake) {
        this.mayReset = true
        return
      }
      return this.#challenge(now)
    }
    if (s.syn) return this.#challenge(now)
    if (!s.hasAck) return
    if (this.state === 'SYN-RECEIVED') {
      if (!this.#isNewAck(s.ack)) {
        this.mayReset = true
        return
      }
      if (this.isHeldBack) return
      this.moveTo('ESTABLISHED', now)
    } else if (distance(s.ack, this.nxt) > 0 || distance(s.ack, plus(this.una, -this.maxSndWnd)) < 0) {
      return this.#challenge(now)
    }
    // RFC 7323 §5.3 R3, for what RFC 5961 §5.2 does not discard: nothing is left of that.
    if (this.#timestampsOn && s.timestamp !== undefined && distance(s.seq, this.lastAckOut) <= 0) {
      this.#tsRecent = s.timestamp
      this.#tsRecentAt = now
    }
    if (!this.#takeAck(s, now)) return
    this.#takeText(s, now)
  }

  /** A simultaneous open, line 6 of figure 7 (§3.5): of the peer's SYN-ACK only the ACK is news. */
  #withoutKnownSyn(s: Seen, now: number): Seen {
    const isOfBoth = s.syn && s.hasAck && !s.rst && s.seq === this.irs && s.ack === this.nxt
    if (!this.isActive || this.una !== this.iss || !isOfBoth) return s
    this.#owe(now)
    return { ...s, syn: false, seq: plus(s.seq, 1) }
  }

  #isNewAck(ack: number): boolean {
    return distance(ack, this.una) > 0 && distance(ack, this.nxt) <= 0
  }

  /** RFC 7323 §5.3 R1. */
  #isOld(s: Seen, now: number): boolean {
    if (!this.#timestampsOn || s.timestamp === undefined) return false
    return distance(s.timestamp, this.#tsRecent) < 0 && now - this.#tsRecentAt < 24 * DAY_MS
  }

  /** §3.4, table 5. */
  isAcceptable(s: Seen): boolean {
    const length = lengthOf(s)
    const window = distance(this.rcvAdv, this.rcvNxt)
    const isInside = (seq: number): boolean =>
      distance(seq, this.rcvNxt) >= 0 && distance(seq, plus(this.rcvNxt, window)) < 0
    if (s.seq === this.rcvNxt) return true // its ACK and RST count, whatever becomes of its text (§3.10.7.4)
    if (length === 0) return isInside(s.seq) || (s.seq === this.rcvAdv && (this.isSynchronized || this.isActive))
    return isInside(s.seq) || isInside(plus(s.seq, length - 1))
  }

  /** Whether a RST ends the connection: RFC 5961 §3.2, the one number. */
  #resetArrives(s: Seen, now: number): void {
    if (s.seq === this.rcvNxt) return this.moveTo(this.#whereFailureLeads(), now)
    const window = distance(this.rcvAdv, this.rcvNxt)
    const offset = distance(s.seq, this.rcvNxt)
    if (offset > 0 && offset < window) this.#challenge(now)
  }

  #whereFailureLeads(): StateName {
    return this.state === 'SYN-RECEIVED' && !this.isActive ? 'LISTEN' : 'CLOSED'
  }

  /** Answers false where the connection is no more. */
  #takeAck(s: Seen, now: number): boolean {
    if (distance(s.ack, this.una) >= 0) {
      // The last is no rule of §3.10.7.4, but without it an ACK on text that is sent again would open the window.
      const isNewer =
        distance(this.#wl1, s.seq) < 0 ||
        (this.#wl1 === s.seq && distance(this.#wl2, s.ack) <= 0) ||
        this.#isNewAck(s.ack)
      const wnd = s.window << (this.#scaling ? this.#peerScale : 0)
      if (isNewer) {
        if (wnd !== this.sndWnd) this.progressAt = now
        this.sndWnd = wnd
        this.#wl1 = s.seq
        this.#wl2 = s.ack
        this.maxSndWnd = Math.max(this.maxSndWnd, wnd)
      }
      const edge = plus(s.ack, wnd)
      if (isNewer && distance(edge, this.sndEdge) > 0) this.sndEdge = edge
    }
    if (this.#isNewAck(s.ack)) {
      this.una = s.ack
      this.repeats = 0
      this.progressAt = now
    }
    if (!this.finIsAcked) return true
    if (this.state === 'FIN-WAIT-1') this.moveTo('FIN-WAIT-2', now)
    else if (this.state === 'CLOSING') this.moveTo('TIME-WAIT', now)
    else if (this.state === 'LAST-ACK') this.moveTo('CLOSED', now)
    return this.state !== 'TIME-WAIT' && this.state !== 'CLOSED'
  }

  #takeText(s: Seen, now: number): void {
    if (!this.#mayReceive) return
    const end = plus(s.seq, s.text)
    const limit = this.rcvAdv
    const stop = distance(end, limit) > 0 ? limit : end
    const start = distance(s.seq, this.rcvNxt) > 0 ? s.seq : this.rcvNxt
    if (s.text > 0) {
      if (this.#finIn !== undefined && distance(end, this.#finIn) > 0) this.exact = false
      const length = distance(stop, start)
      if (length > 0) {
        if (this.readerGone) {
          this.mayReset = true // §3.6.1
          return this.moveTo('CLOSED', now)
        }
        this.#keep(distance(start, this.irs), distance(stop, this.irs))
      }
      this.#owe(now)
    }
    const fin = end
    if (s.fin && this.#finIn !== undefined && this.#finIn !== fin) this.exact = false
    if (s.fin && stop === end && distance(fin, this.rcvNxt) >= 0 && distance(fin, this.rcvAdv) <= 0) {
      if (this.#islands.some(island => island[1] > distance(fin, this.irs))) this.exact = false
      this.#finIn ??= fin
      this.#owe(now)
    }
    if (this.#finIn === this.rcvNxt) this.#takeFin(now)
  }

  /** Eighth step: the peer's FIN is next. */
  #takeFin(now: number): void {
    this.rcvNxt = plus(this.rcvNxt, 1)
    if (distance(this.rcvNxt, this.rcvAdv) > 0) this.rcvAdv = this.rcvNxt
    this.#owe(now)
    if (this.state === 'ESTABLISHED') this.moveTo('CLOSE-WAIT', now)
    else if (this.state === 'FIN-WAIT-1') this.moveTo('CLOSING', now)
    else if (this.state === 'FIN-WAIT-2') this.moveTo('TIME-WAIT', now)
  }

  /** Offsets from IRS. RCV.NXT moves past what is whole. */
  #keep(from: number, to: number): void {
    this.#islands.push([from, to])
    this.#islands.sort((a, b) => a[0] - b[0])
    let next = distance(this.rcvNxt, this.irs)
    while (this.#islands.length > 0 && this.#islands[0][0] <= next) next = Math.max(next, this.#islands.shift()![1])
    this.rcvNxt = plus(this.irs, next)
  }

  #arrivesInTimeWait(s: Seen, now: number): void {
    if (!s.rst && s.fin && plus(s.seq, s.text + 1) === this.rcvNxt) this.since = now
  }

  /** RFC 6191 §2, RFC 9293 §3.6.1: whether this SYN may begin a new connection in the place of one in TIME-WAIT. */
  mayBeFollowedBy(s: Seen): boolean {
    if (!s.syn || s.hasAck || s.rst) return false
    const isLater = this.#timestampsOn && s.timestamp !== undefined && distance(s.timestamp, this.#tsRecent) > 0
    return isLater || distance(s.seq, this.rcvNxt) >= 0
  }

  /** An ACK is the answer; how often is limited, so only the first for a while has to leave (RFC 5961 §7). */
  #challenge(now: number): void {
    if (now - this.challengedAt > 2000) this.#owe(now - 500)
    this.challengedAt = now
  }

  /** §3.8.6.3: within half a second. */
  #owe(now: number): void {
    this.ackDueSince = Math.min(this.ackDueSince, now)
  }

  /** RFC 5927 §4.1: it counts only if it quotes what is in flight, and ends nothing that is open (§5.2). */
  icmpArrives(quotedSeq: number): void {
    const offset = distance(quotedSeq, this.una)
    this.mayFail =
      offset >= 0 && offset < distance(this.nxt, this.una) && (!this.isSynchronized || this.una === this.iss)
  }

  // --- What the user does, §3.10.3 to §3.10.5 ---

  shutdown(now: number): void {
    this.closing = true
    switch (this.state) {
      case 'SYN-SENT':
        return this.moveTo('CLOSED', now)
      case 'SYN-RECEIVED':
      case 'ESTABLISHED':
        return this.moveTo('FIN-WAIT-1', now)
      case 'CLOSE-WAIT':
        this.moveTo('LAST-ACK', now)
    }
  }

  close(now: number): void {
    if (this.readerGone) return
    this.readerGone = true
    this.closing = true
    if (this.isSynchronized && this.state !== 'TIME-WAIT' && this.received > this.read) return this.abort(now)
    if (this.state === 'FIN-WAIT-2') this.since = now
    this.shutdown(now)
  }

  abort(now: number): void {
    if (this.state === 'TIME-WAIT') return
    this.mayReset = true
    this.moveTo('CLOSED', now)
  }

  // --- What is sent ---

  leaves(s: Seen, now: number): void {
    if (!this.exact) return this.#leavesAnyhow(s)
    if (s.rst) return this.#resetLeaves()
    if (s.syn) return this.#synLeaves(s, now)
    if (!s.hasAck) throw new Fault('a segment without ACK leaves')
    // Before text for nobody leads to a RST, its ACK field may let something go (fifth step, seventh step).
    const isLast = this.mayReset && s.ack === this.rcvNxtBefore
    if (!isLast && ['CLOSED', 'LISTEN', 'SYN-SENT'].includes(this.state))
      throw new Fault(`a segment leaves in ${this.state}`)
    this.#checkAckOut(s)
    this.#checkTextOut(s, isLast)
    this.lastAckOut = s.ack
    if (s.ack === this.rcvNxt) this.ackDueSince = Number.POSITIVE_INFINITY
    this.lastOutAt = now
  }

  /** Where the peer has contradicted itself: what holds all the same. */
  #leavesAnyhow(s: Seen): void {
    const end = plus(s.seq, s.text)
    if (s.text > 0 && distance(end, plus(this.iss, 1 + this.written)) > 0)
      throw new Fault('text leaves that nobody wrote')
    if (distance(end, this.nxt) > 0) this.nxt = end
  }

  #resetLeaves(): void {
    const hasGivenUp = this.keepAlive && this.repeats >= this.limits.keepAliveProbes // §3.8.4: before it goes
    if (!this.mayReset && !hasGivenUp) throw new Fault(`a RST leaves in ${this.state} for no reason`)
  }

  #synLeaves(s: Seen, now: number): void {
    if (!this.hasSent) {
      this.hasSent = true
      this.iss = s.seq
      this.una = s.seq
      this.nxt = plus(s.seq, 1)
      this.#wl2 = this.iss
      this.sndEdge = plus(this.nxt, this.sndWnd)
      this.#weOfferedTimestamps = s.timestamp !== undefined
      this.#timestampsOn = s.hasAck && s.timestamp !== undefined
      this.#ourScale = s.windowScale
    }
    this.#firstWindow = Math.max(this.#firstWindow, s.window)
    if (s.hasAck && distance(plus(s.ack, s.window), this.rcvAdv) > 0) this.rcvAdv = plus(s.ack, s.window)
    if (this.una !== this.iss) throw new Fault('a SYN leaves after it was acknowledged')
    if (s.seq !== this.iss) throw new Fault('a SYN with another number')
    if (s.hasAck !== (this.state !== 'SYN-SENT')) throw new Fault(`the wrong SYN for ${this.state}`)
    if (s.hasAck && s.ack !== this.rcvNxt) throw new Fault('a SYN-ACK of something else')
    if (s.windowScale > 14) throw new Fault('a window scale above 14')
    this.synsOut++
    this.ackDueSince = Number.POSITIVE_INFINITY
    this.lastOutAt = now
  }

  #checkAckOut(s: Seen): void {
    if (s.ack !== this.rcvNxt && s.ack !== this.rcvNxtBefore) {
      throw new Fault(`ACK of ${distance(s.ack, this.irs)}, where ${distance(this.rcvNxt, this.irs)} is next`)
    }
    if (distance(s.ack, this.lastAckOut) < 0) throw new Fault('an ACK moves back')
    if (distance(s.ack, this.rcvAdv) > 1) throw new Fault('an ACK of what no window had room for')
    const step = 1 << this.#rcvShift
    const edge = plus(s.ack, s.window * step)
    // Rounding to the scale may seem to take back less than one step (RFC 7323 §2.4).
    if (distance(this.rcvAdv, edge) >= step) {
      throw new Fault(`the window shrinks by ${distance(this.rcvAdv, edge)}`)
    }
    if (distance(edge, this.rcvAdv) > 0) this.rcvAdv = edge
  }

  #checkTextOut(s: Seen, isLast: boolean): void {
    const end = plus(s.seq, s.text)
    const streamEnd = plus(this.iss, 1 + this.written)
    if (s.text > 0 && distance(end, streamEnd) > 0) throw new Fault('text leaves that nobody wrote')
    if (distance(s.seq, plus(this.una, -1)) < 0) throw new Fault('a segment below what is acknowledged')
    if (s.text > 0) {
      if (distance(s.seq, this.una) < 0) throw new Fault('acknowledged text leaves again')
      if (distance(end, this.sndEdge) > 1)
        throw new Fault(`text ${distance(end, this.sndEdge)} beyond the peer's window`)
      if (s.text > this.#peerMss && s.text > 48) throw new Fault(`a segment of ${s.text} bytes, MSS ${this.#peerMss}`)
      if (!isLast && (!this.isSynchronized || this.state === 'FIN-WAIT-2' || this.state === 'TIME-WAIT'))
        throw new Fault(`text leaves in ${this.state}`)
    }
    if (s.fin) {
      if (!this.closing) throw new Fault('a FIN leaves that nobody asked for')
      if (end !== streamEnd) throw new Fault('a FIN before the last byte')
      this.finOut = end
    }
    const last = plus(end, s.fin ? 1 : 0)
    const isRepeat = lengthOf(s) > 0 ? distance(last, this.nxt) <= 0 : s.seq === plus(this.una, -1)
    if (isRepeat) this.repeats++
    if (lengthOf(s) === 0 && !isRepeat && s.seq !== this.nxt) throw new Fault('an ACK with another number than SND.NXT')
    if (distance(last, this.nxt) > 0) {
      if (distance(s.seq, this.nxt) > 0) throw new Fault('a gap in what is sent')
      this.nxt = last
    }
  }

  // --- What happens by itself: TIMEOUTS, §3.10.8 ---

  /** Whether the connection may go from where it is to `to` with nothing but time passing. */
  timesOut(to: StateName, now: number): void {
    const { limits } = this
    const isOver = to === this.#whereFailureLeads()
    const waited = now - this.since
    let reason: boolean
    if (this.mayFail) reason = isOver || to === 'CLOSED'
    else if (!isOver) reason = false
    else if (this.state === 'TIME-WAIT') reason = waited >= limits.timeWaitMs
    else if (!this.isSynchronized || this.una === this.iss) reason = this.synsOut > limits.synRetries
    else if (this.state === 'FIN-WAIT-2' && this.readerGone && waited >= limits.finWait2Ms) reason = true
    else reason = this.repeats >= (this.keepAlive ? Math.min(limits.keepAliveProbes, limits.retries) : limits.retries)
    if (!reason) throw new Fault(`${this.state} goes to ${to} by itself after ${waited} ms, ${this.repeats} repeats`)
    this.mayReset = true // a peer that lives after all should know (§3.8.4)
    this.moveTo(to, now)
  }

  /** What should have happened by now; `from` is when time last ran as it should. */
  checkOverdue(name: string, now: number, from: number): void {
    const { limits } = this
    const since = (at: number): number => now - Math.max(at, from)
    if (this.state === 'CLOSED' || this.state === 'LISTEN') return
    if (!this.isSynchronized && since(this.since) > (limits.synRetries + 1) * limits.maxRtoMs + 2)
      throw new Fault(`${name}: ${this.state} does not end`)
    if (since(this.ackDueSince) > 502 && this.isSynchronized && this.state !== 'TIME-WAIT')
      throw new Fault(`${name}: an ACK is owed for ${since(this.ackDueSince)} ms`)
    if (this.state === 'TIME-WAIT' && since(this.since) > limits.timeWaitMs + 2)
      throw new Fault(`${name}: TIME-WAIT does not end`)
    if (this.state === 'FIN-WAIT-2' && this.readerGone && since(this.since) > limits.finWait2Ms + 2)
      throw new Fault(`${name}: FIN-WAIT-2 does not end, though nobody reads`)
    const hasFlight = this.nxt !== this.una
    const hasMore =
      this.isSynchronized &&
      (distance(plus(this.iss, 1 + this.written), this.nxt) > 0 || (this.closing && this.finOut === undefined))
    const waits = this.state !== 'TIME-WAIT' && this.state !== 'FIN-WAIT-2' && (hasFlight || hasMore)
    this.workSince = waits ? Math.min(this.workSince, now) : Number.POSITIVE_INFINITY
    const silence = since(Math.max(this.lastOutAt, this.progressAt, this.workSince))
    if (waits && silence > limits.maxRtoMs + 2)
      throw new Fault(`${name}: silent for ${silence} ms with something to send`)
  }
}
