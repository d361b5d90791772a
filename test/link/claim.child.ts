// Claims one port, or as many as there are descriptors for, says how it went, and stays.

import { KernelPorts } from '../../src/link/kernel-ports.ts'
import { loadAddon } from '../../src/native/addon.ts'
import { claimFree } from './ports.ts'

const ports = new KernelPorts(loadAddon(), { add() {}, remove() {} })
const wanted = process.argv[2] === 'all' ? 200 : 1
try {
  let port = 0
  for (let i = 0; i < wanted; i++) port = claimFree(ports)
  process.stdout.write(`claimed ${port}\n`)
} catch (error) {
  process.stdout.write(`${(error as { code: string }).code}\n`)
}
setInterval(() => {}, 1000)
