// What the shell commands of a script do here: they set options of the stack, or nothing.

import { applyProfile, type Settings } from './settings.ts'
import { type Command, parseCommands } from './shell.ts'
import { Unsupported } from './verdict.ts'

/** Carries out what stands between backquotes; answers notes on what was not done. */
export function carryOutCommands(text: string, settings: Settings, strict: boolean): string[] {
  const notes: string[] = []
  for (const command of parseCommands(text)) {
    const problem = carryOut(command, settings)
    if (problem === undefined) continue
    if (strict && command.kind !== 'no-op') throw new Unsupported(problem)
    notes.push(problem)
  }
  return notes
}

/** What could not be done, undefined for nothing. */
function carryOut(command: Command, settings: Settings): string | undefined {
  switch (command.kind) {
    case 'profile':
      applyProfile(settings, 'linux')
      return undefined
    case 'sysctl':
      return settings.change(command.key, command.value)
    case 'parameter':
      return settings.change(command.name, command.value)
    case 'restore':
      settings.restore()
      return undefined
    default:
      return `not done: ${command.text}`
  }
}
