// One connection as the script sees it, and how its numbers map to those on the wire. In SYN packets a script's numbers are
// absolute; the first SYN of each side names its ISN, and everywhere else SEQ, ACK and SACK edges count from there. Until
// a side's ISN is known, its numbers are taken literally. The peer's live numbers are the script's own: only the stack
// chooses anything by itself, its ISN and the offset of its timestamps.

import type { Captured, CapturedTcp } from './captured.ts'

const unsigned = (n: number): number => n >>> 0

export class Flow {
  /** Packets of this connection that the script has not come to. */
  queue: Captured[] = []
  /** As the stack's trace has it last; CLOSED before anything happened. */
  state = 'CLOSED'
  /** Both as the script has them; undefined until its SYN has been seen. */
  peerIsn: number | undefined
  ourScriptIsn: number | undefined
  #ourLiveIsn = 0
  /** The first TSval that the script expected, and what it was. */
  #anchor: { readonly script: number; readonly live: number } | undefined
  /** Live values of TSvals that the script expected, the latest of each. */
  readonly #timestamps = new Map<number, number>()
  /** What the peer has sent and seen, as the script counts: for reports. */
  peerNext = 0
  peerAcked = 0
  peerWindow = 0

  constructor(
    readonly localAddress: number,
    readonly localPort: number,
    readonly remoteAddress: number,
    readonly remotePort: number
  ) {}

  /** The same four-tuple carries a new connection. */
  beginAnew(): void {
    this.peerIsn = undefined
    this.ourScriptIsn = undefined
    this.#anchor = undefined
    this.#timestamps.clear()
    this.peerNext = 0
    this.peerAcked = 0
  }

  /** The first SYN of ours that the script expects: `script` is what it calls the ISN. */
  nameOurIsn(script: number, live: number): void {
    this.ourScriptIsn = script
    this.#ourLiveIsn = live
  }

  /** The peer has sent a packet that ends at `end`. */
  peerSent(end: number, ack: number | undefined, window: number): void {
    this.peerNext = Math.max(this.peerNext, end)
    if (ack !== undefined) this.peerAcked = ack
    this.peerWindow = window
  }

  // --- From the script to the wire ---

  /** A sequence number of the peer's, or an acknowledgement of one. */
  peerToWire(n: number, isSyn: boolean): number {
    return unsigned(isSyn ? n : n + (this.peerIsn ?? 0))
  }

  oursToWire(n: number, isSyn: boolean): number {
    if (this.ourScriptIsn === undefined) return unsigned(n)
    return unsigned(n + this.#ourLiveIsn - (isSyn ? this.ourScriptIsn : 0))
  }

  // --- And back, for reports ---

  peerToScript(wire: number, isSyn: boolean): number {
    return unsigned(isSyn ? wire : wire - (this.peerIsn ?? 0))
  }

  oursToScript(wire: number, isSyn: boolean): number {
    if (this.ourScriptIsn === undefined) return unsigned(wire)
    return unsigned(wire - this.#ourLiveIsn + (isSyn ? this.ourScriptIsn : 0))
  }

  // --- Timestamps ---

  /** A TSval that the script expects, and what came. */
  noteTimestamp(script: number, live: number): void {
    this.#anchor ??= { script, live }
    this.#timestamps.set(script, live)
  }

  /** What a TSval of the script should be on the wire, undefined before the first. */
  timestampOnWire(script: number): number | undefined {
    return this.#anchor === undefined ? undefined : unsigned(script - this.#anchor.script + this.#anchor.live)
  }

  timestampInScript(live: number): number {
    return this.#anchor === undefined ? live : unsigned(live - this.#anchor.live + this.#anchor.script)
  }

  /** The live value behind a TSecr of the script's, undefined where it never expected one. */
  echoOnWire(script: number): number | undefined {
    return this.#timestamps.get(script)
  }

  carries(packet: Captured, tcp: CapturedTcp): boolean {
    return (
      tcp.sourcePort === this.localPort &&
      tcp.destinationPort === this.remotePort &&
      packet.source === this.localAddress &&
      packet.destination === this.remoteAddress
    )
  }
}
