# Bans and kicks. $1 is the backend.
. "$(dirname "$0")/common.sh"
fresh_store "$1"

# A lesson without a record takes none
refuses 1 'ban: the lesson "chess: 1" has no record' lessonctl ban "chess: 1" ann --for 10m
refuses 1 'kick: the lesson "chess: 1" has no record' lessonctl kick "chess: 1" ann --for 10m
refuses 1 'unban: the lesson "chess: 1" has no record' lessonctl unban "chess: 1" ann
gives 1 '{"code":"NOT_FOUND","lesson_id":"chess: 1","uid":"ann"}' lessonctl --json ban "chess: 1" ann --for 10m
gives 0 "" lessonctl bans "chess: 1"

# A member who is banned stays, and cannot come back
gives 0 "" lessonctl create "chess: 1"
gives 0 "" lessonctl join ann chess "chess: 1" --unless-banned --session s1
gives 0 "" lessonctl ban "chess: 1" ann --for 2h
gives 0 1 lessonctl count "chess: 1"
unchanged refuses 1 'join: refused by --unless-banned: the user "ann" is banned from the lesson "chess: 1"' \
    lessonctl join ann chess "chess: 1" --unless-banned
gives 1 '{"code":"REFUSED","uid":"ann","refused_by":"unless-banned","present_lesson_id":"chess: 1","present_course_id":"chess","present_session":"s1"}' \
    lessonctl --json join ann chess "chess: 1" --unless-banned --if-open --stay
gives 0 "" lessonctl join ann chess "chess: 1"

# A kick takes out who is there, and bans who is not
gives 0 '{"code":"OK","lesson_id":"chess: 1","uid":"ann","left_lesson_id":"chess: 1","left_course_id":"chess"}' \
    lessonctl --json kick "chess: 1" ann --for 30d
gives 0 '{"code":"OK","lesson_id":"chess: 1","uid":"bob"}' lessonctl --json kick "chess: 1" bob --for 500ms
gives 0 "" lessonctl kick "chess: 1" "教师 2" --for 60
gives 0 0 lessonctl count "chess: 1"
status 0 lessonctl bans "chess: 1"
left=$(sed -n 's/^ann\t//p' .out)
[ "$left" -gt 2591000000 ] && [ "$left" -le 2592000000 ] || fail "of the ban $left ms are left"
left=$(sed -n 's/^教师 2\t//p' .out)
[ "$left" -gt 1000 ] && [ "$left" -le 60000 ] || fail "of the ban $left ms are left"
gives 0 "" lessonctl ban "chess: 1" bob --for 1ms
sleep 0.05
gives 0 "" lessonctl join bob chess "chess: 1" --unless-banned

# A ban is lifted, or goes with the lesson
gives 0 '{"code":"OK","lesson_id":"chess: 1","uid":"ann"}' lessonctl --json unban "chess: 1" ann
gives 0 "" lessonctl unban "chess: 1" ann
gives 0 "" lessonctl join ann chess "chess: 1" --unless-banned
status 0 lessonctl --json bans "chess: 1"
grep -q '^{"uid":"教师 2","left_ms":[0-9]*}$' .out || fail "bans --json printed: $out"
gives 0 "" lessonctl end "chess: 1"
gives 0 "" lessonctl create "chess: 1"
gives 0 "" lessonctl bans "chess: 1"

# An export has no bans
gives 0 "" lessonctl ban "chess: 1" ann --for 1h
gives 0 '{"type":"lesson","lesson_id":"chess: 1","course_status":"waiting","chat_status":"free"}' \
    bash -c '"$LESSONCTL" export | grep chess'

# What is wrong with the usage
refuses 2 "ban: give --for" lessonctl ban l u
refuses 2 "usage: lessonctl ban LESSON UID --for TIME" lessonctl ban l u
says 2 INVALID 'kick: give --for"}' lessonctl --json kick l u
for value in 0 0ms -1 31d 721h 2592000001ms 2592001 1.5h m "" 9223372036854775807d; do
    unchanged refuses 2 "ban: --for: \"$value\" is not a time from 1ms to 2592000s" lessonctl ban "chess: 1" ann --for "$value"
    refuses 2 "kick: --for: \"$value\" is not a time from" lessonctl kick "chess: 1" ann --for "$value"
done
refuses 2 "unban: uid " lessonctl unban "chess: 1" ""
refuses 2 "bans: lesson_id " lessonctl bans ""
