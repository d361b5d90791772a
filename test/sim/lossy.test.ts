// Two stacks on a bad line: whatever is lost, late, doubled or damaged, each stream comes whole and both ends close.
// RAWTCP_SEEDS says how many seeds run, RAWTCP_SEED picks a single one: the failure's message has the command.

import t from 'tap'
import type { Impairments } from '../../src/link/impairments.ts'
import type { SocketOptions } from '../../src/tcp/options.ts'
import { type TransferOptions, type TransferResult, transfer } from '../support/transfer.ts'

const THIS_FILE = 'test/sim/lossy.test.ts'
const only = process.env.RAWTCP_SEED === undefined ? undefined : Number(process.env.RAWTCP_SEED)
const seedsWanted = process.env.RAWTCP_SEEDS === undefined ? undefined : Number(process.env.RAWTCP_SEEDS)

const BAD_LINE: Partial<Impairments> = {
  loss: 0.05,
  reorder: 0.05,
  duplicate: 0.02,
  corrupt: 0.01,
  delayMs: 10,
  jitterMs: 5
}

interface Scenario {
  readonly name: string
  readonly seeds: number
  readonly impairments?: Partial<Impairments>
  readonly sockets?: SocketOptions
  readonly superSegments?: boolean
  readonly reneging?: number
  readonly shuffleSimultaneous?: boolean
  readonly bytesThere?: number
  readonly bytesBack?: number
  /** Time that a run may take. */
  readonly limitMs?: number
  /** False where a run may well have nothing to repeat. */
  readonly repeats?: boolean
}

const scenarios: readonly Scenario[] = [
  { name: '5% lost, 5% late, 2% doubled, 1% damaged', seeds: 500, impairments: BAD_LINE },
  {
    name: 'the same, simultaneous events in random order',
    seeds: 100,
    impairments: BAD_LINE,
    shuffleSimultaneous: true
  },
  { name: 'a clean line without delay', seeds: 20, repeats: false },
  { name: 'super-segments, lost and damaged whole', seeds: 60, impairments: BAD_LINE, superSegments: true },
  {
    name: 'receivers that now and then forget what they hold behind a hole',
    seeds: 100,
    impairments: BAD_LINE,
    reneging: 0.1
  },
  {
    name: 'super-segments, lost whole, and receivers that often forget what they hold',
    seeds: 40,
    impairments: BAD_LINE,
    superSegments: true,
    reneging: 0.5
  },
  {
    name: 'every third packet lost',
    seeds: 40,
    impairments: { loss: 0.33, delayMs: 5 },
    bytesThere: 20_000,
    bytesBack: 10_000,
    limitMs: 36_000_000
  },
  {
    name: 'a slow line with a queue of four packets',
    seeds: 40,
    impairments: { rateBitsPerSecond: 2_000_000, queuePackets: 4, delayMs: 20 }
  },
  {
    name: 'a line of a second’s delay with loss',
    seeds: 30,
    impairments: { delayMs: 1000, jitterMs: 400, loss: 0.02 }
  },
  {
    name: 'half of all packets overtaken by up to 50 ms',
    seeds: 40,
    impairments: { reorder: 0.5, reorderDelayMs: 50, delayMs: 5 }
  },
  { name: 'every packet doubled', seeds: 20, impairments: { duplicate: 1, delayMs: 5, jitterMs: 5 }, repeats: false },
  { name: 'a bad line, no SACK', seeds: 40, impairments: BAD_LINE, sockets: { selectiveAcks: false } },
  { name: 'a bad line, no timestamps', seeds: 40, impairments: BAD_LINE, sockets: { timestamps: false } },
  { name: 'a bad line, no window scaling', seeds: 40, impairments: BAD_LINE, sockets: { windowScaling: false } },
  {
    name: 'a bad line, no options at all',
    seeds: 40,
    impairments: BAD_LINE,
    sockets: { selectiveAcks: false, timestamps: false, windowScaling: false }
  },
  {
    name: 'a bad line, a receive buffer of 2048 bytes',
    seeds: 40,
    impairments: BAD_LINE,
    sockets: { receiveBuffer: 2048 }
  },
  { name: 'a bad line, a send buffer of 2048 bytes', seeds: 40, impairments: BAD_LINE, sockets: { sendBuffer: 2048 } },
  {
    name: 'a bad line, segments of 64 bytes',
    seeds: 20,
    impairments: BAD_LINE,
    sockets: { maximumSegmentSize: 64 },
    bytesThere: 8000,
    bytesBack: 4000
  },
  {
    name: 'a bad line, no Nagle, no delayed ACK',
    seeds: 40,
    impairments: BAD_LINE,
    sockets: { noDelay: true, delayedAckMs: 0 }
  }
]

for (const scenario of scenarios) {
  const {
    name,
    impairments = {},
    sockets,
    superSegments = false,
    reneging,
    shuffleSimultaneous = false,
    bytesThere = 60_000,
    bytesBack = 30_000,
    limitMs = 3_600_000
  } = scenario
  const count =
    seedsWanted === undefined ? scenario.seeds : Math.max(1, Math.ceil((scenario.seeds * seedsWanted) / 500))
  t.test(`streams come whole and both ends close: ${name}`, async t => {
    let retransmitted = 0
    let renegings = 0
    const seeds = only === undefined ? Array.from({ length: count }, (_, i) => i + 1) : [only]
    for (const seed of seeds) {
      const options: TransferOptions = {
        seed,
        bytesThere,
        bytesBack,
        limitMs,
        impairments,
        superSegments,
        shuffleSimultaneous,
        ...(sockets === undefined ? {} : { sockets }),
        ...(reneging === undefined ? {} : { reneging })
      }
      const result = attempt(options)
      retransmitted += result.retransmitted
      renegings += result.renegings
      if (result.faults.length > 0) {
        t.same(result.faults, [], `seed ${seed}; to repeat it: RAWTCP_SEED=${seed} npx tap ${THIS_FILE}`)
        return
      }
    }
    t.pass(`${seeds.length} seeds`)
    if (scenario.repeats !== false && only === undefined) t.ok(retransmitted > 0, 'the line was bad enough to matter')
    if (reneging !== undefined && only === undefined) t.ok(renegings > 0, 'some senders have noticed')
  })
}

/** A thrown invariant is a fault like any other, with its seed. */
function attempt(options: TransferOptions): Pick<TransferResult, 'faults' | 'retransmitted' | 'renegings'> {
  try {
    return transfer(options)
  } catch (error) {
    return { faults: [(error as Error).stack ?? String(error)], retransmitted: 0, renegings: 0 }
  }
}

t.test('the same seed gives the same run', async t => {
  const run = (seed: number) => transfer({ seed, bytesThere: 50_000, bytesBack: 20_000, impairments: BAD_LINE })
  t.same(run(11), run(11))
  t.not(run(11).elapsedMs, run(12).elapsedMs)
})
