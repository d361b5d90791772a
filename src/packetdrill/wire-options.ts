// TCP options of a script, to bytes for packets that are injected, and against those of packets that came.

import type { TcpOption } from './ast.ts'
import { FAST_OPEN_MAGIC, type WireOption } from './captured.ts'
import type { Flow } from './flow.ts'
import { ScriptError } from './verdict.ts'

/** What decides how timestamps and options are read: command-line options of the script. */
export interface OptionRules {
  /** Order, nop and eol count, or only kinds and values. */
  readonly options: 'exact' | 'set'
  /** µs a tick of TSval lasts; 0: TSvals are not compared. */
  readonly tsTickUsecs: number
  readonly tsEcrScaled: boolean
  readonly toleranceUsecs: number
}

/** In the place of a cookie: the one that the stack gives the remote address. */
export const AUTO_COOKIE = 'auto'
const AUTO_COOKIE_LENGTH = 8

/** The cookie that `auto` stands for put in its place. */
export function fillInCookie(options: readonly TcpOption[], cookie: () => string): readonly TcpOption[] {
  if (!options.some(option => 'hex' in option && option.hex === AUTO_COOKIE)) return options
  return options.map(option => ('hex' in option && option.hex === AUTO_COOKIE ? { ...option, hex: cookie() } : option))
}

/** The options of a packet that is injected, with live numbers. `hasAck` says whether the TSecr means anything. */
export function encodeOptions(
  options: readonly TcpOption[],
  flow: Flow,
  hasAck: boolean,
  rules: OptionRules
): Uint8Array {
  const bytes: number[] = []
  const word = (n: number): void => {
    bytes.push((n >>> 24) & 255, (n >>> 16) & 255, (n >>> 8) & 255, n & 255)
  }
  for (const option of options) {
    switch (option.kind) {
      case 'eol':
        bytes.push(0)
        break
      case 'nop':
        bytes.push(1)
        break
      case 'mss':
        bytes.push(2, 4, (option.value >> 8) & 255, option.value & 255)
        break
      case 'wscale':
        bytes.push(3, 3, option.value & 255)
        break
      case 'sackOK':
        bytes.push(4, 2)
        break
      case 'sack':
        bytes.push(5, 2 + 8 * option.blocks.length)
        for (const [left, right] of option.blocks) {
          word(flow.oursToWire(left, false))
          word(flow.oursToWire(right, false))
        }
        break
      case 'TS':
        bytes.push(8, 10)
        word(option.val)
        word(hasAck ? echoOnWire(option.ecr, flow, rules) : option.ecr)
        break
      case 'md5':
        bytes.push(19, 2 + option.hex.length / 2, ...fromHex(option.hex))
        break
      case 'FO':
        bytes.push(34, 2 + option.hex.length / 2, ...fromHex(option.hex))
        break
      case 'FOEXP':
        bytes.push(254, 4 + option.hex.length / 2, FAST_OPEN_MAGIC >> 8, FAST_OPEN_MAGIC & 255, ...fromHex(option.hex))
        break
      case 'kind':
        bytes.push(option.number, 2 + option.hex.length / 2, ...fromHex(option.hex))
        break
      case 'bytes':
        bytes.push(...fromHex(option.hex))
    }
  }
  refuseOddLength(bytes.length)
  return Uint8Array.from(bytes)
}

/** A TSval that the script expected earlier, as it was; else shifted, where the script wants that. 0 is the echo of none. */
function echoOnWire(ecr: number, flow: Flow, rules: OptionRules): number {
  const known = flow.echoOnWire(ecr)
  if (known !== undefined) return known
  const shifted = rules.tsEcrScaled ? flow.timestampOnWire(ecr) : undefined
  if (shifted !== undefined) return shifted
  if (ecr === 0) return 0
  throw new ScriptError(`the script never expected a TSval ${ecr} that this TSecr could echo`)
}

function fromHex(hex: string): number[] {
  return hex.match(/../g)?.map(pair => Number.parseInt(pair, 16)) ?? []
}

function refuseOddLength(length: number): void {
  if (length % 4 !== 0) throw new ScriptError(`the options take ${length} bytes, which is no multiple of 4`)
  if (length > 40) throw new ScriptError(`the options take ${length} bytes, and 40 is the most`)
}

export function optionsLength(options: readonly TcpOption[]): number {
  return options.reduce((length, option) => length + optionLength(option), 0)
}

const cookieLength = (hex: string): number => (hex === AUTO_COOKIE ? AUTO_COOKIE_LENGTH : hex.length / 2)

function optionLength(option: TcpOption): number {
  switch (option.kind) {
    case 'nop':
    case 'eol':
      return 1
    case 'sackOK':
      return 2
    case 'wscale':
      return 3
    case 'mss':
      return 4
    case 'TS':
      return 10
    case 'sack':
      return 2 + 8 * option.blocks.length
    case 'FO':
      return 2 + cookieLength(option.hex)
    case 'FOEXP':
      return 4 + cookieLength(option.hex)
    case 'bytes':
      return option.hex.length / 2
    default:
      return 2 + option.hex.length / 2
  }
}

/** What differs between the options expected and those that came, undefined for nothing. */
export function compareOptions(
  expected: readonly TcpOption[],
  actual: readonly WireOption[],
  flow: Flow,
  rules: OptionRules
): string | undefined {
  refuseOddLength(optionsLength(expected))
  const wanted = rules.options === 'exact' ? expected : inOrderOfKind(expected)
  const came = rules.options === 'exact' ? actual : inOrderOfKind(actual)
  const isSame = wanted.length === came.length && wanted.every((option, i) => agrees(option, came[i], flow, rules))
  return isSame ? undefined : `options: expected ${formatScript(expected)}, got ${formatWire(actual, flow)}`
}

function inOrderOfKind<O extends { readonly kind: string }>(options: readonly O[]): O[] {
  return options.filter(({ kind }) => kind !== 'nop' && kind !== 'eol').sort((a, b) => (a.kind < b.kind ? -1 : 1))
}

function agrees(expected: TcpOption, actual: WireOption, flow: Flow, rules: OptionRules): boolean {
  switch (expected.kind) {
    case 'mss':
    case 'wscale':
      return actual.kind === expected.kind && actual.value === expected.value
    case 'sack':
      return actual.kind === 'sack' && sameBlocks(expected.blocks, actual.blocks, flow)
    case 'TS':
      return (
        actual.kind === 'TS' && actual.ecr === expected.ecr >>> 0 && isInTime(expected.val, actual.val, flow, rules)
      )
    case 'md5':
    case 'FO':
    case 'FOEXP':
    case 'bytes':
      return actual.kind === expected.kind && actual.hex === expected.hex.toLowerCase()
    case 'kind':
      return actual.kind === 'kind' && actual.number === expected.number && actual.hex === expected.hex.toLowerCase()
    default:
      return actual.kind === expected.kind
  }
}

type Blocks = readonly (readonly [number, number])[]

function sameBlocks(expected: Blocks, actual: Blocks, flow: Flow): boolean {
  return (
    expected.length === actual.length &&
    expected.every(
      ([left, right], i) =>
        flow.peerToWire(left, false) === actual[i][0] && flow.peerToWire(right, false) === actual[i][1]
    )
  )
}

/** Clocks tick apart from each other: one tick more or less is no difference. */
function isInTime(script: number, live: number, flow: Flow, rules: OptionRules): boolean {
  const wanted = flow.timestampOnWire(script)
  if (rules.tsTickUsecs === 0 || wanted === undefined) return true
  return Math.abs((live - wanted) | 0) * rules.tsTickUsecs <= rules.toleranceUsecs + rules.tsTickUsecs
}

/** TSvals that matched, for what the script's peer echoes later. */
export function noteTimestamps(expected: readonly TcpOption[], actual: readonly WireOption[], flow: Flow): void {
  const script = expected.find(({ kind }) => kind === 'TS')
  const live = actual.find(({ kind }) => kind === 'TS')
  if (script?.kind === 'TS' && live?.kind === 'TS') flow.noteTimestamp(script.val, live.val)
}

// --- As text, in the notation of scripts ---

export function formatScript(options: readonly TcpOption[]): string {
  return `<${options.map(option => formatOption(option, edge => edge)).join(',')}>`
}

export function formatWire(options: readonly WireOption[], flow: Flow): string {
  return `<${options
    .map(option => {
      const inScript = option.kind === 'TS' ? { ...option, val: flow.timestampInScript(option.val) } : option
      return formatOption(inScript, edge => flow.peerToScript(edge, false))
    })
    .join(',')}>`
}

function formatOption(option: TcpOption, edge: (n: number) => number): string {
  switch (option.kind) {
    case 'mss':
    case 'wscale':
      return `${option.kind} ${option.value}`
    case 'sack':
      return `sack ${option.blocks.map(([left, right]) => `${edge(left)}:${edge(right)}`).join(' ')}`
    case 'TS':
      return `TS val ${option.val} ecr ${option.ecr}`
    case 'md5':
    case 'FO':
    case 'FOEXP':
      return option.hex === '' ? option.kind : `${option.kind} ${option.hex}`
    case 'bytes':
      return `bytes ${option.hex}`
    case 'kind':
      return `kind ${option.number} ${option.hex}`.trimEnd()
    default:
      return option.kind
  }
}
