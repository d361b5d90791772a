// Mutants that no test can tell from the original, or that change only what the scripts do not see, each with the reason.

import type { Mutant } from './instrument.ts'

interface Excuse {
  readonly file: string
  readonly original: string
  readonly replacement: string
  readonly why: string
}

const EXCUSES: readonly Excuse[] = []

export function equivalents(mutant: Mutant): string | undefined {
  return EXCUSES.find(
    each => each.file === mutant.file && each.original === mutant.original && each.replacement === mutant.replacement
  )?.why
}
