# replay: what each event does, what is counted, and where it stops. $1 is the backend.
. "$(dirname "$0")/common.sh"
fresh_store "$1"

printf '%b\n' '10\tcreate\troom: A\tc\t-' '20\tjoin\troom: A\tc\tann' '30\tjoin\troom: A\tc\tann' '30\tcreate\troom: A\tc\tann' \
    '40\tjoin\troom B\t-\tann' '50\tquit\troom: A\tc\tann' '60\tquit\troom: A\tc\tnobody' '70\tjoin\troom: A\tc\tbob' \
    '80\tend\troom C\tc\t-' '90\tend\troom: A\tc\t-' >trace
summary() {
    printf 'events\t%d\ncreated\t%d\nexisted\t%d\njoined\t%d\nmoved\t%d\nalready_there\t%d\nquit\t%d\nquit_absent\t%d\nquit_elsewhere\t%d\nended\t%d\nput_out\t%d\nended_unknown\t%d' "$@"
}
gives 0 "$(summary 10 1 1 2 1 1 0 1 1 1 1 1)" lessonctl replay trace
gives 0 "room B${tab}-" lessonctl where ann
refuses 1 "in no lesson" lessonctl where bob
gives 0 "room B${tab}-${tab}-${tab}1" lessonctl lessons
lessonctl end "room B"

# Unfenced, the late quit of the old room removes the user from the new one.
gives 0 "$(summary 10 1 1 2 1 1 1 1 0 1 1 1)" lessonctl replay trace --unfenced
gives 0 "" lessonctl lessons

# --until takes every line up to and including that instant, in the order of the file.
gives 0 "$(summary 4 1 1 1 0 1 0 0 0 0 0 0)" lessonctl replay trace --until 30
gives 0 "ann" lessonctl members "room: A"
lessonctl end "room: A"
gives 0 "$(summary 1 1 0 0 0 0 0 0 0 0 0 0)" lessonctl replay trace --until 19
lessonctl end "room: A"
gives 0 "$(summary 0 0 0 0 0 0 0 0 0 0 0 0)" lessonctl replay trace --until 0
gives 0 '{"events":2,"created":1,"existed":0,"joined":1,"moved":0,"already_there":0,"quit":0,"quit_absent":0,"quit_elsewhere":0,"ended":0,"put_out":0,"ended_unknown":0}' \
    bash -c 'head -n 2 trace | "$LESSONCTL" --json replay -'
lessonctl end "room: A"
printf '%b\n' '1\tcreate\troom\t-\t-' '9\tjoin\troom\tc\tlate' '2\tjoin\troom\tc\tearly' '1\tquit\troom\tc\tearly' >unsorted
gives 0 "$(summary 3 1 0 1 0 0 1 0 0 0 0 0)" lessonctl replay unsorted --until 2
gives 0 "room${tab}waiting${tab}free${tab}0" lessonctl show room
lessonctl end room
printf 'nonsense\n' >>trace
status 2 lessonctl replay trace
[ "$out" = "$(summary 10 1 1 2 1 1 0 1 1 1 1 1)" ] || fail "before the malformed line: $out"
lessonctl end "room B"

# The last line may lack its newline. An empty trace has no events.
printf '1\tcreate\troom\t-\t-' >short
gives 0 "$(summary 1 1 0 0 0 0 0 0 0 0 0 0)" lessonctl replay short
lessonctl end room
gives 0 "$(summary 0 0 0 0 0 0 0 0 0 0 0 0)" lessonctl replay /dev/null

# The size of the batches changes nothing.
"$SCHOOL_DAY" >day.tsv
[ "$(wc -l <day.tsv)" -gt 2000 ] || fail "the school day is short"
cmp day.tsv <("$SCHOOL_DAY") || fail "the school day differs from one run to the next"
! cmp -s day.tsv <("$SCHOOL_DAY" --seed 2) || fail "the seed changes nothing"
for wrong in "--users 0" "--lessons x" "--seed" "--odd"; do
    # shellcheck disable=SC2086
    status 2 "$SCHOOL_DAY" $wrong
    [ -z "$out" ] || fail "school_day $wrong prints a trace"
done
noon=$("$SCHOOL_DAY" --noon)
for batch in 1 7 1000 65536; do
    fresh_store "$1"
    lessonctl replay day.tsv --until "$noon" --batch $batch >"summary.$batch"
    snapshot >"state.$batch"
    cmp "summary.$batch" summary.1 && cmp "state.$batch" state.1 || fail "a batch of $batch gives another state"
done
open=$(lessonctl lessons | wc -l)
[ "$open" -ge 10 ] || fail "only $open lessons are open at noon"
lessonctl end "$(lessonctl lessons | head -n 1 | cut -f 1)"
! snapshot | cmp -s - state.1 || fail "snapshots do not see that a lesson has ended"
fresh_store "$1"
lessonctl replay day.tsv >/dev/null
gives 0 "" lessonctl lessons

finish
