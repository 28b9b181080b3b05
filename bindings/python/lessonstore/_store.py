"""lessonstore.Store: the calls of lessonstore.h, one method for each."""
from __future__ import annotations

import logging
import math
import os
import select
import time
from types import TracebackType
from typing import Callable, Dict, Iterable, Iterator, List, Optional, Type, Union

from . import _lessonstore
from ._types import (Abilities, Banned, Error, Event, Finding, Flag, Gap, Id, Invalid, Lesson, Operation,
                     OperationKind, Outcome, Owner, Place, User, error_of)

# Plain numbers: a member of an enumeration would cost a single call more than its answer does.
_CREATE, _END, _SET, _GET_LESSON, _JOIN, _QUIT, _WHERE, _COUNT, _HOLD, _BAN = (
    int(kind) for kind in OperationKind if kind)
_CREATE_RESET, _END_RECORD_ONLY = int(Flag.CREATE_RESET), int(Flag.END_RECORD_ONLY)
_HOLD_RENEW, _BAN_KICK = int(Flag.HOLD_RENEW), int(Flag.BAN_KICK)

_MEMBERS, _LESSONS, _USERS = 1, 2, 3  # lesson_store_list_kind
_CHECK_REPAIR, _CHECK_ENDED = 1, 2
PAGE = 1000

OLDEST = "oldest"
_LOOK_EVERY_S = 0.5  # nothing wakes a thread whose descriptor another thread closes


def location_or_default(location: Union[str, bytes, None]) -> bytes:
    """The location as bytes; None stands for the one in LESSONSTORE_LOCATION."""
    if location is None:
        location = os.environ.get("LESSONSTORE_LOCATION")
    if not location:
        raise Invalid("no location is given, and LESSONSTORE_LOCATION is not set")
    return os.fsencode(location)


def _level(log: Optional[logging.Logger]) -> int:
    """The lesson_store_log_level of a logger: details are its DEBUG, and notices its INFO."""
    if log is None or not log.isEnabledFor(logging.INFO):
        return 1
    return 3 if log.isEnabledFor(logging.DEBUG) else 2


def _teller(log: logging.Logger) -> Callable[[int, str, str, int], None]:
    levels = {1: logging.WARNING, 2: logging.INFO}

    def tell(level: int, word: str, message: str, missing: int) -> None:
        log.log(levels.get(level, logging.DEBUG), "%s: %s", word, message, extra={"lessonstore_word": word})
        if missing:
            log.warning("%d entries are missing here: too many came during one call", missing)

    return tell


def make_owner(name: Id) -> str:
    """Makes the id of a new owner: the name, a / and 16 random digits."""
    return _lessonstore.make_owner(name)


class Store:
    """An open store. Any number of threads may use it. Every call releases the GIL while the library works.

    A failure raises lessonstore.Error. An answer of "no" does not: a call with a value returns None, one without a
    value returns False, and one with several kinds of "no" returns an Outcome, which is false.
    """

    def __init__(self, location: Union[str, bytes, None] = None, *, log: Optional[logging.Logger] = None) -> None:
        """`log` hears of connections made anew, failovers, lost leases and the like, at the end of the call in which
        they happened. Its level when the store is opened says which entries there are."""
        self._store = _lessonstore.open(location_or_default(location), _teller(log) if log else None, _level(log))
        self._run = self._store.run

    # ---- Opening and closing

    def close(self) -> None:
        """Closes the store. Calls of other threads that are under way end first. Later calls raise Closed."""
        self._store.close()

    @property
    def closed(self) -> bool:
        return self._store.is_closed

    def __enter__(self) -> Store:
        return self

    def __exit__(self, kind: Optional[Type[BaseException]], error: Optional[BaseException],
                 trace: Optional[TracebackType]) -> None:
        self.close()

    def __repr__(self) -> str:
        if self.closed:
            return "<lessonstore.Store, closed>"
        try:
            return f"<lessonstore.Store {self.info().get('location', '?')}>"
        except Error as error:
            return f"<lessonstore.Store, {error}>"

    # ---- Lessons

    def create(self, lesson_id: Id, *, reset: bool = False, course_id: Optional[Id] = None,
               course_status: Optional[int] = None, chat_status: Optional[int] = None,
               capacity: Optional[int] = None) -> bool:
        """Makes a lesson record. False: there is one, and it was left as it is."""
        return self._run(_CREATE, _CREATE_RESET if reset else 0, None, course_id, lesson_id, None, None, None,
                         course_status, chat_status, None, None, capacity).code == 0

    def end(self, lesson_id: Id, *, record_only: bool = False) -> Optional[int]:
        """Removes the record and puts every member out. Returns how many left. None: there was no such lesson."""
        return self._run(_END, _END_RECORD_ONLY if record_only else 0, None, None, lesson_id).count

    def set(self, lesson_id: Id, *, course_status: Optional[int] = None, chat_status: Optional[int] = None,
            if_course_status: Optional[int] = None, if_chat_status: Optional[int] = None,
            capacity: Optional[int] = None) -> Outcome:
        """Sets what is given, if the current statuses are the expected ones. NOT_FOUND, or CONFLICT with the current
        statuses in the outcome."""
        return self._run(_SET, 0, None, None, lesson_id, None, None, None, course_status, chat_status,
                         if_course_status, if_chat_status, capacity)

    def set_course_status(self, lesson_id: Id, course_status: int) -> bool:
        """False: there is no record."""
        return self.set(lesson_id, course_status=course_status).code == 0

    def set_chat_status(self, lesson_id: Id, chat_status: int) -> bool:
        """False: there is no record."""
        return self.set(lesson_id, chat_status=chat_status).code == 0

    def replace_course_status(self, lesson_id: Id, expected: int, course_status: int) -> Outcome:
        return self.set(lesson_id, course_status=course_status, if_course_status=expected)

    def replace_chat_status(self, lesson_id: Id, expected: int, chat_status: int) -> Outcome:
        return self.set(lesson_id, chat_status=chat_status, if_chat_status=expected)

    def set_capacity(self, lesson_id: Id, capacity: int) -> bool:
        """Sets how many members JOIN_IF_ROOM allows, 0 for any number. False: there is no record."""
        return self.set(lesson_id, capacity=capacity).code == 0

    def get_lesson(self, lesson_id: Id) -> Optional[Lesson]:
        """None: there is neither a record nor a member."""
        return self._run(_GET_LESSON, 0, None, None, lesson_id).lesson

    # ---- Users

    def join(self, uid: Id, course_id: Id, lesson_id: Id, *, session: Optional[Id] = None, owner: Optional[Id] = None,
             flags: int = 0) -> Outcome:
        """Puts a user into a lesson and out of any other one. `place` of the outcome is where the user was, None for
        nowhere. REFUSED: a flag forbade it, or the owner holds no lease; `place` is where the user still is."""
        return self._run(_JOIN, flags, uid, course_id, lesson_id, session, None, owner)

    def resume(self, uid: Id, course_id: Id, lesson_id: Id, *, if_session: Id, session: Optional[Id] = None,
               owner: Optional[Id] = None, flags: int = 0) -> Outcome:
        """As join, but only if the user's session is `if_session`. Else CONFLICT."""
        if if_session is None:
            raise Invalid("no if_session is given")
        return self._run(_JOIN, flags, uid, course_id, lesson_id, session, if_session, owner)

    def quit(self, uid: Id, *, lesson_id: Optional[Id] = None, session: Optional[Id] = None) -> Outcome:
        """Takes a user out, if the user is in this lesson and has this session. `place` is the place left. NOT_FOUND,
        or CONFLICT with where the user still is."""
        return self._run(_QUIT, 0, uid, None, lesson_id, session)

    def where(self, uid: Id) -> Optional[Place]:
        """None: the user is in no lesson."""
        return self._run(_WHERE, 0, uid).place

    def count_members(self, lesson_id: Id) -> int:
        return self._run(_COUNT, 0, None, None, lesson_id).count or 0

    # ---- Bans

    def ban(self, lesson_id: Id, uid: Id, ban_ms: int) -> bool:
        """Bans a user from a lesson. False: the lesson has no record."""
        if not ban_ms:
            raise Invalid("ban_ms is 0, which would lift the ban: call unban")
        return self._run(_BAN, 0, uid, None, lesson_id, None, None, None, None, None, None, None, None, None,
                         ban_ms).code == 0

    def kick(self, lesson_id: Id, uid: Id, ban_ms: int) -> Outcome:
        """Bans a user and takes the user out. `place` is the place left, None if the user was not in the lesson."""
        return self._run(_BAN, _BAN_KICK, uid, None, lesson_id, None, None, None, None, None, None, None, None, None,
                         ban_ms)

    def unban(self, lesson_id: Id, uid: Id) -> bool:
        """Lifts a ban, if there is one. False: the lesson has no record."""
        return self._run(_BAN, 0, uid, None, lesson_id).code == 0

    def bans(self, lesson_id: Id) -> List[Banned]:
        return self._store.bans(lesson_id)

    # ---- Owners

    def hold(self, owner: Id, lease_ms: int, *, renew: bool = False) -> bool:
        """Begins a lease, or renews it. False (CONFLICT): the owner is over, or `renew` and it holds no lease."""
        return self._run(_HOLD, _HOLD_RENEW if renew else 0, None, None, None, None, None, owner, None, None, None,
                         None, None, lease_ms).code == 0

    def renew(self, owner: Id, lease_ms: int) -> bool:
        return self.hold(owner, lease_ms, renew=True)

    def sweep(self) -> List[User]:
        """Puts out the users of owners that are over, and returns them."""
        return self._store.sweep()

    def drop(self, owner: Id) -> Optional[List[User]]:
        """Puts out the users of this owner, and returns them. None: it holds no lease."""
        return self._store.drop(owner)

    def owners(self) -> List[Owner]:
        return self._store.owners()

    # ---- Lists

    def _pages(self, kind: int, page: int, lesson_id: Optional[Id] = None, course_id: Optional[Id] = None,
               course_status: Optional[int] = None, chat_status: Optional[int] = None) -> Iterator:
        # The arguments are checked here, and not when the first entry is asked for.
        return _entries(self._store.cursor(kind, lesson_id, course_id, course_status, chat_status), page)

    def members(self, lesson_id: Id, *, page: int = PAGE) -> Iterator[str]:
        """The members of a lesson, page by page. It takes memory for one page, and 18 to 37 bytes for each member over
        Redis. The store may be called meanwhile."""
        return self._pages(_MEMBERS, page, lesson_id)

    def members_at_once(self, lesson_id: Id) -> List[str]:
        """The members of a lesson by one call, as of one instant if the lesson is not very large."""
        return self._store.members(lesson_id)

    def lessons(self, *, course_id: Optional[Id] = None, course_status: Optional[int] = None,
                chat_status: Optional[int] = None, page: int = PAGE) -> Iterator[Lesson]:
        """The lessons that have a record or members, and what is given."""
        return self._pages(_LESSONS, page, None, course_id, course_status, chat_status)

    def users(self, *, page: int = PAGE) -> Iterator[User]:
        return self._pages(_USERS, page)

    # ---- Batches

    def batch(self, operations: Iterable[Operation]) -> List[Outcome]:
        """Runs operations in order. Returns the outcome of each, also if some failed or the store broke off: each has
        its own code. Raises only if none was run."""
        return self._store.batch(operations)

    # ---- The store itself

    def check(self, *, repair: bool = False, ended: bool = False) -> List[Finding]:
        """Finds what disagrees, and repairs it if asked to."""
        return self._store.check((_CHECK_REPAIR if repair else 0) | (_CHECK_ENDED if ended else 0))

    def info(self) -> Dict[str, str]:
        """Facts about the store for a person."""
        return dict(self._store.info())

    def abilities(self) -> Abilities:
        return self._store.abilities()

    def metrics(self, name: Optional[str] = None, *, part: bool = False) -> str:
        """The figures as OpenMetrics text. With `part` without the "# EOF"."""
        return "".join(self._store.metrics(name, None, 1 if part else 0))

    def feed(self, lesson_id: Optional[Id] = None, position: Optional[str] = None) -> Feed:
        """Opens a feed of the events behind a position: None for now, OLDEST for all that are kept. NotFound: the feed
        of the store is off."""
        return Feed(self._store.feed(lesson_id, position))


def _entries(cursor: _lessonstore.Cursor, page: int) -> Iterator:
    try:
        while True:
            entries = cursor.next(page)
            if not entries:
                return
            yield from entries
    finally:
        cursor.close()


class Feed:
    """A feed of events. It is an iterator that waits for the next event and never ends by itself.

    Gap and failures are raised by the iterator, which can go on afterwards: after a Gap behind the missing events,
    after a failure without any loss.
    """

    def __init__(self, feed: _lessonstore.Feed) -> None:
        self._feed = feed
        self._after: Optional[Error] = None

    def close(self) -> None:
        self._feed.close()

    def __enter__(self) -> Feed:
        return self

    def __exit__(self, kind: Optional[Type[BaseException]], error: Optional[BaseException],
                 trace: Optional[TracebackType]) -> None:
        self.close()

    def fileno(self) -> int:
        """A descriptor that is readable while there is something to drain. Only wait for it."""
        return self._feed.fileno()

    def position(self) -> str:
        """A position behind the events that drain has returned, for Store.feed. An iterator takes one event at a time,
        so that it is behind the event that the iterator has given last."""
        return self._feed.position()

    def is_current(self) -> bool:
        """True once every event has been given that there was at some moment after the feed was opened."""
        return self._feed.is_current()

    def drain(self, most: int = 0) -> List[Event]:
        """Returns the events that have come, at most `most` of them (0: all), without waiting. Raises Gap or a failure
        if there is one instead; events before it are returned first."""
        if self._after:
            error, self._after = self._after, None
            raise error
        code, message, events = self._feed.drain(most)
        if code:
            error = Gap("events are missing: list anew") if code > 0 else error_of(code, message or "")
            if not events:
                raise error
            self._after = error
        return events

    def wait(self, timeout: Optional[float] = None) -> bool:
        """Waits until there is something to drain. False: not within `timeout` seconds. If another thread closes the
        feed or its store meanwhile, raises Closed within a second."""
        if self._after:
            return True
        end = None if timeout is None else time.monotonic() + timeout
        poll = select.poll()
        poll.register(self.fileno(), select.POLLIN)
        while True:
            left = _LOOK_EVERY_S if end is None else min(_LOOK_EVERY_S, max(0.0, end - time.monotonic()))
            if poll.poll(math.ceil(left * 1000)):
                return True
            if self.fileno() >= 0 and end is not None and time.monotonic() >= end:
                return False

    def __iter__(self) -> Feed:
        return self

    def __next__(self) -> Event:
        while True:
            events = self.drain(1)
            if events:
                return events[0]
            self.wait()
