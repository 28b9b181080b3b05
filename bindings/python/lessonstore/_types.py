"""The types of lessonstore: codes, flags, records, operations, outcomes and exceptions.

The numbers are those of lessonstore.h and feed.h, which a test compares with these. The extension module makes the
named tuples, so the order of their fields is part of it.
"""
from __future__ import annotations

import enum
from typing import Dict, NamedTuple, Optional, Type, Union

Id = Union[str, bytes, int]


class Code(enum.IntEnum):
    """0 is done, a positive code is an answer of "no", and a negative one is a failure."""

    OK = 0
    NOT_FOUND = 1
    EXISTS = 2
    REFUSED = 3
    CONFLICT = 4
    GAP = 5
    INVALID = -1
    UNSUPPORTED = -2
    REENTERED = -3
    NO_MEMORY = -4
    UNREACHABLE = -5
    DENIED = -6
    READ_ONLY = -7
    FULL = -8
    BUSY = -9
    UNKNOWN = -10
    MALFORMED = -11
    FAILED = -12
    EXPIRED = -13
    CANCELLED = -14
    OVERLOADED = -15
    CLOSED = -16


class CourseStatus(enum.IntEnum):
    OFFLINE = 0
    ONLINE = 1
    CANT_JOIN_IN = 2
    WAITING = 3


class ChatStatus(enum.IntEnum):
    FREE = 0
    BANNED = 1


class Arrival(enum.IntEnum):
    NEW = 0
    MOVED = 1
    ALREADY_THERE = 2


class Flag(enum.IntFlag):
    """Flags of operations. JOIN_BY_OWNER is only in answers."""

    CREATE_RESET = 1 << 0
    END_RECORD_ONLY = 1 << 1
    JOIN_IF_EXISTS = 1 << 2
    JOIN_IF_OPEN = 1 << 3
    JOIN_STAY = 1 << 4
    JOIN_IF_OPEN_OR_MEMBER = 1 << 5
    JOIN_IF_ROOM = 1 << 6
    HOLD_RENEW = 1 << 7
    JOIN_UNLESS_BANNED = 1 << 8
    BAN_KICK = 1 << 9
    JOIN_OR_NOWHERE = 1 << 10
    JOIN_BY_OWNER = 1 << 31


class OwnerState(enum.IntEnum):
    HELD = 0
    LATE = 1
    OVER = 2


class FindingKind(enum.IntEnum):
    GHOST_MEMBER = 0
    MISSING_MEMBER = 1
    INCOMPLETE_LESSON = 2
    INCOMPLETE_USER = 3
    ENDED_LESSON = 4
    MALFORMED = 5
    STALE_BANS = 6


class EventKind(enum.IntEnum):
    CREATE = 1
    SET = 2
    END = 3
    END_RECORD = 4
    JOIN = 5
    QUIT = 6


class Cause(enum.IntEnum):
    CALL = 0
    END = 1
    SWEEP = 2
    REPAIR = 3
    KICK = 4


class Can(enum.IntFlag):
    """The capabilities of a store."""

    KEEP_SESSIONS = 1 << 0
    SHARE = 1 << 1
    PERSIST = 1 << 2
    ADMIT = 1 << 3


class Except(enum.IntFlag):
    """Promises that a store does not keep: lesson_store_abilities, `exceptions`."""

    STEPS = 1 << 0
    ADMISSION = 1 << 1
    ORDER = 1 << 2


class OperationKind(enum.IntEnum):
    NONE = 0
    CREATE = 1
    END = 2
    SET = 3
    GET_LESSON = 4
    JOIN = 5
    QUIT = 6
    WHERE = 7
    COUNT_MEMBERS = 8
    HOLD = 9
    BAN = 10


# ---- Exceptions


class Error(Exception):
    """A failure: the question was not answered. Nothing was changed, unless the code is UNKNOWN."""

    code = Code.FAILED

    def __init__(self, message: str = "", code: Optional[int] = None) -> None:
        super().__init__(message)
        if code is not None and code != self.code:
            self.code = code  # type: ignore[assignment]

    def __str__(self) -> str:
        return str(self.args[0]) if self.args and self.args[0] else type(self).__name__


class NotFound(Error):
    """Raised only where None could be taken for an answer: a feed of a store whose feed is off."""

    code = Code.NOT_FOUND


class Exists(Error):
    code = Code.EXISTS


class Refused(Error):
    code = Code.REFUSED


class Conflict(Error):
    code = Code.CONFLICT


class Gap(Error):
    """Events are missing: list anew, and go on with the same feed."""

    code = Code.GAP


class Invalid(Error, ValueError):
    code = Code.INVALID


class Unsupported(Error):
    code = Code.UNSUPPORTED


class Reentered(Error):
    code = Code.REENTERED


class NoMemory(Error, MemoryError):
    code = Code.NO_MEMORY


class Unreachable(Error):
    code = Code.UNREACHABLE


class Denied(Error):
    code = Code.DENIED


class ReadOnly(Error):
    code = Code.READ_ONLY


class Full(Error):
    code = Code.FULL


class Busy(Error):
    code = Code.BUSY


class Unknown(Error):
    """The write may have been applied, or may be applied a little later. Ask the store before you repeat it."""

    code = Code.UNKNOWN


class Malformed(Error):
    code = Code.MALFORMED


class Failed(Error):
    code = Code.FAILED


class Expired(Error):
    code = Code.EXPIRED


class Cancelled(Error):
    code = Code.CANCELLED


class Overloaded(Error):
    code = Code.OVERLOADED


class Closed(Error):
    """The store, list, feed or executor was closed, or the store was opened before a fork."""

    code = Code.CLOSED


_ERRORS: Dict[int, Type[Error]] = {
    error.code: error
    for error in (NotFound, Exists, Refused, Conflict, Gap, Invalid, Unsupported, Reentered, NoMemory, Unreachable,
                  Denied, ReadOnly, Full, Busy, Unknown, Malformed, Failed, Expired, Cancelled, Overloaded, Closed)
}


def error_of(code: int, message: str) -> Error:
    """Makes the exception of a code. A code that this package does not know makes an Error with that code."""
    return _ERRORS.get(code, Error)(message, code)


# ---- Records


class Place(NamedTuple):
    """Where a user is, or was. `session`, `owner` and `joined_ms` are None if the join did not name them."""

    course_id: str
    lesson_id: str
    session: Optional[str]
    owner: Optional[str]
    joined_ms: Optional[int]


class Lesson(NamedTuple):
    """A lesson as it is stored. Without a record the statuses are None. A capacity of None is any number."""

    lesson_id: str
    member_count: int
    course_status: Optional[CourseStatus]
    chat_status: Optional[ChatStatus]
    has_record: bool
    course_id: Optional[str]
    capacity: Optional[int]


class User(NamedTuple):
    uid: str
    course_id: str
    lesson_id: str
    session: Optional[str]
    owner: Optional[str]
    joined_ms: Optional[int]


class Owner(NamedTuple):
    owner: str
    lease_ms: int
    left_ms: int
    state: OwnerState


class Banned(NamedTuple):
    uid: str
    left_ms: int


class Finding(NamedTuple):
    kind: FindingKind
    repairable: bool
    repaired: bool
    lesson_id: Optional[str]
    uid: Optional[str]
    detail: str


class Event(NamedTuple):
    """One change. What the kind does not have is None: feed.h lists what each has."""

    kind: EventKind
    cause: Cause
    at_ms: int
    lesson_id: str
    uid: Optional[str]
    course_id: Optional[str]
    from_lesson_id: Optional[str]
    session: Optional[str]
    owner: Optional[str]
    course_status: Optional[CourseStatus]
    chat_status: Optional[ChatStatus]
    capacity: Optional[int]
    count: Optional[int]  # type: ignore[assignment]  # hides tuple.count


class Abilities(NamedTuple):
    """What a store can do, as the numbers of lesson_store_abilities."""

    operations: int
    flags: int
    calls: int
    capabilities: int
    end_at_once_max: int
    members_at_once_max: int
    exceptions: int


class Outcome(NamedTuple):
    """What became of an operation. It is true if the operation was done. What the answer does not have is None."""

    code: Code
    place: Optional[Place]
    lesson: Optional[Lesson]
    count: Optional[int]  # type: ignore[assignment]  # hides tuple.count
    arrival: Optional[Arrival]
    refused_by: Optional[Flag]
    course_status: Optional[CourseStatus]
    chat_status: Optional[ChatStatus]
    message: Optional[str]

    def __bool__(self) -> bool:
        return self.code == 0

    @property
    def error(self) -> Optional[Error]:
        """The exception of a failure, not raised. None for a success and for an answer of "no"."""
        return error_of(self.code, self.message or "") if self.code < 0 else None

    def check(self) -> Outcome:
        """Raises the exception of a failure, else returns itself."""
        if self.code < 0:
            raise error_of(self.code, self.message or "")
        return self


# ---- Operations


class Operation(NamedTuple):
    """An operation as data. Join, Quit and the others below make them."""

    kind: int
    flags: int = 0
    uid: Optional[Id] = None
    course_id: Optional[Id] = None
    lesson_id: Optional[Id] = None
    session: Optional[Id] = None
    if_session: Optional[Id] = None
    owner: Optional[Id] = None
    course_status: Optional[int] = None
    chat_status: Optional[int] = None
    if_course_status: Optional[int] = None
    if_chat_status: Optional[int] = None
    capacity: Optional[int] = None
    lease_ms: Optional[int] = None
    ban_ms: Optional[int] = None


def Create(lesson_id: Id, *, reset: bool = False, course_id: Optional[Id] = None, course_status: Optional[int] = None,
           chat_status: Optional[int] = None, capacity: Optional[int] = None) -> Operation:
    return Operation(OperationKind.CREATE, Flag.CREATE_RESET if reset else 0, lesson_id=lesson_id, course_id=course_id,
                     course_status=course_status, chat_status=chat_status, capacity=capacity)


def End(lesson_id: Id, *, record_only: bool = False) -> Operation:
    return Operation(OperationKind.END, Flag.END_RECORD_ONLY if record_only else 0, lesson_id=lesson_id)


def Set(lesson_id: Id, *, course_status: Optional[int] = None, chat_status: Optional[int] = None,
        if_course_status: Optional[int] = None, if_chat_status: Optional[int] = None,
        capacity: Optional[int] = None) -> Operation:
    return Operation(OperationKind.SET, lesson_id=lesson_id, course_status=course_status, chat_status=chat_status,
                     if_course_status=if_course_status, if_chat_status=if_chat_status, capacity=capacity)


def GetLesson(lesson_id: Id) -> Operation:
    return Operation(OperationKind.GET_LESSON, lesson_id=lesson_id)


def Join(uid: Id, course_id: Id, lesson_id: Id, *, session: Optional[Id] = None, if_session: Optional[Id] = None,
         owner: Optional[Id] = None, flags: int = 0) -> Operation:
    return Operation(OperationKind.JOIN, flags, uid, course_id, lesson_id, session, if_session, owner)


def Quit(uid: Id, *, lesson_id: Optional[Id] = None, session: Optional[Id] = None) -> Operation:
    return Operation(OperationKind.QUIT, 0, uid, None, lesson_id, session)


def Where(uid: Id) -> Operation:
    return Operation(OperationKind.WHERE, 0, uid)


def CountMembers(lesson_id: Id) -> Operation:
    return Operation(OperationKind.COUNT_MEMBERS, lesson_id=lesson_id)


def Hold(owner: Id, lease_ms: int, *, renew: bool = False) -> Operation:
    return Operation(OperationKind.HOLD, Flag.HOLD_RENEW if renew else 0, owner=owner, lease_ms=lease_ms)


def Ban(lesson_id: Id, uid: Id, ban_ms: int) -> Operation:
    return Operation(OperationKind.BAN, uid=uid, lesson_id=lesson_id, ban_ms=ban_ms)


def Unban(lesson_id: Id, uid: Id) -> Operation:
    return Operation(OperationKind.BAN, uid=uid, lesson_id=lesson_id, ban_ms=0)


def Kick(lesson_id: Id, uid: Id, ban_ms: int) -> Operation:
    return Operation(OperationKind.BAN, Flag.BAN_KICK, uid=uid, lesson_id=lesson_id, ban_ms=ban_ms)
