// Telnet commands and lines, for every way to cut what arrives.

import t from 'tap'
import { LineReader, TelnetFilter } from '../../src/cli/telnet-protocol.ts'

const cuts = (bytes: readonly number[]): Uint8Array[][] =>
  Array.from({ length: bytes.length + 1 }, (_, at) => [
    Uint8Array.from(bytes.slice(0, at)),
    Uint8Array.from(bytes.slice(at))
  ])

const text = (string: string): number[] => [...Buffer.from(string, 'latin1')]

t.test('TelnetFilter: text, and what is refused (RFC 854)', async t => {
  const rows = [
    { name: 'text only', bytes: text('hello'), left: 'hello', refused: [] },
    { name: 'the byte 255, doubled', bytes: [65, 255, 255, 66], left: 'A\xffB', refused: [] },
    { name: 'DO is refused by WONT', bytes: [65, 255, 253, 1, 66], left: 'AB', refused: [255, 252, 1] },
    { name: 'WILL is refused by DONT', bytes: [255, 251, 3], left: '', refused: [255, 254, 3] },
    { name: 'WONT and DONT need no answer', bytes: [255, 252, 1, 255, 254, 1, 67], left: 'C', refused: [] },
    { name: 'commands without option', bytes: [65, 255, 244, 255, 241, 66], left: 'AB', refused: [] },
    {
      name: 'sub-negotiation, with a doubled 255 in it',
      bytes: [65, 255, 250, 31, 255, 255, 9, 255, 240, 66],
      left: 'AB',
      refused: []
    }
  ]
  for (const { name, bytes, left, refused } of rows) {
    for (const [i, pieces] of cuts(bytes).entries()) {
      const replies: number[] = []
      const filter = new TelnetFilter(reply => replies.push(...reply))
      const kept = pieces.map(piece => Buffer.from(filter.filter(piece)).toString('latin1')).join('')
      t.equal(kept, left, `${name}, cut at ${i}`)
      t.same(replies, refused)
    }
  }
})

t.test('LineReader: lines, and a last one that nobody ended', async t => {
  const rows = [
    { name: 'LF', text: 'a\nb\n', lines: ['a', 'b'] },
    { name: 'CR LF', text: 'a\r\n\r\nb\r\n', lines: ['a', '', 'b'] },
    { name: 'CR NUL', text: 'a\r\0b', lines: ['a', 'b'] },
    { name: 'a CR within a line is text', text: 'a\rb\r\r\n', lines: ['a\rb\r'] },
    { name: 'a NUL within a line is text', text: 'a\0b\n', lines: ['a\0b'] },
    { name: 'longer than the limit', text: '12345678901\nx', lines: ['12345678', '901', 'x'] },
    { name: 'as long as the limit', text: '12345678\r\n', lines: ['12345678'] }
  ]
  for (const { name, text: all, lines } of rows) {
    for (const [i, pieces] of cuts(text(all)).entries()) {
      const reader = new LineReader(8)
      const taken: string[] = []
      const take = (line: Buffer): void => {
        taken.push(line.toString('latin1'))
      }
      for (const piece of pieces) reader.push(piece, take)
      reader.end(take)
      t.same(taken, lines, `${name}, cut at ${i}`)
    }
  }
})
