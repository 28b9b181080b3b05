# promises.sh ALL_NAMES PROMISES: every promise on the page has a test, and every promise that a test names is on the page.
set -eu

names=$("$1")
promises=$(sed -n 's/^| \([A-Z]*-[0-9]*\) |.*/\1/p' "$2")
[ -n "$promises" ] || { echo "no promises in $2"; exit 1; }

twice=$(echo "$promises" | sort | uniq -d)
[ -z "$twice" ] || { echo "on the page twice: $twice"; exit 1; }

nameless=$(echo "$names" | grep -vE '^[a-z-]+: [A-Z]+-[0-9]+ ' || true)
[ -z "$nameless" ] || { echo "tests whose names begin with no promise:"; echo "$nameless"; exit 1; }

# Only the words before the first other word are promises.
tested=$(echo "$names" | sed -E 's/^[a-z-]+: (([A-Z]+-[0-9]+ )+).*/\1/' | tr ' ' '\n' | grep . | sort -u)
differences=$(diff <(echo "$promises" | sort -u) <(echo "$tested")) || {
    echo "on the page and not tested (<), tested and not on the page (>):"
    echo "$differences"
    exit 1
}
echo "$(echo "$promises" | wc -l) promises, $(echo "$names" | wc -l) tests"
