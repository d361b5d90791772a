// Jazzer.js comes with a binary that asks for glibc 2.38 and GCC 13's libstdc++, newer than what Debian 12 has, for three
// symbols that matter to nobody: strtol and strtoul under the names of C23, and a symbol of <iostream> that is never
// called. Where the binary does not load, a copy is made that asks for less: the two have their older names, the third
// may be absent. Nothing else is changed, and nothing is changed in place.

import { readFileSync, writeFileSync } from 'node:fs'

// ELF, 64 bits, little endian (elf(5)).
const SECTION_HEADERS = 0x28
const SECTION_HEADER_SIZE = 0x3a
const SECTION_COUNT = 0x3c
const SHT_DYNSYM = 11
const SHT_GNU_VERNEED = 0x6ffffffe
const SHT_GNU_VERSYM = 0x6fffffff
const SYMBOL_SIZE = 24
const VERSION_GLOBAL = 1
const VER_FLG_WEAK = 2
const STB_WEAK = 2

const NEWER_VERSIONS = ['GLIBC_2.38', 'GLIBCXX_3.4.32']
const C23_PREFIX = '__isoc23_'

interface Section {
  readonly type: number
  readonly offset: number
  readonly size: number
  readonly link: number
  readonly info: number
}

export function writeForOlderLibc(from: string, to: string): void {
  const elf = readFileSync(from)
  const sections = sectionsOf(elf)
  const symbols = find(sections, SHT_DYNSYM)
  const versions = find(sections, SHT_GNU_VERSYM)
  const names = sections[symbols.link]
  const nameAt = (at: number): string => elf.toString('latin1', names.offset + at, elf.indexOf(0, names.offset + at))
  const newer = excuse(elf, find(sections, SHT_GNU_VERNEED), nameAt)
  for (let i = 0; i < symbols.size / SYMBOL_SIZE; i++) {
    const version = versions.offset + 2 * i
    if (!newer.has(elf.readUInt16LE(version))) continue
    const symbol = symbols.offset + SYMBOL_SIZE * i
    const name = elf.readUInt32LE(symbol)
    elf.writeUInt16LE(VERSION_GLOBAL, version)
    // The older name is the end of the newer one: names are offsets into one table of strings.
    if (nameAt(name).startsWith(C23_PREFIX)) elf.writeUInt32LE(name + C23_PREFIX.length, symbol)
    else elf[symbol + 4] = (STB_WEAK << 4) | (elf[symbol + 4] & 15)
  }
  writeFileSync(to, elf)
}

/** Says of the newer versions that they may be missing; answers their numbers. */
function excuse(elf: Buffer, needed: Section, nameAt: (at: number) => string): Set<number> {
  const newer = new Set<number>()
  let file = needed.offset
  for (let i = 0; i < needed.info; i++) {
    let version = file + elf.readUInt32LE(file + 8)
    for (let k = elf.readUInt16LE(file + 2); k > 0; k--) {
      if (NEWER_VERSIONS.includes(nameAt(elf.readUInt32LE(version + 8)))) {
        elf.writeUInt16LE(VER_FLG_WEAK, version + 4)
        newer.add(elf.readUInt16LE(version + 6))
      }
      version += elf.readUInt32LE(version + 12)
    }
    file += elf.readUInt32LE(file + 12)
  }
  return newer
}

function sectionsOf(elf: Buffer): Section[] {
  const start = Number(elf.readBigUInt64LE(SECTION_HEADERS))
  const size = elf.readUInt16LE(SECTION_HEADER_SIZE)
  return Array.from({ length: elf.readUInt16LE(SECTION_COUNT) }, (_, i) => {
    const at = start + i * size
    return {
      type: elf.readUInt32LE(at + 4),
      offset: Number(elf.readBigUInt64LE(at + 24)),
      size: Number(elf.readBigUInt64LE(at + 32)),
      link: elf.readUInt32LE(at + 40),
      info: elf.readUInt32LE(at + 44)
    }
  })
}

function find(sections: readonly Section[], type: number): Section {
  const found = sections.find(section => section.type === type)
  if (found === undefined) throw new Error(`No section of type ${type}`)
  return found
}
