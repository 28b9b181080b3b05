/*
 * The feed: every change of a store as an event, for those who follow it.
 *
 * Words. An *event* says what one operation has changed, and is written in the step of the change. The events of a
 * store are in one order, that of their changes. A *position* is a place in this order. A *feed* is one reader's
 * handle. A *gap* is where events are missing behind a position.
 *
 * On or off is a fact of the data: the location option `feed=N` turns it on for everybody, and the store then keeps at
 * least the latest N events. `feed=0` turns it off. A location without the option changes nothing, and its store writes
 * events if they are on. In Redis, a connection learns that when it is made, and again after failover_check_ms of use
 * (backends/redis/README.md): so turn the feed on before the servers start.
 *
 * List, then follow: open a feed, list, then apply its events to the list. Events that the list shows already may come
 * once more, and each can be applied twice:
 *   JOIN    the user is in lesson_id, and in no other lesson
 *   QUIT    the user is in no lesson, if lesson_id was the lesson
 *   END     the lesson has no record, and every user in it is in no lesson
 *   CREATE, SET, END_RECORD    the record has these values, or is gone
 *
 * A reset is a CREATE: what it does not give stays. A join that changes nothing may be an event or not. After a gap,
 * list once more.
 *
 * A later version may write events of new kinds. A library does not give those that it does not know, and they are no
 * gap.
 *
 * Not in the feed: changes by programs that do not use this library (in Redis), leases, bans, and sweeps that put
 * nobody out. If such programs write, list again from time to time.
 *
 * Threads. Any thread may call any function, but one feed belongs to one thread at a time. A store has one thread for
 * all of its feeds, in which all signals are blocked, and where the engine is not memory, one instance beside those of
 * the pool. So a feed never holds up a call, and a reader that is slow holds up nobody. In a forked child every
 * function is CLOSED, and close does nothing.
 */
#ifndef LESSONSTORE_FEED_H
#define LESSONSTORE_FEED_H

#include <lessonstore/lessonstore.h>

#ifdef __cplusplus
extern "C" {
#endif

#define LESSON_STORE_POSITION_SIZE 80         /* bytes of a position, with the terminating NUL */
#define LESSON_STORE_POSITION_OLDEST "oldest" /* before the oldest event that is kept */
#define LESSON_STORE_FEED_KEPT_MAX 1000000000 /* of `feed=N` */

/* X(NAME, number, word). Its comment says what each has besides lesson_id. */
#define LESSON_STORE_EVENT_MAP(X)                                                               \
    X(CREATE, 1, "create")         /* a record was made or reset: [course_id], given numbers */ \
    X(SET, 2, "set")               /* given numbers */                                          \
    X(END, 3, "end")               /* the record is gone and every member is out: count */      \
    X(END_RECORD, 4, "end_record") /* the record is gone, the members stay */                   \
    X(JOIN, 5, "join")             /* uid, course_id, [from_lesson_id], [session], [owner] */   \
    X(QUIT, 6, "quit")             /* uid */

typedef enum lesson_store_event_kind {
#define LESSON_STORE_EVENT_ENUM(name, number, word) LESSON_STORE_EVENT_##name = (number),
    LESSON_STORE_EVENT_MAP(LESSON_STORE_EVENT_ENUM)
#undef LESSON_STORE_EVENT_ENUM
} lesson_store_event_kind;

/* What has caused an event: X(NAME, number, word). */
#define LESSON_STORE_CAUSE_MAP(X)                                                                     \
    X(CALL, 0, "call")     /* an operation of its kind */                                             \
    X(END, 1, "end")       /* a step in the end of a lesson too large for one: SET, QUIT, then END */ \
    X(SWEEP, 2, "sweep")   /* the owner was over, or dropped */                                       \
    X(REPAIR, 3, "repair") /* a repair; its QUIT can be of a user who was no true member */           \
    X(KICK, 4, "kick")     /* the user was banned and put out */

typedef enum lesson_store_cause {
#define LESSON_STORE_CAUSE_ENUM(name, number, word) LESSON_STORE_CAUSE_##name = (number),
    LESSON_STORE_CAUSE_MAP(LESSON_STORE_CAUSE_ENUM)
#undef LESSON_STORE_CAUSE_ENUM
} lesson_store_cause;

/* Return the words, such as "end_record" and "sweep": static strings, "?" for an unknown number. */
LESSON_STORE_API const char *lesson_store_event_name(uint32_t kind);
LESSON_STORE_API const char *lesson_store_cause_name(uint32_t cause);

/* The ids are borrowed until the callback returns; those that the kind does not have are "not given". */
typedef struct lesson_store_event {
    uint32_t kind;  /* lesson_store_event_kind; skip a kind that you do not know, as of a newer library */
    uint32_t cause; /* lesson_store_cause */
    int64_t at_ms;  /* when, by the clock of the store: milliseconds since 1970 */
    lesson_store_id lesson_id;
    lesson_store_id uid;
    lesson_store_id course_id;
    lesson_store_id from_lesson_id; /* where the user was: this lesson if already there */
    lesson_store_id session;
    lesson_store_id owner;
    uint32_t given; /* LESSON_STORE_GIVEN_...: which of the numbers below count */
    int32_t course_status;
    int32_t chat_status;
    uint32_t reserved_number; /* 0 */
    uint64_t capacity;
    uint64_t count;       /* END: users put out by it, and not by steps before */
    uint64_t reserved[8]; /* 0 */
} lesson_store_event;

typedef struct lesson_store_feed lesson_store_feed;

/* Opens a feed of one lesson (`lesson_id` NULL: of all). It begins behind `position`: NULL for now, before this call
 * returns; LESSON_STORE_POSITION_OLDEST, for what is kept when the feed first reads; or what lesson_store_feed_position
 * has returned, also in another process. A feed of one lesson also gives the JOIN by which a user leaves it for another
 * one. On success `*out` is the caller's; close it before the store. On failure it is NULL: INVALID (also for a text
 * that is no position), UNSUPPORTED (the backend has no feed), NOT_FOUND (the feed is off), NO_MEMORY, FAILED (no
 * thread or no descriptor), and those of single calls that read. */
LESSON_STORE_API int lesson_store_feed_open(lesson_store_feed **out, lesson_store *store, const char *lesson_id,
                                            const char *position);

/* Closes a feed; NULL is allowed. Not in its callback. Closing the last feed of a store waits until its thread has
 * ended, at most as long as one attempt to reach the store takes. */
LESSON_STORE_API void lesson_store_feed_close(lesson_store_feed *feed);

/* Returns a descriptor that is readable (POLLIN) while there is something to drain. Only wait for it: never read it or
 * close it. */
LESSON_STORE_API int lesson_store_feed_descriptor(const lesson_store_feed *feed);

/* Returns false to stop. The store may be called, but this feed only for its position. */
typedef bool (*lesson_store_event_callback)(const lesson_store_event *event, void *context);

/* Calls the callback for the events that have come, in order, at most `most` of them (0: all), in the calling thread.
 * `*count` (may be NULL) becomes their number. Never waits for the store.
 *   OK           these are all for now, or the callback has stopped, or `most` were given.
 *   GAP          events are missing here: list anew, then drain again. The feed goes on from a position that was the
 *                newest before this call.
 *   UNREACHABLE, or another failure: the store cannot be read. The feed tries again by itself and loses nothing; the
 *                descriptor becomes readable when there are events, and once when this failure begins. NOT_FOUND: the
 *                feed was turned off. */
LESSON_STORE_API int lesson_store_feed_drain(lesson_store_feed *feed, size_t most, lesson_store_event_callback callback,
                                             void *context, size_t *count);

/* Writes a position behind the latest event that was given, the one of the running callback included, and before the
 * next one of this feed. So it moves on while a lesson is quiet, and stays valid while the store keeps the events
 * behind it. Until the feed has read for the first time, it can be LESSON_STORE_POSITION_OLDEST. `position` has
 * LESSON_STORE_POSITION_SIZE bytes. */
LESSON_STORE_API int lesson_store_feed_position(const lesson_store_feed *feed, char *position);

/* Returns true once every event has been given that there was at some moment after the feed was opened: what was behind
 * an old position is caught up with, and the list of "list, then follow" has all of its past. It stays true. Any
 * thread. */
LESSON_STORE_API bool lesson_store_feed_is_current(const lesson_store_feed *feed);

#ifdef __cplusplus
}
#endif

#endif
