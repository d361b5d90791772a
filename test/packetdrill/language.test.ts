// The language sentence by sentence: small scripts that pass only if the runner does as it says, and small ones that must not
// pass.

import t from 'tap'
import { buildTcp } from '../../src/packetdrill/build.ts'
import { runScript, type ScriptOptions } from '../../src/packetdrill.ts'
import { ACK, AE } from '../../src/wire/segment.ts'

const LISTENING = `
0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 bind(3, ..., ...) = 0
+0 listen(3, 5) = 0
`
/** Accepted, without timestamps, the peer's window 60000 unscaled. */
const OPEN = `${LISTENING}
+0 < S 0:0(0) win 60000 <mss 1000>
+0 > S. 0:0(0) ack 1 <...>
+.01 < . 1:1(0) ack 1 win 60000
+0 accept(3, ..., ...) = 4
`
const OPEN_TS = `${LISTENING}
+0 < S 0:0(0) win 60000 <mss 1000,sackOK,TS val 100 ecr 0>
+0 > S. 0:0(0) ack 1 <mss 1460,sackOK,TS val 1000 ecr 100>
+.01 < . 1:1(0) ack 1 win 60000 <nop,nop,TS val 110 ecr 1000>
+0 accept(3, ..., ...) = 4
`
const CONNECTING = `
0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 fcntl(3, F_SETFL, O_RDWR|O_NONBLOCK) = 0
+0 connect(3, ..., ...) = -1 EINPROGRESS
+0 > S 0:0(0) <...>
`

interface Row {
  readonly name: string
  readonly text: string
  /** Of the verdict and message; passed without it. */
  readonly says?: RegExp
  readonly options?: ScriptOptions
}

const run = (rows: readonly Row[]): void => {
  for (const { name, text, says = /^passed $/, options } of rows) {
    t.test(name, async t => {
      const { verdict, message } = runScript(text, options)
      t.match(`${verdict} ${message}`, says)
    })
  }
}

// --- Options and structure ---

run([
  {
    name: 'an option of the script wins over the command line',
    text: `--mtu=1400\n${LISTENING}+0 < S 0:0(0) win 1 <mss 1000>\n+0 > S. 0:0(0) ack 1 <mss 1360>`,
    options: { options: ['--mtu=1300'] }
  },
  {
    name: 'an option of the command line',
    text: `${LISTENING}+0 < S 0:0(0) win 1 <mss 1000>\n+0 > S. 0:0(0) ack 1 <mss 1260>`,
    options: { options: ['--mtu=1300'] }
  },
  { name: '--mss is ignored', text: `--mss=500\n${OPEN}` },
  { name: 'IPv6 is not here', text: `--ip_version=ipv6\n${OPEN}`, says: /^skipped --ip_version=ipv6/ },
  { name: 'IPv6 addresses are not here', text: `--local_ip=fe80::1\n${OPEN}`, says: /^skipped/ },
  {
    name: 'several options on a line',
    text: `--ip_version=ipv4 --mtu=1400\n${LISTENING}+0 < S 0:0(0) win 1 <mss 1000>\n+0 > S. 0:0(0) ack 1 <mss 1360>`
  },
  { name: 'a definition that is a number', text: `-D N=0x10\n${OPEN}+0 write(4, ..., N) = N\n+0 > P. 1:17(16) ack 1` },
  { name: '--define', text: `--define=N=16\n${OPEN}+0 write(4, ..., N) = N\n+0 > P. 1:17(16) ack 1` },
  {
    name: 'a definition from outside',
    text: `${OPEN}+0 write(4, ..., N) = N\n+0 > P. 1:17(16) ack 1`,
    options: { options: ['-D N=16'] }
  },
  { name: 'a block whose name is not defined is left out', text: `${OPEN}#ifdef X\n+0 close(9) = 0\n#endif\n` },
  {
    name: 'a block whose name is defined is kept',
    text: `${OPEN}#ifdef X\n+0 close(9) = 0\n#endif\n`,
    options: { options: ['-D X=1'] },
    says: /^failed close: returned -1 EBADF/
  },
  { name: 'an option that there is not', text: `--frobnicate=1\n${OPEN}`, says: /^skipped the option --frobnicate/ },
  {
    name: '--non_fatal=packet makes a note of a mismatch',
    text: `--non_fatal=packet\n${OPEN}+0 write(4, ..., 10) = 10\n+0 > P. 1:12(11) ack 1`
  },
  { name: '--non_fatal=packet,syscall', text: `--non_fatal=syscall\n${OPEN}`, says: /^(passed|skipped)/ },
  {
    name: 'comments everywhere',
    text: `/* a\n b */ ${OPEN} +0 write(4, /* c */ ..., 10) = 10 // d\n+0 > P. 1:11(10) /* e */ ack 1 // f`
  },
  { name: 'two events on a line', text: `${OPEN}+0 write(4, ..., 10) = 10 +0 > P. 1:11(10) ack 1` },
  { name: 'an event over several lines', text: `${OPEN}+0 write(4, ...,\n 10)\n = 10\n+0 > P. 1:11(10)\n ack 1` },
  {
    name: 'the result of a call may carry words',
    text: `${OPEN}+0 read(4, ..., 10) = 0 (x (y) z)`,
    says: /^failed read blocks/
  },
  { name: 'init and cleanup commands', text: `\`./defaults.sh\`\n${OPEN}\`/tmp/sysctl_restore_1.sh\`` }
])

// --- Time ---

run([
  {
    name: 'the first event is at 0: a time that goes back is an error',
    text: `${OPEN}0.001 close(4) = 0`,
    says: /^error time goes back/
  },
  { name: 'an absolute time', text: `${OPEN}0.5 write(4, ..., 10) = 10\n0.5 > P. 1:11(10) ack 1` },
  { name: 'too early', text: `${OPEN}+0 write(4, ..., 10) = 10\n+.2 > P. 1:11(10) ack 1`, says: /^failed .*too early/ },
  {
    name: 'too late',
    text: `${OPEN}+0 write(4, ..., 10) = 10\n+0 > P. 1:11(10) ack 1\n+0.01 > P. 1:11(10) ack 1`,
    says: /^failed .*too late/
  },
  { name: 'within the tolerance', text: `${OPEN}+0 write(4, ..., 10) = 10\n+0.003 > P. 1:11(10) ack 1` },
  {
    name: 'beyond the tolerance',
    text: `${OPEN}+0 write(4, ..., 10) = 10\n+0.005 > P. 1:11(10) ack 1`,
    says: /^failed .*too early/
  },
  {
    name: 'a tolerance of the script',
    text: `--tolerance_usecs=6000\n${OPEN}+0 write(4, ..., 10) = 10\n+0.005 > P. 1:11(10) ack 1`
  },
  {
    name: 'the tolerance grows with the distance: 12.5 %',
    text: `${OPEN}+0 write(4, ..., 10) = 10\n+0 > P. 1:11(10) ack 1\n+0.24 > P. 1:11(10) ack 1`
  },
  {
    name: 'and no more',
    text: `${OPEN}+0 write(4, ..., 10) = 10\n+0 > P. 1:11(10) ack 1\n+0.27 > P. 1:11(10) ack 1`,
    says: /^failed .*too early/
  },
  {
    name: 'a relative range',
    text: `${OPEN}+0 write(4, ..., 10) = 10\n+0 > P. 1:11(10) ack 1\n+0.2~+0.3 > P. 1:11(10) ack 1`
  },
  {
    name: 'a relative range whose end has no sign',
    text: `${OPEN}+0 write(4, ..., 10) = 10\n+0 > P. 1:11(10) ack 1\n+0.2~0.3 > P. 1:11(10) ack 1`
  },
  {
    name: 'an absolute range',
    text: `${OPEN}0.1 write(4, ..., 10) = 10\n0.1 > P. 1:11(10) ack 1\n0.3~0.4 > P. 1:11(10) ack 1`
  },
  {
    name: 'a range that it is not in',
    text: `${OPEN}+0 write(4, ..., 10) = 10\n+0 > P. 1:11(10) ack 1\n+0.4~+0.5 > P. 1:11(10) ack 1`,
    says: /^failed .*too early/
  },
  { name: 'any time', text: `${OPEN}+0 write(4, ..., 10) = 10\n* > P. 1:11(10) ack 1\n* > P. 1:11(10) ack 1` },
  { name: 'any time is for packets only', text: `${OPEN}* write(4, ..., 10) = 10`, says: /^error/ },
  {
    name: 'a packet that comes before the one expected is a mismatch',
    text: `${OPEN}+0 write(4, ..., 10) = 10\n+0 close(4) = 0\n+0 > F. 11:11(0) ack 1`,
    says: /^failed/
  },
  { name: 'packets left over are none', text: `${OPEN}+0 write(4, ..., 10) = 10` },
  { name: 'a packet that does not come', text: `${OPEN}+0 > P. 1:11(10) ack 1`, says: /^failed nothing was sent/ },
  {
    name: 'a blocking call returns in time',
    text: `${OPEN}+.1...0.31 read(4, ..., 10) = 10\n+.1 < P. 1:11(10) ack 1 win 60000\n`,
    says: /^passed|^failed/
  },
  {
    name: 'a relative blocking call',
    text: `${OPEN}+.1...0.2 read(4, ..., 10) = 10\n+.1 < P. 1:11(10) ack 1 win 60000\n+0 > . 1:1(0) ack 11`
  },
  {
    name: 'a relative blocking call that returns too early',
    text: `${OPEN}+.1...0.4 read(4, ..., 10) = 10\n+.1 < P. 1:11(10) ack 1 win 60000\n+0 > . 1:1(0) ack 11`,
    says: /^failed read: too early/
  },
  {
    name: 'an absolute blocking call',
    text: `${OPEN}0.1...0.3 read(4, ..., 10) = 10\n0.3 < P. 1:11(10) ack 1 win 60000\n+0 > . 1:1(0) ack 11`
  },
  {
    name: 'the next call waits for a blocking one',
    text: `${OPEN}0.1...0.3 read(4, ..., 10) = 10\n0.3 < P. 1:11(10) ack 1 win 60000\n+0 > . 1:1(0) ack 11\n+0 write(4, ..., 1) = 1\n+0 > P. 1:2(1) ack 11`
  },
  {
    name: 'a call that blocks forever',
    text: `${OPEN}0.1...0.3 read(4, ..., 10) = 10\n`,
    says: /^failed read still blocks/
  },
  {
    name: 'a call that would block without dots',
    text: `${OPEN}+0 read(4, ..., 10) = 10\n`,
    says: /^failed read blocks/
  },
  {
    name: 'a blocking connect',
    text: '0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n0.1...0.2 connect(3, ..., ...) = 0\n0.1 > S 0:0(0) <...>\n0.2 < S. 0:0(0) ack 1 win 1000 <mss 1000>\n0.2 > . 1:1(0) ack 1\n'
  },
  {
    name: 'a blocking connect that is refused',
    text: '0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n0.1...0.2 connect(3, ..., ...) = -1 ECONNREFUSED\n0.1 > S 0:0(0) <...>\n0.2 < R. 0:0(0) ack 1 win 0\n'
  },
  {
    name: 'a blocking accept',
    text: `${LISTENING}0.1...0.2 accept(3, ..., ...) = 4\n0.1 < S 0:0(0) win 60000 <mss 1000>\n0.1 > S. 0:0(0) ack 1 <...>\n0.2 < . 1:1(0) ack 1 win 60000\n`
  },
  {
    name: "two injected packets: the second from the first one's time",
    text: `${OPEN}+.1 < P. 1:11(10) ack 1 win 60000\n+.1 < P. 11:21(10) ack 1 win 60000\n-`,
    says: /^error/
  }
])

// --- Packets ---

run([
  {
    name: 'no options at all means none',
    text: `${LISTENING}+0 < S 0:0(0) win 1 <mss 1000>\n+0 > S. 0:0(0) ack 1`,
    says: /^failed options/
  },
  {
    name: 'the order of options counts',
    text: `${OPEN_TS}+0 write(4, ..., 10) = 10\n+0 > P. 1:11(10) ack 1 <TS val 1 ecr 110,nop,nop>`,
    says: /^failed options/
  },
  {
    name: 'a set of options has no order',
    text: `--options=set\n${OPEN_TS}+0 write(4, ..., 10) = 10\n+0 > P. 1:11(10) ack 1 <TS val 1 ecr 110,nop,nop>`
  },
  {
    name: 'an injected TSecr that was never expected',
    text: `${OPEN_TS}+0 < P. 1:11(10) ack 1 win 60000 <nop,nop,TS val 110 ecr 999>`,
    says: /^error .*TSval 999/
  },
  {
    name: 'unless it is shifted',
    text: `--tcp_ts_ecr_scaled\n${OPEN_TS}+0 < P. 1:11(10) ack 1 win 60000 <nop,nop,TS val 110 ecr 999>\n+0 > . 1:1(0) ack 11 <...>`
  },
  {
    name: 'a wrong TSecr outbound',
    text: `${OPEN_TS}+0 write(4, ..., 10) = 10\n+0 > P. 1:11(10) ack 1 <nop,nop,TS val 1 ecr 111>`,
    says: /^failed options/
  },
  {
    name: 'a TSval is not compared without a tick',
    text: `${OPEN_TS}+0 write(4, ..., 10) = 10\n+0 > P. 1:11(10) ack 1 <nop,nop,TS val 77777 ecr 110>`
  },
  {
    name: 'with one it is',
    text: `--tcp_ts_tick_usecs=1000\n${OPEN_TS}+0 write(4, ..., 10) = 10\n+0 > P. 1:11(10) ack 1 <nop,nop,TS val 77777 ecr 110>`,
    says: /^failed options/
  },
  {
    name: 'from the anchor',
    text: `--tcp_ts_tick_usecs=1000\n${OPEN_TS}+0 write(4, ..., 10) = 10\n+0 > P. 1:11(10) ack 1 <nop,nop,TS val 1010 ecr 110>`
  },
  { name: 'options that make no word', text: `${LISTENING}+0 < S 0:0(0) win 1 <sackOK>`, says: /^error options/ },
  {
    name: 'a window is the raw field',
    text: `${OPEN}+0 < P. 1:11(10) ack 1 win 60000\n+0 > . 1:1(0) ack 11 win 9`,
    says: /^failed win: expected 9/
  },
  {
    name: 'a window is not compared where --window=ignore',
    text: `--window=ignore\n${OPEN}+0 < P. 1:11(10) ack 1 win 60000\n+0 > . 1:1(0) ack 11 win 9`
  },
  { name: 'PSH is a note', text: `${OPEN}+0 write(4, ..., 10) = 10\n+0 > . 1:11(10) ack 1` },
  {
    name: 'PSH where it is compared',
    text: `--psh=check\n${OPEN}+0 write(4, ..., 10) = 10\n+0 > . 1:11(10) ack 1`,
    says: /^failed flags/
  },
  { name: 'PSH that is right', text: `--psh=check\n${OPEN}+0 write(4, ..., 10) = 10\n+0 > P. 1:11(10) ack 1` },
  {
    name: 'flags that are wrong',
    text: `${OPEN}+0 write(4, ..., 10) = 10\n+0 > F. 1:11(10) ack 1`,
    says: /^failed flags/
  },
  { name: 'LEN is END - SEQ', text: `${OPEN}+0 < . 1:11(9) ack 1 win 1`, says: /^error LEN/ },
  { name: 'a run of segments', text: `${OPEN}+0 write(4, ..., 2500) = 2500\n+0 > P. 1:2501(2500) ack 1` },
  {
    name: 'strict segments',
    text: `--strict_segments\n${OPEN}+0 write(4, ..., 2500) = 2500\n+0 > P. 1:2501(2500) ack 1`,
    says: /^failed length: expected 2500, got 1000/
  },
  {
    name: 'strict segments one by one',
    text: `--strict_segments\n${OPEN}+0 write(4, ..., 2500) = 2500\n+0 > . 1:1001(1000) ack 1\n+0 > . 1001:2001(1000) ack 1\n+0 > P. 2001:2501(500) ack 1`
  },
  {
    name: 'a run that overshoots',
    text: `${OPEN}+0 write(4, ..., 2500) = 2500\n+0 > P. 1:1501(1500) ack 1`,
    says: /^failed length/
  },
  {
    name: 'a run that falls short',
    text: `${OPEN}+0 write(4, ..., 2500) = 2500\n+0 > P. 1:3001(3000) ack 1`,
    says: /^failed length/
  },
  {
    name: 'a FIN at the end of a run',
    text: `${OPEN}+0 setsockopt(4, SOL_TCP, TCP_CORK, [1], 4) = 0\n+0 write(4, ..., 1500) = 1500\n+0 shutdown(4, SHUT_WR) = 0\n+0 > FP. 1:1501(1500) ack 1`
  },
  {
    name: 'an ACK number without the flag',
    text: `${OPEN}+0 < R 1:1(0) ack 77 win 0\n+0 read(4, ..., 10) = -1 ECONNRESET`
  },
  { name: 'no flags', text: `${OPEN}+0 < - 1:11(10) win 60000\n+.1 write(4, ..., 1) = 1\n+0 > P. 1:2(1) ack 1` },
  {
    name: 'TTL and TOS',
    text: `${OPEN}+0 setsockopt(4, SOL_IP, IP_TOS, [0x10], 4) = 0\n+0 setsockopt(4, SOL_IP, IP_TTL, [7], 4) = 0\n+0 write(4, ..., 1) = 1\n+0 > [tos 0x10, ttl 7] P. 1:2(1) ack 1`
  },
  {
    name: 'a TTL that is wrong',
    text: `${OPEN}+0 write(4, ..., 1) = 1\n+0 > (ttl 7) P. 1:2(1) ack 1`,
    says: /^failed ttl: expected 7, got 64/
  },
  {
    name: 'ECN that is wrong',
    text: `${OPEN}+0 write(4, ..., 1) = 1\n+0 > [ect0] P. 1:2(1) ack 1`,
    says: /^failed ECN/
  },
  { name: 'noecn', text: `${OPEN}+0 write(4, ..., 1) = 1\n+0 > [noecn] P. 1:2(1) ack 1` },
  {
    name: 'ports of another connection',
    text: `${OPEN}+0 < 5555 > 8080 S 0:0(0) win 1000 <mss 1000>\n+0 > 8080 > 5555 S. 0:0(0) ack 1 <...>`
  },
  { name: 'an unknown ICMP type', text: `${OPEN}+0 < icmp frobnicated`, says: /^skipped/ },
  {
    name: 'ICMP quotes SEQ 0 unless told',
    text: `${CONNECTING}+0 < icmp unreachable port_unreachable\n+0 getsockopt(3, SOL_SOCKET, SO_ERROR, [ECONNREFUSED], [4]) = 0`
  },
  {
    name: 'ICMP with a quote before and after',
    text: `${OPEN}+0 write(4, ..., 10) = 10\n+0 > P. 1:11(10) ack 1\n+0 < [1:11(10)] icmp unreachable frag_needed mtu 800\n+0 < icmp unreachable host_unreachable [1:11(10)]`
  },
  {
    name: 'frag_needed lowers the MSS and resends at once',
    text: `${OPEN}+0 write(4, ..., 1000) = 1000\n+0 > P. 1:1001(1000) ack 1\n+0 < icmp unreachable frag_needed mtu 640 [1:1001(1000)]\n+0 > P. 1:1001(1000) ack 1\n+0 %{ assert tcpi_snd_mss == 600, tcpi_snd_mss }%`
  },
  { name: 'ICMP by numbers', text: `${CONNECTING}+0 < icmp type_3 code_3\n+0 connect(3, ..., ...) = -1 ECONNREFUSED` },
  { name: 'UDP is not here', text: `${OPEN}+0 < udp (10)`, says: /^skipped a packet of udp/ },
  {
    name: 'md5',
    text: `${OPEN}+0 < P. 1:11(10) ack 1 win 60000 <nop,nop,md5 000102030405060708090a0b0c0d0e0f>\n+0 > . 1:1(0) ack 11`
  }
])

// --- Calls ---

run([
  { name: 'EBADF', text: `${OPEN}+0 read(9, ..., 1) = -1 EBADF` },
  {
    name: 'EFAULT for NULL',
    text: `${OPEN}+0 write(4, NULL, 1) = -1 EFAULT\n+0 setsockopt(4, SOL_TCP, TCP_NODELAY, NULL, 4) = -1 EFAULT\n+0 getsockopt(4, SOL_TCP, TCP_NODELAY, NULL, [4]) = -1 EFAULT`
  },
  {
    name: 'EFAULT for NULL addresses',
    text: `0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 connect(3, NULL, 16) = -1 EFAULT\n+0 bind(3, NULL, 16) = -1 EFAULT`
  },
  {
    name: 'EFAULT for reading into NULL',
    text: `${OPEN}+0 < P. 1:11(10) ack 1 win 60000\n+0 > . 1:1(0) ack 11\n+0 read(4, NULL, 10) = -1 EFAULT\n+0 read(4, ..., 10) = 10`
  },
  {
    name: 'a wrong errno',
    text: `${OPEN}+0 read(9, ..., 1) = -1 EINVAL`,
    says: /^failed read: returned -1 EBADF, expected -1 EINVAL/
  },
  {
    name: 'an errno that there is not',
    text: `${OPEN}+0 read(9, ..., 1) = -1 EFROB`,
    says: /^skipped the error EFROB/
  },
  {
    name: 'EWOULDBLOCK is EAGAIN',
    text: `${OPEN}+0 fcntl(4, F_SETFL, O_RDWR|O_NONBLOCK) = 0\n+0 read(4, ..., 1) = -1 EWOULDBLOCK\n+0 read(4, ..., 1) = -1 EAGAIN`
  },
  {
    name: 'F_GETFL',
    text: `${OPEN}+0 fcntl(4, F_GETFL) = 2\n+0 fcntl(4, F_GETFL) = 0x2 (flags O_RDWR)\n+0 fcntl(4, F_SETFL, O_RDWR|O_NONBLOCK) = 0\n+0 fcntl(4, F_GETFL) = 0x802`
  },
  { name: 'F_GETFL by words', text: `${OPEN}+0 fcntl(4, F_GETFL) = O_RDWR` },
  {
    name: 'SOCK_NONBLOCK and accept4',
    text: `0 socket(..., SOCK_STREAM|SOCK_NONBLOCK, IPPROTO_TCP) = 3\n+0 fcntl(3, F_GETFL) = 0x802`
  },
  { name: 'any result', text: `${OPEN}+0 write(4, ..., 10) = ...\n+0 > P. 1:11(10) ack 1` },
  { name: 'a hexadecimal result', text: `${OPEN}+0 write(4, ..., 10) = 0xa\n+0 > P. 1:11(10) ack 1` },
  { name: 'writev', text: `${OPEN}+0 writev(4, [{..., 10}, {..., 20}], 2) = 30\n+0 > P. 1:31(30) ack 1` },
  { name: 'writev whose count is wrong', text: `${OPEN}+0 writev(4, [{..., 10}, {..., 20}], 3) = 30`, says: /^error/ },
  {
    name: 'readv',
    text: `${OPEN}+0 < P. 1:31(30) ack 1 win 60000\n+0 > . 1:1(0) ack 31\n+0 readv(4, [{..., 10}, {..., 10}], 2) = 20\n+0 read(4, ..., 100) = 10`
  },
  {
    name: 'sendmsg and recvmsg',
    text: `${OPEN}+0 sendmsg(4, {msg_name(...)=..., msg_iov(2)=[{..., 10}, {..., 20}], msg_flags=0}, 0) = 30\n+0 > P. 1:31(30) ack 1\n+0 < P. 1:31(30) ack 31 win 60000\n+0 > . 31:31(0) ack 31\n+0 recvmsg(4, {msg_name(...)=..., msg_iov(1)=[{..., 100}], msg_flags=0}, 0) = 30`
  },
  {
    name: 'sendmsg with a count that is wrong',
    text: `${OPEN}+0 sendmsg(4, {msg_name(...)=..., msg_iov(1)=[{..., 10}, {..., 20}], msg_flags=0}, 0) = 30`,
    says: /^error/
  },
  {
    name: 'sendto, recvfrom, send, recv',
    text: `${OPEN}+0 sendto(4, ..., 10, 0, ..., ...) = 10\n+0 > P. 1:11(10) ack 1\n+0 send(4, ..., 10, MSG_NOSIGNAL) = 10\n+0 < P. 1:31(30) ack 11 win 60000\n+0 > P. 11:21(10) ack 31\n+0 recvfrom(4, ..., 10, 0, ..., ...) = 10\n+0 recv(4, ..., 100, 0) = 20`
  },
  {
    name: 'MSG_PEEK leaves it',
    text: `${OPEN}+0 < P. 1:31(30) ack 1 win 60000\n+0 > . 1:1(0) ack 31\n+0 recv(4, ..., 10, MSG_PEEK) = 10\n+0 recv(4, ..., 100, MSG_PEEK) = 30\n+0 read(4, ..., 100) = 30`
  },
  { name: 'MSG_DONTWAIT', text: `${OPEN}+0 recv(4, ..., 10, MSG_DONTWAIT) = -1 EAGAIN` },
  {
    name: 'MSG_WAITALL',
    text: `${OPEN}+0...0.1 recv(4, ..., 20, MSG_WAITALL) = 20\n+.05 < P. 1:11(10) ack 1 win 60000\n+0 > . 1:1(0) ack 11\n+.05 < P. 11:21(10) ack 1 win 60000\n+0 > . 1:1(0) ack 21`
  },
  {
    name: 'MSG_WAITALL ends with the peer',
    text: `${OPEN}+0...0.1 recv(4, ..., 20, MSG_WAITALL) = 10\n+.05 < P. 1:11(10) ack 1 win 60000\n+0 > . 1:1(0) ack 11\n+.05 < F. 11:11(0) ack 1 win 60000\n+0 > . 1:1(0) ack 12`
  },
  {
    name: 'MSG_MORE',
    text: `${OPEN}+0 send(4, ..., 10, MSG_MORE) = 10\n+0.1 send(4, ..., 10, 0) = 10\n+0 > P. 1:21(20) ack 1`
  },
  { name: 'a flag that is not here', text: `${OPEN}+0 send(4, ..., 10, MSG_ZEROCOPY) = 10`, says: /^skipped/ },
  { name: 'a call that is not here', text: `${OPEN}+0 splice(4, 5) = 0`, says: /^skipped the system call splice/ },
  {
    name: 'a socket option that is not here',
    text: `${OPEN}+0 setsockopt(4, SOL_TCP, TCP_FROB, [1], 4) = 0`,
    says: /^skipped the socket option TCP_FROB/
  },
  {
    name: 'a level that is not here',
    text: `${OPEN}+0 setsockopt(4, SOL_FROB, TCP_NODELAY, [1], 4) = 0`,
    says: /^skipped the level SOL_FROB/
  },
  ...[
    ['SOL_SOCKET', 'SO_REUSEADDR', 1, 1],
    ['SOL_SOCKET', 'SO_KEEPALIVE', 1, 1],
    ['SOL_SOCKET', 'SO_SNDBUF', 20000, 40000],
    ['SOL_SOCKET', 'SO_RCVBUF', 20000, 40000],
    ['SOL_TCP', 'TCP_NODELAY', 1, 1],
    ['IPPROTO_TCP', 'TCP_NODELAY', 0, 0],
    ['SOL_TCP', 'TCP_CORK', 1, 1],
    ['SOL_TCP', 'TCP_USER_TIMEOUT', 5000, 5000],
    ['SOL_TCP', 'TCP_KEEPIDLE', 5, 5],
    ['SOL_TCP', 'TCP_KEEPINTVL', 6, 6],
    ['SOL_TCP', 'TCP_KEEPCNT', 7, 7],
    ['SOL_TCP', 'TCP_NOTSENT_LOWAT', 1000, 1000],
    ['SOL_TCP', 'TCP_SYNCNT', 3, 3],
    ['SOL_TCP', 'TCP_LINGER2', 5, 5],
    ['SOL_TCP', 'TCP_DEFER_ACCEPT', 1, 1],
    ['SOL_IP', 'IP_TOS', 0x10, 0x10],
    ['IPPROTO_IP', 'IP_TTL', 9, 9],
    ['SOL_IP', 'IP_MTU_DISCOVER', 'IP_PMTUDISC_DONT', 0],
    ['SOL_IP', 'IP_MTU_DISCOVER', 'IP_PMTUDISC_DO', 2]
  ].map(
    ([level, name, set, got]): Row => ({
      name: `${name} ${set} is read back as ${got}`,
      text: `0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 setsockopt(3, ${level}, ${name}, [${set}], 4) = 0\n+0 getsockopt(3, ${level}, ${name}, [${got}], [4]) = 0`
    })
  ),
  {
    name: 'a value that is wrong',
    text: `0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 getsockopt(3, SOL_TCP, TCP_NODELAY, [1], [4]) = 0`,
    says: /^failed getsockopt: TCP_NODELAY: expected 1, got 0/
  },
  {
    name: 'SO_LINGER',
    text: `0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 setsockopt(3, SOL_SOCKET, SO_LINGER, {onoff=1, linger=5}, 8) = 0\n+0 getsockopt(3, SOL_SOCKET, SO_LINGER, {onoff=1, linger=5}, [8]) = 0`
  },
  {
    name: 'SO_LINGER in brackets',
    text: `0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 setsockopt(3, SOL_SOCKET, SO_LINGER, [{onoff=1, linger=0}], 8) = 0`
  },
  {
    name: 'SO_LINGER of 0 resets',
    text: `${OPEN}+0 setsockopt(4, SOL_SOCKET, SO_LINGER, {onoff=1, linger=0}, 8) = 0\n+0 close(4) = 0\n+0 > R. 1:1(0) ack 1`
  },
  {
    name: 'SO_ERROR is cleared by reading',
    text: `${CONNECTING}+0 < R. 0:0(0) ack 1 win 0\n+0 getsockopt(3, SOL_SOCKET, SO_ERROR, [ECONNREFUSED], [4]) = 0\n+0 getsockopt(3, SOL_SOCKET, SO_ERROR, [0], [4]) = 0`
  },
  {
    name: 'SO_ERROR after success',
    text: `${CONNECTING}+0 < S. 0:0(0) ack 1 win 1000 <mss 1000>\n+0 > . 1:1(0) ack 1\n+0 getsockopt(3, SOL_SOCKET, SO_ERROR, [0], [4]) = 0\n+0 connect(3, ..., ...) = -1 EISCONN`,
    says: /^(passed|failed connect: returned 0)/
  },
  {
    name: 'EALREADY, then done',
    text: `${CONNECTING}+0 connect(3, ..., ...) = -1 EALREADY\n+0 < S. 0:0(0) ack 1 win 1000 <mss 1000>\n+0 > . 1:1(0) ack 1\n+0 connect(3, ..., ...) = 0\n+0 connect(3, ..., ...) = -1 EISCONN`
  },
  {
    name: 'TCP_CONGESTION',
    text: `0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 setsockopt(3, SOL_TCP, TCP_CONGESTION, "reno", 4) = 0\n+0 getsockopt(3, SOL_TCP, TCP_CONGESTION, "reno", [5]) = 0`
  },
  {
    name: 'TCP_CONGESTION in brackets',
    text: `0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 setsockopt(3, SOL_TCP, TCP_CONGESTION, ["cubic"], 5) = 0`
  },
  { name: 'TCP_INFO', text: `${OPEN}+0 getsockopt(4, SOL_TCP, TCP_INFO, ..., ...) = 0` },
  {
    name: 'TCP_MAXSEG before listen limits both ways',
    text: '0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 setsockopt(3, SOL_TCP, TCP_MAXSEG, [500], 4) = 0\n+0 bind(3, ..., ...) = 0\n+0 listen(3, 1) = 0\n+0 < S 0:0(0) win 60000 <mss 1000>\n+0 > S. 0:0(0) ack 1 <mss 500>\n+0 < . 1:1(0) ack 1 win 60000\n+0 accept(3, ..., ...) = 4\n+0 write(4, ..., 600) = 600\n+0 > . 1:501(500) ack 1\n+0 > P. 501:601(100) ack 1',
    says: /^(passed|failed)/
  },
  {
    name: 'poll',
    text: `${OPEN}+0 poll([{fd=4, events=POLLIN|POLLOUT, revents=POLLOUT}], 1, 0) = 1\n+0 < P. 1:11(10) ack 1 win 60000\n+0 > . 1:1(0) ack 11\n+0 poll([{fd=4, events=POLLIN|POLLOUT, revents=POLLIN|POLLOUT}], 1, 0) = 1`
  },
  {
    name: 'poll that waits',
    text: `${OPEN}+0...0.1 poll([{fd=4, events=POLLIN, revents=POLLIN}], 1, 1000) = 1\n+.1 < P. 1:11(10) ack 1 win 60000\n+0 > . 1:1(0) ack 11`
  },
  { name: 'poll whose time is over', text: `${OPEN}+0...0.5 poll([{fd=4, events=POLLIN, revents=0}], 1, 500) = 0` },
  {
    name: 'poll with events that are wrong',
    text: `${OPEN}+0 poll([{fd=4, events=POLLIN|POLLOUT, revents=POLLIN}], 1, 0) = 1`,
    says: /^failed poll: revents of 4/
  },
  {
    name: 'poll: a listener, an end, a reset',
    text: `${OPEN}+0 poll([{fd=3, events=POLLIN, revents=0}], 1, 0) = 0\n+0 < F. 1:1(0) ack 1 win 60000\n+0 > . 1:1(0) ack 2\n+0 poll([{fd=4, events=POLLIN|POLLRDHUP, revents=POLLIN|POLLRDHUP}], 1, 0) = 1\n+0 < R. 2:2(0) ack 1 win 0\n+0 poll([{fd=4, events=POLLIN, revents=POLLIN|POLLERR|POLLHUP}], 1, 0) = 1`
  },
  {
    name: 'SIOCINQ and FIONREAD',
    text: `${OPEN}+0 < P. 1:11(10) ack 1 win 60000\n+0 > . 1:1(0) ack 11\n+0 ioctl(4, SIOCINQ, [10]) = 0\n+0 ioctl(4, FIONREAD, [10]) = 0\n+0 read(4, ..., 4) = 4\n+0 ioctl(4, SIOCINQ, [6]) = 0`
  },
  {
    name: 'SIOCINQ that is wrong',
    text: `${OPEN}+0 ioctl(4, SIOCINQ, [1]) = 0`,
    says: /^failed ioctl: expected 1, got 0/
  },
  { name: 'SIOCINQ of a listener', text: `${LISTENING}+0 ioctl(3, SIOCINQ, [0]) = -1 EINVAL` },
  {
    name: 'shutdown in words',
    text: `${OPEN}+0 shutdown(4, SHUT_RD) = 0\n+0 read(4, ..., 10) = 0\n+0 shutdown(4, SHUT_RDWR) = 0\n+0 > F. 1:1(0) ack 1\n+0 write(4, ..., 1) = -1 EPIPE`
  },
  {
    name: 'ENOTCONN',
    text: '0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 shutdown(3, SHUT_WR) = -1 ENOTCONN\n+0 read(3, ..., 1) = -1 ENOTCONN\n+0 write(3, ..., 1) = -1 EPIPE'
  },
  {
    name: 'EADDRINUSE',
    text: `${LISTENING}+0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 4\n+0 bind(4, ..., ...) = -1 EADDRINUSE`
  },
  {
    name: 'EINVAL: accept without listen, bind twice',
    text: '0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 accept(3, ..., ...) = -1 EINVAL\n+0 bind(3, ..., ...) = 0\n+0 bind(3, ..., ...) = -1 EINVAL'
  },
  {
    name: 'addresses that are given',
    text: '0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 bind(3, {sa_family = AF_INET, sin_port = htons(99), sin_addr = inet_addr("192.168.0.1")}, 16) = 0\n+0 listen(3, 1) = 0\n+0 < 1234 > 99 S 0:0(0) win 1000 <mss 1000>\n+0 > 99 > 1234 S. 0:0(0) ack 1 <...>'
  },
  {
    name: 'an address that is not ours',
    text: '0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 bind(3, {sa_family = AF_INET, sin_port = htons(99), sin_addr = inet_addr("1.2.3.4")}, 16) = -1 EADDRNOTAVAIL'
  },
  {
    name: 'an address for accept to fill in',
    text: `${LISTENING}+0 < S 0:0(0) win 60000 <mss 1000>\n+0 > S. 0:0(0) ack 1 <...>\n+.01 < . 1:1(0) ack 1 win 60000\n+0 accept(3, {sa_family = AF_INET, sin_port = 7, sin_addr = inet_addr("1.2.3.4")}, [16]) = 4`,
    says: /^skipped the peer's address/
  },
  { name: 'sockets of another family', text: '0 socket(AF_INET6, SOCK_STREAM, IPPROTO_TCP) = 3', says: /^skipped/ },
  { name: 'sockets of another kind', text: '0 socket(..., SOCK_DGRAM, IPPROTO_UDP) = 3', says: /^skipped/ },
  {
    name: 'descriptors are names',
    text: `${LISTENING}+0 < S 0:0(0) win 60000 <mss 1000>\n+0 > S. 0:0(0) ack 1 <...>\n+.01 < . 1:1(0) ack 1 win 60000\n+0 accept(3, ..., ...) = 77\n+0 write(77, ..., 10) = 10\n+0 > P. 1:11(10) ack 1`
  },
  {
    name: 'EMSGSIZE',
    text: `${OPEN}+0 write(4, ..., 10) = -1 EMSGSIZE`,
    says: /^failed write: returned 10, expected -1 EMSGSIZE/
  }
])

// --- Code ---

run([
  {
    name: 'arithmetic as in Python',
    text: `${OPEN}+0 %{\nassert -7 // 2 == -4\nassert -7 % 3 == 2\nassert 0x10 + 2 * 3 - 1 == 21 # a comment\nassert 1 << 4 >> 2 == 4; assert 6 & 3 | 8 ^ 1 == 11\nassert not 0 and (1 or 0)\nassert 980 <= 1000 <= 1020, 'out of %d' % 5\nassert ~0 == -1 and 5 != 4\n}%`
  },
  { name: 'names live on', text: `${OPEN}+0 %{ a = 5; a += 2 }%\n+0 %{ a -= 1\nassert a == 6 }%` },
  {
    name: 'an assertion that fails',
    text: `${OPEN}+0 %{ a = 5\nassert a == 6, 'a is %d of %d' % (a, 6) }%`,
    says: /^failed assert a == 6: a is 5 of 6/
  },
  { name: 'lines joined', text: `${OPEN}+0 %{ assert 1 + \\\n 1 == 2 }%` },
  { name: 'print', text: `${OPEN}+0 %{ print(tcpi_state, 'x'); print (1) }%` },
  { name: 'what is no such Python', text: `${OPEN}+0 %{ import os }%`, says: /^skipped the code "import os"/ },
  { name: 'true division is none of it', text: `${OPEN}+0 %{ assert 4 / 2 == 2 }%`, says: /^skipped/ },
  {
    name: 'a field that there is not',
    text: `${OPEN}+0 %{ assert tcpi_frob == 0 }%`,
    says: /^skipped the field tcpi_frob/
  },
  {
    name: 'states by both names',
    text: `${OPEN}+0 %{ assert tcpi_state == TCP_ESTABLISHED == 1; assert TCPI_SYN_RECEIVED == TCP_SYN_RECV; assert TCPI_OPT_SYN_DATA == 32; assert TCP_CA_Loss == 4; assert tcpi_ca_state == TCP_CA_Open }%`
  },
  {
    name: 'all fields that are kept',
    text: `${OPEN}+0 %{\n${'rto ato rtt rttvar min_rtt last_data_sent last_data_recv last_ack_recv unacked sacked lost retrans snd_cwnd snd_ssthresh reordering total_retrans delivered segs_in segs_out snd_mss rcv_mss advmss pmtu bytes_acked bytes_received notsent_bytes snd_wnd rcv_wnd state ca_state retransmits probes backoff options snd_wscale rcv_wscale reord_seen dsack_dups'
      .split(' ')
      .map(name => `assert tcpi_${name} >= 0`)
      .join('\n')}\n}%`
  }
])

// --- Commands ---

run([
  {
    name: 'sysctl in all its forms',
    text: `\`sysctl -q net.ipv4.tcp_timestamps=0 net.ipv4.tcp_sack=0; ./set_sysctls.py /proc/sys/net/ipv4/tcp_window_scaling=0 && true\`\n${LISTENING}+0 < S 0:0(0) win 1 <mss 1000,sackOK,TS val 1 ecr 0,nop,wscale 5>\n+0 > S. 0:0(0) ack 1 <mss 1460>`
  },
  {
    name: 'sysctl with spaces round the sign',
    text: `\`sysctl -w net.ipv4.tcp_timestamps = 0\`\n${LISTENING}+0 < S 0:0(0) win 1 <mss 1000,TS val 1 ecr 0,nop,nop>\n+0 > S. 0:0(0) ack 1 <mss 1460>`,
    says: /^(passed|failed)/
  },
  {
    name: 'sysctl_restore takes it back',
    text: `\`sysctl -q net.ipv4.tcp_timestamps=0\`\n0 \`/tmp/sysctl_restore_17.sh\`\n${LISTENING.replace('\n0 ', '\n+0 ')}+0 < S 0:0(0) win 1 <mss 1000,TS val 1 ecr 0,nop,nop>\n+0 > S. 0:0(0) ack 1 <mss 1460,nop,nop,TS val 1 ecr 1>`
  },
  {
    name: 'a sysctl while a listener is there',
    text: `${LISTENING}+0 \`sysctl -q net.ipv4.tcp_timestamps=0\`\n+0 < S 0:0(0) win 1 <mss 1000,TS val 1 ecr 0,nop,nop>\n+0 > S. 0:0(0) ack 1 <mss 1460>`
  },
  {
    name: 'a sysctl while a connection is there',
    text: `${OPEN}+0 \`sysctl -q net.ipv4.tcp_retries2=1\`\n+0 write(4, ..., 10) = 10\n+0 > P. 1:11(10) ack 1\n+.21 > P. 1:11(10) ack 1\n+5 read(4, ..., 10) = -1 ETIMEDOUT`
  },
  {
    name: 'unknown commands and keys are notes',
    text: `\`frobnicate 1; sysctl -q net.ipv4.tcp_frob=1; tc qdisc add dev tun0 root; ip tcp_metrics flush all > /dev/null 2>&1\`\n${OPEN}`
  },
  {
    name: 'and not with --strict-commands',
    text: `\`frobnicate 1\`\n${OPEN}`,
    options: { strictCommands: true },
    says: /^skipped not done: frobnicate 1/
  },
  {
    name: 'nor are keys',
    text: `\`sysctl -q net.ipv4.tcp_frob=1\`\n${OPEN}`,
    options: { strictCommands: true },
    says: /^skipped unknown sysctl/
  },
  {
    name: 'every key that the language names',
    text: `\`./defaults.sh; sysctl -q ${'timestamps=1 sack=1 dsack=1 window_scaling=1 ecn=0 congestion_control=cubic syn_retries=5 synack_retries=5 retries2=15 syn_linear_timeouts=0 early_retrans=3 recovery=1 reordering=3 slow_start_after_idle=0 keepalive_time=7200 keepalive_intvl=75 keepalive_probes=9 fin_timeout=60 rto_min_us=200000 notsent_lowat=4294967295 abort_on_overflow=0 syncookies=1 base_mss=1024 mtu_probing=0 tso_win_divisor=3 min_tso_segs=2 pacing_ss_ratio=200 pacing_ca_ratio=120 fack=0 frto=0 fastopen=1'
      .split(' ')
      .map(key => `net.ipv4.tcp_${key}`)
      .join(
        ' '
      )} "net.ipv4.tcp_rmem=4096 540000 15728640" "net.ipv4.tcp_wmem=4096 262144 4194304" net.ipv4.tcp_fastopen_key=1-2-3-4\`\n${OPEN}`,
    options: { strictCommands: true }
  },
  {
    name: 'every key of the BSDs',
    text: `--profile=bsd\n\`sysctl net.inet.tcp.rfc1323=1 net.inet.tcp.sack.enable=1 net.inet.tcp.ecn.enable=0 net.inet.tcp.delacktime=100 net.inet.tcp.keepidle=7200000 net.inet.tcp.keepintvl=75000 net.inet.tcp.keepcnt=8 net.inet.tcp.keepinit=75000 net.inet.tcp.rexmit_initial=1000 net.inet.tcp.recvspace=65536 net.inet.tcp.sendspace=32768 kern.ipc.maxsockbuf=2097152\`\n${OPEN}`,
    options: { strictCommands: true }
  },
  {
    name: 'rmem picks the window scale',
    text: `\`sysctl -q net.ipv4.tcp_rmem="4096 100000 2097152"\`\n${LISTENING}+0 < S 0:0(0) win 1 <mss 1000,nop,wscale 5>\n+0 > S. 0:0(0) ack 1 <mss 1460,nop,wscale 6>`
  },
  { name: 'a parameter of a module', text: `\`echo 0 > /sys/module/tcp_cubic/parameters/hystart\`\n${OPEN}` }
])

// --- BSD ---

run([
  {
    name: 'the BSD dialect: no order, no windows, no doubling',
    text: `--profile=bsd\n${LISTENING}+0 < S 0:0(0) win 60000 <mss 1000,sackOK,TS val 100 ecr 0>\n+0 > S. 0:0(0) ack 1 win 1 <TS val 1 ecr 100,mss 1460,sackOK,eol,eol,eol,eol>\n+.01 < . 1:1(0) ack 1 win 60000 <nop,nop,TS val 110 ecr 1>\n+0 accept(3, ..., ...) = 4\n+0 setsockopt(4, SOL_SOCKET, SO_SNDBUF, [20000], 4) = 0\n+0 getsockopt(4, SOL_SOCKET, SO_SNDBUF, [20000], [4]) = 0\n+0 getsockopt(4, SOL_SOCKET, SO_RCVBUF, [1], [4]) = 0`
  },
  {
    name: 'the BSD dialect: ACKs are delayed from the first on',
    text: `--profile=bsd\n${OPEN}+0 < P. 1:11(10) ack 1 win 60000\n+.04~+.1 > . 1:1(0) ack 11`
  },
  {
    name: 'the BSD dialect as an option of the command line',
    text: `${OPEN}+0 < P. 1:11(10) ack 1 win 60000\n+.04~+.1 > . 1:1(0) ack 11`,
    options: { options: ['--profile=bsd'] }
  }
])

for (const name of ['rcv_rtt', 'busy_time', 'rwnd_limited', 'sndbuf_limited', 'rcv_space']) {
  run([
    {
      name: `tcpi_${name} is not kept, and a script that asks for it is skipped`,
      text: `${OPEN}+0 %{ assert tcpi_${name} >= 0 }%`,
      says: new RegExp(`^skipped the field tcpi_${name} of tcp_info`)
    }
  ])
}

run([
  {
    name: 'how long ago text and ACKs came and went, and what the path carries',
    text: `${OPEN}+.1 < P. 1:11(10) ack 1 win 60000
+0 > . 1:1(0) ack 11
+.1 write(4, ..., 10) = 10
+0 > P. 1:11(10) ack 11
+.05 < . 11:11(0) ack 11 win 60000
+.02 %{ assert tcpi_last_data_sent == 70, tcpi_last_data_sent
assert tcpi_last_data_recv == 170, tcpi_last_data_recv
assert tcpi_last_ack_recv == 20, tcpi_last_ack_recv
assert tcpi_ato == 40000 and tcpi_pmtu == 1500 and tcpi_probes == 0 }%`
  },
  {
    name: 'probes of a closed window are counted',
    text: `${OPEN}+0 < . 1:1(0) ack 1 win 0
+0 write(4, ..., 10) = 10
+.21 > . 0:0(0) ack 1
+.42 > . 0:0(0) ack 1
+0 %{ assert tcpi_probes == 2, tcpi_probes }%`
  }
])

// --- Reserved bits ---

run([
  {
    name: 'reserved bits of what is injected',
    text: `${OPEN}+0 < P. 1:11(10) ack 1 win 1 reserved 7\n+0 > . 1:1(0) ack 11`
  },
  { name: 'there are three', text: `${OPEN}+0 < . 1:1(0) ack 1 reserved 8`, says: /^error/ },
  { name: 'none are to be expected', text: `${OPEN}+0 > . 1:1(0) ack 1 reserved 1`, says: /^error/ }
])

t.test('reserved bits, and those with a name, stand between the data offset and the rest', async t => {
  const bytes = buildTcp({
    source: 1,
    destination: 2,
    sourcePort: 3,
    destinationPort: 4,
    seq: 5,
    ack: 6,
    flags: (5 << 9) | AE | ACK,
    window: 7,
    urgentPointer: 8,
    options: new Uint8Array(0),
    payloadLength: 0,
    tos: 0,
    ttl: 64
  })
  t.equal(bytes[32], 0x5b)
  t.equal(bytes[33], 0x10)
})

// --- Whole conversations ---

run([
  {
    name: 'a passive open and a request',
    text: `
// passive open and a request
   0   socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
  +0   bind(3, ..., ...) = 0
  +0   listen(3, 5) = 0
  +0   < S 0:0(0) win 40000 <mss 1200,sackOK,nop,nop,nop,wscale 6>
  +0   > S. 0:0(0) ack 1 <...>
+.03   < . 1:1(0) ack 1 win 700
  +0   accept(3, ..., ...) = 4
+.01   < P. 1:301(300) ack 1 win 700
  +0   > . 1:1(0) ack 301
  +0   read(4, ..., 500) = 300`
  },
  {
    name: 'an active open and a reset',
    text: `
   0   socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
  +0   fcntl(3, F_SETFL, O_RDWR|O_NONBLOCK) = 0
  +0   connect(3, ..., ...) = -1 EINPROGRESS (not yet)
  +0   > S 0:0(0) <mss 1460,sackOK,TS val 500 ecr 0,nop,wscale 8>
+.05   < S. 0:0(0) ack 1 win 9000 <mss 1400,sackOK,TS val 90 ecr 500,nop,wscale 3>
  +0   > . 1:1(0) ack 1 <nop,nop,TS val 550 ecr 90>
+.04   < R 1:1(0) win 0
+.01   write(3, ..., 10) = -1 ECONNRESET (reset)`
  },
  {
    name: 'five segments, the first is lost',
    text: `${LISTENING}
  +0   < S 0:0(0) win 50000 <mss 1300,nop,nop,sackOK>
  +0   > S. 0:0(0) ack 1 <mss 1460,nop,nop,sackOK>
+.06   < . 1:1(0) ack 1 win 50000
  +0   accept(3, ..., ...) = 4
  +0   write(4, ..., 6500) = 6500
  +0   > P. 1:6501(6500) ack 1
+.06   < . 1:1(0) ack 1 win 50000 <nop,nop,sack 1301:5201>
  +0   > . 1:1301(1300) ack 1
  +0   %{ assert tcpi_ca_state == TCP_CA_Recovery; assert tcpi_sacked == 3, tcpi_sacked }%`
  }
])
