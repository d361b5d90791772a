// What the process finds out about itself.

import { spawnSync } from 'node:child_process'
import t from 'tap'
import { AddonError, loadAddon, packageRoot } from '../../src/native/addon.ts'
import { probe } from '../../src/native/probe.ts'
import { unless, unlessPrivileged } from '../support/privileges.ts'

t.test('with privileges everything works', { skip: unlessPrivileged() }, async t => {
  const found = probe()
  t.match(found, {
    addon: { works: true },
    rawSocket: { works: true },
    portGuard: { works: true },
    packetSocket: { works: true },
    // Each is older than the oldest kernel that Node runs on; what is newer is there or not.
    offloadFlags: {
      TUN_F_CSUM: true,
      TUN_F_TSO4: true,
      TUN_F_TSO_ECN: true,
      TUN_F_USO: Boolean,
      PACKET_VNET_HDR: true,
      PACKET_VNET_HDR_SZ: Boolean
    },
    capabilities: { CAP_NET_RAW: true, CAP_NET_ADMIN: true }
  })
  t.ok(found.checksums.includes('scalar'))
  t.type(found.offloads.lo?.genericSegmentation, 'boolean')
  t.same(JSON.parse(JSON.stringify(found)), found, 'plain data')
})

t.test(
  'without privileges it says what is missing',
  {
    skip: unless(process.getuid?.() === 0, 'needs root')
  },
  async t => {
    const script = `import { probe } from '${packageRoot()}/src/native/probe.ts'; console.log(JSON.stringify(probe()))`
    const { stdout } = spawnSync(process.execPath, ['--import=tsx', '--input-type=module', '--eval', script], {
      uid: 65534,
      gid: 65534,
      encoding: 'utf8'
    })
    t.match(JSON.parse(stdout), {
      addon: { works: true },
      rawSocket: { works: false, reason: 'EPERM' },
      portGuard: { works: true },
      packetSocket: { works: false, reason: 'EPERM' },
      tun: { works: false },
      offloadFlags: {},
      capabilities: { CAP_NET_RAW: false, CAP_NET_ADMIN: false }
    })
  }
)

t.test('without a binary the error names the remedy, and the probe reports it', async t => {
  const script = `import { probe } from '${packageRoot()}/src/native/probe.ts'
    import { loadAddon } from '${packageRoot()}/src/native/addon.ts'
    try { loadAddon() } catch ({ name, code, message }) { console.log(JSON.stringify({ name, code, message, found: probe() })) }`
  const { stdout, stderr } = spawnSync(
    process.execPath,
    ['--import=tsx', '--input-type=module', '--eval', script],
    // node-gyp-build looks here instead of in the package.
    { env: { ...process.env, RAWTCP_PREBUILD: '/nonexistent' }, encoding: 'utf8' }
  )
  t.equal(stderr, '')
  t.match(JSON.parse(stdout), {
    name: 'AddonError',
    code: 'ERR_RAWTCP_ADDON',
    message: /npm run build:addon/,
    found: { addon: { works: false, reason: /npm run build:addon/ }, rawSocket: { works: false }, checksums: [] }
  })
})

t.test('the addon is loaded once', async t => {
  t.equal(loadAddon(), loadAddon())
  t.equal(new AddonError('x').code, 'ERR_RAWTCP_ADDON')
})
