// Runs the benches, one file a question, and reports: a table for the reader, JSON for whoever compares.
//
//   npm run bench -- [NAME...] [--quick] [--repeats N] [--profile]
//
// --quick takes a minute and is less sure of its figures. --profile shows the functions that the time goes to; what it
// measures is slowed down by that, and stands beside nothing. With RAWTCP_REQUIRE_PEERS=1 a bench that cannot run here is a failure.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { type Bench, type Context, Skip, type Timing } from './support/bench.ts'
import { machine } from './support/machine.ts'
import { PartRunner } from './support/parts.ts'
import { printProfiles } from './support/profile.ts'
import { type Figure, figureOf, printTable, type Report, writeJson } from './support/report.ts'

const BENCHES = [
  'memory',
  'garbage',
  'scoreboard',
  'bulk',
  'latency',
  'connections',
  'http',
  'workers',
  'drivers',
  'checksum',
  'flood',
  'paths',
  'simulator',
  'idle'
] as const

interface Plan extends Timing {
  readonly repeats: number
}

const THOROUGH: Plan = { repeats: 5, warmupMs: 700, measureMs: 2000 }
const QUICK: Plan = { repeats: 2, warmupMs: 300, measureMs: 400 }
const PROFILED: Plan = { repeats: 1, warmupMs: 500, measureMs: 3000 }

/** What parts report where the machine lacks something. */
const LACKS = new Set(['EPERM', 'ERR_RAWTCP_ADDON', 'ERR_RAWTCP_RAW_SOCKET'])

const USAGE = `Usage: npm run bench -- [NAME...] [--quick] [--repeats N] [--profile]

  --quick      a few repeats of half a second: less sure of its figures
  --repeats N  so many
  --profile    shows the functions that the time goes to, and writes no figures
  --help       this text

Benches: ${BENCHES.join(', ')}`

const { options, positionals } = argumentsOf()
if (options.help) {
  console.log(USAGE)
  process.exit(0)
}
const unknown = positionals.filter(name => !(BENCHES as readonly string[]).includes(name))
if (unknown.length > 0) {
  console.error(`No such bench: ${unknown.join(', ')}\n\n${USAGE}`)
  process.exit(2)
}

const wanted = positionals.length > 0 ? BENCHES.filter(name => positionals.includes(name)) : BENCHES
const usual = options.profile ? PROFILED : options.quick ? QUICK : THOROUGH
const plan = { ...usual, repeats: Number(options.repeats ?? usual.repeats) }
if (!Number.isInteger(plan.repeats) || plan.repeats < 1) {
  console.error(`--repeats is a whole number above 0\n\n${USAGE}`)
  process.exit(2)
}
const profiles = options.profile ? mkdtempSync(join(tmpdir(), 'rawtcp-bench-')) : undefined
try {
  await runAll()
} finally {
  if (profiles !== undefined) rmSync(profiles, { recursive: true })
}

function argumentsOf() {
  const flag = { type: 'boolean', default: false } as const
  try {
    const { values: options, positionals } = parseArgs({
      allowPositionals: true,
      options: { quick: flag, profile: flag, repeats: { type: 'string' }, help: { ...flag, short: 'h' } }
    })
    return { options, positionals }
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${USAGE}`)
    return process.exit(2)
  }
}

async function runAll(): Promise<void> {
  const runner = new PartRunner(profiles)
  const remarks = new Set<string>()
  const context: Context = {
    ...plan,
    references: !options.profile,
    partsOf: file => runner.partsOf(file),
    remark: text => void remarks.add(text)
  }
  const figures: Figure[] = []
  const skipped: string[] = []
  const failed: string[] = []
  const before = machine()
  for (const name of wanted) {
    process.stderr.write(`${name} ...\n`)
    try {
      const { default: bench } = (await import(`./${name}.js`)) as { default: Bench }
      figures.push(...(await bench(context)).map(row => figureOf(name, row)))
    } catch (error) {
      const text = `${name}: ${error instanceof Error ? error.message : String(error)}`
      ;(isLack(error) ? skipped : failed).push(text)
    } finally {
      await runner.endAll()
    }
  }
  const loadAfter = machine().load
  const report: Report = {
    machine: { ...before, loadAfter },
    plan: { ...plan, profiled: options.profile },
    figures,
    remarks: [...remarks],
    skipped,
    failed
  }
  printTable(report)
  if (profiles !== undefined) printProfiles(profiles)
  else console.log(`\n${writeJson(report)}`)
  if (failed.length > 0 || (skipped.length > 0 && process.env.RAWTCP_REQUIRE_PEERS === '1')) process.exitCode = 1
}

function isLack(error: unknown): boolean {
  return error instanceof Skip || LACKS.has(String((error as { code?: unknown }).code))
}
