// A script as a tree: what the parser makes of its text, and what the runner carries out.

export interface Script {
  readonly file: string
  readonly options: readonly OptionLine[]
  readonly init: Shell | undefined
  readonly events: readonly Event[]
  readonly cleanup: Shell | undefined
}

export interface OptionLine {
  readonly name: string
  readonly value: string | undefined
  readonly line: number
}

/** Seconds. */
export type When =
  | { readonly kind: 'absolute' | 'relative'; readonly at: number }
  | { readonly kind: 'range'; readonly relative: boolean; readonly from: number; readonly to: number }
  | { readonly kind: 'any' }
  /** A blocking call: starts at one time, returns at the other. */
  | { readonly kind: 'blocking'; readonly relative: boolean; readonly from: number; readonly to: number }

export type Event = { readonly line: number; readonly when: When } & (
  | { readonly kind: 'packet'; readonly packet: Packet }
  | { readonly kind: 'call'; readonly call: Call }
  | { readonly kind: 'shell'; readonly shell: Shell }
  | { readonly kind: 'code'; readonly text: string }
)

export interface Shell {
  readonly line: number
  readonly text: string
}

export type Packet = TcpPacket | IcmpPacket

export interface IpInfo {
  readonly ecn?: 'ect0' | 'ect1' | 'ce' | 'noecn' | 'ect01'
  readonly tos?: number
  readonly ttl?: number
  /** Whether routers may not cut it (DF). */
  readonly dontFragment?: boolean
}

export interface TcpPacket {
  readonly kind: 'tcp'
  readonly inbound: boolean
  readonly ip: IpInfo
  readonly ports: { readonly source: number; readonly destination: number } | undefined
  /** Letters as written: `S.`, `P.`, `-`. */
  readonly flags: string
  readonly seq: number
  readonly length: number
  readonly ack: number | undefined
  readonly window: number | undefined
  readonly urgent: number | undefined
  /** The three bits that have no name yet, of a packet that is injected: one that is expected has zeros there. */
  readonly reserved: number | undefined
  /** Undefined for `<...>`; empty where there is no list. */
  readonly options: readonly TcpOption[] | undefined
}

export type TcpOption =
  | { readonly kind: 'mss' | 'wscale'; readonly value: number }
  | { readonly kind: 'sackOK' | 'nop' | 'eol' }
  | { readonly kind: 'sack'; readonly blocks: readonly (readonly [number, number])[] }
  | { readonly kind: 'TS'; readonly val: number; readonly ecr: number }
  | { readonly kind: 'md5' | 'FO' | 'FOEXP'; readonly hex: string }
  /** One that has no word: its number, and what follows its length. */
  | { readonly kind: 'kind'; readonly number: number; readonly hex: string }
  /** Bytes as they stand, for what is no option: none of it is checked. */
  | { readonly kind: 'bytes'; readonly hex: string }

export interface IcmpPacket {
  readonly kind: 'icmp'
  readonly inbound: boolean
  readonly type: number
  readonly code: number
  readonly mtu: number | undefined
  /** Undefined where nothing is said: SEQ 0. */
  readonly quote: { readonly seq: number; readonly length: number } | undefined
}

export interface Call {
  readonly name: string
  readonly args: readonly Expression[]
  /** What it returns: `...` is an ellipsis. */
  readonly result: Expression
  readonly errno: string | undefined
}

export type Expression =
  | { readonly kind: 'ellipsis' }
  | { readonly kind: 'null' }
  | { readonly kind: 'integer'; readonly value: number }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'word'; readonly name: string }
  | { readonly kind: 'or'; readonly operands: readonly Expression[] }
  | { readonly kind: 'list'; readonly items: readonly Expression[] }
  | { readonly kind: 'struct'; readonly fields: readonly Field[] }
  | { readonly kind: 'function'; readonly name: string; readonly args: readonly Expression[] }

/** `name=value`, `name(...)=value`, or a bare value (name undefined). */
export interface Field {
  readonly name: string | undefined
  /** What stands in parentheses behind the name. */
  readonly size?: Expression
  readonly value: Expression
}
