// Every input of the corpus, through its target, without the fuzzer: what was found once stays found.

import { readdirSync, readFileSync } from 'node:fs'
import t from 'tap'
import { TARGETS } from './targets.ts'

for (const name of TARGETS) {
  t.test(`the corpus of ${name} passes`, async t => {
    const { fuzz } = (await import(`./${name}.ts`)) as { fuzz: (bytes: Uint8Array) => void }
    const corpus = new URL(`corpus/${name}/`, import.meta.url)
    const files = readdirSync(corpus)
    for (const file of files) {
      try {
        fuzz(readFileSync(new URL(file, corpus)))
      } catch (error) {
        t.fail(`${name}/${file}: ${(error as Error).stack}`)
      }
    }
    t.ok(files.length >= 10, `${files.length} inputs`)
  })
}
