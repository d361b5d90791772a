// Invariants are switched on by the tests (RAWTCP_CHECKS=1); in production the calls are behind a constant-false branch.

const environment = (globalThis as { process?: { env?: Record<string, string | undefined> } }).process?.env

/** Whether invariants are checked after every event. */
export const CHECKS = environment?.RAWTCP_CHECKS === '1'

export class InvariantError extends Error {
  override readonly name = 'InvariantError'
}

export function invariant(holds: boolean, what: string): void {
  if (!holds) throw new InvariantError(what)
}
