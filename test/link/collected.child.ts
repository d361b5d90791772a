// A server whose stack nobody refers to, and a collector that runs: argv[2] names the driver.

import net from 'node:net'
import { RawLink } from '../../src/link/raw.ts'
import { RawSocketLink } from '../../src/link/raw-socket.ts'
import { ConnectionStream } from '../../src/net/duplex.ts'
import { NodeHost } from '../../src/net/host.ts'
import { Stack } from '../../src/stack/stack.ts'

function serve(): number {
  const link = process.argv[2] === 'raw-socket' ? new RawSocketLink() : new RawLink()
  const stack = new Stack({ link, host: new NodeHost() })
  return stack.listen({ port: 0, address: '127.0.0.1' }, connection => {
    const stream = new ConnectionStream(connection)
    stream.pipe(stream)
  }).port
}

const port = serve()
let collections = 0
const collecting = setInterval(() => {
  globalThis.gc?.()
  if (++collections < 10) return
  clearInterval(collecting)
  const client = net.connect(port, '127.0.0.1', () => client.write('still there'))
  client.on('data', text => {
    console.log(String(text))
    process.exit(0)
  })
  client.on('error', error => {
    console.log(error.message)
    process.exit(1)
  })
}, 10)
