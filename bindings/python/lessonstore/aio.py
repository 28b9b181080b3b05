"""lessonstore.aio.Store: the calls of lessonstore.Store for asyncio.

    async with lessonstore.aio.Store("redis://localhost") as store:
        await store.join("ann", "algebra", "algebra-7")
        async for uid in store.members("algebra-7"):
            print(uid)

Operations go through an executor (executor.h): those that wait at the same time travel together, and no thread of
Python's waits for the engine. The loop waits for the descriptor of the executor's queue.
"""
from __future__ import annotations

import asyncio
import collections
import logging
import math
from types import TracebackType
from typing import Any, AsyncIterator, Callable, Deque, Dict, Iterable, List, Optional, Type, Union

from . import _lessonstore, _store, _types
from ._store import PAGE
from ._types import (Abilities, Banned, Busy, Closed, Event, Finding, Id, Invalid, Lesson, Operation, Outcome, Owner,
                     Place, User, error_of)

__all__ = ["Feed", "Store"]

_PENDING_MAX = 4096  # the default of lesson_store_executor_options
_STOP_CANCEL = 1


def _outcome_of(error: _types.Error) -> Outcome:
    """What the executor refuses at once is an outcome too, as in a batch of lessonstore.Store."""
    return Outcome(error.code, None, None, None, None, None, None, None, str(error))


class _Room:
    """Slots for operations. A caller waits in line while all are taken, where the executor would be OVERLOADED."""

    def __init__(self, slots: int) -> None:
        self.free = slots
        self.line: Deque[asyncio.Future] = collections.deque()

    async def take(self) -> None:
        if self.free > 0:
            self.free -= 1
            return
        turn = asyncio.get_running_loop().create_future()
        self.line.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and not turn.exception():
                self.give_back()
            raise

    def give_back(self) -> None:
        """Passes the slot to the first in line, if there is one."""
        while self.line:
            turn = self.line.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self.free += 1

    def close(self) -> None:
        for turn in self.line:
            if not turn.done():
                turn.set_exception(Closed("the store was closed"))
        self.line.clear()


class Store:
    """A store for one event loop. Open it by `async with`, or by `await store.open()` and `await store.close()`.

    The methods and their answers are those of lessonstore.Store. `timeout` is in seconds: how long an operation may
    take, None for as long as the store takes. An operation that timed out raises Expired, or Unknown if it may still be
    applied. Cancelling a task cancels its operation if that has not begun; one that has begun is applied.
    """

    def __init__(self, location: Union[str, bytes, None] = None, *, timeout: Optional[float] = None, lanes: int = 0,
                 pending_max: int = 0, batch_max: int = 0, sweep_every_ms: int = 0,
                 log: Optional[logging.Logger] = None) -> None:
        self.timeout = timeout
        self._location = _store.location_or_default(location)
        self._log = log
        self._options = (lanes, pending_max, batch_max, sweep_every_ms)
        self._room = _Room(pending_max or _PENDING_MAX)
        self._direct: Optional[_store.Store] = None
        self._executor: Optional[_lessonstore.Executor] = None
        self._loop: Optional[asyncio.AbstractEventLoop] = None
        self._ending: Optional[asyncio.Task] = None
        self._is_closing = False

    # ---- Opening and closing

    async def open(self) -> Store:
        if self._loop or self._is_closing:
            raise Invalid("this store was opened before")
        self._loop = asyncio.get_running_loop()
        direct: Optional[_store.Store] = None
        try:
            direct = await asyncio.to_thread(_store.Store, self._location, log=self._log)
            if self._is_closing:
                raise Closed("the store was closed while it was opened")
            self._executor = direct._store.executor(*self._options)
        except BaseException:
            self._loop = None
            if direct:
                direct.close()
            raise
        self._direct = direct
        self._loop.add_reader(self._executor.fileno(), self._drain)
        return self

    async def close(self, *, cancel: bool = False) -> None:
        """Closes the store. What was submitted is completed first or, with `cancel`, cancelled if it has not begun.
        Later calls raise Closed."""
        if self._is_closing or not self._executor or not self._direct:
            self._is_closing = True
            if self._ending:
                await asyncio.shield(self._ending)
            return
        self._is_closing = True
        self._room.close()
        # A task of its own, which goes on if the caller is cancelled: others wait for what it completes.
        self._ending = asyncio.create_task(self._end(self._executor, self._direct, _STOP_CANCEL if cancel else 0))
        await asyncio.shield(self._ending)

    async def _end(self, executor: _lessonstore.Executor, direct: _store.Store, flags: int) -> None:
        stopping = asyncio.ensure_future(asyncio.to_thread(executor.stop, flags))
        try:
            await stopping
        finally:
            self._drain()
            asyncio.get_running_loop().remove_reader(executor.fileno())
            if not stopping.cancelled():  # else the loop ends while a thread is in stop: both close when they are freed
                await asyncio.to_thread(executor.close)
                await asyncio.to_thread(direct.close)

    @property
    def closed(self) -> bool:
        return self._is_closing

    async def __aenter__(self) -> Store:
        return await self.open()

    async def __aexit__(self, kind: Optional[Type[BaseException]], error: Optional[BaseException],
                        trace: Optional[TracebackType]) -> None:
        await self.close(cancel=error is not None)

    # ---- Submitting

    def _opened(self) -> _lessonstore.Executor:
        if self._is_closing:
            raise Closed("the store was closed")
        if not self._executor:
            raise Invalid("this store was not opened: use async with, or await store.open()")
        return self._executor

    def _milliseconds(self, timeout: Optional[float]) -> int:
        seconds = self.timeout if timeout is None else timeout
        return 0 if seconds is None else max(1, math.ceil(seconds * 1000))

    def _drain(self) -> None:
        if not self._executor:
            return
        for future, answer in self._executor.drain(0):
            self._room.give_back()
            if not future.done():
                future.set_result(answer)

    async def _submit(self, submit: Callable[[_lessonstore.Executor, asyncio.Future], int]) -> Any:
        self._opened()
        loop = asyncio.get_running_loop()
        if loop is not self._loop:  # which alone is woken by the executor
            self.metrics()  # raises Closed in a child of a fork
            raise Invalid("this store was opened in another event loop")
        await self._room.take()
        future = loop.create_future()
        try:
            ticket = submit(self._opened(), future)
        except BaseException:
            self._room.give_back()
            raise
        try:
            return await future
        except asyncio.CancelledError:
            if self._executor and not self._is_closing:
                self._executor.cancel(ticket)
            raise

    async def run(self, operation: Operation, *, timeout: Optional[float] = None) -> Outcome:
        """Runs one operation, such as lessonstore.Join(...). A failure is in the outcome, and is not raised. Raises
        Closed after close."""
        timeout_ms = self._milliseconds(timeout)
        is_refused = False

        def submit(executor: _lessonstore.Executor, future: asyncio.Future) -> int:
            nonlocal is_refused
            try:
                return executor.submit(operation, timeout_ms, future)
            except _types.Error as error:
                is_refused = not isinstance(error, Closed)
                raise

        try:
            return await self._submit(submit)
        except _types.Error as error:
            if not is_refused:
                raise
            return _outcome_of(error)

    async def batch(self, operations: Iterable[Operation], *, timeout: Optional[float] = None) -> List[Outcome]:
        """Runs operations at the same time, and in order if the store has one lane. Returns the outcome of each."""
        return list(await asyncio.gather(*(self._outcome(operation, timeout) for operation in operations)))

    async def _outcome(self, operation: Operation, timeout: Optional[float]) -> Outcome:
        try:
            return await self.run(operation, timeout=timeout)
        except _types.Error as error:
            return _outcome_of(error)

    async def _checked(self, operation: Operation, timeout: Optional[float]) -> Outcome:
        return (await self.run(operation, timeout=timeout)).check()

    async def _in_thread(self, name: str, *arguments: Any, **named: Any) -> Any:
        self._opened()
        return await asyncio.to_thread(getattr(self._direct, name), *arguments, **named)

    # ---- Lessons

    async def create(self, lesson_id: Id, *, reset: bool = False, course_id: Optional[Id] = None,
                     course_status: Optional[int] = None, chat_status: Optional[int] = None,
                     capacity: Optional[int] = None, timeout: Optional[float] = None) -> bool:
        return bool(await self._checked(
            _types.Create(lesson_id, reset=reset, course_id=course_id, course_status=course_status,
                          chat_status=chat_status, capacity=capacity), timeout))

    async def end(self, lesson_id: Id, *, record_only: bool = False, timeout: Optional[float] = None) -> Optional[int]:
        return (await self._checked(_types.End(lesson_id, record_only=record_only), timeout)).count

    async def set(self, lesson_id: Id, *, course_status: Optional[int] = None, chat_status: Optional[int] = None,
                  if_course_status: Optional[int] = None, if_chat_status: Optional[int] = None,
                  capacity: Optional[int] = None, timeout: Optional[float] = None) -> Outcome:
        return await self._checked(
            _types.Set(lesson_id, course_status=course_status, chat_status=chat_status,
                       if_course_status=if_course_status, if_chat_status=if_chat_status, capacity=capacity), timeout)

    async def set_course_status(self, lesson_id: Id, course_status: int, *, timeout: Optional[float] = None) -> bool:
        return bool(await self.set(lesson_id, course_status=course_status, timeout=timeout))

    async def set_chat_status(self, lesson_id: Id, chat_status: int, *, timeout: Optional[float] = None) -> bool:
        return bool(await self.set(lesson_id, chat_status=chat_status, timeout=timeout))

    async def replace_course_status(self, lesson_id: Id, expected: int, course_status: int, *,
                                    timeout: Optional[float] = None) -> Outcome:
        return await self.set(lesson_id, course_status=course_status, if_course_status=expected, timeout=timeout)

    async def replace_chat_status(self, lesson_id: Id, expected: int, chat_status: int, *,
                                  timeout: Optional[float] = None) -> Outcome:
        return await self.set(lesson_id, chat_status=chat_status, if_chat_status=expected, timeout=timeout)

    async def set_capacity(self, lesson_id: Id, capacity: int, *, timeout: Optional[float] = None) -> bool:
        return bool(await self.set(lesson_id, capacity=capacity, timeout=timeout))

    async def get_lesson(self, lesson_id: Id, *, timeout: Optional[float] = None) -> Optional[Lesson]:
        return (await self._checked(_types.GetLesson(lesson_id), timeout)).lesson

    # ---- Users

    async def join(self, uid: Id, course_id: Id, lesson_id: Id, *, session: Optional[Id] = None,
                   owner: Optional[Id] = None, flags: int = 0, timeout: Optional[float] = None) -> Outcome:
        return await self._checked(
            _types.Join(uid, course_id, lesson_id, session=session, owner=owner, flags=flags), timeout)

    async def resume(self, uid: Id, course_id: Id, lesson_id: Id, *, if_session: Id, session: Optional[Id] = None,
                     owner: Optional[Id] = None, flags: int = 0, timeout: Optional[float] = None) -> Outcome:
        if if_session is None:
            raise Invalid("no if_session is given")
        return await self._checked(_types.Join(uid, course_id, lesson_id, session=session, if_session=if_session,
                                               owner=owner, flags=flags), timeout)

    async def quit(self, uid: Id, *, lesson_id: Optional[Id] = None, session: Optional[Id] = None,
                   timeout: Optional[float] = None) -> Outcome:
        return await self._checked(_types.Quit(uid, lesson_id=lesson_id, session=session), timeout)

    async def where(self, uid: Id, *, timeout: Optional[float] = None) -> Optional[Place]:
        return (await self._checked(_types.Where(uid), timeout)).place

    async def count_members(self, lesson_id: Id, *, timeout: Optional[float] = None) -> int:
        return (await self._checked(_types.CountMembers(lesson_id), timeout)).count or 0

    # ---- Bans

    async def ban(self, lesson_id: Id, uid: Id, ban_ms: int, *, timeout: Optional[float] = None) -> bool:
        if not ban_ms:
            raise Invalid("ban_ms is 0, which would lift the ban: call unban")
        return bool(await self._checked(_types.Ban(lesson_id, uid, ban_ms), timeout))

    async def kick(self, lesson_id: Id, uid: Id, ban_ms: int, *, timeout: Optional[float] = None) -> Outcome:
        return await self._checked(_types.Kick(lesson_id, uid, ban_ms), timeout)

    async def unban(self, lesson_id: Id, uid: Id, *, timeout: Optional[float] = None) -> bool:
        return bool(await self._checked(_types.Unban(lesson_id, uid), timeout))

    async def bans(self, lesson_id: Id) -> List[Banned]:
        return await self._in_thread("bans", lesson_id)

    # ---- Owners

    async def hold(self, owner: Id, lease_ms: int, *, renew: bool = False, timeout: Optional[float] = None) -> bool:
        return bool(await self._checked(_types.Hold(owner, lease_ms, renew=renew), timeout))

    async def renew(self, owner: Id, lease_ms: int, *, timeout: Optional[float] = None) -> bool:
        return await self.hold(owner, lease_ms, renew=True, timeout=timeout)

    async def sweep(self) -> List[User]:
        return await self._in_thread("sweep")

    async def drop(self, owner: Id) -> Optional[List[User]]:
        return await self._in_thread("drop", owner)

    async def owners(self) -> List[Owner]:
        return await self._in_thread("owners")

    # ---- Lists

    def members(self, lesson_id: Id, *, page: int = PAGE, timeout: Optional[float] = None) -> AsyncIterator[str]:
        return self._pages(_store._MEMBERS, page, timeout, lesson_id)

    async def members_at_once(self, lesson_id: Id) -> List[str]:
        return await self._in_thread("members_at_once", lesson_id)

    def lessons(self, *, course_id: Optional[Id] = None, course_status: Optional[int] = None,
                chat_status: Optional[int] = None, page: int = PAGE,
                timeout: Optional[float] = None) -> AsyncIterator[Lesson]:
        return self._pages(_store._LESSONS, page, timeout, None, course_id, course_status, chat_status)

    def users(self, *, page: int = PAGE, timeout: Optional[float] = None) -> AsyncIterator[User]:
        return self._pages(_store._USERS, page, timeout)

    def _pages(self, kind: int, page: int, timeout: Optional[float], lesson_id: Optional[Id] = None,
               course_id: Optional[Id] = None, course_status: Optional[int] = None,
               chat_status: Optional[int] = None) -> AsyncIterator:
        self._opened()
        assert self._direct
        cursor = self._direct._store.cursor(kind, lesson_id, course_id, course_status, chat_status)
        return self._entries(cursor, page, self._milliseconds(timeout))

    async def _entries(self, cursor: _lessonstore.Cursor, page: int, timeout_ms: int) -> AsyncIterator:
        try:
            while True:
                code, message, entries = await self._submit(
                    lambda executor, future: executor.submit_page(cursor, page, timeout_ms, future))
                if code < 0:
                    raise error_of(code, message or "")
                if not entries:
                    return
                for entry in entries:
                    yield entry
        finally:
            cursor.close()

    # ---- The store itself

    async def check(self, *, repair: bool = False, ended: bool = False) -> List[Finding]:
        return await self._in_thread("check", repair=repair, ended=ended)

    async def info(self) -> Dict[str, str]:
        return await self._in_thread("info")

    def abilities(self) -> Abilities:
        self._opened()
        assert self._direct
        return self._direct.abilities()

    def metrics(self, name: Optional[str] = None, *, part: bool = False) -> str:
        """The figures of the store and of its executor as OpenMetrics text."""
        executor = self._opened()
        assert self._direct
        return "".join(self._direct._store.metrics(name, executor, 1 if part else 0))

    async def feed(self, lesson_id: Optional[Id] = None, position: Optional[str] = None) -> Feed:
        return Feed(await self._in_thread("feed", lesson_id, position))


class Feed:
    """A feed of events: an asynchronous iterator that waits for the next event, and never ends by itself.

    Gap and failures are raised as by lessonstore.Feed, and the iterator can go on afterwards.
    """

    def __init__(self, feed: _store.Feed) -> None:
        self._feed = feed
        self._ready: Optional[asyncio.Future] = None

    async def close(self) -> None:
        """Closes the feed. A task that waits for an event gets Closed."""
        if self._ready and not self._ready.done():
            self._ready.set_exception(Closed("the feed was closed"))
        await asyncio.to_thread(self._feed.close)

    async def __aenter__(self) -> Feed:
        return self

    async def __aexit__(self, kind: Optional[Type[BaseException]], error: Optional[BaseException],
                        trace: Optional[TracebackType]) -> None:
        await self.close()

    def position(self) -> str:
        return self._feed.position()

    def is_current(self) -> bool:
        return self._feed.is_current()

    def drain(self, most: int = 0) -> List[Event]:
        return self._feed.drain(most)

    async def wait(self) -> None:
        """Waits until there is something to drain."""
        if self._ready and not self._ready.done():
            raise Busy("another task is waiting for this feed")
        loop = asyncio.get_running_loop()
        descriptor = self._feed.fileno()
        ready = self._ready = loop.create_future()

        def wake() -> None:
            if not ready.done():
                ready.set_result(None)

        loop.add_reader(descriptor, wake)
        try:
            await ready
        finally:
            loop.remove_reader(descriptor)

    def __aiter__(self) -> Feed:
        return self

    async def __anext__(self) -> Event:
        while True:
            events = self._feed.drain(1)
            if events:
                return events[0]
            await self.wait()
