"""Writes through redis-py's Sentinel client, each millisecond, as a careful application does: a write that fails is tried
again at once. Prints the longest time without a successful write, in milliseconds, when the input ends.

    failover.py SENTINEL-PORT...
"""

import select
import sys
import time

import redis
from redis.sentinel import Sentinel

sentinel = Sentinel([("127.0.0.1", int(port)) for port in sys.argv[1:]], socket_timeout=0.5)
primary = sentinel.master_for("school", socket_timeout=0.5)
longest, number, last = 0.0, 0, None
while not select.select([sys.stdin], [], [], 0)[0]:
    try:
        primary.hset("redis-py:IN_LESSON:UID:%d" % (number % 1000), mapping={"uid": number, "lesson_id": "L"})
    except redis.RedisError:
        time.sleep(0.005)
        continue
    now = time.monotonic()
    if last is None:
        print("ready", flush=True)
    else:
        longest = max(longest, now - last)
    last, number = now, number + 1
    time.sleep(0.001)
print(longest * 1000, flush=True)
