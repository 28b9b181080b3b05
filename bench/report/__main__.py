"""report DIRECTORY: makes README.md and the plots of the lines in DIRECTORY/*.tsv, without measuring anything."""
import re
import sys
import textwrap
from collections import namedtuple
from pathlib import Path

import plots
from figures import Figures, in_order, of_figure, of_range, of_time, short, table
from goals import GOALS, MET, NOISE, NOT_MET, SPEED, TIME, judge
from words import of_count, of_variant, of_work

CLOCKS = ("ns", "both-ns", "server-ns", "wall-ns")
CPU, WALL, CLIENT, SERVER = "CPU time", "Wall time", "CPU time of the client", "CPU time of the server"
BOTH = "CPU time of client and server"

# `clocks` are the metrics to show: the metric, its description, and a pattern of the works it is shown for.
Section = namedtuple("Section", "bench title text clocks plots")

SECTIONS = [
    Section("memory", "Memory", "Single calls of one thread, compared with loops that are written by hand for this purpose only. "
            "The loops are behind one mutex, as ours is. The open-addressing table has no mutex: it is the limit.", [("ns", CPU, "(?!.*-apart).*")], []),
    Section("sqlite", "SQLite", "Every side has a file of its own; the files are copies of one another. Raw statements are prepared, "
            "and run in the same transactions with the same pragmas: they read the old place and write the new one. SQLite's defaults "
            "are journal_mode=DELETE and synchronous=FULL. With our default a power failure may lose the latest transactions, but the "
            "file stays consistent. With SQLite's defaults and with `synchronous=full` it loses no transaction that had returned.",
            [("ns", CPU, ".*"), ("wall-ns", WALL, ".*")], []),
    Section("redis", "Redis", "Client and server run on one vCPU, over a unix socket. If a row says two vCPUs, both are free to run on "
            "either. EVALSHA is a minimal script with its keys declared, called through hiredis; in batches it is pipelined to the same "
            "depth. The Python classes are those that this library replaces, through redis-py. Each call takes two or three round "
            "trips, and a join leaves the user in the members of the old lesson. In batches, the same runs in redis-py's own pipeline. "
            "redis-benchmark runs with -P 64 -c 50. On one vCPU the wall time is the CPU time of client and server.",
            [("both-ns", BOTH, "(?!.*-2cpu).*"), ("server-ns", SERVER, ".*"), ("ns", CLIENT, ".*"),
             ("wall-ns", WALL, ".*(-2cpu|-as-redis-benchmark)")], []),
    Section("tls", "Redis over TLS", "The same store over TLS 1.3 and over TCP. Client and server run on one vCPU, so that the wall "
            "time is the CPU time of both.", [("both-ns", BOTH, ".*"), ("server-ns", SERVER, ".*"), ("ns", CLIENT, ".*")], []),
    Section("owners", "Owners", "Joins that name an owner, compared with joins that do not, on one server. Client and server run on "
            "one vCPU. Then a lease for 10k users is renewed. Then one of 100k users in ten has an owner, who is dropped: `longest-command` is the server's own record.",
            [("server-ns", SERVER, ".*"), ("both-ns", BOTH, ".*")], []),
    Section("feed", "The feed", "Joins where events are kept, compared with joins where none are, and joins beside 1,000 feeds of "
            "quiet lessons in the same process. Client and server run on one vCPU. Then events that are kept are read by one reader, "
            "each of a step of its own, on both vCPUs. The bare loop asks for 512 entries at a time by XREAD, and only counts them.",
            [("server-ns", SERVER, "join.*"), ("wall-ns", WALL, "read.*")], []),
    Section("figures", "What counting costs", "The library, and the same sources built without counting (`LESSON_STORE_UNCOUNTED`), by the "
            "same flags, on one vCPU.", [("ns", CPU, ".*-memory"), ("both-ns", BOTH, ".*-redis")], []),
    Section("cluster", "In a Cluster", "A tagged prefix in one of three shards, and the same on one server that is no node. All of "
            "them and the client run on one vCPU. The bare script has only the four commands of a join, and nothing of the "
            "library: its row shows what Redis takes for its mode, because a node looks up the slot of the keys of each command.",
            [("wall-ns", WALL, ".*")], []),
    Section("slots", "Plain keys over several masters", "Joins that move their users, over three and six masters, and the same on one "
            "server that is no node. All of them and the client run on one vCPU, so the wall time is the CPU time of all. Then, "
            "for each join, the CPU time of all servers and of the client, and the requests; and the memory of all servers for each "
            "user in a lesson.", [("wall-ns", WALL, ".*")], []),
    Section("failover", "After the primary was killed", "The longest time without a successful write, one write each millisecond. "
            "Three Sentinels with down-after 1000 ms, two replicas. redis-py's Sentinel client tries a failed write again at once; it "
            "lives through the same failovers.", [], []),
    Section("executor", "The executor", "Single joins from one event loop that keeps so many of them pending, and from threads that "
            "each wait for their own. redis-benchmark keeps 64 pending on each of 50 connections. Direct calls go to the store "
            "without an executor. Latency is from submit to callback.", [("wall-ns", WALL, ".*"), ("both-ns", BOTH, ".*")],
            [("throughput", plots.throughput_plot), ("latency", plots.latency_plot)]),
    Section("stall", "Who else has to wait", "A second client sends PINGs while long work runs. `stall` is the longest time of one "
            "PING, as the median of the repeats. `longest-command` is the server's own record, which has no command below 1 ms.", [],
            [("stall", plots.stall_plot)]),
]

MAIN_PLOTS = [("main", plots.main_plot), ("growth", plots.growth_plot), ("batches", plots.batch_plot)]


def make_plots(figures, directory, wanted):
    """Markdown of those that could be made."""
    return "".join(f"![{name}]({name}.svg)\n\n" for name, draw in wanted if draw(figures, directory / f"{name}.svg"))


def run_table(figures):
    rows = [[f"[{file}.tsv]({file}.tsv)", run.get("measured", "not noted"), run.get("commit", "not noted")]
            for file, run in figures.runs.items()]
    return table(["figures", "measured", "commit"], rows)


# ---- The goals


def limit_words(goal):
    space = "" if goal.kind in (TIME, SPEED, "") else " "
    return f"{goal.limit.word} {goal.limit:g}{space}{goal.kind}"


def goal_row(goal, worst, state):
    if worst is None:
        return [goal.backend, goal.what, limit_words(goal), "not measured", "", "", ""]
    figure = short(worst.value) + ("x" if goal.kind in (TIME, SPEED) else " " + goal.kind if goal.kind in ("ms", "KiB") else "")
    shown = {NOT_MET: "**not met**"}.get(state, state)
    return [goal.backend, goal.what, limit_words(goal), figure, of_range(worst.low, worst.high), shown, worst.where]


def goals(figures):
    judged = [(goal, *judge(goal, figures)) for goal in GOALS if goal.finder.bench in figures.runs]
    judged.sort(key=lambda one: one[1] is None)
    states = [state for _, _, state in judged]
    missing = [goal.finder.bench for goal in GOALS if goal.finder.bench not in figures.runs]
    text = f"{states.count(MET)} are met, {states.count(NOT_MET)} are not met, and {states.count(NOISE)} are within noise, which " \
        "means that the lowest and the highest of the rounds are on both sides of the limit.\n"
    for bench in in_order(missing):
        text += f"There is no `{bench}.tsv`, so {missing.count(bench)} goals are left out.\n"
    text += "\nA time is our time as a multiple of the reference's: smaller is better. A speed is the inverse: bigger is " \
        "better. If a goal is about several works or sizes, the table shows the worst of them.\n\n"
    text += table(["backend", "what", "goal", "figure", "low to high", "result", "of which"], [goal_row(*one) for one in judged])
    notes = [f"- {goal.backend}, {goal.what}: {goal.note}\n" for goal, _, _ in judged if goal.note]
    return text + "\n" + "".join(notes), states


# ---- The sections


def compared(figures, bench, clock, work, size):
    """Ours, which comes first in every comparison, and the others; without any, only ours."""
    return [f for f in figures.of(bench, work, metric=clock) if f.size == size]


def ratio_cells(figures, other, clock):
    ratio = figures.find(other.bench, other.work, other.variant, other.size, clock + "-ratio")
    if not ratio:
        return ["", "", ""]
    noise = "noise" if ratio.low <= 1 <= ratio.high else ""
    return [short(ratio.value) + "x", of_range(ratio.low, ratio.high), noise]


def comparison(figures, bench, clock, works):
    """One row for each work, size and reference."""
    rows = []
    for work, size in in_order((f.work, f.size) for f in figures.of(bench, metric=clock)):
        if not re.fullmatch(works, work):
            continue
        ours, *others = compared(figures, bench, clock, work, size)
        what = [of_work(bench, work), of_count(ours), of_time(ours.value)]
        rows += [what + [of_variant(f.variant) if f.variant != "lessonstore" else "ours by default", of_time(f.value)]
                 + ratio_cells(figures, f, clock) for f in others]
        if not others:
            rows.append(what + [""] * 5)
    return table(["work", "with", "ours", "compared with", "its time", "ours as a multiple", "low to high", ""], rows) if rows else ""


def rest(figures, bench):
    """What is not a comparison of times: one row for each work, size and variant, one column for each metric."""
    others = [f for f in figures.of(bench) if not any(f.metric in (clock, clock + "-ratio") for clock in CLOCKS)]
    if not others:
        return ""
    metrics = in_order(f.metric for f in others)
    rows = []
    for work, size, variant in in_order((f.work, f.size, f.variant) for f in others):
        found = [figures.find(bench, work, variant, size, metric) for metric in metrics]
        first = next(f for f in found if f)
        rows.append([of_work(bench, work), of_count(first), of_variant(variant)] + [of_figure(f) if f else "" for f in found])
    return table(["work", "with", "of"] + metrics, rows) + "\n"


def beyond(figure, other):
    """What is left of a figure without the other work, as (value, low, high)."""
    return [ns - other.value for ns in (figure.value, figure.low, figure.high)]


def apart(figures):
    """The memory backend with other work between the operations."""
    rows = []
    apart_works = in_order((f.work, f.size) for f in figures.of("memory", metric="ns") if f.work.endswith("-apart"))
    for work, size in apart_works:
        ours, best, other = (figures.find("memory", work, v, size, "ns") for v in ("lessonstore", "uthash-best", "other-work"))
        a, b = beyond(ours, other), beyond(best, other)
        cells = [of_time(ns) if ns > 0 else "noise" for ns in (other.value, a[0], b[0])]
        multiple = short(a[0] / b[0]) + "x" if min(a[0], b[0]) > 0 else "noise"
        between = of_range(a[1] / b[2], a[2] / b[1]) if min(a + b) > 0 else "noise"
        rows.append([of_work("memory", work), of_count(ours), *cells, multiple, between])
    if not rows:
        return ""
    head = ["work", "with", "other work", "ours beyond it", "best uthash loop beyond it", "ours as a multiple", "low to high"]
    return "### Other work between the operations\n\nIn a bare loop, while a short operation waits for its memory, the " \
        "processor already begins to wait for the memory of the next operations. A server has no such gain, because it reads a " \
        "request and writes an answer in between. Here arithmetic comes before each operation, and its own time is subtracted. " \
        "The multiple is that of the medians, its range that of the extremes.\n\n" + table(head, rows) + "\n"


def section(figures, directory, one):
    if not figures.of(one.bench):
        return ""
    out = f"## {one.title}\n\n{one.text}\n\n" + make_plots(figures, directory, one.plots)
    for clock, words, works in one.clocks:
        rows = comparison(figures, one.bench, clock, works)
        out += f"{words} of one operation:\n\n{rows}\n" if rows else ""
    if one.bench == "memory":
        out += apart(figures)
    return out + rest(figures, one.bench) + f"Raw lines: [{one.bench}.tsv]({one.bench}.tsv)\n\n"


def filled(text):
    """Paragraphs and list entries in lines of at most 120 columns; tables, headings and plots as they are."""
    return "\n".join(
        line if line.startswith(("|", "#", "!"))
        else textwrap.fill(line, 120, subsequent_indent="  " if line.startswith("- ") else "", break_long_words=False,
                           break_on_hyphens=False)
        for line in text.split("\n")
    )


def main():
    directory = Path(sys.argv[1])
    figures = Figures(directory)
    goal_text, states = goals(figures)
    facts = table(["what", "version"], [[name, "; ".join(values)] for name, values in figures.facts.items()])
    text = (
        "# How fast\n\n`./run bench` makes this page from the lines in this directory. Each figure is the median of interleaved rounds. "
        "`ours as a multiple` is always our time as a multiple of the reference's: 0.5x is half the time, below 1x is faster. It is "
        "taken within each round, so it is steadier than the two times and may differ from their quotient. `low to high` "
        "are the lowest and the highest of the rounds; if 1 is between them, the difference is noise. Times of lists of members "
        "are per member.\n\n"
        + run_table(figures) + "\n" + facts
        + "\n## The goals\n\n" + goal_text
        + "\n## At a glance\n\n" + make_plots(figures, directory, MAIN_PLOTS)
        + "".join(section(figures, directory, one) for one in SECTIONS)
    )
    (directory / "README.md").write_text(filled(text).rstrip() + "\n")
    print(f"{states.count(MET)} of {len(states)} goals are met, {states.count(NOISE)} are within noise: {directory / 'README.md'}",
          file=sys.stderr)


main()
