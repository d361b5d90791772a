// Connections come and go and leave nothing: twelve thousand between two stacks in memory, fewer on raw sockets, where each
// also takes a port and a socket of the kernel's.

import { execFileSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import t from 'tap'
import { until } from '../support/until.ts'
import type { Round } from './memory.child.ts'
import { inBothRoles, pairAt, unlessPeers } from './setup.ts'

/**
 * A connection: less than a TCB takes, or the buffer of one. All together it is more than the heap varies by itself once it is warm: by
 * some 200 kB from round to round.
 */
const LESS_THAN_ANY = 128

t.test('12 000 connections in memory', async t => {
  const script = `${import.meta.dirname}/memory.child.ts`
  const output = execFileSync(process.execPath, ['--import=tsx', '--expose-gc', script], { encoding: 'utf8' })
  const rounds: Round[] = JSON.parse(output)
  const [, , , fourth] = rounds // those before have warmed up
  const last = rounds[rounds.length - 1]
  t.equal(last.wrong, 0, 'all went well')
  for (const { slabUsed, entries } of rounds) t.same([slabUsed, entries], [0, 0])
  t.equal(last.slabReserved, fourth.slabReserved)
  const grown = last.heapUsed + last.external - fourth.heapUsed - fourth.external
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
    const rounds: Awaited<ReturnType<typeof round>>[] = []
    for (let i = 0; i < 13; i++) rounds.push(await round())
    // The first three warm up. What V8 has compiled it throws away and compiles again: the least of three rounds is what they need.
    const [before, after] = [rounds.slice(3, 6), rounds.slice(10)]
    t.equal(after[2].descriptors, before[0].descriptors, 'no descriptor stays open')
    const least = (of: typeof rounds): number => Math.min(...of.map(it => it.used))
    const grown = least(after) - least(before)
    t.ok(grown < 3500 * LESS_THAN_ANY, `3500 connections later: ${grown} bytes more`)
  })
})
