// `rawtcp/packetdrill`: scripts in the packetdrill language, run in process on a virtual clock. Needs no privileges and no addon.

export { scriptOptionWords } from './packetdrill/config.ts'
export { formatResult, runScript, type ScriptOptions, type ScriptResult } from './packetdrill/run.ts'
export type { Note } from './packetdrill/runner.ts'
