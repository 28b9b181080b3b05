# No command reads, closes or replaces a file of the store, under whatever name. To close one would drop SQLite's locks, and
# then the next process that closes the store removes the log into which this one still writes.
. "$(dirname "$0")/common.sh"

mkdir real
ln -s real linked
export LESSONSTORE_LOCATION=sqlite:linked/school.db
gives 0 "" lessonctl join ann course room

# names FILE: several names of the file.
names() {
    printf '%s\n' "real/$1" "linked/$1" "$work/real/../real/$1" "by-link-$1"
}

# A process that keeps the store open, as a server does, so that its log and shared memory exist.
mkfifo commands
"$LESSONCTL" shell <commands >answers 2>kept &
keeper=$!
exec 3>commands
echo "count room" >&3
until [ -s answers ]; do sleep 0.02; done
[ -e real/school.db-wal ] && [ -e real/school.db-shm ] || fail "the store has no log"

for file in school.db school.db-wal school.db-shm; do
    ln -s "real/$file" "by-link-$file"
    cp "real/$file" "before-$file"
    while IFS= read -r name; do
        [ -e "$name" ] || continue
        for command in "export" "import" "import --merge" "replay"; do
            refuses 2 "${command%% *}: $name: is a file of the store itself" lessonctl $command "$name"
            refuses 2 "line 1: ${command%% *}: $name: is a file of the store itself" \
                bash -c 'printf "%s\n" "$1" | "$LESSONCTL" shell' shell "$command '$name'"
        done
    done < <(names $file)
    refuses 2 "import: standard input: is a file of the store itself" bash -c '"$LESSONCTL" import <"$1"' x real/$file
    refuses 2 "import: standard input: is a file of the store itself" bash -c '"$LESSONCTL" import /dev/stdin <"$1"' x real/$file
    refuses 2 "replay: /dev/fd/5: is a file of the store itself" bash -c '"$LESSONCTL" replay /dev/fd/5 5<"$1"' x real/$file
    refuses 2 "export: /dev/fd/5: is a file of the store itself" bash -c '"$LESSONCTL" export /dev/fd/5 5>>"$1"' x real/$file
    for command in "export" "count room" "lessons"; do
        refuses 2 "${command%% *}: standard output: is a file of the store itself" \
            bash -c 'file=$1; shift; "$LESSONCTL" "$@" >>"$file"' x real/$file $command
    done
    [ $file = school.db-shm ] || cmp "real/$file" "before-$file" || fail "$file was changed"
done
# A new file of this name would be taken for a part of the store.
refuses 2 "is a file of the store itself" lessonctl export real/school.db-journal
[ ! -e real/school.db-journal ] || fail "a journal was made"

# A file with a second name is opened by nobody, but this process has it open already.
ln real/school.db by-hard-link
refuses 3 "has 2 names" lessonctl export by-hard-link
echo "export by-hard-link" >&3
exec 3>&-
ended=0
wait $keeper || ended=$?
[ $ended = 2 ] && grep -q "export: by-hard-link: is a file of the store itself" kept || fail "$ended: $(cat kept)"
rm by-hard-link

# An open store that was moved is still its own, also where its path leads elsewhere.
mkfifo more
: >answers
"$LESSONCTL" shell <more >answers 2>said &
shell=$!
exec 3>more
echo "count room" >&3
until [ -s answers ]; do sleep 0.02; done
mkdir elsewhere
mv real/school.db* elsewhere/
echo "import elsewhere/school.db" >&3
exec 3>&-
ended=0
wait $shell || ended=$?
[ $ended = 2 ] && grep -q "import: elsewhere/school.db: is a file of the store itself" said || fail "$ended: $(cat said)"

# Nor is another database replaced: its users would lose it.
export LESSONSTORE_LOCATION=sqlite:beside.db
lessonctl create room
printf 'export beside.db\n' >script
refuses 2 "beside.db: is a file of an SQLite database" bash -c '"$LESSONCTL" --store memory: shell <script'
gives 0 "room${tab}waiting${tab}free${tab}0" lessonctl lessons

# Files beside the store, and the names of a store without a file, are free.
gives 0 "" lessonctl export beside.db.jsonl
gives 0 "" lessonctl export beside.db-wal.jsonl
gives 0 "" bash -c 'printf "export beside.db-journal\n" | "$LESSONCTL" --store memory: shell'

finish
