# A program and a backend that were compiled with yesterday's headers run with today's library.
. "$(dirname "$0")/common.sh"
skip_if_sanitized

yesterday=$SOURCE/tests/package/yesterday
[ "${LIBRARY##*.so}" != "$LIBRARY" ] || { echo "skipped: no shared library"; exit 77; }
quietly "$CC" -std=c11 -Wall -Wextra -Werror -I"$yesterday/include" "$yesterday/program.c" "$yesterday/backend.c" \
    -o "$work/program" "$LIBRARY" -Wl,-rpath,"$(dirname "$LIBRARY")"
"$work/program"
