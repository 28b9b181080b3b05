# A build without OpenSSL: OFF, or AUTO where there is none. There rediss: is UNSUPPORTED. ON needs OpenSSL.
. "$(dirname "$0")/common.sh"
skip_if_sanitized

# Every package of this system but OpenSSL.
mkdir "$work/packages"
pkg-config --variable pc_path pkg-config | tr : '\n' | while IFS= read -r directory; do
    for file in "$directory"/*.pc; do
        case ${file##*/} in
        openssl.pc | libssl.pc | libcrypto.pc) ;;
        *) [ ! -e "$file" ] || ln -sf "$file" "$work/packages/" ;;
        esac
    done
done

# configure NAME LESSONSTORE_TLS
configure() {
    "$CMAKE" -S "$SOURCE" -B "$work/$1" -DCMAKE_C_COMPILER="$CC" -DBUILD_TESTING=OFF -DLESSONSTORE_CONFORMANCE=OFF \
        -DLESSONSTORE_SQLITE=OFF -DLESSONSTORE_WERROR=ON "-DLESSONSTORE_TLS=$2" -DCMAKE_INSTALL_PREFIX="$work/$1/prefix"
}

# A location over TLS is refused in words, and its options are still checked. Nothing of OpenSSL is linked.
expect_no_tls() {
    local lessonctl=$work/$1/cli/lessonctl
    quietly "$CMAKE" --build "$work/$1" -j 2
    ! "$lessonctl" --store "rediss://127.0.0.1:1?tls_verify=none" count algebra >"$work/said" 2>&1 || fail "rediss: is opened"
    grep -q "was built without TLS" "$work/said" || fail "rediss: is refused by: $(cat "$work/said")"
    ! "$lessonctl" --json --store rediss://127.0.0.1:1 count algebra >"$work/said" 2>&1 || fail "rediss: is opened"
    grep -q '"UNSUPPORTED"' "$work/said" || fail "the code is: $(cat "$work/said")"
    ! "$lessonctl" --store "redis://127.0.0.1:1?tls_ca=ca.crt" count algebra >"$work/said" 2>&1 || fail "tls_ca is taken"
    grep -q "needs the scheme rediss" "$work/said" || fail "tls_ca is refused by: $(cat "$work/said")"
    ! readelf -d "$work/$1"/core/liblessonstore.so | grep -E 'libssl|libcrypto' || fail "OpenSSL is linked"
}

quietly configure off OFF
expect_no_tls off
PKG_CONFIG_LIBDIR=$work/packages quietly configure auto AUTO
expect_no_tls auto
! PKG_CONFIG_LIBDIR=$work/packages configure on ON >"$work/log" 2>&1 || fail "ON was configured without OpenSSL"
grep -q openssl "$work/log" || fail "CMake said: $(cat "$work/log")"
echo "without OpenSSL, rediss: is UNSUPPORTED"
