/** Memory that nobody reads before all of it is written: `new Uint8Array` has to clear it. */
export function uncleared(bytes: number): Uint8Array {
  return new Uint8Array(Buffer.allocUnsafeSlow(bytes).buffer)
}
