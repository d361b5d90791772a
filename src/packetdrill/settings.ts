// What a script sets outside its calls: profiles and sysctls, as options of the stack. A new sysctl is one line of the table.

import type { Option } from '../options.ts'
import { stackOptions } from '../stack/stack.ts'
import { CONGESTION_CONTROL_NAMES } from '../tcp/congestion/choice.ts'
import { socketOptions } from '../tcp/options.ts'
import { FAST_OPEN_DEFAULT, parseKeys } from './fast-open.ts'

export type Profile = 'linux' | 'bsd'

type Values = Readonly<Record<string, number | boolean | string>>

export class Settings {
  /** Options for sockets made from here on. */
  sockets: Values = {}
  /** Options of the stack as a whole. */
  stack: Values = {}
  /** tcp_fastopen, its bits. */
  fastOpen = FAST_OPEN_DEFAULT
  /** tcp_fastopen_key: empty for a key at random. */
  fastOpenKeys: readonly Uint8Array[] = []
  /** As they were before the first sysctl that a script may take back. */
  #before: Pick<Settings, 'sockets' | 'stack' | 'fastOpen' | 'fastOpenKeys'> | undefined

  /** A sysctl, which the script may take back. Undefined where it was done; else what stands against it. */
  change(name: string, value: string): string | undefined {
    this.#before ??= { ...this }
    return applySysctl(this, name, value)
  }

  restore(): void {
    if (this.#before === undefined) return
    Object.assign(this, this.#before)
    this.#before = undefined
  }
}

/** What a value of a sysctl asks for, or why it cannot be had. */
type Sysctl = (value: string) => Values | string

const flagOf =
  (option: string): Sysctl =>
  value => ({ [option]: Number(value) !== 0 })
const numberOf =
  (option: string, unit = 1): Sysctl =>
  value => ({ [option]: Math.round(Number(value) * unit) })
/** Accepted: nothing here depends on it. */
const nothing: Sysctl = () => ({})

const choice =
  (option: string, words: Readonly<Record<string, string | boolean>>): Sysctl =>
  value =>
    Object.hasOwn(words, value) ? { [option]: words[value] } : `no value ${value}`

/** "min def max": the default is what a socket begins with, the maximum picks the window scale. */
const receiveMemory: Sysctl = value => {
  const [, initial, most] = value.trim().split(/\s+/).map(Number)
  return { receiveBuffer: initial, maximumReceiveBuffer: most }
}

const sendMemory: Sysctl = value => ({ sendBuffer: Number(value.trim().split(/\s+/)[1]) })

const congestionControl: Sysctl = value =>
  CONGESTION_CONTROL_NAMES.some(name => name === value)
    ? { congestionControl: value }
    : `the congestion controllers are ${CONGESTION_CONTROL_NAMES.join(', ')}`

/** By the part of the name that follows net.ipv4. */
const LINUX: Readonly<Record<string, Sysctl>> = {
  tcp_timestamps: flagOf('timestamps'),
  tcp_sack: flagOf('selectiveAcks'),
  tcp_dsack: flagOf('duplicateSacks'),
  tcp_window_scaling: flagOf('windowScaling'),
  tcp_ecn: choice('ecn', { '0': 'off', '1': 'on', '2': 'accept', '3': 'accurate' }),
  tcp_rmem: receiveMemory,
  tcp_wmem: sendMemory,
  tcp_congestion_control: congestionControl,
  tcp_syn_retries: numberOf('synRetries'),
  tcp_synack_retries: numberOf('synAckRetries'),
  tcp_retries1: numberOf('troubleRetries'),
  tcp_retries2: numberOf('retries'),
  tcp_syn_linear_timeouts: numberOf('synLinearTimeouts'),
  tcp_early_retrans: value => ({ tailLossProbe: value === '3' || value === '4' }),
  tcp_recovery: value => ({ rack: (Number(value) & 1) !== 0 }),
  tcp_reordering: numberOf('reordering'),
  tcp_frto: flagOf('forwardRto'),
  tcp_slow_start_after_idle: flagOf('slowStartAfterIdle'),
  tcp_invalid_ratelimit: numberOf('challengeRepeatMs'),
  tcp_keepalive_time: numberOf('keepAliveIdleMs', 1000),
  tcp_keepalive_intvl: numberOf('keepAliveIntervalMs', 1000),
  tcp_keepalive_probes: numberOf('keepAliveProbes'),
  tcp_fin_timeout: numberOf('finWait2Ms', 1000),
  tcp_rto_min_us: numberOf('minRtoMs', 0.001),
  tcp_notsent_lowat: value => ({ notSentLowat: Number(value) >= 2 ** 31 ? 0 : Number(value) }),
  tcp_syncookies: choice('synCookies', { '0': 'off', '1': 'when-full', '2': 'always' }),
  tcp_abort_on_overflow: flagOf('abortOnOverflow'),
  tcp_mtu_probing: choice('blackHoleDetection', { '0': false, '1': true }),
  tcp_base_mss: numberOf('baseMss'),
  tcp_max_tw_buckets: numberOf('timeWaitLimit'),
  tcp_fastopen_blackhole_timeout_sec: numberOf('fastOpenPauseMs', 1000),
  tcp_fastopen_blackhole_timeout: numberOf('fastOpenPauseMs', 1000),
  tcp_tso_win_divisor: nothing,
  tcp_min_tso_segs: nothing,
  tcp_pacing_ss_ratio: nothing,
  tcp_pacing_ca_ratio: nothing,
  tcp_fack: nothing
}

/** ms for a handshake, as SYNs that are sent again until then: at 1, 3, 7 s and so on. */
const handshakeTime: Sysctl = value => {
  const retries = Math.max(0, Math.floor(Math.log2(Number(value) / 1000 + 1)))
  return { synRetries: Math.min(30, retries), synAckRetries: Math.min(30, retries) }
}

const BSD: Readonly<Record<string, Sysctl>> = {
  'net.inet.tcp.rfc1323': value => ({ windowScaling: value !== '0', timestamps: value !== '0' }),
  'net.inet.tcp.sack.enable': flagOf('selectiveAcks'),
  'net.inet.tcp.ecn.enable': choice('ecn', { '0': 'off', '1': 'on', '2': 'accept' }),
  'net.inet.tcp.delacktime': numberOf('delayedAckMs'),
  'net.inet.tcp.keepidle': numberOf('keepAliveIdleMs'),
  'net.inet.tcp.keepintvl': numberOf('keepAliveIntervalMs'),
  'net.inet.tcp.keepcnt': numberOf('keepAliveProbes'),
  'net.inet.tcp.keepinit': handshakeTime,
  'net.inet.tcp.rexmit_initial': numberOf('initialRtoMs'),
  'net.inet.tcp.recvspace': numberOf('receiveBuffer'),
  'net.inet.tcp.sendspace': numberOf('sendBuffer'),
  'kern.ipc.maxsockbuf': numberOf('maximumReceiveBuffer')
}

/** Linux's defaults that differ from the stack's, and what test suites for Linux set before each script. */
const LINUX_PROFILE: Readonly<Record<string, string>> = {
  tcp_timestamps: '1',
  tcp_sack: '1',
  tcp_dsack: '1',
  tcp_window_scaling: '1',
  tcp_ecn: '0',
  tcp_slow_start_after_idle: '0',
  tcp_mtu_probing: '0',
  tcp_fastopen: '1',
  tcp_fastopen_blackhole_timeout_sec: '0',
  tcp_rmem: '4096 540000 15728640',
  tcp_wmem: '4096 262144 4194304',
  tcp_syn_retries: '5',
  tcp_synack_retries: '5',
  tcp_invalid_ratelimit: '500'
}

const BSD_PROFILE: Readonly<Record<string, string>> = {
  'rawtcp.quickAcks': '0',
  'net.inet.tcp.delacktime': '100',
  'net.inet.tcp.recvspace': '65536',
  'net.inet.tcp.sendspace': '32768'
}

/** What is no option of the stack, but of those who use it. */
function applyFastOpen(settings: Settings, name: string, value: string): string | undefined {
  if (name === 'tcp_fastopen') {
    settings.fastOpen = Number(value)
    return undefined
  }
  const keys = parseKeys(value)
  if (keys === undefined) return `${name}: no key: ${value}`
  settings.fastOpenKeys = keys
  return undefined
}

/** Undefined where it was done; else what stands against it. */
export function applySysctl(settings: Settings, name: string, value: string): string | undefined {
  const short = name.replace(/^net\.ipv4\./, '')
  if (short === 'tcp_fastopen' || short === 'tcp_fastopen_key') return applyFastOpen(settings, short, value.trim())
  const sysctl = find(name)
  if (sysctl === undefined) return `unknown sysctl ${name}`
  const change = sysctl(value.trim())
  if (typeof change === 'string') return `${name}=${value}: ${change}`
  for (const [option, wanted] of Object.entries(change)) {
    if (Object.hasOwn(socketOptions, option)) settings.sockets = { ...settings.sockets, [option]: wanted }
    else if (Object.hasOwn(stackOptions, option)) settings.stack = { ...settings.stack, [option]: wanted }
    else return `${name}: the stack has no option ${option}`
  }
  return undefined
}

function find(name: string): Sysctl | undefined {
  if (name.startsWith(OWN)) return ofOurs(name.slice(OWN.length))
  if (Object.hasOwn(BSD, name)) return BSD[name]
  const short = name.replace(/^net\.ipv4\./, '')
  return Object.hasOwn(LINUX, short) ? LINUX[short] : undefined
}

/** Options of the stack by their own names, for what no system has a sysctl for: `rawtcp.delayedAckMs=200`. */
const OWN = 'rawtcp.'

function ofOurs(option: string): Sysctl | undefined {
  const options: Readonly<Record<string, Option>> = { ...socketOptions, ...stackOptions }
  if (!Object.hasOwn(options, option)) return undefined
  const spec = options[option]
  switch (spec.kind) {
    case 'integer':
      return numberOf(option)
    case 'flag':
      return flagOf(option)
    case 'choice':
    case 'factory':
      return value => (spec.choices.includes(value) ? { [option]: value } : `no value ${value}`)
  }
}

/** What the profile has differently from the stack's own defaults. */
export function applyProfile(settings: Settings, profile: Profile): void {
  for (const [name, value] of Object.entries(profile === 'linux' ? LINUX_PROFILE : BSD_PROFILE)) {
    applySysctl(settings, name, value)
  }
  const linux = profile === 'linux'
  settings.sockets = {
    ...settings.sockets,
    repeatOffer: linux,
    congestionControl: linux ? 'cubic' : 'reno',
    slowStartExit: 'hystart'
  }
}
