"""Threads: calls release the GIL, many threads share a store, and a close waits for the calls that are under way."""
import threading

from common import Case, ProxyCase, main, start
from lessonstore import Closed, Join, Store, Where


class Gil(ProxyCase):
    """Through a proxy whose threads are Python's: a call that kept the GIL would never get its reply."""

    def test_every_call(self):
        with Store(f"{self.proxy.location}?feed=100&prefix=GIL") as store:
            store.create("l")
            store.join("ann", "c", "l")
            store.batch([Join(f"u{i}", "c", "l") for i in range(100)])
            self.assertEqual(len(list(store.members("l"))), 101)
            self.assertEqual(len(store.members_at_once("l")), 101)
            self.assertEqual(len(list(store.users())), 101)
            self.assertEqual(len(list(store.lessons())), 1)
            self.assertEqual((store.owners(), store.sweep(), store.bans("l"), store.check()), ([], [], [], []))
            self.assertTrue(store.hold("o", 1000))
            self.assertEqual(store.drop("o"), [])
            self.assertTrue(store.info())
            with store.feed(position="oldest") as feed:
                self.assertEqual(next(feed).lesson_id, "l")

    def test_a_slow_call_stops_nobody(self):
        with Store(f"{self.proxy.location}?prefix=GIL") as slow, Store("memory:") as other:
            slow.join("ann", "c", "l")
            self.proxy.pause()
            answers = []
            thread = start(lambda: answers.append(slow.where("ann")))
            self.assertTrue(self.proxy.held.wait(60))
            for i in range(1000):
                other.join(f"u{i}", "c", "l")
            self.assertEqual((other.count_members("l"), answers), (1000, []))
            self.proxy.go_on()
            thread.join()
            self.assertEqual(answers[0].lesson_id, "l")

    def test_close_waits_for_calls(self):
        store = Store(f"{self.proxy.location}?prefix=GIL")
        store.join("ann", "c", "l")
        self.proxy.pause()
        order = []

        def call():
            order.append(store.where("ann").lesson_id)

        def close():
            store.close()
            order.append("closed")

        calling = start(call)
        self.assertTrue(self.proxy.held.wait(60))
        closing = [start(close) for _ in range(3)]
        while not store.closed:
            closing[0].join(0.001)
        self.assertRaises(Closed, store.where, "ann")
        self.assertEqual(order, [])
        self.proxy.go_on()
        for thread in [calling, *closing]:
            thread.join()
        self.assertEqual(sorted(order), ["closed"] * 3 + ["l"])
        self.assertTrue(store.closed)


class Sharing(Case):
    def test_many_threads(self):
        for backend in self.each_backend():
            with Store(self.location(backend)) as store:
                problems = []

                def work(number):
                    for i in range(200):
                        uid = f"{number}-{i}"
                        store.join(uid, "c", "l")
                        if store.where(uid).lesson_id != "l" or not store.batch([Where(uid)])[0]:
                            problems.append(uid)

                threads = [start(work, number) for number in range(8)]
                for thread in threads:
                    thread.join()
                self.assertEqual((problems, store.count_members("l")), ([], 1600))
                self.assertEqual(len(set(store.members("l"))), 1600)

    def test_close_under_load(self):
        """A thread gets answers, and then Closed. Nothing else, and nothing hangs or crashes."""
        for backend in self.each_backend():
            for _ in range(20):
                store = Store(self.location(backend))
                ends, begun = [], threading.Barrier(7)

                def work(store=store, ends=ends, begun=begun):
                    begun.wait()
                    try:
                        while True:
                            store.join("ann", "c", "l")
                            list(store.members("l"))
                            store.members_at_once("l")
                    except BaseException as error:  # reported below
                        ends.append(type(error))

                threads = [start(work) for _ in range(6)]
                begun.wait()
                store.close()
                for thread in threads:
                    thread.join()
                self.assertEqual(ends, [Closed] * 6)

    def test_one_list_in_two_threads(self):
        """A list belongs to one thread at a time. Others get an exception, and no entry is given twice."""
        with Store(self.location("memory")) as store:
            store.batch([Join(f"u{i}", "c", "l") for i in range(20000)])
            cursor = store._store.cursor(1, "l", None, None, None)
            entries, errors = [], set()

            def read():
                while True:
                    try:
                        page = cursor.next(3)
                    except Exception as error:
                        errors.add(type(error).__name__)
                        continue
                    if not page:
                        return
                    entries.extend(page)

            threads = [start(read) for _ in range(4)]
            for thread in threads:
                thread.join()
            self.assertEqual((len(entries), len(set(entries))), (20000, 20000))
            self.assertLessEqual(errors, {"Busy"})
            cursor.close()


if __name__ == "__main__":
    main()
