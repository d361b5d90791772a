// `rawtcp demo`: the first thing that anybody runs.

import { once } from 'node:events'
import t from 'tap'
import { unlessPrivileged } from '../support/privileges.ts'
import { Rawtcp } from './command.ts'

const skip = unlessPrivileged()

t.test('every segment with the states of both ends, what was said, and how it was closed', { skip }, async t => {
  const command = new Rawtcp(t, ['demo', '--trace'])
  t.equal(await command.exited, 0)
  t.equal(command.stdout.match(/ (--->|<---) /g)?.length, command.stderr.match(/Flags \[/g)?.length)
  const rows = [
    / SYN-SENT +---> SYN seq 0 win \d+ <mss 65495, .*> +SYN-RECEIVED\n/,
    / ESTABLISHED +<--- SYN,ACK seq 0 ack 1 win \d+ <.*> +SYN-RECEIVED\n/,
    / ESTABLISHED +---> ACK seq 1 ack 1 win \d+ +ESTABLISHED\n/,
    / ESTABLISHED +---> PSH,ACK seq 1:4 ack 28 win \d+ "a\\r\\n" +ESTABLISHED\n/,
    / CLOSE-WAIT +<--- FIN,PSH,ACK seq 63:74 ack 29 win \d+ "Echo: bye\\r\\n" +FIN-WAIT-1\n/,
    / CLOSED +<--- ACK seq 75 ack 30 win \d+ +TIME-WAIT\n/
  ]
  for (const row of rows) t.match(command.stdout, row)
  t.match(command.stdout, 'client: 3 lines, 28 bytes of text')
  t.match(command.stdout, 'server: 4 lines, 73 bytes of text')
  t.match(command.stdout, 'RST: none on this connection')
  t.match(command.stdout, /Closed: first by the server, in [34] steps\n {2}server: FIN\n/)
  t.match(command.stdout, /\nThe transcript is right\.\n$/)
})

t.test('a reader that has seen enough is no failure', { skip }, async t => {
  const command = new Rawtcp(t, ['demo'])
  await once(command.process.stdout, 'data')
  command.process.stdout.destroy()
  t.equal(await command.exited, 0)
  t.equal(command.stderr, '')
})
