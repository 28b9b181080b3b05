# For scripts that work in trees of other Debian releases: ./run compat and ./run package. They run as root. A tree stays
# in build/ for the next time. LESSONSTORE_DEBIAN_MIRROR names a mirror if this system's own package source is not Debian's.

fail() {
    printf '%s: %s\n' "$tree_user" "$*" >&2
    exit 1
}

# tree_begin NAME SCRIPT ARGUMENT...: begins the script anew, so that only it sees the mounts in the trees, and they end
# with it, however it ends. NAME is for messages.
tree_begin() {
    tree_user=$1
    shift
    [ "$(id -u)" = 0 ] || fail "has to be run by root: it makes system trees and enters them"
    command -v debootstrap >/dev/null || fail "debootstrap is missing"
    [ "${LESSONSTORE_TREE_NAMESPACE:-}" ] || LESSONSTORE_TREE_NAMESPACE=yes exec unshare --mount -- bash "$@"
    mirror=${LESSONSTORE_DEBIAN_MIRROR:-$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | head -n 1)}
}

# run_logged LOG COMMAND...: runs a command whose output matters only if it fails.
run_logged() {
    local log=$1
    shift
    "$@" >"$log" 2>&1 || { tail -n "${tree_log_lines:-5}" "$log" >&2; fail "failed: $* (log: $log)"; }
}

# tree_make TREE RELEASE: a minimal system.
tree_make() {
    local tree=$1 release=$2
    [ ! -e "$tree.made" ] || return 0
    rm -rf "$tree"
    mkdir -p "$tree"
    echo "Making a tree of Debian $release in $tree ..."
    run_logged "$tree.log" debootstrap --variant=minbase --include=git,ca-certificates "$release" "$tree" "$mirror"
    # In a complete system, the packages of servers would start a service.
    printf '#!/bin/sh\nexit 101\n' >"$tree/usr/sbin/policy-rc.d"
    chmod +x "$tree/usr/sbin/policy-rc.d"
    touch "$tree.made"
}

# tree_enter TREE: mounts what programs need. From now on `inside` runs commands there.
tree_enter() {
    tree=$1
    mountpoint -q "$tree/proc" || mount --bind /proc "$tree/proc"
    mountpoint -q "$tree/dev" || mount --bind /dev "$tree/dev"
    mountpoint -q "$tree/dev/pts" || mount --bind /dev/pts "$tree/dev/pts"
    cp /etc/resolv.conf "$tree/etc/resolv.conf"
    printf '127.0.0.1 localhost\n::1 localhost\n' >"$tree/etc/hosts"
}

inside() {
    chroot "$tree" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive "$@"
}

inside_install() {
    run_logged "$tree.log" inside apt-get update -q
    run_logged "$tree.log" inside apt-get install -q -y --no-install-recommends "$@"
}

# copy_sources DIRECTORY: the files that git tracks, as they are in the work tree.
copy_sources() {
    rm -rf "$1"
    mkdir -p "$1"
    git ls-files -z --cached --others --exclude-standard | xargs -0 cp --parents -t "$1"
}
