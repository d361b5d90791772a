// Two hosts with an emulated path between them. Left are the senders, one ours and one the kernel's, right the kernel's
// receiver; all stay for as long as the world does, and the path is made anew for each transfer.

import type { ChildProcess, SpawnOptions } from 'node:child_process'
import { once } from 'node:events'
import { Namespace } from '../../test/support/netns.ts'
import { DEVICE, Emulator, type PathReport } from './emulator.ts'
import { type Cell, type Controller, settingsOf } from './path-cells.ts'
import type { Order, Told } from './path-end.ts'
import type { Kind } from './tcp.ts'

const LEFT = '10.97.0.1'
const RIGHT = '10.97.0.2'
/** So that a burst waits in the emulator's queue and is not lost before it. */
const DEVICE_PACKETS = 100_000
/** What both kernels may hold for one connection, bytes: more than any path does. */
const LEAST_BUFFER = 4096
const FIRST_SEND_BUFFER = 64 * 1024
const FIRST_RECEIVE_BUFFER = 32 * 1024 * 1024
const MOST_BUFFER = 512 * 1024 * 1024
const CLOSING_MS = 5000

export interface Run extends PathReport {
  /** Ms; an estimate where it was not complete within the limit. */
  readonly durationMs: number
  readonly complete: boolean
  /** Share of the time that the sender's event loop was busy. */
  readonly utilization: number
}

export class PathWorld {
  readonly #left = new Namespace()
  readonly #right = new Namespace()
  readonly #senders = new Map<Kind, ChildProcess>()
  #emulator: Emulator | undefined
  #receiver: ChildProcess | undefined
  #port = 0
  /** The emulator, and the ends of the path, come before other processes: what is measured does not wait for them. */
  hurries = false

  static async make(nodeArguments: readonly string[] = []): Promise<PathWorld> {
    const world = new PathWorld()
    await world.#begin(nodeArguments)
    return world
  }

  async #begin(nodeArguments: readonly string[]): Promise<void> {
    const { emulator, hurries } = await Emulator.between(this.#left, this.#right)
    this.#emulator = emulator
    this.hurries = hurries
    for (const [host, address] of [
      [this.#left, LEFT],
      [this.#right, RIGHT]
    ] as const) {
      host.ip(`address add ${address}/24 dev ${DEVICE}`)
      host.ip(`link set ${DEVICE} txqueuelen ${DEVICE_PACKETS} up`)
      // What one transfer has learned of the path is not for the next.
      host.setSysctl('net/ipv4/tcp_no_metrics_save', 1)
      host.setSysctl('net/ipv4/tcp_wmem', `${LEAST_BUFFER} ${FIRST_SEND_BUFFER} ${MOST_BUFFER}`)
      host.setSysctl('net/ipv4/tcp_rmem', `${LEAST_BUFFER} ${FIRST_RECEIVE_BUFFER} ${MOST_BUFFER}`)
    }
    this.#receiver = this.#spawn(this.#right, 'receive', [])
    const [told] = (await once(this.#receiver, 'message')) as [{ port: number }]
    this.#port = told.port
    this.#senders.set('ours', this.#spawn(this.#left, 'ours', nodeArguments))
    this.#senders.set('kernel', this.#spawn(this.#left, 'kernel', []))
  }

  /** Whether the kernel has it. */
  offers(controller: Controller): boolean {
    const file = '/proc/sys/net/ipv4/tcp_available_congestion_control'
    return this.#left.run('cat', file).trim().split(' ').includes(controller)
  }

  async run(kind: Kind, cell: Cell, seed: number, limitMs: number): Promise<Run> {
    const emulator = this.#emulator as Emulator
    const sender = this.#senders.get(kind) as ChildProcess
    const { controller, bytes } = cell
    if (kind === 'kernel') this.#left.setSysctl('net/ipv4/tcp_congestion_control', controller)
    await emulator.begin(settingsOf(cell, seed))
    sender.send({ address: RIGHT, port: this.#port, bytes, controller, limitMs } satisfies Order)
    const over = await this.#over(sender, limitMs + CLOSING_MS)
    const report = await emulator.report()
    const { deliveredBytes, durationMs } = report.flow
    const complete = durationMs >= 0
    if (!complete && over.error === undefined) throw new Error(`${kind}: ${deliveredBytes} of ${bytes} bytes arrived`)
    return {
      ...report,
      complete,
      durationMs: complete ? durationMs : (limitMs * bytes) / deliveredBytes,
      utilization: over.utilization
    }
  }

  /** Packets that did not find room in a device, which no path has that is emulated. */
  lostInDevices(): number {
    const lost = (host: Namespace): number => Number(host.run('cat', `/sys/class/net/${DEVICE}/statistics/tx_dropped`))
    return lost(this.#left) + lost(this.#right)
  }

  async remove(): Promise<void> {
    const children = [...this.#senders.values(), ...(this.#receiver === undefined ? [] : [this.#receiver])]
    const running = children.filter(child => child.connected)
    const ended = running.map(child => once(child, 'exit'))
    for (const child of running) child.disconnect()
    await Promise.all(ended)
    await this.#emulator?.close()
    this.#left.remove()
    this.#right.remove()
  }

  async #over(sender: ChildProcess, limitMs: number): Promise<Extract<Told, { over: true }>> {
    const told = new AbortController()
    const signal = AbortSignal.any([told.signal, AbortSignal.timeout(limitMs)])
    const gone = once(sender, 'exit', { signal }).then(() => {
      throw new Error('The sender has ended')
    })
    try {
      const [message] = await Promise.race([once(sender, 'message', { signal }), gone])
      return message
    } finally {
      gone.catch(() => {})
      told.abort()
    }
  }

  #spawn(host: Namespace, role: string, nodeArguments: readonly string[]): ChildProcess {
    const script = new URL('./path-end.js', import.meta.url).pathname
    const options: SpawnOptions = {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      env: { ...process.env, RAWTCP_CHECKS: '0' }
    }
    // Where the emulator has real-time priority, the kernel's senders have it too: they do their work as it delivers ACKs.
    // Ours is not to wait for what else there is to do on the machine either.
    const priority = this.hurries ? ['chrt', '--rr', '1'] : []
    return host.spawn([...priority, process.execPath, ...nodeArguments, script, role], options)
  }
}
