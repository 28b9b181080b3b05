#!/usr/bin/env bash
# ./run package [--check] [RELEASE...]: builds the Debian packages, each release in a tree of its own, and lets lintian
# judge them. They are in build/package/RELEASE. With --check they are also used in a bare tree: see check.sh.
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/support/debian_tree.sh
tree_begin package "$PWD/cmake/packaging/package.sh" "$@"

check=
[ "${1:-}" != --check ] || { check=yes; shift; }
[ $# -gt 0 ] || set -- bookworm trixie
declare -A number=([bookworm]=12 [trixie]=13)

value_of() {
    sed -n "s/^#define LESSON_STORE_VERSION_$1 //p" include/lessonstore/lessonstore.h
}
major=$(value_of MAJOR)
minor=$(value_of MINOR)
version=$major.$minor.$(value_of PATCH)
# Before 1.0, a program needs the minor version that it was built with.
interface=$major next=$((major + 1))
[ "$major" != 0 ] || interface=0.$minor next=0.$((minor + 1))
date=$(git log -1 --format=%cD 2>/dev/null || date -R -r CHANGELOG.md)

# The packages of two releases are linked with different libraries, so their versions differ: +deb12 is before +deb13.
prepare_sources() {
    local sources=$1 release=$2 file
    copy_sources "$sources"
    cp -r cmake/packaging/debian "$sources/debian"
    for file in "$sources"/debian/*.in; do
        sed "s/@VERSION@/$version+deb${number[$release]}/; s/@INTERFACE@/$interface/g; s/@NEXT@/$next/; s/@DATE@/$date/" \
            "$file" >"${file%.in}"
        rm "$file"
    done
}

build() {
    local release=$1 out=build/package/$1
    tree_make "$PWD/build/package/trees/$release" "$release"
    tree_enter "$PWD/build/package/trees/$release"
    inside_install build-essential lintian
    rm -rf "$tree/build"
    prepare_sources "$tree/build/lessonstore" "$release"
    run_logged "$tree.log" inside sh -c "cd /build/lessonstore && apt-get build-dep -q -y --no-install-recommends ./"
    echo "Building the packages for Debian $release ..."
    tree_log_lines=40 run_logged "$tree.log" inside DEB_BUILD_OPTIONS="parallel=$(nproc)" \
        sh -c "cd /build/lessonstore && dpkg-buildpackage -us -uc -b"
    inside sh -c 'cd /build && lintian --fail-on error,warning --allow-root *.changes' || fail "lintian complains"
    rm -rf "$out"
    mkdir -p "$out"
    cp "$tree"/build/*.deb "$out/"
    (cd "$out" && printf '%s\n' *.deb | sed "s|^|  $out/|" | grep -v dbgsym)
}

for release in "$@"; do
    [ "${number[$release]:-}" ] || fail "there is no release $release; there are: ${!number[*]}"
    build "$release"
    [ -z "$check" ] || . cmake/packaging/check.sh
done
