// Run in a network namespace of its own: two packet links beside the host and one under its address. Writes, as JSON, whether super-segments
// leave whole, and which warnings there were.

import { setImmediate } from 'node:timers/promises'
import { HostPacketLink } from '../../src/link/host-packet.ts'
import { PacketLink } from '../../src/link/packet.ts'

const offload = process.argv[2] === 'offload'
const seen: unknown[] = []
process.on('warning', warning => seen.push((warning as NodeJS.ErrnoException).code))

const links = [
  new PacketLink({ interface: 'v0', address: '10.97.0.50', offload, probeMs: 0 }),
  new PacketLink({ interface: 'v0', address: '10.97.0.51', offload, probeMs: 0 }),
  new HostPacketLink({ interface: 'v0', offload })
]
const whole = links.map(link => link.offload)
for (const link of links) link.close()
await setImmediate()
process.stdout.write(JSON.stringify({ whole, seen }))
