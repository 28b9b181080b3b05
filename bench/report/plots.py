"""The plots, by gnuplot. Colours are those of Okabe and Ito, which the colour-blind can tell apart."""
import subprocess

from figures import of_size

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


# ---- Bars


def bars(path, title, groups, names, colours, y_label, extra="", tics=TIME_TICS):
    """`groups` are (label, values in nanoseconds); None leaves a bar out. A line of a label ends with \\n."""
    # The axis begins at a power of ten below all: with a logarithm, bars have no zero to stand on.
    lowest = min(value for _, values in groups for value in values if value)
    floor = 10 ** (len(str(int(max(lowest / 2, 1)))) - 1)
    key = "set key inside top left vertical Left reverse" if len(names) > 1 else "unset key"
    rows = [['"' + label + '"'] + [value if value else "NaN" for value in values] for label, values in groups]
    text = data("bars", rows) + f"""
set style data histogram
set style histogram clustered gap 1
set style fill solid 1.0 noborder
set boxwidth 0.9
set logscale y
set yrange [{floor}:*]
set ytics ({tics})
set ylabel "{y_label}"
set xtics scale 0
set bmargin 4.5
{key}
{extra}
plot """ + ", ".join(
        f'$bars using {i + 2}{":xtic(1)" if i == 0 else ""} title "{name}" lc rgb "{colour}"'
        for i, (name, colour) in enumerate(zip(names, colours))
    )
    draw(path, title, text)


def main_plot(figures, path):
    """Cost of the main operations beside the hand-written reference and the Python way."""
    wanted = [
        # label, bench, work, size, metric, reference, third
        ("memory\\njoin", "memory", "join-move", 100000, "ns", "uthash-best", None),
        ("memory\\nwhere", "memory", "where", 100000, "ns", "uthash-best", None),
        ("sqlite\\njoin, 1,000\\nin a batch", "sqlite", "join-move-1000", 100000, "ns", "raw", None),
        ("sqlite\\nwhere", "sqlite", "where", 100000, "ns", "raw", None),
        ("sqlite\\na member", "sqlite", "members", 100000, "ns", "raw", None),
        ("redis\\njoin", "redis", "join", 100000, "both-ns", "evalsha", "python"),
        ("redis\\njoin, 64\\nin a batch", "redis", "join-64", 100000, "both-ns", "evalsha", "python"),
        ("redis\\nwhere", "redis", "where", 100000, "both-ns", "hmget", "python"),
        ("redis\\na member", "redis", "members", 100000, "both-ns", "smembers", "python"),
    ]
    groups = []
    for label, bench, work, size, metric, *others in wanted:
        cells = [figures.find(bench, work, variant, size, metric) if variant else None for variant in ["lessonstore"] + others]
        if cells[0]:
            groups.append((label, [cell.value if cell else None for cell in cells]))
    if not groups:
        return False
    bars(path, "What an operation costs, at 100,000 users (CPU time; for Redis of client and server)", groups,
         ["lessonstore", "the bare engine, written by hand", "the Python classes it replaces"],
         [OURS, REFERENCE, OTHER], "time of one operation")
    return True


def stall_plot(figures, path):
    groups = []
    for f in figures.of("stall", metric="stall"):
        label = {"nothing": "nothing\\nruns", "end": f"end of\\n{of_size(f.size)}"}.get(
            f.work, f"{f.work}\\n{of_size(f.size)}" + ("" if f.variant == "lessonstore" else f" by\\n{f.variant}"))
        groups.append((label, [f.value * 1000]))
    if not groups:
        return False
    bars(path, "The longest wait of another client of the Redis server meanwhile", groups, ["longest wait of a PING"], [OURS],
         "time", 'set arrow from graph 0, first 1e7 to graph 1, first 1e7 nohead lc rgb "#D55E00" dt 2 lw 2\n'
         'set label "goal: 10 ms" at graph 0.01, first 1.35e7 tc rgb "#D55E00"')
    return True


# ---- Lines


RATE_TICS = ", ".join(f'"{of_size(n * 10 ** e)}" {n * 10 ** e}' for e in (3, 4, 5, 6) for n in (1, 2, 5))


def lines(path, title, series, x_label, y_label, y_tics):
    """`series` are (name, colour, dashed, points)."""
    text = "".join(data(f"line{i}", points) for i, (_, _, _, points) in enumerate(series))
    xs = sorted({x for *_, points in series for x, _ in points})
    marked = [x for i, x in enumerate(xs) if i == 0 or x > 1.5 * xs[i - 1]]  # labels that lie on one another are no help
    text += f"""
set logscale xy
set xtics ({", ".join(f'"{of_size(x)}" {x}' for x in marked)})
set xrange [{xs[0]} / 1.4:{xs[-1]} * 1.4]
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
        lines(path, "How long a join through the executor takes, over Redis", series, "joins under way (or threads)", "time",
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
        lines(path, "Joins through the executor, over Redis", series, "joins under way (or threads)", "joins in a second",
              RATE_TICS)
    return bool(series)
