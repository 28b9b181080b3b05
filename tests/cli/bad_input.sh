# An error names its place, the exit status is right, and nothing is changed. $1 is the backend.
. "$(dirname "$0")/common.sh"
fresh_store "$1"
lessonctl create room
lessonctl join ann course room --session s

# Ids
long=$(printf 'x%.0s' {1..256})
bad_ids=("" "$long" $'\xff\xfe' $'\xed\xa0\x80' $'line\nbreak' $'\x7f')
reasons=("is empty" "has 256 bytes, more than 255" "is not valid UTF-8" "is not valid UTF-8"
    "has the control byte 0x0A at offset 4" "has the control byte 0x7F at offset 0")
for i in "${!bad_ids[@]}"; do
    id=${bad_ids[i]}
    reason=${reasons[i]}
    for command in create end count show members; do
        unchanged refuses 2 "$command: lesson_id $reason" lessonctl $command "$id"
    done
    unchanged refuses 2 "set: lesson_id $reason" lessonctl set "$id" --chat-status free
    unchanged refuses 2 "where: uid $reason" lessonctl where "$id"
    unchanged refuses 2 "join: uid $reason" lessonctl join "$id" c room
    unchanged refuses 2 "join: course_id $reason" lessonctl join bob "$id" room
    unchanged refuses 2 "join: lesson_id $reason" lessonctl join bob c "$id"
    unchanged refuses 2 "join: session $reason" lessonctl join bob c room --session "$id"
    unchanged refuses 2 "join: if_session $reason" lessonctl join ann c room --if-session "$id"
    unchanged refuses 2 "create: course_id $reason" lessonctl create room --reset --course "$id"
    unchanged refuses 2 "quit: uid $reason" lessonctl quit "$id"
    unchanged refuses 2 "quit: lesson_id $reason" lessonctl quit ann --lesson "$id"
    unchanged refuses 2 "quit: session $reason" lessonctl quit ann --session "$id"
done
gives 0 "" lessonctl create "${long:1}"
gives 0 "" lessonctl end "${long:1}"

# Capacities
for value in -1 1e9 1000000001 99999999999999999999 "" " 1" +1 1.5 x; do
    for command in "create room --reset" "create new" "set room --chat-status banned"; do
        unchanged refuses 2 "${command%% *}: --capacity: \"$value\" is not a number from 0 to 1000000000" \
            lessonctl $command --capacity "$value"
    done
done
for option in course-status chat-status; do
    unchanged refuses 2 "create: --$option: \"odd\" is not a valid" lessonctl create new --$option odd
done
refuses 2 "--capacity: missing argument" lessonctl set room --capacity
refuses 2 "--if-course-status: unknown option" lessonctl create room --if-course-status online

# Locations
for scheme in odd fault+odd redis+odd sqlit; do
    refuses 2 "the scheme ${scheme#fault+} is not one of" lessonctl --store $scheme:x lessons
done
refuses 2 "does not begin with a scheme" lessonctl --store /some/file lessons
refuses 2 "is empty" lessonctl --store "" lessons
case $LESSONSTORE_LOCATION in
*\?*) odd=$LESSONSTORE_LOCATION\&odd=1 ;;
*) odd=$LESSONSTORE_LOCATION?odd=1 ;;
esac
refuses 2 'takes no option "odd"' lessonctl --store "$odd" lessons
refuses 2 "more than 4096 bytes" lessonctl --store "memory:$(head -c 5000 /dev/zero | tr '\0' x)" lessons
if has_backend redis; then
    for port in 0 65536 x -1; do
        refuses 2 "the port is not a number from 1 to 65535" lessonctl --store redis://localhost:$port lessons
    done
    refuses 3 "$work/no.sock" lessonctl --store "redis+unix://$work/no.sock" lessons
fi
if has_backend sqlite; then
    echo "this is a text and no database, long enough to be looked at" >text.db
    cp text.db before
    refuses 3 "text.db" lessonctl --store sqlite:text.db lessons
    cmp -s before text.db || fail "a file that is not ours was changed"
    # A file of a newer version is no wrong usage: the scheme is known.
    if command -v sqlite3 >/dev/null; then
        lessonctl --store sqlite:newer.db create room
        sqlite3 newer.db "PRAGMA user_version = 99"
        refuses 3 "newer.db" lessonctl --store sqlite:newer.db lessons
    fi
    refuses 3 "/no/such/directory" lessonctl --store sqlite:/no/such/directory/x.db lessons
fi

# Traces: lines before the malformed one are applied, lines after it are not.
trace_refused() {
    printf '1\tcreate\tfirst\t-\t-\n%b\n9\tcreate\tlast\t-\t-\n' "$1" >trace
    status 2 lessonctl replay trace
    case $err in
    *"lessonctl: replay: trace: line 2: "*"$2"*) ;;
    *) fail "the trace line $1 is refused with: $err" ;;
    esac
    grep -qx "created${tab}1" .out || fail "the summary before the malformed line is: $out"
    status 1 lessonctl show last
    gives 0 "" lessonctl end first
}
trace_refused "" "the line has 1 fields separated by tabs, not 5"
trace_refused '2\tjoin\troom\tc' "4 fields"
trace_refused '2\tjoin\troom\tc\tu\tv' "6 fields"
trace_refused '2 join room c u' "1 fields"
trace_refused 'x\tjoin\troom\tc\tu' 'the time "x" is not a number'
trace_refused '-2\tjoin\troom\tc\tu' 'the time "-2" is not a number'
trace_refused '+2\tjoin\troom\tc\tu' 'the time "+2" is not a number'
trace_refused '2.5\tjoin\troom\tc\tu' 'the time "2.5" is not a number'
trace_refused '\tjoin\troom\tc\tu' 'the time "" is not a number'
trace_refused '9223372036854775808\tjoin\troom\tc\tu' 'is not a number'
trace_refused '99999999999999999999\tjoin\troom\tc\tu' 'is not a number'
trace_refused '2\tJOIN\troom\tc\tu' 'the event "JOIN" is not a valid event (create, join, quit, end)'
trace_refused '2\tjoin\t\tc\tu' 'lesson_id is empty'
trace_refused '2\tjoin\troom\t\tu' 'course_id is empty'
trace_refused '2\tjoin\troom\tc\t' 'uid is empty'
trace_refused '2\tjoin\troom\tc\t-' 'a join names no user'
trace_refused '2\tquit\troom\tc\t-' 'a quit names no user'
trace_refused '2\tjoin\troom\tc\tu\r' 'the line ends with a carriage return'
trace_refused '2\tjoin\troom\tc\tu\0v' 'uid has the control byte 0x00 at offset 1'
trace_refused '2\tjoin\troom\tc\t\xff' 'uid is not valid UTF-8'
trace_refused "2\tjoin\troom\tc\t$long" 'uid has 256 bytes, more than 255'
trace_refused "2\tjoin\troom\tc\t$long$long$long$long" 'the line has 1024 bytes or more'
for value in "" x -1 1.5 99999999999999999999; do
    refuses 2 "--until: \"$value\" is not a number" lessonctl replay trace --until "$value"
done
for value in 0 65537 x; do
    refuses 2 "--batch: \"$value\" is not a number from 1 to 65536" lessonctl replay trace --batch $value
done
refuses 3 "no-such: cannot be opened: No such file or directory" lessonctl replay no-such
refuses 2 "an argument is missing" lessonctl replay
refuses 3 ".: cannot be read: Is a directory" bash -c '"$LESSONCTL" replay . >/dev/null'

# Imports: the second line is wrong, and not even the first is applied.
import_refused() {
    printf '{"type":"lesson","lesson_id":"first"}\n%s\n' "$1" >import.jsonl
    unchanged refuses 2 "import: import.jsonl: line 2: $2" lessonctl import import.jsonl --merge
    unchanged refuses 2 "import: standard input: line 2: $2" bash -c 'cat import.jsonl | "$LESSONCTL" import - --merge'
}
import_refused '' 'not a JSON object'
import_refused 'lesson_id,uid' 'not a JSON object'
import_refused '{"type":"lesson","lesson_id":"x"' 'not a JSON object'
import_refused '{"type":"lesson","lesson_id":"x"} {}' 'not a JSON object'
import_refused '{"type":"lesson","lesson_id":"x","lesson_id":"y"}' 'not a JSON object: duplicate'
import_refused "$(printf '{"type":"lesson","lesson_id":"\xff"}')" 'not a JSON object'
import_refused '[]' 'it is JSON but not an object'
import_refused '7' 'it is JSON but not an object'
import_refused '{}' '"type" is missing'
import_refused '{"type":7}' '"type" is not a string'
import_refused '{"type":"course"}' 'the type "course" is neither lesson nor user'
import_refused '{"type":"lesson"}' '"lesson_id" is missing'
import_refused '{"type":"lesson","lesson_id":7}' '"lesson_id" is not a string'
import_refused '{"type":"lesson","lesson_id":null}' '"lesson_id" is not a string'
import_refused '{"type":"lesson","lesson_id":""}' 'lesson_id is empty'
import_refused '{"type":"lesson","lesson_id":"a\u0007"}' 'lesson_id has the control byte 0x07 at offset 1'
import_refused '{"type":"lesson","lesson_id":"a\u0000"}' 'not a JSON object'
import_refused "{\"type\":\"lesson\",\"lesson_id\":\"$long\"}" 'lesson_id has 256 bytes, more than 255'
import_refused '{"type":"lesson","lesson_id":"x","course_status":"odd"}' 'course_status: "odd" is not a valid course status (offline, online, cantjoinin, waiting)'
import_refused '{"type":"lesson","lesson_id":"x","chat_status":"Free"}' 'chat_status: "Free" is not a valid chat status (free, banned)'
import_refused '{"type":"lesson","lesson_id":"x","uid":"u"}' 'a lesson has no field "uid"'
import_refused '{"type":"lesson","lesson_id":"x","course_id":""}' 'course_id is empty'
import_refused '{"type":"lesson","lesson_id":"x","course_id":7}' '"course_id" is not a string'
for value in -1 1e9 1000000001 9223372036854775807 1.5 '""' '"5"' null true '[1]'; do
    import_refused "{\"type\":\"lesson\",\"lesson_id\":\"x\",\"capacity\":$value}" \
        '"capacity" is not a number from 0 to 1000000000'
done
import_refused '{"type":"lesson","lesson_id":"x","capacity":}' 'not a JSON object'
import_refused '{"type":"lesson","lesson_id":"x","capacity":99999999999999999999}' 'not a JSON object: too big integer'
import_refused '{"type":"user","uid":"u","course_id":"c","lesson_id":"x","capacity":5}' 'a user has no field "capacity"'
import_refused '{"type":"user","uid":"u","course_id":"","lesson_id":"x"}' 'course_id is empty'
import_refused '{"type":"user","course_id":"c","lesson_id":"x"}' '"uid" is missing'
import_refused '{"type":"user","uid":"u","course_id":"c"}' '"lesson_id" is missing'
import_refused '{"type":"user","uid":"u","course_id":"c","lesson_id":"x","session":""}' 'session is empty'
import_refused '{"type":"user","uid":"u","course_id":"c","lesson_id":"x","chat_status":"free"}' 'a user has no field "chat_status"'
import_refused "{\"type\":\"lesson\",\"lesson_id\":\"$(head -c 20000 /dev/zero | tr '\0' x)\"}" 'the line has 16384 bytes or more'
# Also far beyond the first batch.
for i in {1..2500}; do
    printf '{"type":"lesson","lesson_id":"lesson %d"}\n' "$i"
done >long.jsonl
printf '{"type":"user"}\n' >>long.jsonl
unchanged refuses 2 'long.jsonl: line 2501: "uid" is missing' lessonctl import long.jsonl --merge
refuses 3 "no-such: cannot be opened" lessonctl import no-such
printf '{"type":"lesson","lesson_id":"first"}\n' >good.jsonl
unchanged refuses 1 "the store is not empty" lessonctl import good.jsonl

# The first malformed line ends the reading of a pipe, however much may follow it, and nothing beyond it is kept. The file
# that an import keeps is limited here, and the input has no end.
for input in "cat /dev/zero" "yes" "yes {}" "yes []"; do
    unchanged refuses 2 "import: standard input: line 1: " bash -c \
        'ulimit -f 64; $1 2>/dev/null | "$LESSONCTL" import --merge' import "$input"
done
refuses 2 "import: /dev/zero: line 1: the line has 16384 bytes or more" \
    bash -c 'ulimit -f 64; "$LESSONCTL" import /dev/zero --merge'
refuses 2 "replay: /dev/zero: line 1: the line has 1024 bytes or more" bash -c '"$LESSONCTL" replay /dev/zero >/dev/null'
for command in import replay; do
    for name in - /dev/stdin /dev/fd/0 /proc/self/fd/0; do
        refuses 2 "line 1: $command: the shell's commands come from standard input" \
            bash -c 'printf "%s\n" "$1" | "$LESSONCTL" shell' shell "$command $name"
    done
done

# Files that cannot be written leave nothing behind.
refuses 3 "no/such/out: cannot be written" lessonctl export no/such/out
mkdir directory
ln -s directory linked
for name in . directory linked; do
    refuses 2 "$name: is a directory" lessonctl export $name
done
ln -s loop loop
refuses 3 "loop: cannot be written: Too many levels" lessonctl export loop
[ -z "$(find . -name '*.??????' -newer good.jsonl ! -path './state*')" ] || fail "a temporary file stays behind"

# If standard output cannot be written, that is a failure and is reported.
refuses 3 "standard output: No space left on device" bash -c '"$LESSONCTL" members room >/dev/full'
refuses 3 "standard output: No space left on device" bash -c '"$LESSONCTL" export >/dev/full'
refuses 3 "standard output: Bad file descriptor" bash -c '"$LESSONCTL" count room >&-'
# If the reader of standard output has gone, lessonctl ends quietly, as by SIGPIPE. Where SIGPIPE is ignored, it is a
# failure as any other.
mkfifo pipe
closed_pipe='{ exec 3<pipe; exec 3<&-; } & exec 4>pipe; wait; '
gone() {
    status 141 bash -c "$closed_pipe"'"$@" >&4' gone "$@"
    [ -z "$out$err" ] || fail "$* said after its reader had gone: $out$err"
}
gone "$LESSONCTL" count room
gone "$LESSONCTL" --json lessons
gone "$LESSONCTL" export -
gone "$LESSONCTL" --help
gone "$LESSONCTL" --version
printf 'count room\ncreate never\n' >script
gone bash -c '"$LESSONCTL" shell --keep-going <script'
refuses 1 "never" lessonctl show never
refuses 3 "standard output: Broken pipe" bash -c "$closed_pipe"'trap "" PIPE; "$LESSONCTL" count room >&4'
refuses 3 "standard output: Broken pipe" bash -c "$closed_pipe"'trap "" PIPE; "$LESSONCTL" --version >&4'

# With --json every message is an object with the name of its code, wherever --json stands, and nothing else is printed.
says 1 NOT_FOUND 'where: the user \"nobody\" is in no lesson' lessonctl --json where nobody
says 1 EXISTS 'create: the lesson \"room\" exists already"}' lessonctl create room --json
says 1 CONFLICT 'import: the store is not empty' lessonctl --json import good.jsonl
says 2 INVALID 'show: lesson_id is empty"}' lessonctl show "" --json
says 2 INVALID 'show: an argument is missing"}' lessonctl show --json
says 2 INVALID 'show: --odd: unknown option"}' lessonctl --json show --odd
says 2 INVALID 'show: --odd: unknown option"}' lessonctl show --json --odd
says 2 INVALID '--odd: unknown option"}' lessonctl --json --odd
says 2 INVALID 'a command is missing' lessonctl --json
says 2 INVALID 'there is no command \"odd\"' lessonctl --json odd
says 2 INVALID 'there is no command \"\"?\"' lessonctl --json $'"\n'
says 2 INVALID 'import: long.jsonl: line 2501: ' lessonctl --json import long.jsonl --merge
says 2 UNSUPPORTED 'the scheme odd is not one of' lessonctl --json --store odd:x lessons
says 3 FAILED 'no-such: cannot be opened' lessonctl --json replay no-such
says 3 FAILED 'standard output: No space left on device' bash -c '"$LESSONCTL" members room --json >/dev/full'
says 2 INVALID 'create: lesson_id is empty","line":2}' bash -c 'printf "count room\ncreate \"\"\n" | "$LESSONCTL" --json shell'
says 2 INVALID 'create: lesson_id is empty","line":2}' bash -c 'printf "count room --json\ncreate \"\" --json\n" | "$LESSONCTL" shell'
# In a shell, --json after a command applies to that command only.
status 1 bash -c 'printf "count room --json\nwhere nobody\n" | "$LESSONCTL" shell'
[ "$err" = 'lessonctl: line 2: where: the user "nobody" is in no lesson' ] || fail "the shell said: $err"

# Messages quote arguments, but no password of a location in the wrong place. hides TEXT COMMAND...: the message contains
# the text, also with --json, and no part of the password S3CRET.
hides() {
    local text=$1
    shift
    for json in "" --json; do
        "$LESSONCTL" $json "$@" >.out 2>.err </dev/null && fail "$* ended with 0"
        grep -qF -e "$text" .err || fail "$* said \"$(cat .err)\", which does not contain \"$text\""
        ! grep -q S3CRET .out .err || fail "$* shows the password: $(cat .out .err)"
        checks=$((checks + 1))
    done
}
secret=redis://u:S3CRET@h
hides '--stroe=redis://***@h: unknown option' --stroe=$secret lessons
hides 'redis://***@h: unknown option' -s$secret lessons
hides 'show: --stroe=redis://***@h: unknown option' show room --stroe=$secret
hides 'redis://***@h: cannot be written' export $secret
hides 'import: redis://***@h: cannot be opened' import $secret
hides 'replay: redis://***@h: cannot be opened' replay $secret
hides 'redis://***@h' replay trace --until $secret
hides 'redis://***@h' set room --course-status $secret
hides 'redis://***@h' help $secret
hides 'redis://***@h: unknown option' --x=redis://u:S3CRET@S3CRET/S3CRET?S3CRET@h lessons
hides 'redis://***@h: unknown option' '--x=redis://u:S3CRET***@h' lessons
hides 'redis://***@h: unknown option' --x=redis://S3CRET:://S3CRET@h lessons
hides 'a://***@h,b://h: unknown option' --x=a://S3CRET@redis://S3CRET@h,b://h lessons
hides 'a://***@b c://***@d @e: unknown option' '--x=a://S3CRET@b c://S3CRET@d @e' lessons
hides 'a://***@b: unknown option' --x=a://u@b lessons
hides 'a://b c@d: unknown option' '--x=a://b c@d' lessons
hides 'a://@b: unknown option' --x=a://@b lessons
# A message is cut, perhaps before the @.
long_secret=redis://u:$(printf 'S3CRET%.0s' {1..700})@h
hides '--x=redis://***' --x=$long_secret lessons
hides 'redis://***' set room --course-status $long_secret
hides '://***@b' "--x=$(head -c 2028 /dev/zero | tr '\0' x)://u@b" lessons
if has_backend redis; then
    hides 'redis://ann:***@localhost:1' --store redis://ann:S3CRET@localhost:1 lessons
fi

# The shell names the line and stops there.
shell() {
    printf '%b' "$1" | lessonctl shell
}
shell_stops() {
    local expected=$1 message=$2 lines=$3
    before=$(snapshot)
    status "$expected" shell "$lines"
    [ "$out" = 1 ] || fail "the shell printed before its failure: $out"
    case $err in
    "lessonctl: line 2: $message"*) ;;
    *) fail "the shell said: $err" ;;
    esac
    [ "$before" = "$(snapshot)" ] || fail "the shell went on after its failure"
}
shell_stops 2 'shell: a quote has no end' 'count room\ncreate "x\ncreate y\n'
shell_stops 2 'shell: a quote has no end' "count room\ncreate 'x\ncreate y\n"
shell_stops 2 'shell: a quote has no end, or nothing follows a \' 'count room\ncreate x\\\ncreate y\n'
shell_stops 2 'shell: the line has a NUL byte' 'count room\ncreate x\0y\ncreate y\n'
shell_stops 2 'there is no command "odd"' 'count room\nodd\ncreate y\n'
shell_stops 2 'create: lesson_id is empty' "count room\ncreate ''\ncreate y\n"
shell_stops 2 'join: an argument is missing' 'count room\njoin x\ncreate y\n'
shell_stops 2 'shell: is running already' 'count room\nshell\ncreate y\n'
shell_stops 2 "import: the shell's commands come from standard input" 'count room\nimport -\ncreate y\n'
shell_stops 2 "replay: the shell's commands come from standard input" 'count room\nreplay -\ncreate y\n'
shell_stops 1 'create: the lesson "room" exists already' 'count room\ncreate room\ncreate y\n'
shell_stops 1 'where: the user "x" is in no lesson' 'count room\nwhere x\ncreate y\n'
shell_stops 2 'shell: the line has 16384 bytes' \
    "count room\ncreate $(head -c 20000 /dev/zero | tr '\0' x)\ncreate y\n"
refuses 2 "too many arguments" lessonctl shell x

finish
