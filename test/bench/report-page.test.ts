// The page of plots that is made of the benches' reports: what counts as a row's history, and what the page draws.

import { runInNewContext } from 'node:vm'
import t from 'tap'
import type { Row } from '../../bench/support/bench.ts'
import { historyOf } from '../../bench/support/history.ts'
import { figureOf, type Report } from '../../bench/support/report.ts'
import { bars, reportPage } from '../../bench/support/report-page.ts'

interface Given {
  readonly date: string
  readonly commit?: string
  readonly cpu?: string
  readonly profiled?: boolean
  readonly rows: readonly Row[]
}

/** What uPlot is asked for. */
interface PlotOptions {
  readonly title: string
  readonly axes: readonly { values(plot: unknown, ticks: readonly number[]): string[] }[]
  readonly bands: readonly { series: readonly number[] }[]
}

function report({ date, commit = 'abc1234', cpu = 'a CPU', profiled = false, rows }: Given): Report {
  return {
    machine: { date, commit, cpu, cores: 2, kernel: 'linux 6', node: 'v20', load: 0, loadAfter: 0 },
    plan: { repeats: 3, warmupMs: 1, measureMs: 1, profiled },
    figures: rows.map(row => figureOf('memory', row)),
    remarks: [],
    skipped: [],
    failed: []
  }
}

function row(name: string, values: number[], reference?: [name: string, values: number[]]): Row {
  return { name, unit: 'MB/s', values, ...(reference && { reference: { name: reference[0], values: reference[1] } }) }
}

t.test('reports are put in the order of time, and rows of one name and reference are one history', async t => {
  const older = report({ date: '2026-01-01', rows: [row('a', [1, 2, 3]), row('b', [1, 1, 1], ['kernel', [2, 2, 2]])] })
  const newer = report({
    date: '2026-02-01',
    rows: [row('b', [4, 4, 4], ['kernel', [2, 2, 2]]), row('b', [4, 4, 4], ['limit', [8, 8, 8]])]
  })
  const { reports, rows } = historyOf([newer, older])
  t.same(
    reports.map(it => it.machine.date),
    ['2026-01-01', '2026-02-01']
  )
  t.same(
    rows.map(({ name, points }) => [name, points.map(({ at, figure }) => [at, figure.median, figure.ratio])]),
    [
      ['a', [[0, 2, undefined]]],
      [
        'b',
        [
          [0, 1, 0.5],
          [1, 4, 2]
        ]
      ],
      ['b', [[1, 4, 0.5]]]
    ]
  )
})

t.test('what cannot be compared with the newest is left out', async t => {
  const rows = [row('a', [1])]
  const { reports } = historyOf([
    report({ date: '2026-01-01', rows }),
    report({ date: '2026-01-02', cpu: 'another CPU', rows }),
    report({ date: '2026-01-03', profiled: true, rows }),
    { machine: { date: '2026-01-04' }, cells: [] },
    { machine: { date: '2026-01-05' }, before: 'x', after: 'y', found: [] },
    null,
    report({ date: '2026-01-06', rows })
  ])
  t.same(
    reports.map(it => it.machine.date),
    ['2026-01-01', '2026-01-06']
  )
  t.throws(() => historyOf([{ found: [] }]), /no reports yet/)
})

t.test('bars are on one scale from zero, the longest as long as there is room', async t => {
  const drawn = (figure: Row): { y: number; right: number }[] =>
    [...bars(figureOf('x', figure)).matchAll(/reach" x="([\d.]+)" y="(\d+)" width="([\d.]+)"/g)].map(
      ([, x, y, width]) => ({ y: Number(y), right: Number(x) + Number(width) })
    )
  const both = drawn(row('a', [10, 20, 40], ['kernel', [60, 70, 80]]))
  t.same(
    both.map(it => it.right),
    [160, 320]
  )
  t.ok(both[0].y < both[1].y, 'ours above')
  t.equal(drawn(row('a', [10, 20, 40])).length, 1)
  t.same(drawn(row('nobody was served', [Number.NaN])), [])
})

t.test('the page needs nothing else, and draws a panel a row', async t => {
  const odd = 'a < b & <script>'
  const history = historyOf([
    report({ date: '2026-01-01T00', rows: [row(odd, [1, 2, 3], ['kernel', [5, 5, 5]])] }),
    report({
      date: '2026-02-01T00',
      commit: 'def5678 with changes',
      rows: [row(odd, [2, 3, 4], ['kernel', [5, 6, 7]])]
    })
  ])
  // As it comes from a file.
  const page = reportPage(JSON.parse(JSON.stringify(history)))
  t.notMatch(page, /<(?:script|link)[^>]+(?:src|href)=/, 'all is in the page')
  t.notMatch(page, odd, 'what is text is no HTML')
  t.match(page, '<td>a &lt; b &amp; &lt;script&gt;</td>')
  t.match(page, '<td>3.00</td><td>MB/s</td><td>kernel</td><td>6.00</td><td>0.50 x</td>')

  const drawn: { options: PlotOptions; data: unknown }[] = []
  class Plot {
    static join = (tables: unknown): unknown => tables
    constructor(options: PlotOptions, data: unknown) {
      drawn.push({ options, data })
    }
  }
  const element = { append() {}, clientWidth: 800 }
  const document = { querySelectorAll: () => [element], createElement: () => ({}) }
  const script = page.slice(page.lastIndexOf('<script>') + 8, page.lastIndexOf('</script>'))
  runInNewContext(script, { uPlot: Plot, document, addEventListener() {} })
  t.equal(drawn.length, 1)
  const [{ options, data }] = drawn
  t.equal(options.title, `${odd} (MB/s)`)
  t.same(data, [
    [
      [0, 1],
      [2, 3]
    ],
    [
      [0, 1],
      [3, 4]
    ],
    [
      [0, 1],
      [1, 2]
    ],
    [
      [0, 1],
      [5, 6]
    ]
  ])
  t.same(Array.from(options.axes[0].values(undefined, [0, 1, 2])), ['abc1234 01-01', 'def5678+ 02-01', ''])
  t.same(Array.from(options.bands[0].series), [2, 3], 'between the largest and the smallest')
})
