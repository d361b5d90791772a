// Connections come and go and leave nothing: ten thousand between two stacks in memory, fewer on raw sockets, where each
// also takes a port and a socket of the kernel's.

import { execFileSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import t from 'tap'
import { until } from '../support/until.ts'
import type { Round } from './memory.child.ts'
import { inBothRoles, pairAt, unlessPeers } from './setup.ts'

/** A connection: less than a TCB takes, or the buffer of one. All together it is more than the heap varies by itself. */
const LESS_THAN_ANY = 128

t.test('10 000 connections in memory', async t => {
  const script = `${import.meta.dirname}/memory.child.ts`
  const output = execFileSync(process.execPath, ['--import=tsx', '--expose-gc', script], { encoding: 'utf8' })
  const rounds: Round[] = JSON.parse(output)
  const [, second] = rounds // the first has warmed up
  const last = rounds[rounds.length - 1]
  t.equal(last.wrong, 0, 'all went well')
  for (const { slabUsed, entries } of rounds) t.same([slabUsed, entries], [0, 0])
  t.equal(last.slabReserved, second.slabReserved)
  const grown = last.heapUsed + last.external - second.heapUsed - second.external
  t.ok(grown < 8000 * LESS_THAN_ANY, `8000 connections later: ${grown} bytes more`)
})

t.test('connections on raw sockets', { skip: unlessPeers() }, async t => {
  const ours = { nodeArguments: ['--expose-gc'], stack: { timeWaitMs: 0 } }
  const pair = await pairAt(t, 'loopback', { ours })
  const { host } = pair.ours
  const message = { seed: 1, bytes: 3000 }
  await inBothRoles(t, pair, async (t, server, client) => {
    const port = await server.host.do('serveExchange', {}, message)
    const to = { address: server.address, port }
    const round = async (): Promise<{ used: number; descriptors: number }> => {
      t.equal(await client.host.do('exchangeMany', to, 50, 500, message, message), 500)
      for (let i = 0; i < 500; i++) await server.host.do('served')
      await until(async () => {
        const { connections, halfOpen, timeWait } = await host.do('counts')
        return connections + halfOpen + timeWait === 0
      })
      t.match(await host.do('counters'), { stack: { slabUsedBytes: 0 } })
      const { heapUsed, external } = await host.do('memory')
      return { used: heapUsed + external, descriptors: readdirSync(`/proc/${host.pid}/fd`).length }
    }
    await round()
    const before = await round()
    for (let i = 1; i < 4; i++) await round()
    const after = await round()
    t.equal(after.descriptors, before.descriptors, 'no descriptor stays open')
    const grown = after.used - before.used
    t.ok(grown < 2000 * LESS_THAN_ANY, `2000 connections later: ${grown} bytes more`)
  })
})
