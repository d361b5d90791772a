// Two hosts with an emulated path between them. Left are the senders, one ours and one the kernel's, right the kernel's
// receiver; all stay for as long as the world does, and the path is made anew for each transfer.

import type { ChildProcess, SpawnOptions } from 'node:child_process'
import { once } from 'node:events'
import { Namespace } from '../../test/support/netns.ts'
import { DEVICE, Emulator, type PathReport } from './emulator.ts'
import { type Cell, settingsOf } from './path-cells.ts'
import { KernelSender, OurSender, type PathSender } from './path-senders.ts'
import type { Kind } from './tcp.ts'

const LEFT = '10.97.0.1'
const RIGHT = '10.97.0.2'
/** So that a burst waits in the emulator's queue and is not lost before it. */
const DEVICE_PACKETS = 100_000
/** Least, first and most that the kernels hold for one connection, bytes: more than any path does. */
const SEND_BUFFER = [4096, 64 * 1024, 2 ** 29]
const RECEIVE_BUFFER = [4096, 2 ** 25, 2 ** 29]

export interface Run extends PathReport {
  /** Ms; an estimate where it was not complete within the limit. */
  readonly durationMs: number
  readonly complete: boolean
  /** Share of the time that our sender's event loop was busy. */
  readonly utilization: number
}

export class PathWorld {
  readonly #left = new Namespace()
  readonly #right = new Namespace()
  readonly #senders = new Map<Kind, PathSender>()
  #emulator: Emulator | undefined
  #receiver: ChildProcess | undefined
  #port = 0

  /** `nodeArguments` are for the process of our sender. */
  static async make(nodeArguments: readonly string[] = []): Promise<PathWorld> {
    const world = new PathWorld()
    try {
      await world.#begin(nodeArguments)
    } catch (error) {
      await world.remove()
      throw error
    }
    return world
  }

  async #begin(nodeArguments: readonly string[]): Promise<void> {
    this.#emulator = await Emulator.between(this.#left, this.#right)
    this.#equip(this.#left, LEFT)
    this.#equip(this.#right, RIGHT)
    this.#receiver = this.#spawn(this.#right, 'receive', [])
    const [{ port }] = await once(this.#receiver, 'message')
    this.#port = port
    this.#senders.set('ours', new OurSender(this.#spawn(this.#left, 'send', nodeArguments)))
    this.#senders.set('kernel', new KernelSender(['ip', 'netns', 'exec', this.#left.name, ...this.#priority]))
  }

  /** The emulator, and the ends of the path, come before other processes: what is measured does not wait for them. */
  get hurries(): boolean {
    return this.#emulator?.hurries ?? false
  }

  async run(kind: Kind, cell: Cell, seed: number, limitMs: number): Promise<Run> {
    const emulator = this.#emulator as Emulator
    const sender = this.#senders.get(kind) as PathSender
    const { controller, bytes } = cell
    await emulator.begin(settingsOf(cell, seed))
    const { error, utilization = 0 } = await sender.send({
      address: RIGHT,
      port: this.#port,
      bytes,
      controller,
      limitMs
    })
    const report = await emulator.report()
    const { deliveredBytes, durationMs } = report.flow
    if (deliveredBytes === 0) throw new Error(`${kind}: ${error}`)
    const complete = durationMs >= 0
    return { ...report, complete, durationMs: complete ? durationMs : (limitMs * bytes) / deliveredBytes, utilization }
  }

  /** Packets that did not find room in a device, which no path has that is emulated. */
  lostInDevices(): number {
    const lost = (host: Namespace): number => Number(host.run('cat', `/sys/class/net/${DEVICE}/statistics/tx_dropped`))
    return lost(this.#left) + lost(this.#right)
  }

  async remove(): Promise<void> {
    for (const sender of this.#senders.values()) await sender.end()
    this.#receiver?.kill()
    await this.#emulator?.close()
    this.#left.remove()
    this.#right.remove()
  }

  #equip(host: Namespace, address: string): void {
    host.ip(`address add ${address}/24 dev ${DEVICE}`)
    host.ip(`link set ${DEVICE} txqueuelen ${DEVICE_PACKETS} up`)
    // What one transfer has learned of the path is not for the next.
    host.setSysctl('net/ipv4/tcp_no_metrics_save', 1)
    host.setSysctl('net/ipv4/tcp_wmem', SEND_BUFFER.join(' '))
    host.setSysctl('net/ipv4/tcp_rmem', RECEIVE_BUFFER.join(' '))
  }

  /**
   * Where the emulator has real-time priority, the kernel's senders have it too: they do their work as it delivers ACKs. Ours
   * is not to wait for what else there is to do on the machine either.
   */
  get #priority(): string[] {
    return this.hurries ? ['chrt', '--rr', '1'] : []
  }

  #spawn(host: Namespace, role: string, nodeArguments: readonly string[]): ChildProcess {
    const script = new URL('./path-end.js', import.meta.url).pathname
    const options: SpawnOptions = {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      env: { ...process.env, RAWTCP_CHECKS: '0' }
    }
    return host.spawn([...this.#priority, process.execPath, ...nodeArguments, script, role], options)
  }
}
