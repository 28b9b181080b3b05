"""The log of a store, as entries of Python's logging."""
import asyncio
import contextlib
import logging
import socket

import lessonstore
import lessonstore.aio
from common import ProxyCase, main, start
from lessonstore import Store


class Log(ProxyCase):
    def setUp(self):
        super().setUp()
        self.records = []
        self.handler = logging.Handler()
        self.handler.emit = self.records.append

    def logger(self, level):
        logger = logging.Logger("test", level)
        logger.addHandler(self.handler)
        return logger

    def words(self):
        return [record.lessonstore_word for record in self.records]

    def cut(self):
        """Breaks every connection."""
        for each in self.proxy._sockets[1:]:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def test_reconnecting(self):
        with Store(self.proxy.location, log=self.logger(logging.DEBUG)) as store:
            self.assertIn("connected", self.words())
            store.join("ann", "c", "l")
            self.cut()
            with contextlib.suppress(lessonstore.Error):
                store.where("ann")
            store.where("ann")
            self.assertIn("reconnected", self.words())
            levels = {record.lessonstore_word: record.levelno for record in self.records}
            self.assertEqual((levels["connected"], levels["reconnected"]), (logging.DEBUG, logging.INFO))
            self.assertIn("127.0.0.1", self.records[0].getMessage())

    def test_levels(self):
        with Store(self.proxy.location, log=self.logger(logging.WARNING)) as store:
            store.join("ann", "c", "l")
        self.assertEqual([record for record in self.records if record.levelno < logging.WARNING], [])
        with Store(self.proxy.location) as store:
            store.join("ann", "c", "l")
        self.assertNotIn("connected", self.words())

    def test_a_handler_may_do_anything(self):
        """It may raise, call the store, and close it."""
        self.handler.emit = lambda record: 1 / 0
        store = Store(self.proxy.location, log=self.logger(logging.DEBUG))
        self.handler.emit = lambda record: store.close()
        self.cut()
        with contextlib.suppress(lessonstore.Error):
            for _ in range(3):
                store.where("ann")
        self.assertTrue(store.closed)

    def test_a_handler_may_close_what_keeps_the_store(self):
        """Nothing else refers to the store of an executor whose entry is passed on."""
        def tell(level, word, message, missing):
            words.append(word)
            executor.close()

        words = []
        executor = lessonstore._lessonstore.open(b"memory:", tell, 0).executor(0, 0, 0, 0)
        executor.submit(lessonstore.Hold("w/1", 1000, renew=True), 0, None)
        executor.stop(0)
        self.assertEqual(len(executor.drain(0)), 1)
        self.assertEqual(words, ["lease_lost"])

    def test_a_failure_stays_the_failure(self):
        store = Store(self.proxy.location, log=self.logger(logging.DEBUG))
        self.proxy.close()
        for _ in range(2):
            self.assertRaises(lessonstore.Unreachable, store.where, "ann")
        self.assertIn("unreachable", self.words())
        store.close()

    def test_threads_and_asyncio(self):
        with Store(self.proxy.location, log=self.logger(logging.DEBUG)) as store:
            threads = [start(lambda: [store.join(f"u{i}", "c", "l") for i in range(50)]) for _ in range(8)]
            for thread in threads:
                thread.join()
            self.assertIn("connected", self.words())

        async def run():
            async with lessonstore.aio.Store(self.proxy.location, log=self.logger(logging.DEBUG)) as store:
                self.records.clear()
                await store.join("ann", "c", "l")
                self.cut()
                for _ in range(2):
                    with contextlib.suppress(lessonstore.Error):
                        await store.where("ann")
                self.assertIn("reconnected", self.words())

        asyncio.run(run())


if __name__ == "__main__":
    main()
