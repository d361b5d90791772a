// Carries out the events of a script in order, and stops at the first thing that is not as it says.

import { parseAddress } from '../wire/address.ts'
import { isIcmpError } from '../wire/icmp.ts'
import { ACK, SYN } from '../wire/segment.ts'
import { describe, integer, isDefault } from './arguments.ts'
import type { Call, Event, IcmpPacket, Script, TcpOption, TcpPacket, When } from './ast.ts'
import { buildIcmp, buildTcp, quote, type TcpFields } from './build.ts'
import { beginCall, type CallContext } from './calls.ts'
import { parseCode, runCode, type Scope } from './code.ts'
import { carryOutCommands } from './commands.ts'
import type { Config } from './config.ts'
import { ERRNO, isErrno } from './errno.ts'
import type { Flow } from './flow.ts'
import { infoValue } from './info.ts'
import {
  comparePacket,
  continuesRun,
  flagBits,
  formatCaptured,
  formatExpected,
  isTcp,
  type Run,
  runLength,
  type TcpCaptured
} from './match.ts'
import { describeEnds } from './report.ts'
import { type Allowed, deadline, mistimed, Schedule, seconds } from './schedule.ts'
import { applyProfile } from './settings.ts'
import type { Attempt, Outcome } from './socket.ts'
import { Mismatch, Unsupported } from './verdict.ts'
import { encodeOptions, fillInCookie, noteTimestamps } from './wire-options.ts'
import { World } from './world.ts'

export interface Note {
  readonly line: number
  readonly text: string
}

/** A blocking call under way. */
interface Pending {
  readonly line: number
  readonly call: Call
  readonly attempt: Attempt
  readonly context: CallContext
  readonly returns: Allowed
}

export interface RunnerOptions {
  readonly config: Config
  readonly seed: number
  readonly shuffle: boolean
  readonly strictCommands: boolean
}

export class Runner {
  /** The line that is being carried out: for whoever catches. */
  line = 1
  readonly notes: Note[] = []
  readonly world: World
  readonly #config: Config
  readonly #options: RunnerOptions
  readonly #schedule: Schedule
  readonly #names: Scope['names'] = new Map()
  #pending: Pending | undefined

  constructor(options: RunnerOptions) {
    const { config } = options
    this.#options = options
    this.#config = config
    this.#schedule = new Schedule(config.toleranceUsecs)
    this.world = new World({
      profile: config.profile,
      localAddress: parseAddress(config.localIp) ?? 0,
      remoteAddress: parseAddress(config.remoteIp) ?? 0,
      remoteIp: config.remoteIp,
      mtu: config.mtu,
      superSegmentBytes: config.superSegmentBytes,
      seed: options.seed,
      shuffle: options.shuffle
    })
    this.world.onStep = () => this.#askPending()
    applyProfile(this.world.settings, config.profile)
  }

  run(script: Script): void {
    if (script.init !== undefined) {
      this.line = script.init.line
      this.#shell(script.init.text)
    }
    for (const event of script.events) {
      this.line = event.line
      this.#carryOut(event)
      this.#schedule.base = this.world.now()
    }
    this.#finishPending()
    this.#noteLeftovers()
    if (script.cleanup !== undefined) {
      this.line = script.cleanup.line
      this.#shell(script.cleanup.text)
    }
  }

  #carryOut(event: Event): void {
    switch (event.kind) {
      case 'packet':
        if (event.packet.kind === 'icmp') this.#injectIcmp(event.when, event.packet)
        else if (event.packet.inbound) this.#inject(event.when, event.packet)
        else this.#expect(event.when, event.packet)
        return
      case 'call':
        return this.#call(event.line, event.when, event.call)
      case 'shell':
        return this.#at(event.when, () => this.#shell(event.shell.text))
      case 'code':
        return this.#at(event.when, () => this.#code(event.text))
    }
  }

  #at(when: When, work: () => void): void {
    this.world.doAt(this.#schedule.start(when), work)
  }

  // --- Packets in ---

  #inject(when: When, packet: TcpPacket): void {
    this.#at(when, () => {
      const flags = flagBits(packet.flags)
      const isSyn = (flags & SYN) !== 0
      const ports = packet.ports && { local: packet.ports.destination, remote: packet.ports.source }
      const flow = this.world.flowFor(ports, isSyn && (flags & ACK) === 0)
      const hasAck = (flags & ACK) !== 0 && packet.ack !== undefined
      const { ecn = 'noecn', tos = 0, ttl = 255 } = packet.ip
      const fields: TcpFields = {
        source: flow.remoteAddress,
        destination: flow.localAddress,
        sourcePort: flow.remotePort,
        destinationPort: flow.localPort,
        seq: flow.peerToWire(packet.seq, isSyn),
        ack: hasAck ? flow.oursToWire(packet.ack, isSyn) : (packet.ack ?? 0) >>> 0,
        flags: flags | ((packet.reserved ?? 0) << 9),
        window: packet.window ?? 0,
        urgentPointer: packet.urgent ?? 0,
        options: encodeOptions(this.#filledIn(packet.options ?? [], flow), flow, (flags & ACK) !== 0, this.#config),
        payloadLength: packet.length,
        tos: (tos & 252) | ECN_SENT[ecn] | (packet.ip.ecn === undefined ? tos & 3 : 0),
        ttl
      }
      flow.peerSent(packet.seq + packet.length, hasAck ? packet.ack : undefined, packet.window ?? 0)
      this.world.inject(buildTcp(fields), flow, isSyn ? packet.seq : undefined)
    })
  }

  #injectIcmp(when: When, packet: IcmpPacket): void {
    if (!packet.inbound) throw new Unsupported('expecting an ICMP packet')
    this.#at(when, () => {
      const flow = this.world.flowFor(undefined, false)
      const about: TcpFields = {
        source: flow.localAddress,
        destination: flow.remoteAddress,
        sourcePort: flow.localPort,
        destinationPort: flow.remotePort,
        seq: flow.oursToWire(packet.quote?.seq ?? 0, false),
        ack: 0,
        flags: ACK,
        window: 0,
        urgentPointer: 0,
        options: new Uint8Array(0),
        payloadLength: packet.quote?.length ?? 0,
        tos: 0,
        ttl: 64
      }
      const message = buildIcmp({
        source: flow.remoteAddress,
        destination: flow.localAddress,
        type: packet.type,
        code: packet.code,
        rest: packet.mtu ?? 0,
        body: isIcmpError(packet.type) ? quote(about) : new Uint8Array(0)
      })
      this.world.inject(message, flow, undefined)
    })
  }

  // --- Packets out ---

  #expect(when: When, packet: TcpPacket): void {
    const allowed = this.#schedule.allowed(when)
    const ports = packet.ports && { local: packet.ports.source, remote: packet.ports.destination }
    const flow = this.world.flowFor(ports, false)
    const until = deadline(allowed, this.world.now())
    const run = this.#takeRun(packet, flow, until)
    if (run === undefined) {
      return this.#packetMismatch(`nothing was sent, expected ${allowed.text}`, packet, [], flow)
    }
    const head = run[0]
    if ((flagBits(packet.flags) & head.tcp.flags & SYN) !== 0) {
      if (flow.ourScriptIsn === undefined) flow.nameOurIsn(packet.seq, head.tcp.seq)
      if ((head.tcp.flags & ACK) !== 0) this.world.synAnswered(flow)
    }
    const wanted = packet.options && { ...packet, options: this.#filledIn(packet.options, flow) }
    const { differences, notes } = comparePacket(wanted ?? packet, run, flow, this.#config)
    for (const text of notes) this.#note(text)
    const last = run[run.length - 1]
    const late = mistimed(last.time, allowed)
    const wrong = late === undefined ? differences : [...differences, late]
    if (wrong.length > 0) return this.#packetMismatch(wrong.join('; '), packet, run, flow)
    if (packet.options !== undefined) noteTimestamps(packet.options, last.tcp.options, flow)
  }

  #filledIn(options: readonly TcpOption[], flow: Flow): readonly TcpOption[] {
    return fillInCookie(options, () => this.world.fastOpenCookie(flow))
  }

  /** What came for the expected packet: the next one, and those that make a run with it. Undefined where nothing came in time. */
  #takeRun(packet: TcpPacket, flow: Flow, until: number): Run | undefined {
    const first = this.#nextPacket(flow, until)
    if (first === undefined) return undefined
    flow.queue.shift()
    const run = [first]
    if (this.#config.strictSegments || first.tcp.payload.length === 0) return run
    while (runLength(run) < packet.length) {
      const next = this.#nextPacket(flow, until)
      if (next === undefined || !continuesRun(run, next)) break
      if (runLength(run) + next.tcp.payload.length > packet.length) break
      flow.queue.shift()
      run.push(next)
    }
    return run
  }

  #nextPacket(flow: Flow, until: number): TcpCaptured | undefined {
    this.world.advance(until, () => flow.queue.length > 0)
    const packet = flow.queue[0]
    return packet !== undefined && isTcp(packet) ? packet : undefined
  }

  #packetMismatch(message: string, expected: TcpPacket, run: Run, flow: Flow): void {
    const details = [`expected: ${formatExpected(expected)}`]
    if (run.length === 0) details.push('actual:   nothing')
    for (const packet of run) details.push(`actual:   ${formatCaptured(packet, flow)}   at ${seconds(packet.time)} s`)
    const next = flow.queue[0]
    if (next !== undefined) details.push(`then:     ${formatCaptured(next, flow)}   at ${seconds(next.time)} s`)
    details.push(...describeEnds(this.world, flow))
    if (!this.#config.nonFatalPacket) throw new Mismatch(message, details)
    this.#note(message)
  }

  // --- Calls ---

  #call(line: number, when: When, call: Call): void {
    this.#finishPending()
    const start = this.#schedule.start(when)
    const returns = when.kind === 'blocking' ? this.#schedule.returns(when) : undefined
    this.world.doAt(start, () => {
      const expected = isDefault(call.result) ? undefined : integer(call.result)
      const context = beginCall(this.world, call, expected)
      const { attempt } = context
      const outcome = attempt()
      if (outcome !== undefined) this.#checkOutcome(call, outcome, context, returns)
      else if (returns === undefined) throw new Mismatch(`${call.name} blocks`, this.#ends())
      else this.#pending = { line, call, attempt, context, returns }
    })
  }

  #checkOutcome(call: Call, outcome: Outcome, context: CallContext, returns: Allowed | undefined): void {
    const wrong = wrongResult(call, outcome) ?? context.checks.map(check => check()).find(text => text !== undefined)
    const late = returns === undefined ? undefined : mistimed(this.world.now(), returns)
    const problems = [wrong, late].filter(text => text !== undefined)
    if (problems.length > 0) throw new Mismatch(`${call.name}: ${problems.join('; ')}`, this.#ends())
  }

  #askPending(): void {
    const pending = this.#pending
    if (pending === undefined) return
    const outcome = pending.attempt()
    if (outcome === undefined) return
    this.#pending = undefined
    const line = this.line
    this.line = pending.line
    this.#checkOutcome(pending.call, outcome, pending.context, pending.returns)
    this.line = line
  }

  /** Time moves on until the call that blocks has returned. */
  #finishPending(): void {
    const pending = this.#pending
    if (pending === undefined) return
    this.world.advance(deadline(pending.returns, this.world.now()), () => this.#pending === undefined)
    if (this.#pending === undefined) {
      this.world.settle()
      this.#schedule.base = this.world.now()
      return
    }
    this.line = pending.line
    throw new Mismatch(`${pending.call.name} still blocks, expected to return ${pending.returns.text}`, this.#ends())
  }

  #ends(): string[] {
    return this.world.flow === undefined ? [] : describeEnds(this.world, this.world.flow)
  }

  // --- The rest ---

  #shell(text: string): void {
    const before = this.world.socketDefaults()
    for (const note of carryOutCommands(text, this.world.settings, this.#options.strictCommands)) this.#note(note)
    this.world.settingsChanged(before)
  }

  #code(text: string): void {
    const { flow } = this.world
    const info = this.world.connectionOf(flow)?.info()
    const counters = this.world.stack.counters().tcp
    const lookUp = (name: string): number | undefined =>
      Object.hasOwn(counters, name) ? counters[name] : infoValue(name, flow?.state ?? 'CLOSED', info)
    runCode(parseCode(text), { names: this.#names, lookUp })
  }

  #note(text: string): void {
    this.notes.push({ line: this.line, text })
  }

  #noteLeftovers(): void {
    for (const flow of this.world.flows) {
      for (const packet of flow.queue) {
        this.#note(`left over: ${formatCaptured(packet, flow)}   at ${seconds(packet.time)} s`)
      }
    }
  }
}

const ECN_SENT = { noecn: 0, ect1: 1, ect0: 2, ect01: 2, ce: 3 } as const

/** What is wrong with a call's result; undefined for nothing. */
function wrongResult(call: Call, outcome: Outcome): string | undefined {
  if (isDefault(call.result)) return undefined
  const wanted = integer(call.result)
  const said = call.errno === undefined ? describe(call.result) : `${describe(call.result)} ${call.errno}`
  if (typeof outcome === 'number') return wanted === outcome ? undefined : `returned ${outcome}, expected ${said}`
  const isSame = wanted === -1 && (call.errno === undefined || errnoOf(call.errno) === ERRNO[outcome])
  return isSame ? undefined : `returned -1 ${outcome}, expected ${said}`
}

function errnoOf(word: string): number {
  if (!isErrno(word)) throw new Unsupported(`the error ${word}`)
  return ERRNO[word]
}
