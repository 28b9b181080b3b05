"""lessonstore: which lessons are open, what state each is in, who is in which lesson, and whether the chat is open.

    import lessonstore

    with lessonstore.Store("sqlite:lessons.db") as store:
        store.create("algebra-7")
        store.join("ann", "algebra", "algebra-7")
        print(store.where("ann"))

lessonstore.aio has the same for asyncio, and lessonstore.dropin the classes RedisForLessonStatus and RedisForInLesson.
docs/python.md describes the package.
"""
from . import _types
from ._types import *  # noqa: F401,F403
from ._types import Id
from ._lessonstore import BATCH_MAX, PAGE_MAX, version as __version__
from ._store import OLDEST, Feed, Store, make_owner

__all__ = [name for name in vars(_types) if name[0].isupper() and getattr(_types, name).__module__ == _types.__name__]
__all__ += ["BATCH_MAX", "Feed", "Id", "OLDEST", "PAGE_MAX", "Store", "make_owner"]
