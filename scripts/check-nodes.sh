#!/usr/bin/env bash
# Runs the demo, from the packed and installed package of check-pack.sh, on the other versions of Node that are
# supported; the npm package `node` brings them.
set -euo pipefail
work=$1
for version in 20 22 24; do
  mkdir -p "$work/node$version"
  (
    cd "$work/node$version"
    npm init -y >/dev/null
    npm install --silent --no-audit --no-fund "node@$version"
  )
  node=$(find "$work/node$version/node_modules" -path '*/bin/node' -type f -size +1M | head -n 1)
  "$node" --version
  (cd "$work/user" && "$node" memory.mjs && "$node" required.cjs && "$node" node_modules/rawtcp/lib/cli/main.js demo | tail -n 1)
done
