#!/usr/bin/env bash
# Packs the package, installs the tarball in an empty folder without running any install script, and uses it there: by
# `import`, by `require`, in memory, and by its commands.
set -euo pipefail
work=$1
root=$(cd "$(dirname "$0")/.." && pwd)
mkdir -p "$work/user"

tarball=$(cd "$root" && npm pack --silent --ignore-scripts --pack-destination "$work" | tail -n 1)
cd "$work/user"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts --omit=optional --omit=peer "$work/$tarball"

cat >memory.mjs <<'JS'
import { pairLinks, Stack, VirtualClock } from 'rawtcp/sim'
const clock = new VirtualClock()
const [left, right] = pairLinks({ host: clock })
const server = new Stack({ link: right, host: clock })
const client = new Stack({ link: left, host: clock })
let heard = ''
server.listen({ port: 7 }, c => {
  c.handlers = { readable: () => c.write(c.read()), ended: () => c.shutdown() }
})
client.connect({ address: '10.0.0.2', port: 7 }, {
  connected: c => { c.write(Buffer.from('over memory')); c.shutdown() },
  readable: c => { heard += Buffer.from(c.read()) }
})
clock.runUntilIdle(100_000)
if (heard !== 'over memory') throw new Error(`heard ${JSON.stringify(heard)}`)
console.log('in memory: ok')
JS
node memory.mjs

cat >required.cjs <<'JS'
const { createRawStack, ConnectionStream } = require('rawtcp')
if (typeof createRawStack !== 'function' || typeof ConnectionStream !== 'function') throw new Error('exports are missing')
console.log('require: ok')
JS
# From 20.19 and 22.12 on, require() takes ES modules.
node required.cjs

npx rawtcp --version
cat >refused.pkt <<'PKT'
// RFC 9293 section 3.10.7.1: what comes to CLOSED is answered by a RST.
 0  < S 0:0(0) win 1000
+0  > R. 0:0(0) ack 1
PKT
npx rawtcp packetdrill refused.pkt
npx rawtcp sim "$root/docs/scenarios/policed.json" --duration 2 --plot plot.html >/dev/null
test -s plot.html
npx rawtcp doctor
npx rawtcp demo >demo.log || { cat demo.log; exit 1; }
tail -n 5 demo.log
