// Super-segments: as many full segments of new text as may go at once leave as one packet, for the link to cut.

import t from 'tap'
import { pairLinks } from '../../src/link/pair.ts'
import { VirtualClock } from '../../src/sim/clock.ts'
import type { Connection } from '../../src/stack/connection.ts'
import { Stack } from '../../src/stack/stack.ts'
import type { SocketOptions } from '../../src/tcp/options.ts'
import { ACK, FIN, PSH, type Segment } from '../../src/wire/segment.ts'

interface Sent {
  readonly seq: number
  readonly length: number
  readonly flags: number
  readonly segmentText: number
}

interface Run {
  /** Text that left, its first byte at 1. */
  readonly sent: readonly Sent[]
  readonly received: Buffer
  readonly segmentsOut: number
}

const MSS = 1448 // 1460 less timestamps

const text = Buffer.alloc(300_000, 'between the lines ')

/** The client writes all of `text`, and what `also` does, as soon as it is connected. */
function run(
  superSegments: boolean,
  options: SocketOptions = {},
  send = (c: Connection): void => void c.write(text)
): Run {
  const clock = new VirtualClock({ seed: 1 })
  const [left, right] = pairLinks({ host: clock, superSegments, impairments: { delayMs: 5 } })
  const sent: Sent[] = []
  let first: number | undefined
  const segment = (direction: string, { seq, payloadLength, flags, segmentText }: Segment): void => {
    if (direction !== 'out' || (payloadLength === 0 && (flags & FIN) === 0)) return
    first ??= seq - 1
    sent.push({ seq: (seq - first) | 0, length: payloadLength, flags, segmentText })
  }
  const client = new Stack({ link: left, host: clock, tracer: { segment }, ...options })
  const server = new Stack({ link: right, host: clock })
  const pieces: Uint8Array[] = []
  server.listen({ port: 80 }, c => {
    c.handlers = {
      readable() {
        for (let bytes = c.read(); bytes !== undefined; bytes = c.read()) pieces.push(bytes)
      },
      ended: () => c.close()
    }
  })
  client.connect(
    { address: '10.0.0.2', port: 80 },
    {
      connected(c) {
        send(c)
        c.shutdown()
      }
    }
  )
  clock.runUntilIdle(60_000)
  return { sent, received: Buffer.concat(pieces), segmentsOut: client.statistics().tcp.OutSegs }
}

t.test(
  'text leaves in packets of full segments, as far as the window of congestion reaches; the rest alone',
  async t => {
    const { sent, received } = run(true)
    t.ok(received.equals(text))
    t.same(sent[0], { seq: 1, length: 10 * MSS, flags: ACK, segmentText: MSS }, 'an initial window at once')
    for (const { length, segmentText } of sent) {
      if (length > MSS) t.ok(segmentText === MSS && length % MSS === 0 && length <= 65_535 - 80)
      else t.equal(segmentText, 0)
    }
    t.equal(sent.at(-1)?.flags, ACK | PSH | FIN)
    t.ok(sent.length < 30, `${sent.length} packets`)
  }
)

t.test('they are counted as the segments that they become', async t => {
  const [whole, cut] = [run(true), run(false)]
  t.ok(cut.received.equals(whole.received))
  t.ok(cut.sent.every(({ segmentText }) => segmentText === 0))
  const inSegments = (sent: readonly Sent[]): number =>
    sent.reduce((sum, { length }) => sum + Math.ceil(length / MSS), 0)
  t.equal(inSegments(whole.sent), inSegments(cut.sent))
  // The ACKs of ours are the same few.
  t.ok(Math.abs(whole.segmentsOut - cut.segmentsOut) <= 2, `${whole.segmentsOut}, ${cut.segmentsOut}`)
})

t.test('a pacing rate bounds what leaves at once', async t => {
  const { sent, received } = run(true, { pacing: 'on', maxPacingRate: 4_000_000 })
  t.ok(received.equals(text))
  t.ok(
    sent.every(({ length }) => length <= 4 * MSS),
    `${Math.max(...sent.map(({ length }) => length))}`
  )
})

t.test('while there is urgent text, segments go one by one: the urgent pointer counts from each', async t => {
  const { sent } = run(true, {}, c => {
    c.write(text.subarray(0, 50_000), { urgent: true })
  })
  t.ok(sent.every(({ length }) => length <= MSS))
})
