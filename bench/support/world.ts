// Where kernels take part: network namespaces, made for a bench and gone with it. Both ends of every comparison run on the
// same cable, with the same settings.

import { connect, Namespace } from '../../test/support/netns.ts'
import { unless, unlessPrivileged, unlessPrograms } from '../../test/support/privileges.ts'
import { type Context, skipIf } from './bench.ts'

export interface World {
  readonly left: Namespace
  readonly right: Namespace
  readonly leftAddress: string
  readonly rightAddress: string
  remove(): void
}

export interface CableKind {
  /** False: neither kernel makes or joins packets larger than the MTU. */
  readonly segmentationOffload: boolean
}

/** Two hosts on a cable with an MTU of 1500. Skips the bench where that cannot be. */
export function cable(context: Context, { segmentationOffload }: CableKind = { segmentationOffload: true }): World {
  needsRoot()
  const [left, right] = [newHost(context), newHost(context)]
  const [leftAddress, rightAddress] = ['10.98.0.1', '10.98.0.2']
  connect(left, right, { addresses: [`${leftAddress}/24`, `${rightAddress}/24`], segmentationOffload })
  for (const host of [left, right]) receiveAnywhere(host)
  const remove = (): void => {
    left.remove()
    right.remove()
  }
  return { left, right, leftAddress, rightAddress, remove }
}

/** As the kernel does by itself: devices for tests have one CPU receive all packets, which keeps their order, and takes time. */
function receiveAnywhere(host: Namespace): void {
  host.run('sh', '-c', 'for file in /sys/class/net/*/queues/rx-*/rps_cpus; do echo 0 > $file; done')
}

/** A host alone, whose loopback device carries packets of 1500 bytes, one a segment. */
export function loopback(context: Context): Namespace {
  needsRoot()
  const host = newHost(context)
  host.ip('link set lo mtu 1500 gso_max_segs 1')
  return host
}

/** A host alone, both ends on its loopback device as it is by itself: with an MTU of 64 KiB. */
export function widestLoopback(context: Context): World {
  needsRoot()
  const host = newHost(context)
  receiveAnywhere(host)
  return { left: host, right: host, leftAddress: '127.0.0.1', rightAddress: '127.0.0.1', remove: () => host.remove() }
}

function newHost(context: Context): Namespace {
  const host = new Namespace()
  // A default of BBR would pace what it sends, and CUBIC cannot be the default of a namespace of its own.
  host.setSysctl('net/ipv4/tcp_congestion_control', 'reno')
  context.remark('The kernel sends with congestion control "reno" in all namespaces of the bench.')
  return host
}

export function needsRoot(): void {
  skipIf(unlessPrivileged() || unless(process.getuid?.() === 0, 'needs root') || unlessPrograms('ip'))
}
