// A TCP that costs nothing (bench/costless) at the place of ours: what a driver's system calls can carry at most.

import type { Namespace } from '../../test/support/netns.ts'
import type { Timing } from './bench.ts'
import { compiled, LineProgram } from './line-program.ts'
import { PACKET, TUN } from './tcp.ts'
import type { World } from './world.ts'

export type CostlessDriver = 'raw' | 'tun' | 'packet'

/** On the cable, beside both hosts and our own packet socket's. */
const ADDRESS = '10.98.0.4'

export interface CostlessRun {
  /** All text that was sent and acknowledged, or acknowledged. */
  readonly bytes: number
  readonly bytesPerSecond: number
  readonly packetsPerSecond: number
  /** Times that nothing came back, and it began again at what was acknowledged. */
  readonly wentBack: number
  /** Text that was acknowledged and never came. */
  readonly missing: number
}

export interface CostlessTimes extends Timing {
  /** The sender's. */
  readonly forMs: number
}

/** It is the sender, to a port of the kernel's. */
export async function costlessSends(
  driver: CostlessDriver,
  world: World,
  port: number,
  times: CostlessTimes
): Promise<CostlessRun> {
  return (await start(driver, 'out', world, port, times)).run
}

/** It is the receiver. Answers the port at which it waits for the kernel. */
export function costlessReceives(
  driver: CostlessDriver,
  world: World,
  times: CostlessTimes
): Promise<{ port: number; run: Promise<CostlessRun> }> {
  return start(driver, 'in', world, 0, times)
}

/** What a packet with 64 bytes of text costs. */
export interface PacketCost {
  readonly perSecond: number
  /** CPU time for one packet. */
  readonly microseconds: number
}

/** From the left host to an address on the cable, on a raw socket. */
export async function costlessFlood(
  { left, leftAddress }: World,
  address: string,
  port: number,
  times: Timing
): Promise<PacketCost> {
  return (await open<PacketCost>(left, 'raw', 'flood', [leftAddress, address], port, times)).run
}

/** At the right host, on a raw socket; the packets come from somebody else. */
export function costlessTakes(
  { right, leftAddress, rightAddress }: World,
  port: number,
  times: Timing
): Promise<{ run: Promise<PacketCost> }> {
  return open<PacketCost>(right, 'raw', 'take', [rightAddress, leftAddress], port, times)
}

/** The address under which the kernel at the other end finds it. */
export function costlessAddress(driver: CostlessDriver, world: World): string {
  return { raw: world.rightAddress, tun: TUN.address, packet: ADDRESS }[driver]
}

/** It sends from the left host and receives in the right one; on a TUN device both ends are in the right one. */
async function start(
  driver: CostlessDriver,
  way: 'out' | 'in',
  { left, right, leftAddress, rightAddress }: World,
  port: number,
  times: CostlessTimes
): Promise<{ port: number; run: Promise<CostlessRun> }> {
  const [here, there] = way === 'out' && driver !== 'tun' ? [left, right] : [right, left]
  const [own, other] = here === left ? [leftAddress, rightAddress] : [rightAddress, leftAddress]
  const ends = { raw: [own, other], tun: [TUN.address, TUN.hostAddress], packet: [ADDRESS, other] }[driver]
  const more: string[] = []
  if (driver === 'packet') {
    const { interface: device } = PACKET
    const macOf = (host: typeof here): string => host.run('cat', `/sys/class/net/${device}/address`).trim()
    // It knows nothing of ARP, so its peer is told.
    there.ip(`neighbour replace ${ADDRESS} lladdr ${macOf(here)} dev ${device}`)
    more.push(device, macOf(there))
  }
  return open<CostlessRun>(here, driver, way, ends, port, times, more)
}

async function open<R>(
  namespace: Namespace,
  driver: CostlessDriver,
  way: 'out' | 'in' | 'flood' | 'take',
  ends: readonly string[],
  port: number,
  { warmupMs, measureMs, forMs = 0 }: Timing & { forMs?: number },
  more: readonly string[] = []
): Promise<{ port: number; run: Promise<R> }> {
  const numbers = [port, warmupMs, measureMs, forMs].map(String)
  const command = [compiled('costless'), driver, way, ...ends, ...numbers, ...more]
  const program = new LineProgram('The costless TCP', command, namespace)
  const first = (await program.ask()) as { port: number }
  const result = async (): Promise<R> => {
    const run = (await program.ask()) as R
    await program.end()
    return run
  }
  return { port: first.port, run: result() }
}
