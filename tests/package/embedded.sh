# As a subdirectory of another project, with only one backend: the libraries of the others are then not linked.
. "$(dirname "$0")/common.sh"
skip_if_sanitized

consume embedded -DEMBEDDED="$SOURCE" -DLESSONSTORE_SQLITE=OFF -DLESSONSTORE_REDIS=OFF
[ ! -e "$work/embedded/lessonstore/cli" ] || fail "the command line is built where nobody asked for it"
quietly "$CMAKE" --install "$work/embedded" --prefix "$work/prefix"
[ -z "$(find "$work" -path "$work/prefix/*" -name '*lessonstore*')" ] || fail "it is installed with the other project"
if ldd "$work/embedded/consumer" | grep -E 'sqlite|hiredis'; then
    fail "a backend that is off is linked all the same"
fi
for only in SQLITE REDIS; do
    others=$(for backend in MEMORY SQLITE REDIS; do [ $backend = $only ] || printf -- '-DLESSONSTORE_%s=OFF ' $backend; done)
    quietly "$CMAKE" -S "$SOURCE" -B "$work/$only" -DCMAKE_C_COMPILER="$CC" -DBUILD_TESTING=OFF -DLESSONSTORE_CLI=OFF \
        -DLESSONSTORE_CONFORMANCE=OFF -DLESSONSTORE_WERROR=ON $others
    quietly "$CMAKE" --build "$work/$only"
done
echo "embedded, and each backend alone"
