# For package.sh: the packages of a release in a bare tree. They install, a program is built and runs, manual, completion
# and Python work, and when they are purged nothing is left. `release` and its packages in build/package are given.

bare=$PWD/build/package/trees/$release-bare
tree_make "$bare" "$release"
tree_enter "$bare"

files() {
    # What packages of others and their caches keep is not ours.
    (cd "$tree" && find . -xdev \( -path ./var/cache -o -path ./var/log -o -path ./var/lib/apt -o -path ./packages -o \
        -path ./trial -o -path ./tmp -o -path ./root \) -prune -o -printf '%p %y\n' | grep -v '^\./var/lib/dpkg/[^/ ]* ' |
        sort)
}

expect() {
    local text=$1 said
    shift
    said=$(inside "$@" 2>&1) || fail "Debian $release: failed: $*: $said"
    grep -qF -- "$text" <<<"$said" || fail "Debian $release: $* does not say \"$text\": $said"
}

rm -rf "$tree/packages" "$tree/trial"
mkdir "$tree/packages" "$tree/trial"
cp build/package/"$release"/*.deb "$tree/packages/"
rm -f "$tree"/packages/*dbgsym*
names=$(for package in "$tree"/packages/*.deb; do dpkg-deb -f "$package" Package; done)

# Everything that the packages and the tests need, without them.
run_logged "$tree.log" inside apt-get update -q
run_logged "$tree.log" inside sh -c "apt-get purge -q -y $(tr '\n' ' ' <<<"$names") || true"
others=$(inside sh -c 'apt-get install -s --no-install-recommends /packages/*.deb' | sed -n 's/^Inst \([^ ]*\).*/\1/p' |
    grep -vxF "$names" || true)
# A minimal image leaves the pages of manuals out.
rm -f "$tree/etc/dpkg/dpkg.cfg.d/docker"
run_logged "$tree.log" inside apt-get install -q -y --no-install-recommends $others gcc libc6-dev cmake make pkg-config \
    man-db bash-completion zsh python3
inside mandb -q
files >"$tree.before"

run_logged "$tree.log" inside sh -c 'apt-get install -q -y --no-install-recommends /packages/*.deb'
for name in $names; do
    [ -e "$tree/usr/share/doc/$name/copyright" ] || fail "$name has no copyright"
done

# A program by pkg-config, shared and static, and by CMake.
cp tests/package/consumer/* "$tree/trial/"
cp -r examples/backend "$tree/trial/backend"
expect "ann is in algebra 7" sh -c 'cd /trial && cc *.c -o shared $(pkg-config --cflags --libs lessonstore) && ./shared'
expect "liblessonstore.so.0" ldd /trial/shared
run_logged "$tree.log" inside apt-get install -q -y --no-install-recommends libsqlite3-dev libhiredis-dev libssl-dev libcmocka-dev
expect "ann is in algebra 7" sh -c 'cd /trial && cc *.c -o static -Wl,-Bstatic -llessonstore -Wl,-Bdynamic \
    $(pkg-config --static --libs lessonstore | sed s/-llessonstore//) && ./static'
! inside ldd /trial/static | grep lessonstore || fail "the static program needs the shared library"
expect "ann is in algebra 7" sh -c 'cmake -S /trial -B /trial/built >/dev/null && cmake --build /trial/built >/dev/null && /trial/built/consumer'
expect "100% tests passed" sh -c 'cd /trial && cmake -S backend -B backend-built >/dev/null && cmake --build backend-built >/dev/null && cd backend-built && ctest'

# The manual, as it is installed: the program's, a function's, a backend's.
inside mandb -q
expect "join UID COURSE LESSON" sh -c 'MANWIDTH=200 man lessonctl'
expect "int lesson_store_join(" sh -c 'MANWIDTH=200 man lesson_store_join'
expect "busy_timeout_ms" sh -c 'MANWIDTH=200 man 7 lessonstore-sqlite'

# Completion in both shells, loaded as the packages of the shells load it.
cp tests/cli/completion.py "$tree/trial/"
for shell in bash zsh; do
    expect " 0 problems" env LESSONCTL=/usr/bin/lessonctl COMPLETION= python3 /trial/completion.py $shell
done

# A library of another minor version is a dependency that cannot be had.
depends=$(dpkg-deb -f "$(ls "$tree"/packages/lessonctl_*.deb)" Depends)
case $depends in
*"liblessonstore0 (>= $interface)"*) ;;
*) fail "lessonctl depends on: $depends" ;;
esac
[ "$major" != 0 ] || grep -qF "liblessonstore0 (<< $next~)" <<<"$depends" || fail "lessonctl depends on: $depends"

expect "algebra 7" python3 -c 'import lessonstore
store = lessonstore.Store("memory:")
store.create("algebra 7")
store.join("ann", "algebra", "algebra 7")
print(store.where("ann"))'

run_logged "$tree.log" inside apt-get purge -q -y $names libsqlite3-dev libhiredis-dev libssl-dev libcmocka-dev
run_logged "$tree.log" inside apt-get autoremove --purge -q -y
inside mandb -q
files >"$tree.after"
left=$(comm -13 "$tree.before" "$tree.after")
[ -z "$left" ] || fail "Debian $release: purge leaves: $left"
echo "Debian $release: installed, used and purged: $(tr '\n' ' ' <<<"$names")"
