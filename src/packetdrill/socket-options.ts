// Socket options, by level and name, as options of the stack: a new one is one line of the table. Values are Linux's: seconds
// where Linux counts seconds, buffers doubled as Linux doubles them.

import type { Option } from '../options.ts'
import { CONGESTION_CONTROL_NAMES } from '../tcp/congestion/choice.ts'
import { type SocketValues, socketOptions } from '../tcp/options.ts'
import { describe, field, integer, structure } from './arguments.ts'
import type { Expression } from './ast.ts'
import { ERRNO } from './errno.ts'
import { keysOfBytes, MOST_FAST_OPENS, parseKeys } from './fast-open.ts'
import type { Profile } from './settings.ts'
import type { Outcome, ScriptSocket } from './socket.ts'
import { ScriptError, Unsupported } from './verdict.ts'

/** What an option's value is compared with: a number, a text, or a structure's fields. */
export type Value = number | string | Readonly<Record<string, number>>

interface SocketOption {
  readonly set?: (socket: ScriptSocket, value: Expression, profile: Profile) => Outcome
  /** Undefined where the value cannot be compared in this profile. */
  readonly get?: (socket: ScriptSocket, profile: Profile) => Value | undefined
}

type Level = 'SOL_SOCKET' | 'SOL_TCP' | 'SOL_IP'

const LEVELS: Readonly<Record<string, Level>> = {
  SOL_SOCKET: 'SOL_SOCKET',
  SOL_TCP: 'SOL_TCP',
  IPPROTO_TCP: 'SOL_TCP',
  SOL_IP: 'SOL_IP',
  IPPROTO_IP: 'SOL_IP'
}

/** An option of the stack with a number: `unit` of ours are one of Linux's. */
function number(option: string, unit = 1, least = 0, most = 2 ** 31 - 1): SocketOption {
  return {
    set: (socket, value) => {
      const wanted = integer(value)
      if (wanted < least || wanted > most) return 'EINVAL'
      return store(socket, option, wanted * unit)
    },
    get: socket => Math.round(Number(current(socket, option)) / unit)
  }
}

function flag(option: string): SocketOption {
  return {
    set: (socket, value) => store(socket, option, integer(value) !== 0),
    get: socket => (current(socket, option) === true ? 1 : 0)
  }
}

/** Linux keeps twice what was asked for, half of it for its own records, and says so (man 7 socket). */
function buffer(option: 'receiveBuffer' | 'sendBuffer'): SocketOption {
  const { min, max } = socketOptions[option]
  return {
    set: (socket, value, profile) => {
      const wanted = integer(value) * (profile === 'linux' ? 2 : 1)
      // A receive buffer that somebody has set stays as it is: the window scale is chosen for it.
      if (option === 'receiveBuffer' && socket.connection === undefined) store(socket, 'maximumReceiveBuffer', 0)
      return store(socket, option, Math.min(max, Math.max(min, wanted)))
    },
    get: (socket, profile) =>
      profile === 'bsd' && option === 'receiveBuffer' ? undefined : Number(current(socket, option))
  }
}

const SOCKET_OPTIONS: Readonly<Record<Level, Readonly<Record<string, SocketOption>>>> = {
  SOL_SOCKET: {
    SO_REUSEADDR: {
      set: (socket, value) => {
        socket.reuseAddress = integer(value) !== 0
        return 0
      },
      get: socket => (socket.reuseAddress ? 1 : 0)
    },
    SO_ERROR: {
      get: socket => {
        const error = socket.takeError()
        return error === undefined ? 0 : ERRNO[error]
      }
    },
    SO_TYPE: { get: () => 1 },
    SO_ACCEPTCONN: { get: socket => (socket.kind === 'listening' ? 1 : 0) },
    SO_SNDBUF: buffer('sendBuffer'),
    SO_MAX_PACING_RATE: {
      // All bits set is Linux's "no bound".
      set: (socket, value) => {
        const rate = integer(value)
        return store(socket, 'maxPacingRate', rate < 0 || rate >= 2 ** 32 - 1 ? 0 : rate)
      },
      get: socket => Number(current(socket, 'maxPacingRate')) || 2 ** 32 - 1
    },
    SO_RCVBUF: buffer('receiveBuffer'),
    SO_KEEPALIVE: flag('keepAlive'),
    /** Urgent text always is in line (RFC 6093 §6). */
    SO_OOBINLINE: {
      set: (_, value) => {
        if (integer(value) === 0) throw new Unsupported('urgent text apart from the stream')
        return 0
      },
      get: () => 1
    },
    SO_LINGER: {
      set: (socket, value) => {
        const { onoff, linger } = lingerOf(value)
        socket.lingerMs = onoff === 0 ? -1 : linger * 1000
        return store(socket, 'resetOnClose', socket.lingerMs === 0)
      },
      get: ({ lingerMs }) => ({ onoff: lingerMs < 0 ? 0 : 1, linger: Math.max(0, Math.round(lingerMs / 1000)) })
    }
  },
  SOL_TCP: {
    TCP_NODELAY: flag('noDelay'),
    TCP_MAXSEG: {
      set: (socket, value) => {
        const wanted = integer(value)
        // Linux's bounds: TCP_MIN_MSS, MAX_TCP_WINDOW.
        if (wanted !== 0 && (wanted < 88 || wanted > 32_767)) return 'EINVAL'
        return store(socket, 'maximumSegmentSize', wanted)
      },
      get: socket => {
        const info = socket.connection?.info()
        if (info !== undefined) return info.sndMss - (info.options.timestamps ? 12 : 0)
        return Number(current(socket, 'maximumSegmentSize')) || 536
      }
    },
    TCP_CORK: flag('cork'),
    TCP_USER_TIMEOUT: number('userTimeoutMs'),
    TCP_KEEPIDLE: number('keepAliveIdleMs', 1000, 1, 32_767),
    TCP_KEEPINTVL: number('keepAliveIntervalMs', 1000, 1, 32_767),
    TCP_KEEPCNT: number('keepAliveProbes', 1, 1, 127),
    TCP_LINGER2: number('finWait2Ms', 1000),
    TCP_SYNCNT: number('synRetries', 1, 1, 127),
    TCP_DEFER_ACCEPT: {
      set: (socket, value) => socket.deferAccept(1000 * Math.max(0, integer(value))),
      get: socket => socket.deferAcceptMs / 1000
    },
    TCP_FASTOPEN: {
      set: (socket, value) => {
        const wanted = integer(value)
        if (wanted < 0 || !isUnused(socket)) return 'EINVAL'
        socket.fastOpen.queue = Math.min(wanted, MOST_FAST_OPENS)
        return fastOpenChanged(socket)
      },
      get: socket => socket.fastOpen.queue
    },
    TCP_FASTOPEN_CONNECT: {
      set: (socket, value) => {
        const wanted = integer(value)
        if (wanted < 0 || wanted > 1) return 'EINVAL'
        return socket.connectFast(wanted === 1)
      },
      get: socket => (socket.fastOpen.isForConnect ? 1 : 0)
    },
    TCP_FASTOPEN_NO_COOKIE: {
      set: (socket, value) => {
        const wanted = integer(value)
        if (wanted < 0 || wanted > 1 || !isUnused(socket)) return 'EINVAL'
        socket.fastOpen.noCookie = wanted === 1
        return fastOpenChanged(socket)
      },
      get: socket => (socket.fastOpen.noCookie ? 1 : 0)
    },
    TCP_FASTOPEN_KEY: {
      set: (socket, value) => {
        if (value.kind !== 'string') throw new Unsupported(`TCP_FASTOPEN_KEY ${describe(value)}`)
        const keys = parseKeys(value.value) ?? keysOfBytes(value.value)
        if (keys === undefined) return 'EINVAL'
        socket.fastOpen.keys = keys
        return fastOpenChanged(socket)
      }
    },
    TCP_NOTSENT_LOWAT: number('notSentLowat'),
    TCP_CONGESTION: {
      set: (socket, value) => {
        if (value.kind !== 'string') throw new ScriptError('TCP_CONGESTION takes a name in quotes')
        if (!CONGESTION_CONTROL_NAMES.some(name => name === value.value)) return 'ENOENT'
        return store(socket, 'congestionControl', value.value)
      },
      get: socket => String(current(socket, 'congestionControl'))
    },
    // The fields are compared by %{ }%, where they have names.
    TCP_INFO: { get: () => undefined }
  },
  SOL_IP: {
    IP_TOS: number('typeOfService', 1, 0, 255),
    IP_TTL: number('timeToLive', 1, 1, 255),
    IP_MTU_DISCOVER: {
      set: (socket, value) => {
        const wanted = MTU_DISCOVERY[integer(value)]
        if (wanted === undefined) return 'EINVAL'
        socket.mtuDiscover = integer(value)
        return store(socket, 'pathMtuDiscovery', wanted)
      },
      // WANT and DO differ only for datagrams.
      get: socket => socket.mtuDiscover ?? MTU_DISCOVERY.indexOf(current(socket, 'pathMtuDiscovery') as string)
    }
  }
}

/** By IP_PMTUDISC_DONT, WANT, DO and PROBE. */
const MTU_DISCOVERY: readonly string[] = ['off', 'on', 'on', 'ignore-reports']

/** No connection, or a listener. */
const isUnused = (socket: ScriptSocket): boolean => socket.kind === 'fresh' || socket.kind === 'listening'

function fastOpenChanged(socket: ScriptSocket): Outcome {
  socket.fastOpenChanged()
  return 0
}

function lingerOf(value: Expression): { onoff: number; linger: number } {
  const fields = structure(value)
  const part = (name: string, index: number): number => {
    const found = field(fields, name) ?? field(fields, `l_${name}`) ?? fields[index]?.value
    if (found === undefined) throw new ScriptError(`SO_LINGER needs ${name}`)
    return integer(found)
  }
  return { onoff: part('onoff', 0), linger: part('linger', 1) }
}

/** Options whose name here is not in the stack's table belong to a part that is not there. */
function isKnown(option: string): option is keyof SocketValues {
  return Object.hasOwn(socketOptions, option)
}

function store(socket: ScriptSocket, option: string, value: number | boolean | string): Outcome {
  if (!isKnown(option)) throw new Unsupported(`the stack has no option ${option}`)
  const known: Option = socketOptions[option]
  if (known.kind === 'integer' && (Number(value) < known.min || Number(value) > known.max)) return 'EINVAL'
  if (socket.connection !== undefined && known.live !== true) {
    throw new Unsupported(`changing ${option} on an open connection`)
  }
  socket.setOption(option, value)
  return 0
}

function current(socket: ScriptSocket, option: string): unknown {
  if (!isKnown(option)) throw new Unsupported(`the stack has no option ${option}`)
  return socket.option(option)
}

export function findSocketOption(level: string, name: string): SocketOption {
  if (!Object.hasOwn(LEVELS, level)) throw new Unsupported(`the level ${level}`)
  const options = SOCKET_OPTIONS[LEVELS[level]]
  if (!Object.hasOwn(options, name)) throw new Unsupported(`the socket option ${name}`)
  return options[name]
}

/** What a script says of an option's value, against what it is; undefined where they agree. */
export function compareValue(expected: Expression, actual: Value): string | undefined {
  const said = describe(expected)
  if (typeof actual === 'string') {
    return expected.kind === 'string' && expected.value === actual ? undefined : `expected ${said}, got "${actual}"`
  }
  if (typeof actual === 'number') {
    return integer(expected) === actual ? undefined : `expected ${said}, got ${actual}`
  }
  for (const { name, value } of structure(expected)) {
    const key = (name ?? '').replace(/^l_/, '')
    if (!Object.hasOwn(actual, key)) throw new ScriptError(`no field ${name}`)
    if (value.kind !== 'ellipsis' && integer(value) !== actual[key]) {
      return `expected ${name} ${describe(value)}, got ${actual[key]}`
    }
  }
  return undefined
}
