// Run in a network namespace of its own: packet links that cannot be. Writes their errors as JSON.

import { PacketLink, type PacketLinkOptions } from '../../src/index.ts'

const [host, peer, taken] = process.argv.slice(2)
const FREE = '10.97.0.50'
/** A process that has an address may wait for a CPU before it answers. Nobody waits once it has. */
const PROBE_MS = 10_000

function refusal(options: object): { code?: string | undefined; message: string } {
  try {
    new PacketLink({ interface: 'v0', address: FREE, probeMs: PROBE_MS, ...options } as PacketLinkOptions).close()
    return { message: 'not refused' }
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    return { code, message }
  }
}

const answers = {
  unknown: refusal({ interface: 'none0' }),
  long: refusal({ interface: 'a-name-that-is-too-long' }),
  down: refusal({ interface: 'down0' }),
  loopback: refusal({ interface: 'lo' }),
  hosts: refusal({ address: host }),
  peers: refusal({ address: peer }),
  taken: refusal({ address: taken }),
  gateway: refusal({ gateway: '10.96.0.1' }),
  ownGateway: refusal({ gateway: FREE }),
  address: refusal({ address: '10.97.0' }),
  noInterface: refusal({ interface: undefined }),
  group: refusal({ macAddress: '01:00:5e:00:00:01' }),
  option: refusal({ speed: 3 })
}
process.setuid?.(65_534)
process.stdout.write(JSON.stringify({ ...answers, unprivileged: refusal({}) }))
