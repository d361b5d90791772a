// The places where our stack meets a kernel's: on the loopback device of one host, on a TUN device of it, and on a cable
// between two, under the host's address or beside it.

import type { Test } from 'tap'
import { type HostOptions, type TcpKind, TestHost } from '../support/host.ts'
import { connect, Namespace } from '../support/netns.ts'
import { unless, unlessPrivileged, unlessPrograms } from '../support/privileges.ts'

export type Place = 'loopback' | 'veth' | 'tun' | 'packet'

export interface PairOptions {
  /** For the process with our stack. */
  readonly ours?: HostOptions
  /** False: the kernel sends nothing larger than the MTU. */
  readonly segmentationOffload?: boolean
  /**
   * Both wait a second at least before they repeat anything. A process that waits for a CPU is late with its ACKs, or hears
   * late of the kernel's, which is no loss; 200 ms is soon over on a busy machine. (Kernels before 6.11 cannot be told.)
   */
  readonly isPatient?: boolean
  /** Called with the namespace of ours before anything runs in it. */
  prepare?(namespace: Namespace): void
}

export interface Side {
  readonly namespace: Namespace
  readonly address: string
  readonly host: TestHost
}

export interface Pair {
  readonly ours: Side
  readonly kernel: Side
  /** Where packets can be watched, in the namespace of ours. */
  readonly device: string
}

const CABLE = { ours: '10.99.0.1', kernel: '10.99.0.2' }
/** On the cable, beside the host's. */
const PACKET = '10.99.0.3'
const TUN = { ours: '10.98.0.2', kernel: '10.98.0.1', device: 'rawtcp0' }

/** For tap's `skip`. */
export function unlessPeers(...programs: string[]): string | false {
  return unlessPrivileged() || unless(process.getuid?.() === 0, 'needs root') || unlessPrograms('ip', ...programs)
}

/** Namespaces and processes end with the test. */
export async function pairAt(t: Test, place: Place, options: PairOptions = {}): Promise<Pair> {
  const at = placeFor(t, place, options)
  options.prepare?.(at.ours.namespace)
  if (options.isPatient) at.kernel.namespace.setSysctl('net/ipv4/tcp_rto_min_us', 1_000_000)
  const [ours, kernel] = await Promise.all([
    startHost(t, 'ours', at.ours.namespace, ourHost(place, options)),
    startHost(t, 'kernel', at.kernel.namespace)
  ])
  return { ours: { ...at.ours, host: ours }, kernel: { ...at.kernel, host: kernel }, device: at.device }
}

/** A subtest with our stack as server, then one with it as client. */
export async function inBothRoles(
  t: Test,
  { ours, kernel }: Pair,
  body: (t: Test, server: Side, client: Side) => Promise<void>
): Promise<void> {
  await t.test('our stack as server', t => body(t, ours, kernel))
  await t.test('our stack as client', t => body(t, kernel, ours))
}

export async function startHost(
  t: Test,
  kind: TcpKind,
  namespace: Namespace,
  options?: HostOptions
): Promise<TestHost> {
  const host = await TestHost.start(kind, namespace, options)
  t.teardown(() => host.kill())
  return host
}

export function namespaceFor(t: Test): Namespace {
  const namespace = new Namespace()
  t.teardown(() => namespace.remove())
  // A tail loss probe repeats the last segment when nothing is heard for two round trips. The round trips here are so short
  // that a process of ours that waits for a CPU is late; that would be no loss, and the probe no answer to one.
  namespace.setSysctl('net/ipv4/tcp_early_retrans', 0)
  return namespace
}

function placeFor(t: Test, place: Place, options: PairOptions): ReturnType<typeof onLoopback> {
  switch (place) {
    case 'loopback':
      return onLoopback(t)
    case 'veth':
      return onCable(t, options.segmentationOffload ?? true)
    case 'tun':
      return onTun(t)
    case 'packet': {
      const { ours, kernel, device } = onCable(t, options.segmentationOffload ?? true)
      return { ours: { ...ours, address: PACKET }, kernel, device }
    }
  }
}

function onTun(t: Test): ReturnType<typeof onLoopback> {
  const namespace = namespaceFor(t)
  return {
    ours: { namespace, address: TUN.ours },
    kernel: { namespace, address: TUN.kernel },
    device: TUN.device
  }
}

function ourHost(place: Place, { ours, segmentationOffload = true, isPatient = false }: PairOptions): HostOptions {
  // No tail loss probes, as on the kernel's side (`namespaceFor`).
  const stack = { tailLossProbe: false, ...(isPatient && { minRtoMs: 1000 }), ...ours?.stack }
  if (place === 'packet') {
    const packet = { interface: 'v0', address: PACKET, offload: segmentationOffload }
    return { ...ours, stack: { ...stack, packet } }
  }
  if (place !== 'tun') return { ...ours, stack }
  // The process with our stack makes the device.
  const tun = { address: TUN.ours, hostAddress: TUN.kernel, name: TUN.device, offload: segmentationOffload }
  return { ...ours, stack: { ...stack, tun } }
}

function onLoopback(t: Test): { ours: Omit<Side, 'host'>; kernel: Omit<Side, 'host'>; device: string } {
  const side = { namespace: namespaceFor(t), address: '127.0.0.1' }
  return { ours: side, kernel: side, device: 'lo' }
}

function onCable(t: Test, segmentationOffload: boolean): ReturnType<typeof onLoopback> {
  const ours = { namespace: namespaceFor(t), address: CABLE.ours }
  const kernel = { namespace: namespaceFor(t), address: CABLE.kernel }
  const addresses = [`${ours.address}/24`, `${kernel.address}/24`] as const
  connect(ours.namespace, kernel.namespace, { addresses, segmentationOffload })
  return { ours, kernel, device: 'v0' }
}
