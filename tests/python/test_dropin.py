"""lessonstore.dropin, side by side with classes of the old behaviour over redis-py."""
import os
import random
import uuid

import lessonstore
from common import BACKENDS, REDIS, REDIS_TCP, Case, main
from lessonstore import Store
from lessonstore.dropin import RedisForInLesson, RedisForLessonStatus, shared_store
from old import OldInLesson, OldLessonStatus

OLD_DATABASE, NEW_DATABASE = 1, 2
LESSONS = ["algebra-7", "教室 7", "a:b", "{tag}", 7, "x" * 200]
UIDS = ["ann", "bob", 42, "用户", "a b", "{ann}", "None", "u|1#2"]


class SideBySide(Case):
    def setUp(self):
        super().setUp()
        if "redis" not in BACKENDS:
            self.skipTest("redis is not built")
        try:
            import redis
        except ImportError:
            self.skipTest("redis-py is not installed")
        self.old_keys = self.connect(redis, OLD_DATABASE)
        self.new_keys = self.connect(redis, NEW_DATABASE)
        self.old_status, self.old = OldLessonStatus(self.old_keys), OldInLesson(self.old_keys)
        store = Store(f"{REDIS}?db={NEW_DATABASE}")
        self.addCleanup(store.close)
        self.new_status, self.new = RedisForLessonStatus(store), RedisForInLesson(store)

    def connect(self, redis, database):
        connection = redis.Redis.from_url(f"{REDIS_TCP}/{database}", decode_responses=True)
        self.addCleanup(connection.close)
        connection.flushdb()
        return connection

    def dump(self, connection):
        keys = {}
        for key in connection.scan_iter(count=1000):
            kind = connection.type(key)
            keys[key] = (kind, connection.hgetall(key) if kind == "hash" else connection.smembers(key))
        return keys

    def same_keys(self):
        self.assertEqual(self.dump(self.old_keys), self.dump(self.new_keys))

    def both(self, name, *arguments):
        """Calls a method of both sides. The answers are the same."""
        is_status = hasattr(self.old_status, name)
        answers = [getattr(each, name)(*arguments)
                   for each in ((self.old_status, self.new_status) if is_status else (self.old, self.new))]
        self.assertEqual(answers[0], answers[1], f"{name}{arguments}")
        self.assertIs(type(answers[0]), type(answers[1]), f"{name}{arguments}")
        return answers[1]

    def test_each_method(self):
        for lesson in LESSONS:
            for uid in UIDS:
                self.both("createLesson", lesson)
                self.both("joinLesson", uid, "maths", lesson)
                self.same_keys()
                self.assertEqual(self.both("getLessonID", uid), str(lesson))
                self.assertEqual(self.both("getLessonUsersUID", lesson), {str(uid)})
                self.both("quitLesson", uid)
                self.assertIsNone(self.both("getLessonID", uid))
                self.assertEqual(self.both("getLessonUsersUID", lesson), set())
                self.both("quitLesson", uid)
                self.both("endLesson", lesson)
                self.both("endLesson", lesson)
                self.same_keys()
        self.assertEqual(self.dump(self.new_keys), {})

    def test_random_traffic(self):
        """Traffic in which the old classes were right: nobody moves without a quit, and only empty lessons end."""
        dice = random.Random(20211101)
        places = {}
        for step in range(4000):
            uid, lesson = dice.choice(UIDS), dice.choice(LESSONS)
            choice = dice.randrange(8)
            if choice == 0:
                self.both("createLesson", lesson)
            elif choice == 1 and lesson not in places.values():
                self.both("endLesson", lesson)
            elif choice in (2, 3, 4) and places.get(uid, lesson) == lesson:
                self.both("joinLesson", uid, dice.choice(["maths", 3]), lesson)
                places[uid] = lesson
            elif choice in (5, 6):
                self.both("quitLesson", uid)
                places.pop(uid, None)
            self.both("getLessonID", uid)
            self.both("getLessonUsersUID", lesson)
            self.assertIs(self.new.isInLesson(uid), uid in places)
            if step % 100 == 0:
                self.same_keys()
        self.same_keys()

    def test_one_redis_for_both(self):
        """Programs with the old classes and with the new ones share the data."""
        old = OldInLesson(self.new_keys)
        OldLessonStatus(self.new_keys).createLesson("l")
        old.joinLesson("ann", "maths", "l")
        self.new.joinLesson("bob", "maths", "l")
        for each in (old, self.new):
            self.assertEqual(each.getLessonUsersUID("l"), {"ann", "bob"})
            self.assertEqual(each.getLessonID("ann"), "l")
            self.assertEqual(each.getLessonID("bob"), "l")
        old.quitLesson("bob")
        self.new.quitLesson("ann")
        self.assertEqual(old.getLessonUsersUID("l"), set())

    def test_differences_on_purpose(self):
        import redis
        # A join moves the user.
        for each in (self.old, self.new):
            each.joinLesson("ann", "maths", "l")
            each.joinLesson("ann", "maths", "k")
        self.assertEqual(self.old.getLessonUsersUID("l"), {"ann"})
        self.assertEqual(self.new.getLessonUsersUID("l"), set())
        # An ended lesson is empty.
        self.old_status.endLesson("k")
        self.new_status.endLesson("k")
        self.assertEqual((self.old.getLessonUsersUID("k"), self.old.getLessonID("ann")), ({"ann"}, "k"))
        self.assertEqual((self.new.getLessonUsersUID("k"), self.new.getLessonID("ann")), (set(), None))
        # isInLesson works.
        self.assertRaises(TypeError, self.old.isInLesson, "ann")
        self.assertIs(self.new.isInLesson("ann"), False)
        # None is no id, and a failure is an Error.
        self.old.joinLesson("None", "maths", "l")
        self.assertEqual(self.old.getLessonID(None), "l")
        self.assertRaises(lessonstore.Invalid, self.new.getLessonID, None)
        self.assertTrue(issubclass(redis.ConnectionError, Exception))
        self.assertRaises(lessonstore.Unreachable, Store, f"redis+unix://{self.path}/none.sock")


class Shared(Case):
    def test_location(self):
        os.environ.pop("LESSONSTORE_LOCATION", None)
        self.assertRaises(lessonstore.Invalid, RedisForInLesson().getLessonID, "ann")
        os.environ["LESSONSTORE_LOCATION"] = "memory:"
        self.addCleanup(os.environ.pop, "LESSONSTORE_LOCATION")
        RedisForInLesson().joinLesson("ann", "maths", "l")
        self.assertEqual(RedisForInLesson().getLessonUsersUID("l"), {"ann"})
        RedisForLessonStatus().endLesson("l")
        self.assertIs(RedisForInLesson().isInLesson("ann"), False)
        self.assertIs(shared_store(), shared_store())

    def test_any_object_is_an_id(self):
        for backend in self.each_backend():
            with Store(self.location(backend)) as store:
                lessons, uid = RedisForInLesson(store), uuid.uuid4()
                lessons.joinLesson(uid, 1.5, uuid.UUID(int=0))
                self.assertEqual(lessons.getLessonID(str(uid)), str(uuid.UUID(int=0)))
                lessons.joinLesson(b"ann", b"maths", b"l")
                self.assertEqual(lessons.getLessonID("ann"), "l")


if __name__ == "__main__":
    main()
