# Owners: leases, joins that name an owner, sweeps once and again and again, and drops. $1 is the backend.
. "$(dirname "$0")/common.sh"
fresh_store "$1"

# Nobody yet
gives 0 "" lessonctl owners
gives 0 "" lessonctl users
gives 0 "" lessonctl sweep
refuses 1 'drop: the owner "w" holds no lease' lessonctl drop w
says 1 NOT_FOUND 'drop: the owner \"w\" holds no lease"}' lessonctl --json drop w
refuses 1 'hold: the owner "w" holds no lease, or is over: take another owner' lessonctl hold w --lease 60000 --renew
gives 1 '{"code":"CONFLICT","owner":"w"}' lessonctl --json hold w --lease 60000 --renew

# Leases
gives 0 "" lessonctl hold w --lease 60000
gives 0 '{"code":"OK","owner":"w"}' lessonctl --json hold w --lease 86400000 --renew
gives 0 '{"code":"OK","owner":"教师 2"}' lessonctl --json hold "教师 2" --lease 1
sleep 0.05
status 0 lessonctl owners
sort .out | cut -f 1-3 | cmp - <(printf 'w\theld\t86400000\n教师 2\tlate\t1\n') || fail "owners printed: $out"
left=$(sed -n 's/^w\t.*\t//p' .out)
[ "$left" -gt 86000000 ] && [ "$left" -le 86400000 ] || fail "of the lease $left ms are left"
[ "$(sed -n 's/^教师 2\t.*\t//p' .out)" -lt 0 ] || fail "a late owner has time left: $out"
status 0 lessonctl --json owners
grep -q '^{"owner":"教师 2","state":"late","lease_ms":1,"left_ms":-[0-9]*}$' .out || fail "owners --json printed: $out"
gives 0 "" lessonctl drop "教师 2"

# Joins
gives 0 "" lessonctl join ann algebra "algebra: 7" --owner w --session s1
gives 0 '{"code":"OK","uid":"bob","arrival":"new"}' lessonctl --json join bob algebra "algebra: 7" --owner w
gives 0 "" lessonctl join cy algebra "algebra: 7"
unchanged refuses 1 'refused by --owner: the owner "v" holds no lease, or is over' \
    lessonctl join dan algebra "algebra: 7" --owner v
gives 1 '{"code":"REFUSED","uid":"ann","refused_by":"owner","present_lesson_id":"algebra: 7","present_course_id":"algebra","present_session":"s1"}' \
    lessonctl --json join ann chess chess --owner v
# Of several conditions that do not hold, the owner is the last one.
gives 1 '{"code":"REFUSED","uid":"eve","refused_by":"if-exists"}' lessonctl --json join eve c none --owner v --if-exists
without_times() {
    sed 's/"joined_ms":1[0-9]\{12\}/"joined_ms":NOW/'
}
users_are() {
    local expected=$1
    shift
    status 0 lessonctl users "$@"
    [ "$(sort .out | without_times)" = "$expected" ] || fail "users $* printed: $out"
}
users_are "ann${tab}algebra: 7${tab}algebra${tab}s1${tab}w
bob${tab}algebra: 7${tab}algebra${tab}-${tab}w
cy${tab}algebra: 7${tab}algebra${tab}-${tab}-"
users_are '{"uid":"ann","lesson_id":"algebra: 7","course_id":"algebra","session":"s1","owner":"w","joined_ms":NOW}
{"uid":"bob","lesson_id":"algebra: 7","course_id":"algebra","owner":"w","joined_ms":NOW}' --json --owner w
users_are "" --owner v
# So does where, as JSON.
status 0 lessonctl --json where ann
[ "$(without_times <.out)" = '{"code":"OK","uid":"ann","lesson_id":"algebra: 7","course_id":"algebra","session":"s1","owner":"w","joined_ms":NOW}' ] ||
    fail "where printed: $out"
gives 0 "algebra: 7${tab}algebra" lessonctl where bob
# A join without the owner, or of another one, replaces it.
gives 0 "" lessonctl hold v --lease 60000
gives 0 "" lessonctl join ann algebra "algebra: 7" --owner v
gives 0 "" lessonctl join bob algebra "algebra: 7"
users_are "ann${tab}algebra: 7${tab}algebra${tab}-${tab}v
bob${tab}algebra: 7${tab}algebra${tab}-${tab}-
cy${tab}algebra: 7${tab}algebra${tab}-${tab}-"

# A drop puts out at once, and only the owner's users. Then the owner is gone, and may come again.
gives 0 "" lessonctl drop w
gives 0 "ann${tab}algebra: 7${tab}algebra${tab}v" lessonctl drop v
refuses 1 'the owner "v" holds no lease' lessonctl drop v
gives 0 2 lessonctl count "algebra: 7"
gives 0 "" lessonctl owners
gives 0 "" lessonctl hold v --lease 60000
gives 0 "" lessonctl join ann algebra "algebra: 7" --owner v --session s2
status 0 lessonctl --json drop v
[ "$(without_times <.out)" = '{"uid":"ann","lesson_id":"algebra: 7","course_id":"algebra","session":"s2","owner":"v","joined_ms":NOW}' ] ||
    fail "drop printed: $out"

# An export has no owners, and so an import takes them away.
gives 0 "" lessonctl hold v --lease 60000
gives 0 "" lessonctl join cy algebra "algebra: 7" --owner v
gives 0 '{"type":"user","uid":"cy","course_id":"algebra","lesson_id":"algebra: 7"}' \
    bash -c '"$LESSONCTL" export | grep cy | tee copy.jsonl'
status 0 lessonctl import --merge copy.jsonl
users_are "" --owner v
lessonctl drop v

# What is wrong with the usage
for value in 0 -1 86400001 99999999999999999999 5s 1.5 " 1" ""; do
    unchanged refuses 2 "hold: --lease: \"$value\" is not a number from 1 to 86400000" lessonctl hold w --lease "$value"
done
refuses 2 "hold: give --lease" lessonctl hold w
refuses 2 "usage: lessonctl hold OWNER --lease MS [--renew]" lessonctl hold w
says 2 INVALID 'hold: give --lease"}' lessonctl --json hold w
for value in 0 0ms -1 +1s 1.5s " 1" 1w 1ms2 1441m 25h 2d s ms "" 86401 86400001ms 9223372036854775807s 99999999999999999999 0x5; do
    refuses 2 "sweep: --every: \"$value\" is not a time from 1ms to 86400s, such as 5s or 500ms" \
        lessonctl sweep --every "$value"
done
refuses 2 'line 1: sweep: --every: the shell would never run another line' bash -c '"$LESSONCTL" shell <<<"sweep --every 1s"'
for id in "" $'line\nbreak' $'\xff' "$(printf 'x%.0s' {1..256})"; do
    unchanged refuses 2 "join: owner " lessonctl join ann c l --owner "$id"
    refuses 2 "hold: owner " lessonctl hold "$id" --lease 1
    refuses 2 "drop: owner " lessonctl drop "$id"
    refuses 2 "users: owner " lessonctl users --owner "$id"
done

# ---- Sweeps, again and again

# with_fault OPTIONS: the location of the store with faults in its sweeps.
with_fault() {
    case $LESSONSTORE_LOCATION in
    *\?*) echo "fault+$LESSONSTORE_LOCATION&fault_on=sweep&$1" ;;
    *) echo "fault+$LESSONSTORE_LOCATION?fault_on=sweep&$1" ;;
    esac
}

# A shell makes the jobs that it starts ignore SIGINT. timeout sends each signal twice; the second one would hang the
# leak check of a sanitizer at the end.
sweep_behind() {
    : >swept
    : >said
    ASAN_OPTIONS=${ASAN_OPTIONS:-}:detect_leaks=0 env --default-signal timeout 120 "$LESSONCTL" sweep "$@" >swept 2>said &
    sweeper=$!
}

# until_lines N FILE: waits until the sweeper has written so many lines there.
until_lines() {
    until [ "$(wc -l <"$2")" -ge "$1" ]; do
        kill -0 $sweeper 2>/dev/null || fail "the sweep has ended and said: $(cat said)"
        sleep 0.01
    done
}

# ends_by SIGNAL: the sweeper, which may be waiting for hours, ends at once and with 0.
ends_by() {
    local begun ended=0
    begun=$(date +%s%N)
    kill -"$1" $sweeper
    wait $sweeper || ended=$?
    [ $ended = 0 ] || fail "by SIG$1 the sweep ends with $ended: $(cat said)"
    [ $((($(date +%s%N) - begun) / 1000000)) -lt 5000 ] || fail "by SIG$1 the sweep has not ended at once"
    checks=$((checks + 1))
}

# Sweeps that fail do not end it. The users of a silent owner are put out; those of one that renews, and others, stay.
lessonctl hold silent --lease 1000
lessonctl hold busy --lease 60000
lessonctl join ann algebra "algebra: 7" --owner silent --session s1
lessonctl join bob algebra "algebra: 7" --owner busy
lessonctl join cy algebra "algebra: 7"
sweep_behind --every 100ms --store "$(with_fault "fault_code=unreachable&fault_times=2")"
until_lines 1 swept
[ "$(cat swept)" = "ann${tab}algebra: 7${tab}algebra${tab}silent" ] || fail "the sweep printed: $(cat swept)"
[ "$(grep -c '^lessonctl: sweep: ' said)" = 2 ] && [ "$(wc -l <said)" = 2 ] || fail "the sweep said: $(cat said)"
ends_by TERM
[ "$(wc -l <swept)" = 1 ] || fail "the sweep printed more: $(cat swept)"
users_are "bob${tab}algebra: 7${tab}algebra${tab}-${tab}busy
cy${tab}algebra: 7${tab}algebra${tab}-${tab}-"
unchanged refuses 1 'refused by --owner: the owner "silent" holds no lease' \
    lessonctl join ann algebra "algebra: 7" --owner silent
gives 0 "" lessonctl sweep

# A signal ends the wait. The message shows that the first sweep is over.
for signal in INT TERM; do
    sweep_behind --every 86400 --json --store "$(with_fault "fault_code=busy")"
    until_lines 1 said
    ends_by $signal
    [[ "$(cat said)" == '{"code":"BUSY","message":"sweep: '*'}' ]] || fail "the sweep said: $(cat said)"
done

# Once, a failing sweep is a failure.
says 3 UNREACHABLE "sweep: " lessonctl --json sweep --store "$(with_fault "fault_code=unreachable")"

# The time that a sweep takes is not added to the wait: ten sweeps of 80 ms begin within 1 s, not within 1.7 s. A busy
# machine gets several tries.
is_steady() {
    local begun took_ms
    sweep_behind --every 100ms --store "$(with_fault "fault_code=busy&fault_delay_ms=80")"
    until_lines 1 said
    begun=$(date +%s%N)
    until_lines 11 said
    took_ms=$((($(date +%s%N) - begun) / 1000000))
    ends_by TERM
    [ $took_ms -lt 1500 ]
}
is_steady || is_steady || is_steady || is_steady || is_steady || fail "the sweeps drift"

finish
