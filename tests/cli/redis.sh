# What only a server can have: residue of legacy writers, keys of a wrong type, passwords, unknown outcomes.
. "$(dirname "$0")/common.sh"
command -v redis-cli >/dev/null || { echo "skipped: no redis-cli"; exit 77; }
socket=${LESSONSTORE_TEST_REDIS#redis+unix://}
export LESSONSTORE_LOCATION=$LESSONSTORE_TEST_REDIS

redis() {
    redis-cli -s "$socket" "$@" >/dev/null
}

# A ghost: among the members of one lesson while the user record names another. A missing member: the reverse.
lessonctl create algebra
lessonctl join ann maths algebra
lessonctl join bob maths algebra
redis sadd STATUS:LESSON_USER:LESSON_ID:physics ann
redis srem STATUS:LESSON_USER:LESSON_ID:algebra bob
redis hdel STATUS:LESSON_STATUS:LESSON_ID:algebra course_status
gives 0 "algebra${tab}-${tab}free${tab}1" lessonctl show algebra
found=$(printf '%s\tghost member\tphysics\tann\n%s\tincomplete lesson record\talgebra\t-\n%s\tmissing member\talgebra\tbob\n' found found found)
findings() {
    status "$1" lessonctl "${@:2}"
    out=$(cut -f 1-4 <<<"$out" | sort)
}
findings 1 check
[ "$out" = "$found" ] || fail "check printed: $out"
findings 1 repair --dry-run
[ "$out" = "${found//found/would repair}" ] || fail "the dry run printed: $out"
findings 1 check
[ "$out" = "$found" ] || fail "the dry run changed something: $out"
findings 0 repair
[ "$out" = "${found//found/repaired}" ] || fail "repair printed: $out"
gives 0 "" lessonctl check
gives 0 "algebra${tab}waiting${tab}free${tab}2" lessonctl show algebra

# A server that evicts keys loses users without an error, so everybody who looks is told.
redis config set maxmemory-policy allkeys-lru
status 0 lessonctl info
grep -q "^eviction_policy${tab}allkeys-lru$" <<<"$out" && grep -q "^warning${tab}.*noeviction" <<<"$out" || fail "info: $out"
for command in check repair "import --merge" "replay -"; do
    status 0 bash -c '"$LESSONCTL" "$@" </dev/null' x $command
    grep -q "^lessonctl: ${command%% *}: warning: .*maxmemory-policy noeviction" <<<"$err" || fail "$command: $err"
done
redis config set maxmemory-policy volatile-lru # none of our keys expires
gives 0 "" lessonctl check
redis config set maxmemory-policy noeviction
status 0 lessonctl info
! grep -q "^warning" <<<"$out" || fail "info: $out"

# A user record without a course does not prevent moving a store.
redis hset STATUS:IN_LESSON:UID:cy uid cy lesson_id algebra
redis sadd STATUS:LESSON_USER:LESSON_ID:algebra cy
gives 0 "algebra${tab}-" lessonctl where cy
lessonctl export | lessonctl --store sqlite:moved.db import -
gives 0 "algebra${tab}-" lessonctl --store sqlite:moved.db where cy
lessonctl quit cy

# An import adds no field to the record of a lesson without a course and a capacity.
lessonctl create small --course maths --capacity 5
lessonctl export - | grep '"type":"lesson"' | lessonctl --store "$LESSONSTORE_LOCATION?prefix=COPY" import
fields() {
    redis-cli -s "$socket" --raw hkeys "$1:LESSON_STATUS:LESSON_ID:$2" | sort
}
for lesson in algebra small; do
    cmp <(fields STATUS $lesson) <(fields COPY $lesson) || fail "the copy of $lesson has the fields: $(fields COPY $lesson)"
done
[ "$(fields STATUS algebra | tr '\n' ' ')" = "chat_status course_status lesson_id " ] || fail "$(fields STATUS algebra)"
lessonctl end small

# A capacity that is no number is neither none nor enough.
lessonctl create crowded --capacity 5
redis hset STATUS:LESSON_STATUS:LESSON_ID:crowded capacity many
for command in "show crowded" "join new c crowded --if-room"; do
    refuses 3 "STATUS:LESSON_STATUS:LESSON_ID:crowded" lessonctl $command
done
says 3 MALFORMED "the export is not complete: " lessonctl --json export
lessonctl set crowded --capacity 5
gives 0 "crowded${tab}waiting${tab}free${tab}0${tab}-${tab}5" lessonctl show crowded
lessonctl end crowded

# A key of a wrong type is neither empty nor not found.
redis set STATUS:LESSON_STATUS:LESSON_ID:odd text
redis set STATUS:IN_LESSON:UID:odd text
redis set STATUS:LESSON_USER:LESSON_ID:odd text
for command in "create odd" "show odd" "set odd --chat-status free" "count odd" "members odd" "end odd"; do
    refuses 3 "${command%% *}: " lessonctl $command
    case $err in
    *STATUS:LESSON_*:LESSON_ID:odd*) ;;
    *) fail "$command does not name the key: $err" ;;
    esac
done
refuses 3 "STATUS:IN_LESSON:UID:odd" lessonctl where odd
refuses 3 "STATUS:IN_LESSON:UID:odd" lessonctl quit odd
status 3 lessonctl export copy.jsonl
[ ! -e copy.jsonl ] || fail "an export that is not complete was kept"
status 1 lessonctl repair
grep -q "^left${tab}malformed data" .out || fail "repair printed: $out"
# An export to standard output rescues what can be read, including users if lessons are damaged.
status 3 lessonctl export -
[ "$(sort .out)" = '{"type":"lesson","lesson_id":"algebra","course_status":"waiting","chat_status":"free"}
{"type":"user","uid":"ann","course_id":"maths","lesson_id":"algebra"}
{"type":"user","uid":"bob","course_id":"maths","lesson_id":"algebra"}' ] || fail "the damaged store exports: $out"
[ "$(grep -c "export: the export is not complete: " .err)" = 2 ] || fail "the export said: $err"
redis del STATUS:LESSON_STATUS:LESSON_ID:odd STATUS:LESSON_USER:LESSON_ID:odd
says 3 MALFORMED "the export is not complete: " lessonctl --json export
[ "$(grep -c '"type":"user"' .out)" = 2 ] || fail "beside a malformed user the store exports: $out"
redis del STATUS:IN_LESSON:UID:odd

# A failed operation of a trace is reported with its line.
redis set STATUS:LESSON_USER:LESSON_ID:odd text
printf '1\tcreate\tgood\t-\t-\n2\tjoin\todd\tc\tu\n' >trace
status 3 lessonctl replay trace
case $err in
*"replay: trace: "*"line 2"*"STATUS:LESSON_USER:LESSON_ID:odd"*) ;;
*) fail "replay said: $err" ;;
esac
redis del STATUS:LESSON_USER:LESSON_ID:odd

# A wrong password, which is not shown.
redis acl setuser teacher on '>right secret' '~*' '&*' +@all
gives 0 2 lessonctl --store "redis+unix://teacher:right%20secret@$socket" count algebra
for password in mistaken mistaken%3Fword; do
    refuses 3 "" lessonctl --store "redis+unix://teacher:$password@$socket" count algebra
    ! grep -q mistaken "$work/.err" || fail "the password is shown: $err"
done
status 0 lessonctl --store "redis+unix://teacher:right%20secret@$socket" info
! grep -q secret "$work/.out" || fail "info shows the password: $out"

# No server: the exit status of an unreachable store, for reading commands too, and no data.
for command in "lessons" "count algebra" "where ann" "members algebra" "check" "export"; do
    refuses 3 "" lessonctl --store "redis+unix://$work/nobody.sock" $command
done

says 3 UNREACHABLE "nobody.sock" lessonctl --json --store "redis+unix://$work/nobody.sock" create late

# A write without a reply may or may not have been applied.
redis client pause 60000 write
refuses 3 "the outcome is unknown" lessonctl --store "$LESSONSTORE_TEST_REDIS?timeout_ms=200" create late
refuses 3 "the outcome is unknown" bash -c 'printf "create late\n" | "$LESSONCTL" --store "$LESSONSTORE_TEST_REDIS?timeout_ms=200" shell'
says 3 UNKNOWN "the outcome is unknown" lessonctl --json --store "$LESSONSTORE_TEST_REDIS?timeout_ms=200" create late
status 3 lessonctl --store "$LESSONSTORE_TEST_REDIS?timeout_ms=200" replay trace
case $err in
*"trace: from line 1 on: "*"the outcome is unknown"*) ;;
*) fail "replay said: $err" ;;
esac
redis client unpause

# An export that a signal ends leaves nothing. Meanwhile a stopped server keeps it waiting. Where the file system has files
# without a name, not even SIGKILL leaves something.
server=$(redis-cli -s "$socket" info server | tr -d '\r' | sed -n 's/^process_id://p')
mkfifo commands
export_is_begun() {
    compgen -G "rescued.jsonl.*" >part || ls -l "/proc/$shell/fd" 2>/dev/null | grep -F "$(pwd -P)/#" >part
}
for signal in HUP INT QUIT TERM ALRM USR1 USR2 XCPU VTALRM PROF IO KILL; do
    : >answers
    env --default-signal "$LESSONCTL" --store "$LESSONSTORE_TEST_REDIS?timeout_ms=60000" shell <commands >answers &
    shell=$!
    exec 3>commands
    echo "count algebra" >&3
    until [ -s answers ] || ! kill -0 $shell; do sleep 0.02; done
    kill -STOP "$server"
    echo "export rescued.jsonl" >&3
    until export_is_begun || ! kill -0 $shell; do sleep 0.02; done
    [ $signal != KILL ] || grep -q '/#' part || signal=TERM
    kill -$signal $shell || true
    ended=0
    wait $shell 2>/dev/null || ended=$?
    kill -CONT "$server"
    exec 3>&-
    [ -s part ] || fail "the export has begun no file"
    [ "$ended" = $((128 + $(kill -l $signal))) ] || fail "the export ended with $ended, not by SIG$signal"
    [ -z "$(compgen -G 'rescued.jsonl*')" ] || fail "after SIG$signal the export leaves behind: $(compgen -G 'rescued.jsonl*')"
    checks=$((checks + 1))
done

finish
