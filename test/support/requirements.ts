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
  ),
  'rfc9768.md': list(
    '3.1.1a 3.1.1b 3.1.1c 3.1.2a 3.1.3a 3.1.3b 3.1.3c 3.1.4.1a 3.1.4.1b 3.1.4.2a 3.1.5a 3.1.5b 3.2.1a 3.2.2.1a 3.2.2.1b 3.2.2.2a 3.2.2.2b 3.2.2.3a 3.2.2.4a 3.2.2.5.1a 3.2.2.5.1b 3.2.2.5.1c 3.2.2.5.2a 3.2.3a 3.2.3b 3.2.3c 3.2.3.2.1a 3.2.3.2.1b 3.2.3.2.1c 3.2.3.2.2a 3.2.3.2.4a 3.2.3.3a 3.2.3.3b 3.3a'
  ),
  'rfc1122.md': list(`
    3.1a 3.1b 3.1c(MAY) 3.1d 3.1e 3.1f 3.1g 3.1h 3.1i 3.2.1.1a 3.2.1.2a 3.2.1.3a 3.2.1.3b 3.2.1.3c 3.2.1.3d 3.2.1.3e 3.2.1.3f 3.2.1.4a 3.2.1.5a(MAY) 3.2.1.6a 3.2.1.6b 3.2.1.6c 3.2.1.7a 3.2.1.7b 3.2.1.7c 3.2.1.7d 3.2.1.8a 3.2.1.8b 3.2.1.8c 3.2.1.8d(MAY) 3.2.1.8e 3.2.1.8f 3.2.1.8g 3.2.1.8h 3.2.1.8i 3.2.1.8j 3.2.1.8k(MAY) 3.2.1.8l(MAY) 3.2.2a 3.2.2b(MAY) 3.2.2c 3.2.2d 3.2.2e 3.2.2f 3.2.2g 3.2.2h 3.2.2i 3.2.2j 3.2.2.1a 3.2.2.1b 3.2.2.1c 3.2.2.1d 3.2.2.2a 3.2.2.2b 3.2.2.2c 3.2.2.2d 3.2.2.3a(MAY) 3.2.2.3b 3.2.2.3c 3.2.2.4a 3.2.2.5a 3.2.2.5b 3.2.2.5c(MAY) 3.2.2.6a 3.2.2.6b 3.2.2.6c(MAY) 3.2.2.6d(MAY) 3.2.2.6e 3.2.2.6f 3.2.2.6g 3.2.2.6h 3.2.2.6i 3.2.2.7a 3.2.2.8a(MAY) 3.2.2.8b 3.2.2.8c 3.2.2.8d 3.2.2.8e 3.2.2.8f 3.2.2.8g 3.2.2.8h 3.2.2.8i 3.2.2.9a 3.2.2.9b 3.2.2.9c(MAY) 3.2.2.9d(MAY) 3.2.2.9e 3.2.2.9f 3.2.2.9g 3.2.2.9h 3.2.2.9i 3.2.2.9j 3.2.2.9k 3.2.2.9l 3.3.1.1a 3.3.1.1b 3.3.1.2a 3.3.1.2b 3.3.1.2c 3.3.1.2d 3.3.1.2e(MAY) 3.3.1.2f(MAY) 3.3.1.3a(MAY) 3.3.1.3b 3.3.1.4a 3.3.1.4b 3.3.1.4c 3.3.1.4d 3.3.1.4e 3.3.1.4f 3.3.1.5a 3.3.1.6a 3.3.2a 3.3.2b 3.3.2c 3.3.2d 3.3.2e 3.3.2f 3.3.3a 3.3.3b(MAY) 3.3.3c 3.3.3d 3.3.3e(MAY) 3.3.4.2a 3.3.4.2b 3.3.4.2c(MAY) 3.3.4.2d(MAY) 3.3.5a 3.3.5b 3.3.5c 3.3.5d 3.3.5e 3.3.5f 3.3.5g 3.3.5h 3.3.5i 3.3.5j 3.3.6a 3.3.6b(MAY) 3.3.6c 3.3.6d 3.3.6e 3.3.6f 3.3.6g 3.3.7a 3.3.7b(MAY) 3.3.7c 3.3.7d 3.3.8a 3.4a 3.4b 3.4c 3.4d 3.4e 3.4f 4.2.2.2a(MAY) 4.2.2.2b 4.2.2.2c(MAY) 4.2.2.2d 4.2.2.2e 4.2.2.2f(MAY) 4.2.2.2g 4.2.2.3a 4.2.2.3b 4.2.2.4b 4.2.2.4c 4.2.2.4d 4.2.2.5a 4.2.2.5b 4.2.2.5c 4.2.2.6a 4.2.2.6b 4.2.2.6c(MAY) 4.2.2.6d 4.2.2.6e 4.2.2.7a 4.2.2.7b 4.2.2.9a 4.2.2.10a 4.2.2.11a 4.2.2.12a 4.2.2.13a 4.2.2.13b(MAY) 4.2.2.13c 4.2.2.13d 4.2.2.13e(MAY) 4.2.2.15a 4.2.2.15b 4.2.2.15c(MAY) 4.2.2.16a 4.2.2.16b 4.2.2.17a(MAY) 4.2.2.17b 4.2.2.17c 4.2.2.17d 4.2.2.17e 4.2.2.17f 4.2.2.18a 4.2.2.18b 4.2.2.19a 4.2.2.20a 4.2.2.20b 4.2.2.21a(MAY) 4.2.3.1a 4.2.3.1b 4.2.3.1c 4.2.3.2a 4.2.3.2b 4.2.3.2c 4.2.3.3a 4.2.3.4a 4.2.3.4b 4.2.3.4c 4.2.3.5a 4.2.3.5b 4.2.3.5c 4.2.3.5d 4.2.3.5e 4.2.3.5f 4.2.3.5g 4.2.3.5h 4.2.3.6a 4.2.3.6b 4.2.3.6c 4.2.3.6d 4.2.3.6e 4.2.3.6f 4.2.3.7a 4.2.3.7b 4.2.3.8a 4.2.3.8b(MAY) 4.2.3.8c(MAY) 4.2.3.8d 4.2.3.8e 4.2.3.8f 4.2.3.8g 4.2.3.9a 4.2.3.9b 4.2.3.9c 4.2.3.9d 4.2.3.10a 4.2.3.10b 4.2.3.10c 4.2.4.1a 4.2.4.1b 4.2.4.2a 4.2.4.2b 4.2.4.2c 4.2.4.2d(MAY) 4.2.4.3a(MAY) 4.2.4.4a 4.2.2.4a 4.2.3.1d 4.2.3.1e 4.2.3.9e 4.2.3.9f 4.2.3.9g`),
  'rfc2018.md': list('2a 3a 4a 4b 4c 4d 4e 4f 4g 4h 5a 5b 5c 5.1a 5.1b 8a 8b 8c'),
  'rfc2883.md': list('4a 4b 4c 4d 4e 4f 4g 4.2a 4.3a 5a'),
  'rfc6298.md': list('1a 2.1a 2.2a 2.3a 2.3b 2.3c 2.3d 2.4a 2.5a(MAY) 3a 3b 3c 4a 5a 5b 5c 5d 5e 5f 5g 5h'),
  'rfc5681.md': list(
    '2a 3a 3.1a 3.1b 3.1c 3.1d 3.1e 3.1f 3.1g 3.1h 3.1i 3.1j 3.1k 3.1l 3.1m 3.1n 3.1o 3.2a 3.2b 3.2c 3.2d 3.2e 3.2f 3.2g 3.2h 3.2i 3.2j 3.2k(MAY) 3.2l 3.2m 4.1a 4.2a 4.2b 4.2c 4.2d 4.2e 4.2f 4.2g 4.2h 4.2i 4.3a 4.3b 4.3c 4.3d 4.3e 4.3f 5a'
  )
}
