#!/usr/bin/env bash
# model.sh DIRECTORY test|run [NAME]: checks the configurations of p3.pml that configurations.tsv names, exhaustively:
# "test": those that are small, "run": all, or those whose name matches the regular expression NAME. It prints a table.
# Fails if one is not as expected. Nothing is approximate: all states are stored. LESSONSTORE_MODEL_MB is how much
# memory one of them may take (1900 for "test", 16000 for "run").
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
directory=$1
which=$2
pattern=${3:-.}
memory_mb=${LESSONSTORE_MODEL_MB:-$([ "$which" = run ] && echo 16000 || echo 1900)}
hash_bits=24
too_large='out of memory|max search depth|MEMLIM'
status=0
command -v spin >/dev/null || { echo "model.sh: spin is not installed" >&2; exit 77; }
mkdir -p "$directory"

# By what the assertion looks at.
property_of() {
    case $1 in
    *anybody_crashed*) echo G1 ;;
    *was_in*) echo G3 ;;
    *applied* | *H_o\[u\]==o0*) echo G5 ;;
    *id_at_start*) echo end ;;
    *'<='*) echo capacity ;;
    *'A[0]==1'*) echo G4 ;;
    *assertion*) echo G2 ;;
    *) echo incomplete ;;
    esac
}

build() {
    rm -rf "${directory:?}/$1"
    mkdir "$directory/$1"
    cd "$directory/$1" || exit
    # shellcheck disable=SC2086
    spin -a $2 "$here/p3.pml" >spin.log 2>&1 || { cat spin.log; return 1; }
    cc "$3" -w -DSAFETY -DCOLLAPSE "-DMEMLIM=$memory_mb" -DVECTORSZ=2048 -o pan pan.c
}

# The schedule of a violation, one step a line.
print_schedule() {
    # shellcheck disable=SC2086
    spin -k ./*.trail -T $2 "$here/p3.pml" | grep -E '^[a-z_]+ [0-9]|^begin'
}

check() {
    local name=$1 flags=$2 expected=$3 found began=$SECONDS level=-O2
    [ "$expected" = holds ] || level=-O0 # compiling would take longer than it saves
    [ "$which" = run ] || [ "$expected" != holds ] || level=-O1
    build "$name" "$flags" $level || { status=1; return; }
    ./pan -m1000000 -w$hash_bits >pan.log 2>&1
    found=$(property_of "$(grep -E "^pan:1|$too_large" pan.log)")
    [ "$found" = incomplete ] && grep -q 'errors: 0' pan.log && ! grep -qE "$too_large" pan.log && found=holds
    awk -v name="$name" -v found="$found" -v s=$((SECONDS - began)) '
        / states, stored/ { states = $1 }
        / transitions/ { transitions = $1 }
        /total actual memory usage/ { mb = $1 }
        END { printf "%-28s %-10s %12d %12d %6d %7d\n", name, found, states, transitions, s, mb }' pan.log
    if [ "$found" != "$expected" ]; then
        echo "model.sh: $name must be: $expected"
        [ "$found" = holds ] || print_schedule "$name" "$flags"
        status=1
    fi
    cd "$here" || exit
    rm -rf "${directory:?}/$name"
}

printf '%-28s %-10s %12s %12s %6s %7s\n' configuration result states transitions s MB
while IFS='|' read -r name flags expected group; do
    [[ $name =~ $pattern ]] && { [ "$which" = run ] || [ "$group" = test ]; } && check "$name" "$flags" "$expected"
done < <(grep -v '^#' "$here/configurations.tsv")
exit $status
