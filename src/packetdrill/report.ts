// What both ends know, for whoever reads why a script failed.

import type { Flow } from './flow.ts'
import type { World } from './world.ts'

export function describeEnds(world: World, flow: Flow): string[] {
  return [`stack:    ${describeStack(world, flow)}`, `peer:     ${describePeer(flow)}`]
}

function describeStack(world: World, flow: Flow): string {
  const info = world.connectionOf(flow)?.info()
  if (info === undefined) return flow.state
  const parts = [
    flow.state,
    `unacked ${info.unacked}`,
    `not sent ${info.notsentBytes}`,
    `snd wnd ${info.sndWnd}`,
    `cwnd ${info.sndCwnd}`,
    `mss ${info.sndMss}`,
    `rcv wnd ${info.rcvWnd}`,
    `received ${info.bytesReceived}`,
    `unread ${info.readableBytes}`,
    `rto ${info.rtoMs} ms`
  ]
  if (info.caState !== 'Open') parts.push(info.caState)
  if (info.retransmits > 0) parts.push(`timeouts ${info.retransmits}`)
  return parts.join(', ')
}

function describePeer(flow: Flow): string {
  return `sent up to ${flow.peerNext}, acknowledged ${flow.peerAcked}, win ${flow.peerWindow}`
}
