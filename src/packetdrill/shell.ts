// Backquoted commands: never run, only read. What they would set on a host is set on the stack.

export type Command =
  /** `defaults.sh`: the settings that scripts for Linux expect. */
  | { readonly kind: 'profile' }
  | { readonly kind: 'sysctl'; readonly key: string; readonly value: string }
  /** Back to what was before the first setting. */
  | { readonly kind: 'restore' }
  | { readonly kind: 'parameter'; readonly name: string; readonly value: string }
  /** Known, and without a meaning here. */
  | { readonly kind: 'no-op'; readonly text: string }
  | { readonly kind: 'unknown'; readonly text: string }

const NO_OPS: ReadonlySet<string> = new Set([
  'tc',
  'ethtool',
  'ip',
  'tcpdrop',
  'sockstat',
  'grep',
  'setkey',
  'rm',
  'dd',
  'sleep',
  'true',
  ':'
])

export function parseCommands(text: string): Command[] {
  return split(text).flatMap(interpret)
}

/** Into words, by newlines, `;` and `&&`; quotes join, `\` joins lines, `#` begins a comment. */
function split(text: string): string[][] {
  const commands: string[][] = []
  let words: string[] = []
  const tokens = /\\\n|[ \t]+|#[^\n]*|\n|;|&&|\|\||>+|(?:[^\s;&|>"'\\#]|\\.|"[^"]*"|'[^']*'|&(?!&)|\|(?!\|)|(?<=\S)#)+/g
  for (const [token] of text.matchAll(tokens)) {
    if (token === '\n' || token === ';' || token === '&&' || token === '||') {
      commands.push(words)
      words = []
    } else if (token.trim() !== '' && token !== '\\\n' && !token.startsWith('#')) words.push(unquote(token))
  }
  commands.push(words)
  return commands.filter(each => each.length > 0)
}

function unquote(token: string): string {
  return token.replace(/"([^"]*)"|'([^']*)'|\\(.)/g, (_, double, single, plain) => double ?? single ?? plain ?? '')
}

function interpret(words: readonly string[]): Command[] {
  const text = words.join(' ')
  const program = words[0].slice(words[0].lastIndexOf('/') + 1)
  if (program === 'defaults.sh') return [{ kind: 'profile' }]
  if (program.startsWith('sysctl_restore')) return [{ kind: 'restore' }]
  if (program === 'sysctl' || program === 'set_sysctls.py') return settings(words.slice(1), text)
  if (program === 'echo' && words.includes('>')) return [redirected(words, text)]
  return [{ kind: NO_OPS.has(program) ? 'no-op' : 'unknown', text }]
}

/** `[-q|-w|-e] KEY=VALUE ...` */
function settings(words: readonly string[], text: string): Command[] {
  const commands: Command[] = []
  for (const word of words) {
    if (word === '>') break
    if (word.startsWith('-')) continue
    const at = word.indexOf('=')
    if (at < 0) return [{ kind: 'unknown', text }]
    commands.push({ kind: 'sysctl', key: toKey(word.slice(0, at).trim()), value: word.slice(at + 1).trim() })
  }
  return commands
}

/** `echo V > FILE`. */
function redirected(words: readonly string[], text: string): Command {
  const at = words.indexOf('>')
  const value = words
    .slice(1, at)
    .filter(word => word !== '-n')
    .join(' ')
  const path = words[at + 1] ?? ''
  const parameter = /\/parameters\/(\w+)$/.exec(path)?.[1]
  if (parameter !== undefined) return { kind: 'parameter', name: parameter, value }
  return path.startsWith('/proc/sys/') ? { kind: 'sysctl', key: toKey(path), value } : { kind: 'unknown', text }
}

/** `net.ipv4.tcp_sack` for a path below /proc/sys, too. */
function toKey(name: string): string {
  return name.includes('/') ? name.replace(/^\/?(?:proc\/sys\/)?/, '').replaceAll('/', '.') : name
}
