# The shell without a terminal: quoting, comments, one store for all lines, exit. It needs only the memory backend.
. "$(dirname "$0")/common.sh"
export LESSONSTORE_LOCATION=memory:

shell() {
    lessonctl "$@" shell <script
}

cat >script <<'END'
# a comment

   # another
create 'single "quoted" \ lesson'
create "double \"quoted\" \\ 'lesson'"
create back\ slash\'\"\\
create pl"ai"n' and 'mixed
join  ann	course 'single "quoted" \ lesson'
where ann
show pl"ain and mixed"
count "double \"quoted\" \\ 'lesson'" --json
count back\ slash\'\"\\
join '#' '$HOME' '`x`;*'
where \#
exit
create "never reached
END
gives 0 "single \"quoted\" \\ lesson${tab}course
plain and mixed${tab}waiting${tab}free${tab}0
{\"code\":\"OK\",\"lesson_id\":\"double \\\"quoted\\\" \\\\ 'lesson'\",\"count\":0}
0
\`x\`;*${tab}\$HOME" shell

# --json applies to all lines; help works; a last line without a newline counts; carriage returns are ignored.
printf 'create a\r\ncount a\r\nhelp where\ncount b' >script
gives 0 '{"code":"OK","lesson_id":"a"}
{"code":"OK","lesson_id":"a","count":0}
{"command":"where","arguments":"UID","summary":"show where a user is"}
{"code":"OK","lesson_id":"b","count":0}' shell --json

# exit takes no arguments, is in the help like any other command, and outside a shell leaves nothing.
printf 'exit now\n' >script
refuses 2 'line 1: exit: too many arguments' shell
printf 'help exit\n  exit  \nodd\n' >script
status 0 shell
[ "${out%%$'\n'*}" = "usage: lessonctl exit" ] || fail "help exit printed: $out"
refuses 2 'exit: there is no shell to leave' lessonctl exit
status 0 lessonctl help shell
case $out in
*"exit or Ctrl-D leaves"*) ;;
*) fail "help shell does not say how to leave: $out" ;;
esac

# A shell has one store, which may also be named after the word shell.
printf 'create a\ncount a --store memory:\n' >script
refuses 2 'line 2: count: --store: the shell has one open store' shell
LESSONSTORE_LOCATION=nonsense refuses 2 'line 2: count: --store: ' bash -c '"$LESSONCTL" shell --store memory: <script'

# A file can also be read from within the shell. In an empty script there is nothing to read.
"$SCHOOL_DAY" >day.tsv
printf 'replay day.tsv\n' >script
status 0 shell
grep -qx "events${tab}$(wc -l <day.tsv)" .out || fail "replay in the shell printed: $out"
: >script
gives 0 "" shell
printf 'lessons extra\n' >script
refuses 2 'lessonctl: line 1: lessons: too many arguments' shell
printf 'count a\ncount a\n' >script
refuses 3 'line 1: count: standard output: No space left on device' bash -c '"$LESSONCTL" shell <script >/dev/full'
refuses 3 'shell: standard input cannot be read' bash -c '"$LESSONCTL" shell <&-'

# With --keep-going, a no stops nothing, and the shell ends with it. Wrong usage and failures stop it all the same.
printf 'create a\ncreate a\nwhere nobody\ncount a\n' >script
status 1 lessonctl shell --keep-going <script
[ "$out" = 0 ] || fail "with --keep-going the shell printed: $out"
[ "$(grep -c '^lessonctl: line [23]: ' .err)" = 2 ] || fail "with --keep-going the shell said: $err"
printf 'create a\ncount a\nexit\n' >script
gives 0 0 lessonctl shell --keep-going <script
printf 'where nobody\nexit\n' >script
status 1 lessonctl shell --keep-going <script
printf 'where nobody\nodd\ncount a\n' >script
status 2 lessonctl shell --keep-going <script
[ -z "$out" ] && grep -q '^lessonctl: line 2: there is no command "odd"' .err || fail "with --keep-going the shell said: $out$err"
printf 'where nobody\nreplay no-such\ncount a\n' >script
status 3 lessonctl shell --keep-going <script
[ -z "$out" ] && grep -q '^lessonctl: line 2: replay: no-such: ' .err || fail "with --keep-going the shell said: $out$err"

# Without --store and LESSONSTORE_LOCATION, the store is a file in the data directory. It is created on demand,
# accessible only to the user.
unset LESSONSTORE_LOCATION
if has_backend sqlite; then
    rm -rf data
    gives 0 "" lessonctl create room
    [ -f data/lessonstore/lessons.db ] || fail "no file in XDG_DATA_HOME"
    [ "$(stat -c %a data/lessonstore)" = 700 ] || fail "the directory can be read by others"
    XDG_DATA_HOME=relative gives 0 "" lessonctl create room
    [ -f .local/share/lessonstore/lessons.db ] || fail "no file in HOME, where XDG_DATA_HOME is no absolute path"
    export XDG_DATA_HOME="$work/50% odd?name=x&y #"
    gives 0 "" lessonctl create room
    [ -f "$XDG_DATA_HOME/lessonstore/lessons.db" ] || fail "the path of the data directory was not encoded"
    # Slashes at the beginning name no host, and those in the middle no other directory.
    for directory in "//$work/slashes//a" "$work/slashes/b//" "///$work//slashes///c/"; do
        XDG_DATA_HOME=$directory gives 0 "" lessonctl create room
        [ -f "$directory/lessonstore/lessons.db" ] || fail "no file in XDG_DATA_HOME=$directory"
        HOME=$directory/home XDG_DATA_HOME="" gives 0 "" lessonctl create room
        [ -f "$directory/home/.local/share/lessonstore/lessons.db" ] || fail "no file in HOME=$directory/home"
    done
    # HOME=/, as in some containers.
    [ "$(id -u)" = 0 ] || HOME=/ XDG_DATA_HOME="" refuses 3 "data directory: Permission denied" lessonctl lessons
    LESSONSTORE_LOCATION="" gives 0 "room${tab}waiting${tab}free${tab}0" lessonctl lessons
    XDG_DATA_HOME=/dev/null/x refuses 3 "data directory: Not a directory" lessonctl lessons
    XDG_DATA_HOME="" HOME="" refuses 3 "data directory: " lessonctl lessons
fi

finish
