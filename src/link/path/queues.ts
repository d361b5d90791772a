// Makes the queue that options ask for.

import { rangeError, typeError } from '../../errors.ts'
import type { Random } from '../../random.ts'
import { CoDel, type CoDelSettings } from './codel.ts'
import { FqCoDel } from './fq-codel.ts'
import { DropTail, type Limits, type Queue, type QueueEnd } from './queue.ts'
import { Red } from './red.ts'

interface Room {
  /** Room, the packet that is being sent included: 1000 packets (10240 for fq-codel), and any number of bytes. */
  readonly packets?: number
  readonly bytes?: number
}

export interface DropTailOptions extends Room {
  readonly discipline?: 'drop-tail'
  /** Packets that find so many waiting get ECN's mark, where they can: the step of RFC 8257 §3.1. */
  readonly markPackets?: number
  readonly markBytes?: number
}

export interface RedOptions extends Room {
  readonly discipline: 'red'
  /** Marks what can be marked, instead of dropping it. */
  readonly ecn?: boolean
  /** What `min` and `max` count. */
  readonly unit?: 'packets' | 'bytes'
  /** Average length below which nothing is dropped, and at which `maxProbability` is reached: 5 and 15 packets. */
  readonly min?: number
  readonly max?: number
  /** 0.1 */
  readonly maxProbability?: number
  /** Of the newest length in the average: 0.002 */
  readonly weight?: number
  /** Lets the probability rise to 1 between `max` and twice that; else it jumps. True. */
  readonly gentle?: boolean
  /** 1000 */
  readonly meanPacketBytes?: number
}

export interface CoDelOptions extends Room {
  readonly discipline: 'codel'
  readonly ecn?: boolean
  /** 5 */
  readonly targetMs?: number
  /** 100 */
  readonly intervalMs?: number
}

export interface FqCoDelOptions extends Room {
  readonly discipline: 'fq-codel'
  readonly ecn?: boolean
  readonly targetMs?: number
  readonly intervalMs?: number
  /** Queues that flows are hashed to: 1024. */
  readonly queues?: number
  /** Bytes that a queue sends in its turn: 1514. */
  readonly quantumBytes?: number
}

export type QueueOptions = DropTailOptions | RedOptions | CoDelOptions | FqCoDelOptions

const NAMES = {
  'drop-tail': ['markPackets', 'markBytes'],
  red: ['ecn', 'unit', 'min', 'max', 'maxProbability', 'weight', 'gentle', 'meanPacketBytes'],
  codel: ['ecn', 'targetMs', 'intervalMs'],
  'fq-codel': ['ecn', 'targetMs', 'intervalMs', 'queues', 'quantumBytes']
} as const

const DEFAULT_PACKETS = 1000
const FQ_DEFAULT_PACKETS = 10_240
const MAX_PACKET = 1514

/** `rate`: of the line, bits a second. Throws ERR_OUT_OF_RANGE or ERR_INVALID_ARG_VALUE for options that make no sense. */
export function createQueue(options: QueueOptions, end: QueueEnd, random: Random, rate: number): Queue {
  const discipline = options.discipline ?? 'drop-tail'
  if (!Object.hasOwn(NAMES, discipline)) {
    throw typeError(
      'ERR_INVALID_ARG_VALUE',
      `The option "queue.discipline" must be one of ${Object.keys(NAMES).join(', ')}. Received ${String(discipline)}`
    )
  }
  const known = ['discipline', 'packets', 'bytes', ...NAMES[discipline]]
  for (const name of Object.keys(options)) {
    if (known.includes(name)) continue
    throw typeError(
      'ERR_INVALID_ARG_VALUE',
      `Unknown option "queue.${name}" for ${discipline}. Known options: ${known.join(', ')}`
    )
  }
  // Settings are read for each packet: they are written out, for where they are put together by spreads V8 gives each of them a
  // shape of its own, and looks for its fields by name.
  const limits = {
    packets: positive('packets', options.packets ?? (discipline === 'fq-codel' ? FQ_DEFAULT_PACKETS : DEFAULT_PACKETS)),
    bytes: positive('bytes', options.bytes ?? Infinity)
  }
  switch (options.discipline) {
    case 'red':
      return createRed(options, limits, end, random, rate)
    case 'codel':
      return new CoDel(end, codelSettings(options, limits))
    case 'fq-codel': {
      const salt = random.uint32()
      const queues = whole('queues', options.queues ?? 1024)
      const quantum = positive('quantumBytes', options.quantumBytes ?? MAX_PACKET)
      return new FqCoDel(end, salt, codelSettings(options, limits), queues, quantum)
    }
    default: {
      const markPackets = positive('markPackets', options.markPackets ?? Infinity)
      return new DropTail(end, {
        packets: limits.packets,
        bytes: limits.bytes,
        markPackets,
        markBytes: positive('markBytes', options.markBytes ?? Infinity)
      })
    }
  }
}

function createRed(options: RedOptions, limits: Limits, end: QueueEnd, random: Random, rate: number): Queue {
  const unit = options.unit ?? 'packets'
  if (unit !== 'packets' && unit !== 'bytes') {
    throw typeError(
      'ERR_INVALID_ARG_VALUE',
      `The option "queue.unit" must be packets or bytes. Received ${String(unit)}`
    )
  }
  const meanPacket = positive('meanPacketBytes', options.meanPacketBytes ?? 1000)
  const scale = unit === 'packets' ? 1 : meanPacket
  const min = positive('min', options.min ?? 5 * scale)
  const max = positive('max', options.max ?? 3 * min)
  if (max <= min) throw outOfRange('max', `above "queue.min", which is ${min}`, max)
  return new Red(end, random, {
    packets: limits.packets,
    bytes: limits.bytes,
    unit,
    min,
    max,
    maxProbability: fraction('maxProbability', options.maxProbability ?? 0.1),
    weight: fraction('weight', options.weight ?? 0.002),
    gentle: flag('gentle', options.gentle ?? true),
    ecn: flag('ecn', options.ecn ?? false),
    meanPacket,
    meanPacketMs: (meanPacket * 8000) / rate
  })
}

function codelSettings(options: CoDelOptions | FqCoDelOptions, limits: Limits): CoDelSettings {
  return {
    packets: limits.packets,
    bytes: limits.bytes,
    targetMs: positive('targetMs', options.targetMs ?? 5),
    intervalMs: positive('intervalMs', options.intervalMs ?? 100),
    ecn: flag('ecn', options.ecn ?? false),
    maxPacket: MAX_PACKET
  }
}

function positive(name: string, value: unknown): number {
  if (typeof value === 'number' && value > 0) return value
  throw outOfRange(name, 'above 0', value)
}

function whole(name: string, value: unknown): number {
  if (Number.isInteger(value) && (value as number) > 0 && (value as number) <= 65_536) return value as number
  throw outOfRange(name, 'a whole number from 1 to 65536', value)
}

function fraction(name: string, value: unknown): number {
  if (typeof value === 'number' && value > 0 && value <= 1) return value
  throw outOfRange(name, 'above 0, and 1 at most', value)
}

function flag(name: string, value: unknown): boolean {
  if (typeof value === 'boolean') return value
  throw typeError('ERR_INVALID_ARG_TYPE', `The option "queue.${name}" must be true or false. Received ${String(value)}`)
}

function outOfRange(name: string, wanted: string, value: unknown): RangeError {
  return rangeError(
    'ERR_OUT_OF_RANGE',
    `The value of "queue.${name}" is out of range. It must be ${wanted}. Received ${String(value)}`
  )
}
