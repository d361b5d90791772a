// A device that is taken down, whose MTU changes or whose queue is full in the middle of a transfer by super-segments: packets are
// lost, and no byte of either stream.

import t, { type Test } from 'tap'
import type { TestHost } from '../support/host.ts'
import { connect, type Namespace } from '../support/netns.ts'
import { ENDLESS } from '../support/tasks.ts'
import type { OurOptions } from '../support/tcp.ts'
import { until } from '../support/until.ts'
import { namespaceFor, startHost, unlessPeers } from './setup.ts'

const skip = unlessPeers()
const WELL_UNDER_WAY = 2_000_000
const HOST = '10.99.0.1'
const OURS = '10.99.0.2'
const PEER = '10.99.0.3'
const TROUBLE_MS = 300
/** So many packets fewer than segments have left: super-segments were among them. */
const SPARED_PACKETS = 1000

type LinkCounters = Readonly<Record<string, number>>

interface Scene {
  readonly us: TestHost
  readonly kernel: TestHost
  readonly kernelAddress: string
  /** Hosts whose interface it is, ours first. */
  readonly hosts: readonly Namespace[]
  readonly device: string
}

interface Trouble {
  readonly what: string
  /** For the driver. */
  readonly tun?: object
  readonly packet?: object
  make(scene: Scene): Promise<void>
  /** What shows that it has met the transfer. Else it is made once more. */
  shows(link: LinkCounters, scene: Scene, place: Place): boolean
}

type Place = 'tun' | 'packet'

const troubles: readonly Trouble[] = [
  {
    what: 'taken down and up',
    async make({ hosts: [here], device }) {
      here.ip(`link set ${device} down`)
      await pause()
      here.ip(`link set ${device} up`)
    },
    shows: link => link.sendNetworkDown > 0
  },
  {
    what: 'its MTU lowered, and raised again',
    async make({ hosts, device }) {
      for (const mtu of [1300, 1500]) {
        for (const host of hosts) host.ip(`link set ${device} mtu ${mtu}`)
        await pause()
      }
    },
    shows: () => true
  },
  {
    what: 'its queue full',
    tun: { queuePackets: 16 },
    packet: { receiveBuffer: 262_144, sendBuffer: 4096 },
    async make({ us }) {
      process.kill(us.pid, 'SIGSTOP')
      await pause()
      process.kill(us.pid, 'SIGCONT')
    },
    shows: (link, { hosts: [here], device }, place) =>
      place === 'packet'
        ? link.receiveOverflows > 0 && link.sendQueuedPackets > 0
        : Number(here.run('cat', `/sys/class/net/${device}/statistics/tx_dropped`)) > 0
  }
]

for (const place of ['tun', 'packet'] as const) {
  for (const { what, make, shows, ...options } of troubles) {
    t.test(`${place}: ${what} in the middle of a transfer`, { skip }, async t => {
      const scene = await sceneAt(t, place, options[place] ?? {})
      const { us, kernel, kernelAddress } = scene
      const port = await kernel.do('serveExchange', {}, { seed: 1, bytes: ENDLESS })
      const over = Promise.all([
        us.do('exchange', { address: kernelAddress, port }, { seed: 2, bytes: ENDLESS }),
        kernel.do('served')
      ])
      const link = async (): Promise<LinkCounters> => (await us.do('counters')).link as LinkCounters
      await until(async () => (await link()).receivedBytes > WELL_UNDER_WAY)
      do await make(scene)
      while (!shows(await link(), scene, place))
      await until(async () => {
        const { link, tcp } = await us.do('counters')
        return tcp.segmentsSent - link.sentPackets > SPARED_PACKETS
      })
      await Promise.all([us.do('stopSending'), kernel.do('stopSending')])
      const [ours, theirs] = await over
      t.equal(ours.received, theirs.sent, 'what the kernel sent has arrived')
      t.equal(theirs.received, ours.sent, 'what we sent has arrived')
    })
  }
}

async function sceneAt(t: Test, place: Place, options: object): Promise<Scene> {
  const here = namespaceFor(t)
  if (place === 'tun') {
    const tun = { address: OURS, hostAddress: HOST, name: 'rawtcp0', ...options }
    const [us, kernel] = await hosts(t, here, { tun }, here)
    return { us, kernel, kernelAddress: HOST, hosts: [here], device: tun.name }
  }
  const there = namespaceFor(t)
  connect(here, there, { addresses: [`${HOST}/24`, `${PEER}/24`] })
  const packet = { interface: 'v0', address: OURS, ...options }
  const [us, kernel] = await hosts(t, here, { packet }, there)
  return { us, kernel, kernelAddress: PEER, hosts: [here, there], device: packet.interface }
}

function hosts(t: Test, here: Namespace, stack: OurOptions, there: Namespace): Promise<[TestHost, TestHost]> {
  return Promise.all([startHost(t, 'ours', here, { stack, checks: false }), startHost(t, 'kernel', there)])
}

function pause(): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, TROUBLE_MS))
}
