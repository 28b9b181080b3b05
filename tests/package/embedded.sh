# As a subdirectory of another project (parent/), in which it changes nothing.
. "$(dirname "$0")/common.sh"
skip_if_sanitized

# embed NAME CMAKE-ARGUMENT...: builds and installs the other project, whose program then runs.
embed() {
    local name=$1
    shift
    quietly "$CMAKE" -S "$SOURCE/tests/package/parent" -B "$work/$name" -DCMAKE_C_COMPILER="$CC" -DLESSONSTORE="$SOURCE" "$@"
    quietly "$CMAKE" --build "$work/$name"
    quietly "$CMAKE" --install "$work/$name" --prefix "$work/$name/prefix"
    expect_consumer "$work/$name/prefix/bin/consumer"
}

installed() {
    find "$work/$1/prefix" ! -type d -name '*lessonstore*' -printf '%P\n' | sort | tr '\n' ' '
}

# Libraries are static where nobody asks for shared ones, and then nothing of ours needs to be installed. Only one backend
# is built, so the libraries of the others are not linked.
embed static -DLESSONSTORE_SQLITE=OFF -DLESSONSTORE_REDIS=OFF -DCMAKE_BUILD_TYPE=Release -DCMAKE_EXPORT_COMPILE_COMMANDS=ON
[ -e "$work/static/libplace.a" ] || fail "the other project's library is no longer static"
[ ! -e "$work/static/lessonstore/cli" ] || fail "the command line is built where nobody asked for it"
[ -z "$(installed static)" ] || fail "it is installed with the other project: $(installed static)"
quietly "${CMAKE%cmake}ctest" --test-dir "$work/static" -N
grep -q '^Total Tests: 0$' "$work/log" || fail "the other project has tests of ours: $(cat "$work/log")"
if ldd "$work/static/consumer" | grep -E 'sqlite|hiredis|lessonstore'; then
    fail "a backend that is off is linked all the same"
fi
own=$(grep -h '/consumer/' "$work/static/compile_commands.json" "$work/static/CMakeFiles/consumer.dir/link.txt" || true)
[ -n "$own" ] || fail "found no command of the other project"
if grep -E 'FORTIFY|stack-protector|relro|-W[ae]|visibility|std=|-fPIC' <<<"$own"; then
    fail "options of ours reach the other project"
fi

# A shared library is installed with the program that needs it, without what developers need.
embed shared -DBUILD_SHARED_LIBS=ON
case $(installed shared) in
"lib/liblessonstore.so."*" lib/liblessonstore.so."*) ;;
*) fail "the other project installs: $(installed shared)" ;;
esac

# On demand all of it is installed, for libraries of the other project that pass it on.
embed whole -DLESSONSTORE_INSTALL=ON
consume passed-on -DCMAKE_PREFIX_PATH="$work/whole/prefix" -DPARENT=ON

# Each backend alone.
for only in SQLITE REDIS; do
    others=$(for backend in MEMORY SQLITE REDIS; do [ $backend = $only ] || printf -- '-DLESSONSTORE_%s=OFF ' $backend; done)
    quietly "$CMAKE" -S "$SOURCE" -B "$work/$only" -DCMAKE_C_COMPILER="$CC" -DBUILD_TESTING=OFF -DLESSONSTORE_CLI=OFF \
        -DLESSONSTORE_CONFORMANCE=OFF -DLESSONSTORE_WERROR=ON $others
    quietly "$CMAKE" --build "$work/$only"
done
echo "embedded static, shared and whole; each backend alone"
