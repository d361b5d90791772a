// The titles of the tests in a source file, read without running it.

/** The titles given to `….test(`, with `…` for each `${}` of a template. */
export function titles(source: string): string[] {
  const code = withoutComments(source)
  const found: string[] = []
  for (const match of code.matchAll(/\.test\(\s*(?=['"`])/g)) found.push(literalAt(code, match.index + match[0].length))
  return found
}

/** Every string in the file. */
export function literals(source: string): string[] {
  const code = withoutComments(source)
  const found: string[] = []
  for (let at = 0; at < code.length; ) {
    if (!'\'"`'.includes(code[at])) at++
    else {
      found.push(literalAt(code, at))
      at = endOfLiteral(code, at)
    }
  }
  return found
}

/** Comments become nothing; what looks like one inside a string stays. */
function withoutComments(source: string): string {
  let code = ''
  for (let at = 0; at < source.length; ) {
    let end = at + 1
    if ('\'"`'.includes(source[at])) end = endOfLiteral(source, at)
    else if (source.startsWith('//', at)) end = at = endOf(source, '\n', at)
    else if (source.startsWith('/*', at)) end = at = endOf(source, '*/', at) + 2
    code += source.slice(at, end)
    at = end
  }
  return code
}

function endOf(source: string, mark: string, from: number): number {
  const at = source.indexOf(mark, from)
  return at < 0 ? source.length : at
}

/** Behind the closing quote of the string that begins at `at`. */
function endOfLiteral(code: string, at: number): number {
  const quote = code[at]
  for (let i = at + 1; i < code.length; ) {
    if (code[i] === quote) return i + 1
    if (code[i] === '\\') i += 2
    else if (quote === '`' && code.startsWith('${', i)) i = endOfHole(code, i + 2)
    else if (quote !== '`' && code[i] === '\n')
      return i // an apostrophe of a regular expression
    else i++
  }
  return code.length
}

/** Behind the brace that closes a `${`. */
function endOfHole(code: string, from: number): number {
  let depth = 1
  for (let i = from; i < code.length; ) {
    if ('\'"`'.includes(code[i])) {
      i = endOfLiteral(code, i)
      continue
    }
    if (code[i] === '{') depth++
    if (code[i] === '}' && --depth === 0) return i + 1
    i++
  }
  return code.length
}

function literalAt(code: string, at: number): string {
  const quote = code[at]
  const end = endOfLiteral(code, at) - 1
  let text = ''
  for (let i = at + 1; i < end; ) {
    if (code[i] === '\\') {
      text += code[i + 1]
      i += 2
    } else if (quote === '`' && code.startsWith('${', i)) {
      text += '…'
      i = endOfHole(code, i + 2)
    } else text += code[i++]
  }
  return text
}
