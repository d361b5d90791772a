// Reads the files that tcpdump writes: classic pcap, microseconds, of Ethernet or (of a TUN device) of bare
// packets, in the byte order of the machine.

import { closeSync, openSync, readSync } from 'node:fs'

const FILE_HEADER = 24
const RECORD_HEADER = 16
const MAGIC = 0xa1b2c3d4
const LINKTYPE_ETHERNET = 1
const LINKTYPE_RAW = 101
const ETHERNET_HEADER = 14
const ETHERTYPE_IPV4 = 0x0800
const CHUNK = 4 * 1024 * 1024

/** An IPv4 packet of the capture; valid until the next is asked for. */
export interface Captured {
  /** As tcpdump and others number them, from 1. */
  readonly number: number
  readonly timeMs: number
  readonly view: DataView
  readonly bytes: Uint8Array
  readonly offset: number
  readonly length: number
  /** The capture holds all of it. */
  readonly isWhole: boolean
}

export function* readPcap(path: string): Generator<Captured> {
  const file = openSync(path, 'r')
  try {
    yield* new Reader(file).packets()
  } finally {
    closeSync(file)
  }
}

class Reader {
  readonly #file: number
  readonly #bytes = new Uint8Array(CHUNK)
  readonly #view = new DataView(this.#bytes.buffer)
  #start = 0
  #end = 0

  constructor(file: number) {
    this.#file = file
  }

  *packets(): Generator<Captured> {
    const view = this.#view
    if (!this.#has(FILE_HEADER)) return
    if (view.getUint32(this.#start, true) !== MAGIC) throw new Error('No pcap file of a little-endian machine')
    const linkType = view.getUint32(this.#start + 20, true)
    if (linkType !== LINKTYPE_ETHERNET && linkType !== LINKTYPE_RAW) throw new Error('No capture of IP or Ethernet')
    const header = linkType === LINKTYPE_ETHERNET ? ETHERNET_HEADER : 0
    this.#start += FILE_HEADER
    for (let number = 1; this.#has(RECORD_HEADER); number++) {
      const timeMs = view.getUint32(this.#start, true) * 1000 + view.getUint32(this.#start + 4, true) / 1000
      const captured = view.getUint32(this.#start + 8, true)
      const onWire = view.getUint32(this.#start + 12, true)
      if (!this.#has(RECORD_HEADER + captured)) return
      const frame = this.#start + RECORD_HEADER
      this.#start = frame + captured
      if (captured < header + 1) continue
      if (header > 0 ? view.getUint16(frame + 12) !== ETHERTYPE_IPV4 : view.getUint8(frame) >> 4 !== 4) continue
      yield {
        number,
        timeMs,
        view,
        bytes: this.#bytes,
        offset: frame + header,
        length: captured - header,
        isWhole: captured === onWire
      }
    }
  }

  /** Whether so many bytes are there from `#start`; reads more of the file if need be. */
  #has(length: number): boolean {
    while (this.#end - this.#start < length) {
      this.#bytes.copyWithin(0, this.#start, this.#end)
      this.#end -= this.#start
      this.#start = 0
      const read = readSync(this.#file, this.#bytes, this.#end, CHUNK - this.#end, null)
      if (read === 0) return false
      this.#end += read
    }
    return true
  }
}
