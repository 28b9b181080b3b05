"""Fork: a store of the parent is CLOSED in a child, and the drop-in classes open one of their own (gunicorn --preload)."""
import asyncio
import os
import sys
import traceback

import lessonstore
import lessonstore.aio
from common import BACKENDS, Case, main
from lessonstore import Closed, Store
from lessonstore.dropin import RedisForInLesson, RedisForLessonStatus, shared_store


def in_child(function):
    """Runs a function in a forked child. Returns its exit status: 0 if it raised nothing."""
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            function()
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


class Fork(Case):
    def test_a_store_of_the_parent(self):
        for backend in self.each_backend():
            store = Store(self.location(backend, "feed=100"))
            store.join("ann", "c", "l")
            members, feed = store.members("l"), store.feed()

            def child():
                for call in (lambda: store.where("ann"), lambda: store.batch([lessonstore.Where("ann")]),
                             lambda: next(members), lambda: store.members_at_once("l"), store.check, store.metrics,
                             store.feed, feed.drain, feed.is_current, feed.fileno, lambda: feed.wait(1)):
                    with self.assertRaises(Closed) as caught:
                        call()
                    self.assertIn("fork", str(caught.exception))
                feed.close()
                store.close()
                store.close()
                self.assertRaises(Closed, store.where, "ann")

            self.assertEqual(in_child(child), 0)
            self.assertEqual(store.where("ann").lesson_id, "l")
            self.assertEqual(list(members), ["ann"])
            feed.close()
            store.close()

    def test_a_store_that_is_collected_in_the_child(self):
        for backend in self.each_backend():
            store = [Store(self.location(backend))]
            store[0].join("ann", "c", "l")
            self.assertEqual(in_child(store.clear), 0)
            self.assertEqual(store[0].where("ann").lesson_id, "l")
            store[0].close()

    def test_workers_of_preloaded_classes(self):
        if "redis" not in BACKENDS:
            self.skipTest("redis is not built")
        os.environ["LESSONSTORE_LOCATION"] = self.location("redis")
        self.addCleanup(os.environ.pop, "LESSONSTORE_LOCATION")
        status, lessons = RedisForLessonStatus(), RedisForInLesson()
        status.createLesson("l")
        lessons.joinLesson("parent", "c", "l")
        parent = shared_store()

        def worker():
            uid = f"worker-{os.getpid()}"
            for _ in range(50):
                lessons.joinLesson(uid, "c", "l")
                self.assertEqual(lessons.getLessonID(uid), "l")
            self.assertIsNot(shared_store(), parent)
            self.assertIn("parent", lessons.getLessonUsersUID("l"))

        children = []
        for _ in range(8):
            child = os.fork()
            if child == 0:
                status = 1
                try:
                    worker()
                    status = 0
                except BaseException:
                    traceback.print_exc()
                finally:
                    os._exit(status)
            children.append(child)
        self.assertEqual([os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children], [0] * 8)
        self.assertIs(shared_store(), parent)
        self.assertEqual(len(lessons.getLessonUsersUID("l")), 9)
        parent.close()

    def test_an_sqlite_file_that_the_parent_has_open(self):
        if "sqlite" not in BACKENDS:
            self.skipTest("sqlite is not built")
        location = self.location("sqlite")
        with Store(location) as store:
            store.join("ann", "c", "l")

            def child():
                with self.assertRaises(lessonstore.Unsupported) as caught:
                    Store(location)
                self.assertIn("fork", str(caught.exception))

            self.assertEqual(in_child(child), 0)

    def test_an_asynchronous_store_in_a_loop_of_the_child(self):
        async def where(store):
            with self.assertRaises(Closed):
                await store.where("ann")

        store = asyncio.run(lessonstore.aio.Store("memory:").open())
        self.assertEqual(in_child(lambda: asyncio.run(where(store))), 0)
        asyncio.run(store.close())

    def test_an_asynchronous_store(self):
        async def run():
            async with lessonstore.aio.Store("memory:") as store:
                await store.join("ann", "c", "l")

                def child():
                    with self.assertRaises(Closed):
                        store._executor.submit(lessonstore.Where("ann"), 0, None)
                    store._executor.close()

                self.assertEqual(in_child(child), 0)
                self.assertEqual((await store.where("ann")).lesson_id, "l")

        asyncio.run(run())


if __name__ == "__main__":
    main()
