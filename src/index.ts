// The package's entry: a TCP/IPv4 stack on raw sockets, or on any link.

export { SocketError } from './errors.ts'
export type { Host, HostTimer } from './host.ts'
export { HostPacketLink, type HostPacketLinkOptions } from './link/host-packet.ts'
export * from './link/link.ts'
export { PacketLink, type PacketLinkOptions } from './link/packet.ts'
export { RawLink, type RawLinkOptions } from './link/raw.ts'
export type { Share, ShareOptions } from './link/share.ts'
export { TunLink, type TunLinkOptions, TunQueues, type TunQueuesOptions } from './link/tun.ts'
export { ConnectionStream } from './net/duplex.ts'
export { NodeHost } from './net/host.ts'
export { createPacketStack, type PacketStackOptions } from './net/packet-stack.ts'
export { createRawStack, type RawStackOptions } from './net/raw-stack.ts'
export { createTunStack, type TunStackOptions } from './net/tun-stack.ts'
export type { Connection, ConnectionHandlers } from './stack/connection.ts'
export type { TcpInfo } from './stack/info.ts'
export type { Listener } from './stack/listener.ts'
export { formatPrometheus, PROMETHEUS_CONTENT_TYPE } from './stack/prometheus.ts'
export { type ConnectOptions, type ListenOptions, Stack, type StackOptions } from './stack/stack.ts'
export type { Statistics } from './stack/statistics.ts'
export type { Tracer } from './stack/trace.ts'
export type { Counters } from './stats.ts'
export {
  AckSample,
  type CongestionControl,
  type CongestionControlFactory,
  initialWindow,
  mayGrow,
  slowStart,
  smss
} from './tcp/congestion/congestion.ts'
export { Cubic } from './tcp/congestion/cubic.ts'
export { NewReno } from './tcp/congestion/new-reno.ts'
export { ValidatedWindow } from './tcp/congestion/validated-window.ts'
export type { SocketOptions } from './tcp/options.ts'
export { STATE_NAMES, State } from './tcp/state.ts'
export type { Tcb } from './tcp/tcb.ts'
export { formatSegment } from './wire/notation.ts'
export type { Segment } from './wire/segment.ts'
