// The emulated path of the benches (bench/emulator): that it does to packets what it is told, and counts what they carry.

import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import t from 'tap'
import { unlessPrograms } from '../support/privileges.ts'

const ROOT = join(import.meta.dirname, '..', '..')
const TESTED = ['coverage', 'flow', 'path', 'settings'].map(name => join(ROOT, 'bench', 'emulator', `${name}.cc`))
const FLAGS = ['-std=gnu++17', '-O1', '-Wall', '-Wextra', '-Werror', '-fsanitize=undefined', '-fno-sanitize-recover']

t.test('an emulated path', { skip: unlessPrograms('g++') }, async t => {
  const program = join(t.testdir(), 'emulator')
  execFileSync('g++', [...FLAGS, join(ROOT, 'test', 'bench', 'emulator.cc'), ...TESTED, '-o', program])
  await t.spawn(program, [], {}, 'its queue, its losses and what it counts')
})
