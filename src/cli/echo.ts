// `rawtcp echo`: the echo service on a raw socket, until Ctrl-C.

import { networkInterfaces } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { Command } from 'commander'
import { type Connection, createRawStack, SocketError, type Stack } from '../index.ts'
import { EchoServer } from './echo-server.ts'
import { EXIT_CODES_HELP, EXIT_OK, Failure } from './exit.ts'
import { toPort, traceOption } from './options.ts'
import { onInterrupt, resolveHost } from './process.ts'
import { tracerTo } from './trace.ts'

/** How long clients may take to close after Ctrl-C, before they get a RST. */
const GOODBYE_MS = 1000

const EXAMPLES = `
Examples:
  sudo rawtcp echo                             then, in another terminal: telnet 127.0.0.1 2333
  sudo rawtcp echo --trace                     and watch each segment
  sudo rawtcp echo --host 0.0.0.0 --port 7     on all addresses of this machine`

interface EchoOptions {
  port: number
  host: string
  trace?: true
}

export function echoCommand(): Command {
  return new Command('echo')
    .description('serve lines on a raw socket: each is answered with `Echo: ` and the line, `bye` ends the connection')
    .option('-p, --port <number>', 'port to listen on, 0 for one that is free', toPort, 2333)
    .option('-H, --host <address>', 'address to listen on, 0.0.0.0 for all of this machine', '127.0.0.1')
    .addOption(traceOption())
    .addHelpText('after', `${EXAMPLES}\n${EXIT_CODES_HELP}`)
    .action(async (options: EchoOptions) => {
      process.exitCode = await echo(options)
    })
}

async function echo({ port, host, trace }: EchoOptions): Promise<number> {
  const address = await resolveHost(host)
  const stack = createRawStack(trace === true ? { tracer: tracerTo(process.stderr) } : {})
  const server = listen(stack, address, port)
  const local = `${address}:${server.listener.port}`
  process.stdout.write(
    `Listening on ${local}. Try: telnet ${reachableAddress(address)} ${server.listener.port}\nCtrl-C ends it.\n`
  )
  await new Promise<void>(resolve => onInterrupt(resolve))
  process.stdout.write('Closing.\n')
  await Promise.race([server.close(), sleep(GOODBYE_MS, undefined, { ref: false })])
  stack.close()
  return EXIT_OK
}

function listen(stack: Stack, address: string, port: number): EchoServer {
  const say = (connection: Connection, what: string): void => {
    process.stdout.write(`${connection.remoteAddress}:${connection.remotePort} ${what}\n`)
  }
  try {
    return new EchoServer(stack, address === '0.0.0.0' ? { port } : { port, address }, {
      opened: connection => say(connection, 'connected'),
      closed: (connection, error) => say(connection, error === null ? 'closed' : `ended with ${error.code}`)
    })
  } catch (error) {
    stack.close()
    throw explain(error, address, port)
  }
}

function explain(error: unknown, address: string, port: number): unknown {
  if (!(error instanceof SocketError)) return error
  if (error.code === 'EADDRINUSE') {
    return new Failure(
      `port ${port} is in use on ${address} (EADDRINUSE). ` +
        `"ss -ltnp sport = :${port}" shows by whom; --port takes another one.`
    )
  }
  if (error.code === 'EADDRNOTAVAIL') {
    return new Failure(
      `${address} is no address of this machine (EADDRNOTAVAIL). --host 0.0.0.0 takes all that it has.`
    )
  }
  return error
}

/** What a client can be told; for 0.0.0.0 an address that other machines reach, if there is one. */
function reachableAddress(address: string): string {
  if (address !== '0.0.0.0') return address
  const all = Object.values(networkInterfaces()).flatMap(interfaces => interfaces ?? [])
  return all.find(it => it.family === 'IPv4' && !it.internal)?.address ?? '127.0.0.1'
}
