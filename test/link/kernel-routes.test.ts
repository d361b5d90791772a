// Routes of the kernel, remembered for a moment.

import t from 'tap'
import { KernelRoutes } from '../../src/link/kernel-routes.ts'
import type { Addon } from '../../src/native/addon.ts'

const ENETUNREACH = -101

/** A kernel with one route, which counts how often it is asked. */
function kernel(answer = 0): { addon: Addon; asked: () => number; setMtu: (mtu: number) => void } {
  let asked = 0
  let mtu = 1500
  const route = (_destination: number, source: number, result: Int32Array): number => {
    asked++
    result[0] = source || 0x0a000001
    result[1] = mtu
    return answer
  }
  return { addon: { route } as unknown as Addon, asked: () => asked, setMtu: value => void (mtu = value) }
}

t.test('a route is asked for once a second and destination', async t => {
  const { addon, asked, setMtu } = kernel()
  let now = 0
  const routes = new KernelRoutes(addon, 0, () => now)
  t.same(routes.lookUp(1), { source: 0x0a000001, mtu: 1500 })
  routes.lookUp(1)
  t.equal(asked(), 1)
  routes.lookUp(2)
  t.equal(asked(), 2)
  setMtu(1400)
  now = 999
  t.equal(routes.lookUp(1).mtu, 1500)
  now = 1000
  t.equal(routes.lookUp(1).mtu, 1400)
})

t.test('routes that are forgotten are asked for again', async t => {
  const { addon, asked } = kernel()
  const routes = new KernelRoutes(addon, 0, () => 0)
  routes.lookUp(1)
  routes.forget()
  routes.lookUp(1)
  t.equal(asked(), 2)
})

t.test('a source that was asked for is kept to', async t => {
  const { addon } = kernel()
  t.equal(new KernelRoutes(addon, 0x7f000001).lookUp(1).source, 0x7f000001)
})

t.test('no way there: a SocketError, not remembered', async t => {
  const { addon, asked } = kernel(ENETUNREACH)
  const routes = new KernelRoutes(addon, 0, () => 0)
  for (let i = 1; i <= 2; i++) {
    t.throws(() => routes.lookUp(0xc0000201 | 0), { code: 'ENETUNREACH', syscall: 'connect', address: '192.0.2.1' })
    t.equal(asked(), i)
  }
})
