// Claims the port that it is given, or as many as there are descriptors for, says how it went, and stays.

import { KernelPorts } from '../../src/link/kernel-ports.ts'
import { loadAddon } from '../../src/native/addon.ts'
import { LOOPBACK } from '../native/packets.ts'

const ports = new KernelPorts(loadAddon(), { add() {}, remove() {} })
const wanted = process.argv[2]
try {
  if (wanted !== 'all') ports.claim(LOOPBACK, Number(wanted))
  else for (let port = 15000; port < 15200; port++) claimUnlessTaken(port)
  process.stdout.write('claimed\n')
} catch (error) {
  process.stdout.write(`${(error as { code: string }).code}\n`)
}
setInterval(() => {}, 1000)

function claimUnlessTaken(port: number): void {
  try {
    ports.claim(LOOPBACK, port)
  } catch (error) {
    if ((error as { code: string }).code !== 'EADDRINUSE') throw error
  }
}
