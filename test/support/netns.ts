// Hosts for tests against real peers: network namespaces, alone or joined by veth. They carry the number of the process
// that made them and go with it; those that a killed process left behind go when the next one makes its own.

import { type ChildProcess, execFileSync, type SpawnOptions, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'

const PREFIX = 'rawtcp-test-'
const made = new Set<string>()
const running = new Set<ChildProcess>()
let count = 0
let isPrepared = false

export class Namespace {
  readonly name = `${PREFIX}${process.pid}-${count++}`

  constructor() {
    if (!isPrepared) prepare()
    made.add(this.name)
    ip(`netns add ${this.name}`)
    keepOrder(this, 'lo')
    this.ip('link set lo up')
  }

  /** `ip` as seen from in here. Answers what it prints. */
  ip(command: string): string {
    return ip(`-n ${this.name} ${command}`)
  }

  /** It ends with this process at the latest. */
  spawn(command: readonly string[], options: SpawnOptions): ChildProcess {
    const child = spawn('ip', this.#exec(command), options)
    running.add(child)
    child.once('exit', () => running.delete(child))
    return child
  }

  /** Runs a program to its end. Throws where it fails; answers what it prints. */
  run(...command: string[]): string {
    return execFileSync('ip', this.#exec(command), { encoding: 'utf8' })
  }

  /** Answers whether this kernel knows it. */
  setSysctl(path: string, value: number | string): boolean {
    const file = `/proc/sys/${path}`
    return this.run('sh', '-c', `if [ -e ${file} ]; then echo ${value} > ${file}; else echo unknown; fi`) === ''
  }

  /** Processes that still run in it keep it alive, without a name. */
  remove(): void {
    if (made.delete(this.name)) ip(`netns delete ${this.name}`)
  }

  /** `ip netns exec` becomes the program: its pid is the program's. */
  #exec(command: readonly string[]): string[] {
    return ['netns', 'exec', this.name, ...command]
  }
}

export interface CableOptions {
  readonly mtu?: number
  /** Addresses with the length of their prefix. */
  readonly addresses: readonly [string, string]
  readonly names?: readonly [string, string]
  /** False: a kernel at either end makes no packets larger than the MTU. Their checksums are left to the device all the same. */
  readonly segmentationOffload?: boolean
}

/** Joins two namespaces by a veth pair. */
export function connect(left: Namespace, right: Namespace, options: CableOptions): void {
  const { mtu = 1500, addresses, names = ['v0', 'v0'], segmentationOffload = true } = options
  ip(
    `link add ${names[0]} mtu ${mtu} netns ${left.name} type veth peer name ${names[1]} mtu ${mtu} netns ${right.name}`
  )
  for (const [end, namespace] of [left, right].entries()) {
    if (!segmentationOffload) namespace.ip(`link set ${names[end]} gso_max_segs 1`)
    keepOrder(namespace, names[end])
    namespace.ip(`address add ${addresses[end]} dev ${names[end]}`)
  }
  left.ip(`link set ${names[0]} up`)
  right.ip(`link set ${names[1]} up`)
}

/**
 * Packets sent on two CPUs would be received on two CPUs, and overtake each other. All through the queue of one CPU, they
 * arrive in the order in which they were sent.
 */
function keepOrder(namespace: Namespace, device: string): void {
  namespace.run('sh', '-c', `for file in /sys/class/net/${device}/queues/rx-*/rps_cpus; do echo 1 > $file; done`)
}

function ip(command: string): string {
  return execFileSync('ip', command.split(' '), { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
}

function prepare(): void {
  isPrepared = true
  removeOrphans()
  process.on('exit', removeAll)
  // Without a handler these would end the process past its `exit` event.
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.once(signal, () => process.exit(1))
}

function removeAll(): void {
  for (const child of running) child.kill('SIGKILL')
  for (const name of made) ip(`netns delete ${name}`)
  made.clear()
}

function removeOrphans(): void {
  for (const name of existingNames()) {
    const owner = new RegExp(`^${PREFIX}(\\d+)-`).exec(name)?.[1]
    if (owner === undefined || existsSync(`/proc/${owner}`)) continue
    try {
      ip(`netns delete ${name}`)
    } catch {
      // Another test was first.
    }
  }
}

function existingNames(): string[] {
  return ip('netns list')
    .split('\n')
    .map(line => line.split(' ')[0])
}
