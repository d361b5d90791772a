// `rawtcp demo`: our echo server on a raw socket and a client on the kernel's TCP, in one process, over loopback.

import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { Command } from 'commander'
import { createRawStack, type Stack } from '../index.ts'
import type { Side } from './demo-closing.ts'
import { Ladder } from './demo-ladder.ts'
import { EchoServer } from './echo-server.ts'
import { EXIT_CODES_HELP, EXIT_FAILURE, EXIT_OK } from './exit.ts'
import { toPort, traceOption } from './options.ts'
import { tracerTo } from './trace.ts'

const HOST = '127.0.0.1'
const LIMIT_MS = 10_000

interface Line {
  readonly by: Side
  readonly text: string
}

const TRANSCRIPT: readonly Line[] = [
  { by: 'server', text: 'Hello! Enter BYE to exit.' },
  { by: 'client', text: 'a' },
  { by: 'server', text: 'Echo: a' },
  { by: 'client', text: 'hello echo server!' },
  { by: 'server', text: 'Echo: hello echo server!' },
  { by: 'client', text: 'bye' },
  { by: 'server', text: 'Echo: bye' }
]

const HELP = `
Example:
  sudo rawtcp demo`

export function demoCommand(): Command {
  return new Command('demo')
    .description("let a client on the kernel's TCP talk to our echo server over loopback, and show each segment")
    .option('-p, --port <number>', 'port of the server, 0 for one that is free', toPort, 0)
    .addOption(traceOption())
    .addHelpText('after', `${HELP}\n${EXIT_CODES_HELP}`)
    .action(async (options: { port: number; trace?: true }) => {
      process.exitCode = await demo(options.port, options.trace === true)
    })
}

async function demo(port: number, trace: boolean): Promise<number> {
  const ladder = new Ladder(process.stdout)
  const details = trace ? tracerTo(process.stderr) : undefined
  const stack = createRawStack({
    tracer: {
      segment(direction, segment, now) {
        details?.segment(direction, segment, now)
        ladder.segment(direction, segment, now)
      },
      state(connection, from, to, why, now) {
        details?.state(connection, from, to, why, now)
        ladder.state(connection, from, to, why)
      }
    }
  })
  const resetsBefore = kernelResets()
  try {
    const lines = await converse(stack, port)
    const problems = findProblems(lines, ladder)
    summarize(lines, ladder, kernelResets() - resetsBefore)
    for (const problem of problems) say(`WRONG: ${problem}`)
    if (problems.length === 0) say('The transcript is right.')
    return problems.length === 0 ? EXIT_OK : EXIT_FAILURE
  } finally {
    stack.close()
  }
}

/** Goes through the transcript; answers the lines that were really exchanged, once both ends are done. */
async function converse(stack: Stack, port: number): Promise<Line[]> {
  const lines: Line[] = []
  const deadline = AbortSignal.timeout(LIMIT_MS)
  const served = new Promise<void>(resolve => {
    const { listener } = new EchoServer(stack, { address: HOST, port }, { closed: () => resolve() })
    port = listener.port
  })
  const client = connect({ host: HOST, port, signal: deadline })
  client.on('data', text => {
    for (const line of linesOf(text)) lines.push({ by: 'server', text: line })
    answer(client, lines)
  })
  try {
    await once(client, 'close', { signal: deadline })
    await Promise.race([served, once(deadline, 'abort')])
  } catch (error) {
    lines.push({ by: 'client', text: `(${deadline.aborted ? 'waited in vain' : (error as Error).message})` })
  }
  client.destroy()
  return lines
}

/** The server's lines come whole: each was written at once and is shorter than a segment. */
const linesOf = (text: Buffer): string[] => text.toString('latin1').replace(/\r\n$/, '').split('\r\n')

/** The client's line, when it is its turn. */
function answer(client: Socket, lines: Line[]): void {
  const next = TRANSCRIPT[lines.length]
  if (next?.by !== 'client') return
  lines.push(next)
  client.write(`${next.text}\r\n`)
}

function findProblems(lines: readonly Line[], ladder: Ladder): string[] {
  const problems: string[] = []
  const wrong = TRANSCRIPT.findIndex(({ by, text }, i) => lines[i]?.by !== by || lines[i].text !== text)
  if (wrong >= 0) problems.push(`line ${wrong + 1} should have been ${show(TRANSCRIPT[wrong])}`)
  else if (lines.length > TRANSCRIPT.length)
    problems.push(`there are ${lines.length - TRANSCRIPT.length} lines too many`)
  if (!ladder.closing.isComplete || !ladder.isOver) problems.push('the connection was not closed by both ends')
  if (ladder.sent.client.resets + ladder.sent.server.resets > 0) problems.push('there was a RST')
  return problems
}

function summarize(lines: readonly Line[], ladder: Ladder, resetsOfKernel: number): void {
  const { sent, closing, states, looks, disagreements } = ladder
  say('\nSaid:')
  for (const line of lines) say(`  ${show(line)}`)
  say('\nSent:')
  for (const by of ['client', 'server'] as const) {
    const { segments, textSegments, bytes } = sent[by]
    const said = lines.filter(line => line.by === by).length
    say(`  ${by}: ${said} lines, ${bytes} bytes of text in ${textSegments} of ${segments} segments`)
  }
  const resets = sent.client.resets + sent.server.resets
  say(`  RST: ${resets === 0 ? 'none' : resets} on this connection, ${resetsOfKernel} by the kernel meanwhile on any`)
  say(
    `\nClosed: ${closing.first === undefined ? 'never' : `first by the ${closing.first}, in ${closing.steps.length} steps`}`
  )
  for (const step of closing.steps) say(`  ${step}`)
  say(`  now the client is in ${states.client}, the server in ${states.server}`)
  say(
    "\nThe server's states are its own. The client's are derived from the segments by the diagram of RFC 9293;\n" +
      `/proc/net/tcp agreed at ${looks - disagreements.length} of ${looks} looks` +
      `${disagreements.length === 0 ? '' : ` (and had ${disagreements.join('; ')})`}.\n`
  )
}

const show = ({ by, text }: Line): string => `${by}: ${text}`

function say(text: string): void {
  process.stdout.write(`${text}\n`)
}

/** The RSTs that the kernel has sent, here to anybody. */
function kernelResets(): number {
  const [names, values] = readFileSync('/proc/net/snmp', 'latin1')
    .split('\n')
    .filter(line => line.startsWith('Tcp:'))
    .map(line => line.split(' '))
  return Number(values[names.indexOf('OutRsts')])
}
