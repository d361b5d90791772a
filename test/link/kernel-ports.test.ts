// Ports reserved in the kernel: who may have which, and what is left when we are gone.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import type { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { KernelPorts, type ReceivedPorts, statesOnPort } from '../../src/link/kernel-ports.ts'
import { loadAddon } from '../../src/native/addon.ts'
import { LOOPBACK } from '../native/packets.ts'
import { unless } from '../support/privileges.ts'
import { claimFree, freePort } from './ports.ts'

const EVERY_ADDRESS = 0

function guard(t: Test, received: ReceivedPorts = { add() {}, remove() {} }): KernelPorts {
  const ports = new KernelPorts(loadAddon(), received)
  t.teardown(() => ports.close())
  return ports
}

async function listen(t: Test, port: number, host = '127.0.0.1'): Promise<Server> {
  const server = createServer().listen(port, host)
  t.teardown(() => server.close())
  await once(server, 'listening')
  return server
}

const portOf = (server: Server): number => (server.address() as AddressInfo).port

/** A connection of the kernel with itself: the client's side, and the server's. */
async function connection(t: Test, server: Server): Promise<[Socket, Socket]> {
  const accepted = once(server, 'connection')
  const client = connect(portOf(server), '127.0.0.1')
  const [served] = (await accepted) as [Socket]
  await once(client, 'connect')
  t.teardown(() => {
    client.destroy()
    served.destroy()
  })
  return [client, served]
}

/** The port that claim.child.ts has claimed. */
async function claimedBy(child: ChildProcess): Promise<number> {
  const [output] = await once(child.stdout as Readable, 'data')
  return Number(/^claimed (\d+)$/m.exec(String(output))?.[1])
}

t.test('a port on which the kernel listens is in use', async t => {
  const ports = guard(t)
  for (const host of ['127.0.0.1', '0.0.0.0', '::']) {
    const port = portOf(await listen(t, 0, host))
    t.throws(() => ports.claim(LOOPBACK, port), {
      code: 'EADDRINUSE',
      errno: -98,
      syscall: 'listen',
      address: '127.0.0.1',
      port
    })
    t.throws(() => ports.claim(EVERY_ADDRESS, port), { code: 'EADDRINUSE', address: '0.0.0.0' })
  }
})

t.test('a port from which the kernel has a connection is in use', async t => {
  const [client] = await connection(t, await listen(t, 0))
  const ports = guard(t)
  t.throws(() => ports.claim(LOOPBACK, client.localPort!), { code: 'EADDRINUSE' })
})

t.test('a port on which the kernel still has accepted connections is in use, though nobody listens', async t => {
  const server = await listen(t, 0)
  const port = portOf(server)
  await connection(t, server)
  server.close()
  // Node listens with SO_REUSEADDR, as most servers: with that option of our own the kernel would give us the port.
  t.throws(() => guard(t).claim(EVERY_ADDRESS, port), { code: 'EADDRINUSE' })
})

t.test('a port on which the kernel has connections in TIME-WAIT only can be claimed', async t => {
  const server = await listen(t, 0)
  const port = portOf(server)
  const [client, served] = await connection(t, server)
  served.resume().end() // who closes first gets TIME-WAIT
  client.resume()
  await once(client, 'end')
  client.end()
  await Promise.all([once(client, 'close'), once(served, 'close')])
  server.close()
  await once(server, 'close')
  t.doesNotThrow(() => guard(t).claim(EVERY_ADDRESS, port))
})

t.test('a port of ours is in use for the kernel, on every address that we claimed', async t => {
  const ports = guard(t)
  for (const [address, hosts] of [
    [LOOPBACK, ['127.0.0.1', '0.0.0.0', '::']],
    [EVERY_ADDRESS, ['127.0.0.1', '0.0.0.0', '::']]
  ] as const) {
    const port = claimFree(ports, address)
    for (const host of hosts) {
      await t.rejects(listen(t, port, host), { code: 'EADDRINUSE' }, host)
    }
    ports.release(address, port)
  }
})

t.test('a port that was given back is the kernel’s at once', async t => {
  const ports = guard(t)
  const port = claimFree(ports, EVERY_ADDRESS)
  t.throws(() => ports.claim(EVERY_ADDRESS, port), { code: 'EADDRINUSE' }, 'not twice')
  ports.release(EVERY_ADDRESS, port)
  ports.release(EVERY_ADDRESS, port)
  ports.release(LOOPBACK, port)
  const server = await listen(t, port, '0.0.0.0')
  await connection(t, server)
})

t.test('an address that is not the host’s is not available', async t => {
  t.throws(() => guard(t).claim(0xc0000201 | 0, freePort()), { code: 'EADDRNOTAVAIL', address: '192.0.2.1' })
})

t.test('a kernel client meets silence at a guarded port', async t => {
  const ports = guard(t)
  const port = claimFree(ports)
  const client = connect(port, '127.0.0.1')
  t.teardown(() => client.destroy())
  const outcome = await Promise.race([
    once(client, 'connect').then(
      () => 'connected',
      error => error.code
    ),
    sleep(300, 'silence')
  ])
  t.equal(outcome, 'silence')
  ports.release(LOOPBACK, port)
  const refused = connect(port, '127.0.0.1')
  await t.rejects(once(refused, 'connect'), { code: 'ECONNREFUSED' })
})

t.test('when the process is killed, the port is free', async t => {
  const child = spawn(process.execPath, ['--import=tsx', `${import.meta.dirname}/claim.child.ts`, 'one'], {
    stdio: ['ignore', 'pipe', 'inherit']
  })
  const port = await claimedBy(child)
  await t.rejects(listen(t, port), { code: 'EADDRINUSE' })
  child.kill('SIGKILL')
  await once(child, 'exit')
  await listen(t, port)
})

t.test(
  'without privileges a kernel client meets silence as well, if it is no neighbour with a TTL of 255',
  {
    skip: unless(process.getuid?.() === 0, 'needs root')
  },
  async t => {
    const child = spawn(process.execPath, ['--import=tsx', `${import.meta.dirname}/claim.child.ts`, 'one'], {
      stdio: ['ignore', 'pipe', 'ignore'],
      uid: 65534,
      gid: 65534
    })
    t.teardown(() => child.kill('SIGKILL'))
    const client = connect(await claimedBy(child), '127.0.0.1')
    t.teardown(() => client.destroy())
    const failed: unknown[] = []
    client.on('error', error => failed.push(error))
    client.on('connect', () => failed.push('connected'))
    await sleep(200)
    t.same(failed, [])
  }
)

t.test('when descriptors run out, the claim says so', async t => {
  const script = `ulimit -n 64; exec "${process.execPath}" --import=tsx "${import.meta.dirname}/claim.child.ts" all`
  const child = spawn('sh', ['-c', script], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [output] = await once(child.stdout, 'data')
  t.match(String(output), 'EMFILE')
  child.kill()
})

t.test('a claim that the receiver refuses is undone', async t => {
  let refused = 0
  const ports = guard(t, {
    add(port) {
      refused = port
      throw new Error('no')
    },
    remove() {}
  })
  t.throws(() => claimFree(ports), { message: 'no' })
  await listen(t, refused)
})

t.test('the receiver hears of each port claimed and released, once', async t => {
  const heard: string[] = []
  const ports = guard(t, { add: port => void heard.push(`+${port}`), remove: port => void heard.push(`-${port}`) })
  const port = claimFree(ports)
  t.throws(() => ports.claim(LOOPBACK, port))
  ports.release(LOOPBACK, port)
  ports.release(LOOPBACK, port)
  t.same(heard, [`+${port}`, `-${port}`])
})

t.test('states of sockets are read from the tables of the kernel, IPv4 and IPv6', async t => {
  const table = [
    '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode',
    '   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1',
    ' 101: 0100007F:1F90 0100007F:D2B4 06 00000000:00000000 03:00000F2B 00000000     0        0 0',
    '   2: 0100007F:D2B4 0100007F:1F90 01 00000000:00000000 00:00000000 00000000     0        0 2',
    '   3: 0000000000000000FFFF00000100007F:1F90 0000000000000000FFFF00000100007F:D2B6 01 00000000:00000000'
  ].join('\n')
  t.same(statesOnPort(table, 8080), ['0A', '06', '01'])
  t.same(statesOnPort(table, 0xd2b4), ['01'])
  t.same(statesOnPort(table, 80), [])
})
