// `rawtcp echo` as a process, with clients on the kernel's TCP.

import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import t from 'tap'
import { unlessPrivileged } from '../support/privileges.ts'
import { Client } from './client.ts'
import { echoServer, Rawtcp } from './command.ts'

const GREETING = 'Hello! Enter BYE to exit.\r\n'

t.test('rawtcp echo', { skip: unlessPrivileged() }, async t => {
  const { command, port } = await echoServer(t)

  t.test('the transcript: greeting, answers, and the end after bye', async t => {
    const client = new Client(t, port)
    await client.hears(GREETING)
    client.socket.write('a\r\n')
    await client.hears('Echo: a\r\n')
    client.socket.write('hello echo server!\n')
    await client.hears('Echo: hello echo server!\r\n')
    client.socket.write('bye\r\n')
    await client.closed
    t.equal(client.heard, `${GREETING}Echo: a\r\nEcho: hello echo server!\r\nEcho: bye\r\n`)
  })

  for (const bye of ['BYE', 'bYe\r', 'Bye']) {
    t.test(`${JSON.stringify(bye)} ends the connection, what follows is not answered`, async t => {
      const client = new Client(t, port)
      client.socket.write(`not bye\n${bye}\nafter\n`)
      await client.closed
      t.equal(client.heard, `${GREETING}Echo: not bye\r\nEcho: ${bye.trim()}\r\n`)
    })
  }

  t.test('a line split over segments is one line', async t => {
    const client = new Client(t, port)
    await client.hears(GREETING)
    t.equal(command.stderr, '', 'no trace unless asked for')
    for (const piece of ['spl', 'it ', 'line\r', '\nsecond']) {
      await new Promise(resolve => client.socket.write(piece, resolve))
    }
    await client.hears('Echo: split line\r\n')
    client.socket.end()
    await client.closed
    t.equal(client.heard, `${GREETING}Echo: split line\r\nEcho: second\r\n`, 'the last needs no end of line')
  })

  t.test('several clients at once have a conversation each', async t => {
    const clients = Array.from({ length: 20 }, () => new Client(t, port))
    await Promise.all(clients.map(client => client.hears(GREETING)))
    for (const [i, client] of clients.entries()) client.socket.write(`I am ${i}\n`)
    await Promise.all(clients.map((client, i) => client.hears(`Echo: I am ${i}\r\n`)))
    for (const client of clients) client.socket.write('bye\n')
    await Promise.all(clients.map(client => client.closed))
    for (const [i, client] of clients.entries()) {
      t.equal(client.heard, `${GREETING}Echo: I am ${i}\r\nEcho: bye\r\n`)
    }
  })

  t.test('telnet commands are no text; offers and requests are refused', async t => {
    const client = new Client(t, port)
    await client.hears(GREETING)
    // IAC DO TIMING-MARK, IAC WILL NAWS, IAC IP, a sub-negotiation, and a byte 255 of the text.
    const commands = [255, 253, 6, 255, 251, 31, 255, 244, 255, 250, 31, 0, 80, 255, 255, 255, 240]
    client.socket.write(Buffer.from([...commands, 65, 255, 255, 66, 13, 0]))
    await client.hears('B\r\n')
    t.equal(client.heard, `${GREETING}\xff\xfc\x06\xff\xfe\x1fEcho: A\xffB\r\n`)
  })

  t.test('a line longer than a terminal takes is answered in pieces', async t => {
    const client = new Client(t, port)
    client.socket.end(`${'x'.repeat(10_000)}\n`)
    await client.closed
    const pieces = client.heard.split('\r\n').slice(1, -1)
    t.same(
      pieces.map(piece => piece.length - 'Echo: '.length),
      [4096, 4096, 1808]
    )
  })

  t.test('a client that sends much and reads nothing is not read from without bound, and gets all later', async t => {
    const client = new Client(t, port)
    await client.hears(GREETING)
    client.socket.pause()
    const line = `${'y'.repeat(1000)}\n`
    const lines = 20_000
    const everything = Buffer.from(line.repeat(lines))
    let written = false
    client.socket.write(everything, () => {
      written = true
    })
    // Other clients are served meanwhile; by then the first one's way is full.
    const other = new Client(t, port)
    other.socket.write('bye\n')
    await other.closed
    t.notOk(written)
    let bytes = 0
    client.socket.removeAllListeners('data').on('data', text => {
      bytes += text.length
    })
    client.socket.end()
    client.socket.resume()
    await client.closed
    t.equal(bytes, lines * (line.length + 'Echo: \r'.length))
  })
})

t.test('Ctrl-C: clients are told, all is closed in order', { skip: unlessPrivileged() }, async t => {
  const { command, port } = await echoServer(t, '--trace')
  const client = new Client(t, port)
  await client.hears(GREETING)
  command.process.kill('SIGINT')
  await client.closed
  t.equal(await command.exited, 0)
  t.match(command.stdout, /127\.0\.0\.1:\d+ connected\n(.*\n)*Closing\.\n127\.0\.0\.1:\d+ closed\n/)
  t.match(command.stderr, /<-- {2}127\.0\.0\.1\.\d+ > 127\.0\.0\.1\.\d+: Flags \[S\]/)
  t.match(command.stderr, /LISTEN -> SYN-RECEIVED \(SYN\)/)
  t.match(command.stderr, /ESTABLISHED -> FIN-WAIT-1 \(close\)/)
  t.match(command.stderr, /FIN-WAIT-2 -> TIME-WAIT \(FIN\)/)
  t.notMatch(command.stderr, /Flags \[R/)
})

t.test('--host 0.0.0.0 listens on every address', { skip: unlessPrivileged() }, async t => {
  const { port } = await echoServer(t, '--host', '0.0.0.0')
  const client = new Client(t, port, { host: '127.0.0.9' })
  client.socket.write('bye\n')
  await client.closed
  t.equal(client.heard, `${GREETING}Echo: bye\r\n`)
})

t.test('a port that the kernel uses', { skip: unlessPrivileged() }, async t => {
  const server = createServer().listen(0, '127.0.0.1')
  t.teardown(() => server.close())
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const command = new Rawtcp(t, ['echo', '--port', String(port)])
  t.equal(await command.exited, 1)
  t.match(command.stderr, new RegExp(`^rawtcp: port ${port} is in use on 127\\.0\\.0\\.1 \\(EADDRINUSE\\)`))
  t.notMatch(command.stderr, /^ +at /m, 'no stack trace')
})

t.test('an address that is not ours', { skip: unlessPrivileged() }, async t => {
  const command = new Rawtcp(t, ['echo', '--host', '192.0.2.1'])
  t.equal(await command.exited, 1)
  t.match(command.stderr, /^rawtcp: 192\.0\.2\.1 is no address of this machine \(EADDRNOTAVAIL\)/)
})
