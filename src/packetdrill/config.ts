// The options of a script: given by whoever runs it, by the command line, or by the script's own first lines, which win.

import { parseAddress } from '../wire/address.ts'
import type { MatchRules } from './match.ts'
import type { Profile } from './settings.ts'
import { ScriptError, Unsupported } from './verdict.ts'

export interface Config extends MatchRules {
  mtu: number
  localIp: string
  remoteIp: string
  strictSegments: boolean
  /** The longest packet that the stack may leave to its network card to cut, bytes; 0 for none. */
  superSegmentBytes: number
  nonFatalPacket: boolean
  profile: Profile
  options: 'exact' | 'set'
  window: 'check' | 'ignore'
  psh: 'check' | 'ignore'
  toleranceUsecs: number
  tsTickUsecs: number
  tsEcrScaled: boolean
  /** Names given by `-D`: words replaced, and blocks of `#ifdef` kept. */
  readonly defines: Map<string, string | undefined>
}

export function defaultConfig(): Config {
  return {
    mtu: 1500,
    localIp: '192.168.0.1',
    remoteIp: '192.0.2.1',
    strictSegments: false,
    superSegmentBytes: 0,
    nonFatalPacket: false,
    profile: 'linux',
    options: 'exact',
    window: 'check',
    psh: 'ignore',
    toleranceUsecs: 4000,
    tsTickUsecs: 0,
    tsEcrScaled: false,
    defines: new Map()
  }
}

type Apply = (config: Config, value: string, name: string) => void

const WORDS: Readonly<Record<string, Apply>> = {
  tolerance_usecs: (config, value, name) => {
    config.toleranceUsecs = number(value, name)
  },
  ip_version: (_, value) => {
    if (value !== 'ipv4') throw new Unsupported(`--ip_version=${value}: IPv4 only`)
  },
  mtu: (config, value, name) => {
    config.mtu = number(value, name)
    if (config.mtu < 68 || config.mtu > 65_535) throw new ScriptError(`--mtu=${value}: 68 to 65535`)
  },
  mss: () => {},
  local_ip: (config, value) => {
    config.localIp = address(value)
  },
  remote_ip: (config, value) => {
    config.remoteIp = address(value)
  },
  gateway_ip: () => {},
  netmask_ip: () => {},
  tcp_ts_tick_usecs: (config, value, name) => {
    config.tsTickUsecs = number(value, name)
  },
  tcp_ts_ecr_scaled: config => {
    config.tsEcrScaled = true
  },
  strict_segments: config => {
    config.strictSegments = true
  },
  super_segments: (config, value, name) => {
    config.superSegmentBytes = number(value, name)
    if (config.superSegmentBytes > 65_535) throw new ScriptError(`--super_segments=${value}: 65535 at most`)
  },
  non_fatal: (config, value) => {
    if (value !== 'packet') throw new Unsupported(`--non_fatal=${value}`)
    config.nonFatalPacket = true
  },
  define: (config, value) => {
    const at = value.indexOf('=')
    if (at < 0) config.defines.set(value, undefined)
    else config.defines.set(value.slice(0, at), value.slice(at + 1))
  },
  options: (config, value, name) => {
    config.options = choice(value, name, ['exact', 'set'])
  },
  window: (config, value, name) => {
    config.window = choice(value, name, ['check', 'ignore'])
  },
  psh: (config, value, name) => {
    config.psh = choice(value, name, ['check', 'ignore'])
  },
  profile: (config, value, name) => {
    config.profile = choice(value, name, ['linux', 'bsd'])
    if (config.profile === 'bsd') {
      config.options = 'set'
      config.window = 'ignore'
    }
  }
}

/** All options of the language, without dashes. */
export const scriptOptionWords: readonly { readonly name: string; readonly takesValue: boolean }[] = Object.keys(
  WORDS
).map(name => ({ name, takesValue: name !== 'tcp_ts_ecr_scaled' && name !== 'strict_segments' }))

/** `name` without dashes, or `D`. */
export function applyOption(config: Config, name: string, value: string | undefined): void {
  const known = name === 'D' ? 'define' : name
  if (!Object.hasOwn(WORDS, known)) throw new Unsupported(`the option --${name}`)
  WORDS[known](config, value ?? '', known)
}

function number(value: string, name: string): number {
  if (!/^\d+$/.test(value)) throw new ScriptError(`--${name}=${value}: a number was expected`)
  return Number(value)
}

function address(value: string): string {
  if (value.includes(':')) throw new Unsupported(`the address ${value}: IPv4 only`)
  if (parseAddress(value) === undefined) throw new ScriptError(`no address: ${value}`)
  return value
}

function choice<const C extends string>(value: string, name: string, choices: readonly C[]): C {
  const found = choices.find(each => each === value)
  if (found === undefined) throw new ScriptError(`--${name}=${value}: ${choices.join(' or ')} was expected`)
  return found
}
