// Where the time goes, read from the CPU profiles that V8 writes: functions by what they take themselves, under the names
// and lines of their source.

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { SourceMap } from 'node:module'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { packageRoot } from '../../src/native/addon.ts'
import { formatTable } from './table.ts'

interface CallFrame {
  readonly functionName: string
  readonly url: string
  /** From 0. */
  readonly lineNumber: number
  readonly columnNumber: number
}

interface Profile {
  readonly nodes: readonly { readonly id: number; readonly callFrame: CallFrame }[]
  /** Ids of the nodes that were running, and the microseconds before each. */
  readonly samples: readonly number[]
  readonly timeDeltas: readonly number[]
}

const SHOWN = 20

export function printProfiles(directory: string): void {
  for (const file of readdirSync(directory).sort()) {
    const profile = JSON.parse(readFileSync(join(directory, file), 'utf8')) as Profile
    console.log(`\n${basename(file, '.cpuprofile')}\n`)
    console.log(formatTable(['self', 'ms', 'function', 'where'], topFunctions(profile), new Set([0, 1])))
  }
}

function topFunctions({ nodes, samples, timeDeltas }: Profile): string[][] {
  const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]))
  const functions = new Map<string, { frame: CallFrame; microseconds: number }>()
  let total = 0
  for (const [i, id] of samples.entries()) {
    const frame = frames.get(id) as CallFrame
    if (frame.functionName === '(idle)') continue
    const key = `${frame.functionName} ${frame.url} ${frame.lineNumber} ${frame.columnNumber}`
    const found = functions.get(key) ?? { frame, microseconds: 0 }
    functions.set(key, found)
    found.microseconds += timeDeltas[i]
    total += timeDeltas[i]
  }
  return [...functions.values()]
    .sort((a, b) => b.microseconds - a.microseconds)
    .slice(0, SHOWN)
    .map(({ frame, microseconds }) => [
      `${((100 * microseconds) / total).toFixed(1)}%`,
      (microseconds / 1000).toFixed(0),
      frame.functionName || '(anonymous)',
      placeOf(frame)
    ])
}

const maps = new Map<string, SourceMap | undefined>()

function placeOf({ url, lineNumber, columnNumber }: CallFrame): string {
  if (!url.startsWith('file:')) return url
  const path = fileURLToPath(url)
  if (!maps.has(path)) {
    const mapPath = `${path}.map`
    maps.set(path, existsSync(mapPath) ? new SourceMap(JSON.parse(readFileSync(mapPath, 'utf8'))) : undefined)
  }
  const entry = maps.get(path)?.findEntry(lineNumber, columnNumber)
  if (entry === undefined || !('originalSource' in entry)) return `${relative(packageRoot(), path)}:${lineNumber + 1}`
  const source = resolve(dirname(path), entry.originalSource)
  return `${relative(packageRoot(), source)}:${entry.originalLine + 1}`
}
