// A page of plots of all that bench/results has: npm run bench:report -- [FILE]

import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { packageRoot } from '../src/native/addon.ts'
import { historyOf } from './support/history.ts'
import { reportPage } from './support/report-page.ts'

const directory = join(packageRoot(), 'bench', 'results')
const [file = join(directory, 'report.html')] = process.argv.slice(2)
if (file.startsWith('-')) {
  console.error('Usage: npm run bench:report -- [FILE]\n\nFILE: bench/results/report.html where none is given')
  process.exit(file === '--help' ? 0 : 2)
}
try {
  const files = readdirSync(directory).filter(name => name.endsWith('.json'))
  const results = files.map(name => JSON.parse(readFileSync(join(directory, name), 'utf8')))
  writeFileSync(file, reportPage(historyOf(results)))
  console.log(`Written to ${file}`)
} catch (error) {
  console.error((error as Error).message)
  process.exitCode = 1
}
