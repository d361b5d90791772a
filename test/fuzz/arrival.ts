// Segments, calls and time in any order against a live stack, under the model of RFC 9293: the adversary of test/model
// plays as the bytes say. Fewer than eight bytes decide nothing.

import { playAdversary } from '../model/scenarios.ts'
import { TapeRandom } from './tape.ts'
import { watched } from './watched.ts'

const MOST_STEPS = 400

export const fuzz = watched(bytes => {
  const tape = new TapeRandom(bytes)
  const { fault } = playAdversary(tape, 1, step => step < MOST_STEPS && !tape.isOver)
  if (fault !== undefined) throw new Error(fault)
})
