// Lines typed at a terminal in raw mode: the terminal's own line mode would hand over Ctrl-] only together with the next
// Enter, if at all. Knows what one needs to correct a line, no more. Node puts the terminal back as it was should the
// process end without `close`.

import { emitKeypressEvents, type Key } from 'node:readline'
import type { ReadStream, WriteStream } from 'node:tty'

const CTRL_RIGHT_BRACKET = '\x1d'
const ERASE = '\b \b'

export interface LineEvents {
  /** Without its end. */
  line(text: string): void
  /** Ctrl-], or Ctrl-D at the beginning of a line: no line follows. */
  end(): void
  /** Ctrl-C. */
  interrupt(): void
}

export class LineEditor {
  readonly #input: ReadStream
  readonly #echo: WriteStream
  readonly #events: LineEvents
  /** By characters as a user counts them, so that one is erased as a whole. */
  #line: string[] = []
  #ended = false

  constructor(input: ReadStream, echo: WriteStream, events: LineEvents) {
    this.#input = input
    this.#echo = echo
    this.#events = events
    emitKeypressEvents(input)
    input.setRawMode(true)
    input.on('keypress', this.#pressed)
    input.resume()
  }

  /** Keys pressed from now on wait for `resume`. */
  pause(): void {
    this.#input.pause()
  }

  resume(): void {
    this.#input.resume()
  }

  close(): void {
    this.#input.off('keypress', this.#pressed)
    this.#input.setRawMode(false)
    this.#input.pause()
  }

  readonly #pressed = (text: string | undefined, key: Key): void => {
    if (key.ctrl && key.name === 'c') this.#events.interrupt()
    else if (this.#ended) return
    else if (key.sequence === CTRL_RIGHT_BRACKET) this.#end()
    else if (key.ctrl && key.name === 'd') {
      if (this.#line.length === 0) this.#end()
    } else if (key.name === 'return' || key.name === 'enter') this.#enter()
    else if (key.name === 'backspace') this.#erase(1)
    else if (key.ctrl && key.name === 'u') this.#erase(this.#line.length)
    else if (text !== undefined && isPrintable(text) && !key.meta) {
      this.#line.push(text)
      this.#echo.write(text)
    }
  }

  #enter(): void {
    const line = this.#line.join('')
    this.#line = []
    this.#echo.write('\r\n')
    this.#events.line(line)
  }

  #erase(characters: number): void {
    const erased = Math.min(characters, this.#line.length)
    this.#line.length -= erased
    this.#echo.write(ERASE.repeat(erased))
  }

  #end(): void {
    this.#ended = true
    this.#events.end()
  }
}

/** A tab is; escape sequences and other control characters are not. */
const isPrintable = (text: string): boolean => text === '\t' || !/\p{Cc}/u.test(text)
