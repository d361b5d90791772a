// `rawtcp doctor`: what this machine lacks to run, and how to mend it.

import { readFileSync } from 'node:fs'
import { Command } from 'commander'
import { type Finding, type Probe, probe } from '../native/probe.ts'
import { EXIT_OK, EXIT_PRIVILEGES, waysToGet } from './exit.ts'
import { painterFor } from './trace.ts'

/** `missing`: nothing runs without it. `optional`: most things do. */
type Status = 'ok' | 'missing' | 'optional'

interface Check {
  readonly name: string
  readonly status: Status
  readonly found: string
  /** How to mend it. */
  readonly mend?: string
}

const OLDEST_NODE = [20, 19]
/** What the raw link asks of the kernel for packets that wait. */
const RECEIVE_BUFFER = 8 * 1024 * 1024

const HELP = `
Examples:
  rawtcp doctor           as you are: what is missing?
  sudo rawtcp doctor      and as root?
  rawtcp doctor --json    the same for programs, with all that was found

Exit codes:
  0    raw sockets can be used; what is optional may be missing
  77   something that they need is missing`

export function doctorCommand(): Command {
  return new Command('doctor')
    .description('say what this machine lacks to run, and how to mend it')
    .option('--json', 'print JSON')
    .addHelpText('after', HELP)
    .action((options: { json?: true }) => {
      process.exitCode = doctor(options.json === true)
    })
}

function doctor(json: boolean): number {
  const found = probe()
  const checks = examine(found)
  const ready = checks.every(({ status }) => status !== 'missing')
  if (json) process.stdout.write(`${JSON.stringify({ ready, checks, probe: found }, null, 2)}\n`)
  else print(checks, ready)
  return ready ? EXIT_OK : EXIT_PRIVILEGES
}

function print(checks: readonly Check[], ready: boolean): void {
  const paint = painterFor(process.stdout)
  const style = { ok: 'green', missing: 'red', optional: 'yellow' } as const
  const indent = ' '.repeat(10)
  for (const { name, status, found, mend } of checks) {
    process.stdout.write(`${paint(style[status], status.padEnd(8))}  ${name}: ${found}\n`)
    if (mend !== undefined) process.stdout.write(`${indent}${mend.replaceAll('\n', `\n${indent}`)}\n`)
  }
  process.stdout.write(
    ready
      ? '\nRaw sockets can be used here.\n'
      : '\nRaw sockets cannot be used here before what is missing is mended.\n'
  )
}

function examine(found: Probe): Check[] {
  return [
    platform(found),
    node(found),
    addon(found),
    netRaw(found),
    rawSockets(found),
    portGuard(found),
    lowPorts(found),
    receiveBuffer(found),
    packetSockets(found),
    tun(found),
    offloadFlags(found),
    ...offloads(found)
  ]
}

function platform({ platform, kernel }: Probe): Check {
  const name = 'platform'
  if (platform.startsWith('linux-')) return { name, status: 'ok', found: `${platform}, kernel ${kernel}` }
  return {
    name,
    status: 'missing',
    found: platform,
    mend: 'Raw sockets of this kind are those of Linux: use a virtual machine.'
  }
}

function node({ node }: Probe): Check {
  const [major, minor] = node.slice(1).split('.').map(Number)
  const isNewEnough = major > OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor >= OLDEST_NODE[1])
  if (isNewEnough) return { name: 'Node', status: 'ok', found: node }
  return { name: 'Node', status: 'missing', found: node, mend: `Install Node ${OLDEST_NODE.join('.')} or later.` }
}

function addon({ addon, checksums }: Probe): Check {
  const name = 'addon'
  if (addon.works) return { name, status: 'ok', found: `loaded; sums by ${checksums.join(', ')}` }
  return { name, status: 'missing', found: 'does not load', mend: addon.reason ?? '' }
}

function netRaw({ capabilities }: Probe): Check {
  const name = 'CAP_NET_RAW'
  if (capabilities === undefined) return { name, status: 'optional', found: 'the kernel does not tell' }
  if (capabilities.CAP_NET_RAW) return { name, status: 'ok', found: 'held' }
  return {
    name,
    status: 'missing',
    found: 'not held. Three ways to get it:',
    mend: waysToGet(['CAP_NET_RAW'], ['echo'])
  }
}

function rawSockets({ rawSocket }: Probe): Check {
  return needed('raw sockets', 'open', rawSocket, {
    EPERM: 'They need CAP_NET_RAW, see above.',
    EAFNOSUPPORT: 'This kernel has no IPv4.'
  })
}

function portGuard({ portGuard }: Probe): Check {
  const check = needed('port guard', 'the kernel keeps silent on ports of ours', portGuard, {})
  if (!portGuard.works || portGuard.reason === undefined) return check
  return {
    ...check,
    status: 'optional',
    found: portGuard.reason,
    mend: 'Add cap_net_admin to the capabilities, or run as root.'
  }
}

function needed(name: string, good: string, finding: Finding, mends: Readonly<Record<string, string>>): Check {
  const { works, reason } = finding
  if (works) return { name, status: 'ok', found: good }
  const mend = mends[reason ?? '']
  return { name, status: 'missing', found: reason ?? 'refused', ...(mend !== undefined && { mend }) }
}

function lowPorts({ capabilities }: Probe): Check {
  const first = numberIn('/proc/sys/net/ipv4/ip_unprivileged_port_start') ?? 1024
  const name = `ports below ${first}`
  if (first === 0 || capabilities?.CAP_NET_BIND_SERVICE !== false) return { name, status: 'ok', found: 'can be used' }
  return {
    name,
    status: 'optional',
    found: 'cannot be used without CAP_NET_BIND_SERVICE',
    mend: 'Add cap_net_bind_service to the capabilities, or: sudo sysctl net.ipv4.ip_unprivileged_port_start=0'
  }
}

/** With CAP_NET_ADMIN the raw link may exceed the limit. */
function receiveBuffer({ capabilities }: Probe): Check {
  const name = 'receive buffer'
  const limit = numberIn('/proc/sys/net/core/rmem_max')
  if (limit === undefined || limit >= RECEIVE_BUFFER || capabilities?.CAP_NET_ADMIN !== false) {
    return { name, status: 'ok', found: 'as large as asked for' }
  }
  return {
    name,
    status: 'optional',
    found: `the kernel allows ${limit} bytes for packets that wait, fast peers will lose some`,
    mend: `Add cap_net_admin to the capabilities, or: sudo sysctl net.core.rmem_max=${RECEIVE_BUFFER}`
  }
}

function packetSockets({ packetSocket }: Probe): Check {
  const name = 'packet sockets'
  if (packetSocket.works) return { name, status: 'ok', found: 'can be opened' }
  const mend =
    packetSocket.reason === 'EPERM' ? 'They need CAP_NET_RAW, see above.' : 'This kernel has none (CONFIG_PACKET).'
  return { name, status: 'optional', found: packetSocket.reason ?? 'refused', mend }
}

function tun({ tun }: Probe): Check {
  const name = 'TUN devices'
  if (tun.works) return { name, status: 'ok', found: 'can be made' }
  const mend = tun.reason?.startsWith('/dev')
    ? 'sudo modprobe tun'
    : 'Add cap_net_admin to the capabilities, or run as root.'
  return { name, status: 'optional', found: tun.reason ?? 'refused', mend }
}

/** Drivers do without what an older kernel does not know. */
function offloadFlags({ offloadFlags }: Probe): Check {
  const name = 'offload flags'
  const flags = Object.keys(offloadFlags)
  if (flags.length === 0) return { name, status: 'ok', found: 'not known without TUN devices and packet sockets' }
  const [known, unknown] = [true, false].map(is => flags.filter(flag => offloadFlags[flag] === is).join(', '))
  return {
    name,
    status: 'ok',
    found: unknown === '' ? known : `${known || 'none'}; this kernel does without ${unknown}`
  }
}

/** No fault, but good to know when packets look odd. */
function offloads({ offloads }: Probe): Check[] {
  return Object.entries(offloads).map(([interfaceName, answers]) => {
    const name = `offloads of ${interfaceName}`
    if (answers === undefined) return { name, status: 'ok', found: 'the driver does not tell' }
    const on = Object.keys(answers).filter(key => answers[key])
    const joins = answers.genericReceive ? '; packets received can be larger than the MTU' : ''
    return { name, status: 'ok', found: on.length === 0 ? 'none' : `${on.join(', ')}${joins}` }
  })
}

function numberIn(path: string): number | undefined {
  try {
    return Number(readFileSync(path, 'latin1'))
  } catch {
    return undefined
  }
}
