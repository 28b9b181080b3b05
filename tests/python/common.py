"""Shared by the tests of the Python package. They are run by ctest, which sets the environment."""
import contextlib
import itertools
import os
import shutil
import socket
import sys
import tempfile
import threading
import unittest
from urllib.parse import urlsplit

BACKENDS = os.environ["BACKENDS"].split()
REDIS = os.environ.get("LESSONSTORE_TEST_REDIS", "")
REDIS_TCP = os.environ.get("LESSONSTORE_TEST_REDIS_TCP", "")
SKIPPED = 77

_numbers = itertools.count(1)


@contextlib.contextmanager
def directory():
    path = tempfile.mkdtemp(prefix="lessonstore-python.")
    try:
        yield path
    finally:
        shutil.rmtree(path)


def fresh_location(backend, path, options=""):
    """A location of this backend at which nothing is stored."""
    number = next(_numbers)
    if backend == "memory":
        return "memory:" + (f"?{options}" if options else "")
    if backend == "sqlite":
        return f"sqlite:{path}/{number}.db" + (f"?{options}" if options else "")
    return f"{REDIS}?prefix=T{os.getpid()}-{number}" + (f"&{options}" if options else "")


class Case(unittest.TestCase):
    """A test with a temporary directory."""

    def setUp(self):
        stack = contextlib.ExitStack()
        self.addCleanup(stack.close)
        self.path = stack.enter_context(directory())

    def location(self, backend, options=""):
        return fresh_location(backend, self.path, options)

    def each_backend(self):
        for backend in BACKENDS:
            with self.subTest(backend=backend):
                yield backend


def start(function, *arguments):
    thread = threading.Thread(target=function, args=arguments, daemon=True)
    thread.start()
    return thread


class Proxy:
    """Passes bytes between clients and the Redis server, by threads of this process. While it is paused, it passes no
    reply. So a call through it ends only if other threads of Python run meanwhile."""

    def __init__(self):
        self.goes_on = threading.Event()
        self.goes_on.set()
        self.held = threading.Event()  # a reply has come while the proxy was paused
        self._server = socket.create_server(("127.0.0.1", 0))
        self._sockets = [self._server]
        start(self._accept)

    @property
    def location(self):
        return f"redis://127.0.0.1:{self._server.getsockname()[1]}"

    def _accept(self):
        target = urlsplit(REDIS_TCP)
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._server.accept()
                server = socket.create_connection((target.hostname, target.port))
                self._sockets += [client, server]
                start(self._pass, client, server, False)
                start(self._pass, server, client, True)

    def _pass(self, source, target, is_reply):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if is_reply and not self.goes_on.is_set():
                    self.held.set()
                    self.goes_on.wait()
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)

    def pause(self):
        self.held.clear()
        self.goes_on.clear()

    def go_on(self):
        self.goes_on.set()

    def close(self):
        self.go_on()
        for each in self._sockets:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()


class ProxyCase(Case):
    """A test whose stores reach the Redis server through a proxy."""

    def setUp(self):
        super().setUp()
        if "redis" not in BACKENDS:
            self.skipTest("redis is not built")
        self.proxy = Proxy()
        self.addCleanup(self.proxy.close)


def main():
    """Runs the tests of the calling file. If all are skipped, so is the test of ctest."""
    result = unittest.main(module="__main__", exit=False).result
    if not result.wasSuccessful() or result.testsRun == 0:
        sys.exit(1)
    sys.exit(SKIPPED if len(result.skipped) == result.testsRun else 0)
