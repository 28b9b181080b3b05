# No program or library of ours looks for libraries in a directory that depends on where it is started, and an optimised
# build is hardened: this build, a release build of everything, and what each of them installs.
. "$(dirname "$0")/common.sh"
skip_if_sanitized

elves() {
    find "$1" -type f ! -path '*/CMakeFiles/*' ! -name '*.o' ! -name '*.a' -size +3c -print0 |
        xargs -0 grep -lsaP '\A\x7fELF' || true
}

# An empty entry of the path is the current directory.
check_runpath() {
    local path entry
    path=$(readelf -dW "$1" | sed -n 's/.*(R\(UN\)\?PATH).*\[\(.*\)\]$/\2/p')
    [ -n "$path" ] || return 0
    while IFS= read -r entry; do
        case $entry in
        /* | '$ORIGIN'*) ;;
        *) fail "$1 looks for libraries in \"$entry\": $path" ;;
        esac
    done < <(printf '%s\n' "$path" | tr : '\n')
}

check_paths() {
    local count=0 elf
    while IFS= read -r elf; do
        check_runpath "$elf"
        count=$((count + 1))
    done < <(elves "$1")
    [ "$count" -ge "$2" ] || fail "only $count programs and libraries in $1"
}

# expect_in TEXT MEANING COMMAND...: the output of the command contains the text.
expect_in() {
    local text=$1 meaning=$2
    shift 2
    "$@" >"$work/output"
    grep -qE -- "$text" "$work/output" || fail "${!#} has no $meaning"
}

check_hardening() {
    local elf
    while IFS= read -r elf; do
        expect_in GNU_RELRO RELRO readelf -lW "$elf"
        expect_in 'BIND_NOW|FLAGS.* NOW' "full RELRO" readelf -dW "$elf"
        case $elf in
        *lessonctl | *liblessonstore*.so*)
            expect_in __stack_chk_fail "stack protector" nm -D "$elf"
            expect_in '_chk(@|$)' FORTIFY nm -D "$elf"
            expect_in ' \.symtab ' "symbols: it is stripped" readelf -SW "$elf"
            ;;
        esac
    done < <(elves "$1")
}

check_paths "$BUILD" 20
quietly "$CMAKE" --install "$BUILD" --prefix "$work/installed"
check_paths "$work/installed" 3

release=$work/release
quietly "$CMAKE" -S "$SOURCE" -B "$release" -DCMAKE_C_COMPILER="$CC" -DCMAKE_BUILD_TYPE=Release -DBUILD_TESTING=OFF \
    -DLESSONSTORE_EXAMPLES=ON -DLESSONSTORE_BENCH=ON -DLESSONSTORE_WERROR=ON
quietly "$CMAKE" --build "$release" -j 2
quietly "$CMAKE" --install "$release" --prefix "$work/prefix"
for tree in "$release" "$work/prefix"; do
    check_paths "$tree" 3
    check_hardening "$tree"
done
# What is started in a directory of others does not run their code.
mkdir "$work/others"
printf '#include <stdio.h>\n__attribute__((constructor)) static void run(void) { puts("FOREIGN"); }\n' >"$work/foreign.c"
for library in $(readelf -dW "$release/cli/lessonctl" | sed -n 's/.*(NEEDED).*\[\(.*\)\]$/\1/p' | grep -v '^libc\.'); do
    quietly "$CC" -shared -fPIC -o "$work/others/$library" "$work/foreign.c"
done
for program in "$release/cli/lessonctl" "$work/prefix/bin/lessonctl"; do
    ! (cd "$work/others" && "$program" --version) | grep FOREIGN || fail "$program runs code of the current directory"
done
echo "no path depends on the current directory; the release build is hardened"
