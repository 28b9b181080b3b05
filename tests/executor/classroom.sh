# The complete server: workers that watch each other, end, and are killed. classroom.sh ENGINE CLASSROOM LESSONCTL
#
# Every wait is for an answer or an event, at most WAIT_S long.
set -euo pipefail

work=$(mktemp -d "${TMPDIR:-/tmp}/lessonstore-classroom.XXXXXX")
trap 'rm -rf "$work"' EXIT
case $1 in
sqlite) location="sqlite:$work/school.db?feed=100" ;;
redis)
    location=$LESSONSTORE_TEST_REDIS
    [[ $location == *\?* ]] && location+='&feed=100' || location+='?feed=100'
    ;;
esac
perl "$(dirname "$0")/classroom.pl" "$location" "$2" "$3" "$work" "${LESSONSTORE_ROUNDS:-5}"
