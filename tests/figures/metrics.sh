#!/usr/bin/env bash
# metrics.sh BACKEND: the metrics of a new store at this backend, judged by read_metrics.py. Redis is what with_redis has
# started.
set -euo pipefail
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
case $1 in
memory) location=memory: ;;
sqlite) location=sqlite:$directory/lessons.db ;;
redis) location=$LESSONSTORE_TEST_REDIS ;;
esac
# In a locale that writes a decimal comma, if the system can make one.
if localedef -i de_DE -f UTF-8 "$directory/de_DE.UTF-8" 2>/dev/null; then
    export LOCPATH=$directory LC_ALL=de_DE.UTF-8
fi
/usr/bin/python3 -B "$(dirname "$0")/read_metrics.py" "$WRITE_METRICS" "$location" "$1"
