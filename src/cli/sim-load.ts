// Finds out what kind of file a scenario is, and runs it.

import { readFileSync } from 'node:fs'
import { dirname, extname, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { buildScenario, Network, type Scenario, type ScenarioContext } from '../sim.ts'
import { Failure } from './exit.ts'

const MODULES = ['.js', '.mjs', '.cjs', '.ts', '.mts', '.cts']

/** The network of the scenario in that file, after its run. */
export async function loadScenario(file: string, context: ScenarioContext): Promise<Network> {
  const kind = extname(file)
  try {
    if (kind === '.json') return runData(file, context)
    if (MODULES.includes(kind)) return await runModule(file, context)
  } catch (error) {
    throw explained(error, file)
  }
  throw new Failure(`${file}: a scenario is a file that ends in .json, .js, .mjs or .ts`)
}

function runData(file: string, { seed, durationMs }: ScenarioContext): Network {
  const scenario = parse(readFileSync(file, 'utf8'))
  const folder = dirname(file)
  const net = buildScenario(scenario, { seed, readText: name => readFileSync(resolve(folder, name), 'utf8') })
  net.run(durationMs ?? scenario.durationMs)
  return net
}

function parse(text: string): Scenario {
  try {
    return JSON.parse(text) as Scenario
  } catch (error) {
    throw new Failure(`it is no JSON: ${(error as Error).message}`)
  }
}

async function runModule(file: string, context: ScenarioContext): Promise<Network> {
  const { default: scenario } = (await import(pathToFileURL(resolve(file)).href)) as { default?: unknown }
  if (typeof scenario !== 'function') throw new Failure('its default export must be a function that returns a network')
  const net: unknown = await scenario(context)
  if (isNetwork(net)) return net
  throw new Failure('its function must return the network, or a promise of it, once it has run')
}

/** A module may have got `rawtcp/sim` from another copy of the package than this command is of. */
function isNetwork(value: unknown): value is Network {
  return value instanceof Network || (value as object | null)?.constructor?.name === 'Network'
}

function explained(error: unknown, file: string): unknown {
  if (!(error instanceof Error)) return error
  const { code, syscall } = error as NodeJS.ErrnoException
  if (code === 'ERR_UNKNOWN_FILE_EXTENSION' && /\.[cm]?ts$/.test(file)) {
    return new Failure(
      `${file}: this version of Node (${process.version}) cannot load TypeScript. From 22.18 on it can; with an older one, install tsx and ` +
        `run \`node --import=tsx ${process.argv[1] ?? 'rawtcp'} sim ${file}\`, or make the scenario a .mjs file`
    )
  }
  if (error instanceof Failure || (code?.startsWith('ERR_') && syscall === undefined)) {
    return new Failure(`${file}: ${error.message}${code === undefined ? '' : ` (${code})`}`)
  }
  return error
}
