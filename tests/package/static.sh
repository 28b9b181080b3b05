# A static library with its dependencies, found through CMake and through pkg-config.
. "$(dirname "$0")/common.sh"
skip_if_sanitized

quietly "$CMAKE" -S "$SOURCE" -B "$work/build" -DCMAKE_C_COMPILER="$CC" -DBUILD_SHARED_LIBS=OFF -DBUILD_TESTING=OFF \
    -DLESSONSTORE_CLI=OFF -DCMAKE_INSTALL_PREFIX="$work/prefix"
quietly "$CMAKE" --build "$work/build"
quietly "$CMAKE" --install "$work/build"
[ -z "$(find "$work/prefix" -name '*.so*')" ] || fail "there is a shared library"

# expect_symbols ARCHIVE HEADER...: the linker sees only the names that the headers declare, so that no other name of ours
# can clash with one of a program.
expect_symbols() {
    local archive=$1
    shift
    (cd "$SOURCE/include/lessonstore" && grep -hE '^LESSON_STORE_API' "$@") | grep -oE 'lesson_store_[a-z_0-9]+\(' | tr -d '(' |
        sort -u >"$work/declared"
    nm -g --defined-only "$archive" | awk 'NF == 3 {print $3}' | sort -u >"$work/shown"
    [ -s "$work/shown" ] || fail "found no symbols"
    diff "$work/declared" "$work/shown" || fail "what is declared (<) and what $archive shows (>) differ"
}
api=(lessonstore.h executor.h feed.h figures.h backend.h fault.h)
expect_symbols "$(find "$work/prefix" -name 'liblessonstore.a')" "${api[@]}"
expect_symbols "$(find "$work/prefix" -name 'liblessonstore-conformance.a')" conformance.h

# Also where link-time optimisation is on.
quietly "$CMAKE" -S "$SOURCE" -B "$work/lto" -DCMAKE_C_COMPILER="$CC" -DBUILD_SHARED_LIBS=OFF -DBUILD_TESTING=OFF \
    -DLESSONSTORE_CLI=OFF -DLESSONSTORE_CONFORMANCE=OFF -DCMAKE_C_FLAGS=-flto
quietly "$CMAKE" --build "$work/lto"
expect_symbols "$work/lto/core/liblessonstore.a" "${api[@]}"

consume by-cmake -DCMAKE_PREFIX_PATH="$work/prefix"

export PKG_CONFIG_PATH=$(dirname "$(find "$work/prefix" -name lessonstore.pc)")
quietly "$CC" "$SOURCE"/tests/package/consumer/*.c -o "$work/by-pkg-config" $(pkg-config --cflags --libs lessonstore)
expect_consumer "$work/by-pkg-config"
echo "static, found by CMake and pkg-config"
