// The process of a TestHost: does the tasks that its parent asks for, and ends with it.

import { Tasks } from './tasks.ts'
import { kernelTcp, ourTcp } from './tcp.ts'

export interface Request {
  readonly id: number
  readonly task: keyof Tasks
  readonly args: unknown[]
}

export interface Reply {
  readonly id: number
  readonly result?: unknown
  readonly error?: { readonly message: string; readonly code?: string }
}

const tasks = new Tasks(process.argv[2] === 'ours' ? ourTcp(JSON.parse(process.argv[3])) : kernelTcp())

process.on('message', async ({ id, task, args }: Request) => {
  const method = tasks[task] as (...args: unknown[]) => unknown
  const reply: Reply = await Promise.resolve()
    .then(() => method.apply(tasks, args))
    .then(
      result => ({ id, result }),
      error => ({ id, error: { message: String(error.message), code: error.code } })
    )
  process.send?.(reply, ignoreError)
})
process.on('disconnect', () => process.exit())
if (!process.connected) process.exit() // the parent has gone while we began
process.send?.('ready', ignoreError)

/** The parent has gone: `disconnect` follows. */
function ignoreError(): void {}
