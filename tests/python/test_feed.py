"""lessonstore.Feed: events in order, waiting, positions, gaps."""
import lessonstore
from common import Case, main, start
from lessonstore import OLDEST, Cause, EventKind, Gap, NotFound, Store


class Feed(Case):
    def test_events(self):
        for backend in self.each_backend():
            with Store(self.location(backend, "feed=1000")) as store, store.feed() as feed:
                store.create("l", course_id="maths", capacity=5)
                store.set_course_status("l", 1)
                store.join("ann", "maths", "l", session="s")
                store.join("ann", "maths", "k")
                store.quit("ann")
                store.kick("l", "bob", 1000)
                store.join("eve", "maths", "l")
                store.end("l")
                events = [next(feed) for _ in range(7)]
                self.assertEqual([event.kind.name for event in events], "CREATE SET JOIN JOIN QUIT JOIN END".split())
                self.assertEqual((events[0].course_id, events[0].capacity, events[0].course_status), ("maths", 5, 3))
                self.assertEqual((events[1].course_status, events[1].chat_status), (1, None))
                self.assertEqual((events[2].uid, events[2].session, events[2].from_lesson_id), ("ann", "s", None))
                self.assertEqual((events[3].lesson_id, events[3].from_lesson_id), ("k", "l"))
                self.assertEqual((events[6].count, events[6].cause), (1, Cause.CALL))
                self.assertGreater(events[0].at_ms, 0)
                self.assertFalse(feed.wait(0))
                self.assertEqual(feed.drain(), [])

    def test_waiting_in_another_thread(self):
        for backend in self.each_backend():
            with Store(self.location(backend, "feed=1000")) as store, store.feed("l") as feed:
                seen = []
                thread = start(lambda: seen.extend(event.uid for event in (next(feed) for _ in range(100))))
                for i in range(100):
                    store.join(f"u{i}", "c", "l")
                    store.join(f"v{i}", "c", "other")
                thread.join()
                self.assertEqual(seen, [f"u{i}" for i in range(100)])

    def test_positions(self):
        for backend in self.each_backend():
            with Store(self.location(backend, "feed=1000")) as store:
                for i in range(10):
                    store.join(f"u{i}", "c", "l")
                with store.feed(position=OLDEST) as feed:
                    for i in range(4):
                        self.assertEqual(next(feed).uid, f"u{i}")
                    position = feed.position()
                with store.feed(position=position) as feed:
                    self.assertEqual(next(feed).uid, "u4")
                    while not feed.is_current():
                        feed.wait(1)
                        feed.drain(0)
                self.assertRaises(lessonstore.Invalid, store.feed, position="nonsense")

    def test_gap(self):
        """A gap is an exception, where it is. The iterator then goes on behind it."""
        for backend in self.each_backend():
            with Store(self.location(backend, "feed=3")) as store:
                store.create("l")
                with store.feed(position=OLDEST) as feed:
                    self.assertEqual(next(feed).kind, EventKind.CREATE)
                    position = feed.position()
                store.batch([lessonstore.Join(f"u{i}", "c", "l") for i in range(2000)])
                with store.feed(position=position) as feed:
                    with self.assertRaises(Gap) as caught:
                        next(feed)
                    self.assertEqual(caught.exception.code, lessonstore.Code.GAP)
                    store.quit("u0")
                    while next(feed).kind != EventKind.QUIT:
                        pass

    def test_closing_while_a_thread_waits(self):
        for backend in self.each_backend():
            for close_store in (False, True):
                store = Store(self.location(backend, "feed=10"))
                feed, ends = store.feed(), []

                def wait(feed=feed, ends=ends):
                    try:
                        next(feed)
                    except lessonstore.Error as error:
                        ends.append(type(error))

                thread = start(wait)
                (store if close_store else feed).close()
                thread.join()
                self.assertEqual(ends, [lessonstore.Closed])
                feed.close()
                store.close()

    def test_off(self):
        for backend in self.each_backend():
            with Store(self.location(backend)) as store:
                self.assertRaises(NotFound, store.feed)

    def test_closing(self):
        for backend in self.each_backend():
            store = Store(self.location(backend, "feed=10"))
            feed = store.feed()
            store.close()
            self.assertRaises(lessonstore.Closed, feed.drain)
            feed.close()
            feed.close()
            self.assertRaises(lessonstore.Closed, feed.fileno)


if __name__ == "__main__":
    main()
