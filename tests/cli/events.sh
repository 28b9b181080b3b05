# Events and the screen of the busiest lessons. $1 is the backend.
. "$(dirname "$0")/common.sh"
fresh_store "$1"
columns() { # columns LIST ARGUMENT...: these columns of the events
    local list=$1
    shift
    lessonctl events "$@" | cut -f "$list"
}

objects() { # without what differs in each run
    lessonctl --json events | sed -E 's/"position":"[-0-9a-f]*","at":"[-0-9T:.]*Z",//'
}

second_object() {
    lessonctl --json top --every 10ms | sed -n 2p
}

shell_of() {
    echo "$1" | lessonctl shell
}

gives 0 "" lessonctl create chess
refuses 1 'events: the store keeps no events: open it once with feed=N in its location' lessonctl events
gives 0 "$(printf '(1 lessons)\t-\t0\t-\t-\nchess\twaiting\t0\t-\t-')" lessonctl top --every 10ms

# The option turns it on for everybody
separator='?'
case $LESSONSTORE_LOCATION in *\?*) separator='&' ;; esac
gives 0 "" lessonctl --store "$LESSONSTORE_LOCATION${separator}feed=100" end chess
gives 0 "" lessonctl create chess --course arts --capacity 7
gives 0 "" lessonctl hold w/1 --lease 100000
gives 0 "" lessonctl join ann arts chess --session s1 --owner w/1
gives 0 "" lessonctl join ann arts go
gives 0 "" lessonctl quit ann
gives 0 "$(printf '%s\n' '{"event":"end","cause":"call","lesson_id":"chess","count":0}' \
    '{"event":"create","cause":"call","lesson_id":"chess","course_id":"arts","course_status":"waiting","chat_status":"free","capacity":7}' \
    '{"event":"join","cause":"call","lesson_id":"chess","uid":"ann","course_id":"arts","session":"s1","owner":"w/1"}' \
    '{"event":"join","cause":"call","lesson_id":"go","uid":"ann","course_id":"arts","from_lesson_id":"chess"}' \
    '{"event":"quit","cause":"call","lesson_id":"go","uid":"ann"}')" \
    objects
gives 0 "$(printf 'join\tgo\nquit\tgo')" columns 3,5 --lesson go

# Positions, and those that are none
position=$(lessonctl events | sed -n 4p | cut -f 1)
gives 0 "$(printf 'quit\tann')" columns 3,6 --from "$position"
refuses 2 'events: feed: the text is no position' lessonctl events --from yesterday
refuses 1 'events: events are missing here: list the store again' lessonctl events --from 1-2-3-4
refuses 2 'events: --follow: the shell would never run another line; start lessonctl events by itself' \
    shell_of 'events --follow'

# Following goes on until a signal comes, and says what came meanwhile
"$LESSONCTL" events --follow --from "$position" >"$work/followed" &
follower=$!
gives 0 "" lessonctl join bob arts go
for ((i = 0; i < 1000; i++)); do
    [ "$(wc -l <"$work/followed")" -lt 2 ] || break
    sleep 0.01
done
kill -TERM $follower
wait $follower || fail "a follower ends with status $?"
gives 0 "$(printf 'quit\tann\njoin\tbob')" cut -f 3,6 "$work/followed"

# The busiest lessons
gives 0 "" lessonctl join cid arts go
gives 0 "$(printf '(2 lessons)\t-\t2\t0\t0\ngo\t-\t2\t0\t0')" lessonctl top --every 10ms --lines 1
gives 0 '{"lesson_id":"go","members":2,"joins_per_s":0,"quits_per_s":0}' second_object
refuses 2 'top: --lines: ' lessonctl top --lines 0
# A feed that cannot be read is no feed without events. The first read is that of the opening.
status 3 lessonctl --store "fault+$LESSONSTORE_LOCATION${separator}fault_code=denied&fault_on=events&fault_at=2" \
    top --every 500ms --lines 1
[ "$out" = "$(printf '(2 lessons)\t-\t2\t-\t-\ngo\t-\t2\t-\t-')" ] || fail "top printed: $out"
[[ $err == 'lessonctl: top: '* ]] || fail "top said: $err"

# The list of the events ends, also beside a writer who never rests
gives 0 "" lessonctl --store "$LESSONSTORE_LOCATION${separator}feed=10000000" create steady
"$LESSONCTL" shell >"$work/.written" 2>&1 < <(while echo "join dan arts go" && echo "quit dan"; do :; done 2>/dev/null) &
writer=$!
for ((i = 0; i < 1000 && $(lessonctl events | wc -l) < 500; i++)); do
    sleep 0.01
done
status 0 timeout 60 "$LESSONCTL" events
kill $writer
wait $writer || true
finish
