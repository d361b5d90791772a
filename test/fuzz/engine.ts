// The process in which Jazzer.js runs a target: its command line, with a binary that loads here. `run.ts` starts it.

import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { writeForOlderLibc } from './older-libc.ts'

const require = createRequire(import.meta.url)
const ownFolder = dirname(new URL(import.meta.url).pathname)

/** What `require` does with a file of this extension. */
type Loader = (module: object, file: string) => void
const extensions = (require('node:module') as { _extensions: Record<string, Loader> })._extensions
const load = extensions['.node']
extensions['.node'] = (module, file) => {
  try {
    load(module, file)
  } catch (error) {
    if (!/version `GLIBC/.test((error as Error).message)) throw error
    const copy = join(ownFolder, 'fuzzer.node')
    writeForOlderLibc(file, copy)
    load(module, copy)
  }
}
require('@jazzer.js/core/dist/cli.js')
