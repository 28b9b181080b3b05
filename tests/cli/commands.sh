# Every command with every option, as text and as JSON, with its exit status. $1 is the backend.
. "$(dirname "$0")/common.sh"
fresh_store "$1"

# Lessons and users that do not exist.
gives 0 "" lessonctl lessons
gives 0 "" lessonctl members "no such"
gives 0 0 lessonctl count "no such"
refuses 1 'the lesson "no such" has no record and no members' lessonctl show "no such"
refuses 1 'the user "nobody" is in no lesson' lessonctl where nobody
refuses 1 'the lesson "no such" has no record and no members' lessonctl end "no such"
refuses 1 'the lesson "no such" has no record' lessonctl end "no such" --record-only
refuses 1 'the user "nobody" is in no lesson' lessonctl quit nobody
refuses 1 'the lesson "no such" has no record' lessonctl set "no such" --chat-status free
gives 1 '{"code":"NOT_FOUND","uid":"nobody"}' lessonctl --json where nobody
gives 1 '{"code":"NOT_FOUND","lesson_id":"no such"}' lessonctl --json show "no such"
gives 1 '{"code":"NOT_FOUND","lesson_id":"no such"}' lessonctl --json end "no such"
gives 1 '{"code":"NOT_FOUND","lesson_id":"no such"}' lessonctl set "no such" --chat-status free --json
gives 1 '{"code":"NOT_FOUND","uid":"nobody"}' lessonctl quit nobody --json

# create
gives 0 "" lessonctl create "algebra: 7"
refuses 1 'the lesson "algebra: 7" exists already' lessonctl create "algebra: 7"
gives 1 '{"code":"EXISTS","lesson_id":"algebra: 7"}' lessonctl --json create "algebra: 7"
gives 0 '{"code":"OK","lesson_id":"数学 #2"}' lessonctl --json create "数学 #2"
gives 0 "" lessonctl create -- --json
gives 0 "--json${tab}waiting${tab}free${tab}0" lessonctl show -- --json
gives 0 "" lessonctl end -- --json

# set
gives 0 "" lessonctl set "algebra: 7" --course-status online --chat-status banned
gives 0 "algebra: 7${tab}online${tab}banned${tab}0" lessonctl show "algebra: 7"
gives 0 '{"code":"OK","lesson_id":"algebra: 7"}' \
    lessonctl --json set "algebra: 7" --course-status=offline --if-course-status=online --if-chat-status banned
# Both expectations are one condition: if one of them fails, neither status is set.
unchanged refuses 1 'another state than expected: course status offline, chat status banned' \
    lessonctl set "algebra: 7" --course-status waiting --chat-status free --if-course-status offline --if-chat-status free
gives 1 '{"code":"CONFLICT","lesson_id":"algebra: 7","course_status":"offline","chat_status":"banned"}' \
    lessonctl --json set "algebra: 7" --chat-status free --if-course-status online
for word in offline online cantjoinin waiting; do
    gives 0 "" lessonctl set "algebra: 7" --course-status $word
    gives 0 "algebra: 7${tab}$word${tab}banned${tab}0" lessonctl show "algebra: 7"
done
unchanged refuses 2 'set: give --course-status, --chat-status or --capacity' lessonctl set "algebra: 7" --if-chat-status free
case $err in
*"usage: lessonctl set LESSON [--course-status STATUS]"*) ;;
*) fail "the synopsis is missing: $err" ;;
esac
says 2 INVALID 'set: give --course-status, --chat-status or --capacity"}' lessonctl set "algebra: 7" --json
for option in course-status chat-status if-course-status if-chat-status; do
    unchanged refuses 2 "--$option: \"odd\" is not a valid" lessonctl set "algebra: 7" --chat-status free --$option odd
done

# join
gives 0 "" lessonctl join ann algebra "algebra: 7"
gives 0 '{"code":"OK","uid":"bob","arrival":"new"}' lessonctl --json join bob algebra "algebra: 7" --session s1
gives 0 '{"code":"OK","uid":"bob","arrival":"already_there","before_lesson_id":"algebra: 7","before_course_id":"algebra","before_session":"s1"}' \
    lessonctl --json join bob algebra "algebra: 7" --session s2
gives 0 '{"code":"OK","uid":"ann","arrival":"moved","before_lesson_id":"algebra: 7","before_course_id":"algebra"}' \
    lessonctl --json join ann 数学 "数学 #2"
unchanged refuses 1 'refused by --stay: the user "ann" is in the lesson "数学 #2"' \
    lessonctl join ann algebra "algebra: 7" --stay
gives 1 '{"code":"REFUSED","uid":"ann","refused_by":"stay","present_lesson_id":"数学 #2","present_course_id":"数学"}' \
    lessonctl --json join ann algebra "algebra: 7" --stay
unchanged refuses 1 'refused by --if-exists: the lesson "no such" has no record' lessonctl join ann c "no such" --if-exists
gives 1 '{"code":"REFUSED","uid":"eve","refused_by":"if-exists"}' lessonctl --json join eve c "no such" --if-exists
gives 0 "" lessonctl set "algebra: 7" --course-status cantjoinin
unchanged refuses 1 'refused by --if-open: the lesson "algebra: 7" is not open' lessonctl join eve algebra "algebra: 7" --if-open
gives 1 '{"code":"REFUSED","uid":"eve","refused_by":"if-open"}' lessonctl --json join eve algebra "algebra: 7" --if-open
gives 0 "" lessonctl join eve algebra "algebra: 7" --if-exists --stay
gives 0 "" lessonctl join -- -v c "no record"

# Admission: a course, a capacity and statuses at once. Text has further columns only in show, and only where needed.
gives 0 "" lessonctl create pair --course chess --course-status online --chat-status banned --capacity 2
gives 0 "pair${tab}online${tab}banned${tab}0${tab}chess${tab}2" lessonctl show pair
gives 0 '{"code":"OK","lesson_id":"pair","course_status":"online","chat_status":"banned","count":0,"has_record":true,"course_id":"chess","capacity":2}' \
    lessonctl --json show pair
gives 0 "pair${tab}online${tab}banned${tab}0" bash -c '"$LESSONCTL" lessons | grep pair'
gives 0 '{"lesson_id":"pair","course_status":"online","chat_status":"banned","count":0,"has_record":true,"course_id":"chess","capacity":2}' \
    bash -c '"$LESSONCTL" --json lessons | grep pair'
gives 0 "pair${tab}online${tab}banned${tab}0" lessonctl lessons --course chess
gives 0 "pair${tab}online${tab}banned${tab}0" lessonctl lessons --course-status online --chat-status banned
gives 0 "" lessonctl lessons --course chess --chat-status free
gives 0 "" lessonctl lessons --course che
refuses 2 'course-status' lessonctl lessons --course-status open
refuses 2 'course_id' lessonctl lessons --course ''
unchanged refuses 1 'the lesson "pair" exists already' lessonctl create pair --course go --capacity 3
# A reset keeps the course and the capacity that are not given, and no status.
gives 0 "" lessonctl create pair --reset --capacity 1
gives 0 "pair${tab}waiting${tab}free${tab}0${tab}chess${tab}1" lessonctl show pair
gives 0 "" lessonctl create pair --reset --course go --chat-status banned
gives 0 "pair${tab}waiting${tab}banned${tab}0${tab}go${tab}1" lessonctl show pair
# 0 allows any number.
gives 0 '{"code":"OK","lesson_id":"pair"}' lessonctl --json set pair --capacity 0
gives 0 "pair${tab}waiting${tab}banned${tab}0${tab}go" lessonctl show pair
gives 0 '{"code":"OK","lesson_id":"pair","course_status":"waiting","chat_status":"banned","count":0,"has_record":true,"course_id":"go"}' \
    lessonctl --json show pair
unchanged refuses 1 'another state than expected' lessonctl set pair --capacity 5 --if-course-status offline
gives 0 "" lessonctl create bare --capacity 1000000000
gives 0 "bare${tab}waiting${tab}free${tab}0${tab}-${tab}1000000000" lessonctl show bare
gives 0 '{"code":"OK","lesson_id":"bare","course_status":"waiting","chat_status":"free","count":0,"has_record":true,"capacity":1000000000}' \
    lessonctl --json show bare
gives 0 "" lessonctl end bare
refuses 1 'the lesson "no such" has no record' lessonctl set "no such" --capacity 1
# Room. A member needs none.
gives 0 "" lessonctl set pair --capacity 1
gives 0 "" lessonctl join one go pair --if-room --session s1
gives 0 "" lessonctl join one go pair --if-room --session s1
unchanged refuses 1 'refused by --if-room: the lesson "pair" has 1 member and no room' lessonctl join two go pair --if-room
gives 0 "" lessonctl join two go pair
unchanged refuses 1 'refused by --if-room: the lesson "pair" has 2 members and no room' lessonctl join three go pair --if-room
gives 1 '{"code":"REFUSED","uid":"three","refused_by":"if-room","count":2}' lessonctl --json join three go pair --if-room
says 1 REFUSED 'refused by --if-room: the lesson \"pair\" has 2 members and no room"}' lessonctl --json join three go pair --if-room
gives 1 '{"code":"REFUSED","uid":"eve","refused_by":"if-room","count":2,"present_lesson_id":"algebra: 7","present_course_id":"algebra"}' \
    lessonctl --json join eve go pair --if-room --stay
# A lesson that was closed lets its members come back. One that has ended does not.
gives 0 "" lessonctl set pair --course-status cantjoinin
gives 0 "" lessonctl join two go pair --if-open-or-member
unchanged refuses 1 'refused by --if-open-or-member: the lesson "pair" is not open, and the user "three" is not in it' \
    lessonctl join three go pair --if-open-or-member
gives 1 '{"code":"REFUSED","uid":"three","refused_by":"if-open-or-member"}' \
    lessonctl --json join three go pair --if-open-or-member --if-room
unchanged refuses 1 'refused by --if-open: the lesson "pair" is not open' \
    lessonctl join two go pair --if-open --if-open-or-member
unchanged refuses 1 'refused by --if-open-or-member: the lesson "no record" has no record' \
    lessonctl join --if-open-or-member -- -v c "no record"
unchanged refuses 1 'refused by --if-exists: the lesson "no record" has no record' \
    lessonctl join --if-exists --if-open-or-member -- -v c "no record"
# Sessions
unchanged refuses 1 'the user "one" is in the lesson "pair" with another session' \
    lessonctl join one go pair --session s3 --if-session s2
gives 1 '{"code":"CONFLICT","uid":"one","present_lesson_id":"pair","present_course_id":"go","present_session":"s1"}' \
    lessonctl --json join one go pair --session s3 --if-session s2
says 1 CONFLICT 'join: the user \"one\" is in the lesson \"pair\" with another session"}' \
    lessonctl --json join one go pair --if-session s2
gives 0 '{"code":"OK","uid":"one","arrival":"already_there","before_lesson_id":"pair","before_course_id":"go","before_session":"s1"}' \
    lessonctl --json join one go pair --session s3 --if-session s1
gives 0 "" lessonctl join one go pair --if-session s3
unchanged refuses 1 'the user "one" is in the lesson "pair" with no session' lessonctl join one go pair --if-session s3
unchanged refuses 1 'the user "nobody" is in no lesson' lessonctl join nobody go pair --if-session s3
gives 1 '{"code":"CONFLICT","uid":"nobody"}' lessonctl --json join nobody go pair --if-session s3
unchanged refuses 2 'join: JOIN_OR_NOWHERE needs if_session' lessonctl join two go pair --or-nowhere
unchanged refuses 1 'the user "one" is in the lesson "pair" with no session' \
    lessonctl join one go pair --if-session s3 --or-nowhere
gives 0 '{"code":"OK","uid":"three","arrival":"new"}' \
    lessonctl --json join three go pair --if-session s3 --session s3 --or-nowhere
gives 0 "" lessonctl end pair

# Reading
gives 0 "algebra: 7${tab}algebra${tab}s2" lessonctl where bob
gives 0 "algebra: 7${tab}algebra" lessonctl where eve
gives 0 '{"code":"OK","uid":"bob","lesson_id":"algebra: 7","course_id":"algebra","session":"s2"}' lessonctl --json where bob
gives 0 '{"code":"OK","uid":"eve","lesson_id":"algebra: 7","course_id":"algebra"}' lessonctl where eve --json
gives 0 2 lessonctl count "algebra: 7"
gives 0 '{"code":"OK","lesson_id":"algebra: 7","count":2}' lessonctl --json count "algebra: 7"
gives 0 "bob
eve" bash -c '"$LESSONCTL" members "algebra: 7" | sort'
gives 0 '{"uid":"bob"}
{"uid":"eve"}' bash -c '"$LESSONCTL" --json members "algebra: 7" | sort'
gives 0 "no record${tab}-${tab}-${tab}1" lessonctl show "no record"
gives 0 '{"code":"OK","lesson_id":"no record","count":1,"has_record":false}' lessonctl --json show "no record"
gives 0 "algebra: 7${tab}cantjoinin${tab}banned${tab}2
no record${tab}-${tab}-${tab}1
数学 #2${tab}waiting${tab}free${tab}1" bash -c '"$LESSONCTL" lessons | sort'
gives 0 '{"lesson_id":"algebra: 7","course_status":"cantjoinin","chat_status":"banned","count":2,"has_record":true}' \
    bash -c '"$LESSONCTL" --json lessons | grep algebra'

# check and repair
gives 0 "" lessonctl check
gives 0 "" lessonctl repair
status 1 lessonctl check --ended
[ "$out" = "found${tab}user of an ended lesson${tab}no record${tab}-v${tab}${out##*"$tab"}" ] || fail "check printed: $out"
unchanged status 1 lessonctl repair --ended --dry-run
[ "${out%%"$tab"*}" = "would repair" ] || fail "the dry run printed: $out"
status 1 lessonctl --json check --ended
case $out in
'{"verdict":"found","finding":"user of an ended lesson","lesson_id":"no record","uid":"-v",'*',"repairable":true,"repaired":false}') ;;
*) fail "check --json printed: $out" ;;
esac
status 0 lessonctl repair --ended
[ "${out%%"$tab"*}" = "repaired" ] || fail "repair printed: $out"
gives 0 "" lessonctl check --ended
refuses 1 "in no lesson" lessonctl where -- -v

# quit
unchanged refuses 1 'the user "bob" is in the lesson "algebra: 7"' lessonctl quit bob --lesson "数学 #2"
unchanged refuses 1 'the user "bob" is in the lesson "algebra: 7" with another session' lessonctl quit bob --session s1
gives 0 "" lessonctl join zoe c "no record"
unchanged refuses 1 'the user "zoe" is in the lesson "no record" with no session' lessonctl quit zoe --session s1
gives 0 "" lessonctl quit zoe
gives 1 '{"code":"CONFLICT","uid":"bob","present_lesson_id":"algebra: 7","present_course_id":"algebra","present_session":"s2"}' \
    lessonctl --json quit bob --lesson "algebra: 7" --session s1
gives 0 '{"code":"OK","uid":"bob","left_lesson_id":"algebra: 7","left_course_id":"algebra","left_session":"s2"}' \
    lessonctl --json quit bob --lesson "algebra: 7" --session s2
gives 0 "" lessonctl quit eve
gives 0 0 lessonctl count "algebra: 7"

# end, reset
gives 0 "" lessonctl join bob algebra "algebra: 7"
gives 0 "" lessonctl create "algebra: 7" --reset
gives 0 "algebra: 7${tab}waiting${tab}free${tab}1" lessonctl show "algebra: 7"
gives 0 '{"code":"OK","lesson_id":"algebra: 7","left":0}' lessonctl --json end "algebra: 7" --record-only
gives 0 "algebra: 7${tab}algebra" lessonctl where bob
gives 0 '{"code":"OK","lesson_id":"algebra: 7","left":1}' lessonctl --json end "algebra: 7"
refuses 1 "in no lesson" lessonctl where bob
gives 0 "" lessonctl end "数学 #2"
gives 0 "" lessonctl lessons

# --store stands before the command or after it. The one after it wins.
store=$LESSONSTORE_LOCATION
gives 0 "" lessonctl create "here"
LESSONSTORE_LOCATION=nonsense gives 0 "here${tab}waiting${tab}free${tab}0" lessonctl lessons --store "$store"
gives 0 "here${tab}waiting${tab}free${tab}0" lessonctl --store nonsense show here --store="$store"
gives 0 '{"code":"OK","lesson_id":"here","left":0}' lessonctl end --store "$store" --json here
refuses 2 "count: --store: missing argument" lessonctl count here --store
refuses 2 "does not begin with a scheme" lessonctl count here --store nonsense

# The figures of a run: the engine was asked, and nothing is JSON.
status 0 lessonctl info --metrics
[ "$(tail -n 1 "$work/.out")" = "# EOF" ] && grep -q '^lessonstore_pool_open{store="[a-z+]*"} 1$' "$work/.out" ||
    fail "info --metrics printed: $out"
says 2 INVALID "info: --metrics has a form of its own" lessonctl info --metrics --json

# info, help, version
status 0 lessonctl info
grep -qx "library_version${tab}$(lessonctl --version | cut -d' ' -f2)" "$work/.out" || fail "info printed: $out"
status 0 lessonctl --json info
case $out in
'{"location":"'*'"library_version":"'*) ;;
*) fail "info --json printed: $out" ;;
esac
[ "$(wc -l <"$work/.out")" = 1 ] || fail "info --json printed several lines"
# Figures are numbers. A text that an option takes is none, even if it has only digits.
case $out in
*'"pool":'[0-9]*) ;;
*) fail "info --json shows a figure as a text: $out" ;;
esac
! grep -E '"(pool|page_size|page_count|schema_version|database|timeout_ms|busy_timeout_ms)":"' .out ||
    fail "info --json shows a figure as a text"
if [ "$1" = redis ]; then
    status 0 lessonctl --json --store "$LESSONSTORE_TEST_REDIS?prefix=7" info
    grep -qF '"prefix":"7"' .out || fail "info --json shows a text as a figure: $out"
fi
for command in $(lessonctl --json help | sed 's/{"command":"\([a-z]*\)".*/\1/'); do
    status 0 lessonctl help "$command"
    case $out in
    "usage: lessonctl $command"*) ;;
    *) fail "help $command printed: $out" ;;
    esac
    synopsis=$(sed -n '1s/^usage: lessonctl //p' .out)
    grep -qF "| \`${synopsis//|/\\|}\` |" "$PAGE" || fail "docs/lessonctl.md has no line for: $synopsis"
    gives 0 "$out" lessonctl "$command" --help
    refuses 2 "too many arguments" lessonctl "$command" a b c d
    case $err in
    *"usage: lessonctl $command"*) ;;
    *) fail "the synopsis is missing: $err" ;;
    esac
    refuses 2 "--odd: unknown option" lessonctl "$command" --odd
done
status 0 lessonctl --help
gives 0 "$out" lessonctl help
refuses 2 'there is no command "odd"' lessonctl odd
refuses 2 'there is no command "odd"' lessonctl help odd
refuses 2 'a location stands behind --store' lessonctl redis://ann:secret@localhost info
refuses 2 "--odd: unknown option" lessonctl --odd lessons
refuses 2 "--store: missing argument" lessonctl --store
refuses 2 "--session: missing argument" lessonctl quit ann --session
refuses 2 "an argument is missing" lessonctl join ann algebra
status 2 lessonctl
[ -z "$out" ] || fail "lessonctl alone printed data"

finish
