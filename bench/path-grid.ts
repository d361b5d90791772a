// On paths that delay, lose, reorder, police and queue, is our sender as fast as the kernel's, and as sparing?
//
//   npm run paths -- [--rates 10,100] [--rtts 10] [--conditions loss-1,policer] [--controllers cubic,bbr]
//                    [--megabytes 1,100] [--repeats N] [--spend SECONDS] [--limit SECONDS] [--profile DIRECTORY]
//
// A row a cell, ours beside the kernel's: the time from the first SYN until the last byte is there (with a star where it
// was estimated after the limit), the share of bytes that were sent again and that of those sent for nothing, the wait in
// the queue, and how busy our event loop was. The receiver is the kernel's in either case. Needs root and g++.

import { parseArgs } from 'node:util'
import { machine } from './support/machine.ts'
import { CONDITIONS, CONTROLLERS, type ConditionName, type Controller, grid } from './support/path-cells.ts'
import { compare, printPaths, summaryOf } from './support/path-grid.ts'
import { writeResults } from './support/report.ts'
import { needsRoot } from './support/world.ts'

/** Paths that two cores emulate side by side: more, and our senders wait for each other, which the kernel's do not. */
const TOGETHER = new Map([[10, 2]])

const { values: options } = parseArgs({
  options: {
    rates: { type: 'string', default: '10,100,1000' },
    rtts: { type: 'string', default: '10,100' },
    conditions: { type: 'string', default: Object.keys(CONDITIONS).join() },
    controllers: { type: 'string', default: 'cubic,bbr' },
    megabytes: { type: 'string', default: '1,100' },
    repeats: { type: 'string', default: '5' },
    spend: { type: 'string', default: '30' },
    limit: { type: 'string', default: '60' },
    profile: { type: 'string' }
  }
})

function numbers(name: string, text: string): number[] {
  return text.split(',').map(word => {
    const number = Number(word)
    if (!(number > 0)) throw new Error(`--${name} takes numbers above 0, not "${word}"`)
    return number
  })
}

function words<W extends string>(name: string, text: string, known: readonly W[]): W[] {
  return text.split(',').map(word => {
    if (!(known as readonly string[]).includes(word))
      throw new Error(`--${name} knows ${known.join(', ')}, not "${word}"`)
    return word as W
  })
}

const cells = grid({
  megabits: numbers('rates', options.rates),
  rttMs: numbers('rtts', options.rtts),
  conditions: words('conditions', options.conditions, Object.keys(CONDITIONS) as ConditionName[]),
  controllers: words<Controller>('controllers', options.controllers, CONTROLLERS),
  bytes: numbers('megabytes', options.megabytes).map(megabytes => megabytes * 1e6)
})
const [repeats] = numbers('repeats', options.repeats)
const [spend] = numbers('spend', options.spend)
const [limit] = numbers('limit', options.limit)

needsRoot()
const remarks = new Set<string>()
const before = machine()
const comparisons = await compare(cells, {
  repeats,
  spendMs: spend * 1000,
  limitMs: limit * 1000,
  together: megabits => TOGETHER.get(megabits) ?? 1,
  nodeArguments:
    options.profile === undefined ? [] : ['--cpu-prof', '--cpu-prof-interval=250', `--cpu-prof-dir=${options.profile}`],
  remark: text => void remarks.add(text)
})

const { cpu, cores, kernel, node, commit, date } = before
console.log(`\n${cpu}, ${cores} CPUs, ${kernel}, Node ${node}, commit ${commit}, ${date}\n`)
printPaths(comparisons)
for (const text of [...summaryOf(comparisons), ...remarks]) console.log(`Note: ${text}`)
console.log(`\n${writeResults(`paths-${date}`, { machine: before, options, comparisons, remarks: [...remarks] })}`)
