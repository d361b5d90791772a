// A stack on packet sockets. With an address of its own on an Ethernet, beside the host's: whoever is on the network reaches it, but for the
// host itself. Or under the host's addresses, where what leaves in bulk leaves faster than by raw sockets.

import { HostPacketLink, type HostPacketLinkOptions } from '../link/host-packet.ts'
import { PacketLink, type PacketLinkOptions } from '../link/packet.ts'
import { Stack, type StackOptions } from '../stack/stack.ts'
import { NodeHost } from './host.ts'

export interface PacketStackOptions extends Omit<StackOptions, 'link' | 'host'> {
  /** Without an `address` the stack has those of the host. */
  readonly packet: PacketLinkOptions | HostPacketLinkOptions
}

/** Throws EPERM, with ways to mend it, without the capability CAP_NET_RAW. */
export function createPacketStack(options: PacketStackOptions): Stack {
  const { packet, ...rest } = options
  const link = 'address' in packet ? new PacketLink(packet) : new HostPacketLink(packet)
  return new Stack({ ...rest, link, host: new NodeHost() })
}
