# Each public header compiles alone and when included twice, with strict warnings, as C11 and as C++.
. "$(dirname "$0")/common.sh"

strict="-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror -fsyntax-only"
for header in "$SOURCE"/include/lessonstore/*.h; do
    name=lessonstore/${header##*/}
    printf '#include <%s>\n#include <%s>\nint main(void) { return 0; }\n' "$name" "$name" | tee "$work/alone.c" >"$work/alone.cpp"
    quietly "$CC" -std=c11 $strict -Wstrict-prototypes -I"$SOURCE/include" "$work/alone.c"
    for compiler in g++ clang++; do
        command -v "$compiler" >/dev/null || continue
        for standard in c++11 c++17; do
            quietly "$compiler" -std=$standard $strict -I"$SOURCE/include" "$work/alone.cpp"
        done
    done
    printf '%s stands alone\n' "$name"
done
