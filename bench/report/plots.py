"""The plots, by gnuplot. Colours are those of Okabe and Ito, which the colour-blind can tell apart."""
import subprocess
from collections import namedtuple

from figures import of_size
from goals import time_limit
from words import of_count

OURS, REFERENCE, OTHER, FOURTH, GREY = "#0072B2", "#E69F00", "#999999", "#009E73", "#555555"

TIME_TICS = ", ".join(
    f'"{label}" {ns}'
    for label, ns in (
        ("1 ns", 1), ("10 ns", 10), ("100 ns", 100), ("1 µs", 1e3), ("10 µs", 1e4), ("100 µs", 1e5), ("1 ms", 1e6),
        ("10 ms", 1e7), ("100 ms", 1e8), ("1 s", 1e9),
    )
)

HEAD = """set terminal svg size {width},{height} font "sans-serif,13" background rgb "white" noenhanced
set output "{path}"
set title "{title}" font "sans-serif,15"
set border 3 lc rgb "#555555"
set tics nomirror out
set grid ytics lc rgb "#dddddd" lw 1 lt 1
set encoding utf8
"""


def draw(path, title, text, width=840, height=420):
    script = HEAD.format(path=path, title=title, width=width, height=height) + text
    subprocess.run(["gnuplot"], input=script.encode(), check=True)


def data(name, rows):
    return f"${name} << END\n" + "\n".join(" ".join(str(cell) for cell in row) for row in rows) + "\nEND\n"


# ---- Dots: one row each, with the range and, for a goal, its limit

RED = "#D55E00"
ROW_HEIGHT = 24

Row = namedtuple("Row", "label colour value low high limit")


def dots(path, title, groups, x_label, axis, legend):
    """`groups` are (heading, rows), from the top; `axis` is gnuplot's text for the x axis, `legend` (name, colour) of dots."""
    y, tics, points, limits = 0, [], {colour: [] for _, colour in legend}, []
    for heading, rows in groups:
        if heading:
            tics.append(f'"{{/:Bold {heading}}}" {y}')
        for row in rows:
            # A second dot of the same row has no label of its own.
            y -= 1 if row.label else 0
            tics += [f'"{row.label}" {y}'] if row.label else []
            points[row.colour].append((row.value, y + (0 if row.label else -0.3), row.low, row.high))
            limits += [(row.limit, y)] if row.limit else []
        y -= 1.4
    rows_high = 1 - y
    names = [(f"$dots{i}", name, colour) for i, (name, colour) in enumerate(legend) if points[colour]]
    text = "".join(data(f"dots{i}", points[colour]) for i, (_, colour) in enumerate(legend) if points[colour])
    text += data("limits", limits) if limits else ""
    text += f"""
set termoption enhanced
unset grid
set grid xtics lc rgb "#dddddd" lw 1 lt 1
set border 1 lc rgb "#555555"
set yrange [{y + 0.4}:0.8]
set ytics ({", ".join(tics)}) scale 0
set xlabel "{x_label}"
set key outside top center horizontal Left reverse
set rmargin 4
{axis}
plot """ + ", ".join(
        [f'{block} using 1:2:3:4 with xerrorbars title "{name}" lc rgb "{colour}" lw 2 pt 7 ps 0.9' for block, name, colour in names]
        + ([f'$limits using 1:($2-0.4):(0):(0.8) title "goal" with vectors nohead lw 3 lc rgb "{RED}"'] if limits else [])
    )
    draw(path, title, text, height=int(150 + ROW_HEIGHT * rows_high))


MAIN_ROWS = [
    # heading, label, bench, work, metric, reference
    ("memory, compared with the best uthash loop", "join", "memory", "join-move", "ns", "uthash-best"),
    ("memory, compared with the best uthash loop", "join of a new user", "memory", "join-new", "ns", "uthash-best"),
    ("memory, compared with the best uthash loop", "where", "memory", "where", "ns", "uthash-best"),
    ("memory, compared with the best uthash loop", "quit", "memory", "quit", "ns", "uthash-best"),
    ("sqlite, compared with raw statements", "join", "sqlite", "join-move-1", "ns", "raw"),
    ("sqlite, compared with raw statements", "join, 1,000 in a batch", "sqlite", "join-move-1000", "ns", "raw"),
    ("sqlite, compared with raw statements", "where", "sqlite", "where", "ns", "raw"),
    ("sqlite, compared with raw statements", "members", "sqlite", "members", "ns", "raw"),
    ("redis, compared with hiredis", "join", "redis", "join", "both-ns", "evalsha"),
    ("redis, compared with hiredis", "join, 64 in a batch", "redis", "join-64", "both-ns", "evalsha"),
    ("redis, compared with hiredis", "where", "redis", "where", "both-ns", "hmget"),
    ("redis, compared with hiredis", "members, in pages", "redis", "members", "both-ns", "smembers"),
    ("redis, compared with hiredis", "members, by one command", "redis", "members-at-once", "both-ns", "smembers"),
    ("redis, compared with the Python classes", "join", "redis", "join", "both-ns", "python"),
    ("redis, compared with the Python classes", "join, 64 in a batch", "redis", "join-64", "both-ns", "python"),
    ("redis, compared with the Python classes", "where", "redis", "where", "both-ns", "python"),
    ("redis, compared with the Python classes", "members, in pages", "redis", "members", "both-ns", "python"),
]


def main_plot(figures, path):
    """Our cost compared with that of the bare engine and of the Python classes."""
    groups = {}
    for heading, label, bench, work, metric, reference in MAIN_ROWS:
        ratio = figures.find(bench, work, reference, 100000, metric + "-ratio")
        if ratio:
            row = Row(label, OURS, ratio.value, ratio.low, ratio.high, time_limit(ratio))
            groups.setdefault(heading, []).append(row)
    if not groups:
        return False
    right = max([1.5] + [row.value for rows in groups.values() for row in rows]) * 1.12
    axis = f'set xrange [0:{right}]\nset xtics 0.25 format "%.2f"\n' \
        'set arrow from 1, graph 0 to 1, graph 1 nohead back lc rgb "#555555" lw 1.5'
    dots(path, "Our time compared with the engine's, at 100,000 users or members", list(groups.items()),
         "our CPU time as a multiple of theirs: left of 1 we are faster", axis,
         [("median and range of the rounds", OURS)])
    return True


def stall_plot(figures, path):
    words = {"nothing": "nothing runs", "busy": "two others are busy", "end": "a lesson ends",
             "members": "a lesson is listed", "users": "all users are listed", "check": "check", "repair": "repair"}
    rows = []
    for f in figures.of("stall", metric="stall"):
        label = words[f.work] + (f", {of_count(f)}" if f.size else "") + ("" if f.variant == "lessonstore" else ", by SMEMBERS")
        command = figures.find("stall", f.work, f.variant, f.size, "longest-command")
        rows.append(Row(label, OURS, f.value, f.low, f.high, None if f.work in ("nothing", "busy") else 10000))
        if command and command.low:
            rows.append(Row("", OTHER, command.value, command.low, command.high, None))
    if not rows:
        return False
    axis = "set logscale x\nset offsets graph 0.02, graph 0.02, 0, 0\nset xtics (" + ", ".join(
        f'"{label}" {us}' for label, us in (("100 µs", 100), ("1 ms", 1000), ("10 ms", 1e4), ("100 ms", 1e5), ("1 s", 1e6))) + ")"
    dots(path, "How long other clients of the Redis server wait", [("", rows)], "time", axis,
         [("longest wait of a PING", OURS), ("the server's longest command", OTHER)])
    return True


# ---- Lines


RATE_TICS = ", ".join(f'"{of_size(n * 10 ** e)}" {n * 10 ** e}' for e in (3, 4, 5, 6) for n in (1, 2, 5))


def lines(path, title, series, x_label, y_label, y_tics):
    """`series` are (name, colour, dashed, points)."""
    text = "".join(data(f"line{i}", points) for i, (_, _, _, points) in enumerate(series))
    xs = sorted({x for *_, points in series for x, _ in points})
    ys = sorted(y for *_, points in series for _, y in points)
    marked = [x for i, x in enumerate(xs) if i == 0 or x > 1.5 * xs[i - 1]]  # labels that overlap are unreadable
    text += f"""
set logscale xy
set xtics ({", ".join(f'"{of_size(x)}" {x}' for x in marked)})
set xrange [{xs[0]} / 1.4:{xs[-1]} * 1.4]
set yrange [{ys[0]} / 1.4:{ys[-1]} * 1.4]
set xlabel "{x_label}"
set ylabel "{y_label}"
set ytics ({y_tics})
set key outside right center vertical Left reverse
plot """ + ", ".join(
        f'$line{i} using 1:2 with linespoints title "{name}" lc rgb "{colour}" lw 2 pt {6 if dashed else 7} ps 0.7'
        + (" dt 2" if dashed else "")
        for i, (name, colour, dashed, _) in enumerate(series)
    )
    draw(path, title, text)


def collect(figures, wanted, point):
    """The series that were measured; `wanted` are (name, colour, dashed, bench, work, variant, metric)."""
    series = []
    for name, colour, dashed, bench, work, variant, metric in wanted:
        points = sorted(point(f) for f in figures.of(bench, work, variant, metric))
        if len(points) > 1:
            series.append((name, colour, dashed, points))
    return series


def growth_plot(figures, path):
    """Cost an operation against users."""
    wanted = [
        ("redis: join", "#CC79A7", False, "redis", "join", "lessonstore", "both-ns"),
        ("EVALSHA", "#CC79A7", True, "redis", "join", "evalsha", "both-ns"),
        ("redis: join, of 256", REFERENCE, False, "redis", "join-256", "lessonstore", "both-ns"),
        ("EVALSHA, pipelined", REFERENCE, True, "redis", "join-256", "evalsha", "both-ns"),
        ("sqlite: join, of 1,000", FOURTH, False, "sqlite", "join-move-1000", "lessonstore", "ns"),
        ("raw statements", FOURTH, True, "sqlite", "join-move-1000", "raw", "ns"),
        ("memory: join", OURS, False, "memory", "join-move", "lessonstore", "ns"),
        ("best uthash loop", OURS, True, "memory", "join-move", "uthash-best", "ns"),
        ("open addressing", GREY, True, "memory", "join-move", "open-addressing", "ns"),
    ]
    series = collect(figures, wanted, lambda f: (f.size, f.value))
    if series:
        lines(path, "How the cost of a join grows with the users (CPU time)", series, "users", "time of one join", TIME_TICS)
    return bool(series)


def batch_plot(figures, path):
    """Joins a second by batch size, at 100k users."""
    series = []
    for name, colour, dashed, bench, prefix, variant, metric in (
        ("redis", OURS, False, "redis", "join", "lessonstore", "both-ns"),
        ("EVALSHA, pipelined", OURS, True, "redis", "join", "evalsha", "both-ns"),
        ("Python, pipelined", OTHER, True, "redis", "join", "python", "both-ns"),
        ("sqlite", FOURTH, False, "sqlite", "join-move", "lessonstore", "ns"),
        ("raw statements", FOURTH, True, "sqlite", "join-move", "raw", "ns"),
    ):
        points = []
        for f in figures.of(bench, None, variant, metric):
            batch = f.work[len(prefix) + 1 :] or "1"
            if f.size == 100000 and f.work.startswith(prefix) and batch.isdigit():
                points.append((int(batch), 1e9 / f.value))
        if len(points) > 1:
            series.append((name, colour, dashed, sorted(points)))
    if series:
        lines(path, "Joins by batch size, at 100,000 users", series, "joins in a batch", "joins in a second of CPU time",
              RATE_TICS)
    return bool(series)


def latency_plot(figures, path):
    wanted = [
        ("event loop: p99.9", "#D55E00", False, "executor", "redis-loop", "lessonstore", "p99.9"),
        ("event loop: p99", REFERENCE, False, "executor", "redis-loop", "lessonstore", "p99"),
        ("event loop: p50", OURS, False, "executor", "redis-loop", "lessonstore", "p50"),
        ("threads: p99", REFERENCE, True, "executor", "redis-threads", "lessonstore", "p99"),
        ("threads: p50", OURS, True, "executor", "redis-threads", "lessonstore", "p50"),
    ]
    series = collect(figures, wanted, lambda f: (f.size, f.value * 1000))
    if series:
        lines(path, "How long a join through the executor takes, over Redis", series, "joins pending (or threads)", "time",
              TIME_TICS)
    return bool(series)


def throughput_plot(figures, path):
    wanted = [
        ("executor, event loop", OURS, False, "executor", "redis-loop", "lessonstore", "wall-ns"),
        ("executor, threads", "#56B4E9", False, "executor", "redis-threads", "lessonstore", "wall-ns"),
        ("direct calls, threads", OTHER, True, "executor", "redis-threads", "direct", "wall-ns"),
        ("EVALSHA, pipelined", REFERENCE, True, "executor", "redis-loop", "evalsha", "wall-ns"),
    ]
    series = collect(figures, wanted, lambda f: (f.size, 1e9 / f.value))
    if series:
        for f in figures.of("executor", "redis-loop", "redis-benchmark", "wall-ns"):
            series.append(("redis-benchmark", "#D55E00", False, [(f.size, 1e9 / f.value)]))
        lines(path, "Joins through the executor, over Redis", series, "joins pending (or threads)", "joins in a second",
              RATE_TICS)
    return bool(series)
