// Mutants that no test can tell from the original, or that change only what no peer and no user sees, each with the reason.
// An excuse holds only for as long as there is such a mutant, and it survives: else the run fails.

import type { Mutant } from './instrument.ts'
import type { Verdict } from './report.ts'

export interface Excuse {
  readonly file: string
  /** A piece of the source line, where the original alone does not say which mutant is meant. */
  readonly at?: string
  /** Both as the report prints them. */
  readonly original: string
  readonly replacement: string
  readonly why: string
}

export const EXCUSES: readonly Excuse[] = [
  {
    file: 'src/tcp/window.ts',
    original: 'field << shift < offered',
    replacement: 'field << shift <= offered',
    why: 'rounding up a window that is a multiple of the scale changes nothing'
  },
  {
    file: 'src/tcp/passive.ts',
    at: 'slot',
    original: '-1',
    replacement: '+1',
    why: 'a record has its place in the table before anybody asks for it'
  },
  {
    file: 'src/tcp/passive.ts',
    at: 'windowScalingOn = false',
    original: 'false',
    replacement: 'true',
    why: 'the SYN, or the cookie, decides it before anybody asks'
  },
  {
    file: 'src/tcp/passive.ts',
    at: 'timestampsOn = false',
    original: 'false',
    replacement: 'true',
    why: 'the SYN, or the cookie, decides it before anybody asks'
  },
  {
    file: 'src/tcp/passive.ts',
    at: 'sacksOn = false',
    original: 'false',
    replacement: 'true',
    why: 'the SYN, or the cookie, decides it before anybody asks'
  },
  {
    file: 'src/tcp/timeouts.ts',
    original: 'tcb.pacedUntil <= now',
    replacement: 'true',
    why: 'text that must still wait sets the timer again when it is tried'
  }
]

export function equivalents(mutant: Mutant, excuses = EXCUSES): string | undefined {
  return excuses.find(each => isMeant(each, mutant))?.why
}

/** What is wrong with the excuses for mutants of `files`, all of whose mutants have been judged. */
export function wrongExcuses(verdicts: readonly Verdict[], files: readonly string[], excuses = EXCUSES): string[] {
  const wrong: string[] = []
  for (const each of excuses) {
    if (!files.includes(each.file)) continue
    const meant = verdicts.filter(({ mutant }) => isMeant(each, mutant))
    const name = `${each.file}: \`${each.original}\` → \`${each.replacement}\``
    if (meant.length === 0) wrong.push(`${name}: there is no such mutant`)
    for (const { mutant, killedBy } of meant) {
      if (killedBy !== undefined) wrong.push(`${name}: killed in line ${mutant.line} by ${killedBy}`)
    }
  }
  return wrong
}

const isMeant = (excuse: Excuse, mutant: Mutant): boolean =>
  excuse.file === mutant.file &&
  excuse.original === mutant.original &&
  excuse.replacement === mutant.replacement &&
  (excuse.at === undefined || mutant.context.includes(excuse.at))
