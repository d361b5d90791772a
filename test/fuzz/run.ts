// Fuzzing guided by coverage, with Jazzer.js (libFuzzer):
//
//   npm run fuzz -- TARGET... [--seconds N] [--keep]
//
// Begins with the corpus in test/fuzz/corpus/TARGET. What is found goes to build/fuzz/found/TARGET; --keep makes of both
// a small corpus with the same coverage, and puts it back. A crash, a hang of ten seconds or a heap that grows ends the
// run with status 1; the input lies in build/fuzz/found/TARGET-crash-..., and belongs into the corpus with its repair.

import { spawn, spawnSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { TARGETS } from './targets.ts'

const compiled = fileURLToPath(new URL('.', import.meta.url))
const build = join(compiled, '../..')
const repository = join(build, '../..')

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: { seconds: { type: 'string', default: '60' }, keep: { type: 'boolean', default: false } }
})
const seconds = Number(options.seconds)
const unknown = positionals.filter(name => !(TARGETS as readonly string[]).includes(name))
if (positionals.length === 0 || unknown.length > 0 || !(seconds > 0)) {
  console.error(`npm run fuzz -- TARGET... [--seconds N] [--keep], with TARGET of: ${TARGETS.join(', ')}`)
  process.exit(2)
}
for (const target of positionals) {
  const seeds = join(repository, 'test/fuzz/corpus', target)
  const found = join(build, 'found', target)
  mkdirSync(seeds, { recursive: true })
  mkdirSync(found, { recursive: true })
  const artifacts = `-artifact_prefix=${found}-`
  const length = target === 'arrival' ? 1500 : 400
  const limits = [`-max_len=${length}`, '-timeout=10', '-rss_limit_mb=1024', artifacts]
  const result = await jazzer(target, [found, seeds], [`-max_total_time=${seconds}`, '-print_final_stats=1', ...limits])
  console.log(`${target}: ${result.summary}`)
  if (result.status !== 0) process.exitCode = 1
  else if (options.keep) keepLeast(target, seeds, found)
}

interface Result {
  readonly status: number
  readonly summary: string
}

function jazzer(target: string, folders: readonly string[], forLibFuzzer: readonly string[]): Promise<Result> {
  const nodeArguments = ['--expose-gc', '--max-old-space-size=512', join(compiled, 'engine.js')]
  // Only what is under test counts as coverage.
  const instrumented = ['-i', join(build, 'src')]
  const jazzerArguments = [join(compiled, target), ...folders, '--sync', ...instrumented, '--disableBugDetectors', '.*']
  const env = { ...process.env, RAWTCP_CHECKS: '1' }
  const child = spawn(process.execPath, [...nodeArguments, ...jazzerArguments, '--', ...forLibFuzzer], { env })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (text: Buffer) => {
      output += text
      process.stderr.write(text)
    })
  }
  return new Promise(resolve => {
    child.on('close', (code, signal) => resolve({ status: code ?? 1, summary: summarize(output, code ?? signal) }))
  })
}

/** From libFuzzer's last words. */
function summarize(output: string, end: number | string | null): string {
  const last = (pattern: RegExp): string => [...output.matchAll(pattern)].at(-1)?.[1] ?? '?'
  const figures = [
    `${last(/number_of_executed_units: (\d+)/g)} executions`,
    `coverage ${last(/cov: (\d+)/g)} edges, ${last(/ft: (\d+)/g)} features`,
    `corpus ${last(/corp: (\d+)\//g)} inputs`,
    `peak ${last(/peak_rss_mb:\s+(\d+)/g)} MB`,
    `heap ${last(/HEAP (.*)/g)}`
  ]
  return `${end === 0 ? 'no crash, no hang, no growth' : `ended with ${end}`}; ${figures.join('; ')}`
}

function keepLeast(target: string, seeds: string, found: string): void {
  const { status } = spawnSync(process.execPath, [join(compiled, 'minimise.js'), target, seeds, found, seeds], {
    stdio: 'inherit'
  })
  if (status !== 0) throw new Error(`The corpus of ${target} could not be made smaller`)
}
