// A steady flow in a process of its own, for steady.test.ts: what it allocates, or what of it V8 had compiled in vain.

import { setFlagsFromString } from 'node:v8'
import { allocated } from '../../bench/support/allocation.ts'
import { SteadyFlow } from '../../bench/support/steady.ts'

const [what, options] = process.argv.slice(2)
const input = JSON.parse(options)

if (what === 'allocated') console.log(JSON.stringify(await allocated(input)))
else {
  const flow = new SteadyFlow(input)
  flow.run(input.warmup)
  setFlagsFromString('--trace-deopt')
  flow.run(input.segments)
  setFlagsFromString('--no-trace-deopt')
}
