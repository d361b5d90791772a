// What a bench is: a question of its own file, asked as a function that measures, and parts of it that run in processes
// of their own.

import type { PartStarter, Parts } from './parts.ts'

export interface Row {
  readonly name: string
  readonly unit: string
  /** One a repeat. */
  readonly values: readonly number[]
  /** What it is measured against: the same repeats, taken in turns with ours. */
  readonly reference?: { readonly name: string; readonly values: readonly number[] }
}

export interface Timing {
  /** What is not counted: until V8 has compiled what is hot, and TCP has found its pace. */
  readonly warmupMs: number
  readonly measureMs: number
}

export interface Context extends Timing {
  readonly repeats: number
  /** False: only our own figures are wanted, and a bench may leave out what they stand beside. */
  readonly references: boolean
  /** For the `parts` that the file exports; `import.meta.url` says which file. */
  partsOf<P extends Parts>(file: string): PartStarter<P>
  /** Goes below the table: what the reader has to know about the figures. */
  remark(text: string): void
}

/** The default export of a bench's file. */
export type Bench = (context: Context) => Promise<Row[]>

/** The bench cannot run here. */
export class Skip extends Error {}

export function skipIf(reason: string | false): void {
  if (reason !== false) throw new Skip(reason)
}
