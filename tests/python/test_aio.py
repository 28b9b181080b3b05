"""lessonstore.aio: many calls at a time, timeouts, cancellation, lists, closing."""
import asyncio
import threading

import lessonstore
from common import Case, ProxyCase, main
from lessonstore import Arrival, Closed, Code, Create, Expired, Flag, Invalid, Join, Unknown, Where
from lessonstore.aio import Store


class Aio(Case):
    def run_each(self, test, **options):
        """Runs a coroutine function with an open store on each backend."""
        async def run(location):
            async with Store(location, **options) as store:
                await test(store)

        for backend in self.each_backend():
            asyncio.run(run(self.location(backend, "feed=100000")))

    def test_every_call(self):
        async def test(store):
            self.assertIs(await store.create("l", course_id="c", capacity=9), True)
            self.assertIs(await store.create("l"), False)
            self.assertIs(await store.set_course_status("l", 1), True)
            self.assertIs(await store.set_chat_status("none", 1), False)
            self.assertIs(await store.set_capacity("l", 2), True)
            self.assertEqual((await store.replace_course_status("l", 0, 3)).course_status, 1)
            self.assertTrue(await store.replace_chat_status("l", 0, 1))
            self.assertEqual((await store.get_lesson("l")).capacity, 2)
            self.assertIsNone(await store.get_lesson("none"))
            outcome = await store.join("ann", "c", "l", session="s")
            self.assertEqual((outcome.arrival, outcome.place), (Arrival.NEW, None))
            self.assertTrue(await store.resume("ann", "c", "l", if_session="s", session="t"))
            self.assertEqual((await store.where("ann")).session, "t")
            self.assertIsNone(await store.where("bob"))
            self.assertEqual((await store.join("ann", "c", "k", flags=Flag.JOIN_STAY)).refused_by, Flag.JOIN_STAY)
            self.assertEqual((await store.quit("ann", lesson_id="k")).code, Code.CONFLICT)
            self.assertEqual((await store.kick("l", "ann", 60000)).place.lesson_id, "l")
            self.assertIs(await store.ban("l", "bob", 60000), True)
            self.assertEqual({banned.uid for banned in await store.bans("l")}, {"ann", "bob"})
            self.assertIs(await store.unban("l", "bob"), True)
            self.assertIs(await store.hold("o", 60000), True)
            self.assertIs(await store.renew("o", 60000), True)
            self.assertTrue(await store.join("eve", "c", "l", owner="o"))
            self.assertEqual((len(await store.owners()), await store.sweep()), (1, []))
            self.assertEqual([user.uid for user in await store.drop("o")], ["eve"])
            self.assertEqual(await store.count_members("l"), 0)
            self.assertEqual(await store.check(), [])
            self.assertIn("location", await store.info())
            self.assertIn("lessonstore_executor", store.metrics("a school"))
            self.assertTrue(store.abilities().operations)
            self.assertEqual(await store.end("l"), 0)
            self.assertIsNone(await store.end("l"))
            with self.assertRaises(Invalid):
                await store.where("a\0b")
            with self.assertRaises(TypeError):
                await store.where(1.5)

        self.run_each(test)

    def test_ten_thousand_calls(self):
        async def test(store):
            outcomes = await asyncio.gather(*(store.join(f"u{i}", "c", "l") for i in range(10000)))
            self.assertTrue(all(outcome.arrival == Arrival.NEW for outcome in outcomes))
            places = await asyncio.gather(*(store.where(f"u{i}") for i in range(10000)))
            self.assertEqual({place.lesson_id for place in places}, {"l"})
            self.assertEqual(await store.count_members("l"), 10000)
            self.assertEqual(len({uid async for uid in store.members("l")}), 10000)
            self.assertEqual(len({uid async for uid in store.members("l", page=77)}), 10000)
            self.assertEqual(len({user.uid async for user in store.users()}), 10000)
            self.assertEqual([lesson.member_count async for lesson in store.lessons()], [10000])
            self.assertEqual(len(await store.members_at_once("l")), 10000)
            self.assertEqual(store._room.free, 500)

        self.run_each(test, pending_max=500)

    def test_batches(self):
        async def test(store):
            outcomes = await store.batch([Create("l"), Join("ann", "c", "l"), Join("", "c", "l"), Where("ann")])
            self.assertEqual([outcome.code for outcome in outcomes], [Code.OK, Code.OK, Code.INVALID, Code.OK])
            self.assertEqual(outcomes[3].place.lesson_id, "l")
            self.assertIsInstance(outcomes[2].error, Invalid)
            self.assertEqual((await store.run(Where("bob"))).code, Code.NOT_FOUND)
            self.assertEqual((await store.run(Where(""))).code, Code.INVALID)

        self.run_each(test)

    def test_a_list_that_is_left(self):
        async def test(store):
            await store.batch([Join(f"u{i}", "c", "l") for i in range(100)])
            members = store.members("l", page=10)
            self.assertTrue(await anext(members))
            await members.aclose()
            with self.assertRaises(Invalid):
                await anext(store.members("l", page=0))
            self.assertRaises(Invalid, store.members, "")

        self.run_each(test)

    def test_feed(self):
        async def test(store):
            async with await store.feed() as feed:
                await store.create("l")
                await store.join("ann", "c", "l")
                events = [await anext(feed), await anext(feed)]
                self.assertEqual([(event.kind.name, event.uid) for event in events],
                                 [("CREATE", None), ("JOIN", "ann")])
                position = feed.position()
                waiting = asyncio.ensure_future(anext(feed))
                await asyncio.sleep(0)
                await store.quit("ann")
                self.assertEqual((await waiting).kind.name, "QUIT")
                waiting = asyncio.ensure_future(anext(feed))
                await asyncio.sleep(0)
                waiting.cancel()
                with self.assertRaises(asyncio.CancelledError):
                    await waiting
                waiting = asyncio.ensure_future(anext(feed))
                await asyncio.sleep(0)
                with self.assertRaises(lessonstore.Busy):
                    await anext(feed)
            with self.assertRaises(Closed):
                await waiting
            async with await store.feed("l", position) as feed:
                self.assertEqual((await anext(feed)).kind.name, "QUIT")
                while not feed.is_current():
                    await asyncio.sleep(0.001)
                self.assertEqual(feed.drain(), [])

        self.run_each(test)

    def test_closing(self):
        async def run(location, cancel):
            store = await Store(location).open()
            calls = [asyncio.ensure_future(store.join(f"u{i}", "c", "l")) for i in range(5000)]
            await asyncio.sleep(0)
            await store.close(cancel=cancel)
            results = await asyncio.gather(*calls, return_exceptions=True)
            for result in results:
                self.assertIsInstance(result, (lessonstore.Outcome, Closed, lessonstore.Cancelled))
            if not cancel:
                self.assertEqual(sum(isinstance(result, lessonstore.Outcome) for result in results), 4096)
            with self.assertRaises(Closed):
                await store.where("u1")
            await store.close()
            self.assertTrue(store.closed)

        for backend in self.each_backend():
            for cancel in (False, True):
                asyncio.run(run(self.location(backend), cancel))

    def test_not_opened(self):
        async def run():
            store = Store("memory:")
            with self.assertRaises(Invalid):
                await store.where("ann")
            await store.close()
            with self.assertRaises(lessonstore.Error):
                await Store("nowhere:x").open()

        asyncio.run(run())

    def test_opening_twice(self):
        async def run():
            store = Store("memory:")
            first, second = await asyncio.gather(store.open(), store.open(), return_exceptions=True)
            self.assertIs(first, store)
            self.assertIsInstance(second, Invalid)
            self.assertTrue(await store.create("l"))
            await store.close()
            opening = asyncio.ensure_future(Store.open(late := Store("memory:")))
            await asyncio.sleep(0)
            await late.close()
            with self.assertRaises(Closed):
                await opening

        asyncio.run(run())

    def test_another_loop(self):
        async def where(store):
            with self.assertRaises(Invalid):
                await asyncio.wait_for(store.where("ann"), 10)
            await store.close()

        asyncio.run(where(asyncio.run(Store("memory:").open())))


class Slow(ProxyCase):
    """Through a proxy that holds the replies back."""

    async def held(self):
        while not self.proxy.held.is_set():
            await asyncio.sleep(0.001)

    def run_slow(self, test):
        async def run():
            async with Store(f"{self.proxy.location}?prefix={self.id()}") as store:
                await store.create("l")
                self.proxy.pause()
                try:
                    await test(store)
                finally:
                    self.proxy.go_on()

        asyncio.run(run())

    def test_the_loop_goes_on(self):
        async def test(store):
            call = asyncio.ensure_future(store.join("ann", "c", "l"))
            await self.held()
            for _ in range(100):
                await asyncio.sleep(0)
            self.assertFalse(call.done())
            self.proxy.go_on()
            self.assertTrue(await call)

        self.run_slow(test)

    def test_cancelling(self):
        async def test(store):
            begun = asyncio.ensure_future(store.join("ann", "c", "l"))
            await self.held()
            waiting = [asyncio.ensure_future(store.join(f"u{i}", "c", "l")) for i in range(100)]
            await asyncio.sleep(0)
            for call in [begun, *waiting]:
                call.cancel()
            results = await asyncio.gather(begun, *waiting, return_exceptions=True)
            self.assertTrue(all(isinstance(result, asyncio.CancelledError) for result in results))
            self.proxy.go_on()
            # What had begun was applied. What had not, was not.
            self.assertEqual([uid async for uid in store.members("l")], ["ann"])

        self.run_slow(test)

    def test_closing_is_cancelled(self):
        """What was submitted is completed all the same, and the store is closed."""
        async def test(store):
            call = asyncio.ensure_future(store.join("ann", "c", "l"))
            await self.held()
            with self.assertRaises(asyncio.TimeoutError):
                await asyncio.wait_for(store.close(), 0.05)
            self.proxy.go_on()
            self.assertEqual((await asyncio.wait_for(call, 10)).code, Code.OK)
            await store.close()
            self.assertTrue(store._direct.closed)

        self.run_slow(test)

    def test_the_loop_ends_while_closing(self):
        errors = []

        async def run():
            asyncio.get_running_loop().set_exception_handler(lambda loop, context: errors.append(context))
            store = await Store(self.proxy.location).open()
            self.proxy.pause()
            calls = [asyncio.ensure_future(store.join("ann", "c", "l"))]
            await self.held()
            with self.assertRaises(asyncio.TimeoutError):
                await asyncio.wait_for(store.close(), 0.05)
            self.assertFalse(calls[0].done())
            threading.Timer(0.2, self.proxy.go_on).start()

        asyncio.run(run())
        self.assertEqual(errors, [])

    def test_timeouts(self):
        async def test(store):
            begun = asyncio.ensure_future(store.join("ann", "c", "l", timeout=0.05))
            await self.held()
            waiting = asyncio.ensure_future(store.join("bob", "c", "l", timeout=0.05))
            with self.assertRaises(Unknown):
                await begun
            with self.assertRaises(Expired):
                await waiting
            outcome = await store.run(Where("ann"), timeout=0.05)
            self.assertIsInstance(outcome.error, Expired)
            self.proxy.go_on()
            self.assertEqual([uid async for uid in store.members("l")], ["ann"])

        self.run_slow(test)

    def test_wait_for(self):
        async def test(store):
            with self.assertRaises(asyncio.TimeoutError):
                await asyncio.wait_for(store.where("ann"), 0.05)
            self.proxy.go_on()
            self.assertIsNone(await store.where("ann"))

        self.run_slow(test)


if __name__ == "__main__":
    main()
