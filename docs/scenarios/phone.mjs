// A program of Node's over a bad phone link: an HTTP server and a client that loads a page of several files by one connection. The
// radio's speed follows a trace, losses come in bursts, and from 2.5 to 4 seconds the phone is in a tunnel.
//
//   rawtcp sim --plot phone.html docs/scenarios/phone.mjs

import { readFileSync } from 'node:fs'
import http from 'node:http'
import { ConnectionStream } from 'rawtcp'
import { Network } from 'rawtcp/sim'

const FILES = [30_000, 200_000, 80_000, 400_000, 1_000_000, 1_000_000, 60_000]

export default async function phone({ seed = 1, durationMs = 10_000 } = {}) {
  const net = new Network({ seed })
  const phone = net.host('phone')
  const tower = net.router('tower')
  const server = net.host('server')
  const radio = net.link(
    tower,
    phone,
    {
      rateTrace: { mahimahi: readFileSync(new URL('phone-down.trace', import.meta.url), 'utf8') },
      delayMs: 30,
      jitterMs: 15,
      loss: { model: 'gilbert-elliott', toBad: 0.002, toGood: 0.3 },
      queue: { packets: 200 }
    },
    { rateBitsPerSecond: 2e6, loss: 0 }
  )
  net.link(tower, server, { rateBitsPerSecond: 1e9, delayMs: 10 })
  net.at(2500, () => radio.cut())
  net.at(4000, () => radio.restore())

  serve(net, server)
  const log = load(net, phone, server.address)
  net.probe(net.wire(tower, phone), { name: 'radio', everyMs: 50 })
  await net.runAsync(durationMs)
  console.error(log.join('\n'))
  return net
}

/** Node's own server on the stack of a host. Its timeouts go by real time: they are off. */
function serve(net, host) {
  const server = http.createServer(
    { keepAliveTimeout: 0, requestTimeout: 0, headersTimeout: 0 },
    (request, response) => {
      const bytes = FILES[Number(request.url.slice(1))]
      response.sendDate = false // real time, and so another byte in each run
      response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': bytes })
      response.end(Buffer.alloc(bytes, 'rawtcp '))
    }
  )
  host.stack.listen({ port: 80 }, connection => {
    net.probe(connection, { name: 'server', everyMs: 50 })
    server.emit('connection', new ConnectionStream(connection))
  })
}

/** Node's own client: one file after the other, and how long each took. */
function load(net, host, address) {
  const log = []
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
  agent.createConnection = () => new ConnectionStream(host.stack.connect({ address, port: 80 }))
  const get = index => {
    if (index === FILES.length) return agent.destroy()
    const began = net.now
    http.get({ host: address, path: `/${index}`, agent }, response => {
      let bytes = 0
      response.on('data', chunk => (bytes += chunk.length))
      response.on('end', () => {
        log.push(
          `${(net.now / 1000).toFixed(3)} s: file ${index}, ${bytes} bytes in ${(net.now - began).toFixed(0)} ms`
        )
        get(index + 1)
      })
    })
  }
  get(0)
  return log
}
