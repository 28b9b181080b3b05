"""RedisForLessonStatus and RedisForInLesson: the classes that lessonstore replaces, by the same names.

    from lessonstore.dropin import RedisForInLesson, RedisForLessonStatus

Names, arguments and answers are the old ones. What differs on purpose, and why, is in docs/python.md. Both classes use
one store for each process, at the location in LESSONSTORE_LOCATION, which the first call opens. A child of a fork opens
its own.
"""
from __future__ import annotations

import os
import threading
from typing import Any, Optional, Set

from ._store import Store
from ._types import Id

__all__ = ["RedisForInLesson", "RedisForLessonStatus", "shared_store"]


class _Shared:
    """The store of this process."""

    def __init__(self) -> None:
        self.store: Optional[Store] = None
        self.lock = threading.Lock()
        os.register_at_fork(after_in_child=self.forget)

    def forget(self) -> None:
        # Another thread of the parent may have held the lock.
        self.lock = threading.Lock()
        self.store = None

    def get(self) -> Store:
        store = self.store
        if store is not None:
            return store
        with self.lock:
            if self.store is None:
                self.store = Store()
            return self.store


_shared = _Shared()


def shared_store() -> Store:
    """The store that both classes use in this process."""
    return _shared.get()


def _id(value: Any) -> Id:
    # The old classes called str(), so any object was an id. None never was meant to be one, and the store refuses it.
    return value if isinstance(value, (str, bytes, type(None))) else str(value)  # type: ignore[return-value]


class _Class:
    def __init__(self, store: Optional[Store] = None) -> None:
        self.__store = store

    @property
    def _store(self) -> Store:
        return self.__store if self.__store is not None else _shared.get()


class RedisForLessonStatus(_Class):
    def createLesson(self, lesson_id: Any) -> None:
        """Makes the record of a lesson: Waiting and Free. One that is there goes back to these, as before."""
        self._store.create(_id(lesson_id), reset=True)

    def endLesson(self, lesson_id: Any) -> None:
        """Removes the record, and puts everybody out."""
        self._store.end(_id(lesson_id))


class RedisForInLesson(_Class):
    def joinLesson(self, uid: Any, course_id: Any, lesson_id: Any) -> None:
        """Puts the user into the lesson and out of any other one, in one step."""
        self._store.join(_id(uid), _id(course_id), _id(lesson_id))

    def quitLesson(self, uid: Any) -> None:
        """Takes the user out, in one step. Nothing happens if the user is in no lesson."""
        self._store.quit(_id(uid))

    def getLessonUsersUID(self, lesson_id: Any) -> Set[str]:
        return set(self._store.members_at_once(_id(lesson_id)))

    def isInLesson(self, uid: Any) -> bool:
        return self._store.where(_id(uid)) is not None

    def getLessonID(self, uid: Any) -> Optional[str]:
        """None: the user is in no lesson."""
        place = self._store.where(_id(uid))
        return None if place is None else place.lesson_id
