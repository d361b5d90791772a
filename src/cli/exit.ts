// How a command ends: its exit code, and one plain message for each thing that can go wrong.

import { realpathSync } from 'node:fs'
import { CommanderError } from 'commander'
import { SocketError } from '../index.ts'

export const EXIT_OK = 0
export const EXIT_FAILURE = 1
export const EXIT_USAGE = 2
/** What automake and others say for "cannot be tried here". */
export const EXIT_PRIVILEGES = 77
/** As shells have it for a program that SIGINT has ended. */
export const EXIT_INTERRUPTED = 130

export const EXIT_CODES_HELP = `
Exit codes:
  0    all went well
  1    it failed; the message says why
  2    the command line makes no sense
  77   a privilege is missing; the message says which, and how to get it
  130  ended by Ctrl-C`

/** Something that can happen to anybody: its message is all there is to say. */
export class Failure extends Error {
  override readonly name = 'Failure'
}

/** Says on stderr what went wrong, and answers the exit code. */
export function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT_OK : EXIT_USAGE // has said so itself
  const capability = missingCapability(error)
  if (capability !== undefined) {
    process.stderr.write(`rawtcp: ${privilegesText(capability)}\n`)
    return EXIT_PRIVILEGES
  }
  process.stderr.write(`rawtcp: ${isExpected(error) ? error.message : unexpected(error)}\n`)
  return EXIT_FAILURE
}

/** Failed system calls, ours and those of Node, carry a message that says all. */
function isExpected(error: unknown): error is Error {
  if (error instanceof Failure) return true
  const { code, syscall } = error as NodeJS.ErrnoException
  return code === 'ERR_RAWTCP_ADDON' || syscall !== undefined
}

function unexpected(error: unknown): string {
  return `this is a defect of rawtcp: ${error instanceof Error ? error.stack : String(error)}`
}

interface Capability {
  readonly name: 'CAP_NET_RAW' | 'CAP_NET_BIND_SERVICE'
  readonly purpose: string
}

function missingCapability(error: unknown): Capability | undefined {
  if (!(error instanceof SocketError)) return undefined
  if (error.code === 'EPERM' && error.syscall === 'socket') {
    return { name: 'CAP_NET_RAW', purpose: 'to open raw sockets' }
  }
  if (error.code === 'EACCES' && error.syscall === 'listen') {
    return { name: 'CAP_NET_BIND_SERVICE', purpose: `to use port ${error.port}` }
  }
  return undefined
}

function privilegesText({ name, purpose }: Capability): string {
  const needed = name === 'CAP_NET_RAW' ? ['CAP_NET_RAW'] : ['CAP_NET_RAW', name]
  return `the capability ${name} is missing: it is needed ${purpose}. Three ways to get it:

${waysToGet(needed)}`
}

/** sudo, setcap, systemd: ready to be copied, for the command with those arguments. */
export function waysToGet(capabilities: readonly string[], argv = process.argv.slice(2)): string {
  const node = realpathSync(process.execPath)
  const script = process.argv[1] ?? 'rawtcp'
  const args = argv.map(quote).join(' ')
  const list = capabilities.join(',').toLowerCase()
  return `  1. Run it as root:
       sudo ${quote(node)} ${quote(script)} ${args}
  2. Give it to Node for good. Every script that this binary runs has it then:
       sudo setcap ${list}+ep ${quote(node)}
     and to take it back:
       sudo setcap -r ${quote(node)}
  3. For a service, in its systemd unit:
       [Service]
       ExecStart=${node} ${script} ${args}
       AmbientCapabilities=${capabilities.join(' ')}
       DynamicUser=yes`
}

function quote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`
}
