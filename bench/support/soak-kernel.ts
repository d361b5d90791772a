// The kernel's side of the soak, a process of its own: a server, and clients of the stack's listener, that write, read,
// close, half-close and reset as chance has it.

import * as net from 'node:net'
import { Random } from '../../src/random.ts'

const random = new Random(Number(process.argv[2]) + 1)
const sockets = new Set<net.Socket>()
const TEXT = Buffer.alloc(60_000, 'kernel')
const MOST_PATIENCE_MS = 1500

let target = { address: '', port: 0 }
let together = 0
let clients = 0

function live(socket: net.Socket): void {
  sockets.add(socket)
  socket.on('error', () => {})
  socket.once('close', () => sockets.delete(socket))
  if (random.chance(0.8)) socket.resume()
  socket.write(TEXT.subarray(0, random.int(TEXT.length)))
  setTimeout(() => {
    const lot = random.int(3)
    if (lot === 0) socket.end()
    else if (lot === 1) socket.destroy()
    else socket.resetAndDestroy()
  }, random.int(MOST_PATIENCE_MS))
  // Whoever only half-closes would wait for ever for a peer who has gone.
  setTimeout(() => socket.destroy(), 3 * MOST_PATIENCE_MS).unref()
}

function keepUp(): void {
  while (clients < together) {
    clients++
    const socket = net.connect({ ...target, host: target.address, allowHalfOpen: random.chance(0.5) })
    socket.once('connect', () => live(socket))
    socket.on('error', () => {})
    socket.once('close', () => clients--)
  }
}

const server = net.createServer({ allowHalfOpen: true }, live)
server.listen(0, '127.0.0.1')
const ticking = setInterval(keepUp, 20)

process.on('message', (message: { port?: number; address?: string; together?: number }) => {
  if (message.port !== undefined && message.address !== undefined) {
    target = { address: message.address, port: message.port }
    const report = (): void => void process.send?.({ port: (server.address() as net.AddressInfo).port })
    if (server.listening) report()
    else server.once('listening', report)
  }
  if (message.together === undefined) return
  together = message.together
  if (together === 0) for (const socket of sockets) socket.destroy()
})
process.once('disconnect', () => {
  clearInterval(ticking)
  process.exit()
})
