"""The lines that benchmarks print, and numbers for people."""
from collections import namedtuple
from pathlib import Path

Figure = namedtuple("Figure", "bench work variant size metric value unit low high")


class Figures:
    """All lines of a run. A figure is found by its bench, work, variant, size and metric."""

    def __init__(self, directory):
        self.all = []
        self.facts = {}  # of the machine and versions: a list of the values found
        self.runs = {}  # of each file: when it was measured, and for which commit
        for path in sorted(Path(directory).glob("*.tsv")):
            self.runs[path.stem] = {}
            for line in path.read_text().splitlines():
                self._read(path.stem, line)
        self._index = {(f.bench, f.work, f.variant, f.size, f.metric): f for f in self.all}

    def _read(self, file, line):
        if line.startswith("# "):
            name, value = line[2:].split("\t")
            if name in ("measured", "commit"):
                self.runs[file][name] = value
                return
            seen = self.facts.setdefault(name, [])
            if value not in seen:
                seen.append(value)
            return
        bench, work, variant, size, metric, value, unit, low, high = line.split("\t")
        self.all.append(
            Figure(bench, work, variant, int(size), metric, float(value), unit, float(low), float(high))
        )

    def find(self, bench, work, variant, size, metric):
        return self._index.get((bench, work, variant, size, metric))

    def of(self, bench, work=None, variant=None, metric=None):
        """Those of a bench that match, in the order in which they were measured."""
        return [
            f
            for f in self.all
            if f.bench == bench and work in (None, f.work) and variant in (None, f.variant) and metric in (None, f.metric)
        ]


def in_order(values):
    """Each once, in the order of the first."""
    return list(dict.fromkeys(values))


def short(number):
    """At least three digits that count."""
    if number == 0:
        return "0"
    digits = 3 if abs(number) < 1 else 2 if abs(number) < 10 else 1 if abs(number) < 100 else 0
    if abs(number) < 0.1:
        return "%.2g" % number
    return f"{number:,.{digits}f}"


def of_time(ns):
    for limit, unit in ((1e3, "ns"), (1e6, "µs"), (1e9, "ms")):
        if ns < limit:
            return f"{short(ns / limit * 1e3)} {unit}"
    return f"{short(ns / 1e9)} s"


def of_size(number):
    """10000 as 10k."""
    for limit, unit in ((1000000, "M"), (1000, "k")):
        if number >= limit and number % limit == 0:
            return f"{number // limit}{unit}"
    return f"{number:,}"


def of_range(low, high, of=short):
    """Where there was one measurement, both are the same."""
    return "one run" if low == high else f"{of(low)} to {of(high)}"


def of_figure(figure):
    scale = {"ns": 1, "us": 1e3, "ms": 1e6}.get(figure.unit)
    if scale:
        return of_time(figure.value * scale)
    if figure.unit == "bytes" and figure.value >= 10240:
        return f"{short(figure.value / 1024)} KiB"
    return f"{short(figure.value)} {figure.unit}"


def table(head, rows):
    """Markdown; what begins with a digit in every row is a number, and goes to the right."""

    def is_number(column):
        return all(not row[column] or row[column][0].isdigit() or row[column] in ("one run", "not measured") for row in rows)

    left = "".join("|---:" if is_number(i) else "|---" for i in range(len(head))) + "|"
    lines = ["| " + " | ".join(head) + " |", left]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows]) + "\n"
