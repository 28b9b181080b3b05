# complete: what the files for bash and zsh are told. completion.py types at these shells.
. "$(dirname "$0")/common.sh"
export LESSONSTORE_LOCATION=sqlite:$work/store.db

# words WORD...: completes the last word.
words() {
    printf '%s\n' "$@" | "$LESSONCTL" complete
}

# line TEXT: completes a line as it was typed.
line() {
    printf '%s' "$1" | "$LESSONCTL" complete --line $' \t\n"\'@><=;|&(:'
}

# Every command and every option of the help.
status 0 words ""
for command in $(lessonctl --json help | sed 's/{"command":"\([a-z]*\)".*/\1/'); do
    status 0 words "$command"
    grep -q "^word$tab$command$tab" .out || fail "the command $command is not listed: $out"
    options=$(lessonctl help "$command" | sed -n '1s/ \[\{0,1\}--\([a-z-]*\)/\n--\1\n/gp' | grep '^--' || true)
    status 0 words "$command" --
    for option in $options --store --json --help; do
        grep -q "^word$tab$option$tab" .out || fail "$command: the option $option is not listed: $out"
    done
done
gives 0 "word${tab}--version${tab}show the version" words --v
gives 0 "" words lessons --v
gives 0 "" words where --odd
gives 0 "" words odd ""
gives 0 "" words where ann ""
gives 0 "" words where -- --l

# Statuses are those of the library, in its order.
gives 0 "word${tab}offline${tab}-
word${tab}online${tab}-
word${tab}cantjoinin${tab}-
word${tab}waiting${tab}-" words lessons --course-status ""
gives 0 "word${tab}--chat-status=free${tab}-
word${tab}--chat-status=banned${tab}-" words set x --chat-status=

# Nothing to complete, too much, malformed.
gives 0 "" "$LESSONCTL" complete </dev/null
gives 0 "" line lessonctl
gives 0 "" line ""
head -c 20000 /dev/zero | tr '\0' x >long
gives 0 "" "$LESSONCTL" complete <long
gives 0 "" "$LESSONCTL" complete --line ":" <long
printf 'cou\0\n' >odd
gives 0 "" "$LESSONCTL" complete <odd
seq 100 >many
gives 0 "" "$LESSONCTL" complete <many

# As long as there is no store, none is made: not the one of the location, and no directory for the default one.
gives 0 "" words count ""
[ ! -e store.db ] || fail "complete has made a store"
LESSONSTORE_LOCATION='' gives 0 "" words count ""
[ ! -e data ] || fail "complete has made a directory"

# Ids are sorted, and each is listed once. No more than 500 are.
lessonctl create beta --course maths
lessonctl create alpha --course maths
lessonctl join ann maths beta
gives 0 "word${tab}alpha${tab}-
word${tab}beta${tab}-" words count ""
gives 0 "word${tab}maths${tab}-" words lessons --course ""
gives 0 "word${tab}ann${tab}-" words --store "$LESSONSTORE_LOCATION" where ""
cp store.db copy.db
gives 0 "word${tab}alpha${tab}-" words --store="sqlite:copy.db" count "a"
gives 0 "word${tab}alpha${tab}-" words --store "sqlite:copy.db?mode=rw" count "a"
gives 0 "word${tab}alpha${tab}-" words --store "fault+sqlite:copy.db?pool=1" count "a"
for i in $(seq 600); do printf 'create many-%s\n' "$i"; done | lessonctl shell
status 0 words count many
[ "$(wc -l <.out)" = 500 ] || fail "$(wc -l <.out) ids are listed"

# The default store, if it is there.
LESSONSTORE_LOCATION='' lessonctl create by-default
LESSONSTORE_LOCATION='' gives 0 "word${tab}by-default${tab}-" words count ""

# Quoting is that of the line.
lessonctl create "it's 5 \$"
gives 0 "word${tab}it\\'s\\ 5\\ \\\$${tab}-" line "lessonctl count it"
gives 0 "word${tab}it's 5 \\\$${tab}-" line 'lessonctl count "it'
gives 0 "word${tab}it'\\''s 5 \$${tab}-" line "lessonctl count 'it"
gives 0 "word${tab}it\\'s\\ 5\\ \\\$${tab}-" line "lessonctl  count it\\'s\\ "
gives 0 "word${tab}it\\'s\\ 5\\ \\\$${tab}-" line "lessonctl count \"it\"\\"
gives 0 "word${tab}it's 5 \\\$${tab}-" line 'lessonctl count --json "it'"'s"
gives 0 "word${tab}waiting${tab}-" line "lessonctl lessons --course-status=wa"
gives 0 '{"kind":"word","word":"maths"}' bash -c 'printf "join ann\n" | tr " " "\n" | cat - <(echo ma) | "$LESSONCTL" complete --json'

# A store that fails or is not there adds nothing and says nothing. One that does not answer is waited for in vain.
gives 0 "" words --store redis://127.0.0.1:1 count ""
gives 0 "" words --store nonsense count ""
gives 0 "" words --store "fault+sqlite:copy.db?fault_code=unreachable" count ""
if has_backend redis && command -v python3 >/dev/null; then
    python3 -c 'import socket,time
s = socket.create_server(("127.0.0.1", 0)); print(s.getsockname()[1], flush=True); time.sleep(600)' >port &
    server=$!
    until [ -s port ]; do sleep 0.05; done
    gives 0 "" words --store "redis://127.0.0.1:$(cat port)?timeout_ms=600000&connect_timeout_ms=600000" count ""
    kill $server
fi

# A shell reads its commands where complete would read words.
printf 'complete\n' >script
refuses 2 'line 1: complete: standard input has the commands' bash -c '"$LESSONCTL" --store memory: shell <script'
finish
