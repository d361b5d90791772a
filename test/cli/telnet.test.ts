// `rawtcp telnet` as a process, with servers on the kernel's TCP.

import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import t, { type Test } from 'tap'
import { unlessPrivileged } from '../support/privileges.ts'
import { Rawtcp } from './command.ts'

const skip = unlessPrivileged()

async function serve(t: Test): Promise<{ server: Server; port: string; accepted: Promise<Socket> }> {
  const server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1')
  t.teardown(() => server.close())
  await once(server, 'listening')
  const accepted = once(server, 'connection').then(([socket]) => {
    t.teardown(() => socket.destroy())
    return socket as Socket
  })
  return { server, port: String((server.address() as AddressInfo).port), accepted }
}

t.test('half-close: the end of input is our FIN, and what the server sends after it is shown', { skip }, async t => {
  const { port, accepted } = await serve(t)
  const command = new Rawtcp(t, ['telnet', 'localhost', port, '--trace'])
  command.process.stdin.end('question\n')
  const socket = await accepted
  let heard = ''
  socket.setEncoding('latin1').on('data', text => {
    heard += text
  })
  await once(socket, 'end')
  t.equal(heard, 'question\n')
  socket.write('first ')
  await command.says(/first /)
  socket.end('answer\n')
  t.equal(await command.exited, 0)
  t.equal(command.stdout, 'first answer\n')
  t.match(command.stderr, /FIN-WAIT-2 -> TIME-WAIT \(FIN\)/)
  t.notMatch(command.stderr, /Flags \[R/)
})

t.test('the server closes first: what is still typed is sent, then all is over', { skip }, async t => {
  const { port, accepted } = await serve(t)
  const command = new Rawtcp(t, ['telnet', '127.0.0.1', port])
  const socket = await accepted
  const heard = once(socket, 'data')
  socket.end('last words')
  await command.says(/last words/)
  command.process.stdin.end('mine')
  t.equal(String((await heard)[0]), 'mine')
  await once(socket, 'end')
  t.equal(await command.exited, 0)
})

t.test('bytes pass unchanged where no terminal is', { skip }, async t => {
  const { port, accepted } = await serve(t)
  const command = new Rawtcp(t, ['telnet', '127.0.0.1', port])
  const all = Buffer.from(Array.from({ length: 1024 }, (_, i) => i & 255))
  const shown: Buffer[] = []
  command.process.stdout.on('data', bytes => shown.push(bytes))
  command.process.stdin.end(all)
  const socket = await accepted
  const sent: Buffer[] = []
  socket.on('data', bytes => sent.push(bytes))
  await once(socket, 'end')
  socket.end(all)
  t.equal(await command.exited, 0)
  t.same(Buffer.concat(sent), all)
  t.same(Buffer.concat(shown), all)
})

t.test('a server that does not read stops the input, and gets all of it later', { skip }, async t => {
  const { server, port, accepted } = await serve(t)
  server.on('connection', socket => socket.pause())
  const command = new Rawtcp(t, ['telnet', '127.0.0.1', port])
  const socket = await accepted
  const total = 32 * 1024 * 1024
  let taken = false
  command.process.stdin.end(Buffer.alloc(total, 'z'), () => {
    taken = true
  })
  socket.write('go on')
  await command.says(/go on/)
  t.notOk(taken)
  let bytes = 0
  socket.on('data', text => {
    bytes += text.length
  })
  socket.resume()
  await once(socket, 'end')
  socket.end()
  t.equal(await command.exited, 0)
  t.equal(bytes, total)
})

t.test('an output that nobody reads closes the window; nothing is lost', { skip }, async t => {
  const { port, accepted } = await serve(t)
  const command = new Rawtcp(t, ['telnet', '127.0.0.1', port, '--trace'])
  command.process.stdout.removeAllListeners('data').pause()
  const socket = await accepted
  const total = 32 * 1024 * 1024
  let sent = false
  socket.end(Buffer.alloc(total, 'z'), () => {
    sent = true
  })
  const closed = /--> .*Flags \[\.\], ack \d+, win 0,/
  while (!closed.test(command.stderr)) await once(command.process.stderr, 'data')
  t.notOk(sent)
  let bytes = 0
  command.process.stdout.on('data', text => {
    bytes += text.length
  })
  command.process.stdin.end()
  command.process.stdout.resume()
  t.equal(await command.exited, 0)
  t.equal(bytes, total)
})

t.test('an output that is closed ends the connection in silence', { skip }, async t => {
  const { port, accepted } = await serve(t)
  const command = new Rawtcp(t, ['telnet', '127.0.0.1', port])
  const socket = await accepted
  const reset = once(socket, 'error')
  command.process.stdout.destroy()
  socket.write('to nobody')
  t.match(await reset, [{ code: 'ECONNRESET' }])
  t.equal(await command.exited, 0)
  t.equal(command.stderr, '')
})

t.test('nobody listens: ECONNREFUSED', { skip }, async t => {
  const { server, port } = await serve(t)
  server.close()
  await once(server, 'close')
  const command = new Rawtcp(t, ['telnet', '127.0.0.1', port])
  t.equal(await command.exited, 1)
  t.equal(command.stderr, 'rawtcp: 127.0.0.1: connection refused: nobody listens there (ECONNREFUSED)\n')
})

t.test('the server resets: what came before is shown', { skip }, async t => {
  const { port, accepted } = await serve(t)
  const command = new Rawtcp(t, ['telnet', '127.0.0.1', port])
  const socket = await accepted
  socket.write('so far')
  await command.says(/so far/)
  socket.resetAndDestroy()
  t.equal(await command.exited, 1)
  t.equal(command.stderr, 'rawtcp: 127.0.0.1: the peer has reset the connection (ECONNRESET)\n')
})

t.test('Ctrl-C resets the connection', { skip }, async t => {
  const { port, accepted } = await serve(t)
  const command = new Rawtcp(t, ['telnet', '127.0.0.1', port])
  const socket = await accepted
  socket.write('hello')
  await command.says(/hello/)
  const reset = once(socket, 'error')
  command.process.kill('SIGINT')
  t.match(await reset, [{ code: 'ECONNRESET' }])
  t.equal(await command.exited, 130)
})
