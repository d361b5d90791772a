// What scripts for Linux take for granted where the RFCs leave room, sentence by sentence: a row each, which passes only if it holds here.

import t from 'tap'
import { runScript } from '../../src/packetdrill.ts'

const LISTENING = `
0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 bind(3, ..., ...) = 0
+0 listen(3, 5) = 0
`
const open = (roundTrip: string, options: string, more: string, stamp: string): string => `${LISTENING}
+0 < S 0:0(0) win 60000 <mss 1000${options}>
+0 > S. 0:0(0) ack 1 <mss 1460${more}>
+${roundTrip} < . 1:1(0) ack 1 win 60000 ${stamp}
+0 accept(3, ..., ...) = 4
`
const OPEN = open('.01', '', '', '')
const OPEN_SACK = open('.01', ',nop,nop,sackOK', ',nop,nop,sackOK', '')
const OPEN_SACK_100 = open('.1', ',nop,nop,sackOK', ',nop,nop,sackOK', '')
const OPEN_TS = open('.01', ',sackOK,TS val 100 ecr 0', ',sackOK,TS val 1000 ecr 100', '<nop,nop,TS val 110 ecr 1000>')
const CONNECTING = `
0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 fcntl(3, F_SETFL, O_RDWR|O_NONBLOCK) = 0
+0 connect(3, ..., ...) = -1 EINPROGRESS
`

/** By sentence. */
type Rows = Readonly<Record<string, string>>

function run(subject: string, rows: Rows): void {
  t.test(subject, async t => {
    for (const [sentence, text] of Object.entries(rows)) {
      const { verdict, message, notes } = runScript(text)
      t.equal(`${verdict} ${message}`, 'passed ', sentence)
      t.same(
        notes.map(({ text }) => text).filter(text => text.startsWith('left over')),
        [],
        `${sentence}: and no more`
      )
    }
  })
}

run('Options', {
  'SYN: mss,sackOK,TS,nop,wscale with timestamps': `${CONNECTING}+0 > S 0:0(0) <mss 1460,sackOK,TS val 100 ecr 0,nop,wscale 8>`,
  'SYN: mss,nop,nop,sackOK,nop,wscale without timestamps': `\`sysctl -q net.ipv4.tcp_timestamps=0\`
${CONNECTING}+0 > S 0:0(0) <mss 1460,nop,nop,sackOK,nop,wscale 8>`,
  'SYN-ACK: the same where the peer offers all': `${LISTENING}+0 < S 0:0(0) win 60000 <mss 1000,sackOK,TS val 100 ecr 0,nop,wscale 7>
+0 > S. 0:0(0) ack 1 <mss 1460,sackOK,TS val 1000 ecr 100,nop,wscale 8>`,
  'SYN-ACK: mss,nop,wscale without SACK and TS': `${LISTENING}+0 < S 0:0(0) win 60000 <mss 1000,nop,wscale 7>
+0 > S. 0:0(0) ack 1 <mss 1460,nop,wscale 8>`,
  'SYN-ACK: mss alone where the peer offers nothing else': `${LISTENING}+0 < S 0:0(0) win 60000 <mss 1000>
+0 > S. 0:0(0) ack 1 <mss 1460>`,
  'SYN-ACK: mss,nop,nop,sackOK': `${LISTENING}+0 < S 0:0(0) win 60000 <mss 1000,nop,nop,sackOK>
+0 > S. 0:0(0) ack 1 <mss 1460,nop,nop,sackOK>`,
  'other segments: nop,nop,TS, then nop,nop,sack': `${OPEN_TS}+0 < P. 11:21(10) ack 1 win 60000 <nop,nop,TS val 110 ecr 1000>
+0 > . 1:1(0) ack 1 <nop,nop,TS val 1010 ecr 110,nop,nop,sack 11:21>`,
  'the windows of SYN and SYN-ACK are unscaled, and at most 65535': `${CONNECTING}+0 > S 0:0(0) win 65535 <...>
+.01 < S. 0:0(0) ack 1 win 60000 <mss 1000,nop,wscale 7>
+0 > . 1:1(0) ack 1 win 2109`,
  'the window of a SYN-ACK too': `${LISTENING}+0 < S 0:0(0) win 60000 <mss 1000,nop,wscale 7>
+0 > S. 0:0(0) ack 1 win 65535 <mss 1460,nop,wscale 8>`,
  'wscale is floor(log2(largest receive buffer)) - 15: 0 for 65535': `\`sysctl -q net.ipv4.tcp_rmem="4096 65535 65535"\`
${LISTENING}+0 < S 0:0(0) win 60000 <mss 1000,nop,wscale 7>
+0 > S. 0:0(0) ack 1 <mss 1460,nop,wscale 0>`,
  'wscale is floor(log2(largest receive buffer)) - 15: 1 for 65536': `\`sysctl -q net.ipv4.tcp_rmem="4096 65536 65536"\`
${LISTENING}+0 < S 0:0(0) win 60000 <mss 1000,nop,wscale 7>
+0 > S. 0:0(0) ack 1 <mss 1460,nop,wscale 1>`,
  'wscale is floor(log2(largest receive buffer)) - 15: 1 for 131071': `\`sysctl -q net.ipv4.tcp_rmem="4096 65536 131071"\`
${LISTENING}+0 < S 0:0(0) win 60000 <mss 1000,nop,wscale 7>
+0 > S. 0:0(0) ack 1 <mss 1460,nop,wscale 1>`,
  'wscale is floor(log2(largest receive buffer)) - 15: 2 for 131072': `\`sysctl -q net.ipv4.tcp_rmem="4096 65536 131072"\`
${LISTENING}+0 < S 0:0(0) win 60000 <mss 1000,nop,wscale 7>
+0 > S. 0:0(0) ack 1 <mss 1460,nop,wscale 2>`,
  'wscale is floor(log2(largest receive buffer)) - 15: 6 for 2097152': `\`sysctl -q net.ipv4.tcp_rmem="4096 65536 2097152"\`
${LISTENING}+0 < S 0:0(0) win 60000 <mss 1000,nop,wscale 7>
+0 > S. 0:0(0) ack 1 <mss 1460,nop,wscale 6>`,
  'wscale is floor(log2(largest receive buffer)) - 15: 8 for 15728640': `\`sysctl -q net.ipv4.tcp_rmem="4096 65536 15728640"\`
${LISTENING}+0 < S 0:0(0) win 60000 <mss 1000,nop,wscale 7>
+0 > S. 0:0(0) ack 1 <mss 1460,nop,wscale 8>`,
  'wscale is floor(log2(largest receive buffer)) - 15: 8 for 16777215': `\`sysctl -q net.ipv4.tcp_rmem="4096 65536 16777215"\`
${LISTENING}+0 < S 0:0(0) win 60000 <mss 1000,nop,wscale 7>
+0 > S. 0:0(0) ack 1 <mss 1460,nop,wscale 8>`,
  'wscale is floor(log2(largest receive buffer)) - 15: 9 for 16777216': `\`sysctl -q net.ipv4.tcp_rmem="4096 65536 16777216"\`
${LISTENING}+0 < S 0:0(0) win 60000 <mss 1000,nop,wscale 7>
+0 > S. 0:0(0) ack 1 <mss 1460,nop,wscale 9>`,
  'wscale is floor(log2(largest receive buffer)) - 15: 14 for 1073741824': `\`sysctl -q net.ipv4.tcp_rmem="4096 65536 1073741824"\`
${LISTENING}+0 < S 0:0(0) win 60000 <mss 1000,nop,wscale 7>
+0 > S. 0:0(0) ack 1 <mss 1460,nop,wscale 14>`,
  'after negotiating TS, segments without are still accepted': `${OPEN_TS}+0 < P. 1:11(10) ack 1 win 60000
+0 > . 1:1(0) ack 11 <nop,nop,TS val 1010 ecr 110>`,
  'FIN carries TS': `${OPEN_TS}+0 close(4) = 0
+0 > F. 1:1(0) ack 1 <nop,nop,TS val 1010 ecr 110>`,
  'RST carries TS': `${OPEN_TS}+0 setsockopt(4, SOL_SOCKET, SO_LINGER, {onoff=1, linger=0}, 8) = 0
+0 close(4) = 0
+0 > R. 1:1(0) ack 1 <nop,nop,TS val 1010 ecr 110>`,
  'TSval ticks in ms': `--tcp_ts_tick_usecs=1000
${OPEN_TS}+.123 write(4, ..., 10) = 10
+0 > P. 1:11(10) ack 1 <nop,nop,TS val 1133 ecr 110>`,
  'ts_recent does not move for a segment beyond the last ACK sent': `${OPEN_TS}+0 < P. 11:21(10) ack 1 win 60000 <nop,nop,TS val 200 ecr 1000>
+0 > . 1:1(0) ack 1 <nop,nop,TS val 1010 ecr 110,nop,nop,sack 11:21>
+0 < P. 1:11(10) ack 1 win 60000 <nop,nop,TS val 300 ecr 1000>
+0 > . 1:1(0) ack 21 <nop,nop,TS val 1010 ecr 300>`,
  'ts_recent does not move for what is not acceptable': `${OPEN_TS}+0 < P. 3000000:3000010(10) ack 1 win 60000 <nop,nop,TS val 200 ecr 1000>
+0 > . 1:1(0) ack 1 <nop,nop,TS val 1010 ecr 110>`
})

run('MSS', {
  'MTU-40 is advertised': `--mtu=1400
${CONNECTING}+0 > S 0:0(0) <mss 1360,sackOK,TS val 100 ecr 0,nop,wscale 8>`,
  "the peer's MSS bounds what is sent": `--strict_segments
${OPEN}+0 write(4, ..., 1500) = 1500
+0 > . 1:1001(1000) ack 1
+0 > P. 1001:1501(500) ack 1`,
  '536 where the peer says nothing': `--strict_segments
${LISTENING}
+0 < S 0:0(0) win 60000 
+0 > S. 0:0(0) ack 1 <mss 1460>
+.01 < . 1:1(0) ack 1 win 60000
+0 accept(3, ..., ...) = 4
+0 write(4, ..., 600) = 600
+0 > . 1:537(536) ack 1
+0 > P. 537:601(64) ack 1`,
  'MTU-40 bounds what is sent': `--strict_segments --mtu=900
${LISTENING}
+0 < S 0:0(0) win 60000 <mss 1000>
+0 > S. 0:0(0) ack 1 <mss 860>
+.01 < . 1:1(0) ack 1 win 60000
+0 accept(3, ..., ...) = 4
+0 write(4, ..., 1000) = 1000
+0 > . 1:861(860) ack 1
+0 > P. 861:1001(140) ack 1`,
  'TCP_MAXSEG bounds what is sent, and what is advertised': `--strict_segments
0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 setsockopt(3, SOL_TCP, TCP_MAXSEG, [700], 4) = 0
+0 bind(3, ..., ...) = 0
+0 listen(3, 5) = 0
+0 < S 0:0(0) win 60000 <mss 1000>
+0 > S. 0:0(0) ack 1 <mss 700>
+.01 < . 1:1(0) ack 1 win 60000
+0 accept(3, ..., ...) = 4
+0 write(4, ..., 1000) = 1000
+0 > . 1:701(700) ack 1
+0 > P. 701:1001(300) ack 1`,
  'TCP_MAXSEG before connect, too': `0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 setsockopt(3, SOL_TCP, TCP_MAXSEG, [700], 4) = 0
+0 fcntl(3, F_SETFL, O_RDWR|O_NONBLOCK) = 0
+0 connect(3, ..., ...) = -1 EINPROGRESS
+0 > S 0:0(0) <mss 700,sackOK,TS val 100 ecr 0,nop,wscale 8>
+.01 < S. 0:0(0) ack 1 win 60000 <mss 1000>
+0 > . 1:1(0) ack 1
+0 write(3, ..., 700) = 700
+0 > P. 1:701(700) ack 1`,
  'timestamps take 12 bytes off': `--strict_segments
${OPEN_TS}+0 write(4, ..., 1000) = 1000
+0 > . 1:989(988) ack 1 <nop,nop,TS val 1010 ecr 110>
+0 > P. 989:1001(12) ack 1 <nop,nop,TS val 1010 ecr 110>`,
  "never more than half the largest window of the peer's": `--strict_segments
${LISTENING}
+0 < S 0:0(0) win 1400 <mss 1000>
+0 > S. 0:0(0) ack 1 <mss 1460>
+.01 < . 1:1(0) ack 1 win 1400
+0 accept(3, ..., ...) = 4
+0 write(4, ..., 1400) = 1400
+0 > . 1:701(700) ack 1
+0 > P. 701:1401(700) ack 1`,
  'unless that is 536 or less': `--strict_segments
${LISTENING}
+0 < S 0:0(0) win 500 <mss 1000>
+0 > S. 0:0(0) ack 1 <mss 1460>
+.01 < . 1:1(0) ack 1 win 500
+0 accept(3, ..., ...) = 4
+0 write(4, ..., 500) = 500
+0 > P. 1:501(500) ack 1`
})

run('ACKs', {
  'early in a connection every data segment is acknowledged at once': `${OPEN}+.001 < . 1:1001(1000) ack 1 win 60000
+0 > . 1:1(0) ack 1001
+.001 < . 1001:2001(1000) ack 1 win 60000
+0 > . 1:1(0) ack 2001
+.001 < . 2001:3001(1000) ack 1 win 60000
+0 > . 1:1(0) ack 3001
+.001 < . 3001:4001(1000) ack 1 win 60000
+0 > . 1:1(0) ack 4001
+.001 < . 4001:5001(1000) ack 1 win 60000
+0 > . 1:1(0) ack 5001
+.001 < . 5001:6001(1000) ack 1 win 60000
+0 > . 1:1(0) ack 6001
+.001 < . 6001:7001(1000) ack 1 win 60000
+0 > . 1:1(0) ack 7001
+.001 < . 7001:8001(1000) ack 1 win 60000
+0 > . 1:1(0) ack 8001
+.001 < . 8001:9001(1000) ack 1 win 60000
+0 > . 1:1(0) ack 9001
+.001 < . 9001:10001(1000) ack 1 win 60000
+0 > . 1:1(0) ack 10001
+.001 < . 10001:11001(1000) ack 1 win 60000
+0 > . 1:1(0) ack 11001
+.001 < . 11001:12001(1000) ack 1 win 60000
+0 > . 1:1(0) ack 12001
+.001 < . 12001:13001(1000) ack 1 win 60000
+0 > . 1:1(0) ack 13001
+.001 < . 13001:14001(1000) ack 1 win 60000
+0 > . 1:1(0) ack 14001
+.001 < . 14001:15001(1000) ack 1 win 60000
+0 > . 1:1(0) ack 15001
+.001 < . 15001:16001(1000) ack 1 win 60000
+0 > . 1:1(0) ack 16001
+.001 < . 16001:16101(100) ack 1 win 60000
+.04 > . 1:1(0) ack 16101`,
  'up to 16 of them, or half the window in MSS: 3 of 1000 in 7000 bytes': `\`sysctl -q net.ipv4.tcp_rmem="4096 7000 7000"\`
${OPEN}+.001 < . 1:1001(1000) ack 1 win 60000
+0 > . 1:1(0) ack 1001
+0 read(4, ..., 1000) = 1000
+.001 < . 1001:2001(1000) ack 1 win 60000
+0 > . 1:1(0) ack 2001
+0 read(4, ..., 1000) = 1000
+.001 < . 2001:3001(1000) ack 1 win 60000
+0 > . 1:1(0) ack 3001
+0 read(4, ..., 1000) = 1000
+.001 < . 3001:4001(1000) ack 1 win 60000
+.04 > . 1:1(0) ack 4001`,
  'later every second full segment is acknowledged at once': `\`sysctl -q rawtcp.quickAcks=0\`
${OPEN}+.01 < . 1:1001(1000) ack 1 win 60000
+.01 < . 1001:2001(1000) ack 1 win 60000
+0 > . 1:1(0) ack 2001
+.01 < . 2001:3001(1000) ack 1 win 60000
+.01 < . 3001:4001(1000) ack 1 win 60000
+0 > . 1:1(0) ack 4001`,
  'else after 40 ms': `\`sysctl -q rawtcp.quickAcks=0\`
${OPEN}+.01 < . 1:1001(1000) ack 1 win 60000
+.04 > . 1:1(0) ack 1001`,
  'out of order at once': `\`sysctl -q rawtcp.quickAcks=0\`
${OPEN}+.01 < . 11:21(10) ack 1 win 60000
+0 > . 1:1(0) ack 1
+0 < . 1:11(10) ack 1 win 60000
+0 > . 1:1(0) ack 21`,
  'duplicates at once': `\`sysctl -q rawtcp.quickAcks=0\`
${OPEN}+.01 < . 1:11(10) ack 1 win 60000
+.04 > . 1:1(0) ack 11
+.01 < . 1:11(10) ack 1 win 60000
+0 > . 1:1(0) ack 11`,
  'a FIN at once': `\`sysctl -q rawtcp.quickAcks=0\`
${OPEN}+.01 < F. 1:1(0) ack 1 win 60000
+0 > . 1:1(0) ack 2`,
  'the most recent SACK block first, at most 4': `${OPEN_SACK}+0 < . 11:21(10) ack 1 win 60000
+0 > . 1:1(0) ack 1 <nop,nop,sack 11:21>
+0 < . 31:41(10) ack 1 win 60000
+0 > . 1:1(0) ack 1 <nop,nop,sack 31:41 11:21>
+0 < . 51:61(10) ack 1 win 60000
+0 > . 1:1(0) ack 1 <nop,nop,sack 51:61 31:41 11:21>
+0 < . 71:81(10) ack 1 win 60000
+0 > . 1:1(0) ack 1 <nop,nop,sack 71:81 51:61 31:41 11:21>
+0 < . 91:101(10) ack 1 win 60000
+0 > . 1:1(0) ack 1 <nop,nop,sack 91:101 71:81 51:61 31:41>`,
  '3 with TS': `${OPEN_TS}+0 < . 11:21(10) ack 1 win 60000 <nop,nop,TS val 110 ecr 1000>
+0 > . 1:1(0) ack 1 <nop,nop,TS val 1010 ecr 110,nop,nop,sack 11:21>
+0 < . 31:41(10) ack 1 win 60000 <nop,nop,TS val 110 ecr 1000>
+0 > . 1:1(0) ack 1 <nop,nop,TS val 1010 ecr 110,nop,nop,sack 31:41 11:21>
+0 < . 51:61(10) ack 1 win 60000 <nop,nop,TS val 110 ecr 1000>
+0 > . 1:1(0) ack 1 <nop,nop,TS val 1010 ecr 110,nop,nop,sack 51:61 31:41 11:21>
+0 < . 71:81(10) ack 1 win 60000 <nop,nop,TS val 110 ecr 1000>
+0 > . 1:1(0) ack 1 <nop,nop,TS val 1010 ecr 110,nop,nop,sack 71:81 51:61 31:41>`,
  'a duplicate: a D-SACK block first': `${OPEN_SACK}+0 < . 1:11(10) ack 1 win 60000
+0 > . 1:1(0) ack 11
+0 < . 21:31(10) ack 1 win 60000
+0 > . 1:1(0) ack 11 <nop,nop,sack 21:31>
+0 < . 1:11(10) ack 1 win 60000
+0 > . 1:1(0) ack 11 <nop,nop,sack 1:11 21:31>`,
  'reading opens a closed window, and says so': `\`sysctl -q net.ipv4.tcp_rmem="4096 4000 4000"\`
${OPEN}+0 < . 1:4001(4000) ack 1 win 60000
+0 > . 1:1(0) ack 4001 win 0
+0 read(4, ..., 4000) = 4000
+0 > . 1:1(0) ack 4001 win 4000`,
  'reading at least doubles the window left, and says so': `\`sysctl -q net.ipv4.tcp_rmem="4096 4000 4000"\`
${OPEN}+0 < . 1:3001(3000) ack 1 win 60000
+0 > . 1:1(0) ack 3001 win 1000
+0 read(4, ..., 3000) = 3000
+0 > . 1:1(0) ack 3001 win 4000`,
  'reading does neither, and says nothing': `\`sysctl -q net.ipv4.tcp_rmem="4096 4000 4000"\`
${OPEN}+0 < . 1:1501(1500) ack 1 win 60000
+0 > . 1:1(0) ack 1501 win 2500
+0 read(4, ..., 1500) = 1500
+1 %{ assert tcpi_segs_out == 2, tcpi_segs_out }%`
})

run('RTO', {
  'initially 1 s, doubling': `${CONNECTING}+0 > S 0:0(0) <...>
+1 > S 0:0(0) <...>
+2 > S 0:0(0) <...>
+4 > S 0:0(0) <...>`,
  'the first sample R gives R + max(200 ms, 2R): R = 20 ms': `${LISTENING}
+0 < S 0:0(0) win 60000 <mss 1000>
+0 > S. 0:0(0) ack 1 <mss 1460>
+.02 < . 1:1(0) ack 1 win 60000
+0 accept(3, ..., ...) = 4
+0 %{ assert tcpi_rto == 220000, tcpi_rto }%
+0 write(4, ..., 10) = 10
+0 > P. 1:11(10) ack 1
+.22 > P. 1:11(10) ack 1
+.44 > P. 1:11(10) ack 1`,
  'the first sample R gives R + max(200 ms, 2R): R = 200 ms': `${LISTENING}
+0 < S 0:0(0) win 60000 <mss 1000>
+0 > S. 0:0(0) ack 1 <mss 1460>
+.2 < . 1:1(0) ack 1 win 60000
+0 accept(3, ..., ...) = 4
+0 %{ assert tcpi_rto == 600000, tcpi_rto }%
+0 write(4, ..., 10) = 10
+0 > P. 1:11(10) ack 1
+.6 > P. 1:11(10) ack 1`,
  'srtt + max(200 ms, 4*rttvar)': `${LISTENING}
+0 < S 0:0(0) win 60000 <mss 1000>
+0 > S. 0:0(0) ack 1 <mss 1460>
+.2 < . 1:1(0) ack 1 win 60000
+0 accept(3, ..., ...) = 4
+0 write(4, ..., 10) = 10
+0 > P. 1:11(10) ack 1
+.2 < . 1:1(0) ack 11 win 60000
+0 %{ assert tcpi_rtt == 200000, tcpi_rtt; assert tcpi_rttvar == 75000, tcpi_rttvar; assert tcpi_rto == 500000, tcpi_rto }%`,
  '120 s at most': `${OPEN}+0 write(4, ..., 10) = 10
+0 > P. 1:11(10) ack 1
+.21 > P. 1:11(10) ack 1
+0.42 > P. 1:11(10) ack 1
+0.84 > P. 1:11(10) ack 1
+1.68 > P. 1:11(10) ack 1
+3.36 > P. 1:11(10) ack 1
+6.72 > P. 1:11(10) ack 1
+13.44 > P. 1:11(10) ack 1
+26.88 > P. 1:11(10) ack 1
+53.76 > P. 1:11(10) ack 1
+107.52 > P. 1:11(10) ack 1
+120 > P. 1:11(10) ack 1
+0 %{ assert tcpi_rto == 120000000, tcpi_rto }%`,
  'no sample from a handshake whose SYN-ACK was sent again': `${LISTENING}+0 < S 0:0(0) win 60000 <mss 1000>
+0 > S. 0:0(0) ack 1 <mss 1460>
+1 > S. 0:0(0) ack 1 <mss 1460>
+.02 < . 1:1(0) ack 1 win 60000
+0 accept(3, ..., ...) = 4
+0 %{ assert tcpi_rtt == 0, tcpi_rtt }%`,
  'an initial window of 10 segments': `${OPEN}+0 write(4, ..., 20000) = 20000
+0 > . 1:10001(10000) ack 1
+0 %{ assert tcpi_snd_cwnd == 10; assert tcpi_notsent_bytes == 10000 }%`
})

run('TLP', {
  'after 2*srtt + 2 ms the last segment': `${OPEN_SACK_100}+0 write(4, ..., 5000) = 5000
+0 > P. 1:5001(5000) ack 1
+.202 > P. 4001:5001(1000) ack 1`,
  'after 2*srtt + 200 ms with one segment out': `${OPEN_SACK_100}+0 write(4, ..., 1000) = 1000
+0 > P. 1:1001(1000) ack 1
+.01 < . 1:1(0) ack 1001 win 60000
+0 %{ assert tcpi_rtt == 88750, tcpi_rtt }%
+0 write(4, ..., 1000) = 1000
+0 > P. 1001:2001(1000) ack 1
+.3275~+.3295 > P. 1001:2001(1000) ack 1
+0 %{ assert lossProbes == 1 }%`,
  'never later than the RTO': `${OPEN_SACK_100}+0 write(4, ..., 1000) = 1000
+0 > P. 1:1001(1000) ack 1
+.3 > P. 1:1001(1000) ack 1
+0 %{ assert lossProbes == 1; assert tcpi_ca_state == TCP_CA_Open }%`,
  'new data if possible; then the RTO runs from that moment': `${OPEN_SACK_100}+0 write(4, ..., 11000) = 11000
+0 > . 1:10001(10000) ack 1
+.202 > P. 10001:11001(1000) ack 1
+.3 > . 1:1001(1000) ack 1
+0 %{ assert tcpi_ca_state == TCP_CA_Loss }%`,
  'not without SACK': `${LISTENING}
+0 < S 0:0(0) win 60000 <mss 1000>
+0 > S. 0:0(0) ack 1 <mss 1460>
+.1 < . 1:1(0) ack 1 win 60000
+0 accept(3, ..., ...) = 4
+0 write(4, ..., 5000) = 5000
+0 > P. 1:5001(5000) ack 1
+.3 > . 1:1001(1000) ack 1
+0 %{ assert lossProbes == 0 }%`,
  'not with anything SACKed': `${OPEN_SACK_100}+0 write(4, ..., 10000) = 10000
+0 > P. 1:10001(10000) ack 1
+.1 < . 1:1(0) ack 1001 win 60000 <nop,nop,sack 2001:3001>
+.027 > . 1001:2001(1000) ack 1
+0 %{ assert lossProbes == 0 }%`
})

run('RACK', {
  'lost once older than its RTT + min_rtt/4, and the timer fires about 2 ms later': `${OPEN_SACK_100}+0 write(4, ..., 5000) = 5000
+0 > P. 1:5001(5000) ack 1
+.1 < . 1:1(0) ack 1 win 60000 <nop,nop,sack 1001:2001>
+0 %{ assert tcpi_ca_state == TCP_CA_Disorder }%
+.027 > . 1:1001(1000) ack 1
+0 %{ assert tcpi_ca_state == TCP_CA_Recovery }%`,
  'at once with 3 segments SACKed': `${OPEN_SACK_100}+0 write(4, ..., 5000) = 5000
+0 > P. 1:5001(5000) ack 1
+.1 < . 1:1(0) ack 1 win 60000 <nop,nop,sack 1001:3001>
+.001 < . 1:1(0) ack 1 win 60000 <nop,nop,sack 1001:4001>
+0 > . 1:1001(1000) ack 1
+0 %{ assert tcpi_ca_state == TCP_CA_Recovery }%`,
  'at once while recovery is under way': `${OPEN_SACK_100}+0 write(4, ..., 10000) = 10000
+0 > P. 1:10001(10000) ack 1
+.1 < . 1:1(0) ack 1 win 60000 <nop,nop,sack 1001:4001>
+0 > . 1:1001(1000) ack 1
+.01 < . 1:1(0) ack 1 win 60000 <nop,nop,sack 1001:4001 5001:7001>
+0 > . 4001:5001(1000) ack 1`,
  'without SACK 3 duplicate ACKs': `${LISTENING}
+0 < S 0:0(0) win 60000 <mss 1000>
+0 > S. 0:0(0) ack 1 <mss 1460>
+.1 < . 1:1(0) ack 1 win 60000
+0 accept(3, ..., ...) = 4
+0 write(4, ..., 10000) = 10000
+0 > P. 1:10001(10000) ack 1
+.1 < . 1:1(0) ack 1 win 60000
+0 < . 1:1(0) ack 1 win 60000
+0 %{ assert tcpi_ca_state == TCP_CA_Disorder }%
+0 < . 1:1(0) ack 1 win 60000
+0 > . 1:1001(1000) ack 1
+0 %{ assert tcpi_ca_state == TCP_CA_Recovery }%`,
  'limited transmit: one new segment for each early duplicate': `${LISTENING}
+0 < S 0:0(0) win 60000 <mss 1000>
+0 > S. 0:0(0) ack 1 <mss 1460>
+.1 < . 1:1(0) ack 1 win 60000
+0 accept(3, ..., ...) = 4
+0 write(4, ..., 12000) = 12000
+0 > . 1:10001(10000) ack 1
+.1 < . 1:1(0) ack 1 win 60000
+0 > . 10001:11001(1000) ack 1
+.01 < . 1:1(0) ack 1 win 60000
+0 > P. 11001:12001(1000) ack 1`
})

run('Recovery', {
  'ssthresh is 0.7 of the window, 7 of 10, and the window is that afterwards': `${OPEN_SACK_100}+0 write(4, ..., 10000) = 10000
+0 > P. 1:10001(10000) ack 1
+.1 < . 1:1(0) ack 1 win 60000 <nop,nop,sack 1001:4001>
+0 > . 1:1001(1000) ack 1
+0 %{ assert tcpi_snd_ssthresh == 7, tcpi_snd_ssthresh }%
+.1 < . 1:1(0) ack 10001 win 60000
+0 %{ assert tcpi_ca_state == TCP_CA_Open; assert tcpi_snd_cwnd == 7, tcpi_snd_cwnd }%`,
  'ssthresh is 2 at least': `${LISTENING}+0 < S 0:0(0) win 60000 <mss 1000>
+0 > S. 0:0(0) ack 1 <mss 1460>
+1 > S. 0:0(0) ack 1 <mss 1460>
+.02 < . 1:1(0) ack 1 win 60000
+0 accept(3, ..., ...) = 4
+0 %{ assert tcpi_snd_cwnd == 1, tcpi_snd_cwnd }%
+0 write(4, ..., 1000) = 1000
+0 > P. 1:1001(1000) ack 1
+3 > P. 1:1001(1000) ack 1
+0 %{ assert tcpi_snd_ssthresh == 2, tcpi_snd_ssthresh }%`,
  'PRR: the window shrinks by what is delivered': `${OPEN_SACK_100}+0 write(4, ..., 20000) = 20000
+0 > . 1:10001(10000) ack 1
+.1 < . 1:1(0) ack 1 win 60000 <nop,nop,sack 1001:4001>
+0 > . 1:1001(1000) ack 1
+.001 < . 1:1(0) ack 1 win 60000 <nop,nop,sack 1001:5001>
+0 > . 10001:11001(1000) ack 1
+.001 < . 1:1(0) ack 1 win 60000 <nop,nop,sack 1001:6001>
+0 > . 11001:12001(1000) ack 1
+0 %{ assert tcpi_ca_state == TCP_CA_Recovery; assert tcpi_snd_cwnd < 10, tcpi_snd_cwnd }%`,
  'a lone SACK without loss is Disorder, the window untouched': `${OPEN_SACK_100}+0 write(4, ..., 10000) = 10000
+0 > P. 1:10001(10000) ack 1
+.1 < . 1:1(0) ack 1 win 60000 <nop,nop,sack 1001:2001>
+0 %{ assert tcpi_ca_state == TCP_CA_Disorder; assert tcpi_snd_cwnd == 10; assert tcpi_snd_ssthresh == 0x7fffffff }%`,
  'SACK news on an ACK below SND.UNA still counts': `${OPEN_SACK_100}+0 write(4, ..., 10000) = 10000
+0 > P. 1:10001(10000) ack 1
+.1 < . 1:1(0) ack 1001 win 60000
+0 < . 1:1(0) ack 1 win 60000 <nop,nop,sack 2001:3001>
+0 %{ assert tcpi_sacked == 1, tcpi_sacked }%`,
  'RTO: a window of 1, and all that is not SACKed is lost': `\`sysctl -q net.ipv4.tcp_early_retrans=0 net.ipv4.tcp_recovery=0\`
${OPEN_SACK_100}+0 write(4, ..., 10000) = 10000
+0 > P. 1:10001(10000) ack 1
+.1 < . 1:1(0) ack 1 win 60000 <nop,nop,sack 1001:3001>
+.2 > . 1:1001(1000) ack 1
+0 %{ assert tcpi_snd_cwnd == 1, tcpi_snd_cwnd; assert tcpi_lost == 8, tcpi_lost; assert tcpi_sacked == 2; assert tcpi_ca_state == TCP_CA_Loss }%`,
  'tcpi_reordering rises when a hole far below the highest SACK is filled without having been resent': `${OPEN_SACK_100}+0 write(4, ..., 10000) = 10000
+0 > P. 1:10001(10000) ack 1
+.1 < . 1:1(0) ack 1 win 60000 <nop,nop,sack 7001:8001>
+.01 < . 1:1(0) ack 1001 win 60000 <nop,nop,sack 7001:8001>
+0 %{ assert tcpi_reordering == 8, tcpi_reordering }%`
})

run('Growth', {
  'slow start: one more for each segment acknowledged, with the window in use': `${OPEN_SACK_100}+0 write(4, ..., 10000) = 10000
+0 > P. 1:10001(10000) ack 1
+.1 < . 1:1(0) ack 4001 win 60000
+0 %{ assert tcpi_snd_cwnd == 14, tcpi_snd_cwnd }%`,
  'not beyond twice the most that was out': `${OPEN_SACK_100}+0 write(4, ..., 4000) = 4000
+0 > P. 1:4001(4000) ack 1
+.1 < . 1:1(0) ack 4001 win 60000
+0 %{ assert tcpi_snd_cwnd == 10, tcpi_snd_cwnd }%`,
  'above ssthresh only if the window is in use': `${OPEN_SACK_100}+0 write(4, ..., 10000) = 10000
+0 > P. 1:10001(10000) ack 1
+.1 < . 1:1(0) ack 1 win 60000 <nop,nop,sack 1001:4001>
+0 > . 1:1001(1000) ack 1
+.1 < . 1:1(0) ack 10001 win 60000
+0 %{ assert tcpi_snd_cwnd == 7 }%
+0 write(4, ..., 3000) = 3000
+0 > P. 10001:13001(3000) ack 1
+.1 < . 1:1(0) ack 13001 win 60000
+0 %{ assert tcpi_snd_cwnd == 7, tcpi_snd_cwnd }%`,
  'CUBIC: at most 1 for 2 segments acknowledged': `${OPEN_SACK_100}+0 write(4, ..., 10000) = 10000
+0 > P. 1:10001(10000) ack 1
+.1 < . 1:1(0) ack 1 win 60000 <nop,nop,sack 1001:4001>
+0 > . 1:1001(1000) ack 1
+.1 < . 1:1(0) ack 10001 win 60000
+0 %{ assert tcpi_snd_cwnd == 7 }%
+10 write(4, ..., 7000) = 7000
+0 > P. 10001:17001(7000) ack 1
+.1 < . 1:1(0) ack 17001 win 60000
+0 %{ assert tcpi_snd_cwnd <= 10, tcpi_snd_cwnd }%`,
  'idle longer than the RTO: the window is halved for each, down to 10': `\`sysctl -q net.ipv4.tcp_slow_start_after_idle=1\`
${OPEN_SACK_100}+0 write(4, ..., 10000) = 10000
+0 > P. 1:10001(10000) ack 1
+.1 < . 1:1(0) ack 10001 win 60000
+0 %{ assert tcpi_snd_cwnd == 20 }%
+5 write(4, ..., 1000) = 1000
+0 > P. 10001:11001(1000) ack 1
+0 %{ assert tcpi_snd_cwnd == 10, tcpi_snd_cwnd }%`,
  'not without tcp_slow_start_after_idle': `${OPEN_SACK_100}+0 write(4, ..., 10000) = 10000
+0 > P. 1:10001(10000) ack 1
+.1 < . 1:1(0) ack 10001 win 60000
+5 write(4, ..., 1000) = 1000
+0 > P. 10001:11001(1000) ack 1
+0 %{ assert tcpi_snd_cwnd == 20, tcpi_snd_cwnd }%`,
  'HyStart: after 8 samples above the least round trip + an eighth of it, 4 to 16 ms, one more ends slow start': `${OPEN_SACK_100}+0 write(4, ..., 10000) = 10000
+0 > P. 1:10001(10000) ack 1
+.1 < . 1:1(0) ack 10001 win 60000
+0 %{ assert tcpi_snd_cwnd == 20 }%
+0 write(4, ..., 20000) = 20000
+0 > P. 10001:30001(20000) ack 1
+.13 < . 1:1(0) ack 11001 win 60000
+0 < . 1:1(0) ack 12001 win 60000
+0 < . 1:1(0) ack 13001 win 60000
+0 < . 1:1(0) ack 14001 win 60000
+0 < . 1:1(0) ack 15001 win 60000
+0 < . 1:1(0) ack 16001 win 60000
+0 < . 1:1(0) ack 17001 win 60000
+0 < . 1:1(0) ack 18001 win 60000
+0 < . 1:1(0) ack 19001 win 60000
+0 < . 1:1(0) ack 20001 win 60000
+0 %{ assert tcpi_snd_ssthresh < 30, tcpi_snd_ssthresh }%`,
  'HyStart: 8 alone do not': `${OPEN_SACK_100}+0 write(4, ..., 10000) = 10000
+0 > P. 1:10001(10000) ack 1
+.1 < . 1:1(0) ack 10001 win 60000
+0 %{ assert tcpi_snd_cwnd == 20 }%
+0 write(4, ..., 20000) = 20000
+0 > P. 10001:30001(20000) ack 1
+.13 < . 1:1(0) ack 11001 win 60000
+0 < . 1:1(0) ack 12001 win 60000
+0 < . 1:1(0) ack 13001 win 60000
+0 < . 1:1(0) ack 14001 win 60000
+0 < . 1:1(0) ack 15001 win 60000
+0 < . 1:1(0) ack 16001 win 60000
+0 < . 1:1(0) ack 17001 win 60000
+0 < . 1:1(0) ack 18001 win 60000
+0 %{ assert tcpi_snd_ssthresh == 0x7fffffff, tcpi_snd_ssthresh }%`
})

run('Probes and small segments', {
  'zero window: probes of no data at SND.UNA-1, after one RTO, doubling; the window of congestion untouched': `${OPEN}+0 < . 1:1(0) ack 1 win 0
+0 write(4, ..., 10) = 10
+.21 > . 0:0(0) ack 1
+.42 > . 0:0(0) ack 1
+.84 > . 0:0(0) ack 1
+0 %{ assert tcpi_snd_cwnd == 10 }%`,
  'keepalive probes look alike': `${OPEN}+0 setsockopt(4, SOL_SOCKET, SO_KEEPALIVE, [1], 4) = 0
+0 setsockopt(4, SOL_TCP, TCP_KEEPIDLE, [5], 4) = 0
+5 > . 0:0(0) ack 1`,
  "Nagle's algorithm is on": `${OPEN}+0 write(4, ..., 10) = 10
+0 > P. 1:11(10) ack 1
+0 write(4, ..., 10) = 10
+.05 < . 1:1(0) ack 11 win 60000
+0 > P. 11:21(10) ack 1`,
  'TCP_CORK holds a partial segment for 200 ms': `${OPEN}+0 setsockopt(4, SOL_TCP, TCP_CORK, [1], 4) = 0
+0 write(4, ..., 10) = 10
+.2 > P. 1:11(10) ack 1`,
  'MSG_MORE holds a partial segment for 200 ms': `${OPEN}+0 send(4, ..., 10, MSG_MORE) = 10
+.2 > P. 1:11(10) ack 1`,
  'clearing the cork sends it': `${OPEN}+0 setsockopt(4, SOL_TCP, TCP_CORK, [1], 4) = 0
+0 write(4, ..., 10) = 10
+.1 setsockopt(4, SOL_TCP, TCP_CORK, [0], 4) = 0
+0 > P. 1:11(10) ack 1`,
  'TCP_NODELAY sends it': `${OPEN}+0 setsockopt(4, SOL_TCP, TCP_CORK, [1], 4) = 0
+0 write(4, ..., 10) = 10
+.1 setsockopt(4, SOL_TCP, TCP_NODELAY, [1], 4) = 0
+0 > P. 1:11(10) ack 1`
})

run('Close', {
  'unread data at close: R. at SND.NXT': `${OPEN}+0 < P. 1:11(10) ack 1 win 60000
+0 > . 1:1(0) ack 11
+0 close(4) = 0
+0 > R. 1:1(0) ack 11`,
  'data for a closed socket: R': `${OPEN}+0 close(4) = 0
+0 > F. 1:1(0) ack 1
+.01 < . 1:1(0) ack 2 win 60000
+.01 < P. 1:11(10) ack 2 win 60000
+0 > R 2:2(0)`,
  'a segment for no connection, with ACK: R at its ack': `${LISTENING}+0 close(3) = 0
+0 < 40000 > 8080 . 500:500(0) ack 700 win 10
+0 > 8080 > 40000 R 700:700(0)`,
  'a segment for no connection, without ACK: R. at 0 that acknowledges it': `${LISTENING}+0 close(3) = 0
+0 < 40000 > 8080 S 500:500(0) win 10
+0 > 8080 > 40000 R. 0:0(0) ack 501`,
  'never for RST': `${LISTENING}+0 close(3) = 0
+0 < 40000 > 8080 R 500:500(0) win 10
+0 < 40000 > 8080 R. 500:500(0) ack 700 win 10`,
  'closing in SYN-SENT sends nothing': `${CONNECTING}+0 > S 0:0(0) <...>
+0 close(3) = 0`,
  'a FIN joins the last data segment if it can': `${LISTENING}
+0 < S 0:0(0) win 1000 <mss 1000>
+0 > S. 0:0(0) ack 1 <mss 1460>
+.01 < . 1:1(0) ack 1 win 1000
+0 accept(3, ..., ...) = 4
+0 write(4, ..., 1000) = 1000
+0 > . 1:501(500) ack 1
+0 > P. 501:1001(500) ack 1
+0 write(4, ..., 300) = 300
+0 close(4) = 0
+.01 < . 1:1(0) ack 1001 win 1000
+0 > FP. 1001:1301(300) ack 1`,
  'SHUT_RD: read returns 0 when empty, later data is still acknowledged and readable': `${OPEN}+0 shutdown(4, SHUT_RD) = 0
+0 read(4, ..., 10) = 0
+0 < P. 1:11(10) ack 1 win 60000
+0 > . 1:1(0) ack 11
+0 read(4, ..., 10) = 10
+0 read(4, ..., 10) = 0`,
  'write after SHUT_WR: EPIPE': `${OPEN}+0 shutdown(4, SHUT_WR) = 0
+0 > F. 1:1(0) ack 1
+0 write(4, ..., 10) = -1 EPIPE`,
  'a reset connection: the first call gets ECONNRESET, then EPIPE and 0': `${OPEN}+0 < R. 1:1(0) ack 1 win 0
+0 write(4, ..., 10) = -1 ECONNRESET
+0 write(4, ..., 10) = -1 EPIPE
+0 read(4, ..., 10) = 0`,
  'a read gets it as well': `${OPEN}+0 < R. 1:1(0) ack 1 win 0
+0 read(4, ..., 10) = -1 ECONNRESET
+0 read(4, ..., 10) = 0`,
  'ECONNREFUSED in SYN-SENT': `${CONNECTING}+0 > S 0:0(0) <...>
+0 < R. 0:0(0) ack 1 win 0
+0 getsockopt(3, SOL_SOCKET, SO_ERROR, [ECONNREFUSED], [4]) = 0`,
  'EPIPE in CLOSE-WAIT': `${OPEN}+0 < F. 1:1(0) ack 1 win 60000
+0 > . 1:1(0) ack 2
+0 < R. 2:2(0) ack 1 win 0
+0 write(4, ..., 10) = -1 EPIPE`
})

run('RFC 5961', {
  'a RST elsewhere than at RCV.NXT gets a challenge ACK': `${OPEN}+0 < R 2:2(0) win 0
+0 > . 1:1(0) ack 1
+0 %{ assert tcpi_state == TCP_ESTABLISHED }%`,
  'a RST at RCV.NXT resets': `${OPEN}+0 < R 1:1(0) win 0
+0 %{ assert tcpi_state == TCP_CLOSE }%`,
  'a SYN gets a challenge ACK': `${OPEN}+0 < S 1:1(0) win 0
+0 > . 1:1(0) ack 1`,
  'an ACK for data never sent gets an ACK': `${OPEN}+0 < . 1:1(0) ack 2 win 60000
+0 > . 1:1(0) ack 1`,
  'at most one challenge ACK in 500 ms to identical nonsense': `${OPEN}+0 < R 2:2(0) win 0
+0 > . 1:1(0) ack 1
+.1 < R 2:2(0) win 0
+.3 < R 2:2(0) win 0
+.1 < R 2:2(0) win 0
+0 > . 1:1(0) ack 1`,
  'a segment without ACK is dropped silently': `${OPEN}+0 < P 1:11(10) win 60000
+1 %{ assert tcpi_segs_out == 1; assert tcpi_bytes_received == 0 }%`,
  'data on a SYN in LISTEN is ignored and not acknowledged': `${LISTENING}+0 < S 0:100(100) win 60000 <mss 1000>
+0 > S. 0:0(0) ack 1 <mss 1460>
+.01 < . 1:1(0) ack 1 win 60000
+0 accept(3, ..., ...) = 4
+0 %{ assert tcpi_bytes_received == 0 }%`,
  'unless Fast Open allows it': `-D TFO_COOKIE=auto
\`sysctl -q net.ipv4.tcp_fastopen=2\`
0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 bind(3, ..., ...) = 0
+0 setsockopt(3, SOL_TCP, TCP_FASTOPEN, [5], 4) = 0
+0 listen(3, 5) = 0
+0 < S 0:100(100) win 60000 <mss 1000,FO TFO_COOKIE,nop,nop>
+0 > S. 0:0(0) ack 101 <mss 1460>`,
  'data on a SYN-ACK is accepted': `${CONNECTING}+0 > S 0:0(0) <...>
+.01 < S. 0:100(100) ack 1 win 60000 <mss 1000>
+0 > . 1:1(0) ack 101
+0 read(3, ..., 1000) = 100`,
  'TIME-WAIT lasts 60 s': `${OPEN}+0 close(4) = 0
+0 > F. 1:1(0) ack 1
+.01 < F. 1:1(0) ack 2 win 60000
+0 > . 2:2(0) ack 2
+59.9 %{ assert tcpi_state == TCP_TIME_WAIT }%
+.2 < . 2:2(0) ack 2 win 60000
+0 > R 2:2(0)`,
  'FIN-WAIT-2 of a closed socket lasts 60 s': `${OPEN}+0 close(4) = 0
+0 > F. 1:1(0) ack 1
+.01 < . 1:1(0) ack 2 win 60000
+59.9 %{ assert tcpi_state == TCP_FIN_WAIT2 }%
+.2 %{ assert tcpi_state == TCP_CLOSE, tcpi_state }%`
})

run('Timeouts, marks and reports', {
  'TCP_USER_TIMEOUT: ETIMEDOUT that long after the first unanswered send': `${OPEN}+0 setsockopt(4, SOL_TCP, TCP_USER_TIMEOUT, [500], 4) = 0
+0 write(4, ..., 10) = 10
+0 > P. 1:11(10) ack 1
+.21 > P. 1:11(10) ack 1
+.285 %{ assert tcpi_state == TCP_ESTABLISHED }%
+.01 write(4, ..., 10) = -1 ETIMEDOUT`,
  'ECN: SEW and SE.': `\`sysctl -q net.ipv4.tcp_ecn=1\`
${CONNECTING}+0 > SEW 0:0(0) <...>
+.01 < SE. 0:0(0) ack 1 win 60000 <mss 1000>
+0 > [noecn] . 1:1(0) ack 1
+0 %{ assert tcpi_options & TCPI_OPT_ECN }%`,
  'ECT(0) on new data only': `\`sysctl -q net.ipv4.tcp_ecn=1\`
${LISTENING}+0 < SEW 0:0(0) win 60000 <mss 1000,nop,nop,sackOK>
+0 > [noecn] SE. 0:0(0) ack 1 <mss 1460,nop,nop,sackOK>
+.1 < . 1:1(0) ack 1 win 60000
+0 accept(3, ..., ...) = 4
+0 write(4, ..., 1000) = 1000
+0 > [ect0] P. 1:1001(1000) ack 1
+.3 > [noecn] P. 1:1001(1000) ack 1`,
  'ECE until CWR': `\`sysctl -q net.ipv4.tcp_ecn=1\`
${LISTENING}+0 < SEW 0:0(0) win 60000 <mss 1000,nop,nop,sackOK>
+0 > [noecn] SE. 0:0(0) ack 1 <mss 1460,nop,nop,sackOK>
+.1 < . 1:1(0) ack 1 win 60000
+0 accept(3, ..., ...) = 4
+0 < [ce] . 1:1001(1000) ack 1 win 60000
+0 > [noecn] E. 1:1(0) ack 1001
+0 < [ect0] . 1001:2001(1000) ack 1 win 60000
+0 > [noecn] E. 1:1(0) ack 2001
+0 < [ect0] W. 2001:3001(1000) ack 1 win 60000
+0 > [noecn] . 1:1(0) ack 3001`,
  'one reduction a window': `\`sysctl -q net.ipv4.tcp_ecn=1\`
${LISTENING}+0 < SEW 0:0(0) win 60000 <mss 1000,nop,nop,sackOK>
+0 > [noecn] SE. 0:0(0) ack 1 <mss 1460,nop,nop,sackOK>
+.1 < . 1:1(0) ack 1 win 60000
+0 accept(3, ..., ...) = 4
+0 write(4, ..., 10000) = 10000
+0 > [ect0] P. 1:10001(10000) ack 1
+.1 < E. 1:1(0) ack 1001 win 60000
+0 < E. 1:1(0) ack 2001 win 60000
+0 %{ assert ecnReductions == 1; assert tcpi_snd_ssthresh == 7, tcpi_snd_ssthresh }%`,
  'ICMP port unreachable aborts in SYN-SENT: ECONNREFUSED': `${CONNECTING}+0 > S 0:0(0) <...>
+0 < icmp unreachable port_unreachable [0:0(0)]
+0 getsockopt(3, SOL_SOCKET, SO_ERROR, [ECONNREFUSED], [4]) = 0
+0 %{ assert tcpi_state == TCP_CLOSE }%`,
  'ICMP host unreachable aborts in SYN-SENT: EHOSTUNREACH': `${CONNECTING}+0 > S 0:0(0) <...>
+0 < icmp unreachable host_unreachable [0:0(0)]
+0 getsockopt(3, SOL_SOCKET, SO_ERROR, [EHOSTUNREACH], [4]) = 0
+0 %{ assert tcpi_state == TCP_CLOSE }%`,
  'ICMP net unreachable aborts in SYN-SENT: ENETUNREACH': `${CONNECTING}+0 > S 0:0(0) <...>
+0 < icmp unreachable net_unreachable [0:0(0)]
+0 getsockopt(3, SOL_SOCKET, SO_ERROR, [ENETUNREACH], [4]) = 0
+0 %{ assert tcpi_state == TCP_CLOSE }%`,
  'only for a number in flight': `${CONNECTING}+0 > S 0:0(0) <...>
+0 < icmp unreachable port_unreachable [1:1(0)]
+0 %{ assert tcpi_state == TCP_SYN_SENT }%`,
  'it drops a half-open passive connection': `${LISTENING}+0 < 40000 > 8080 S 0:0(0) win 60000 <mss 1000>
+0 > 8080 > 40000 S. 0:0(0) ack 1 <mss 1460>
+0 < icmp unreachable host_unreachable [0:0(0)]
+2 %{ assert tcpi_state == TCP_LISTEN, tcpi_state }%`,
  'and is only remembered elsewhere': `${OPEN}+0 write(4, ..., 10) = 10
+0 > P. 1:11(10) ack 1
+0 < icmp unreachable port_unreachable [1:11(10)]
+0 %{ assert tcpi_state == TCP_ESTABLISHED }%
+.01 < . 1:1(0) ack 11 win 60000`,
  'frag_needed lowers the MSS and resends at once': `--strict_segments
${LISTENING}
+0 < S 0:0(0) win 60000 <mss 1460>
+0 > S. 0:0(0) ack 1 <mss 1460>
+.01 < . 1:1(0) ack 1 win 60000
+0 accept(3, ..., ...) = 4
+0 write(4, ..., 1460) = 1460
+0 > P. 1:1461(1460) ack 1
+.01 < icmp unreachable frag_needed mtu 1040 [1:1461(1460)]
+0 > . 1:1001(1000) ack 1
+0 > P. 1001:1461(460) ack 1
+0 %{ assert tcpi_snd_mss == 1000, tcpi_snd_mss }%`
})
