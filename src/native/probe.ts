// What this process may and can do here, as plain data: for `doctor` and for bug reports. Sends nothing, and changes nothing that
// stays: a TUN device is made for a moment, and never up.

import { accessSync, closeSync, constants, existsSync, openSync, readFileSync } from 'node:fs'
import { networkInterfaces, release } from 'node:os'
import { type Addon, loadAddon } from './addon.ts'
import { errnoName } from './errno.ts'

/** `reason` is an errno's name where the kernel said no, else a sentence; where it works, what to know about it. */
export interface Finding {
  readonly works: boolean
  readonly reason?: string
}

export interface Probe {
  readonly node: string
  readonly kernel: string
  readonly platform: string
  readonly addon: Finding
  /** Ways of summing that this processor has, the fastest last. */
  readonly checksums: readonly string[]
  /** Raw sockets for TCP and ICMP: CAP_NET_RAW. */
  readonly rawSocket: Finding
  /** A port reserved in the kernel and kept silent: SO_ATTACH_FILTER on a listening socket. */
  readonly portGuard: Finding
  /** Packet sockets: CAP_NET_RAW. */
  readonly packetSocket: Finding
  /** Devices made by TUN: the file and CAP_NET_ADMIN. */
  readonly tun: Finding
  /** What the kernel would do for TUN devices (`TUN_F_TSO4`, say) and packet sockets; drivers do without what it does not know. */
  readonly offloadFlags: Readonly<Record<string, boolean>>
  /** Effective capabilities, those of no interest here left out; undefined where the kernel does not tell. */
  readonly capabilities: Readonly<Record<string, boolean>> | undefined
  /** What each interface's driver does with packets; undefined where it does not tell. */
  readonly offloads: Readonly<Record<string, Readonly<Record<string, boolean>> | undefined>>
}

/** Bits of linux/capability.h. */
const CAPABILITIES = { CAP_NET_BIND_SERVICE: 10, CAP_NET_ADMIN: 12, CAP_NET_RAW: 13, CAP_SYS_ADMIN: 21, CAP_BPF: 39 }

const TUN = '/dev/net/tun'
/** A name that no interface can have. */
const NO_INTERFACE = '/'
/** BPF_RET. */
const RETURN = 0x06
const WITHOUT_FILTER =
  'without CAP_NET_ADMIN the kernel takes no filter here: segments with a TTL of 255 are answered by it'
const NO_ADDON: Finding = { works: false, reason: 'the addon is not loaded' }

export function probe(): Probe {
  const { addon, reason } = tryAddon()
  const capabilities = readCapabilities()
  return {
    node: process.version,
    kernel: release(),
    platform: `${process.platform}-${process.arch}`,
    addon: addon === undefined ? { works: false, reason } : { works: true },
    checksums: addon?.variants() ?? [],
    rawSocket: addon === undefined ? NO_ADDON : tryRawSocket(addon),
    portGuard: addon === undefined ? NO_ADDON : tryPortGuard(addon),
    packetSocket: addon === undefined ? NO_ADDON : tryPacketSocket(addon),
    tun: tryTun(capabilities),
    offloadFlags: addon?.offloadFlags() ?? {},
    capabilities,
    offloads: addon === undefined ? {} : readOffloads(addon)
  }
}

function tryAddon(): { addon?: Addon; reason: string } {
  try {
    return { addon: loadAddon(), reason: '' }
  } catch (error) {
    return { reason: error instanceof Error ? error.message : String(error) }
  }
}

function finding(errno: number): Finding {
  return errno === 0 ? { works: true } : { works: false, reason: errnoName(errno) }
}

function tryRawSocket(addon: Addon): Finding {
  const socket = new addon.RawSocket(new Float64Array(addon.RawSocket.counterNames.length))
  const errno = socket.open(0, 0, 0)
  socket.close()
  return finding(errno)
}

function tryPacketSocket(addon: Addon): Finding {
  const socket = new addon.PacketSocket(new Float64Array(addon.PacketSocket.counterNames.length))
  const nothing = new Uint32Array([RETURN, 0, 0, 0])
  const errno = socket.open(NO_INTERFACE, 0, nothing, nothing, false, false, 0, 0)
  socket.close()
  // It has come as far as to look for the interface.
  return errnoName(errno) === 'ENODEV' ? { works: true } : finding(errno)
}

function tryPortGuard(addon: Addon): Finding {
  const guard = new addon.PortGuard()
  // Port 0: one that is free.
  const errno = guard.claim(0x7f000001, 0, -1, false)
  const byFilter = guard.byFilter()
  guard.close()
  return errno === 0 && !byFilter ? { works: true, reason: WITHOUT_FILTER } : finding(errno)
}

function tryTun(capabilities: Probe['capabilities']): Finding {
  if (!existsSync(TUN))
    return { works: false, reason: `${TUN} is missing: load the module "tun", or pass the device in` }
  try {
    accessSync(TUN, constants.R_OK | constants.W_OK)
    closeSync(openSync(TUN, 'r+'))
  } catch (error) {
    return { works: false, reason: (error as NodeJS.ErrnoException).code ?? String(error) }
  }
  if (capabilities?.CAP_NET_ADMIN === false) return { works: false, reason: 'CAP_NET_ADMIN is missing' }
  return { works: true }
}

function readCapabilities(): Record<string, boolean> | undefined {
  let status: string
  try {
    status = readFileSync('/proc/self/status', 'latin1')
  } catch {
    return undefined
  }
  const line = /^CapEff:\s*([0-9a-f]+)$/m.exec(status)
  if (line === null) return undefined
  const mask = BigInt(`0x${line[1]}`)
  return Object.fromEntries(
    Object.entries(CAPABILITIES).map(([name, bit]) => [name, ((mask >> BigInt(bit)) & 1n) === 1n])
  )
}

function readOffloads(addon: Addon): Probe['offloads'] {
  const names = Object.keys(networkInterfaces())
  return Object.fromEntries(
    names.map(name => {
      const answer = addon.offloads(name)
      return [name, typeof answer === 'number' ? undefined : answer]
    })
  )
}
