# The man pages: mandoc finds no fault in them, they have every command and option of the help and every function of the
# headers, and they are installed.
. "$(dirname "$0")/common.sh"
command -v mandoc >/dev/null || { echo "skipped: there is no mandoc"; exit 77; }

quietly "$CMAKE" --install "$BUILD" --prefix "$work/prefix"
cd "$work/prefix/share/man"
pages=$(find . -type f | sort)
# Long tables and examples may be wider than a line.
mandoc -Tlint -W warning $pages >"$work/lint" || { cat "$work/lint" >&2; fail "mandoc complains"; }

# page NAME: its text, in lines that are never broken.
page() {
    mandoc -Tutf8 -O width=1000 "$1" | col -b
}

expect_in_page() {
    grep -qF -- "$2" "$work/page" || fail "$1 does not have: $2"
}

page man1/lessonctl.1 >"$work/page"
"$LESSONCTL" help | sed -n 's/^ *\(--[a-z]*\).*/\1/p' >"$work/expected"
for command in $("$LESSONCTL" --json help | sed 's/{"command":"\([a-z]*\)".*/\1/'); do
    "$LESSONCTL" help "$command" | sed -n '1s/^usage: lessonctl //p' >>"$work/expected"
done
[ "$(wc -l <"$work/expected")" -gt 30 ] || fail "lessonctl help shows too little"
while IFS= read -r line; do
    expect_in_page "lessonctl(1)" "$line"
done <"$work/expected"

# What the docs put into tables, links and blocks is there.
page man7/lessonstore-sqlite.7 >"$work/page"
for text in 'sqlite:PATH[?option=value&...]' 'busy_timeout_ms' 'default: 5000' 'full|normal|off'; do
    expect_in_page "lessonstore-sqlite(7)" "$text"
done
! grep -nE '\]\(|\*\*|`' "$work/page" || fail "Markdown is left in lessonstore-sqlite(7)"

# A page that a header names by its path is named as a man page.
page man3/lessonstore.3 >"$work/page"
expect_in_page "lessonstore(3)" "lessonstore-errors(7) says what to do about each code"

# Each function has a page, which shows its declaration and says what it does.
count=0
for header in "$SOURCE"/include/lessonstore/*.h; do
    for function in $(sed -n 's/^LESSON_STORE_API[^(]*\b\(lesson_store_[a-z_0-9]*\)(.*/\1/p' "$header"); do
        [ -e "man3/$function.3" ] || fail "there is no page $function(3)"
        page "man3/$function.3" >"$work/page"
        grep -q "^[[:space:]].*[ *]$function(.*" "$work/page" || fail "the page of $function(3) does not declare it"
        [ "$(sed -n '/^DESCRIPTION/,/^NOTES/p' "$work/page" | wc -w)" -gt 5 ] || fail "$function(3) describes nothing"
        grep -q "$function - [A-Za-z]" "$work/page" || fail "$function(3) has no words behind its name"
        count=$((count + 1))
    done
done
[ "$count" -gt 80 ] || fail "found only $count functions"
echo "$(wc -w <<<"$pages") pages, $(wc -l <"$work/expected") lines of the help, $count functions"
