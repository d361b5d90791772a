// A version of the project in a folder of its own, built, with today's benches: what is compared is the product, not how it
// was measured. Where a version lacks what those ask for, it has its own.

import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { packageRoot } from '../../src/native/addon.ts'
import type { Bench } from './bench.ts'
import type { PartRunner } from './parts.ts'

const BENCHES = ['bench', 'test/support']

export class Tree {
  readonly root: string
  /** Short. */
  readonly commit: string

  /** They need not measure as ours do. */
  hasOwnBenches = false

  private constructor(root: string, commit: string) {
    this.root = root
    this.commit = commit
  }

  static ours(): Tree {
    const root = packageRoot()
    build(root)
    return new Tree(root, git('describe', '--always', '--dirty'))
  }

  /** For the benches of these names. Throws where there is no such revision, or it cannot be built. */
  static of(revision: string, names: readonly string[]): Tree {
    const commit = git('rev-parse', '--verify', '--quiet', '--short', `${revision}^{commit}`)
    const root = mkdtempSync(join(tmpdir(), `rawtcp-${commit}-`))
    const tree = new Tree(root, commit)
    try {
      git('worktree', 'add', '--detach', '--force', root, commit)
      for (const folder of BENCHES) {
        rmSync(join(root, folder), { recursive: true, force: true })
        cpSync(join(packageRoot(), folder), join(root, folder), { recursive: true })
      }
      giveModules(root)
      build(root)
      if (!names.every(name => tree.#hasBench(name))) tree.#takeOwnBenches()
    } catch (error) {
      tree.remove()
      throw error
    }
    return tree
  }

  async bench(name: string): Promise<Bench> {
    return ((await import(this.#compiled(`${name}.js`))) as { default: Bench }).default
  }

  async partRunner(): Promise<PartRunner> {
    const parts = (await import(this.#compiled('support/parts.js'))) as typeof import('./parts.ts')
    return new parts.PartRunner(undefined)
  }

  /** Whether its benches can measure in something else than seconds. */
  get hasMeter(): boolean {
    return existsSync(this.#compiled('support/meter.js'))
  }

  /** Ours stays. */
  remove(): void {
    if (this.root === packageRoot()) return
    rmSync(this.root, { recursive: true, force: true })
    git('worktree', 'prune')
  }

  /** Whether it finds what it imports. */
  #hasBench(name: string): boolean {
    const script = `await import(${JSON.stringify(this.#compiled(`${name}.js`))})`
    return spawnSync(process.execPath, ['--input-type=module', '-e', script]).status === 0
  }

  #takeOwnBenches(): void {
    this.hasOwnBenches = true
    for (const folder of BENCHES) rmSync(join(this.root, folder), { recursive: true })
    rmSync(join(this.root, 'build', 'bench'), { recursive: true })
    run(this.root, 'git', 'checkout', '--quiet', '--', ...BENCHES)
    compileBenches(this.root)
  }

  #compiled(file: string): string {
    return join(this.root, 'build', 'bench', 'bench', file)
  }
}

/** Ours serve another version as long as it asks for the same. */
function giveModules(root: string): void {
  const lock = (directory: string): string => readFileSync(join(directory, 'package-lock.json'), 'utf8')
  if (lock(root) === lock(packageRoot())) symlinkSync(join(packageRoot(), 'node_modules'), join(root, 'node_modules'))
  else run(root, 'npm', 'ci', '--no-audit', '--no-fund')
}

function build(root: string): void {
  run(root, 'npm', 'run', 'build')
  compileBenches(root)
}

function compileBenches(root: string): void {
  try {
    run(root, 'npx', 'tsc', '-p', 'bench/tsconfig.json')
  } catch (error) {
    // A bench may ask for what that version does not have yet; the others are compiled all the same.
    if (!existsSync(join(root, 'build', 'bench', 'bench', 'support', 'parts.js'))) throw error
  }
}

function run(directory: string, command: string, ...args: string[]): void {
  try {
    execFileSync(command, args, { cwd: directory, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string }
    throw new Error(`${command} ${args.join(' ')} failed in ${directory}:\n${stdout}${stderr}`)
  }
}

function git(...args: string[]): string {
  const stdio: ['ignore', 'pipe', 'pipe'] = ['ignore', 'pipe', 'pipe']
  try {
    return execFileSync('git', ['-C', packageRoot(), ...args], { encoding: 'utf8', stdio }).trim()
  } catch (error) {
    throw new Error(`git ${args.join(' ')}: ${(error as { stderr: string }).stderr.trim() || 'no such revision'}`)
  }
}
