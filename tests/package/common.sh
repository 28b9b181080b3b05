# For the scripts of this directory: strict mode, a temporary directory $work, and failing with a message.
set -euo pipefail

work=$(mktemp -d "${TMPDIR:-/tmp}/lessonstore-package.XXXXXX")
trap 'rm -rf "$work"' EXIT

fail() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 1
}

# Runs a command whose output matters only if it fails.
quietly() {
    "$@" >"$work/log" 2>&1 || { cat "$work/log" >&2; fail "failed: $*"; }
}

# A sanitized library needs sanitized programs, and what other projects get does not depend on that.
skip_if_sanitized() {
    [ -z "$SANITIZE" ] || { echo "skipped: the library is built with sanitizers"; exit 77; }
}

# Configures, builds and runs the consumer project: consume NAME CMAKE-ARGUMENT...
consume() {
    local name=$1
    shift
    quietly "$CMAKE" -S "$SOURCE/tests/package/consumer" -B "$work/$name" -DCMAKE_C_COMPILER="$CC" "$@"
    quietly "$CMAKE" --build "$work/$name"
    expect_consumer "$work/$name/consumer"
}

expect_consumer() {
    local said
    said=$("$1") || fail "$1 failed"
    [ "$said" = "ann is in algebra 7" ] || fail "$1 said \"$said\""
}
