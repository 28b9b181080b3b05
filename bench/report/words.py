"""What the benchmarks call their works, sizes and variants, in words for readers."""
import re

from figures import of_size

# The first match counts; \1 is the batch.
WORKS = [
    ("memory", r"memory", "memory"),
    ("executor", r"(\w+)-one-vcpu-loop", r"joins over \1, event loop, all on one vCPU"),
    ("executor", r"(\w+)-loop", r"joins over \1, event loop"),
    ("executor", r"(\w+)-threads", r"joins over \1, threads"),
    ("cluster", r"bare-join-(\d+)", r"the commands of a join in a bare script, \1 in a call"),
    ("feed", r"read-(\w+)", r"reading events, \1"),
    ("feed", r"join-beside", "join, beside 1,000 followers"),
    ("feed", r"join-(\d+)-beside", r"join, \1 in a batch, beside 1,000 followers"),
    ("figures", r"(where|join)-(memory|redis)", r"\1, \2"),
    ("owners", r"renewal", "a lease is renewed"),
    ("owners", r"sweep", "the users of an owner are put out"),
    ("slots", r"joins-in-256", "joins in batches of 256"),
    ("slots", r"users", "the store is filled"),
    ("stall", r"nothing", "nothing runs"),
    ("stall", r"busy", "nothing runs on the server, but two other processes are busy"),
    ("stall", r"end", "a lesson ends"),
    ("stall", r"members", "a lesson is listed"),
    ("stall", r"users", "all users are listed"),
    ("stall", r"check", "check"),
    ("stall", r"repair", "repair"),
    (None, r"join-(\d+)-as-redis-benchmark", r"join, \1 in a batch, of redis-benchmark's ids"),
    (None, r"join-(\d+)-2cpu", r"join, \1 in a batch, server and client on two vCPUs"),
    (None, r"(?:join|batch)-(\d+)", r"join, \1 in a batch"),
    (None, r"join-move(?:-1)?", "join from another lesson"),
    (None, r"join-new(?:-1)?", "join of a new user"),
    (None, r"join-move-(\d+)", r"join from another lesson, \1 in a batch"),
    (None, r"join-new-(\d+)", r"join of a new user, \1 in a batch"),
    (None, r"where-(\d+)", r"where, \1 in a batch"),
    (None, r"quit-join", "quit, and join again"),
    (None, r"members", "members, per member"),
    (None, r"members-at-once", "members at once, per member"),
    (None, r"(.*)-apart", r"\1"),
]

VARIANTS = {
    "uthash-best": "best uthash loop",
    "uthash-plain": "plain uthash loop",
    "open-addressing": "open-addressing table",
    "array-walk": "walk of an array",
    "lessonstore-single": "our single calls",
    "raw": "raw statements",
    "sqlite-defaults": "raw statements, SQLite's defaults",
    "lessonstore-full": "ours with synchronous=full",
    "evalsha": "EVALSHA",
    "hmget": "HMGET",
    "smembers": "SMEMBERS",
    "python": "Python classes",
    "lessonstore-at-once": "ours with members_at_once=100000",
    "direct": "direct calls",
    "tls": "over TLS",
    "tcp": "over TCP",
    "cluster": "in a Cluster",
    "server": "one server",
    "three-masters": "over three masters",
    "six-masters": "over six masters",
    "owner": "with an owner",
    "feed": "with events",
    "no-feed": "without events",
    "followers": "with followers",
    "no-followers": "without followers",
    "bare-xread": "bare loop of XREAD",
    "no-owner": "without owner",
    "owner-of-none": "an owner of nobody",
    "counting": "counting",
    "not-counting": "without counting",
    "redis-py": "redis-py's Sentinel client",
    "lessonstore": "ours",
}


def of_work(bench, work):
    for of_bench, pattern, words in WORKS:
        match = re.fullmatch(pattern, work) if of_bench in (None, bench) else None
        if match:
            words = of_work(bench, match.expand(words)) if work.endswith("-apart") else match.expand(words)
            return re.sub(r"\d{4,}", lambda digits: f"{int(digits[0]):,}", words)
    return work


def of_variant(variant):
    return VARIANTS.get(variant, variant)


def of_count(figure):
    """The size with its unit."""
    if figure.work in ("nothing", "busy"):
        return ""
    unit = "users"
    if figure.work.startswith("members") or figure.work == "end":
        unit = "members"
    elif figure.bench == "executor":
        unit = "threads" if figure.work.endswith("-threads") else "pending"
    return f"{of_size(figure.size)} {unit}" if figure.size != 1 else "1 " + unit.rstrip("s")
