// A stack of its own address on an Ethernet, beside the host's: whoever is on the network reaches it, but for the host itself.

import { PacketLink, type PacketLinkOptions } from '../link/packet.ts'
import { Stack, type StackOptions } from '../stack/stack.ts'
import { NodeHost } from './host.ts'

export interface PacketStackOptions extends Omit<StackOptions, 'link' | 'host'> {
  readonly packet: PacketLinkOptions
}

/** Throws EPERM, with ways to mend it, without the capability CAP_NET_RAW. */
export function createPacketStack(options: PacketStackOptions): Stack {
  const { packet, ...rest } = options
  return new Stack({ ...rest, link: new PacketLink(packet), host: new NodeHost() })
}
