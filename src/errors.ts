// Errors as Node's own: `code`, negative `errno`, `syscall`, and an address where there is one. Match on `code`.

/** Linux's numbers: the codes that a socket call here can end with. */
const ERRNO = {
  EPERM: 1,
  ENOENT: 2,
  EINTR: 4,
  EIO: 5,
  EBADF: 9,
  EAGAIN: 11,
  ENOMEM: 12,
  EACCES: 13,
  EBUSY: 16,
  EEXIST: 17,
  ENODEV: 19,
  EINVAL: 22,
  EMFILE: 24,
  EPIPE: 32,
  EMSGSIZE: 90,
  ENOPROTOOPT: 92,
  EPROTONOSUPPORT: 93,
  EADDRINUSE: 98,
  EADDRNOTAVAIL: 99,
  ENETDOWN: 100,
  ENETUNREACH: 101,
  ECONNABORTED: 103,
  ECONNRESET: 104,
  ENOBUFS: 105,
  EISCONN: 106,
  ENOTCONN: 107,
  ETIMEDOUT: 110,
  ECONNREFUSED: 111,
  EHOSTUNREACH: 113,
  EALREADY: 114
} as const

export type ErrorCode = keyof typeof ERRNO

export class SocketError extends Error {
  override readonly name = 'SocketError'
  /** Negative, as Node gives it. */
  readonly errno: number

  /** `detail` follows the code in the message, for errors whose code alone does not say what to do. */
  constructor(
    readonly code: ErrorCode,
    readonly syscall: string,
    readonly address?: string,
    readonly port?: number,
    detail?: string
  ) {
    super(
      `${syscall} ${code}${detail === undefined ? '' : `: ${detail}`}` +
        (address === undefined ? '' : ` ${address}${port === undefined ? '' : `:${port}`}`)
    )
    this.errno = -ERRNO[code]
  }
}

/** Misuse of the API: a value out of range. */
export function rangeError(code: string, message: string): RangeError {
  return Object.assign(new RangeError(message), { code })
}

/** Misuse of the API: a value of the wrong type. */
export function typeError(code: string, message: string): TypeError {
  return Object.assign(new TypeError(message), { code })
}

/** The code for an errno of the kernel, undefined for one that is not in the table. */
export function codeOf(errno: number): ErrorCode | undefined {
  return CODES.get(Math.abs(errno))
}

const CODES = new Map(Object.entries(ERRNO).map(([code, errno]) => [errno as number, code as ErrorCode]))
