// Our stack in a process of its own: a server with Fast Open that answers the text it gets, or a client that asks three times.
// Says what it has seen in lines of JSON.

import { type Connection, createRawStack } from '../../src/index.ts'

const [role, address, port] = process.argv.slice(2)
const stack = createRawStack()
const say = (what: object): void => void process.stdout.write(`${JSON.stringify(what)}\n`)

function echo(connection: Connection): void {
  say({ accepted: connection.state })
  connection.handlers = {
    readable: () => {
      for (let bytes = connection.read(); bytes !== undefined; bytes = connection.read()) connection.write(bytes)
    },
    ended: () => connection.close()
  }
}

function ask(times: number): void {
  if (times === 0) {
    say({ tcpExt: stack.statistics().tcpExt })
    return stack.close()
  }
  const question = new TextEncoder().encode(`question ${times}`)
  let answer = ''
  const connection = stack.connect(
    { address, port: Number(port), fastOpen: true },
    {
      readable: open => {
        for (let bytes = open.read(); bytes !== undefined; bytes = open.read())
          answer += new TextDecoder().decode(bytes)
        if (answer.length < question.length) return
        say({ answer, synData: open.info().options.synData })
        open.close()
      },
      closed: () => ask(times - 1)
    }
  )
  connection.write(question)
}

if (role === 'server') {
  const listener = stack.listen({ port: Number(port), fastOpen: 16 }, echo)
  say({ port: listener.port })
  process.stdin.once('data', () => {
    say({ tcpExt: stack.statistics().tcpExt })
    stack.close()
    process.exit()
  })
} else ask(3)
