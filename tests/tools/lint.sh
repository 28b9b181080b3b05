#!/usr/bin/env bash
# ./run lint: clang-tidy on core, backends, bindings, cli and examples with the checks of .clang-tidy, and cppcheck on all
# C code, except what cppcheck.txt excuses. One finding fails.
set -uo pipefail
cd "$(dirname "$0")/../.."
directory=$1
jobs=$(nproc)
status=0

# If the analyzer runs several files in one process, it takes every va_list but the first for uninitialised.
sed -n 's/^ *"file": "\(.*\)",\{0,1\}$/\1/p' "$directory/compile_commands.json" |
    grep -E "^$PWD/(core|backends|bindings|cli|examples)/" | sort -u >"$directory/files"
[ -s "$directory/files" ] || { echo "lint: no file to check" >&2; exit 1; }
xargs -P "$jobs" -n 1 clang-tidy -p "$directory" --quiet <"$directory/files" 2>"$directory/clang-tidy.log" || status=1
grep -E '^Error' "$directory/clang-tidy.log" && status=1
echo "clang-tidy: $(wc -l <"$directory/files") files, $(clang-tidy --list-checks -p "$directory" core/store.c 2>/dev/null | grep -c '^ ') checks$([ $status = 0 ] && echo ', no finding')"

# run_cppcheck CHECKS DIRECTORY...
run_cppcheck() {
    cppcheck -j "$jobs" --quiet --enable="$1" --std=c11 --platform=unix64 --library=posix,gnu -D_GNU_SOURCE \
        -DLESSON_STORE_WITH_MEMORY -DLESSON_STORE_WITH_SQLITE -DLESSON_STORE_WITH_REDIS \
        -Iinclude -Icore -Itests/support -Itests/conformance -Itests/redis --suppressions-list=tests/tools/cppcheck.txt \
        --error-exitcode=1 --template='{file}:{line}: {severity}: {message} [{id}]' "${@:2}" || { status=1; return; }
    echo "cppcheck: $1 on ${*:2}, no finding"
}

run_cppcheck warning,performance,portability,style core backends bindings cli include examples
run_cppcheck warning,performance,portability tests bench
exit $status
