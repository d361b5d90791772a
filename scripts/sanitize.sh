#!/bin/sh
# Runs the native tests with the addon built under AddressSanitizer, LeakSanitizer and UndefinedBehaviorSanitizer, and
# fails on any finding in the addon. Needs g++ with libasan; tests that need privileges skip without them, as ever.

set -eu
cd "$(dirname "$0")/.."

out=$PWD/build/sanitize
headers=${RAWTCP_NODE_HEADERS:-$(node -p "require('node:path').join(process.execPath, '../../include/node')")}
if [ ! -f "$headers/node_api.h" ]; then
  echo "No headers of Node in $headers: set RAWTCP_NODE_HEADERS" >&2
  exit 2
fi

rm -rf "$out"
mkdir -p "$out/build/Release" "$out/reports"
# Some tests run as nobody and have things to report, too.
chmod 777 "$out/reports"

g++ -std=gnu++17 -g -O1 -fPIC -shared -fno-omit-frame-pointer -fno-exceptions -fno-rtti \
  -fsanitize=address,undefined -fno-sanitize-recover=undefined -Wall -Wextra -Werror \
  -DNAPI_VERSION=8 -DNODE_GYP_MODULE_NAME=rawtcp -DNODE_ADDON_API_DISABLE_CPP_EXCEPTIONS \
  -isystem "$headers" -isystem "$(node -p "require('node-addon-api').include_dir")" \
  binding/*.cc -o "$out/build/Release/rawtcp.node"

# Where node-gyp-build looks instead of in the package: the usual build stays as it is.
export RAWTCP_PREBUILD="$out"
# For leaks the reports decide, not the exit code: what Node and V8 still hold at the end is for the reader of the
# reports to tell from what the addon has lost. Undefined behaviour ends the process; its report is in the output.
export ASAN_OPTIONS="detect_leaks=1:log_path=$out/reports/asan:handle_segv=0:alloc_dealloc_mismatch=0"
export UBSAN_OPTIONS="print_stacktrace=1"
export LSAN_OPTIONS="exitcode=0"
# All runs several times slower.
export TAP_TIMEOUT=300

failed=0
for test in test/native/*.test.ts test/link/kernel-ports.test.ts test/link/raw.test.ts test/link/raw-process.test.ts \
  test/link/packet.test.ts test/link/host-packet.test.ts test/link/tun.test.ts test/link/share-stacks.test.ts; do
  echo "$test"
  if ! LD_PRELOAD="$(g++ -print-file-name=libasan.so) $(g++ -print-file-name=libubsan.so)" \
    node --import=tsx "$test" >"$out/reports/output" 2>&1; then
    failed=1
    tail -60 "$out/reports/output"
  fi
done

node scripts/sanitizer-reports.mjs "$out/reports" || failed=1
exit $failed
