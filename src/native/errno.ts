// From the addon's answers to errors.

import { getSystemErrorName } from 'node:util'
import { codeOf, SocketError } from '../errors.ts'

/** The SocketError for a negative errno. One that the table of codes does not know is an EIO that says which it was. */
export function socketError(
  errno: number,
  syscall: string,
  address?: string,
  port?: number,
  detail?: string
): SocketError {
  const code = codeOf(errno)
  if (code !== undefined) return new SocketError(code, syscall, address, port, detail)
  return new SocketError('EIO', syscall, address, port, detail ?? errnoName(errno))
}

/** `EPERM` for -1. */
export function errnoName(errno: number): string {
  try {
    return getSystemErrorName(errno)
  } catch {
    return `errno ${-errno}`
  }
}
