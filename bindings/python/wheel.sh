#!/usr/bin/env bash
# wheel.sh DIRECTORY: builds a wheel of the Python package in this directory, and prints its path.
#
# The library is part of the extension module, so that the wheel needs no other package of ours. The libraries of the
# engines (hiredis, SQLite, OpenSSL) are those of the system. One wheel serves CPython 3.11 and later versions. Nothing is
# taken from a network. LESSONSTORE_CMAKE_ARGUMENTS are further arguments of CMake.
set -euo pipefail
[ $# = 1 ] || { echo "usage: wheel.sh DIRECTORY" >&2; exit 2; }
source=$(cd "$(dirname "$0")/../.." && pwd)
mkdir -p "$1"
output=$(cd "$1" && pwd)
build=$output/build

# shellcheck disable=SC2086
cmake -S "$source" -B "$build" -DCMAKE_BUILD_TYPE=Release -DBUILD_SHARED_LIBS=OFF -DBUILD_TESTING=OFF \
    -DLESSONSTORE_PYTHON=ON -DLESSONSTORE_CLI=OFF -DLESSONSTORE_CONFORMANCE=OFF -DLESSONSTORE_INSTALL=OFF \
    ${LESSONSTORE_CMAKE_ARGUMENTS:-} >"$output/wheel.log" 2>&1 || { cat "$output/wheel.log" >&2; exit 1; }
cmake --build "$build" --target lessonstore_python >>"$output/wheel.log" 2>&1 || { tail -n 40 "$output/wheel.log" >&2; exit 1; }
python=$(sed -n 's/^LESSONSTORE_PYTHON_PROGRAM:FILEPATH=//p' "$build/CMakeCache.txt")
exec "$python" -B "$source/bindings/python/pack_wheel.py" "$build/bindings/python/lessonstore" "$source" "$output"
