// The process of one part of a bench: imports the bench's file, runs the part, answers its parent, and ends by itself once
// the part has closed everything it opened.

import type { Control, Message, Parts } from './parts.ts'

const [file, name, input] = process.argv.slice(2)
const tell = (message: Message): void => void process.send?.(message)
const orphaned = (): never => process.exit(1)

process.once('disconnect', orphaned)
const control: Control = {
  ready: (port = 0) => tell({ ready: port }),
  stopped: new Promise(resolve => process.once('message', () => resolve()))
}

try {
  const { parts } = (await import(file)) as { parts: Parts }
  tell({ result: await parts[name](JSON.parse(input) as never, control) })
} catch (thrown) {
  const error = thrown as NodeJS.ErrnoException
  const message = error.stack ?? String(error)
  tell({ error: error.code === undefined ? { message } : { message: error.message, code: error.code } })
}
process.off('disconnect', orphaned)
process.disconnect()
