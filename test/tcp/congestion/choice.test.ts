// Which controller a connection gets, and what is wrong with one that is none.

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import t from 'tap'
import type { CongestionControl } from '../../../src/tcp/congestion/congestion.ts'
import { NewReno } from '../../../src/tcp/congestion/new-reno.ts'
import type { SocketOptions } from '../../../src/tcp/options.ts'
import { Driven } from '../../support/controller.ts'
import { established, Peer } from '../../support/peer.ts'

const nameIn = (peer: Peer): string | undefined => peer.connection?.info().congestionControl

t.test('CUBIC unless something else is asked for: of the stack, of a listener, of one connection', async t => {
  t.equal(nameIn(established()), 'cubic')
  for (const congestionControl of ['cubic', 'reno', 'none'] as const) {
    t.equal(nameIn(established({ sockets: { congestionControl } })), congestionControl)
    t.equal(nameIn(new Peer().connect({ congestionControl })), congestionControl)
  }
})

t.test("a user's own: made anew for each connection, told of what happens", async t => {
  const told: string[] = []
  class Timid extends NewReno {
    override readonly name = 'timid'
    override opened: NewReno['opened'] = tcb => {
      told.push('opened')
      tcb.cwnd = 2000
    }
  }
  let made = 0
  const congestionControl = (): CongestionControl => {
    made++
    return new Timid()
  }
  const peer = established({ syn: { mss: 1000 }, sockets: { congestionControl } })
  t.equal(nameIn(peer), 'timid')
  t.same(told, ['opened'])
  t.equal(made, 2, 'one to be looked at, one for the connection')
  t.equal(peer.call(c => c.write(new Uint8Array(10_000))).length, 2)
})

t.test('the example of docs/api.md', async t => {
  const text = readFileSync(new URL('../../../docs/api.md', import.meta.url), 'utf8')
  const [, example] = /### A congestion controller of your own.*?```ts\n(.*?)```/s.exec(text) as RegExpExecArray
  // As a user's file: only its imports lead elsewhere, and it has the stack of this test for `link` and `host`.
  const entry = new URL('../../../src/index.ts', import.meta.url).href
  const file = join(t.testdir(), 'example.ts')
  const body = example
    .replace("from 'rawtcp'", `from '${entry}'`)
    .replace('const stack = new Stack({ link, host, ', 'export const options = ({ ')
  writeFileSync(file, body)
  const { options } = (await import(pathToFileURL(file).href)) as { options: SocketOptions }
  const peer = established({ syn: { mss: 1000 }, sockets: options })
  t.equal(nameIn(peer), 'gentle')
  const driven = new Driven(options).fill().lose()
  t.same([driven.ssthresh, driven.cwnd], [9, 9])
  driven.round(100)
  t.equal(Math.round(100 * driven.cwnd), 927, 'a quarter for nine, and ten were in flight')
})

t.test('what is no controller is refused where it is given', async t => {
  const rows: [unknown, string, RegExp][] = [
    ['vegas', 'ERR_INVALID_ARG_VALUE', /must be one of 'cubic', 'reno', .*received 'vegas'/],
    [7, 'ERR_INVALID_ARG_TYPE', /must be a string or a function, received number/],
    [() => undefined, 'ERR_INVALID_RETURN_VALUE', /must return a congestion controller, not undefined/],
    [() => null, 'ERR_INVALID_RETURN_VALUE', /not null/],
    [() => ({}), 'ERR_INVALID_RETURN_VALUE', /with a name/],
    [() => ({ name: 'x' }), 'ERR_INVALID_RETURN_VALUE', /governsRecovery/],
    [
      () => Object.assign(new NewReno(), { timedOut: undefined }),
      'ERR_INVALID_RETURN_VALUE',
      /with the method timedOut/
    ]
  ]
  for (const [congestionControl, code, message] of rows) {
    const options = { congestionControl } as SocketOptions
    t.throws(() => new Peer({ sockets: options }), { code, message })
    t.throws(() => new Peer().connect(options), { code, message })
  }
})

t.test('another takes over the window as it is', async t => {
  const peer = established({ syn: { mss: 1000 } })
  peer.call(c => c.write(new Uint8Array(10_000)))
  peer.arrive({ flags: '.', seq: 1, ack: 10_001 })
  const before = peer.connection?.info().sndCwnd
  t.equal(before, 20_000)
  peer.call(c => c.setOptions({ congestionControl: 'reno' }))
  t.equal(nameIn(peer), 'reno')
  t.equal(peer.connection?.info().sndCwnd, before)
})

t.test('none: the window is what was asked for, whatever happens', async t => {
  const peer = established({ syn: { mss: 1000 }, sockets: { congestionControl: 'none', initialWindow: 4 } })
  t.equal(peer.call(c => c.write(new Uint8Array(20_000))).length, 4)
  peer.arrive({ flags: '.', seq: 1, ack: 4001 })
  t.equal(peer.connection?.info().sndCwnd, 4000)
  peer.wait(1000)
  t.equal(peer.connection?.info().sndCwnd, 4000)
})

t.test('initialWindow: so many segments, ten being those of RFC 6928', async t => {
  for (const initialWindow of [1, 2, 10, 32]) {
    const peer = established({ syn: { mss: 1000 }, sockets: { initialWindow } })
    t.equal(peer.call(c => c.write(new Uint8Array(60_000))).length, initialWindow)
  }
})
