# The shared library exports what the headers declare, and nothing else, in the version of its interface.
. "$(dirname "$0")/common.sh"
skip_if_sanitized

[ "${LIBRARY##*.so}" != "$LIBRARY" ] || { echo "skipped: no shared library"; exit 77; }
grep -hE '^LESSON_STORE_API' "$SOURCE"/include/lessonstore/{lessonstore,executor,feed,figures,backend,fault}.h |
    grep -oE 'lesson_store_[a-z_0-9]+\(' | tr -d '(' | sort -u >"$work/declared"
version=$(sed -n 's/^#define LESSON_STORE_VERSION_M[A-Z]* //p' "$SOURCE/include/lessonstore/lessonstore.h" | paste -sd .)
nm -D --defined-only "$LIBRARY" | awk '$2 ~ /[A-Z]/ && $2 != "A" {print $3}' | sort -u >"$work/versioned"
sed "s/@@LESSONSTORE_$version\$//" "$work/versioned" >"$work/exported"
[ -s "$work/declared" ] || fail "found no declarations"
diff "$work/declared" "$work/exported" || fail "what is declared (<) and what is exported (>) differ"
printf '%d symbols\n' "$(wc -l <"$work/exported")"
