# The shared library exports what the headers declare, and nothing else.
. "$(dirname "$0")/common.sh"
skip_if_sanitized

[ "${LIBRARY##*.so}" != "$LIBRARY" ] || { echo "skipped: no shared library"; exit 77; }
grep -hE '^LESSON_STORE_API' "$SOURCE"/include/lessonstore/{lessonstore,executor,feed,figures,backend,fault}.h |
    grep -oE 'lesson_store_[a-z_0-9]+\(' | tr -d '(' | sort -u >"$work/declared"
nm -D --defined-only "$LIBRARY" | awk '$2 ~ /[A-Z]/ {print $3}' | sort -u >"$work/exported"
[ -s "$work/declared" ] || fail "found no declarations"
diff "$work/declared" "$work/exported" || fail "what is declared (<) and what is exported (>) differ"
printf '%d symbols\n' "$(wc -l <"$work/exported")"
