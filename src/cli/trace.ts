// What --trace prints: a line for each segment at the stack's doors, and between them a line for each change of state.
//
//    0.000000  <--  127.0.0.1.40000 > 127.0.0.1.2333: Flags [S], seq 1000, win 65495, options [mss 65495], length 0
//    0.000105   *   127.0.0.1.2333 > 127.0.0.1.40000: LISTEN -> SYN-RECEIVED (SYN)
//    0.000131  -->  127.0.0.1.2333 > 127.0.0.1.40000: Flags [S.], seq 2000, ack 1001, win 65535, length 0

import type { WriteStream } from 'node:tty'
import { styleText } from 'node:util'
import { formatSegment, type Segment, STATE_NAMES, type Tracer } from '../index.ts'
import { formatAddress } from '../wire/address.ts'
import { RST } from '../wire/segment.ts'

type Style = 'green' | 'cyan' | 'red' | 'yellow'

/** A tracer that writes lines to the stream; in colours where that is a terminal. */
export function tracerTo(stream: NodeJS.WritableStream): Required<Tracer> {
  const paint = painterFor(stream)
  let start = Number.NaN
  const line = (now: number, mark: string, text: string, style: Style): void => {
    if (Number.isNaN(start)) start = now
    const seconds = ((now - start) / 1000).toFixed(6).padStart(11)
    stream.write(`${seconds}  ${paint(style, `${mark}  ${text}`)}\n`)
  }
  return {
    segment(direction, segment, now) {
      line(now, direction === 'in' ? '<--' : '-->', formatSegment(segment), styleOf(direction, segment))
    },
    state(connection, from, to, why, now) {
      const { localAddress, localPort, remoteAddress, remotePort } = connection
      const ends = `${formatAddress(localAddress)}.${localPort} > ${formatAddress(remoteAddress)}.${remotePort}`
      line(now, ' * ', `${ends}: ${STATE_NAMES[from]} -> ${STATE_NAMES[to]} (${why})`, 'yellow')
    }
  }
}

function styleOf(direction: 'in' | 'out', segment: Segment): Style {
  if ((segment.flags & RST) !== 0) return 'red'
  return direction === 'in' ? 'cyan' : 'green'
}

/** Colours only where somebody looks, and not against NO_COLOR. */
export function painterFor(
  stream: NodeJS.WritableStream
): (style: Parameters<typeof styleText>[0], text: string) => string {
  const terminal = stream as Partial<WriteStream>
  const colours = terminal.isTTY === true && terminal.hasColors?.() === true
  return (style, text) => (colours ? styleText(style, text) : text)
}
