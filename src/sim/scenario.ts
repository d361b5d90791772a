// Scenarios as plain data, from a JSON file for example: checked, then built. Whatever makes no sense is an error with a code,
// whose message says where in the scenario it stands and what may stand there.

import { typeError } from '../errors.ts'
import type { ChannelOptions } from '../link/path/channel.ts'
import { checkNames } from './check.ts'
import type { CrossTrafficOptions } from './cross-traffic.ts'
import type { FlowOptions } from './flow.ts'
import { type LinkOptions, Network, type NodeOptions } from './network.ts'
import type { ProbeOptions } from './probe.ts'

type Names = readonly [string, string]

/** Names stand for nodes. `{ "file": name }` may stand for the text of a trace. */
export interface Scenario {
  readonly seed?: number
  /** How long it runs, ms of virtual time. */
  readonly durationMs: number
  readonly mtu?: number
  /** Options of each host by its name, or the names alone. */
  readonly hosts: Readonly<Record<string, NodeOptions>> | readonly string[]
  readonly routers?: readonly string[]
  readonly links: readonly ({ readonly between: Names; readonly back?: ChannelOptions } & LinkOptions)[]
  readonly flows?: readonly ({ readonly from: string; readonly to: string; readonly count?: number } & FlowOptions)[]
  readonly crossTraffic?: readonly CrossTrafficOptions[]
  /** Of a flow by its name, or of a link in the direction that is named. */
  readonly probes?: readonly ({ readonly flow?: string; readonly link?: Names } & ProbeOptions)[]
  readonly events?: readonly ScenarioEvent[]
}

/** What happens to a link: one of the three. */
export interface ScenarioEvent {
  readonly atMs: number
  readonly link: Names
  readonly cut?: true
  readonly restore?: true
  readonly set?: ChannelOptions
}

/** What the default export of a module that is a scenario gets: what the user asks for in place of its own. */
export interface ScenarioContext {
  readonly seed?: number | undefined
  readonly durationMs?: number | undefined
}

export interface ScenarioSettings {
  /** In place of the scenario's own. */
  readonly seed?: number | undefined
  /** Reads a file that a scenario names; without it, none may be named. */
  readonly readText?: (name: string) => string
  /** As `Network` has it. */
  readonly digest?: boolean
}

const NAMES = ['seed', 'durationMs', 'mtu', 'hosts', 'routers', 'links', 'flows', 'crossTraffic', 'probes', 'events']

/** Checks a scenario and builds its network, ready to run. Throws ERR_* for what makes no sense. */
export function buildScenario(scenario: Scenario, settings: ScenarioSettings = {}): Network {
  const { seed = scenario?.seed, readText, digest = false } = settings
  mustBeObject(scenario, 'the scenario')
  checkNames(scenario, NAMES, 'a scenario')
  duration(scenario)
  const { mtu } = scenario
  const net = new Network({ digest, ...(seed !== undefined && { seed }), ...(mtu !== undefined && { mtu }) })
  addNodes(net, scenario)
  each(scenario.links, 'links', entry => {
    const { between, back = {}, ...options } = withFiles(entry, readText)
    const [a, b] = pair(between, 'between')
    net.link(a, b, options, back)
  })
  each(scenario.flows ?? [], 'flows', ({ count = 1, ...options }) => {
    if (!(Number.isInteger(count) && count > 0)) throw wrong('"count" must be a whole number above 0')
    for (let i = 0; i < count; i++) {
      net.flow(count > 1 && options.name !== undefined ? { ...options, name: `${options.name}${i + 1}` } : options)
    }
  })
  each(scenario.crossTraffic ?? [], 'crossTraffic', options => void net.crossTraffic(options))
  each(scenario.probes ?? [], 'probes', ({ flow, link, ...options }) => {
    if ((flow === undefined) === (link === undefined))
      throw wrong('it must have either "flow", a name, or "link", two names')
    net.probe(flow === undefined ? net.wire(...pair(link, 'link')) : net.flowNamed(flow), options)
  })
  each(scenario.events ?? [], 'events', event => addEvent(net, withFiles(event, readText)))
  return net
}

function duration({ durationMs }: Scenario): void {
  if (typeof durationMs === 'number' && durationMs > 0 && durationMs < Infinity) return
  throw wrong(`The scenario needs "durationMs", how long it runs: a number above 0. Received ${String(durationMs)}`)
}

function addNodes(net: Network, { hosts, routers = [] }: Scenario): void {
  if (Array.isArray(hosts)) each(hosts as readonly string[], 'hosts', name => void net.host(name))
  else {
    mustBeObject(hosts, '"hosts"')
    for (const [name, options] of Object.entries(hosts as Record<string, NodeOptions>)) {
      at(`hosts.${name}`, () => {
        mustBeObject(options, 'it')
        net.host(name, options)
      })
    }
  }
  each(routers, 'routers', name => void net.router(name))
}

function addEvent(net: Network, event: ScenarioEvent): void {
  checkNames(event, ['atMs', 'link', 'cut', 'restore', 'set'], 'an event')
  const { atMs, link, cut, restore, set } = event
  if (!(typeof atMs === 'number' && atMs >= 0)) throw wrong('"atMs" must be 0 or more')
  const [a, b] = pair(link, 'link')
  const joined = net.linkBetween(a, b)
  if ([cut === true, restore === true, set !== undefined].filter(Boolean).length !== 1) {
    throw wrong('it must have one of "cut": true, "restore": true, and "set" with the options that change')
  }
  net.at(atMs, () => {
    if (cut) joined.cut()
    else if (restore) joined.restore()
    else joined.set(set as ChannelOptions)
  })
}

/** Puts the text of files where `{ "file": name }` stands. */
function withFiles<T>(value: T, readText: ScenarioSettings['readText']): T {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(item => withFiles(item, readText)) as T
  const entries = Object.entries(value)
  if (entries.length === 1 && entries[0][0] === 'file') {
    if (readText === undefined) throw wrong('files cannot be read here: put the text in place of them')
    return readText(String(entries[0][1])) as T
  }
  return Object.fromEntries(entries.map(([name, item]) => [name, withFiles(item, readText)])) as T
}

function each<T>(list: readonly T[], name: string, add: (item: T) => void): void {
  if (!Array.isArray(list)) throw wrong(`"${name}" must be a list`)
  list.forEach((item, index) => {
    at(`${name}[${index}]`, () => {
      if (typeof item !== 'string') mustBeObject(item, 'it')
      add(item)
    })
  })
}

/** Whatever goes wrong in there says where it was. */
function at(where: string, work: () => void): void {
  try {
    work()
  } catch (error) {
    if (error instanceof Error && 'code' in error) error.message = `${where}: ${error.message}`
    throw error
  }
}

function pair(names: unknown, option: string): Names {
  if (Array.isArray(names) && names.length === 2 && names.every(name => typeof name === 'string')) {
    return names as unknown as Names
  }
  throw wrong(`"${option}" must be the names of two nodes, such as ["a", "b"]`)
}

function mustBeObject(value: unknown, what: string): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong(`${what} must be an object`)
}

function wrong(message: string): TypeError {
  return typeError('ERR_INVALID_ARG_VALUE', message)
}
