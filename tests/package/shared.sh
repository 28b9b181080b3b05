# Installs this build. A consumer finds it through CMake and through pkg-config, and the example backend passes the
# installed conformance suite.
. "$(dirname "$0")/common.sh"
skip_if_sanitized

quietly "$CMAKE" --install "$BUILD" --prefix "$work/prefix"
# A moved tree must work too.
mv "$work/prefix" "$work/moved"
quietly "$work/moved/bin/lessonctl" --version
consume by-cmake -DCMAKE_PREFIX_PATH="$work/moved"

package_path=$(dirname "$(find "$work/moved" -name lessonstore.pc)")
library_path=$(dirname "$package_path")
# The engines are not required: this path has no other package.
PKG_CONFIG_LIBDIR=$package_path quietly pkg-config --cflags --libs lessonstore
export PKG_CONFIG_PATH=$package_path LD_LIBRARY_PATH=$library_path
quietly "$CC" "$SOURCE"/tests/package/consumer/*.c -o "$work/by-pkg-config" $(pkg-config --cflags --libs lessonstore)
expect_consumer "$work/by-pkg-config"

version=$(pkg-config --modversion lessonstore)
[ -e "$library_path/liblessonstore.so.$version" ] || fail "no liblessonstore.so.$version"
for library in liblessonstore liblessonstore-conformance; do
    readelf -d "$library_path/$library.so" | grep -q "SONAME.*$library.so.${version%%.*}\]" || fail "wrong SONAME of $library"
done

# While the major version is 0, each minor version may be another interface. The loader refuses a program that was linked
# with another one, although the library's file has the same name.
if [ "${version%%.*}" = 0 ]; then
    sed "s/LESSONSTORE_${version%.*}/LESSONSTORE_0.999/" "$BUILD/core/lessonstore.map" >"$work/other.map"
    printf 'const char *lesson_store_version(void) { return "0.999.0"; }\n' >"$work/other.c"
    quietly "$CC" -shared -fPIC "$work/other.c" -o "$work/liblessonstore.so.0" -Wl,-soname,liblessonstore.so.0 \
        -Wl,--version-script="$work/other.map"
    printf 'const char *lesson_store_version(void);\nint main(void) { return !*lesson_store_version(); }\n' >"$work/asks.c"
    quietly "$CC" "$work/asks.c" -o "$work/asks" "$work/liblessonstore.so.0"
    LD_LIBRARY_PATH=$work quietly "$work/asks"
    ! "$work/asks" >"$work/said" 2>&1 || fail "a program for 0.999 runs with $version"
    grep -q "version .LESSONSTORE_0.999. not found" "$work/said" || fail "the loader said: $(cat "$work/said")"
fi

# The headers name pages by their path in the sources.
for page in README.md LICENSE $(grep -ohE '(docs|backends)/[A-Za-z/]+\.md' "$SOURCE"/include/lessonstore/*.h | sort -u); do
    [ -n "$(find "$work/moved/share/doc" -path "*/${page/NAME/redis}")" ] || fail "$page is not installed"
done
[ -z "$(find "$work/moved/share/doc" -type d -empty)" ] || fail "an empty directory is installed"
[ -n "$(find "$work/moved/share/doc" -name data-flow.svg)" ] || fail "the picture of the README is not installed"

quietly "$CMAKE" -S "$SOURCE/examples/backend" -B "$work/example" -DCMAKE_C_COMPILER="$CC" -DCMAKE_PREFIX_PATH="$work/moved"
quietly "$CMAKE" --build "$work/example"
(cd "$work/example" && quietly ctest --output-on-failure)
echo "installed, moved, found by CMake and pkg-config; the example backend passes"
