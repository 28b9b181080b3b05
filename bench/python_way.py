"""The Python classes that this library replaces, through redis-py, as a process that a benchmark drives.

    python_way.py SOCKET DATABASE

It reads lines from stdin and answers each command with one line:

    JOIN UID COURSE LESSON    remembers a join (no answer)
    clear                     forgets the joins (no answer)
    ready                     answers when it has come here
    join | quit | where       does this for each remembered user, several round trips each, as the classes did
    pipeline SIZE             the joins in pipelines of so many
    members LESSON            lists a lesson
"""
import sys

import redis


class OldWay:
    """RedisForLessonStatus and RedisForInLesson; HSET with many fields is what redis-py now calls HMSET."""

    def __init__(self, socket, database):
        self.redis = redis.Redis(unix_socket_path=socket, db=database)

    def join(self, uid, course_id, lesson_id, redis_or_pipeline=None):
        target = redis_or_pipeline or self.redis
        target.hset(
            "STATUS:IN_LESSON:UID:%s" % uid, mapping={"uid": uid, "course_id": course_id, "lesson_id": lesson_id}
        )
        target.sadd("STATUS:LESSON_USER:LESSON_ID:%s" % lesson_id, uid)

    def quit(self, uid):
        lesson_id = self.redis.hget("STATUS:IN_LESSON:UID:%s" % uid, "lesson_id")
        if lesson_id is None:
            return
        self.redis.delete("STATUS:IN_LESSON:UID:%s" % uid)
        self.redis.srem("STATUS:LESSON_USER:LESSON_ID:%s" % lesson_id.decode(), uid)

    def where(self, uid):
        return self.redis.hget("STATUS:IN_LESSON:UID:%s" % uid, "lesson_id")

    def members(self, lesson_id):
        return self.redis.smembers("STATUS:LESSON_USER:LESSON_ID:%s" % lesson_id)

    def join_pipelined(self, joins):
        pipeline = self.redis.pipeline(transaction=False)
        for uid, course_id, lesson_id in joins:
            self.join(uid, course_id, lesson_id, pipeline)
        pipeline.execute()


def run(way, joins, words):
    """Does one command and returns a number that shows that it was done."""
    if words[0] == "ready":
        return len(joins)
    if words[0] == "join":
        for uid, course_id, lesson_id in joins:
            way.join(uid, course_id, lesson_id)
        return len(joins)
    if words[0] == "quit":
        for uid, _, _ in joins:
            way.quit(uid)
        return len(joins)
    if words[0] == "where":
        return sum(way.where(uid) is not None for uid, _, _ in joins)
    if words[0] == "pipeline":
        size = int(words[1])
        for first in range(0, len(joins), size):
            way.join_pipelined(joins[first : first + size])
        return len(joins)
    if words[0] == "members":
        return len(way.members(words[1]))
    raise ValueError(words[0])


def main():
    way = OldWay(sys.argv[1], int(sys.argv[2]))
    joins = []
    for line in sys.stdin:
        words = line.split()
        if words[0] == "JOIN":
            joins.append(words[1:])
        elif words[0] == "clear":
            joins.clear()
        else:
            print(run(way, joins, words), flush=True)


main()
