// System calls by name: what their arguments mean, and what they do to a socket (socket.ts). A handler reads its arguments
// and answers an attempt, which is made until it has an outcome; what a call gives back besides its result is compared
// by the checks it leaves.

import {
  describe,
  endpoint,
  field,
  integer,
  isDefault,
  isNull,
  pointee,
  structure,
  vectorLength,
  word
} from './arguments.ts'
import type { Call, Expression } from './ast.ts'
import type { Profile } from './settings.ts'
import { type Attempt, type Endpoint, type Outcome, ScriptSocket, type SocketWorld } from './socket.ts'
import { compareValue, findSocketOption } from './socket-options.ts'
import { ScriptError, Unsupported } from './verdict.ts'
import { WORDS } from './words.ts'

/** What calls need of the script that they are in. */
export interface CallWorld extends SocketWorld {
  readonly profile: Profile
  /** Open descriptors by the numbers that the script gives them. */
  readonly descriptors: Map<number, ScriptSocket>
  /** Where `bind` and `connect` lead unless the script says otherwise. */
  readonly bindDefault: Endpoint
  readonly connectDefault: Endpoint
}

/** A call under way. */
export interface CallContext {
  readonly world: CallWorld
  readonly args: readonly Expression[]
  /** The number that the script says the call returns. */
  readonly expected: number | undefined
  /** Run once the call has succeeded; each answers what is wrong, or undefined. */
  readonly checks: (() => string | undefined)[]
}

type Handler = (call: CallContext) => Attempt

/** For calls that never block. */
const at = (work: () => Outcome): Attempt => work

export function beginCall(
  world: CallWorld,
  call: Call,
  expected: number | undefined
): CallContext & { attempt: Attempt } {
  const found = Object.hasOwn(CALLS, call.name) ? CALLS[call.name] : undefined
  if (found === undefined) throw new Unsupported(`the system call ${call.name}`)
  const [least, most, handler] = found
  if (call.args.length < least || call.args.length > most) {
    throw new ScriptError(
      `${call.name} takes ${least === most ? least : `${least} to ${most}`} arguments, not ${call.args.length}`
    )
  }
  const context: CallContext = { world, args: call.args, expected, checks: [] }
  return { ...context, attempt: handler(context) }
}

/** Calls on a descriptor: EBADF for one that is not open. */
const on =
  (work: (socket: ScriptSocket, call: CallContext) => Attempt): Handler =>
  call => {
    const socket = call.world.descriptors.get(integer(call.args[0]))
    return socket === undefined ? () => 'EBADF' : work(socket, call)
  }

const CALLS: Readonly<Record<string, readonly [least: number, most: number, handler: Handler]>> = {
  socket: [3, 3, socket],
  bind: [3, 3, on(bind)],
  listen: [2, 2, on((socket, { args }) => at(() => socket.listen(integer(args[1]))))],
  accept: [3, 3, on((socket, call) => accept(socket, call, 0))],
  accept4: [4, 4, on((socket, call) => accept(socket, call, integer(call.args[3])))],
  connect: [3, 3, on(connect)],
  read: [3, 3, on((socket, { args }) => read(socket, args[1], integer(args[2]), 0))],
  readv: [3, 3, on((socket, { args }) => read(socket, args[1], vectorLength(args[1], args[2]), 0))],
  recv: [4, 4, on((socket, { args }) => read(socket, args[1], integer(args[2]), flags(args[3])))],
  recvfrom: [6, 6, on(receiveFrom)],
  recvmsg: [3, 3, on((socket, { args }) => read(socket, args[1], messageLength(args[1]), flags(args[2])))],
  write: [3, 3, on((socket, { args }) => write(socket, args[1], integer(args[2]), 0))],
  writev: [3, 3, on((socket, { args }) => write(socket, args[1], vectorLength(args[1], args[2]), 0))],
  send: [4, 4, on((socket, call) => sendTo(socket, call, undefined))],
  sendto: [6, 6, on((socket, call) => sendTo(socket, call, call.args[4]))],
  sendmsg: [3, 3, on(sendMessage)],
  close: [1, 1, on(close)],
  shutdown: [2, 2, on(shutdown)],
  fcntl: [2, 3, on(fcntl)],
  ioctl: [3, 3, on(ioctl)],
  getsockopt: [5, 5, on(getsockopt)],
  setsockopt: [5, 5, on(setsockopt)],
  poll: [3, 3, poll]
}

function socket({ world, args, expected }: CallContext): Attempt {
  const domain = isDefault(args[0]) ? WORDS.AF_INET : integer(args[0])
  if (domain !== WORDS.AF_INET) throw new Unsupported(`sockets of the family ${describe(args[0])}`)
  const type = integer(args[1])
  if ((type & 15) !== WORDS.SOCK_STREAM) throw new Unsupported(`sockets of the type ${describe(args[1])}`)
  if (!isDefault(args[2]) && integer(args[2]) !== WORDS.IPPROTO_TCP && integer(args[2]) !== 0) {
    throw new Unsupported(`the protocol ${describe(args[2])}`)
  }
  return at(() => {
    const made = new ScriptSocket(world)
    made.nonBlocking = (type & WORDS.SOCK_NONBLOCK) !== 0
    return descriptorFor(world, made, expected)
  })
}

/** A descriptor is known by the number that the script says was returned. */
function descriptorFor(world: CallWorld, made: ScriptSocket, expected: number | undefined): number {
  let number = expected ?? 3
  if (expected === undefined || expected < 0) while (world.descriptors.has(number) || number < 0) number++
  if (world.descriptors.has(number)) throw new ScriptError(`descriptor ${number} is open already`)
  world.descriptors.set(number, made)
  return number
}

function accept(socket: ScriptSocket, { world, args, expected }: CallContext, type: number): Attempt {
  if (!isDefault(args[1]) && !isNull(args[1]))
    throw new Unsupported(`the peer's address from accept, ${describe(args[1])}`)
  return socket.accept(made => {
    made.nonBlocking = (type & WORDS.SOCK_NONBLOCK) !== 0
    return descriptorFor(world, made, expected)
  })
}

function bind(socket: ScriptSocket, { world, args }: CallContext): Attempt {
  if (isNull(args[1])) return () => 'EFAULT'
  return at(() => socket.bind(endpoint(args[1], world.bindDefault)))
}

function connect(socket: ScriptSocket, { world, args }: CallContext): Attempt {
  if (isNull(args[1])) return () => 'EFAULT'
  return socket.connect(endpoint(args[1], world.connectDefault))
}

const READ_FLAGS = WORDS.MSG_PEEK | WORDS.MSG_DONTWAIT | WORDS.MSG_WAITALL | WORDS.MSG_NOSIGNAL | WORDS.MSG_TRUNC
const WRITE_FLAGS = WORDS.MSG_DONTWAIT | WORDS.MSG_NOSIGNAL | WORDS.MSG_EOR | WORDS.MSG_MORE | WORDS.MSG_OOB

const flags = (expression: Expression): number => (isDefault(expression) ? 0 : integer(expression))

function refuseFlags(given: number, known: number): void {
  const unknown = given & ~known
  if (unknown === 0) return
  const names = Object.keys(WORDS).filter(name => name.startsWith('MSG_') && (WORDS[name] & unknown) !== 0)
  throw new Unsupported(`the flag ${names.join('|') || `0x${unknown.toString(16)}`}`)
}

function read(socket: ScriptSocket, buffer: Expression, length: number, given: number): Attempt {
  refuseFlags(given, READ_FLAGS)
  if (isNull(buffer) && length > 0) return () => 'EFAULT'
  const dontWait = (given & WORDS.MSG_DONTWAIT) !== 0
  const attempt = socket.read(length, {
    peek: (given & WORDS.MSG_PEEK) !== 0,
    waitAll: (given & WORDS.MSG_WAITALL) !== 0,
    truncate: (given & WORDS.MSG_TRUNC) !== 0,
    dontWait
  })
  return orAgain(socket, dontWait, attempt)
}

function write(socket: ScriptSocket, buffer: Expression, length: number, given: number): Attempt {
  refuseFlags(given, WRITE_FLAGS)
  if (isNull(buffer) && length > 0) return () => 'EFAULT'
  const dontWait = (given & WORDS.MSG_DONTWAIT) !== 0
  const how = { more: (given & WORDS.MSG_MORE) !== 0, urgent: (given & WORDS.MSG_OOB) !== 0 }
  return orAgain(socket, dontWait, socket.write(length, dontWait, how))
}

function sendTo(socket: ScriptSocket, { world, args }: CallContext, to: Expression | undefined): Attempt {
  return sendGiven(socket, world, args[1], integer(args[2]), flags(args[3]), to)
}

function sendMessage(socket: ScriptSocket, { world, args }: CallContext): Attempt {
  const to = field(structure(args[1]), 'msg_name')
  return sendGiven(socket, world, args[1], messageLength(args[1]), flags(args[2]), to)
}

/** An address counts only for MSG_FASTOPEN: else a connected socket knows its own. */
function sendGiven(
  socket: ScriptSocket,
  world: CallWorld,
  buffer: Expression,
  length: number,
  given: number,
  to: Expression | undefined
): Attempt {
  if ((given & WORDS.MSG_FASTOPEN) === 0) return write(socket, buffer, length, given)
  refuseFlags(given, WRITE_FLAGS | WORDS.MSG_FASTOPEN)
  const remote = to === undefined || isNull(to) ? undefined : endpoint(to, world.connectDefault)
  const dontWait = (given & WORDS.MSG_DONTWAIT) !== 0
  const attempt = socket.sendFast(length, remote, dontWait, { more: (given & WORDS.MSG_MORE) !== 0 })
  return orAgain(socket, dontWait, attempt)
}

/** EAGAIN instead of blocking. */
function orAgain(socket: ScriptSocket, dontWait: boolean, attempt: Attempt): Attempt {
  return () => attempt() ?? (dontWait || socket.nonBlocking ? 'EAGAIN' : undefined)
}

function receiveFrom(socket: ScriptSocket, { args }: CallContext): Attempt {
  if (!isDefault(args[4]) && !isNull(args[4])) {
    throw new Unsupported(`the sender's address from recvfrom, ${describe(args[4])}`)
  }
  return read(socket, args[1], integer(args[2]), flags(args[3]))
}

function messageLength(message: Expression): number {
  const vector = structure(message).find(({ name }) => name === 'msg_iov')
  if (vector === undefined) throw new ScriptError('the message needs msg_iov')
  return vectorLength(vector.value, vector.size)
}

function close(socket: ScriptSocket, { world, args }: CallContext): Attempt {
  const attempt = socket.close()
  return () => {
    world.descriptors.delete(integer(args[0]))
    return attempt()
  }
}

function shutdown(socket: ScriptSocket, { args }: CallContext): Attempt {
  const how = integer(args[1])
  if (how < WORDS.SHUT_RD || how > WORDS.SHUT_RDWR) return () => 'EINVAL'
  return at(() => socket.shutdown(how !== WORDS.SHUT_WR, how !== WORDS.SHUT_RD))
}

function fcntl(socket: ScriptSocket, { args }: CallContext): Attempt {
  switch (integer(args[1])) {
    case WORDS.F_GETFL:
      return () => WORDS.O_RDWR | (socket.nonBlocking ? WORDS.O_NONBLOCK : 0)
    case WORDS.F_SETFL: {
      if (args.length < 3) throw new ScriptError('F_SETFL needs flags')
      const wanted = integer(args[2])
      return at(() => {
        socket.nonBlocking = (wanted & WORDS.O_NONBLOCK) !== 0
        return 0
      })
    }
    default:
      throw new Unsupported(`fcntl ${describe(args[1])}`)
  }
}

function ioctl(socket: ScriptSocket, { args, checks }: CallContext): Attempt {
  const request = integer(args[1])
  const expected = pointee(args[2])
  return at(() => {
    if (socket.kind === 'listening') return 'EINVAL'
    const value = ioctlValue(socket, request, args[1])
    if (expected !== undefined) checks.push(() => compareValue(expected, value))
    return 0
  })
}

function ioctlValue(socket: ScriptSocket, request: number, named: Expression): number {
  const info = socket.connection?.info()
  switch (request) {
    case WORDS.SIOCINQ:
      return socket.readableBytes
    case WORDS.SIOCOUTQ:
      return (info?.unacked ?? 0) + (info?.notsentBytes ?? 0)
    case WORDS.SIOCOUTQNSD:
      return info?.notsentBytes ?? 0
    case WORDS.SIOCATMARK: // the last urgent octet is the next to be read
      return socket.connection?.urgentBytes === 1 ? 1 : 0
    default:
      throw new Unsupported(`ioctl ${describe(named)}`)
  }
}

function getsockopt(socket: ScriptSocket, { world, args, checks }: CallContext): Attempt {
  const name = word(args[2])
  const option = findSocketOption(word(args[1]), name)
  const { get } = option
  if (get === undefined) return () => 'ENOPROTOOPT'
  if (isNull(args[3]) || isNull(args[4])) return () => 'EFAULT'
  const expected = pointee(args[3])
  return at(() => {
    const value = get(socket, world.profile)
    if (expected === undefined || value === undefined) return 0
    checks.push(() => {
      const difference = compareValue(expected, value)
      return difference === undefined ? undefined : `${name}: ${difference}`
    })
    return 0
  })
}

function setsockopt(socket: ScriptSocket, { world, args }: CallContext): Attempt {
  const name = word(args[2])
  const { set } = findSocketOption(word(args[1]), name)
  if (set === undefined) return () => 'ENOPROTOOPT'
  if (isNull(args[3])) return () => 'EFAULT'
  const value = pointee(args[3])
  if (value === undefined) throw new ScriptError(`${name} needs a value`)
  return at(() => set(socket, value, world.profile))
}

/** Linux's poll: descriptors in order, a negative one skipped, POLLNVAL for one that is not open. */
function poll({ world, args, checks }: CallContext): Attempt {
  if (args[0].kind !== 'list') throw new ScriptError('poll takes a list of structures')
  const entries = args[0].items.map(item => {
    const fields = structure(item)
    const [fd, events, revents] = ['fd', 'events', 'revents'].map(name => field(fields, name))
    if (fd === undefined || events === undefined) throw new ScriptError('poll needs fd and events')
    return { fd: integer(fd), events: integer(events), revents }
  })
  const timeout = integer(args[2])
  const deadline = timeout < 0 ? Number.POSITIVE_INFINITY : world.now() + timeout
  world.wakeAt(deadline)
  return () => {
    const ready = entries.map(({ fd, events }) => readyEvents(world.descriptors.get(fd), fd, events))
    const count = ready.filter(events => events !== 0).length
    if (count === 0 && world.now() < deadline) return undefined
    for (const [i, { fd, revents }] of entries.entries()) {
      if (revents === undefined || isDefault(revents)) continue
      checks.push(() => {
        const wanted = integer(revents)
        return wanted === ready[i]
          ? undefined
          : `revents of ${fd}: expected ${eventNames(wanted)}, got ${eventNames(ready[i])}`
      })
    }
    return count
  }
}

function readyEvents(socket: ScriptSocket | undefined, fd: number, events: number): number {
  if (fd < 0) return 0
  if (socket === undefined) return WORDS.POLLNVAL
  const is = socket.readiness()
  let ready = 0
  if (is.in) ready |= WORDS.POLLIN | WORDS.POLLRDNORM
  if (is.out) ready |= WORDS.POLLOUT | WORDS.POLLWRNORM
  if ((socket.connection?.urgentBytes ?? 0) > 0) ready |= WORDS.POLLPRI
  if (is.rdhup) ready |= WORDS.POLLRDHUP
  if (is.err) ready |= WORDS.POLLERR
  if (is.hup) ready |= WORDS.POLLHUP
  return ready & (events | WORDS.POLLERR | WORDS.POLLHUP)
}

function eventNames(events: number): string {
  const names = Object.keys(WORDS).filter(name => name.startsWith('POLL') && (WORDS[name] & events) !== 0)
  return names.length === 0 ? '0' : names.join('|')
}
