// What the language has here beyond the original: options by number, bytes that are no options, the stack's own options by name.

import t from 'tap'
import { runScript } from '../../src/packetdrill.ts'

const script = (...lines: readonly string[]): string =>
  ['0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3', '+0 bind(3, ..., ...) = 0', '+0 listen(3, 1) = 0', ...lines].join(
    '\n'
  )
const openWith = (options: string): readonly string[] => [
  '+0 < S 0:0(0) win 1000 <mss 1000>',
  '+0 > S. 0:0(0) ack 1 <...>',
  '+0 < . 1:1(0) ack 1 win 1000',
  `+0 < P. 1:2(1) ack 1 win 1000 ${options}`,
  '+0 > . 1:1(0) ack 2'
]
const verdict = (text: string): string => {
  const { verdict, message } = runScript(text)
  return `${verdict} ${message}`.trim()
}

t.test('an option by its number is sent and compared', async t => {
  const ask = '`sysctl rawtcp.userTimeoutOption=1 rawtcp.advertisedUserTimeoutMs=300000`\n'
  const answer = (hex: string): string =>
    ask + script('+0 < S 0:0(0) win 1000 <mss 1000>', `+0 > S. 0:0(0) ack 1 <mss 1460,kind 28 ${hex}>`)
  t.equal(verdict(answer('012c')), 'passed')
  t.match(verdict(answer('012d')), /^failed options: expected <mss 1460,kind 28 012d>, got <mss 1460,kind 28 012c>/)
  t.equal(verdict(script(...openWith('<kind 253 f989>'))), 'passed')
})

t.test('bytes go as they stand, in words of four', async t => {
  t.equal(verdict(script(...openWith('<bytes 08ff0000>'))), 'passed')
  t.match(verdict(script(...openWith('<bytes 08ff00>'))), /^error .*words of 4 bytes/)
})

t.test('a sysctl below rawtcp. sets an option of the stack, and is noted where there is none', async t => {
  const delayed = (ms: number): string =>
    `\`sysctl rawtcp.quickAcks=0 rawtcp.delayedAckMs=${ms}\`\n` +
    script(...openWith('').slice(0, 4), '+.3 > . 1:1(0) ack 2')
  t.equal(verdict(delayed(300)), 'passed')
  t.match(verdict(delayed(40)), /^failed too early/)
  t.match(verdict('`sysctl rawtcp.ecn=on rawtcp.noSuch=1`\n0 `true`'), 'passed')
  const { notes } = runScript('`sysctl rawtcp.ecn=maybe rawtcp.noSuch=1`\n0 `true`')
  t.same(
    notes.map(({ text }) => text).filter(text => text.includes('rawtcp')),
    ['rawtcp.ecn=maybe: no value maybe', 'unknown sysctl rawtcp.noSuch']
  )
})

t.test('whether a packet may be cut on its way is compared where a script says so', async t => {
  const sent = (ip: string): string =>
    script(
      ...openWith('').slice(0, 3),
      '+0 accept(3, ..., ...) = 4',
      '+0 write(4, ..., 1) = 1',
      `+0 > [${ip}] P. 1:2(1) ack 1`
    )
  t.equal(verdict(sent('df, ttl 64')), 'passed')
  t.match(verdict(sent('nodf')), /^failed DF is set/)
  const fragments = '`sysctl rawtcp.pathMtuDiscovery=off`\n'
  t.equal(verdict(fragments + sent('nodf')), 'passed')
  t.match(verdict(fragments + sent('df')), /^failed DF is not set/)
})

t.test('a link that takes super-segments gets them whole, as long as it says', async t => {
  const sent = (bytes: number, ...packets: readonly string[]): string =>
    `--super_segments=${bytes}\n--strict_segments\n` +
    script(
      '+0 < S 0:0(0) win 10000 <mss 1000>',
      '+0 > S. 0:0(0) ack 1 <...>',
      '+0 < . 1:1(0) ack 1 win 10000',
      '+0 accept(3, ..., ...) = 4',
      '+0 write(4, ..., 3000) = 3000',
      ...packets
    )
  t.equal(verdict(sent(4000, '+0 > P. 1:3001(3000) ack 1')), 'passed')
  t.equal(verdict(sent(2500, '+0 > . 1:2001(2000) ack 1', '+0 > P. 2001:3001(1000) ack 1')), 'passed')
  t.match(verdict(sent(0, '+0 > P. 1:3001(3000) ack 1')), /^failed .*length: expected 3000, got 1000/)
  t.match(verdict(sent(65_536)), /^error --super_segments=65536/)
})

t.test('a write that blocks returns when the connection says that there is room, not before', async t => {
  const blocked = (returns: string): string =>
    '`sysctl net.ipv4.tcp_wmem="4096 3000 3000"`\n' +
    script(
      '+0 < S 0:0(0) win 10000 <mss 1000>',
      '+0 > S. 0:0(0) ack 1 <...>',
      '+0 < . 1:1(0) ack 1 win 10000',
      '+0 accept(3, ..., ...) = 4',
      `+0...${returns} write(4, ..., 3500) = 3500`,
      '+0 > P. 1:3001(3000) ack 1',
      '+.1 < . 1:1(0) ack 601 win 10000', // less than a third
      '+.1 < . 1:1(0) ack 1001 win 10000',
      '+.1 < . 1:1(0) ack 3001 win 10000'
    )
  t.equal(verdict(blocked('.2')), 'passed')
  t.match(verdict(blocked('.1')), /^failed write/)
})
