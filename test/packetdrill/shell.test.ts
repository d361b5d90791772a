// Backquoted commands, read and never run.

import t from 'tap'
import { type Command, parseCommands } from '../../src/packetdrill/shell.ts'

const sysctl = (key: string, value: string): Command => ({ kind: 'sysctl', key, value })
const rows: { text: string; commands: Command[] }[] = [
  { text: './defaults.sh', commands: [{ kind: 'profile' }] },
  { text: '../common/defaults.sh\n', commands: [{ kind: 'profile' }] },
  { text: 'sysctl -q net.ipv4.tcp_sack=0', commands: [sysctl('net.ipv4.tcp_sack', '0')] },
  {
    text: 'sysctl -e -q net.ipv4.tcp_rmem="4096 131072 6291456" net.ipv4.tcp_ecn=1',
    commands: [sysctl('net.ipv4.tcp_rmem', '4096 131072 6291456'), sysctl('net.ipv4.tcp_ecn', '1')]
  },
  {
    text: './set_sysctls.py /proc/sys/net/ipv4/tcp_timestamps=0 \\\n  net/ipv4/tcp_ecn=2',
    commands: [sysctl('net.ipv4.tcp_timestamps', '0'), sysctl('net.ipv4.tcp_ecn', '2')]
  },
  {
    text: "./defaults.sh && sysctl -w net.ipv4.tcp_wmem='1 2 3' > /dev/null; tc qdisc show # why\n# no\nfoo bar",
    commands: [
      { kind: 'profile' },
      sysctl('net.ipv4.tcp_wmem', '1 2 3'),
      { kind: 'no-op', text: 'tc qdisc show' },
      { kind: 'unknown', text: 'foo bar' }
    ]
  },
  { text: '/tmp/sysctl_restore_12345.sh', commands: [{ kind: 'restore' }] },
  {
    text: 'echo 1 > /sys/module/tcp_cubic/parameters/hystart',
    commands: [{ kind: 'parameter', name: 'hystart', value: '1' }]
  },
  { text: 'echo "1 2" > /proc/sys/net/ipv4/tcp_rmem', commands: [sysctl('net.ipv4.tcp_rmem', '1 2')] },
  { text: 'echo hello', commands: [{ kind: 'unknown', text: 'echo hello' }] },
  { text: 'sysctl net.ipv4.tcp_sack', commands: [{ kind: 'unknown', text: 'sysctl net.ipv4.tcp_sack' }] },
  {
    text: 'ip tcp_metrics flush all > /dev/null 2>&1',
    commands: [{ kind: 'no-op', text: 'ip tcp_metrics flush all > /dev/null 2 > &1' }]
  },
  { text: ' \n ; ', commands: [] }
]
for (const { text, commands } of rows) {
  t.test(`commands ${JSON.stringify(text)}`, async t => t.same(parseCommands(text), commands))
}
