// What runs and what applies in the page of page.ts. `sections` is there: the panels of each, as page.ts has them.

export const PAGE_STYLE = `
body { font: 15px/1.4 system-ui, sans-serif; margin: 1.5rem auto; max-width: 1100px; padding: 0 1rem; color: #1c2330; background: #fff; }
h1 { font-size: 1.4rem; margin: 0 0 .3rem; }
h2 { font-size: 1.15rem; margin: 1.6rem 0 .4rem; }
p { color: #5a6475; margin: 0 0 1rem; max-width: 46rem; }
.panel { border: 1px solid #e2e6ec; border-radius: 6px; margin: 0 0 1rem; padding: .6rem .6rem .2rem; }
.panel .u-title { font: 600 15px system-ui, sans-serif; text-align: left; padding-left: .4rem; }
.panel .u-legend { font-size: 13px; text-align: left; padding-left: .2rem; }
.panel .u-legend .u-marker { width: 14px; height: 4px; }
.many .u-legend { max-height: 5.2rem; overflow-y: auto; display: block; }
table:not(.u-legend) { border-collapse: collapse; font-variant-numeric: tabular-nums; }
table:not(.u-legend) th, table:not(.u-legend) td { text-align: right; padding: .2rem .8rem; border-bottom: 1px solid #e2e6ec; }
table:not(.u-legend) :is(th, td):nth-child(-n+2) { text-align: left; }
table:not(.u-legend) { margin: 0 0 1rem; }
svg .ours { fill: #0072b2; }
svg .reference { fill: #d55e00; }
svg .reach { opacity: .35; }
`

export const PAGE_SCRIPT = `
// Okabe and Ito's colours, told apart by all eyes; then the same in dashes.
const COLOURS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#000000', '#8a7a00']
const names = [...new Set(sections.flat().flatMap(panel => panel.series.map(series => series.name)))]
const styleOf = name => {
  const at = names.indexOf(name)
  return { stroke: COLOURS[at % COLOURS.length], dash: at < COLOURS.length ? undefined : [6, 4] }
}
const containers = [...document.querySelectorAll('.panels')]
const width = () => containers[0].clientWidth - 24
const shown = value => (value == null ? '–' : Math.abs(value) >= 100 ? value.toFixed(0) : value.toFixed(2))
const nameOf = (panel, x) => panel.xNames[x] ?? ''
let plots = []
plots = sections.flatMap((panels, section) => panels.map(panel => {
  const box = document.createElement('div')
  box.className = panel.series.length > 12 ? 'panel many' : 'panel'
  containers[section].append(box)
  const data = uPlot.join(panel.series.map(series => [series.x, series.values]))
  const font = '12px system-ui, sans-serif'
  const axis = { font, labelFont: font, stroke: '#5a6475', grid: { stroke: '#eef1f5' }, ticks: { stroke: '#cfd6df' } }
  return new uPlot(
    {
      title: panel.title,
      width: width(),
      height: 230,
      cursor: { sync: { key: 'time' }, drag: { x: true, y: false } },
      scales: {
        x: { time: false, range: (plot, low, high) => (low === high ? [low - 0.5, high + 0.5] : [low, high]) },
        y: { range: (plot, low, high) => [0, high > 0 ? high * 1.08 : 1] }
      },
      axes: [
        {
          ...axis,
          label: panel.xLabel,
          labelSize: 18,
          ...(panel.xNames && {
            space: 90,
            incrs: [1, 2, 5, 10, 20, 50],
            values: (plot, ticks) => ticks.map(x => nameOf(panel, x))
          })
        },
        { ...axis, size: 64, values: (plot, ticks) => ticks.map(tick => String(+tick.toPrecision(6))) }
      ],
      series: [
        {
          label: panel.xNames ? panel.xLabel : 'time',
          value: (plot, x) => (x == null ? '–' : panel.xNames ? nameOf(panel, x) : x.toFixed(3) + ' s')
        },
        ...panel.series.map(series => ({
          label: series.name,
          width: 1.5,
          points: { show: panel.xNames !== undefined },
          spanGaps: false,
          value: (plot, value) => shown(value),
          ...styleOf(series.name)
        }))
      ],
      bands: panel.band ? [{ series: panel.band.map(at => at + 1), fill: '#0072b21f' }] : [],
      hooks: { setScale: [(plot, key) => key === 'x' && follow(plot)] }
    },
    data,
    box
  )
}))
let following = false
function follow(leader) {
  if (following) return
  following = true
  const { min, max } = leader.scales.x
  for (const plot of plots) if (plot !== leader) plot.setScale('x', { min, max })
  following = false
}
addEventListener('resize', () => plots.forEach(plot => plot.setSize({ width: width(), height: 230 })))
`
