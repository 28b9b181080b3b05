#!/usr/bin/env bash
# ./run compat: builds and tests in a Debian 13 tree, which has hiredis 1.x, with its Redis 8.0 and then its Valkey 8.1.
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/support/debian_tree.sh
tree_begin compat "$PWD/tests/compat/compat.sh"

tree_make "$PWD/build/compat/debian-13" trixie
tree_enter "$PWD/build/compat/debian-13"
copy_sources "$tree/lessonstore"
inside_install redis-server valkey-server

failed=
for server in redis-server valkey-server; do
    printf '\n== Debian 13, hiredis %s, %s\n' "$(inside dpkg-query -W -f='${Version}' libhiredis-dev 2>/dev/null || echo 1.x)" \
        "$(inside $server --version)"
    inside LESSONSTORE_REDIS_SERVER=/usr/bin/$server sh -c 'cd /lessonstore && ./run test' || failed+=" $server"
done
[ -z "$failed" ] || fail "tests failed with$failed"
