"""The goals, each a row: what it is about, how the figure is found, and the limit.

A finder takes the figures and returns a Found, the worst of what the goal is about, or None if it was not measured.
"""
from collections import namedtuple

from figures import of_size

Found = namedtuple("Found", "value low high where")
Goal = namedtuple("Goal", "backend work limit unit finder")

MEMORY_SIZES = (1000, 10000, 100000, 1000000)
MILLION = 1000000


class AtMost(float):
    word = "at most"

    def met(self, value):
        return value <= self

    worst = staticmethod(max)


class AtLeast(float):
    word = "at least"

    def met(self, value):
        return value >= self

    worst = staticmethod(min)


def cost(bench, work, reference, clock, sizes=None):
    """Our time as a multiple of the reference's; the worst of the sizes."""

    def find(figures):
        found = [f for f in figures.of(bench, work, reference, clock + "-ratio") if not sizes or f.size in sizes]
        return [Found(f.value, f.low, f.high, f"{f.work}, {of_size(f.size)}") for f in found]

    return find


def speed(bench, work, reference, clock, sizes=None):
    """Our speed as a multiple of the reference's."""

    def find(figures):
        return [Found(1 / f.value, 1 / f.high, 1 / f.low, f.where) for f in cost(bench, work, reference, clock, sizes)(figures)]

    return find


def quotient(metric, bench, above, below):
    """One figure through another; each is (work, variant, size)."""

    def find(figures):
        a, b = (figures.find(bench, *which, metric) for which in (above, below))
        return [Found(a.value / b.value, a.low / b.high, a.high / b.low, "")] if a and b else []

    return find


def growth(bench, work, metric, reference):
    """Our cost at 1M users through that at 10k, and beside it the reference's own growth."""

    def of_variant(variant):
        return quotient(metric, bench, (work, variant, MILLION), (work, variant, 10000))

    def find(figures):
        itself = of_variant(reference)(figures)
        where = f"{reference} itself {itself[0].value:.2f}x" if itself else ""
        return [Found(f.value, f.low, f.high, where) for f in of_variant("lessonstore")(figures)]

    return find


def value(bench, work, metric, size=None, scale=1.0):
    def find(figures):
        found = [f for f in figures.of(bench, work, "lessonstore", metric) if size in (None, f.size)]
        return [Found(f.value / scale, f.low / scale, f.high / scale, f"{f.work}, {of_size(f.size)}") for f in found]

    return find


def several(*finders):
    def find(figures):
        return [found for finder in finders for found in finder(figures)]

    return find


def stall(work, size):
    return value("stall", work, "stall", size, 1000.0)


GOALS = [
    # memory: process CPU time
    Goal("memory", "join that moves, time beside the best uthash loop", AtMost(1.15), "x",
         cost("memory", "join-move", "uthash-best", "ns", MEMORY_SIZES)),
    Goal("memory", "join of a new user, time beside the best uthash loop", AtMost(1.15), "x",
         cost("memory", "join-new", "uthash-best", "ns", MEMORY_SIZES)),
    Goal("memory", "where, time beside the best uthash loop", AtMost(1.15), "x", cost("memory", "where", "uthash-best", "ns", MEMORY_SIZES)),
    Goal("memory", "quit, time beside the best uthash loop", AtMost(1.15), "x",
         cost("memory", "quit", "uthash-best", "ns", MEMORY_SIZES)),
    Goal("memory", "batches of 64 at 1M users, speed beside our single calls", AtLeast(1.4), "x",
         speed("memory", "batch-64", "lessonstore-single", "ns", (MILLION,))),
    Goal("memory", "allocations of an operation in a steady state", AtMost(0), "",
         value("memory", None, "allocations")),
    Goal("memory", "bytes a user at 1M", AtMost(160), "bytes", value("memory", None, "bytes", MILLION)),
    Goal("memory", "members, time beside walking an array", AtMost(2), "x",
         cost("memory", "members", "array-walk", "ns")),
    # sqlite
    Goal("sqlite", "batches of 1,000 joins, speed beside raw statements (CPU)", AtLeast(0.9), "x",
         several(speed("sqlite", "join-move-1000", "raw", "ns"), speed("sqlite", "join-new-1000", "raw", "ns"))),
    Goal("sqlite", "where, speed beside raw statements (CPU)", AtLeast(0.9), "x", speed("sqlite", "where", "raw", "ns")),
    Goal("sqlite", "our defaults beside SQLite's, batches of 1,000 joins (wall)", AtLeast(1.7), "x",
         speed("sqlite", "join-move-1000", "sqlite-defaults", "wall-ns")),
    Goal("sqlite", "members of 100k, speed beside a bare step loop (CPU)", AtLeast(0.85), "x",
         speed("sqlite", "members", "raw", "ns", (100000,))),
    # redis: CPU time of client and server together, which is the wall time on one vCPU
    Goal("redis", "single join, round trips", AtMost(1), "", value("redis", "join", "round-trips")),
    Goal("redis", "single join, speed beside EVALSHA", AtLeast(0.9), "x", speed("redis", "join", "evalsha", "both-ns")),
    Goal("redis", "single join, speed beside the Python way", AtLeast(3), "x",
         speed("redis", "join", "python", "both-ns")),
    Goal("redis", "executor, event loop, speed beside redis-benchmark (wall)", AtLeast(1), "x",
         speed("executor", "redis-loop", "redis-benchmark", "wall-ns")),
    Goal("redis", "executor, all on one vCPU, speed beside redis-benchmark (wall)", AtLeast(1), "x",
         speed("executor", "redis-one-vcpu-loop", "redis-benchmark", "wall-ns")),
    Goal("redis", "batches of 64 and more, speed beside pipelined EVALSHA", AtLeast(1.4), "x",
         several(*(speed("redis", f"join-{n}", "evalsha", "both-ns") for n in (64, 256, 1024)))),
    Goal("redis", "batches of 64 and more, server CPU time beside EVALSHA", AtMost(0.7), "x",
         several(*(cost("redis", f"join-{n}", "evalsha", "server-ns") for n in (64, 256, 1024)))),
    Goal("redis", "batches of 64, speed beside the Python way's joins", AtLeast(10), "x",
         quotient("both-ns", "redis", ("join", "python", 100000), ("join-64", "lessonstore", 100000))),
    Goal("redis", "members of 100k, speed beside the reply tree (client CPU)", AtLeast(2.5), "x",
         speed("redis", "members", "smembers", "ns", (100000,))),
    Goal("redis", "members of 100k, speed beside redis-py (client CPU)", AtLeast(8), "x", speed("redis", "members", "python", "ns", (100000,))),
    Goal("redis", "members of 100k, most heap", AtMost(64), "KiB",
         value("redis", "members", "peak-heap", 100000, 1024.0)),
    # growth of the cost of an operation from 10k users to 1M
    Goal("memory", "10k to 1M users: a join costs", AtMost(4), "x", growth("memory", "join-move", "ns", "uthash-best")),
    Goal("sqlite", "10k to 1M users: a where costs", AtMost(3), "x", growth("sqlite", "where", "ns", "raw")),
    Goal("sqlite", "10k to 1M users: a single join costs", AtMost(3), "x", growth("sqlite", "join-move-1", "ns", "raw")),
    Goal("sqlite", "10k to 1M users: a join in batches of 1,000 costs", AtMost(3), "x",
         growth("sqlite", "join-move-1000", "ns", "raw")),
    Goal("redis", "10k to 1M users: a single join costs", AtMost(1.5), "x",
         growth("redis", "join", "both-ns", "evalsha")),
    Goal("redis", "10k to 1M users: a join in batches of 256 costs", AtMost(1.5), "x",
         growth("redis", "join-256", "both-ns", "evalsha")),
    # stall: of a second client of the server
    Goal("redis", "longest wait of another client while a lesson of 100k ends", AtMost(10), "ms", stall("end", 100000)),
    Goal("redis", "longest wait while 1M members are listed", AtMost(10), "ms", stall("members", MILLION)),
    Goal("redis", "longest wait while 1M users are listed", AtMost(10), "ms", stall("users", MILLION)),
    Goal("redis", "longest wait while 1M users are checked", AtMost(10), "ms", stall("check", MILLION)),
    Goal("redis", "longest wait while 1M users are repaired", AtMost(10), "ms", stall("repair", MILLION)),
]


def judge(goal, figures):
    """The worst that was found and whether it meets the goal; None, None if nothing was."""
    found = goal.finder(figures)
    if not found:
        return None, None
    worst = goal.limit.worst(found, key=lambda one: one.value)
    return worst, goal.limit.met(worst.value)
