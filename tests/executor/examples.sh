# The examples of event loops: their answers, many requests at once, and how they end. examples.sh EXECUTOR_POLL
# EXECUTOR_LIST [EXECUTOR_UV]
set -euo pipefail

work=$(mktemp -d "${TMPDIR:-/tmp}/lessonstore-examples.XXXXXX")
server=
trap '[ -z "$server" ] || kill "$server"; rm -rf "$work"' EXIT

fail() {
    printf 'examples.sh: %s\n' "$*" >&2
    exit 1
}

expect() {
    diff "$work/expected" "$work/said" >&2 || fail "$1: expected (<) and said (>) differ"
}

serve() {
    "$1" "$2" "$work/socket" &
    server=$!
    while [ ! -S "$work/socket" ]; do
        kill -0 "$server" || fail "executor_poll does not run"
        sleep 0.01
    done
}

stop_serving() {
    kill "$server"
    wait "$server" || fail "executor_poll ended with $?"
    server=
}

# ---- executor_poll: two clients by turns, then one that sends more lines than fit into its buffer
serve "$1" memory:
perl -e '
    use strict; use IO::Socket::UNIX;
    sub client { IO::Socket::UNIX->new(Peer => $ARGV[0]) or die "no connection: $!\n" }
    sub ask { my ($client, $line) = @_; print $client "$line\n"; $client->flush; print scalar <$client> }
    my ($one, $two) = (client(), client());
    ask($one, "join ann algebra algebra-7");
    ask($two, "where ann");
    ask($two, "quit ann");
    ask($one, "where ann");
    ask($one, "fly ann");
    ask($two, "join ann algebra");
    my $pid = fork // die;
    if (!$pid) { print $two "join user-$_ algebra algebra-$_\nwhere user-$_\n" for 1 .. 2000; $two->flush; exit 0 }
    my $right = 0;
    for (1 .. 2000) { $right += <$two> eq "ok\n"; $right += <$two> eq "algebra-$_ algebra\n" }
    waitpid $pid, 0;
    print "$right right\n";
' "$work/socket" >"$work/said"
cat >"$work/expected" <<'END'
ok
algebra-7 algebra
ok
not found
failed: no such request
failed: lesson_id is missing
4000 right
END
expect executor_poll
stop_serving
[ ! -e "$work/socket" ] || fail "executor_poll left its socket"
! "$1" nosuch: "$work/socket" 2>"$work/said" || fail "executor_poll opened nosuch:"
grep -q '^executor_poll: location: the scheme nosuch' "$work/said" || fail "executor_poll says $(cat "$work/said")"

# ---- executor_list: more lessons than a page has, and a store that does not open
seq 250 | sed 's/^/algebra-/' | sort >"$work/expected"
serve "$1" "sqlite:$work/lessons.db"
perl -e '
    use strict; use IO::Socket::UNIX;
    my $client = IO::Socket::UNIX->new(Peer => $ARGV[0]) or die "no connection: $!\n";
    for (1 .. 250) { print $client "join user-$_ algebra algebra-$_\n"; $client->flush; <$client> eq "ok\n" or die }
' "$work/socket"
stop_serving
"$2" "sqlite:$work/lessons.db" | sort >"$work/said"
expect executor_list
! "$2" nosuch: 2>"$work/said" || fail "executor_list opened nosuch:"
grep -q '^executor_list: nosuch:' "$work/said" || fail "executor_list says $(cat "$work/said")"
shift

# ---- executor_uv: the same requests, and more at once than may be pending
[ $# -gt 1 ] || { echo "executor_poll and executor_list answer; libuv is not here"; exit 0; }
printf '%s\n' 'join ann algebra algebra-7' 'where ann' 'quit ann' 'where ann' 'fly ann' 'join ann algebra' |
    "$2" memory: | sort -n >"$work/said"
cat >"$work/expected" <<'END'
1 ok
2 algebra-7 algebra
3 ok
4 not found
5 failed: no such request
6 failed: lesson_id is missing
END
expect executor_uv
cd "$work"
PATH=$(dirname "$2"):$PATH
printf 'join ann algebra algebra-7\nwhere ann\n' | executor_uv sqlite:school.db | sort -n >"$work/said"
printf '1 ok\n2 algebra-7 algebra\n' >"$work/expected"
expect "executor_uv on a file"
seq 20000 | sed 's/.*/join user-& algebra algebra-7/' | "$2" memory: | sort -n >"$work/said"
seq 20000 | sed 's/$/ ok/' >"$work/expected"
expect "executor_uv with many"
echo "all examples answer"
