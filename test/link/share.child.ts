// Run in a network namespace of its own: stacks in worker threads and processes that share an address, with the kernel as their peer.
// Writes what it saw as JSON.

import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Worker } from 'node:worker_threads'
import { TunQueues } from '../../src/index.ts'
import { typescriptWorker } from '../support/worker.ts'
import type { MemberCounts, MemberOptions, Request } from './share-member.child.ts'

const MEMBERS = 3
const OURS = '10.97.0.2'
const HOST = '10.97.0.1'
const PORT = 7
const MEMBER = new URL('./share-member.child.ts', import.meta.url)
const each = <T>(make: (index: number) => T): T[] => Array.from({ length: MEMBERS }, (_, index) => make(index))

execFileSync('ip', ['link', 'set', 'lo', 'up'])

interface Member {
  ask(request?: Request): Promise<MemberCounts>
  end(): Promise<unknown>
}

async function inThread(stack: object): Promise<Member> {
  const worker: Worker = typescriptWorker(MEMBER, { workerData: { stack, port: PORT } satisfies MemberOptions })
  await once(worker, 'message')
  return {
    async ask(request = {}) {
      worker.postMessage(request)
      return (await once(worker, 'message'))[0]
    },
    end: () => worker.terminate()
  }
}

async function inProcess(stack: object, fd: number): Promise<Member> {
  const options = JSON.stringify({ stack, port: PORT } satisfies MemberOptions)
  const child: ChildProcess = spawn(process.execPath, ['--import=tsx', MEMBER.pathname, options], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc', fd]
  })
  await once(child, 'message')
  return {
    async ask(request = {}) {
      child.send(request)
      return (await once(child, 'message'))[0]
    },
    end() {
      child.kill('SIGKILL')
      return once(child, 'exit')
    }
  }
}

/** Whether what was sent came back. */
async function echoes(socket: Socket, text: string): Promise<boolean> {
  socket.write(text)
  for (let got = ''; got.length < text.length; ) {
    const answer = await Promise.race([once(socket, 'data'), once(socket, 'close').then(() => undefined)])
    if (answer === undefined) return false
    got += String(answer[0])
  }
  return true
}

async function clients(count: number, address: string): Promise<Socket[]> {
  const sockets = Array.from({ length: count }, () => connect(PORT, address))
  for (const socket of sockets) {
    socket.on('error', () => {})
    if (socket.connecting) await once(socket, 'connect')
  }
  return sockets
}

const countTrue = (answers: boolean[]): number => answers.filter(Boolean).length

/** What all members serve, and that none of them interferes. */
async function served(members: Member[], address: string): Promise<object> {
  const sockets = await clients(60, address)
  const echoed = countTrue(await Promise.all(sockets.map(socket => echoes(socket, 'in'))))
  for (const socket of sockets) socket.destroy()
  const server = createServer(socket => void socket.pipe(socket)).listen(9, HOST_OF[address])
  await once(server, 'listening')
  const counts = await Promise.all(
    members.map(member => member.ask({ connect: { address: HOST_OF[address], port: 9, times: 10 } }))
  )
  server.close()
  return {
    echoed,
    accepted: counts.reduce((sum, { passiveOpens }) => sum + passiveOpens, 0),
    allHaveSome: counts.every(({ passiveOpens }) => passiveOpens > 0),
    resetsSent: counts.map(({ resetsSent }) => resetsSent),
    droppedNotOurs: counts.map(({ droppedNotOurs }) => droppedNotOurs)
  }
}

const HOST_OF: Record<string, string> = { [OURS]: HOST, '127.0.0.1': '127.0.0.1' }

async function tunThreads(): Promise<object> {
  const queues = new TunQueues({ hostAddress: HOST, name: 'shared0', of: MEMBERS })
  const share = (index: number): object => ({
    tun: { address: OURS, fd: queues.fds[index], share: { index, of: MEMBERS } }
  })
  const members = await Promise.all(each(index => inThread(share(index))))
  const result = await served(members, OURS)
  // A thread that ends takes its own descriptor with it, not the queue: the next one finds it where it was.
  await members[1].end()
  const heir = await inThread(share(1))
  const again = await served([members[0], heir, members[2]], OURS)
  for (const member of [members[0], heir, members[2]]) await member.end()
  queues.close()
  queues.close()
  return { result, again, isGone: !existsSync('/sys/class/net/shared0') }
}

async function rawThreads(): Promise<object> {
  const members = await Promise.all(
    each(index => inThread({ raw: { address: '127.0.0.1', share: { index, of: MEMBERS } } }))
  )
  const result = await served(members, '127.0.0.1')
  for (const member of members) await member.end()
  return result
}

async function tunProcesses(): Promise<object> {
  const queues = new TunQueues({ hostAddress: HOST, name: 'shared0', of: MEMBERS })
  const start = (index: number): Promise<Member> =>
    inProcess({ tun: { address: OURS, fd: 4, share: { index, of: MEMBERS } } }, queues.fds[index])
  const members = await Promise.all(each(start))
  const result = await served(members, OURS)

  // With the first queue gone, the kernel would put the last in its place.
  const before = await Promise.all(members.map(member => member.ask()))
  const sockets = await clients(40, OURS)
  const after = await Promise.all(members.map(member => member.ask()))
  const [, ...ofOthers] = after.map(({ passiveOpens }, i) => passiveOpens - before[i].passiveOpens)
  await members[0].end()
  let answered = 0
  for (const socket of sockets) void echoes(socket, 'still').then(echoed => (answered += Number(echoed)))
  while (answered < ofOthers[0] + ofOthers[1]) await sleep(5)
  for (const socket of sockets) socket.destroy()

  const heir = await start(0)
  const again = await served([heir, members[1], members[2]], OURS)
  for (const member of [heir, members[1], members[2]]) await member.end()
  queues.close()
  return { result, again, isGone: !existsSync('/sys/class/net/shared0') }
}

const work: Record<string, () => Promise<object>> = { tunThreads, tunProcesses, rawThreads }
process.stdout.write(JSON.stringify(await work[process.argv[2]]()))
