// A link that is open lives, whoever refers to it: its sockets are what the world refers to.

import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import t from 'tap'
import { unlessPrivileged } from '../support/privileges.ts'

const child = new URL('collected.child.ts', import.meta.url).pathname

for (const driver of ['raw', 'raw-socket']) {
  t.test(`${driver}: a server that nobody refers to goes on serving`, { skip: unlessPrivileged() }, async t => {
    const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', '--import=tsx', child, driver])
    t.equal(stdout, 'still there\n')
  })
}
