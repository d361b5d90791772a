// The npm package raw-socket: what we use of it, typed here since it brings no types, and its errors, which have the
// text of strerror and no code.

import { createRequire } from 'node:module'
import { type ErrorCode, SocketError } from '../errors.ts'

/** What we use of the package, which brings no types. */
export interface PackageSocket {
  on(event: 'message', listener: (packet: Buffer, source: string) => void): void
  on(event: 'error', listener: (error: Error) => void): void
  send(
    bytes: Uint8Array,
    offset: number,
    length: number,
    address: string,
    after: (error: Error | null, bytes: number) => void
  ): void
  setOption(level: number, option: number, value: number): void
  close(): void
}

export interface Package {
  createSocket(options: { protocol: number; bufferSize: number }): PackageSocket
  readonly Protocol: { readonly TCP: number; readonly ICMP: number }
  readonly SocketLevel: { readonly SOL_SOCKET: number; readonly IPPROTO_IP: number }
  readonly SocketOption: { readonly SO_RCVBUF: number; readonly SO_SNDBUF: number; readonly IP_HDRINCL: number }
}

/** The largest IPv4 packet; the package's default of 4096 bytes would cut off what GRO has joined. */
export const LARGEST_PACKET = 65535

/** Throws an Error with `code` ERR_RAWTCP_RAW_SOCKET that says what to do. */
export function loadPackage(): Package {
  try {
    return createRequire(import.meta.url)('raw-socket') as Package
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.split('\n', 1)[0] : String(cause)
    throw Object.assign(
      new Error(
        'RawSocketLink needs the package raw-socket, built for this version of Node and outside of workers: ' +
          `npm install raw-socket. Reason: ${reason}`,
        { cause }
      ),
      { code: 'ERR_RAWTCP_RAW_SOCKET' }
    )
  }
}

/** Throws a SocketError, and closes `opened`, where the kernel refuses. */
export function openSocket(raw: Package, protocol: number, opened?: PackageSocket): PackageSocket {
  try {
    return raw.createSocket({ protocol, bufferSize: LARGEST_PACKET })
  } catch (error) {
    opened?.close()
    const text = error instanceof Error ? error.message : String(error)
    const code = codeOfText(text)
    const detail = code === 'EPERM' ? 'raw sockets need the capability CAP_NET_RAW' : text
    throw new SocketError(code ?? 'EIO', 'socket', undefined, undefined, detail)
  }
}

/** What glibc and musl say; the package's errors carry this text, and no code. */
const CODES: Readonly<Record<string, ErrorCode>> = {
  'Operation not permitted': 'EPERM',
  'Network is down': 'ENETDOWN',
  'Network is unreachable': 'ENETUNREACH',
  'Network unreachable': 'ENETUNREACH',
  'No route to host': 'EHOSTUNREACH',
  'Host is unreachable': 'EHOSTUNREACH',
  'Message too long': 'EMSGSIZE',
  'Message too large': 'EMSGSIZE',
  'Invalid argument': 'EINVAL',
  'Resource temporarily unavailable': 'EAGAIN',
  'No buffer space available': 'ENOBUFS',
  'Permission denied': 'EACCES',
  'Cannot assign requested address': 'EADDRNOTAVAIL'
}

/** The code for the text of an error, undefined where the text is not known. */
export function codeOfText(text: string): ErrorCode | undefined {
  return CODES[text]
}
