#!/usr/bin/env bash
# Fuzzes the targets that are built in a directory: fuzz.sh DIRECTORY [--soak SECONDS | --merge TARGET | [TARGET]
# [SECONDS]]. libFuzzer keeps its finds in DIRECTORY/finds/TARGET and writes to DIRECTORY/TARGET.log.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
directory=$1
shift

input_size_max=4096
input_seconds_max=10
# A find ends a process at once, even one of undefined behaviour.
export UBSAN_OPTIONS=print_stacktrace=1 ASAN_OPTIONS=quarantine_size_mb=4

targets=()
for program in "$directory"/tests/fuzz/fuzz-*; do
    targets+=("${program##*/fuzz-}")
done

program_of() {
    printf '%s/tests/fuzz/fuzz-%s' "$directory" "$1"
}

# The last of libFuzzer's lines "stat::NAME: VALUE" or "cov: VALUE".
figure() {
    grep -oE "$2:? +[0-9]+" "$directory/$1.log" | tail -n 1 | grep -oE '[0-9]+$' || echo 0
}

# Runs one target, whatever its result, and reports the result.
fuzz_one() {
    local target=$1 seconds=$2 status=0 dictionary=()
    mkdir -p "$directory/finds/$target" "$directory/crashes/$target"
    [ ! -e "$here/dictionaries/$target.dict" ] || dictionary=(-dict="$here/dictionaries/$target.dict")
    nice -n 5 "$(program_of "$target")" -max_total_time="$seconds" -max_len="$input_size_max" \
        -timeout="$input_seconds_max" -artifact_prefix="$directory/crashes/$target/" -print_final_stats=1 "${dictionary[@]}" \
        "$directory/finds/$target" "$here/corpora/$target" >"$directory/$target.log" 2>&1 || status=1
    printf '%-14s %11s executions %7s edges %2d crashes\n' "$target" "$(figure "$target" stat::number_of_executed_units)" \
        "$(figure "$target" cov)" "$status"
    [ "$status" = 0 ] || echo "  the input is in $directory/crashes/$target, the report in $directory/$target.log"
    return "$status"
}

# Runs each of these targets for this time.
fuzz() {
    local seconds=$1 failures=0 target
    shift
    for target in "$@"; do
        fuzz_one "$target" "$seconds" || failures=$((failures + 1))
    done
    [ "$failures" = 0 ]
}

# Adds to the corpus the inputs that reach code which the corpus does not reach.
merge() {
    nice -n 5 "$(program_of "$1")" -merge=1 -max_len="$input_size_max" "$here/corpora/$1" "$directory/finds/$1" \
        >"$directory/$1.merge.log" 2>&1
    printf '%-14s %d files in the corpus\n' "$1" "$(find "$here/corpora/$1" -type f | wc -l)"
}

check_target() {
    [ -x "$(program_of "$1")" ] && return
    echo "fuzz: there is no target \"$1\"; there are: ${targets[*]}" >&2
    exit 2
}

case ${1:-} in
--soak)
    # The time is the sum over all targets.
    fuzz $((${2:?how many seconds} / ${#targets[@]} + 1)) "${targets[@]}"
    ;;
--merge)
    check_target "${2:?which target}"
    merge "$2"
    ;;
[0-9]* | '')
    fuzz "${1:-60}" "${targets[@]}"
    ;;
*)
    check_target "$1"
    fuzz "${2:-60}" "$1"
    ;;
esac
