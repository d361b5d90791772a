// tcpdump as a witness: what it sees of TCP and ICMP on one interface, in a file, whole packets, none missed.

import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { closeSync, mkdtempSync, openSync, readSync, rmSync, watch } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import type { Test } from 'tap'
import { formatAddress, parseAddress } from '../../src/wire/address.ts'
import type { Namespace } from './netns.ts'

/** Enough for a whole transfer, if tcpdump gets no time while it runs. */
const KERNEL_BUFFER_KIB = 256 * 1024
const DISCARD_PORT = 9

export interface Capture {
  readonly path: string
  /** Ends it when all that was on the wire until now is in the file. */
  stop(): Promise<void>
}

/** Captures from the moment that the promise resolves. The file goes with the test. */
export async function capture(t: Test, namespace: Namespace, device: string): Promise<Capture> {
  const directory = mkdtempSync(join(tmpdir(), 'rawtcp-capture-'))
  const removeDirectory = (): void => rmSync(directory, { recursive: true, force: true })
  process.once('exit', removeDirectory)
  const path = join(directory, 'capture.pcap')
  const filter = `tcp or icmp or udp port ${DISCARD_PORT}`
  const child = namespace.spawn(
    ['tcpdump', '-i', device, '-n', '-U', '-s', '0', '-B', `${KERNEL_BUFFER_KIB}`, '-Z', 'root', '-w', path, filter],
    { stdio: ['ignore', 'ignore', 'pipe'] }
  )
  const messages: string[] = []
  const exited = once(child, 'exit')
  const lines = createInterface(child.stderr as Readable)
  const linesEnded = once(lines, 'close')
  const listening = new Promise<void>((resolve, reject) => {
    lines.on('line', line => {
      messages.push(line)
      if (line.includes('listening on')) resolve()
    })
    lines.on('close', () => reject(new Error(messages.join('\n'))))
  })
  t.teardown(async () => {
    child.kill()
    await exited
    removeDirectory()
    process.off('exit', removeDirectory)
  })
  await listening
  return {
    path,
    async stop() {
      await markerArrives(namespace, device, path)
      child.kill('SIGINT')
      await Promise.all([exited, linesEnded])
      const dropped = /(\d+) packets? dropped by kernel/.exec(messages.join('\n'))?.[1]
      if (dropped !== '0') throw new Error(`tcpdump has missed packets:\n${messages.join('\n')}`)
    }
  }
}

/** tcpdump sees packets a second late. A datagram sent now is seen after all that went before. */
async function markerArrives(namespace: Namespace, device: string, path: string): Promise<void> {
  const marker = randomUUID()
  const watcher = watch(path)
  const file = openSync(path, 'r')
  try {
    // To the broadcast address: whoever the peer is, and whether or not it is there.
    const script = `
      const socket = require('dgram').createSocket('udp4')
      socket.bind(() => {
        socket.setBroadcast(true)
        socket.send('${marker}', ${DISCARD_PORT}, process.argv[1], () => socket.close())
      })`
    namespace.run(process.execPath, '-e', script, broadcastAddress(namespace, device))
    let tail = Buffer.alloc(0)
    const chunk = Buffer.alloc(1024 * 1024)
    for (;;) {
      const changed = once(watcher, 'change')
      for (let read = readSync(file, chunk); read > 0; read = readSync(file, chunk)) {
        tail = Buffer.concat([tail.subarray(-marker.length), chunk.subarray(0, read)])
        if (tail.includes(marker)) return
      }
      await changed
    }
  } finally {
    watcher.close()
    closeSync(file)
  }
}

function broadcastAddress(namespace: Namespace, device: string): string {
  const [{ addr_info }] = JSON.parse(namespace.ip(`-json -4 address show dev ${device}`))
  const [{ local, prefixlen }] = addr_info
  return formatAddress((parseAddress(local) as number) | (0xffffffff >>> prefixlen))
}
