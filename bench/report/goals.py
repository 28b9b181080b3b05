"""The goals, each a row: what it is about, the limit, and how its figures are found."""
import re
from collections import namedtuple

from figures import of_range, of_time
from words import of_count, of_variant, of_work

Found = namedtuple("Found", "value low high where")
Goal = namedtuple("Goal", "backend what limit kind finder note", defaults=("",))

MET, NOISE, NOT_MET = "met", "within noise", "not met"
STATES = (MET, NOISE, NOT_MET)

# What a ratio is a ratio of. A speed is the inverse of a time.
TIME, SPEED = "x the time", "x the speed"

SIZES_MEMORY = (1000, 10000, 100000, 1000000)
SIZES_MEMBERS = (1000, 10000, 100000)
MILLION = 1000000


class AtMost(float):
    word = "at most"

    def state(self, found):
        return MET if found.high <= self else NOT_MET if found.low > self else NOISE

    def severity(self, found):
        return STATES.index(self.state(found)), found.value


class AtLeast(float):
    word = "at least"

    def state(self, found):
        return MET if found.low >= self else NOT_MET if found.high < self else NOISE

    def severity(self, found):
        return STATES.index(self.state(found)), -found.value


def inverse(found):
    return Found(1 / found.value, 1 / found.high, 1 / found.low, found.where)


def place(figure):
    return f"{of_work(figure.bench, figure.work)}; {of_count(figure)}"


class Ratio:
    """Ours through the reference's, within each round: of our times, or with SPEED of our speeds. `works` is a pattern."""

    def __init__(self, bench, works, reference, clock, kind, sizes=None):
        self.bench, self.works, self.reference, self.clock, self.kind, self.sizes = bench, works, reference, clock, kind, sizes

    def covers(self, figure):
        return (
            (figure.bench, figure.variant, figure.metric) == (self.bench, self.reference, self.clock + "-ratio")
            and re.fullmatch(self.works, figure.work)
            and (not self.sizes or figure.size in self.sizes)
        )

    def __call__(self, figures):
        found = [Found(f.value, f.low, f.high, place(f)) for f in figures.all if self.covers(f)]
        return [inverse(f) for f in found] if self.kind == SPEED else found


class Quotient:
    """One figure through another that was not measured in the same rounds; each is (work, variant, size)."""

    def __init__(self, bench, metric, above, below, where=""):
        self.bench, self.metric, self.above, self.below, self.where = bench, metric, above, below, where

    def __call__(self, figures):
        a, b = (figures.find(self.bench, *which, self.metric) for which in (self.above, self.below))
        return [Found(a.value / b.value, a.low / b.high, a.high / b.low, self.where)] if a and b else []


class Difference(Ratio):
    """How much more time ours takes than the reference, in ns, as the ratios of the rounds have it."""

    def __init__(self, bench, works, variant, reference, clock):
        super().__init__(bench, works, reference, clock, TIME)
        self.variant = variant

    def __call__(self, figures):
        found = []
        for ratio in (f for f in figures.all if self.covers(f)):
            ours = figures.find(self.bench, ratio.work, self.variant, ratio.size, self.clock)
            found.append(Found(*(ours.value * (1 - 1 / r) for r in (ratio.value, ratio.low, ratio.high)), place(ratio)))
        return found


class Growth:
    """Our cost at 1M users through that at 10k, with the reference's own growth."""

    def __init__(self, bench, work, metric, reference):
        self.bench, self.work, self.metric, self.reference = bench, work, metric, reference

    def of(self, variant, figures):
        return Quotient(self.bench, self.metric, (self.work, variant, MILLION), (self.work, variant, 10000))(figures)

    def __call__(self, figures):
        itself = self.of(self.reference, figures)
        where = f"{of_variant(self.reference)}: {itself[0].value:.2f}x" if itself else ""
        return [found._replace(where=where) for found in self.of("lessonstore", figures)]


class Plain:
    """A figure of ours as it is."""

    def __init__(self, bench, work, metric, size=None, scale=1.0, variant="lessonstore"):
        self.bench, self.work, self.metric, self.size, self.scale, self.variant = bench, work, metric, size, scale, variant

    def __call__(self, figures):
        found = [f for f in figures.of(self.bench, self.work, self.variant, self.metric) if self.size in (None, f.size)]
        return [Found(f.value / self.scale, f.low / self.scale, f.high / self.scale, place(f)) for f in found]


class Stall(Plain):
    """The longest wait of a second client in milliseconds, with the server's own record."""

    def __init__(self, work, size):
        super().__init__("stall", work, "stall", size, 1000.0)

    def __call__(self, figures):
        command = figures.find("stall", self.work, "lessonstore", self.size, "longest-command")
        where = ""
        if command:
            where = f"the server's longest command: {of_time(command.value * 1000) if command.value else 'below 1 ms'}"
            where += f" ({of_range(command.low, command.high, lambda us: of_time(us * 1000))})"
        return [found._replace(where=where) for found in super().__call__(figures)]


def cost(backend, what, limit, bench, works, reference, clock, sizes=None, note=""):
    return Goal(backend, what, AtMost(limit), TIME, Ratio(bench, works, reference, clock, TIME, sizes), note)


def speed(backend, what, limit, bench, works, reference, clock, sizes=None, note=""):
    return Goal(backend, what, AtLeast(limit), SPEED, Ratio(bench, works, reference, clock, SPEED, sizes), note)


def growth(backend, what, limit, work, metric, reference, note=""):
    return Goal(backend, f"10k to 1M users: {what}", AtMost(limit), TIME, Growth(backend, work, metric, reference), note)


def stall(what, work, size, note=""):
    return Goal("redis", f"longest wait of another client while {what}", AtMost(10), "ms", Stall(work, size), note)


APART_NOTE = "the best uthash loop is so short that the processor begins the next operation while this one waits for memory. Ours " \
    "checks its arguments in between. The table of [other work between the operations](#other-work-between-the-operations) shows " \
    "both without that."
MEMBERS_NOTE = "only lessons of 1,000 members and more. A list of one member or of thirty costs the call itself, its checks " \
    "and its lock. Compared with these, walking an array costs nearly nothing. The table of the section has small lessons too."
PAGES_NOTE = "by default a lesson of more than 10,000 members is listed in pages, because one SMEMBERS of 100,000 would keep the " \
    "server from all other clients for longer than 10 ms. The reference sends that one SMEMBERS; so do we with " \
    "members_at_once=100000."
BATCH_NOTE = "our batches, compared with single joins of Python, because the classes make no batches. The table of the section " \
    "compares with redis-py's own pipeline of 64."
PYTHON_NOTE = "redis-py parses with hiredis here, which is its faster way. Its join is two commands in two round trips. Ours takes " \
    "a fifth of the client's time, but for the server one script is not as much cheaper than two commands."
CLUSTER_NOTE = "a node of a Cluster looks up the slot of the keys of each command, in scripts too. In a batch, where a join is mostly its " \
    "commands, this alone is the difference: the same commands in a bare script take as much more in a Cluster (table of the section)."
BATCH_SERVER_NOTE = "the server's time is that of the engine. In a profile, a third of it is dictFind, dictSdsKeyCompare, dictAddRaw " \
    "and lpFirst, which look up keys and fields. A bare loop of HGET, SMOVE and HSET in one script for 256 joins, without errors, " \
    "answers or sessions, is already at 0.70 to 0.73x. We add three things: the check for a session (HLEN, 0.15 to 0.25 us a join, " \
    "which is 0.05x), the answers, and that one failing join does not stop the others (0.2 us for these two together)."
SQLITE_GROWTH_NOTE = "each random join among a million users changes pages of its own, which go whole into the log. In a profile, the " \
    "kernel takes 59 % of the time, SQLite 26 % and this library 1 %. No page size changes that: backends/sqlite/README.md has the " \
    "figures."
MEMORY_GROWTH_NOTE = "a single join waits for memory twice, for the bucket and then for the user, and memory is slower than the caches by that much. The " \
    "operations of a batch wait together, so their cost grows less (see batches of 64)."
REDIS_GROWTH_NOTE = "the keys of a million users are in no cache of the server's processor, for any client."
FOLLOWERS_NOTE = "all followers of a process share one reader, so the server has one more client, who asks for all events every 2 ms. " \
    "On one vCPU that reader, its thread and the server take turns, and empty each other's caches."
OWN_TURN_NOTE = "over ten seconds and more the second client also waits for a processor, because it is the third process on two " \
    "vCPUs. The section has a row in which the server does nothing and two other processes are busy: it shows how long that wait " \
    "is. The server's longest command contains less of it."

MEMORY_WORKS = (("join from another lesson", "join-move"), ("join of a new user", "join-new"), ("where", "where"), ("quit", "quit"))

GOALS = [
    # memory: process CPU time
    *(cost("memory", f"{what}, compared with the best uthash loop", 1.25, "memory", work, "uthash-best", "ns", SIZES_MEMORY, APART_NOTE)
      for what, work in MEMORY_WORKS),
    *(cost("memory", f"{what}, compared with the plain uthash way", 1, "memory", work, "uthash-plain", "ns", SIZES_MEMORY)
      for what, work in MEMORY_WORKS),
    speed("memory", "batches of 64 at 1M users, compared with our single calls", 1.4, "memory", "batch-64",
          "lessonstore-single", "ns", (MILLION,)),
    Goal("memory", "allocations in a steady state", AtMost(0), "an operation", Plain("memory", None, "allocations")),
    Goal("memory", "memory at 1M users", AtMost(160), "bytes a user", Plain("memory", None, "bytes", MILLION)),
    cost("memory", "members, compared with walking an array", 2, "memory", "members", "array-walk", "ns", SIZES_MEMBERS,
         MEMBERS_NOTE),
    # sqlite
    speed("sqlite", "batches of 1,000 joins, compared with raw statements (CPU)", 0.9, "sqlite", "join-(move|new)-1000",
          "raw", "ns"),
    speed("sqlite", "where, compared with raw statements (CPU)", 0.9, "sqlite", "where", "raw", "ns"),
    speed("sqlite", "our defaults, compared with SQLite's, batches of 1,000 joins (wall)", 1.7, "sqlite", "join-move-1000",
          "sqlite-defaults", "wall-ns"),
    speed("sqlite", "members of 100k, compared with a bare step loop (CPU)", 0.85, "sqlite", "members", "raw", "ns", (100000,)),
    # redis: CPU time of client and server together, which equals the wall time on one vCPU
    Goal("redis", "single join, round trips", AtMost(1), "", Plain("redis", "join", "round-trips")),
    speed("redis", "single join, compared with EVALSHA", 0.9, "redis", "join", "evalsha", "both-ns"),
    speed("redis", "single join, compared with the Python classes", 3, "redis", "join", "python", "both-ns",
          note=PYTHON_NOTE),
    speed("redis", "single join over TLS, compared with TCP", 0.65, "tls", "join", "tcp", "both-ns"),
    speed("redis", "batches of 256 over TLS, compared with TCP", 0.93, "tls", "join-256", "tcp", "both-ns"),
    speed("redis", "single join in a Cluster, tagged prefix, compared with one server (wall)", 0.95, "cluster", "join",
          "server", "wall-ns"),
    speed("redis", "batches of 256 in a Cluster, tagged prefix, compared with one server (wall)", 0.95, "cluster",
          "join-256", "server", "wall-ns", note=CLUSTER_NOTE),
    cost("redis", "single join that names an owner, compared with one that does not (server CPU)", 1.25, "owners", "join",
         "no-owner", "server-ns"),
    cost("redis", "batches of joins that name an owner, compared with batches that do not (server CPU)", 1.25, "owners",
         r"join-\d+", "no-owner", "server-ns"),
    Goal("redis", "the renewal of a lease of 10,000 users, round trips", AtMost(1), "",
         Plain("owners", "renewal", "round-trips", 10000, 1.0, "owner")),
    cost("redis", "the renewal of a lease of 10,000 users, compared with that of an owner of nobody (server CPU)", 1.05,
         "owners", "renewal", "owner-of-none", "server-ns"),
    Goal("redis", "the server's longest command while 10,000 users of an owner are put out", AtMost(10), "ms",
         Plain("owners", "sweep", "longest-command", 10000, 1000.0)),
    cost("redis", "single join where events are kept, compared with one where none are (server CPU)", 1.35, "feed", "join",
         "no-feed", "server-ns"),
    cost("redis", "batches of joins where events are kept, compared with batches where none are (server CPU)", 1.35, "feed",
         r"join-\d+", "no-feed", "server-ns"),
    Goal("memory", "counting, compared with none", AtMost(5), "ns", Difference("figures", "(where|join)-memory", "counting",
                                                                               "not-counting", "ns")),
    cost("redis", "counting, compared with none", 1.02, "figures", "(where|join)-redis", "not-counting", "both-ns"),
    speed("redis", "events read by one reader, compared with a bare loop of XREAD (wall)", 0.8, "feed", "read-redis",
          "bare-xread", "wall-ns"),
    Goal("sqlite", "an event, read by one reader (wall)", AtMost(10), "us", Plain("feed", "read-sqlite", "wall-ns", None, 1000.0)),
    Goal("memory", "an event, read by one reader (wall)", AtMost(10), "us", Plain("feed", "read-memory", "wall-ns", None, 1000.0)),
    cost("redis", "batches of joins beside 1,000 followers of quiet lessons, compared with none (server CPU)", 1.05, "feed",
         "join-64-beside", "no-followers", "server-ns", note=FOLLOWERS_NOTE),
    cost("redis", "without service after kill -9 of the primary, compared with redis-py's Sentinel client (wall)", 1,
         "failover", "kill", "redis-py", "wall-ms"),
    speed("redis", "executor, event loop, compared with redis-benchmark (wall)", 1, "executor", "redis-loop",
          "redis-benchmark", "wall-ns"),
    speed("redis", "executor, all on one vCPU, compared with redis-benchmark (wall)", 1, "executor", "redis-one-vcpu-loop",
          "redis-benchmark", "wall-ns"),
    cost("redis", "single join, compared with EVALSHA (server CPU)", 1.12, "redis", "join", "evalsha", "server-ns"),
    cost("redis", "quit, compared with EVALSHA (server CPU)", 1.12, "redis", "quit", "evalsha", "server-ns"),
    speed("redis", "batches of 64 and more, compared with pipelined EVALSHA (CPU)", 1.4, "redis", r"join-\d+", "evalsha",
          "both-ns"),
    speed("redis", "the same on two vCPUs (wall)", 1.4, "redis", r"join-\d+-2cpu", "evalsha", "wall-ns"),
    cost("redis", "batches of 64 and more, compared with EVALSHA (server CPU)", 0.75, "redis", r"join-\d+", "evalsha", "server-ns",
         note=BATCH_SERVER_NOTE),
    Goal("redis", "batches of 64, compared with single joins of the Python classes", AtLeast(10), SPEED,
         Quotient("redis", "both-ns", ("join", "python", 100000), ("join-64", "lessonstore", 100000)), BATCH_NOTE),
    speed("redis", "members of 100k in pages, compared with the reply tree (client CPU)", 2.5, "redis", "members", "smembers",
          "ns", (100000,), PAGES_NOTE),
    speed("redis", "members of 100k at once, compared with the reply tree (client CPU)", 2.5, "redis", "members-at-once",
          "smembers", "ns", (100000,)),
    speed("redis", "members of 100k in pages, compared with redis-py (client CPU)", 8, "redis", "members", "python", "ns",
          (100000,)),
    speed("redis", "members of 100k at once, compared with redis-py (client CPU)", 8, "redis", "members-at-once", "python",
          "ns", (100000,)),
    Goal("redis", "members of 100k in pages, most heap", AtMost(64), "KiB", Plain("redis", "members", "peak-heap",
         100000, 1024.0)),
    Goal("redis", "members of 100k at once, most heap", AtMost(64), "KiB",
         Plain("redis", "members", "peak-heap", 100000, 1024.0, "lessonstore-at-once")),
    # growth of the cost of an operation from 10k users to 1M
    growth("memory", "a join", 4, "join-move", "ns", "uthash-best", MEMORY_GROWTH_NOTE),
    growth("sqlite", "a where", 3, "where", "ns", "raw"),
    growth("sqlite", "a single join", 3, "join-move-1", "ns", "raw"),
    growth("sqlite", "a join in batches of 1,000", 3, "join-move-1000", "ns", "raw", SQLITE_GROWTH_NOTE),
    growth("redis", "a single join", 1.5, "join", "both-ns", "evalsha"),
    growth("redis", "a join in batches of 256", 1.5, "join-256", "both-ns", "evalsha", REDIS_GROWTH_NOTE),
    # stall: of a second client of the server
    stall("a lesson of 100k ends", "end", 100000),
    stall("1M members are listed", "members", MILLION),
    stall("1M users are listed", "users", MILLION),
    stall("1M users are checked", "check", MILLION),
    stall("1M users are repaired", "repair", MILLION, OWN_TURN_NOTE),
]


def judge(goal, figures):
    """The worst that was found and whether it meets the goal; None, None if nothing was."""
    found = goal.finder(figures)
    if not found:
        return None, None
    worst = max(found, key=goal.limit.severity)
    return worst, goal.limit.state(worst)


def time_limit(figure):
    """The goal of a ratio of times, where it has one."""
    for goal in GOALS:
        if isinstance(goal.finder, Ratio) and goal.finder.covers(figure):
            return goal.limit if goal.kind == TIME else 1 / goal.limit
    return None
