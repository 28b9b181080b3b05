"""Nothing is left behind: blocks of Python's allocator, references, descriptors, and the process's memory."""
import asyncio
import gc
import os
import sys

import lessonstore
import lessonstore.aio
from common import Case, main
from lessonstore import Join, Kick, Quit, Store, Where

ROUND = 2000


def memory_kib():
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE") // 1024


class Leaks(Case):
    def leaves_nothing(self, work, rounds=ROUND, calls_each=1):
        """Once the caches of Python are filled, many calls leave fewer blocks behind than one in fifty calls would."""
        grown = []
        while len(grown) < 10:
            gc.collect()
            before = sys.getallocatedblocks()
            for i in range(rounds):
                work(i)
            gc.collect()
            grown.append(sys.getallocatedblocks() - before)
            if grown[-1] < rounds * calls_each / 50:
                return
        self.fail(f"blocks left by each {rounds * calls_each} calls: {grown}")

    def test_calls(self):
        for backend in self.each_backend():
            with Store(self.location(backend)) as store:
                store.create("l")

                def work(i):
                    uid = f"u{i % 7}"
                    store.join(uid, 7, "l", session=f"s{i}")
                    store.where(uid)
                    store.get_lesson("l")
                    store.members_at_once("l")
                    store.quit(uid, lesson_id="another")
                    store.quit(uid)

                self.leaves_nothing(work)

    def test_failures(self):
        with Store("memory:") as store:
            def work(i):
                for call in (lambda: store.where("a\0b"), lambda: store.where(1.5), lambda: store.members_at_once(""),
                             lambda: store.batch([Where("ann"), 1]), lambda: store.join("ann", "c", "l", flags=1 << 30),
                             lambda: store.feed(position="nonsense"), lambda: Store("nowhere:")):
                    try:
                        call()
                    except (lessonstore.Error, TypeError):
                        continue
                    self.fail("no exception")

            self.leaves_nothing(work)

    def test_batches_and_lists(self):
        for backend in self.each_backend():
            with Store(self.location(backend, "feed=100")) as store:
                store.create("l")

                def work(i):
                    store.batch([Join("ann", "c", 7), Where("ann"), Kick("l", "ann", 1), Quit("ann"), Where("")])
                    list(store.lessons())
                    list(store.users())
                    store.members("l")
                    next(store.members("l"), None)
                    store.bans("l")
                    store.check()
                    store.info()
                    store.abilities()
                    store.metrics()
                    with store.feed(position="oldest") as feed:
                        feed.wait()
                        feed.drain()

                self.leaves_nothing(work, 300)

    def test_stores(self):
        descriptors = len(os.listdir("/proc/self/fd"))
        for backend in self.each_backend():
            location = self.location(backend)

            def work(i):
                store = Store(location)
                store.join("ann", "c", "l")
                next(store.members("l"))
                if i % 2:
                    store.close()

            self.leaves_nothing(work, 100)
        self.assertEqual(len(os.listdir("/proc/self/fd")), descriptors)

    def test_asyncio(self):
        async def run():
            async with lessonstore.aio.Store("memory:") as store:
                await asyncio.gather(*(store.join(f"u{i}", "c", "l") for i in range(100)))
                calls = [asyncio.ensure_future(store.where("u1")) for _ in range(50)]
                await asyncio.sleep(0)
                for call in calls[::2]:
                    call.cancel()
                await asyncio.gather(*calls, return_exceptions=True)
                async for _ in store.members("l", page=10):
                    break

        self.leaves_nothing(lambda i: asyncio.run(run()), 30, 150)

    def test_references(self):
        with Store("memory:") as store:
            ids = ["uid-of-ann", "course", "lesson", "session"]
            before = [sys.getrefcount(each) for each in ids]
            for _ in range(10000):
                store.join(ids[0], ids[1], ids[2], session=ids[3])
                store.where(ids[0])
                store.batch([Join(*ids[:3], session=ids[3])])
            self.assertEqual([sys.getrefcount(each) for each in ids], before)
            self.assertLess(sys.getrefcount(lessonstore.Code.OK), 10000)

    def test_memory_of_the_process(self):
        """What the C files allocate: ten times the calls take no more memory."""
        with Store("memory:") as store:
            uids = [f"u{i}" for i in range(1000)]

            def work(rounds):
                for _ in range(rounds):
                    store.batch([Join(uid, "c", "l") for uid in uids])
                    store.members_at_once("l")
                    list(store.members("l"))

            work(20)
            before = memory_kib()
            work(200)
            self.assertLess(memory_kib() - before, 8 * 1024)


if __name__ == "__main__":
    main()
