// `rawtcp sim`: runs a scenario in the simulator, prints what came of it, and draws or writes its series.

import { writeFileSync } from 'node:fs'
import { Command, InvalidArgumentError } from 'commander'
import type { Network } from '../sim.ts'
import { reportOf, seriesToCsv } from '../sim.ts'
import { Failure } from './exit.ts'
import { loadScenario } from './sim-load.ts'
import { pageOf } from './sim-page.ts'
import { summaryOf } from './sim-summary.ts'

const HELP = `
A scenario is a JSON file, or a module whose default export is a function that builds a network, runs it and returns it; docs/simulator.md
has a guide. The same scenario with the same seed gives the same numbers.

Examples:
  rawtcp sim docs/scenarios/bottleneck.json
  rawtcp sim --plot out.html --seed 7 docs/scenarios/bottleneck.json
  rawtcp sim --csv - docs/scenarios/incast.mjs > series.csv`

interface Options {
  readonly plot?: string
  readonly csv?: string
  readonly json?: string
  readonly seed?: number
  readonly duration?: number
}

export function simCommand(): Command {
  return new Command('sim')
    .description('run a scenario in the simulator: hosts, routers, links and flows in virtual time')
    .argument('<scenario>', 'a .json, .js, .mjs or .ts file')
    .option('--plot <file>', 'draw the series of all probes into a page of HTML that needs no other file')
    .option('--csv <file>', 'write the series as comma-separated values; - for stdout')
    .option('--json <file>', 'write flows, links and series as JSON; - for stdout')
    .option('--seed <number>', 'in place of the seed of the scenario', toSeed)
    .option('--duration <seconds>', 'in place of the duration of the scenario', toSeconds)
    .addHelpText('after', HELP)
    .action(sim)
}

async function sim(file: string, options: Options): Promise<void> {
  const net = await loadScenario(file, {
    seed: options.seed,
    durationMs: options.duration === undefined ? undefined : options.duration * 1000
  })
  const { series } = reportOf(net)
  if (options.plot !== undefined) {
    if (series.length === 0) throw new Failure('there is nothing to plot: the scenario has no probes')
    write(options.plot, pageOf(net, file))
  }
  if (options.csv !== undefined) write(options.csv, seriesToCsv(series))
  if (options.json !== undefined) write(options.json, `${JSON.stringify(reportOf(net))}\n`)
  if (options.csv !== '-' && options.json !== '-') print(net, options)
}

function print(net: Network, { plot }: Options): void {
  process.stdout.write(summaryOf(net))
  if (plot !== undefined) process.stdout.write(`\nThe plots are in ${plot}\n`)
}

/** A file, or stdout for `-`. */
function write(file: string, text: string): void {
  if (file === '-') process.stdout.write(text)
  else writeFileSync(file, text)
}

function toSeed(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('It must be a whole number.')
}

function toSeconds(text: string): number {
  const seconds = Number(text)
  if (/^\d+(\.\d+)?$/.test(text) && seconds > 0) return seconds
  throw new InvalidArgumentError('It must be a number of seconds above 0.')
}
