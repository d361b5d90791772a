// What it means when the kernel refuses a packet socket.

import { SocketError } from '../errors.ts'
import { errnoName, socketError } from '../native/errno.ts'

export function openError(errno: number, interfaceName: string): SocketError {
  const error = (code: 'EPERM' | 'ENODEV' | 'ENETDOWN' | 'EPROTONOSUPPORT', detail: string): SocketError =>
    new SocketError(code, 'socket', undefined, undefined, detail)
  switch (errnoName(errno)) {
    case 'EPERM':
      return error(
        'EPERM',
        'packet sockets need the capability CAP_NET_RAW; run as root, or give it to node with setcap'
      )
    case 'ENODEV':
      return error('ENODEV', `there is no interface ${interfaceName}`)
    case 'ENETDOWN':
      return error('ENETDOWN', `the interface ${interfaceName} is down: ip link set ${interfaceName} up`)
    case 'EPROTONOSUPPORT':
      return error('EPROTONOSUPPORT', `the interface ${interfaceName} is no Ethernet`)
    default:
      return socketError(errno, 'socket', interfaceName)
  }
}
