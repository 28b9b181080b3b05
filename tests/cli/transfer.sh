# export | import moves a store between any two backends without a difference. If redis is one of them, this runs under
# with_redis.
. "$(dirname "$0")/common.sh"

# Odd ids, every status, courses, capacities, sessions, a lesson without a record, a lesson without members, and a school day.
cat >sample.jsonl <<'END'
{"type":"lesson","lesson_id":"a \"quoted\" \\ lesson"}
{"type":"lesson","lesson_id":"{braces}|pipes@#:","course_status":"offline","chat_status":"banned"}
{"type":"lesson","lesson_id":"数学 🎵","course_status":"online","chat_status":"free"}
{"type":"lesson","lesson_id":"closed","course_status":"cantjoinin"}
{"type":"lesson","lesson_id":"-","chat_status":"banned"}
{"type":"lesson","lesson_id":"pair","course_status":"online","course_id":"数学 \"1\"","capacity":2}
{"type":"lesson","lesson_id":"course only","course_id":"-"}
{"capacity":1000000000,"type":"lesson","lesson_id":"capacity only"}
{"type":"lesson","lesson_id":"any number","capacity":0}
{"type":"user","uid":"O'Neil","course_id":"数学","lesson_id":"数学 🎵","session":"tab 1"}
{"uid":"\u540d\u524d","lesson_id":"数学 🎵","type":"user","course_id":"-"}
{"type":"user","uid":"lost","course_id":"c","lesson_id":"no record"}
END
long=$(printf 'é%.0s' {1..127})
printf '{"type":"user","uid":"%s","course_id":"%s","lesson_id":"%s","session":"%s"}\n' "$long" "$long" "$long" "$long" >>sample.jsonl
"$SCHOOL_DAY" --seed 7 >day.tsv
printf 'import sample.jsonl\nreplay day.tsv --until %s\nexport\n' "$("$SCHOOL_DAY" --noon)" |
    lessonctl --store memory: shell | grep '^{' | sort >expected
# All later comparisons use this file, so first it is compared with what is written above.
while IFS= read -r line; do
    grep -qxF "$line" expected || fail "the export lacks $line"
done <<'END'
{"type":"lesson","lesson_id":"a \"quoted\" \\ lesson","course_status":"waiting","chat_status":"free"}
{"type":"lesson","lesson_id":"{braces}|pipes@#:","course_status":"offline","chat_status":"banned"}
{"type":"lesson","lesson_id":"数学 🎵","course_status":"online","chat_status":"free"}
{"type":"lesson","lesson_id":"closed","course_status":"cantjoinin","chat_status":"free"}
{"type":"lesson","lesson_id":"-","course_status":"waiting","chat_status":"banned"}
{"type":"lesson","lesson_id":"pair","course_status":"online","chat_status":"free","course_id":"数学 \"1\"","capacity":2}
{"type":"lesson","lesson_id":"course only","course_status":"waiting","chat_status":"free","course_id":"-"}
{"type":"lesson","lesson_id":"capacity only","course_status":"waiting","chat_status":"free","capacity":1000000000}
{"type":"lesson","lesson_id":"any number","course_status":"waiting","chat_status":"free"}
{"type":"user","uid":"O'Neil","course_id":"数学","lesson_id":"数学 🎵","session":"tab 1"}
{"type":"user","uid":"名前","course_id":"-","lesson_id":"数学 🎵"}
{"type":"user","uid":"lost","course_id":"c","lesson_id":"no record"}
END
[ "$(wc -l <expected)" -gt 300 ] || fail "the sample is too small: $(wc -l <expected) records"

# What a store reports besides its export must agree too.
members_of_all() {
    lessonctl lessons | sort
    while IFS=$tab read -r lesson _; do
        lessonctl members "$lesson" | sort
    done < <(lessonctl lessons | sort)
}

for from in $BACKENDS; do
    [ "$from" != memory ] || continue # only a destination, because it ends with its process
    fresh_store "$from"
    source=$LESSONSTORE_LOCATION
    gives 0 "" lessonctl import expected
    gives 0 "" lessonctl check
    lessonctl export | sort | cmp - expected || fail "$from does not give back what was imported"
    members_of_all >"members.$from"
    cmp "members.$from" "members.sqlite" || fail "members differ between $from and sqlite"
    for to in $BACKENDS; do
        if [ "$to" = memory ]; then
            lessonctl --store "$source" export there.jsonl
            printf 'import there.jsonl\nexport\n' | lessonctl --store memory: shell | sort | cmp - expected || fail "$from to memory"
            printf 'import there.jsonl\nexport back.jsonl\n' | lessonctl --store memory: shell
            fresh_store "$from"
            lessonctl import <back.jsonl
        else
            fresh_store "$to"
            lessonctl --store "$source" export | lessonctl import -
        fi
        lessonctl export | sort | cmp - expected || fail "$from to $to"
        checks=$((checks + 1))
    done
done

# --json prints the numbers.
fresh_store sqlite
lessons=$(grep -c '"type":"lesson"' expected)
users=$(grep -c '"type":"user"' expected)
gives 0 "{\"lessons\":$lessons,\"users\":$users}" lessonctl --json import expected

# --merge: imported records win, others stay.
fresh_store sqlite
lessonctl create stays
lessonctl create closed
lessonctl set closed --course-status online --chat-status banned
lessonctl join lost c stays --session old
lessonctl join here c stays
refuses 1 "the store is not empty" lessonctl import sample.jsonl
gives 0 "" lessonctl import sample.jsonl --merge
gives 0 "closed${tab}cantjoinin${tab}free${tab}0" lessonctl show closed
gives 0 '{"code":"OK","uid":"lost","lesson_id":"no record","course_id":"c"}' lessonctl --json where lost
gives 0 here lessonctl members stays
# So does the lack of a capacity. A course can be replaced but not removed.
for backend in $BACKENDS; do
    [ "$backend" != memory ] || continue
    fresh_store "$backend"
    lessonctl create pair --course go --capacity 9
    lessonctl create "any number" --course go --capacity 9
    lessonctl create closed --course go --course-status online --chat-status banned --capacity 9
    lessonctl create stays --course go --capacity 9
    gives 0 "" lessonctl import sample.jsonl --merge
    gives 0 "pair${tab}online${tab}free${tab}0${tab}数学 \"1\"${tab}2" lessonctl show pair
    gives 0 "any number${tab}waiting${tab}free${tab}0${tab}go" lessonctl show "any number"
    gives 0 "closed${tab}cantjoinin${tab}free${tab}0${tab}go" lessonctl show closed
    gives 0 "stays${tab}waiting${tab}free${tab}0${tab}go${tab}9" lessonctl show stays
    gives 0 "" lessonctl check
done
# Members alone make a store that is not empty.
fresh_store sqlite
lessonctl join u c "no record"
refuses 1 "the store is not empty" lessonctl import sample.jsonl

# The export of an empty store is empty, and can be imported.
fresh_store sqlite
gives 0 "" lessonctl export
gives 0 "" lessonctl import /dev/null

# A file appears only when complete, accessible only to its owner, and without other files. An existing file stays if
# the export fails.
mkdir out
lessonctl import expected
gives 0 "" lessonctl export out/store.jsonl
sort out/store.jsonl | cmp - expected
[ "$(ls -A out)" = store.jsonl ] || fail "export leaves behind: $(ls -A out)"
[ "$(stat -c %a out/store.jsonl)" = 600 ] || fail "the export can be read by others"
echo before >out/store.jsonl
printf 'import expected\nexport out/store.jsonl\n' >script
refuses 3 "export: out/store.jsonl: cannot be written: File too large" \
    bash -c 'ulimit -f 1; exec "$LESSONCTL" --store memory: shell <script'
[ "$(cat out/store.jsonl)" = before ] || fail "an export that failed has replaced the file"
[ "$(ls -A out)" = store.jsonl ] || fail "an export that failed leaves behind: $(ls -A out)"

# So is a limit of the process in the file of a store: nothing was changed, and the store works without the limit.
lessonctl --store sqlite:limited.db create room
refuses 3 "limited.db: disk I/O error: File too large" \
    bash -c 'ulimit -f 8; "$LESSONCTL" --store sqlite:limited.db create other'
says 3 FULL "File too large" bash -c 'ulimit -f 8; "$LESSONCTL" --json --store sqlite:limited.db create other'
gives 0 "" lessonctl --store sqlite:limited.db create other

# An export through a link writes where the link leads, and a new file is for the same users as the old one.
mkdir there
fresh_store sqlite
lessonctl import sample.jsonl
gives 0 "" lessonctl export plain.jsonl
echo before >there/old.jsonl
chmod 644 there/old.jsonl
ln -s there/old.jsonl to-old
ln -s to-old to-link
ln -s there/new.jsonl to-new
ln -s "$work/there/absolute.jsonl" to-absolute
for link in to-old to-link to-new to-absolute; do
    gives 0 "" lessonctl export $link
    [ -L $link ] || fail "the link $link was replaced"
    cmp $link plain.jsonl || fail "the export through $link differs"
done
[ "$(stat -c %a there/old.jsonl)" = 644 ] || fail "a file of mode 644 became $(stat -c %a there/old.jsonl)"
[ "$(stat -c %a there/new.jsonl)" = 600 ] || fail "a new export can be read by others"
[ "$(echo there/*)" = "there/absolute.jsonl there/new.jsonl there/old.jsonl" ] || fail "exports leave behind: $(echo there/*)"
for mode in 640 400 660 604; do
    chmod $mode there/old.jsonl
    gives 0 "" lessonctl export there/old.jsonl
    [ "$(stat -c %a there/old.jsonl)" = $mode ] || fail "a file of mode $mode became $(stat -c %a there/old.jsonl)"
done
if [ "$(id -u)" = 0 ]; then
    chown 12345:54321 there/old.jsonl
    gives 0 "" lessonctl export to-old
    [ "$(stat -c %u:%g there/old.jsonl)" = 12345:54321 ] || fail "the owner became $(stat -c %u:%g there/old.jsonl)"
fi

# What is no file is written to directly.
mkfifo pipe
lessonctl export pipe &
cmp pipe plain.jsonl || fail "the export to a pipe differs"
wait
[ -p pipe ] || fail "the pipe was replaced"
gives 0 "" lessonctl export /dev/null
[ -c /dev/null ] || fail "/dev/null was replaced"
for name in - /dev/stdout /dev/fd/1 /proc/self/fd/1; do
    { echo before; lessonctl export $name; } >appended
    tail -n +2 appended | cmp - plain.jsonl || fail "the export to $name differs"
done
{ echo before >&5; lessonctl export /dev/fd/5; } 5>appended
tail -n +2 appended | cmp - plain.jsonl || fail "the export to /dev/fd/5 differs"

# Damaged records are left out and reported, and do not hide users behind them. Only standard output accepts an
# incomplete export.
if command -v sqlite3 >/dev/null; then
    fresh_store sqlite
    lessonctl import sample.jsonl
    lessonctl export >whole.jsonl
    sqlite3 "${LESSONSTORE_LOCATION#sqlite:}" \
        "UPDATE lessons SET course_status = 9 WHERE lesson_id = 'closed'; UPDATE users SET course_id = '' WHERE uid = 'lost'"
    status 3 lessonctl export -
    grep -v '"closed"\|"lost"' whole.jsonl | cmp - .out || fail "the damaged store exports: $out"
    [ "$(grep -c "export: the export is not complete: " .err)" = 2 ] || fail "the export said: $err"
    status 3 lessonctl export rescued.jsonl
    [ -z "$(compgen -G 'rescued.jsonl*')" ] || fail "an export that is not complete was kept"
    lessonctl export - >rescued.jsonl 2>/dev/null || true
    fresh_store sqlite
    gives 0 "" lessonctl import rescued.jsonl
    lessonctl export | cmp - rescued.jsonl || fail "what was rescued is not imported"
fi

finish
