// The requirements that docs/conformance has to answer for, by document: the places in each RFC where it says MUST, SHOULD or
// their like to an endpoint, as section and letter in the order of the text. `(MAY)` leaves the choice. Without capitals
// (RFC 2018, RFC 6298 in part) the sentences that say what an implementation does.

const list = (ids: string): readonly string[] => ids.split(/\s+/).filter(id => id !== '')

const numbered = (kind: string, count: number): string[] => Array.from({ length: count }, (_, i) => `${kind}-${i + 1}`)

export const REQUIREMENTS: Readonly<Record<string, readonly string[]>> = {
  // Its appendix B numbers them.
  'rfc9293.md': [...numbered('MUST', 69), ...numbered('SHLD', 31), ...numbered('MAY', 18), ...numbered('REC', 1)],
  'rfc7323.md': list(`
    2.2a 2.2b 2.2c 2.2d
    2.3a 2.3b 2.3c 2.3d 2.3e 2.3f 2.3g 2.3h
    2.4a 2.4b 2.4c 2.4d 2.4e
    3.2a 3.2b 3.2c 3.2d 3.2e 3.2f 3.2g 3.2h 3.2i
    4.1a 4.1b 4.2a 4.3a 4.3b 4.3c
    5.2a 5.2b 5.2c 5.2d 5.2e
    5.3a 5.3b 5.3c 5.3d 5.3e
    5.4a 5.4b 5.4c 5.5a 5.7a 7a`),
  'rfc5961.md': list('1.1a 3.2a 3.2b 3.2c 3.2d 3.2e 4.2a 4.2b 4.2c 5.2a 5.2b 7a 7b 7c'),
  'rfc5927.md': list('2.2a 2.3a 4.1a 4.2a 5.2a 5.2b 5.2c 6.2a 7.2a 7.2b(MAY)'),
  'rfc6528.md': list('3a 3b 4a'),
  'rfc6056.md': list('3.2a 3.2b 3.2c 3.3a 5a'),
  'rfc6191.md': list('2a 2b 2c 2d 2e 2f 2g'),
  'rfc6093.md': list('2.3a 4a 5a 5b 6a'),
  'rfc5482.md': list(
    '3a 3b 3c 3d 3e 3.1a 3.1b 3.1c 3.1d 3.1e 3.1f 3.1g 3.2a 3.3a 3.3b 3.3c 3.3d 3.3e 3.3f 3.4a 3.4b 4.1a 4.2a'
  ),
  'rfc3168.md': list(
    '5a 5b 5.2a 5.2b 5.3a 5.3b 5.3c 5.3d 5.3e 6.1.1a 6.1.1b 6.1.1c 6.1.1d 6.1.1e 6.1.1f 6.1.1g 6.1.1h 6.1.2a 6.1.2b 6.1.2c 6.1.2d 6.1.2e 6.1.4a 6.1.5a 6.1.5b 6.1.6a 6.1.6b'
  )
}
