// Several members of a bench (member.ts), in worker threads of this process or in processes of their own: spoken to alike.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import type { Answer, Task } from './member.ts'

export type Kind = 'workers' | 'processes'

/** Of a process, the first that it inherits after its channel to us (stdio, 3). */
const INHERITED = 4

const file = new URL('./member.js', import.meta.url)

export class Members {
  readonly #members: readonly (Worker | ChildProcess)[]

  private constructor(members: readonly (Worker | ChildProcess)[]) {
    this.#members = members
  }

  /** Resolves when all can be used. */
  static async start(kind: Kind, count: number, taskOf: (index: number) => Task): Promise<Members> {
    const start = kind === 'workers' ? inThread : inProcess
    const members = Array.from({ length: count }, (_, index) => start(taskOf(index)))
    await Promise.all(members.map(member => answerOf(member)))
    return new Members(members)
  }

  /** All at once; what they answer, by index. Then they end. */
  go(): Promise<number[]> {
    return Promise.all(
      this.#members.map(async member => {
        if (member instanceof Worker) member.postMessage('go')
        else member.send('go')
        const answer = await answerOf(member)
        if (!(member instanceof Worker)) member.disconnect()
        return answer as number
      })
    )
  }
}

function inThread(task: Task): Worker {
  return new Worker(file, { workerData: task })
}

function inProcess(task: Task): ChildProcess {
  const fd = 'serve' in task ? task.serve.fd : undefined
  const own: Task = 'serve' in task && fd !== undefined ? { serve: { ...task.serve, fd: INHERITED } } : task
  return spawn(process.execPath, [fileURLToPath(file), JSON.stringify(own)], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc', ...(fd === undefined ? [] : [fd])]
  })
}

async function answerOf(member: Worker | ChildProcess): Promise<Answer> {
  const settled = new AbortController()
  const { signal } = settled
  const ended = async (): Promise<never> => {
    await once(member, 'exit', { signal })
    throw new Error('A member ended without an answer')
  }
  try {
    const [answer] = await Promise.race([once(member, 'message', { signal }), ended()])
    return answer
  } finally {
    settled.abort()
  }
}
