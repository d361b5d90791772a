// Scripts, one after another or shared out among threads. A script takes about a millisecond and a thread about a hundred
// to begin, so threads pay for thousands of scripts, not for tens.

import { readFileSync } from 'node:fs'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { runScript, type ScriptOptions, type ScriptResult } from '../packetdrill.ts'

type JobOptions = Omit<ScriptOptions, 'file'>

interface Job {
  readonly files: readonly string[]
  readonly options: JobOptions
}

/** Runs all files, in as many threads as `jobs` says; answers the results in the order of the files. */
export async function runFiles(files: readonly string[], options: JobOptions, jobs: number): Promise<ScriptResult[]> {
  const threads = Math.min(jobs, files.length)
  if (threads <= 1) return files.map(file => runFile(file, options))
  const shares: string[][] = Array.from({ length: threads }, () => [])
  for (const [i, file] of files.entries()) shares[i % threads].push(file)
  const results = await Promise.all(shares.map(share => runInThread({ files: share, options })))
  return files.map((_, i) => results[i % threads][Math.floor(i / threads)])
}

function runFile(file: string, options: JobOptions): ScriptResult {
  return runScript(readFileSync(file, 'utf8'), { ...options, file })
}

function runInThread(job: Job): Promise<ScriptResult[]> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL(import.meta.url), { workerData: job })
    worker.once('message', resolve)
    worker.once('error', reject)
  })
}

if (!isMainThread) {
  const { files, options } = workerData as Job
  parentPort?.postMessage(files.map(file => runFile(file, options)))
}
