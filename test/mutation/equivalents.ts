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
    original: 'tcb.pacedUntil <= heardUntil',
    replacement: 'true',
    why: 'text that must still wait sets the timer again when it is tried'
  },
  {
    file: 'src/tcp/acks.ts',
    at: 'if (hadRecords) {',
    original: 'hadRecords',
    replacement: 'true',
    why: 'without records there is nothing to take: the condition spares an ACK of nothing in flight the calls'
  },
  {
    file: 'src/tcp/acks.ts',
    at: 'if (isDubious || news.advanced)',
    original: 'isDubious || news.advanced',
    replacement: 'true',
    why: 'output that finds nothing to send changes nothing: the condition spares the call'
  },
  {
    file: 'src/tcp/acks.ts',
    at: 'if (opensUs) sampleHandshake',
    original: 'opensUs',
    replacement: 'true',
    why: 'the round trip of our SYN is timed once: afterwards there is no time to take it from'
  },
  {
    file: 'src/tcp/calls.ts',
    at: 'if (taken > 0) out.schedule',
    original: 'taken > 0',
    replacement: 'true',
    why: 'output that finds nothing to send changes nothing: the condition spares the call'
  },
  {
    file: 'src/tcp/calls.ts',
    at: 'if (taken > 0) out.schedule',
    original: 'taken > 0',
    replacement: 'taken >= 0',
    why: 'output that finds nothing to send changes nothing: the condition spares the call'
  },
  {
    file: 'src/tcp/text.ts',
    at: 'findDuplicate(tcb',
    original: 'tcb.receiveBuffer.waiting.count > 0',
    replacement: 'true',
    why: 'where nothing waits no duplicate of it is found: the condition spares a look'
  },
  {
    file: 'src/tcp/text.ts',
    at: 'findDuplicate(tcb',
    original: 'tcb.receiveBuffer.waiting.count > 0',
    replacement: 'tcb.receiveBuffer.waiting.count >= 0',
    why: 'where nothing waits no duplicate of it is found: the condition spares a look'
  },
  {
    file: 'src/tcp/text.ts',
    at: 'if (fillsHole) next',
    original: 'fillsHole',
    replacement: 'true',
    why: 'where nothing waits nothing moves to the reader: the condition spares a call'
  },
  {
    file: 'src/tcp/transitions.ts',
    at: 'if (!isEdge(from, to)) {',
    original: '!isEdge(from, to)',
    replacement: 'false',
    why: 'only a defect elsewhere takes an edge that is none: scripts pass because there is none'
  },
  {
    file: 'src/tcp/transitions.ts',
    at: 'if (!isEdge(from, to)) {',
    original: '{ out.counters.impossibleTransitions++ if (CHECKS) invariant(false, `no edge leads from ${STATE_N...',
    replacement: '{}',
    why: 'only a defect elsewhere takes an edge that is none: scripts pass because there is none'
  },
  {
    file: 'src/tcp/transitions.ts',
    at: 'impossibleTransitions++',
    original: 'out.counters.impossibleTransitions++',
    replacement: 'out.counters.impossibleTransitions--',
    why: 'only a defect elsewhere takes an edge that is none: scripts pass because there is none'
  },
  {
    file: 'src/tcp/transitions.ts',
    at: 'if (CHECKS) invariant',
    original: 'CHECKS',
    replacement: 'true',
    why: 'only a defect elsewhere takes an edge that is none: scripts pass because there is none'
  },
  {
    file: 'src/tcp/transitions.ts',
    at: 'if (CHECKS) invariant',
    original: 'CHECKS',
    replacement: 'false',
    why: 'only a defect elsewhere takes an edge that is none: scripts pass because there is none'
  },
  {
    file: 'src/tcp/transitions.ts',
    at: 'if (CHECKS) invariant',
    original: 'false',
    replacement: 'true',
    why: 'only a defect elsewhere takes an edge that is none: scripts pass because there is none'
  },
  {
    file: 'src/tcp/output.ts',
    at: 'tcb.prrOut += segments',
    original: 'tcb.repair === Repair.RECOVERY',
    replacement: 'true',
    why: 'what is counted outside of a recovery nobody reads: each begins at 0'
  },
  {
    file: 'src/tcp/output.ts',
    at: 'tcb.prrOut += board.segments(id)',
    original: 'tcb.repair === Repair.RECOVERY',
    replacement: 'true',
    why: 'what is counted outside of a recovery nobody reads: each begins at 0'
  },
  {
    file: 'src/tcp/output.ts',
    at: 'joinLost(tcb, id, room)',
    original: 'text < room',
    replacement: 'true',
    why: 'only sooner done: a full segment has room for no other, so nothing is joined to it'
  },
  {
    file: 'src/tcp/output.ts',
    at: 'joinLost(tcb, id, room)',
    original: 'text < room',
    replacement: 'text <= room',
    why: 'only sooner done: a full segment has room for no other, so nothing is joined to it'
  },
  {
    file: 'src/tcp/output.ts',
    at: 'tcb.quickAcks--',
    original: 'tcb.quickAcks > 0',
    replacement: 'true',
    why: 'less than none counts as none, and what is granted anew does not depend on it'
  },
  {
    file: 'src/tcp/output.ts',
    at: 'tcb.quickAcks--',
    original: 'tcb.quickAcks > 0',
    replacement: 'tcb.quickAcks >= 0',
    why: 'less than none counts as none, and what is granted anew does not depend on it'
  },
  {
    file: 'src/tcp/buffer-tuning.ts',
    original: 'pace <= this.#pace',
    replacement: 'pace < this.#pace',
    why: 'a reader as fast as before has a buffer of that size already'
  },
  {
    file: 'src/tcp/buffer-tuning.ts',
    original: 'wanted > receiveBuffer.limit',
    replacement: 'wanted >= receiveBuffer.limit',
    why: 'it would be set to what it is'
  },
  {
    file: 'src/tcp/buffer-tuning.ts',
    original: 'sendBuffer.limit >= most',
    replacement: 'sendBuffer.limit > most',
    why: 'it would be set to what it is'
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
