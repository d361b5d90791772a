// IPv4 addresses as text and as the int32 that the engine keeps.

/** `10.0.0.1` as 0x0a000001, int32. Undefined for anything but four decimal octets without leading zeros. */
export function parseAddress(text: string): number | undefined {
  const match = /^(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})$/.exec(text)
  if (match === null) return undefined
  let address = 0
  for (let i = 1; i <= 4; i++) {
    const octet = Number(match[i])
    if (octet > 255) return undefined
    address = (address << 8) | octet
  }
  return address
}

export function formatAddress(address: number): string {
  return `${address >>> 24}.${(address >>> 16) & 255}.${(address >>> 8) & 255}.${address & 255}`
}
