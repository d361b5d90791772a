// Tries to make a link over the package raw-socket in a worker thread and reports what happened.

import { parentPort } from 'node:worker_threads'
import { RawSocketLink } from '../../src/link/raw-socket.ts'

try {
  new RawSocketLink().close()
  parentPort!.postMessage('it works')
} catch (error) {
  const { code, message } = error as { code: string; message: string }
  parentPort!.postMessage({ code, message })
}
