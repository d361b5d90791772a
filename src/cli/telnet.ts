// `rawtcp telnet`: a connection through our stack between this terminal, or any streams, and a server.

import { setTimeout as sleep } from 'node:timers/promises'
import { Argument, Command } from 'commander'
import { type Connection, createRawStack, SocketError } from '../index.ts'
import { EXIT_CODES_HELP, EXIT_INTERRUPTED, EXIT_OK, Failure } from './exit.ts'
import { LineEditor } from './line-editor.ts'
import { toRemotePort, traceOption } from './options.ts'
import { onInterrupt, resolveHost } from './process.ts'
import { TelnetFilter } from './telnet-protocol.ts'
import { TelnetSession } from './telnet-session.ts'
import { tracerTo } from './trace.ts'

/**
 * How long we stay in TIME-WAIT. Its 60 s are for what may still be under way; but should our last ACK get lost, the peer
 * repeats its FIN after 200 ms or more, and once we are gone its answer is a RST of the kernel's.
 */
const LINGER_MS = 500

const HELP = `
On a terminal lines are sent with CR LF, and the peer's telnet commands are refused and not shown. Ctrl-] (or Ctrl-D at
the beginning of a line) closes our side, Ctrl-C ends the connection at once. Otherwise bytes pass as they are, and the
end of input closes our side. What the peer sends until it closes its own is shown in any case.

Examples:
  sudo rawtcp telnet 127.0.0.1 2333
  sudo rawtcp telnet --trace example.com 80
  printf 'GET / HTTP/1.0\\r\\n\\r\\n' | sudo rawtcp telnet 127.0.0.1 8080 > page`

export function telnetCommand(): Command {
  return new Command('telnet')
    .description('connect through our stack: send what is typed, or piped in, and show what comes')
    .argument('<host>', 'name or IPv4 address')
    .addArgument(new Argument('<port>', '1 to 65535').argParser(toRemotePort))
    .addOption(traceOption())
    .addHelpText('after', `${HELP}\n${EXIT_CODES_HELP}`)
    .action(async (host: string, port: number, options: { trace?: true }) => {
      process.exitCode = await telnet(host, port, options.trace === true)
    })
}

async function telnet(host: string, port: number, trace: boolean): Promise<number> {
  const address = await resolveHost(host)
  const stack = createRawStack(trace ? { tracer: tracerTo(process.stderr) } : {})
  let editor: LineEditor | undefined
  const interrupt = (): void => {
    stack.close() // tells the peer with a RST
    if (editor !== undefined) say('')
    editor?.close()
    process.exit(EXIT_INTERRUPTED) // what the output has not taken by now is not waited for
  }
  try {
    if (process.stdin.isTTY) say(`Trying ${address}:${port} ...`)
    const session = new TelnetSession(stack, { address, port }, process.stdout, {
      connected(connection) {
        if (process.stdin.isTTY) editor = converse(session, connection, interrupt)
        else session.sendFrom(process.stdin)
      },
      peerClosed() {
        if (editor === undefined) return // what is piped in may go on for as long as it likes
        say('The peer has closed its side.')
        session.finish()
      }
    })
    if (process.stdout.isTTY) filterCommands(session)
    onInterrupt(interrupt)
    await session.done
    if (session.connection.state === 'TIME-WAIT' && !isLocal(session.connection)) await sleep(LINGER_MS)
  } catch (error) {
    throw explain(error, host)
  } finally {
    editor?.close()
    process.stdin.destroy() // it may wait for input that nobody needs any more
    stack.close()
  }
  return EXIT_OK
}

function converse(session: TelnetSession, connection: Connection, interrupt: () => void): LineEditor {
  const { remoteAddress, remotePort, localAddress, localPort } = connection
  say(`Connected to ${remoteAddress}:${remotePort} from ${localAddress}:${localPort}. Ctrl-] closes our side.`)
  const editor = new LineEditor(process.stdin, process.stderr, {
    line: text => session.send(Buffer.from(`${text}\r\n`)),
    end() {
      say('Our side is closed; what the peer still sends is shown.')
      session.finish()
    },
    interrupt
  })
  session.holdBack(editor)
  return editor
}

function filterCommands(session: TelnetSession): void {
  const telnet = new TelnetFilter(refusal => session.send(refusal))
  session.filterWith(bytes => telnet.filter(bytes))
}

function say(text: string): void {
  process.stderr.write(`${text}\n`)
}

/** A path that loses nothing. */
const isLocal = ({ localAddress, remoteAddress }: Connection): boolean => localAddress === remoteAddress

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused: nobody listens there',
  ETIMEDOUT: 'no answer',
  ECONNRESET: 'the peer has reset the connection',
  EHOSTUNREACH: 'the host cannot be reached',
  ENETUNREACH: 'no route leads there'
}

function explain(error: unknown, host: string): unknown {
  const reason = error instanceof SocketError ? REASONS[error.code] : undefined
  return reason === undefined ? error : new Failure(`${host}: ${reason} (${(error as SocketError).code})`)
}
