// ARP between IPv4 and Ethernet (RFC 826): packets to fields and back. Hardware addresses are numbers of 48 bits.

export const ARP_LENGTH = 28
export const ARP_REQUEST = 1
export const ARP_REPLY = 2
export const MAC_BROADCAST = 0xffff_ffff_ffff

const HARDWARE_ETHERNET = 1
const PROTOCOL_IPV4 = 0x0800
/** Of a hardware address and a protocol address, bytes. */
const LENGTHS = 0x0604
const TWO_BYTES = 0x10000
/** The bit that addresses of groups have. */
const GROUP = 0x0100_0000_0000

export class ArpPacket {
  operation = 0
  senderMac = 0
  /** int32, as `targetAddress`. 0 in a probe (RFC 5227 §1.1). */
  senderAddress = 0
  targetMac = 0
  targetAddress = 0
}

/** False for anything but a request or a reply about IPv4 addresses by a station on an Ethernet. */
export function parseArp(view: DataView, length: number, out: ArpPacket): boolean {
  if (length < ARP_LENGTH) return false
  if (view.getUint16(0) !== HARDWARE_ETHERNET || view.getUint16(2) !== PROTOCOL_IPV4) return false
  if (view.getUint16(4) !== LENGTHS) return false
  out.operation = view.getUint16(6)
  out.senderMac = readMac(view, 8)
  out.senderAddress = view.getInt32(14)
  out.targetMac = readMac(view, 18)
  out.targetAddress = view.getInt32(24)
  return (out.operation === ARP_REQUEST || out.operation === ARP_REPLY) && isStation(out.senderMac)
}

export function writeArp(view: DataView, packet: ArpPacket): void {
  view.setUint16(0, HARDWARE_ETHERNET)
  view.setUint16(2, PROTOCOL_IPV4)
  view.setUint16(4, LENGTHS)
  view.setUint16(6, packet.operation)
  writeMac(view, 8, packet.senderMac)
  view.setInt32(14, packet.senderAddress)
  writeMac(view, 18, packet.targetMac)
  view.setInt32(24, packet.targetAddress)
}

/** Undefined for anything but six octets with colons between, the address of one station. */
export function parseMac(text: string): number | undefined {
  if (!/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i.test(text)) return undefined
  const mac = Number.parseInt(text.replaceAll(':', ''), 16)
  return isStation(mac) ? mac : undefined
}

export function formatMac(mac: number): string {
  const digits = mac.toString(16).padStart(12, '0')
  return digits.replace(/..(?!$)/g, '$&:')
}

/** Nobody is reached at the address of a group, or at none. */
function isStation(mac: number): boolean {
  return mac !== 0 && Math.floor(mac / GROUP) % 2 === 0
}

function readMac(view: DataView, offset: number): number {
  return view.getUint16(offset) * TWO_BYTES * TWO_BYTES + view.getUint32(offset + 2)
}

function writeMac(view: DataView, offset: number, mac: number): void {
  view.setUint16(offset, Math.floor(mac / (TWO_BYTES * TWO_BYTES)))
  view.setUint32(offset + 2, mac % (TWO_BYTES * TWO_BYTES))
}
