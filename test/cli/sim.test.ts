// `rawtcp sim`: what it prints and writes, and what it says of files that are no scenarios.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { Rawtcp } from './command.ts'

const BOTTLENECK = 'docs/scenarios/bottleneck.json'

t.test('a summary, a page that needs nothing else, and the numbers', async t => {
  const folder = t.testdir()
  const [plot, csv, json] = ['out.html', 'out.csv', 'out.json'].map(name => join(folder, name))
  const command = new Rawtcp(t, [
    'sim',
    '--plot',
    plot,
    '--csv',
    csv,
    '--json',
    json,
    '--duration',
    '1.5',
    '--seed',
    '9',
    BOTTLENECK
  ])
  t.equal(await command.exited, 0, command.stderr)
  t.match(command.stdout, /^1\.500 s of virtual time, seed 9, \d+ segments\n/)
  t.match(command.stdout, /\ncubic +alice +carol +\d/)

  const page = readFileSync(plot, 'utf8')
  t.match(page, /<title>bottleneck\.json<\/title>/)
  t.match(page, /uPlot/)
  t.notMatch(page, /<(?:script|link)[^>]+(?:src|href)=/, 'all is in the page')
  for (const title of ['Goodput \\(Mbit/s\\)', 'Congestion window \\(kB\\)', 'Queue \\(packets\\)']) {
    t.match(page, new RegExp(`"title":"${title}"`))
  }
  const report = JSON.parse(readFileSync(json, 'utf8'))
  t.equal(report.durationMs, 1500)
  t.match(report.flows[0], { name: 'cubic', from: 'alice' })
  t.equal(report.series.length, 17)
  t.equal(readFileSync(csv, 'utf8').trimEnd().split('\n').length, 1 + 17 * 31)
})

t.test('numbers on stdout come alone, and twice the same', async t => {
  const run = async (): Promise<string> => {
    const command = new Rawtcp(t, ['sim', '--json', '-', '--duration', '1', BOTTLENECK])
    t.equal(await command.exited, 0, command.stderr)
    return command.stdout
  }
  const [first, second] = [await run(), await run()]
  t.equal(JSON.parse(first).durationMs, 1000)
  t.equal(first, second)
})

t.test('a file that is no scenario: one line that says why', async t => {
  const folder = t.testdir({
    'broken.json': '{',
    'wrong.json': '{ "durationMs": 5, "hosts": ["a"], "links": [{ "between": ["a", "b"] }] }',
    'quiet.json': '{ "durationMs": 5, "hosts": ["a", "b"], "links": [{ "between": ["a", "b"] }] }',
    'empty.mjs': '',
    'nothing.mjs': 'export default () => 7',
    'scenario.txt': ''
  })
  const wrong = [
    [['broken.json'], /broken\.json: it is no JSON/],
    [['wrong.json'], /wrong\.json: links\[0\]: No node is called "b"\. There are: a \(ERR_INVALID_ARG_VALUE\)/],
    [['quiet.json', '--plot', join(folder, 'x.html')], /the scenario has no probes/],
    [['empty.mjs'], /default export must be a function/],
    [['nothing.mjs'], /must return the network/],
    [['scenario.txt'], /ends in \.json/],
    [['gone.json'], /ENOENT/]
  ] as const
  for (const [[name, ...options], message] of wrong) {
    const command = new Rawtcp(t, ['sim', join(folder, name), ...options])
    t.equal(await command.exited, 1, name)
    t.match(command.stderr, message)
    t.notMatch(command.stderr, /^ +at /m)
  }
  const command = new Rawtcp(t, ['sim', '--seed', 'x', BOTTLENECK])
  t.equal(await command.exited, 2)
})
