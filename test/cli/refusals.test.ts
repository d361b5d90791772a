// What the command says where it cannot run, and where its arguments make no sense.

import { readFileSync } from 'node:fs'
import t from 'tap'
import { unless, unlessPrivileged } from '../support/privileges.ts'
import { Rawtcp } from './command.ts'

const TRACE = /^ +at /m

for (const args of [['echo'], ['telnet', '127.0.0.1', '2333'], ['demo']]) {
  t.test(
    `rawtcp ${args[0]} without privileges names the capability and three ways to get it`,
    { skip: unless(process.getuid?.() === 0, 'needs root, to do without it') },
    async t => {
      const command = new Rawtcp(t, args, { asNobody: true })
      t.equal(await command.exited, 77)
      t.match(command.stderr, /^rawtcp: the capability CAP_NET_RAW is missing/)
      t.match(command.stderr, new RegExp(`sudo \\S+ \\S+main.ts ${args.join(' ')}\n`))
      t.match(command.stderr, /sudo setcap cap_net_raw\+ep \//)
      t.match(command.stderr, /AmbientCapabilities=CAP_NET_RAW\n/)
      t.notMatch(command.stderr, TRACE)
    }
  )
}

t.test('usage errors end with 2', async t => {
  const wrong = [
    [['echo', '--port', '70000'], /--port.*from 0 to 65535/],
    [['echo', '--prot', '7'], /unknown option '--prot'\n\(Did you mean --port\?\)/],
    [['telnet', '127.0.0.1'], /missing required argument 'port'/],
    [['telnet', '127.0.0.1', '0'], /from 1 to 65535/],
    [['knock'], /unknown command 'knock'/],
    [[], /^Usage: rawtcp/]
  ] as const
  for (const [args, message] of wrong) {
    const command = new Rawtcp(t, args)
    t.equal(await command.exited, 2, `rawtcp ${args.join(' ')}`)
    t.match(command.stderr, message)
    t.notMatch(command.stderr, TRACE)
  }
})

t.test('help and version end with 0', async t => {
  for (const name of ['echo', 'telnet', 'demo', 'doctor']) {
    const command = new Rawtcp(t, [name, '--help'])
    t.equal(await command.exited, 0)
    t.match(command.stdout, new RegExp(`^Usage: rawtcp ${name} [^]*Examples?:\n[^]*Exit codes:\n`))
  }
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
  const command = new Rawtcp(t, ['--version'])
  t.equal(await command.exited, 0)
  t.equal(command.stdout, `${version}\n`)
})

t.test('a name without an address', { skip: unlessPrivileged() }, async t => {
  const command = new Rawtcp(t, ['telnet', 'nobody.invalid', '80'])
  t.equal(await command.exited, 1)
  t.match(command.stderr, /^rawtcp: no IPv4 address is known for nobody\.invalid \(E\w+\)\n$/)
})
