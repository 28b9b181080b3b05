# A component that was not built is named when a project asks for it. The others are found.
. "$(dirname "$0")/common.sh"
skip_if_sanitized

quietly "$CMAKE" -S "$SOURCE" -B "$work/build" -DCMAKE_C_COMPILER="$CC" -DBUILD_TESTING=OFF -DLESSONSTORE_CLI=OFF \
    -DLESSONSTORE_CONFORMANCE=OFF -DLESSONSTORE_REDIS=OFF -DCMAKE_INSTALL_PREFIX="$work/prefix"
quietly "$CMAKE" --build "$work/build" -j 2
quietly "$CMAKE" --install "$work/build"
consume found -DCMAKE_PREFIX_PATH="$work/prefix" "-DCOMPONENTS=memory;sqlite;fault"
for component in conformance redis cli odd; do
    ! "$CMAKE" -S "$SOURCE/tests/package/consumer" -B "$work/$component" -DCMAKE_C_COMPILER="$CC" \
        -DCMAKE_PREFIX_PATH="$work/prefix" "-DCOMPONENTS=memory;$component" >"$work/log" 2>&1 || fail "$component was found"
    tr -s ' \n' '  ' <"$work/log" >"$work/words"
    grep -qF "was built without: $component. It was built with: memory, sqlite, fault." "$work/words" || fail "for $component CMake said: $(cat "$work/log")"
done
echo "components that were not built are named"
