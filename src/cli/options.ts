// Arguments that several commands have.

import { InvalidArgumentError, Option } from 'commander'

export function toPort(text: string): number {
  const port = Number(text)
  if (/^\d{1,5}$/.test(text) && port <= 65_535) return port
  throw new InvalidArgumentError('It must be a number from 0 to 65535.')
}

export function toRemotePort(text: string): number {
  const port = toPort(text)
  if (port > 0) return port
  throw new InvalidArgumentError('It must be a number from 1 to 65535.')
}

export const traceOption = (): Option =>
  new Option('--trace', 'print every segment in and out, and each change of state, on stderr')
