#!/usr/bin/env bash
# bench.sh DIRECTORY [--short] [NAME]: runs the benchmarks built in DIRECTORY, or the one of this name. Figures go to
# bench/results/NAME.tsv, and the report is made again from all figures there. With --short, figures go to DIRECTORY/short
# and only show that everything works.
set -euo pipefail
cd "$(dirname "$0")/.."

directory=$1
shift
short=
name=
for word in "$@"; do
    case $word in
    --short) short=--short ;;
    -*) echo "usage: ./run bench [--short] [NAME]" >&2 && exit 2 ;;
    *) name=$word ;;
    esac
done

programs=("$directory"/bench_*)
[ -z "$name" ] || programs=("$directory/bench_$name")
[ -x "${programs[0]}" ] || { echo "bench: there is no benchmark $name" >&2 && exit 2; }
results=bench/results
[ -z "$short" ] || results=$directory/short
mkdir -p "$results"

# The measured commit, and whether files other than figures have changed since.
commit() {
    local commit
    commit=$(git rev-parse --short HEAD 2>/dev/null) || { echo unknown && return; }
    git diff --quiet HEAD -- . ':!bench/results' || commit+=" with changes"
    echo "$commit"
}

# The facts that the figures depend on. The machine's name and paths are left out.
facts() {
    local redis
    printf '# measured\t%s\n' "$(date -u '+%Y-%m-%d %H:%M UTC')"
    printf '# commit\t%s\n' "$(commit)"
    redis=$(command -v redis-server valkey-server redis-check-rdb | head -n 1)
    printf '# processor\t%s, %s vCPUs\n' "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)" "$(nproc)"
    printf '# kernel\t%s\n' "$(uname -sr | cut -d - -f 1)"
    printf '# compiler\t%s\n' "$(cc --version | head -n 1)"
    printf '# Redis\t%s\n' "$("$redis" --version | grep -oE '[0-9]+\.[0-9]+\.[0-9]+' | head -n 1)"
    printf '# hiredis\t%s\n' "$(pkg-config --modversion hiredis)"
    printf '# SQLite\t%s\n' "$(pkg-config --modversion sqlite3)"
    printf '# redis-py\t%s\n' "$(/usr/bin/python3 -c 'import redis, redis.connection as c
print(redis.__version__, "with hiredis" if c.HIREDIS_AVAILABLE else "without hiredis")')"
}

for program in "${programs[@]}"; do
    bench=${program##*/bench_}
    facts >"$directory/$bench.new"
    "$program" $short >>"$directory/$bench.new"
    mv "$directory/$bench.new" "$results/$bench.tsv"
done
/usr/bin/python3 -B bench/report "$results"
