"""completion.py bash|zsh: types at a shell on a pseudo-terminal, and compares the words that lessonctl is then given.

COMPLETION is the directory of the completion files; if it is empty, those that are installed are tested. A shell that is
not installed is a skipped test.
"""
import os
import pty
import select
import shutil
import signal
import subprocess
import sys
import tempfile

PROMPT = b"ready> "
PATIENCE_S = 60  # only a hung shell takes that long

# What is typed, and the arguments that lessonctl gets. Most of the ids hold what a shell would take for its own.
STORE = [
    ["create", "algebra: 7", "--course", "maths & more"],
    ["create", "algebra: 8"],
    ["create", "it's \"#1\" $HOME `id` a!b \\ (c) *"],
    ["create", "数学"],
    ["create", "plain"],
    ["join", "ann@school", "geometry", "plain"],
    ["join", "bob", "geometry", "plain"],
    ["hold", "worker-7/1", "--lease", "86400000"],
    ["kick", "plain", "mallory", "--for", "1d"],
]
ODD = STORE[2][1]
CASES = [
    # commands and options
    ("cou\tx", ["count", "x"]),
    ("--js\tlessons", ["--json", "lessons"]),
    ("create x --res\t", ["create", "x", "--reset"]),
    ("sweep --jso\t", ["sweep", "--json"]),
    ("help repl\t", ["help", "replay"]),
    # statuses: of a course, of the chat, behind an equal sign
    ("set x --course-status cantj\t", ["set", "x", "--course-status", "cantjoinin"]),
    ("set x --chat-status ba\t", ["set", "x", "--chat-status", "banned"]),
    ("set x --if-chat-status=fr\t", ["set", "x", "--if-chat-status=free"]),
    # ids, begun in each way of quoting
    ("count pl\t", ["count", "plain"]),
    ("count alg\t7", ["count", "algebra: 7"]),
    ("count algebra:\t8", ["count", "algebra: 8"]),
    ("count \"algebra: 7\t", ["count", "algebra: 7"]),
    ("count 'algebra: 7\t", ["count", "algebra: 7"]),
    ("count it\t", ["count", ODD]),
    ("count \"it\t", ["count", ODD]),
    ("count 'it\t", ["count", ODD]),
    ("count 数\t", ["count", "数学"]),
    ("quit ann\t", ["quit", "ann@school"]),
    ("quit ann@\t", ["quit", "ann@school"]),
    ("quit bob --lesson pl\t", ["quit", "bob", "--lesson", "plain"]),
    ("lessons --course ma\t", ["lessons", "--course", "maths & more"]),
    ("join x geo\t pl\t", ["join", "x", "geometry", "plain"]),
    ("drop wor\t", ["drop", "worker-7/1"]),
    # only users of the lesson, and only those who are banned
    ("kick plain b\t --for 1d", ["kick", "plain", "bob", "--for", "1d"]),
    ("unban plain m\t", ["unban", "plain", "mallory"]),
    # of what cannot be known, nothing changes
    ("count nobody-kn\t", ["count", "nobody-kn"]),
    ("odd al\t", ["odd", "al"]),
    # files
    ("export some-fi\t", ["export", "some-file"]),
    ("import \"with sp\t", ["import", "with space"]),
    # the store that the line names, and one that is not there, of which nobody hears
    ("--store sqlite:other.db count oth\t", ["--store", "sqlite:other.db", "count", "other room"]),
    ("--store sqlite:missing.db count al\t", ["--store", "sqlite:missing.db", "count", "al"]),
    ("--store redis://127.0.0.1:1 count al\t", ["--store", "redis://127.0.0.1:1", "count", "al"]),
]

WRAPPER = """#!/bin/sh
[ "$1" = complete ] && exec "$LESSONCTL" "$@"
printf '%s\\n' "$@" >arguments.new
mv arguments.new arguments
"""


def command_of(shell, source):
    """The shell, and what it is told first. Without a source, it finds the file where packages install it."""
    prompt = f"PS1='{PROMPT.decode()}'"
    if shell == "bash":
        file = f"{source}/lessonctl.bash" if source else "/usr/share/bash-completion/bash_completion"
        return ["bash", "--noprofile", "--norc", "-i"], f"{prompt}; . '{file}'"
    path = f"fpath=('{source}' $fpath); " if source else ""
    return ["zsh", "-f", "-i"], f"{prompt}; {path}autoload -Uz compinit; compinit -D -u"


class Shell:
    def __init__(self, arguments):
        self.seen = b""
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            os.execvp(arguments[0], arguments)

    def type(self, text):
        os.write(self.terminal, text.encode())

    def read(self):
        ready, _, _ = select.select([self.terminal], [], [], PATIENCE_S)
        if not ready:
            sys.exit(f"the shell hangs; it has written: {self.seen!r}")
        self.seen += os.read(self.terminal, 65536)

    def wait_for(self, text):
        while text not in self.seen:
            self.read()
        self.seen = self.seen[self.seen.rindex(text) + len(text):]

    def end(self):
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)


def begin(shell, source):
    arguments, setup = command_of(shell, source)
    terminal = Shell(arguments)
    # The echo of the line does not contain the word that it prints.
    terminal.type(setup + "; stty cols 200; echo set'-'up\n")
    terminal.wait_for(b"set-up\r\n")
    terminal.wait_for(PROMPT)
    return terminal


def run(terminal, typed):
    if os.path.exists("arguments"):
        os.remove("arguments")
    terminal.type(f"lessonctl {typed}\n")
    while not os.path.exists("arguments"):
        terminal.read()
    written = terminal.seen
    terminal.wait_for(PROMPT)
    with open("arguments", encoding="utf-8") as file:
        return file.read().splitlines(), written


def main():
    shell, source, lessonctl = sys.argv[1], os.environ["COMPLETION"], os.environ["LESSONCTL"]
    if not shutil.which(shell):
        print(f"skipped: there is no {shell}")
        sys.exit(77)
    with tempfile.TemporaryDirectory(prefix="lessonctl-completion.") as work:
        os.chdir(work)
        os.environ.update(HOME=work, LESSONSTORE_LOCATION="sqlite:store.db", PATH=f"{work}/bin:{os.environ['PATH']}",
                          LC_ALL="C.UTF-8", TERM="xterm")
        for arguments in STORE + [["--store", "sqlite:other.db", "create", "other room"]]:
            subprocess.run([lessonctl, *arguments], check=True)
        os.mkdir("bin")
        with open("bin/lessonctl", "w", encoding="utf-8") as file:
            file.write(WRAPPER)
        os.chmod("bin/lessonctl", 0o755)
        for name in ("some-file", "with space"):
            open(name, "w", encoding="utf-8").close()
        terminal = begin(shell, source)
        problems = 0
        for typed, expected in CASES:
            arguments, written = run(terminal, typed)
            if arguments != expected or b"lessonctl: " in written:
                print(f"{typed!r} became {arguments}, not {expected}; the terminal shows {written!r}")
                problems += 1
        terminal.end()
        if os.path.exists("missing.db"):
            print("to complete has made a store")
            problems += 1
    print(f"{shell}: {len(CASES)} lines, {problems} problems")
    sys.exit(1 if problems else 0)


main()
