#!/usr/bin/python3
"""Reads what write_metrics writes by the strict parser of another project, and looks at the values.

    read_metrics.py WRITE_METRICS LOCATION BACKEND
"""
import subprocess
import sys

try:
    from prometheus_client.openmetrics.parser import text_string_to_metric_families
except ImportError:
    print("skipped: python3-prometheus-client is not installed")
    sys.exit(77)

program, location, backend = sys.argv[1:]
SCHEME = location.split(":")[0]


def fail(text):
    sys.exit("FAILED: " + text)


def run(*mode):
    done = subprocess.run([program, location, *mode], stdout=subprocess.PIPE, check=True)
    return done.stdout.decode()


text = run()
families = {family.name: family for family in text_string_to_metric_families(text)}
MAIN = 'main "\\ é'
checks = 0


def samples(family, suffix, **labels):
    return [sample for sample in families["lessonstore_" + family].samples
            if sample.name == "lessonstore_" + family + suffix and labels.items() <= sample.labels.items()]


def is_value(expected, family, suffix, **labels):
    global checks
    found = samples(family, suffix, **labels)
    if len(found) != 1 or found[0].value != expected:
        fail(f"{family} {labels}: {found}, and not {expected}")
    checks += 1


is_value(1, "calls", "_total", store=MAIN, call="create", code="OK")
is_value(1, "calls", "_total", store=MAIN, call="create", code="EXISTS")
is_value(1, "calls", "_total", store=MAIN, call="join", code="OK")
is_value(1, "calls", "_total", store=MAIN, call="join", code="INVALID")
is_value(3, "calls", "_total", store=MAIN, call="where", code="OK")
is_value(1, "calls", "_total", store=MAIN, call="batch", code="OK")
is_value(1, "executor_accepted", "_total", store=MAIN)
is_value(1, "executor_completed", "_total", store=MAIN)
is_value(0, "executor_pending", "", store=MAIN)
is_value(1, "pool_open", "", store=SCHEME)
is_value(0, "pool_waited_seconds", "_total", store=SCHEME)
if samples("calls", "_total", store=SCHEME) or samples("executor_accepted", "_total", store=backend):
    fail("a store without calls has some")

# The times: as many as calls, each class with those before it, and the sum within what the classes allow.
waits = backend != "memory"
buckets = samples("call_seconds", "_bucket", store=MAIN, call="create")
if len(buckets) != (22 if waits else 0):
    fail(f"{len(buckets)} classes of times")
if waits:
    is_value(2, "call_seconds", "_count", store=MAIN, call="create")
    is_value(1, "call_seconds", "_count", store=MAIN, call="batch")
    limits = [float(bucket.labels["le"]) for bucket in buckets]
    if limits[0] != 2e-6 or limits[-2] != 2.097152 or any(b != 2 * a for a, b in zip(limits[:-2], limits[1:-1])):
        fail(f"the limits are {limits}")
    if not 0 < samples("call_seconds", "_sum", store=MAIN, call="create")[0].value < 60:
        fail("the sum of the times")

engine = {name[len("lessonstore_engine_"):]: samples(name[len("lessonstore_"):], "_total", store=MAIN)[0].value
          for name in families if name.startswith("lessonstore_engine_")}
if (engine["requests"] >= 4) != (backend == "redis") or (engine["transactions"] >= 4) != (backend == "sqlite"):
    fail(f"the engine has done {engine}")
if (engine["sent_bytes"] > 100) != (backend == "redis") or (engine["connections"] > 0) != (backend == "redis"):
    fail(f"the engine has done {engine}")
for name, family in families.items():
    if not family.documentation or (family.unit and not name.endswith(family.unit)):
        fail(f"{name} says {family.documentation} in {family.unit}")
    checks += 1

part = run("part")
if "# EOF" in part or not list(text_string_to_metric_families(part + "# EOF\n")):
    fail("a part is not one")
if list(text_string_to_metric_families(run("empty")))[0].samples:
    fail("no source has samples")
print(f"{checks} checks")
