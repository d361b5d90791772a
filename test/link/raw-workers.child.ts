// The driver in several threads at once, ended in every way that a thread can end. Writes what it saw as JSON; that the
// process lives to do so is the better part of the test.

import { readdirSync } from 'node:fs'
import { isMainThread, parentPort, workerData } from 'node:worker_threads'
import { RawLink } from '../../src/link/raw.ts'
import { RST } from '../../src/wire/segment.ts'
import { addSegment, newBatch } from '../native/packets.ts'
import { typescriptWorker } from '../support/worker.ts'
import { Collector } from './collector.ts'
import { claimFree } from './ports.ts'

const endings = ['closes', 'leaves it open', 'is terminated', 'calls exit', 'throws'] as const
type Ending = (typeof endings)[number]

const PACKETS = 200

/** Sends packets to itself until all have come back. */
async function exchange(): Promise<RawLink> {
  const link = new RawLink({ address: '127.0.0.1' })
  const peer = new Collector()
  link.start(peer)
  const port = claimFree(link.guard)
  const batch = newBatch(new Uint8Array(1000), PACKETS)
  for (let seq = 0; seq < PACKETS; seq++) {
    addSegment(batch, { sourcePort: 9, destinationPort: port, flags: RST, seq, text: [0, 1000] })
  }
  link.send(batch)
  await peer.until(() => peer.segments.length === PACKETS)
  return link
}

async function inWorker(ending: Ending): Promise<void> {
  const link = await exchange()
  parentPort!.postMessage('exchanged')
  if (ending === 'closes') link.close()
  if (ending === 'leaves it open') link.unref()
  if (ending === 'calls exit') process.exit(0)
  if (ending === 'throws') throw new Error('on purpose')
  // "is terminated" waits here: the open link keeps the thread alive.
}

function runWorker(ending: Ending): Promise<boolean> {
  return new Promise(resolve => {
    const worker = typescriptWorker(import.meta.url, { workerData: ending })
    let exchanged = false
    worker.on('message', () => {
      exchanged = true
      if (ending === 'is terminated') void worker.terminate()
    })
    worker.on('error', () => {})
    worker.on('exit', () => resolve(exchanged))
  })
}

const descriptors = (): number => readdirSync('/proc/self/fd').length

if (isMainThread) {
  const rounds: boolean[][] = []
  const open: number[] = []
  for (let round = 0; round < 3; round++) {
    rounds.push(await Promise.all(endings.map(runWorker)))
    open.push(descriptors())
  }
  const link = await exchange()
  link.close()
  process.stdout.write(JSON.stringify({ rounds, open }))
} else {
  await inWorker(workerData as Ending)
}
