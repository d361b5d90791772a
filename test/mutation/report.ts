// The report of a mutation run, as a page of the documentation.

import { basename, dirname } from 'node:path'
import type { Mutant } from './instrument.ts'
import { UNITS } from './units.ts'

export interface Verdict {
  readonly mutant: Mutant
  /** A script, a run of the model check, a test of the file's own, `timeout` or `crash`; undefined for a survivor. */
  readonly killedBy: string | undefined
  /** Tests that run the mutated code. */
  readonly reaching: number
  /** Why nothing can kill it. */
  readonly excuse: string | undefined
}

export interface Report {
  readonly document: string
  readonly summary: string
  readonly killedShare: number
}

interface Tally {
  mutants: number
  killed: number
  byModel: number
  equivalent: number
}

export function report(verdicts: readonly Verdict[], scripts: number, modelRuns: number): Report {
  const files = new Map<string, Tally>()
  const all: Tally = { mutants: 0, killed: 0, byModel: 0, equivalent: 0 }
  for (const verdict of verdicts) {
    let tally = files.get(verdict.mutant.file)
    if (tally === undefined)
      files.set(verdict.mutant.file, (tally = { mutants: 0, killed: 0, byModel: 0, equivalent: 0 }))
    count(tally, verdict)
    count(all, verdict)
  }
  const table = [...files].map(([file, tally]) => `| \`${file}\` | ${cells(tally)} |`)
  const survivors = verdicts.filter(each => each.killedBy === undefined)
  const document = `# Mutation run

\`npm run mutation\` makes every small change to \`src/tcp\` that Stryker's instrumenter knows (a comparison turned, a
condition that is always or never true, a call or a block left out, a sum for a difference), one at a time, and runs the
${scripts} scripts of \`test/packetdrill\` that reach it, then ${modelRuns} seeds of \`test/model\`. A mutant is killed when one of
them fails, an invariant of \`src/tcp/invariants.ts\` does not hold, or one does not end. Other tests count only for
${unitFiles()}, of which a peer sees too little: those of \`test/tcp\` come first there.
Changed words (names of events and reasons) are left out.

| file | mutants | killed | of these by the model check | equivalent | killed of those that are not |
|---|---|---|---|---|---|
${table.join('\n')}
| all | ${cells(all)} |

## Survivors

Those with a reason cannot be told from the original by what a peer or a user sees. \`unreached\`: nothing runs the code.

${listOf(survivors)}
`
  return {
    document,
    summary: `${all.killed} of ${all.mutants} mutants killed, ${all.equivalent} equivalent: ${share(all)}`,
    killedShare: all.killed / Math.max(1, all.mutants - all.equivalent)
  }
}

const unitFiles = (): string =>
  Object.keys(UNITS)
    .map(file => `\`${basename(file)}\``)
    .join(', ')

function count(tally: Tally, { killedBy, excuse }: Verdict): void {
  tally.mutants++
  if (killedBy === undefined) {
    if (excuse !== undefined) tally.equivalent++
    return
  }
  tally.killed++
  if (killedBy.startsWith('model:')) tally.byModel++
}

const cells = (tally: Tally): string =>
  `${tally.mutants} | ${tally.killed} | ${tally.byModel} | ${tally.equivalent} | ${share(tally)}`

const share = ({ mutants, killed, equivalent }: Tally): string =>
  `${((100 * killed) / Math.max(1, mutants - equivalent)).toFixed(1)}%`

function listOf(survivors: readonly Verdict[]): string {
  const lines: string[] = []
  let file = ''
  for (const { mutant, reaching, excuse } of survivors) {
    if (mutant.file !== file) {
      file = mutant.file
      lines.push('', `### ${basename(dirname(file)) === 'tcp' ? basename(file) : file}`, '')
    }
    const remark = excuse ?? (reaching === 0 ? 'unreached' : '')
    lines.push(
      `- ${mutant.line}: \`${mutant.original}\` → \`${mutant.replacement}\`${remark === '' ? '' : `: ${remark}`}`
    )
  }
  return lines.join('\n').trim()
}
