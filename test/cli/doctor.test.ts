// `rawtcp doctor`: what it says must be what then works.

import t from 'tap'
import { unless } from '../support/privileges.ts'
import { Rawtcp } from './command.ts'

interface Report {
  ready: boolean
  checks: { name: string; status: string; found: string; mend?: string }[]
}

const statusOf = ({ checks }: Report, name: string): string | undefined =>
  checks.find(check => check.name === name)?.status

const isRoot = process.getuid?.() === 0

t.test('as root all that raw sockets need is there', { skip: unless(isRoot, 'needs root') }, async t => {
  const command = new Rawtcp(t, ['doctor', '--json'])
  t.equal(await command.exited, 0)
  const report: Report = JSON.parse(command.stdout)
  t.equal(report.ready, true)
  for (const name of ['platform', 'Node', 'addon', 'CAP_NET_RAW', 'raw sockets', 'port guard']) {
    t.equal(statusOf(report, name), 'ok', name)
  }
  const flags = report.checks.find(({ name }) => name === 'offload flags')
  for (const flag of ['TUN_F_TSO4', 'TUN_F_USO', 'PACKET_VNET_HDR_SZ']) t.match(flags?.found, flag)
})

t.test(
  'without privileges it says what is missing',
  { skip: unless(isRoot, 'needs root, to do without it') },
  async t => {
    const command = new Rawtcp(t, ['doctor', '--json'], { asNobody: true })
    t.equal(await command.exited, 77)
    const report: Report = JSON.parse(command.stdout)
    t.equal(report.ready, false)
    t.equal(statusOf(report, 'addon'), 'ok')
    t.equal(statusOf(report, 'CAP_NET_RAW'), 'missing')
    t.equal(statusOf(report, 'raw sockets'), 'missing')
    t.equal(statusOf(report, 'TUN devices'), 'optional')
    for (const { name, status, mend } of report.checks) {
      if (status === 'missing' || status === 'optional') t.ok(mend, `${name}: how to mend it`)
    }
  }
)

t.test(
  'for people: a line each, with the three ways',
  { skip: unless(isRoot, 'needs root, to do without it') },
  async t => {
    const command = new Rawtcp(t, ['doctor'], { asNobody: true })
    t.equal(await command.exited, 77)
    t.match(command.stdout, /^ok {8}addon: loaded/m)
    t.match(command.stdout, /^missing {3}CAP_NET_RAW: not held/m)
    t.match(command.stdout, /sudo setcap cap_net_raw\+ep/)
    t.equal(command.stderr, '')
  }
)
