# Shared by the tests of lessonctl. LESSONCTL and SCHOOL_DAY are the programs, BACKENDS the backends that are built.
set -euo pipefail

work=$(mktemp -d "${TMPDIR:-/tmp}/lessonctl-test.XXXXXX")
trap 'rm -rf "$work"' EXIT
cd "$work"
export HOME=$work XDG_DATA_HOME=$work/data XDG_STATE_HOME=$work/state LC_ALL=C.UTF-8
unset LESSONSTORE_LOCATION
tab=$'\t'
checks=0

lessonctl() {
    "$LESSONCTL" "$@"
}

fail() {
    printf 'FAILED: %s\n' "$*" >&2
    exit 1
}

finish() {
    printf '%s: %d checks\n' "$(basename "$0")" "$checks"
}

# status N COMMAND...: the command ends with N. Its output is in $out and $err.
status() {
    local expected=$1 actual=0
    shift
    "$@" >"$work/.out" 2>"$work/.err" || actual=$?
    out=$(cat "$work/.out")
    err=$(cat "$work/.err")
    [ "$actual" = "$expected" ] || fail "$* ended with $actual, not $expected; stdout: $out; stderr: $err"
    checks=$((checks + 1))
}

# gives N OUTPUT COMMAND...: the command ends with N, prints exactly this, and prints a message only if N is not 0.
gives() {
    local expected=$1 text=$2
    shift 2
    status "$expected" "$@"
    [ "$out" = "$text" ] || fail "$* printed \"$out\", not \"$text\""
    if [ "$expected" = 0 ]; then
        [ -z "$err" ] || fail "$* said: $err"
    else
        [ -n "$err" ] || fail "$* ended with $expected and said nothing"
    fi
}

# refuses N TEXT COMMAND...: the command ends with N, prints no data, and its message contains the text.
refuses() {
    local expected=$1 text=$2
    shift 2
    status "$expected" "$@"
    [ -z "$out" ] || fail "$* printed data: $out"
    case $err in
    *"$text"*) ;;
    *) fail "$* said \"$err\", which does not contain \"$text\"" ;;
    esac
    case $err in
    "lessonctl: "*) ;;
    *) fail "$* said \"$err\", which does not begin with lessonctl:" ;;
    esac
}

# says N CODE TEXT COMMAND...: the command ends with N and its messages are JSON: a single object with this code and a
# message that contains the text.
says() {
    local expected=$1 code=$2 text=$3
    shift 3
    status "$expected" "$@"
    case $err in
    *$'\n'*) fail "$* said more than one line: $err" ;;
    "{\"code\":\"$code\",\"message\":\""*"$text"*) ;;
    *) fail "$* said \"$err\", not $code with \"$text\"" ;;
    esac
    [ "${err: -1}" = "}" ] || fail "$* said what is not a whole object: $err"
}

has_backend() {
    case " $BACKENDS " in
    *" $1 "*) return 0 ;;
    *) return 1 ;;
    esac
}

# A new store on a backend that outlives a process: sets LESSONSTORE_LOCATION.
stores=0
fresh_store() {
    stores=$((stores + 1))
    case $1 in
    sqlite) LESSONSTORE_LOCATION=sqlite:$work/store$stores.db ;;
    redis) LESSONSTORE_LOCATION="$LESSONSTORE_TEST_REDIS?prefix=T$stores" ;;
    esac
    export LESSONSTORE_LOCATION
}

snapshot() {
    lessonctl export | sort
}

# unchanged COMMAND...: runs one of the checks above and verifies that the store is unchanged.
unchanged() {
    local before
    before=$(snapshot)
    "$@"
    [ "$before" = "$(snapshot)" ] || fail "$* has changed the store"
}
