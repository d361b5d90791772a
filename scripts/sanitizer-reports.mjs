// Reads the sanitizers' reports in the folder that it is given, prints those that concern the addon, and fails if there
// is one. An error always concerns it. A leak does if the addon itself asked for the memory: what Node and V8 asked for
// on its behalf is theirs to free, and at the end of a process they do not care to.

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const folder = process.argv[2]
const findings = []
let heldByOthers = 0

for (const file of readdirSync(folder)) {
  const report = readFileSync(join(folder, file), 'utf8')
  if (/ERROR: AddressSanitizer|runtime error:/.test(report)) findings.push(report)
  // Leaks come as paragraphs of one stack each.
  for (const paragraph of report.split(/\n{2,}/)) {
    if (!/^(Direct|Indirect) leak of/.test(paragraph)) continue
    if (askedByAddon(paragraph)) findings.push(paragraph)
    else heldByOthers++
  }
}

for (const finding of findings) console.log(`${finding}\n`)
console.log(`${findings.length} findings in the addon; ${heldByOthers} allocations that Node held at the end`)
process.exitCode = findings.length > 0 ? 1 : 0

/** Whether the first frame below the allocator is the addon's. */
function askedByAddon(leak) {
  const frames = leak.split('\n').filter(line => /^\s*#\d/.test(line))
  const caller = frames.find(frame => !/libsanitizer|libasan|libstdc\+\+|libc\.so/.test(frame))
  return caller !== undefined && /binding\/|rawtcp|node-addon-api|\/c\+\+\//.test(caller)
}
