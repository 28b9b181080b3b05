"""report FOLDER: makes README.md and the plots of the lines in FOLDER/*.tsv, without measuring anything."""
import sys
from pathlib import Path

import plots
from figures import Figures, in_order, of_figure, of_size, of_time, short, table
from goals import GOALS, judge

CLOCKS = {
    "ns": "CPU time of the process",
    "both-ns": "CPU time of client and server",
    "server-ns": "CPU time of the server",
    "wall-ns": "Wall time",
}

SECTIONS = [
    # bench, title, what it is, the clocks shown, plots
    ("memory", "Memory", "Single calls of one thread, beside loops that are written by hand for this and nothing else, "
     "and behind one mutex as ours is.", ["ns"], []),
    ("sqlite", "SQLite", "Every side has a file of its own, copies of one another. `raw` is prepared statements in the "
     "same transactions with the same pragmas: it reads the old place and writes the new one. `sqlite-defaults` is the "
     "same with the defaults of SQLite, journal_mode=DELETE and synchronous=FULL; `lessonstore-full` is ours with "
     "`synchronous=full`. The number behind a work is its batch. With our default a power failure may lose the latest "
     "transactions, never the file's consistency; with the other two none that had returned.", ["ns", "wall-ns"], []),
    ("redis", "Redis", "Client and server on one vCPU, over a unix socket. `evalsha` is a minimal script with its keys "
     "declared, called through hiredis; in batches, pipelined to the same depth. `python` is the classes that this "
     "library replaces, through redis-py: two or three round trips each, and a join that leaves the user in the old lesson's "
     "members. In `join-256-as-redis-benchmark` the ids are those that redis-benchmark (-P 64 -c 50) can make.",
     ["both-ns", "server-ns", "ns", "wall-ns"], []),
    ("executor", "The executor", "Single joins from one event loop that keeps `size` of them under way, and from `size` "
     "threads that each wait for theirs. redis-benchmark keeps 64 under way on each of 50 connections. `direct` calls the "
     "store without an executor. Latency is from submit to callback.", ["wall-ns", "both-ns"],
     [("throughput", plots.throughput_plot), ("latency", plots.latency_plot)]),
    ("stall", "Who else has to wait", "A second client sends PINGs while long work runs. `stall` is the longest that one of "
     "them took, the median of the repeats; `longest-command` is the server's own account.", [],
     [("stall", plots.stall_plot)]),
]

MAIN_PLOTS = [("main", plots.main_plot), ("growth", plots.growth_plot), ("batches", plots.batch_plot)]


def make_plots(figures, folder, wanted):
    """Markdown of those that could be made."""
    return "".join(f"![{name}]({name}.svg)\n\n" for name, draw in wanted if draw(figures, folder / f"{name}.svg"))


def goal_row(goal, figures):
    worst, met = judge(goal, figures)
    unit = {"x": "x", "": ""}.get(goal.unit, " " + goal.unit)
    limit = f"{goal.limit.word} {goal.limit:g}{unit}"
    if worst is None:
        return [goal.backend, goal.work, limit, "not measured", "", "", ""]
    between = f"{short(worst.low)} to {short(worst.high)}" if worst.low != worst.high else ""
    return [goal.backend, goal.work, limit, f"{short(worst.value)}{unit}", between, worst.where, "yes" if met else "**no**"]


def goal_table(figures):
    rows = [goal_row(goal, figures) for goal in GOALS]
    return table(["backend", "what", "goal", "figure", "low to high", "which", "met"], rows)


def comparison(figures, bench, clock):
    """One row for each work and size, one column for each variant, with our time as a multiple of it."""
    measured = figures.of(bench, metric=clock)
    variants = in_order(f.variant for f in measured)

    def cell(work, size, variant):
        figure = figures.find(bench, work, variant, size, clock)
        ratio = figures.find(bench, work, variant, size, clock + "-ratio")
        if not figure:
            return ""
        return of_time(figure.value) + (f" ({short(ratio.value)})" if ratio else "")

    rows = [
        [work, of_size(size)] + [cell(work, size, variant) for variant in variants]
        for work, size in in_order((f.work, f.size) for f in measured)
    ]
    return table(["work", "size"] + variants, rows)


def rest(figures, bench):
    """What is not a comparison of times: one row for each work, size and variant, one column for each metric."""
    others = [f for f in figures.of(bench) if not any(f.metric in (clock, clock + "-ratio") for clock in CLOCKS)]
    if not others:
        return ""
    metrics = in_order(f.metric for f in others)
    rows = []
    for work, size, variant in in_order((f.work, f.size, f.variant) for f in others):
        found = [figures.find(bench, work, variant, size, metric) for metric in metrics]
        rows.append([work, of_size(size), variant] + [of_figure(f) if f else "" for f in found])
    return table(["work", "size", "variant"] + metrics, rows) + "\n"


def section(figures, folder, bench, title, text, clocks, wanted):
    if not figures.of(bench):
        return ""
    out = f"## {title}\n\n{text}\n\n" + make_plots(figures, folder, wanted)
    for clock in clocks:
        if figures.of(bench, metric=clock):
            out += f"{CLOCKS[clock]} of one operation; in brackets ours as a multiple of it:\n\n"
            out += comparison(figures, bench, clock) + "\n"
    return out + rest(figures, bench) + f"Raw lines: [{bench}.tsv]({bench}.tsv)\n\n"


def main():
    folder = Path(sys.argv[1])
    figures = Figures(folder)
    met = [judge(goal, figures)[1] for goal in GOALS]
    facts = table(["what", "version"], [[name, "; ".join(values)] for name, values in figures.facts.items()])
    text = (
        "# How fast\n\nMade by `./run bench`, from the lines beside it. Each figure is the median of interleaved rounds; ratios "
        "are taken within each round.\n\n"
        + facts
        + f"\n## The goals\n\n{met.count(True)} met, {met.count(False)} not met, {met.count(None)} not measured. Where a goal is "
        "about several works or sizes, the worst of them counts.\n\n"
        + goal_table(figures)
        + "\n## At a glance\n\n"
        + make_plots(figures, folder, MAIN_PLOTS)
        + "".join(section(figures, folder, *one) for one in SECTIONS)
    )
    (folder / "README.md").write_text(text.rstrip() + "\n")
    print(f"{met.count(True)} of {len(met)} goals are met: {folder / 'README.md'}", file=sys.stderr)


main()
