// TCP Fast Open with the kernel's TCP at the other end, in both roles (RFC 7413): the first connection gets the cookie, the
// later ones bring their text in the SYN, and each side counts them so.

import { once } from 'node:events'
import { createInterface } from 'node:readline'
import t, { type Test } from 'tap'
import { connect, type Namespace } from '../support/netns.ts'
import { namespaceFor, unlessPeers } from './setup.ts'

const skip = unlessPeers('python3')
const OURS = '10.99.0.1'
const KERNEL = '10.99.0.2'
const python = new URL('fast-open.py', import.meta.url).pathname
const child = new URL('fast-open.child.ts', import.meta.url).pathname

/** A program in a namespace, and the lines that it prints. */
function start(namespace: Namespace, ...command: string[]) {
  const process = namespace.spawn(command, { stdio: ['pipe', 'pipe', 'inherit'] })
  const lines = createInterface({ input: process.stdout as NodeJS.ReadableStream })[Symbol.asyncIterator]()
  const line = async (): Promise<string> => (await lines.next()).value ?? ''
  return { process, line, json: async () => JSON.parse(await line()) }
}

const startOurs = (namespace: Namespace, ...args: string[]) =>
  start(namespace, process.execPath, '--import=tsx', child, ...args)

/** What the kernel has counted under this name. */
function counted(namespace: Namespace, name: string): number {
  const lines = namespace.run('cat', '/proc/net/netstat').split('\n')
  const at = lines[0].split(' ').indexOf(name)
  return Number(lines[1].split(' ')[at])
}

for (const place of ['veth', 'loopback'] as const) {
  const prepare = (t: Test): { ours: Namespace; kernel: Namespace; addresses: readonly [string, string] } => {
    const ours = namespaceFor(t)
    const kernel = place === 'veth' ? namespaceFor(t) : ours
    if (place === 'veth') connect(ours, kernel, { addresses: [`${OURS}/24`, `${KERNEL}/24`] })
    kernel.setSysctl('net/ipv4/tcp_fastopen', 3)
    return { ours, kernel, addresses: place === 'veth' ? [OURS, KERNEL] : ['127.0.0.1', '127.0.0.1'] }
  }

  t.test(`our server and the kernel's client, over ${place}`, { skip }, async t => {
    const { ours, kernel, addresses } = prepare(t)
    const server = startOurs(ours, 'server', addresses[0], '0')
    const { port } = await server.json()
    const client = start(kernel, 'python3', python, 'client', addresses[0], String(port))
    const states: string[] = []
    for (let i = 0; i < 3; i++) {
      states.push((await server.json()).accepted)
      t.equal(await client.line(), `question ${i}`)
    }
    t.same(
      states,
      ['ESTABLISHED', 'SYN-RECEIVED', 'SYN-RECEIVED'],
      'from the second on, given to its user with the SYN'
    )
    server.process.stdin?.write('\n')
    const { tcpExt } = await server.json()
    t.match(tcpExt, { TCPFastOpenCookieReqd: 1, TCPFastOpenPassive: 2, TCPFastOpenPassiveFail: 0 })
    t.equal(counted(kernel, 'TCPFastOpenActive'), 2, 'the kernel counts the same')
    await once(server.process, 'exit')
  })

  t.test(`our client and the kernel's server, over ${place}`, { skip }, async t => {
    const { ours, kernel, addresses } = prepare(t)
    const server = start(kernel, 'python3', python, 'server', addresses[1], '0')
    const client = startOurs(ours, 'client', addresses[1], await server.line())
    for (const [i, synData] of [false, true, true].entries()) {
      t.same(await client.json(), { answer: `question ${3 - i}`, synData })
    }
    const { tcpExt } = await client.json()
    t.match(tcpExt, { TCPFastOpenActive: 2, TCPFastOpenActiveFail: 0, TCPFastOpenBlackhole: 0 })
    t.equal(counted(kernel, 'TCPFastOpenPassive'), 2, 'the kernel counts the same')
    t.equal(counted(kernel, 'TCPFastOpenCookieReqd'), 1)
    server.process.kill('SIGKILL')
  })
}
