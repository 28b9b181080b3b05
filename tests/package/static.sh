# A static library with what it needs, found by CMake and by pkg-config.
. "$(dirname "$0")/common.sh"
skip_if_sanitized

quietly "$CMAKE" -S "$SOURCE" -B "$work/build" -DCMAKE_C_COMPILER="$CC" -DBUILD_SHARED_LIBS=OFF -DBUILD_TESTING=OFF \
    -DLESSONSTORE_CLI=OFF -DLESSONSTORE_CONFORMANCE=OFF -DCMAKE_INSTALL_PREFIX="$work/prefix"
quietly "$CMAKE" --build "$work/build"
quietly "$CMAKE" --install "$work/build"
[ -z "$(find "$work/prefix" -name '*.so*')" ] || fail "there is a shared library"
consume by-cmake -DCMAKE_PREFIX_PATH="$work/prefix"

export PKG_CONFIG_PATH=$(dirname "$(find "$work/prefix" -name lessonstore.pc)")
quietly "$CC" "$SOURCE/tests/package/consumer/consumer.c" -o "$work/by-pkg-config" $(pkg-config --cflags --libs lessonstore)
expect_consumer "$work/by-pkg-config"
echo "static, found by CMake and pkg-config"
