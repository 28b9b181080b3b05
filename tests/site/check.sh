# check.sh SITE: the site has no fault, and the check finds each kind of fault in a small site that has it.
set -euo pipefail

check() {
    /usr/bin/python3 -B "$(dirname "$0")/check.py" "$1"
}

faulty=$(mktemp -d "${TMPDIR:-/tmp}/lessonstore-site.XXXXXX")
trap 'rm -rf "$faulty"' EXIT

# expect MESSAGE BODY: a page with this body has this fault alone.
expect() {
    local body='<!DOCTYPE html><title>x</title><main><a href="#here" id="here">here</a>' output
    printf '%s%s</main>' "$body" "$2" >"$faulty/page.html"
    output=$(check "$faulty") && [ -n "$1" ] && { printf 'not found: %s\n' "$1" >&2; exit 1; }
    grep -qF -- "${1:-, 0 problems}" <<<"$output" || { printf 'no "%s" in:\n%s\n' "$1" "$output" >&2; exit 1; }
}

expect '' '<div style="overflow-x: auto; width: 100px"><p style="width: 3000px">wide, but it scrolls</p></div>'
expect 'scrolls sideways' '<p style="width: 3000px">wide</p>'
expect 'this does not fit: wide' '<p style="width: 3000px">wide</p>'
expect 'leads to no file' '<a href="nowhere.html">x</a>'
expect 'leads to no heading' '<a href="page.html#nowhere">x</a>'
expect 'a picture does not load' '<img src="nowhere.png">'
check "$1"
