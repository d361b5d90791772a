// One direction of a link between two nodes: a channel (link/path), and the alarm that rings when something arrives.

import { Channel, type ChannelOptions } from '../link/path/channel.ts'
import type { PacketPool } from '../link/path/packets.ts'
import type { Random } from '../random.ts'
import type { Counters } from '../stats.ts'
import type { Alarm, Ringing, VirtualClock } from './clock.ts'

/** What a wire leads to. */
export interface WireEnd {
  readonly name: string
  /** Takes over a packet that has arrived. */
  receive(id: number): void
  /** So much for this moment. */
  received(): void
}

export class Wire implements Ringing {
  readonly channel: Channel
  deliveredPackets = 0
  deliveredBytes = 0
  /** Packets lost because the link was cut. */
  cutOff = 0
  readonly #pool: PacketPool
  readonly #clock: VirtualClock
  readonly #alarm: Alarm
  #ringsAt = Infinity
  #isUp = true

  constructor(
    readonly from: WireEnd,
    readonly to: WireEnd,
    pool: PacketPool,
    clock: VirtualClock,
    random: Random,
    /** The largest packet that it takes, bytes. */
    readonly mtu: number,
    options: ChannelOptions
  ) {
    this.#pool = pool
    this.#clock = clock
    this.channel = new Channel(pool, random, options)
    this.#alarm = clock.alarm(this)
  }

  get name(): string {
    return `${this.from.name} -> ${this.to.name}`
  }

  get isUp(): boolean {
    return this.#isUp
  }

  /** Takes over the packet. */
  send(id: number): void {
    if (!this.#isUp) {
      this.cutOff++
      this.#pool.release(id)
      return
    }
    this.channel.send(id, this.#clock.now())
    this.#rearm()
  }

  set(changes: ChannelOptions): void {
    this.channel.set(changes, this.#clock.now())
    this.#rearm()
  }

  /** False loses what is under way, and what is sent until it is true again. */
  setUp(up: boolean): void {
    if (!up) this.cutOff += this.channel.clear(this.#clock.now())
    this.#isUp = up
    this.#rearm()
  }

  /** Packets that wait for the line, and the one on it. */
  backlog(): { packets: number; bytes: number } {
    return this.channel.backlog(this.#clock.now())
  }

  counters(): Counters {
    return {
      ...this.channel.counters(),
      droppedDown: this.cutOff,
      packetsDelivered: this.deliveredPackets,
      bytesDelivered: this.deliveredBytes
    }
  }

  /** For the clock: something arrives. */
  ring(): void {
    this.#ringsAt = Infinity
    const now = this.#clock.now()
    const { channel, to } = this
    for (let id = channel.take(now); id >= 0; id = channel.take(now)) {
      this.deliveredPackets++
      this.deliveredBytes += this.#pool.length[id]
      to.receive(id)
    }
    to.received()
    this.#rearm()
  }

  #rearm(): void {
    const at = this.channel.nextEvent
    if (at === this.#ringsAt) return
    this.#ringsAt = at
    this.#alarm.set(at)
  }
}
