import { setTimeout as sleep } from 'node:timers/promises'

const INTERVAL_MS = 10

/** Asks again and again until it is so; what never comes to pass ends with the test's own time limit. */
export async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await sleep(INTERVAL_MS)
}
