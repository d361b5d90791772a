// The stack that most programs want: on raw IPv4 sockets, beside the kernel's, under the host's own addresses.

import { RawLink, type RawLinkOptions } from '../link/raw.ts'
import { Stack, type StackOptions } from '../stack/stack.ts'
import { NodeHost } from './host.ts'

export interface RawStackOptions extends Omit<StackOptions, 'link' | 'host'> {
  /** For the raw sockets. */
  readonly raw?: RawLinkOptions
}

/** Throws EPERM, with ways to mend it, without the capability CAP_NET_RAW. */
export function createRawStack(options: RawStackOptions = {}): Stack {
  const { raw, ...rest } = options
  return new Stack({ ...rest, link: new RawLink(raw), host: new NodeHost() })
}
