#!/usr/bin/env bash
# ./run compat: builds and tests in a Debian 13 tree, which has hiredis 1.x, with its Redis 8.0 and then its Valkey 8.1.
# The tree stays in build/compat for the next time. LESSONSTORE_DEBIAN_MIRROR names a mirror if this system's own
# package source is not Debian's.
set -euo pipefail
cd "$(dirname "$0")/../.."

tree=$PWD/build/compat/debian-13
release=trixie

fail() {
    printf 'compat: %s\n' "$*" >&2
    exit 1
}

[ "$(id -u)" = 0 ] || fail "has to be run by root: it makes a system tree and enters it"
command -v debootstrap >/dev/null || apt-get install -q -y --no-install-recommends debootstrap >/dev/null ||
    fail "debootstrap is missing"
# Only this script sees the mounts below, and they end with it, however it ends.
[ "${LESSONSTORE_COMPAT_NAMESPACE:-}" ] || LESSONSTORE_COMPAT_NAMESPACE=yes exec unshare --mount -- bash "$PWD/tests/compat/compat.sh"
mirror=${LESSONSTORE_DEBIAN_MIRROR:-$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | head -n 1)}

if [ ! -e "$tree/made" ]; then
    rm -rf "$tree"
    mkdir -p "$tree"
    echo "Making a Debian 13 tree in $tree ..."
    debootstrap --variant=minbase --include=git,ca-certificates $release "$tree" "$mirror" >"$tree.log" 2>&1 ||
        { tail -n 5 "$tree.log" >&2; fail "debootstrap failed (log: $tree.log)"; }
    touch "$tree/made"
fi

mount --bind /proc "$tree/proc"
mount --bind /dev "$tree/dev"
mount --bind /dev/pts "$tree/dev/pts"
cp /etc/resolv.conf "$tree/etc/resolv.conf"
printf '127.0.0.1 localhost\n::1 localhost\n' >"$tree/etc/hosts"

# The files that git tracks, as they are in the work tree.
rm -rf "$tree/lessonstore"
mkdir "$tree/lessonstore"
git ls-files -z --cached --others --exclude-standard | xargs -0 cp --parents -t "$tree/lessonstore"

inside() {
    chroot "$tree" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 "$@"
}

# In a complete system, the servers' packages would start a service.
printf '#!/bin/sh\nexit 101\n' >"$tree/usr/sbin/policy-rc.d"
chmod +x "$tree/usr/sbin/policy-rc.d"
inside sh -c 'apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends redis-server valkey-server' \
    >"$tree.log" 2>&1 || { tail -n 5 "$tree.log" >&2; fail "installing the servers failed (log: $tree.log)"; }

failed=
for server in redis-server valkey-server; do
    printf '\n== Debian 13, hiredis %s, %s\n' "$(inside dpkg-query -W -f='${Version}' libhiredis-dev 2>/dev/null || echo 1.x)" \
        "$(inside $server --version)"
    inside LESSONSTORE_REDIS_SERVER=/usr/bin/$server sh -c 'cd /lessonstore && ./run test' || failed+=" $server"
done
[ -z "$failed" ] || fail "tests failed with$failed"
