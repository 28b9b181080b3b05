# `./run demo` succeeds and shows what it promises.
set -euo pipefail

output=$(cd "$SOURCE" && ./run demo 2>&1) || { printf '%s\n' "$output" >&2; exit 1; }
for expected in 'lessonctl replay' 'lessonctl lessons' 'lessonctl members' 'lessonctl where' '"arrival":"moved"' 'To go on'; do
    grep -qF -- "$expected" <<<"$output" || { printf 'the demo does not show "%s":\n%s\n' "$expected" "$output" >&2; exit 1; }
done
open=$(LESSONSTORE_LOCATION=sqlite:$SOURCE/build/demo/lessons.db "$SOURCE/build/release/cli/lessonctl" lessons | wc -l)
[ "$open" -ge 5 ] || { echo "only $open lessons are open after the demo" >&2; exit 1; }
echo "the demo leaves $open lessons"
