// Programs that people use, against our stack: on the other side is no code of ours.

import { createHash } from 'node:crypto'
import t, { type Test } from 'tap'
import { capture } from '../support/capture.ts'
import type { Namespace } from '../support/netns.ts'
import { Program } from '../support/programs.ts'
import { hashOf } from '../support/tasks.ts'
import { checkWire } from '../support/wire-check.ts'
import { type Pair, pairAt, unlessPeers } from './setup.ts'

const skip = unlessPeers('tcpdump', 'nc', 'telnet', 'curl')
const PORT = 2333

for (const place of ['loopback', 'veth'] as const) {
  t.test(`over ${place}`, { skip }, async t => {
    const pair = await pairAt(t, place, { isPatient: true })
    const witness = await capture(t, pair.ours.namespace, pair.device)
    const echo = await pair.ours.host.do('serveEcho', {})
    const http = await pair.ours.host.do('serveHttp', {})

    await t.test('nc talks to us line by line', t => ncTalks(t, pair, echo))
    await t.test('nc -N closes its half and hears the rest', t => ncHalfCloses(t, pair, echo))
    await t.test('we talk to nc -l, which closes its half first', t => ncListens(t, pair))
    await t.test('telnet talks to us', t => telnetTalks(t, pair, echo))
    await t.test('curl downloads, uploads and keeps the connection', t => curlAsks(t, pair, http))

    await witness.stop()
    const { faults, ours, peers } = checkWire(witness.path, [echo, http])
    t.same(faults, {}, 'all was well on the wire')
    t.equal(ours.resets + peers.resets, 0)
  })
}

async function ncTalks(t: Test, { ours, kernel }: Pair, port: number): Promise<void> {
  const nc = new Program(t, kernel.namespace, 'nc', '-n', '-N', ours.address, String(port))
  for (const line of ['hello', 'again']) {
    nc.stdin.write(`${line}\n`)
    await nc.says(`${line}\n`)
  }
  nc.stdin.end()
  t.equal(await nc.exit(), 0)
  t.equal(nc.output, 'hello\nagain\n')
}

async function ncHalfCloses(t: Test, { ours, kernel }: Pair, port: number): Promise<void> {
  const nc = new Program(t, kernel.namespace, 'nc', '-n', '-N', ours.address, String(port))
  const text = 'x'.repeat(1_000_000)
  nc.stdin.end(text)
  t.equal(await nc.exit(), 0)
  t.ok(nc.output === text, `${nc.output.length} bytes came back after the FIN`)
}

async function ncListens(t: Test, { ours, kernel }: Pair): Promise<void> {
  const nc = new Program(t, kernel.namespace, 'nc', '-n', '-v', '-N', '-l', kernel.address, String(PORT))
  await nc.says('Listening')
  nc.stdin.end('from nc\n')
  const pattern = { seed: 3, bytes: 100_000 }
  const { received } = await ours.host.do('exchange', { address: kernel.address, port: PORT }, pattern)
  t.equal(await nc.exit(), 0)
  t.equal(received, sha256('from nc\n'))
  t.equal(sha256(nc.output), hashOf(pattern))
}

async function telnetTalks(t: Test, { ours, kernel }: Pair, port: number): Promise<void> {
  const telnet = new Program(t, kernel.namespace, 'telnet', ours.address, String(port))
  await telnet.says('Connected to')
  telnet.stdin.write('hello\n')
  // Not on a terminal, telnet has nothing that would show what is typed: this is what came back.
  await telnet.says(/^hello\r?$/m)
  telnet.stdin.end('\x1dquit\n')
  await telnet.exit()
  t.match(telnet.output, /^Connected to[\s\S]*^hello$[\s\S]*^Connection closed/m)
}

async function curlAsks(t: Test, { ours, kernel }: Pair, port: number): Promise<void> {
  const url = `http://${ours.address}:${port}`
  const body = Buffer.alloc(3_000_000, 'curl')
  const upload = curl(t, kernel.namespace, '--data-binary', '@-', `${url}/hash`)
  upload.stdin.end(body)
  await succeeds(t, upload)
  t.match(JSON.parse(upload.output), { received: sha256(body), receivedBytes: body.length })

  // From a pipe, of unknown length: chunks in both directions.
  const echo = curl(t, kernel.namespace, '-T', '-', `${url}/echo`)
  echo.stdin.end(body)
  await succeeds(t, echo)
  t.ok(echo.output === body.toString('latin1'), `${echo.output.length} bytes came back`)
  t.match(echo.errors, /transfer-encoding: chunked/i)

  const twice = curl(t, kernel.namespace, '-d', 'one', `${url}/echo`, '--next', '-v', '-s', '-d', 'two', `${url}/echo`)
  await succeeds(t, twice)
  t.equal(twice.output, 'onetwo')
  t.match(twice.errors, 'Re-using existing connection')
}

function curl(t: Test, namespace: Namespace, ...options: string[]): Program {
  return new Program(t, namespace, 'curl', '-v', '-s', '--max-time', '60', ...options)
}

async function succeeds(t: Test, program: Program): Promise<void> {
  if (!t.equal(await program.exit(), 0)) t.comment(program.errors)
}

/** A program's output has a character for each byte. */
function sha256(data: string | Buffer): string {
  return createHash('sha256')
    .update(typeof data === 'string' ? Buffer.from(data, 'latin1') : data)
    .digest('hex')
}
