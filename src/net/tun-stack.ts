// A stack of its own address on a TUN device: the host's programs reach it, and it reaches them, through the kernel's routes.

import { TunLink, type TunLinkOptions } from '../link/tun.ts'
import { Stack, type StackOptions } from '../stack/stack.ts'
import { NodeHost } from './host.ts'

export interface TunStackOptions extends Omit<StackOptions, 'link' | 'host'> {
  readonly tun: TunLinkOptions
}

/** Throws EPERM, with ways to mend it, without the capability CAP_NET_ADMIN. */
export function createTunStack(options: TunStackOptions): Stack {
  const { tun, ...rest } = options
  return new Stack({ ...rest, link: new TunLink(tun), host: new NodeHost() })
}
