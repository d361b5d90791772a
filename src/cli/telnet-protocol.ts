// The telnet protocol (RFC 854) as far as somebody needs it who wants nothing of it: commands are taken out of the text,
// and every option that the other end offers or asks for is refused. And lines, as telnet and others end them.

const IAC = 255
const DONT = 254
const DO = 253
const WONT = 252
const WILL = 251
const SB = 250
const SE = 240

const TEXT = 0
/** Behind IAC. */
const COMMAND = 1
/** Behind IAC WILL, WONT, DO or DONT. */
const OPTION = 2
/** Between IAC SB and IAC SE. */
const SUBNEGOTIATION = 3
/** Behind an IAC in there. */
const SUBNEGOTIATION_COMMAND = 4

export class TelnetFilter {
  #at = TEXT
  #verb = 0
  readonly #reply: (bytes: Uint8Array) => void

  /** `reply` is given the refusals to send. */
  constructor(reply: (bytes: Uint8Array) => void) {
    this.#reply = reply
  }

  /** The text among the bytes, which may begin and end anywhere. Overwrites them. */
  filter(bytes: Uint8Array): Uint8Array {
    // Nearly always there is nothing to take out.
    if (this.#at === TEXT && !bytes.includes(IAC)) return bytes
    let length = 0
    for (const byte of bytes) if (this.#isText(byte)) bytes[length++] = byte
    return bytes.subarray(0, length)
  }

  #isText(byte: number): boolean {
    switch (this.#at) {
      case COMMAND:
        this.#at = TEXT
        if (byte === IAC) return true // the byte 255 itself
        if (byte === SB) this.#at = SUBNEGOTIATION
        else if (byte >= WILL) {
          this.#verb = byte
          this.#at = OPTION
        }
        return false
      case OPTION:
        this.#at = TEXT
        // What is not in force needs no answer when it is said that it is not: no two ends refuse in turns for ever.
        if (this.#verb === DO) this.#reply(Uint8Array.of(IAC, WONT, byte))
        else if (this.#verb === WILL) this.#reply(Uint8Array.of(IAC, DONT, byte))
        return false
      case SUBNEGOTIATION:
        if (byte === IAC) this.#at = SUBNEGOTIATION_COMMAND
        return false
      case SUBNEGOTIATION_COMMAND:
        this.#at = byte === SE ? TEXT : SUBNEGOTIATION
        return false
      default:
        if (byte !== IAC) return true
        this.#at = COMMAND
        return false
    }
  }
}

const LF = 10
const CR = 13
const NUL = 0

/** Lines ended by LF, CR LF or (telnet's Enter in character mode) CR NUL. One longer than `most` bytes comes in pieces. */
export class LineReader {
  readonly #line: Buffer
  #length = 0
  #sawCr = false

  constructor(most: number) {
    this.#line = Buffer.allocUnsafe(most)
  }

  /** Takes bytes that may begin and end anywhere; hands each line that is complete, without its end, to `take`. */
  push(bytes: Uint8Array, take: (line: Buffer) => void): void {
    for (const byte of bytes) {
      const behindCr = this.#sawCr
      this.#sawCr = byte === CR
      if (byte === LF || (behindCr && byte === NUL)) {
        this.#complete(take)
        continue
      }
      if (behindCr) this.#append(CR, take) // one that ended nothing
      if (byte !== CR) this.#append(byte, take)
    }
  }

  /** At the end of the text: what is there of a line that nobody ended. */
  end(take: (line: Buffer) => void): void {
    if (this.#length > 0) this.#complete(take)
  }

  #append(byte: number, take: (line: Buffer) => void): void {
    if (this.#length === this.#line.length) this.#complete(take)
    this.#line[this.#length++] = byte
  }

  #complete(take: (line: Buffer) => void): void {
    const line = Buffer.from(this.#line.subarray(0, this.#length))
    this.#length = 0
    take(line)
  }
}
