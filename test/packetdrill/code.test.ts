// `%{ }%`: the values are Python's.

import t from 'tap'
import { parseCode, runCode, type Scope } from '../../src/packetdrill/code.ts'
import { Mismatch, ScriptError, Unsupported } from '../../src/packetdrill/verdict.ts'

function scope(fields: Record<string, number> = {}): Scope {
  return { names: new Map(), lookUp: name => fields[name] }
}

function run(text: string, given: Scope = scope({ tcpi_rtt: 1000, tcpi_snd_cwnd: 10, FLAG: 4 })): void {
  runCode(parseCode(text), given)
}

const holding = [
  '7 // 2 == 3 and -7 // 2 == -4 and 7 // -2 == -4 and -7 // -2 == 3',
  '7 % 3 == 1 and -7 % 3 == 2 and 7 % -3 == -2 and -6 % 3 == 0',
  '1 + 2 * 3 - 4 == 3',
  '(1 + 2) * 3 == 9',
  '10 - 3 - 2 == 5',
  '1 << 40 == 1099511627776 and 0xff >> 4 == 15',
  '6 & 3 == 2 or 1',
  '(6 & 3) == 2 and (6 | 1) == 7 and (6 ^ 3) == 5',
  '1 | 2 ^ 3 & 4 << 1 + 1 == 3',
  '~0 == -1 and -~4 == 5',
  'not 0 and not not 5',
  'not 1 == 2',
  '980 <= tcpi_rtt <= 1020 != 5',
  '3 > 2 >= 2 == 2',
  '(0 or 5) == 5 and (3 and 7) == 7 and (0 and undefined_name) == 0',
  'tcpi_snd_cwnd * 2 == 20 and FLAG & 4',
  "'a' == 'a'",
  '0xFFFFFFFF + 1 == 4294967296'
]
for (const text of holding) {
  t.test(`holds: ${text}`, async t => {
    run(`assert ${text}`)
    t.throws(() => run(`assert not (${text})`), Mismatch)
  })
}

t.test('statements by newline and semicolon; comments, joined lines, brackets over lines', async t => {
  run(`
    a = 1; b = 2   # c = 3
    a += 4 ; b -= 5
    c = a + \\
        b
    print("a; b", (a, b))
    d = (c +
         1)
    assert a == 5 ; assert b == -3
    assert c == 2 and d == 3, 'no # comment; %d' % c
  `)
  t.pass()
})

t.test('names live on, and hide fields', async t => {
  const given = scope({ tcpi_rto: 200 })
  run('rto = tcpi_rto', given)
  run('assert rto == 200; tcpi_rto = 7', given)
  run('assert tcpi_rto == 7', given)
  t.pass()
})

t.test('what fails is told with its text, its message, and what its names are', async t => {
  const failing = (text: string): Mismatch => {
    try {
      run(text)
    } catch (error) {
      if (error instanceof Mismatch) return error
      throw error
    }
    throw new Error('it held')
  }
  t.equal(failing('assert tcpi_snd_cwnd  ==\t9').message, 'assert tcpi_snd_cwnd == 9')
  t.same(failing('assert tcpi_snd_cwnd == 9').details, ['tcpi_snd_cwnd = 10'])
  t.equal(failing('assert 0, tcpi_rtt + 1').message, 'assert 0: 1001')
  t.equal(failing("assert 0, 'cwnd %d' % tcpi_snd_cwnd").message, 'assert 0: cwnd 10')
  t.equal(failing("assert 0, '%s of %x%%' % (FLAG, 255)").message, 'assert 0: 4 of ff%')
  t.equal(failing(`assert 0, "it's \\"so\\""`).message, `assert 0: it's "so"`)
})

const unsupported = [
  'import os',
  'assert f(1)',
  'x = [1]',
  'assert 1 if 2 else 3',
  'a = b = 1',
  'while 1',
  'assert 1 2',
  'x = 1.5',
  'x = 0b1',
  'a *= 2',
  'assert (1',
  'assert',
  'assert x in y',
  'assert None'
]
for (const text of unsupported) {
  t.test(`not here: ${text}`, async t => t.throws(() => run(text), Unsupported))
}

t.test('a name that stands for nothing is named, and numbers that make no sense are errors', async t => {
  t.throws(() => run('assert tcpi_unheard_of == 1'), { name: 'Unsupported', message: /tcpi_unheard_of/ })
  t.throws(() => run('assert 1 // 0'), ScriptError)
  t.throws(() => run('assert 1 << 100000'), ScriptError)
  t.throws(() => run("assert 'a' < 1"), ScriptError)
  t.throws(() => run("assert 0, '%d %d' % 1"), ScriptError)
})
