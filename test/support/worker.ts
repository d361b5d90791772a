// A worker thread that runs TypeScript. On Node 20, `--import=tsx` reaches the main thread only.

import { Worker, type WorkerOptions } from 'node:worker_threads'

export function typescriptWorker(file: string | URL, options: Omit<WorkerOptions, 'eval' | 'execArgv'> = {}): Worker {
  const tsx = import.meta.resolve('tsx/esm/api')
  const script = `import(${JSON.stringify(tsx)}).then(tsx => { tsx.register(); return import(${JSON.stringify(String(file))}) })`
  return new Worker(script, { ...options, eval: true, execArgv: [] })
}
