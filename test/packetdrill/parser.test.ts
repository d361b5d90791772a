// Scripts as text: every notation of the language, and what is said of one that makes no sense.

import t from 'tap'
import type { Event, Expression, Packet, TcpPacket } from '../../src/packetdrill/ast.ts'
import { parseScript } from '../../src/packetdrill/parser.ts'
import { SyntaxProblem } from '../../src/packetdrill/scanner.ts'
import { ScriptError, Unsupported } from '../../src/packetdrill/verdict.ts'
import { Random } from '../../src/random.ts'

const events = (text: string): readonly Event[] => parseScript('x.pkt', text).events
const only = (text: string): Event => events(text)[0]
const packet = (text: string): Packet => {
  const event = only(`0 ${text}`)
  if (event.kind !== 'packet') throw new Error('no packet')
  return event.packet
}
const tcp = (text: string): TcpPacket => packet(text) as TcpPacket
const call = (text: string): (Event & { kind: 'call' })['call'] => (only(`0 ${text}`) as Event & { kind: 'call' }).call

t.test('a whole script: options, init, events with their lines, cleanup', async t => {
  const script = parseScript(
    'a.pkt',
    [
      '// a head',
      '--tolerance_usecs=9000 // in microseconds',
      '--strict_segments',
      '-D LEN=7',
      '`./defaults.sh`',
      '',
      '0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3 /* a',
      ' comment */ +0 write(3, ..., LEN) = LEN',
      '+0 %{ assert 7 // 2 == 3 }%',
      '+1 `sysctl -q net.ipv4.tcp_sack=0`',
      '`rm -f x`'
    ].join('\n')
  )
  t.same(script.options, [
    { name: 'tolerance_usecs', value: '9000', line: 2 },
    { name: 'strict_segments', value: undefined, line: 3 },
    { name: 'define', value: 'LEN=7', line: 4 }
  ])
  t.same(script.init, { line: 5, text: './defaults.sh' })
  t.same(
    script.events.map(({ line, kind }) => [line, kind]),
    [
      [7, 'call'],
      [8, 'call'],
      [9, 'code'],
      [10, 'shell']
    ]
  )
  t.same((script.events[1] as { call: unknown }).call, {
    name: 'write',
    args: [{ kind: 'integer', value: 3 }, { kind: 'ellipsis' }, { kind: 'integer', value: 7 }],
    result: { kind: 'integer', value: 7 },
    errno: undefined
  })
  t.same(script.events[2], { line: 9, when: { kind: 'relative', at: 0 }, kind: 'code', text: ' assert 7 // 2 == 3 ' })
  t.same(script.cleanup, { line: 11, text: 'rm -f x' })
})

const times = [
  { text: '1.25', when: { kind: 'absolute', at: 1.25 } },
  { text: '0', when: { kind: 'absolute', at: 0 } },
  { text: '+.03', when: { kind: 'relative', at: 0.03 } },
  { text: '*', when: { kind: 'any' } },
  { text: '0.2~0.3', when: { kind: 'range', relative: false, from: 0.2, to: 0.3 } },
  { text: '+.2~+.3', when: { kind: 'range', relative: true, from: 0.2, to: 0.3 } },
  { text: '+.1...0.4', call: true, when: { kind: 'blocking', relative: true, from: 0.1, to: 0.4 } },
  { text: '2...3', call: true, when: { kind: 'blocking', relative: false, from: 2, to: 3 } }
]
for (const { text, when, call } of times) {
  t.test(`time ${text}`, async t => {
    t.same(only(`${text} ${call ? 'read(3, ..., 1) = 1' : '> . 1:1(0) ack 1'}`).when, when)
  })
}

const plain = {
  kind: 'tcp',
  inbound: true,
  ip: {},
  ports: undefined,
  flags: '.',
  seq: 1,
  length: 0,
  ack: undefined,
  window: undefined,
  urgent: undefined,
  reserved: undefined,
  options: []
}
const packets = [
  { text: '< . 1:1(0)', is: {} },
  { text: '> SEW 0:0(0)', is: { inbound: false, flags: 'SEW', seq: 0 } },
  { text: '> SEWA 0:0(0)', is: { inbound: false, flags: 'SEWA', seq: 0 } },
  { text: '< - 5:5(0) win 7', is: { flags: '-', seq: 5, window: 7 } },
  { text: '< . 1:1(0) ack 9 reserved 5', is: { flags: '.', ack: 9, reserved: 5 } },
  { text: '< FPU. 1:11(10) ack 9 win 100 urg 4', is: { flags: 'FPU.', length: 10, ack: 9, window: 100, urgent: 4 } },
  { text: '< . 4294967290:4(10) ack 1', is: { seq: 4294967290, length: 10, ack: 1 } },
  { text: '< 40000 > 80 S 0:0(0)', is: { ports: { source: 40000, destination: 80 }, flags: 'S', seq: 0 } },
  { text: '< [ect0] . 1:1(0)', is: { ip: { ecn: 'ect0' } } },
  { text: '< (ce, tos 0x10, ttl 64) . 1:1(0)', is: { ip: { ecn: 'ce', tos: 16, ttl: 64 } } },
  { text: '> [noecn] . 1:1(0) <...>', is: { inbound: false, ip: { ecn: 'noecn' }, options: undefined } },
  { text: '< . 1:1(0) <>', is: {} },
  {
    text: '< S 0:0(0) win 1 <mss 1000,sackOK,TS val 100 ecr 0,nop,wscale 7>',
    is: {
      flags: 'S',
      seq: 0,
      window: 1,
      options: [
        { kind: 'mss', value: 1000 },
        { kind: 'sackOK' },
        { kind: 'TS', val: 100, ecr: 0 },
        { kind: 'nop' },
        { kind: 'wscale', value: 7 }
      ]
    }
  },
  {
    text: '< . 1:1(0) <nop,nop,sack 1:2 4294967295:5>',
    is: {
      options: [
        { kind: 'nop' },
        { kind: 'nop' },
        {
          kind: 'sack',
          blocks: [
            [1, 2],
            [4294967295, 5]
          ]
        }
      ]
    }
  },
  {
    text: '< S 0:0(0) <FO,nop,nop>',
    is: { flags: 'S', seq: 0, options: [{ kind: 'FO', hex: '' }, { kind: 'nop' }, { kind: 'nop' }] }
  },
  {
    text: '< S 0:0(0) <FO abcd1234,eol,eol>',
    is: { flags: 'S', seq: 0, options: [{ kind: 'FO', hex: 'abcd1234' }, { kind: 'eol' }, { kind: 'eol' }] }
  },
  { text: '< S 0:0(0) <FOEXP aabbccdd>', is: { flags: 'S', seq: 0, options: [{ kind: 'FOEXP', hex: 'aabbccdd' }] } },
  {
    text: `< . 1:1(0) <nop,nop,md5 ${'00'.repeat(16)}>`,
    is: { options: [{ kind: 'nop' }, { kind: 'nop' }, { kind: 'md5', hex: '00'.repeat(16) }] }
  },
  {
    text: '< . 1:1(0) <kind 28 012c,kind 253,nop,bytes 0b>',
    is: {
      options: [
        { kind: 'kind', number: 28, hex: '012c' },
        { kind: 'kind', number: 253, hex: '' },
        { kind: 'nop' },
        { kind: 'bytes', hex: '0b' }
      ]
    }
  }
]
for (const { text, is } of packets) {
  t.test(`packet ${text}`, async t => t.same(tcp(text), { ...plain, ...is }))
}

const messages = [
  {
    text: '< icmp unreachable frag_needed mtu 1200 [1:1001(1000)]',
    is: { type: 3, code: 4, mtu: 1200, quote: { seq: 1, length: 1000 } }
  },
  {
    text: '< [7:8(1)] icmp unreachable host_unreachable',
    is: { type: 3, code: 1, mtu: undefined, quote: { seq: 7, length: 1 } }
  },
  { text: '< icmp source_quench', is: { type: 4, code: 0, mtu: undefined, quote: undefined } },
  { text: '> icmp type_42 code_9', is: { inbound: false, type: 42, code: 9, mtu: undefined, quote: undefined } }
]
for (const { text, is } of messages) {
  t.test(`message ${text}`, async t => t.same(packet(text), { kind: 'icmp', inbound: true, ...is }))
}

const word = (name: string): Expression => ({ kind: 'word', name })
const integer = (value: number): Expression => ({ kind: 'integer', value })
const calls = [
  {
    text: 'connect(3, ..., ...) = -1 EINPROGRESS (not (quite) yet)',
    args: [integer(3), { kind: 'ellipsis' }, { kind: 'ellipsis' }],
    result: integer(-1),
    errno: 'EINPROGRESS'
  },
  {
    text: 'fcntl(3, F_SETFL, O_RDWR|O_NONBLOCK) = 0x2',
    args: [integer(3), word('F_SETFL'), { kind: 'or', operands: [word('O_RDWR'), word('O_NONBLOCK')] }],
    result: integer(2)
  },
  {
    text: 'setsockopt(3, SOL_SOCKET, SO_LINGER, {onoff=1, linger=0}, 8) = 0',
    args: [
      integer(3),
      word('SOL_SOCKET'),
      word('SO_LINGER'),
      {
        kind: 'struct',
        fields: [
          { name: 'onoff', value: integer(1) },
          { name: 'linger', value: integer(0) }
        ]
      },
      integer(8)
    ],
    result: integer(0)
  },
  {
    text: 'read(3, NULL, 0x10) = ...',
    args: [integer(3), { kind: 'null' }, integer(16)],
    result: { kind: 'ellipsis' }
  },
  {
    text: 'write(3, "a \\"b\\"", 5) = 5',
    args: [integer(3), { kind: 'string', value: 'a \\"b\\"' }, integer(5)],
    result: integer(5)
  },
  {
    text: 'f({msg_name(...)=..., msg_iov(1)=[{..., 9}], x}) = 0',
    args: [
      {
        kind: 'struct',
        fields: [
          { name: 'msg_name', size: { kind: 'ellipsis' }, value: { kind: 'ellipsis' } },
          {
            name: 'msg_iov',
            size: integer(1),
            value: {
              kind: 'list',
              items: [
                {
                  kind: 'struct',
                  fields: [
                    { name: undefined, value: { kind: 'ellipsis' } },
                    { name: undefined, value: integer(9) }
                  ]
                }
              ]
            }
          },
          { name: undefined, value: word('x') }
        ]
      }
    ],
    result: integer(0)
  },
  {
    text: 'bind(3, {sin_port = htons(80), sin_addr = inet_addr("1.2.3.4")}, []) = 0',
    args: [
      integer(3),
      {
        kind: 'struct',
        fields: [
          { name: 'sin_port', value: { kind: 'function', name: 'htons', args: [integer(80)] } },
          {
            name: 'sin_addr',
            value: { kind: 'function', name: 'inet_addr', args: [{ kind: 'string', value: '1.2.3.4' }] }
          }
        ]
      },
      { kind: 'list', items: [] }
    ],
    result: integer(0)
  }
]
for (const { text, args, result, errno } of calls) {
  t.test(`call ${text}`, async t => {
    const parsed = call(text)
    t.same([parsed.args, parsed.result, parsed.errno], [args, result, errno])
  })
}

t.test('names are replaced where they are words, by the script and from outside; the script wins', async t => {
  const text = '-D SIZE=12\n0 write(3, ..., SIZE) = OTHER\n+0 write(3, ..., SIZES) = 1'
  const script = parseScript(
    'x.pkt',
    text,
    new Map([
      ['SIZE', '5'],
      ['OTHER', '6']
    ])
  )
  const [first, second] = script.events.map(event => (event as Event & { kind: 'call' }).call)
  t.same([first.args[2], first.result], [integer(12), integer(6)])
  t.same(second.args[2], word('SIZES'))
})

t.test('#ifdef keeps its lines only for a defined name, nested too, and lines keep their numbers', async t => {
  const text = '#ifdef A\n0 close(1) = 0\n#ifdef B\n+1 close(2) = 0\n#endif\n#endif\n+2 close(3) = 0'
  const lines = (...names: string[]): number[] =>
    parseScript('x.pkt', text, new Map(names.map(name => [name, '1']))).events.map(event => event.line)
  t.same(lines(), [7])
  t.same(lines('A'), [2, 7])
  t.same(lines('A', 'B'), [2, 4, 7])
  t.same(lines('B'), [7])
})

const nonsense = [
  { text: '0 < . 1:5(3)', line: 1, says: /LEN must be END - SEQ, 4, not 3/ },
  { text: '0 < . 1:1(0) <nop>', line: 1, says: /words of 4 bytes/ },
  { text: `0 < . 1:1(0) <sack ${'1:2 '.repeat(5)},nop,nop>`, line: 1, says: /room for 40 bytes/ },
  { text: '0 < S 0:0(0) <mss 70000>', line: 1, says: /must not be above 65535/ },
  { text: '0 < . 1:1(0) ack', line: 1, says: /a number was expected after "ack"/ },
  { text: '0 < Q 1:1(0)', line: 1, says: /flags were expected/ },
  { text: '\n\n0 close(3 = 0', line: 3, says: /"\)" was expected/ },
  { text: '0 close(3)', line: 1, says: /"=" was expected/ },
  { text: '0 close(3) = 0\nx close(3) = 0', line: 2, says: /a time was expected/ },
  { text: '0 close(3) = 0 (oh', line: 1, says: /not closed by \)/ },
  { text: '0 `tc', line: 1, says: /not closed by `/ },
  { text: '0 %{ assert 1', line: 1, says: /not closed by }%/ },
  { text: '* close(3) = 0', line: 1, says: /only an expected packet/ },
  { text: '0...1 > . 1:1(0)', line: 1, says: /only a call can block/ },
  { text: '', line: 1, says: /a script needs an event/ },
  { text: '0 close(3) = 0\n`a`\n+0 close(3) = 0', line: 3, says: /nothing may follow/ },
  { text: '0 < S 0:0(0) <FO abc,nop>', line: 1, says: /two digits/ }
]
for (const { text, line, says } of nonsense) {
  t.test(`nonsense: ${JSON.stringify(text)}`, async t => {
    try {
      events(text)
      t.fail('it was taken')
    } catch (error) {
      if (!(error instanceof SyntaxProblem)) throw error
      t.match(error.message, says)
      t.equal(error.line, line)
      t.match(error.details[1], /^\s*\^$/)
    }
  })
}

t.test('the caret stands below what is wrong', async t => {
  t.throws(() => events('0 < Q 1:1(0)'), { name: 'ScriptError', details: ['0 < Q 1:1(0)', '    ^'] })
})

for (const text of [
  '0 < udp (10)',
  '0 < [flow 1] . 1:1(0)',
  '0 < . 1:1(0) <mptcp 1>',
  '0 < icmp telepathy',
  '0 < icmp unreachable nowhere'
]) {
  t.test(`not here: ${text}`, async t => t.throws(() => events(text), { name: 'Unsupported', line: 1 }))
}

t.test('noise in the place of a script: one of the two errors, nothing else', async t => {
  const random = new Random(3)
  const pieces = [
    '0 ',
    '+.1 ',
    '<',
    '>',
    '. ',
    '1:1(0)',
    ' ack 1',
    '<nop',
    ',',
    'sack 1:2',
    ')',
    '(',
    '{',
    '}',
    '=',
    '%{',
    '}%',
    '`',
    '...',
    '~',
    'close',
    '3',
    '"',
    '--x',
    '-D ',
    '#ifdef A\n',
    '\n',
    '//',
    '/*',
    '*/',
    '\\',
    '[',
    ']',
    '|',
    'icmp ',
    'unreachable'
  ]
  for (let i = 0; i < 20_000; i++) {
    const text = Array.from({ length: random.int(12) }, () => pieces[random.int(pieces.length)]).join('')
    try {
      events(text)
    } catch (error) {
      if (!(error instanceof ScriptError || error instanceof Unsupported)) t.fail(JSON.stringify(text), { error })
    }
  }
})
