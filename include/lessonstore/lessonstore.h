/*
 * lessonstore: which lessons are open, what state each is in, who is in which lesson, and whether the chat is open.
 *
 * This header is the interface for applications. executor.h, feed.h and figures.h add what servers need, fault.h what
 * their tests need. Only what these five, backend.h and conformance.h declare is part of the library. Every promise
 * below holds for every backend. docs/promises.md numbers the promises, and the conformance suite tests them by number.
 *
 * Words. A *lesson* is one live session, part of a *course*. A *user* who is in a lesson is a *member* of it.
 * A *lesson record* holds the statuses of a lesson. A *user record* holds the course and the lesson that a user is in.
 * The one-lesson rule: a user is in at most one lesson. Joining another lesson moves the user.
 *
 * Threads. Any number of threads may use one store at the same time. Each call borrows one engine connection (an
 * *instance*), and waits while all are lent: BUSY if that takes too long. While a call uses an operation, no other
 * thread may touch the operation. No call is a cancellation point (pthread_cancel): a cancel that comes during a call,
 * callbacks included, takes effect at the thread's next cancellation point after it. Asynchronous cancellation is not
 * supported. A callback returns: it must not call pthread_exit or longjmp, or throw. Signals may come at any time and
 * end no call. No call is safe in a signal handler.
 *
 * Processes. After fork(), a child cannot use what its parent opened: every call on such a store, cursor or executor is
 * CLOSED, and closing it does nothing. That holds in a callback too: when it returns in the child, its list ends with
 * CLOSED. The child opens its own store. An SQLite file that the parent had open is UNSUPPORTED in the child until it
 * calls exec, so open it after daemon(). Copied descriptors stay open until the child ends or calls exec.
 *
 * Atomicity. Every operation takes effect once, as one step that no other operation sees half done. The one exception
 * is the end of a very large lesson in Redis: see lesson_store_end. The lists and the check state their own promises. A
 * store whose engine cannot do that says so: see LESSON_STORE_EXCEPT_STEPS.
 *
 * Strings. Ids are valid UTF-8 of 1 to LESSON_STORE_ID_MAX bytes without control bytes (0x00-0x1F, 0x7F). They are
 * compared byte by byte. After a call has returned, the library keeps no pointer of the caller's.
 *
 * Structures. A zeroed structure means that nothing is given. Structures never change their size after version 1.0;
 * reserved fields are where they grow. Zero the reserved fields of what you ask with; the library zeroes those of what
 * it returns. A structure that begins with `size` may also grow at its end. Set `size` to the sizeof that your program
 * was compiled with, at most 4096. If it is smaller than the library's, the missing fields count as zero. (None is
 * smaller than the structure of version 0.1.) If it is larger, the fields that the library does not know must be zero.
 */
#ifndef LESSONSTORE_LESSONSTORE_H
#define LESSONSTORE_LESSONSTORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The only place that states the version. The build reads it from here. */
#define LESSON_STORE_VERSION_MAJOR 0
#define LESSON_STORE_VERSION_MINOR 2
#define LESSON_STORE_VERSION_PATCH 0

#if defined(__GNUC__)
#define LESSON_STORE_API __attribute__((visibility("default")))
#define LESSON_STORE_PRINTF(format_index, first_argument) __attribute__((format(printf, format_index, first_argument)))
#define LESSON_STORE_RARE __attribute__((cold)) /* compilers lay out the path to it as the less likely one */
#else
#define LESSON_STORE_API
#define LESSON_STORE_PRINTF(format_index, first_argument)
#define LESSON_STORE_RARE
#endif

#define LESSON_STORE_ID_MAX 255              /* bytes in an id */
#define LESSON_STORE_LOCATION_MAX 4096       /* bytes in a location, without the terminating NUL */
#define LESSON_STORE_MESSAGE_SIZE 1024       /* bytes in a message, with the terminating NUL; longer messages are cut */
#define LESSON_STORE_BATCH_MAX 65536         /* operations in one batch */
#define LESSON_STORE_PAGE_MAX 10000          /* entries in one page of a list */
#define LESSON_STORE_POOL_MAX 64             /* instances in one store */
#define LESSON_STORE_LEASE_MAX_MS 86400000   /* the longest lease of an owner, a day */
#define LESSON_STORE_CAPACITY_MAX 1000000000 /* members that a capacity can allow */

/* The longest ban, 30 days. A ban ends with its lesson, and no lesson lasts as long. Keep a list of your own of users
 * who must never come back. */
#define LESSON_STORE_BAN_MAX_MS INT64_C(2592000000)

/* ---------------------------------------------------------------- Codes
 *
 * One list makes the codes, their names and their texts: X(name, value, text).
 *   0          done.
 *   positive   an answer of "no": the store works, and nothing was changed.
 *   negative   a failure: the question was not answered. Nothing was changed, unless the code is UNKNOWN.
 * No failure is ever reported as an answer: an unreachable store is never an empty lesson.
 * docs/errors.md says what to do about each code.
 */
#define LESSON_STORE_CODE_MAP(X)                                                     \
    X(OK, 0, "done")                                                                 \
    X(NOT_FOUND, 1, "not found")                                                     \
    X(EXISTS, 2, "exists already")                                                   \
    X(REFUSED, 3, "refused by a flag of the call")                                   \
    X(CONFLICT, 4, "the current state is not the expected one")                      \
    X(GAP, 5, "events are missing")                                                  \
    X(INVALID, -1, "invalid argument")                                               \
    X(UNSUPPORTED, -2, "not supported by this store")                                \
    X(REENTERED, -3, "called from a callback of the same store")                     \
    X(NO_MEMORY, -4, "out of memory")                                                \
    X(UNREACHABLE, -5, "the store cannot be reached")                                \
    X(DENIED, -6, "access denied by the store")                                      \
    X(READ_ONLY, -7, "the store is read-only")                                       \
    X(FULL, -8, "the store has no room left")                                        \
    X(BUSY, -9, "the store is locked or in use")                                     \
    X(UNKNOWN, -10, "outcome unknown: the request may or may not have been applied") \
    X(MALFORMED, -11, "the stored data is malformed")                                \
    X(FAILED, -12, "the store failed")                                               \
    X(EXPIRED, -13, "timed out; nothing was changed")                                \
    X(CANCELLED, -14, "cancelled before it began")                                   \
    X(OVERLOADED, -15, "too many operations are pending")                            \
    X(CLOSED, -16, "closed to new operations")

typedef enum lesson_store_code {
#define LESSON_STORE_CODE_ENUM(name, value, text) LESSON_STORE_##name = (value),
    LESSON_STORE_CODE_MAP(LESSON_STORE_CODE_ENUM)
#undef LESSON_STORE_CODE_ENUM
} lesson_store_code;

/* Return the name ("NOT_FOUND") and the text ("not found") of a code: static strings, never NULL. For an unknown code
 * they are "?" and "unknown code". Any thread. */
LESSON_STORE_API const char *lesson_store_code_name(int code);
LESSON_STORE_API const char *lesson_store_code_text(int code);

/* Returns the message of the latest failure (negative code) in the calling thread: one line with names and figures, for
 * a person. Never NULL; owned by the thread; valid until the next failing call of this thread. Check the return code,
 * not this: later successes do not clear it. After a batch it is the message of the operation that failed last; every
 * operation can also have a message of its own (lesson_store_operation, `message`). It never holds a password. */
LESSON_STORE_API const char *lesson_store_message(void);

/* Replaces by a ? every byte that a terminal could take for a command: control bytes, the C1 controls (U+0080 to
 * U+009F), characters that change the direction of text (U+061C, U+200E, U+200F, U+202A to U+202E, U+2066 to U+2069),
 * separators of lines and paragraphs (U+2028, U+2029), invisible tags (U+E0000 to U+E007F), and bytes that are not
 * UTF-8. Ids may hold such characters. Messages are printable already. */
LESSON_STORE_API void lesson_store_make_printable(char *text);

/* Returns the version of the library that is running, such as "0.2.0". */
LESSON_STORE_API const char *lesson_store_version(void);

/* ---------------------------------------------------------------- Values */

/* The statuses as they are stored. Both belong to one lesson. `course_status` is the name in the stored data: it is not
 * a status of the course. */
enum {
    LESSON_STORE_STATUS_NONE = -1, /* only in answers: there is no status */

    LESSON_STORE_COURSE_OFFLINE = 0,
    LESSON_STORE_COURSE_ONLINE = 1,
    LESSON_STORE_COURSE_CANT_JOIN_IN = 2, /* running, closed to latecomers */
    LESSON_STORE_COURSE_WAITING = 3,      /* the room is open, the class has not begun */

    LESSON_STORE_CHAT_FREE = 0,
    LESSON_STORE_CHAT_BANNED = 1
};

/* The words of lessonctl and of exports: "offline", "online", "cantjoinin", "waiting"; "free", "banned". For a status
 * outside the range the word is NULL. For an unknown word the status is LESSON_STORE_STATUS_NONE. */
LESSON_STORE_API const char *lesson_store_course_status_word(int course_status);
LESSON_STORE_API const char *lesson_store_chat_status_word(int chat_status);
LESSON_STORE_API int lesson_store_course_status_of(const char *word);
LESSON_STORE_API int lesson_store_chat_status_of(const char *word);

/* A borrowed id: `size` bytes at `data`, not terminated by a NUL. {NULL, 0} means "not given". */
typedef struct lesson_store_id {
    const char *data;
    size_t size;
} lesson_store_id;

/* Returns the id in a C string, which it points into. NULL gives "not given". */
static inline lesson_store_id lesson_store_id_of(const char *text) {
    lesson_store_id id;
    id.data = text;
    id.size = text ? strlen(text) : 0;
    return id;
}

/* Checks whether these bytes are an id (see "Strings" above). Returns OK, or INVALID with a message that begins with
 * `what` and names the fault. Use it to check all of an input before any of it is stored. */
LESSON_STORE_API int lesson_store_id_check(const char *what, lesson_store_id id);

/* Where a user is, or was: C strings, "" where there is none. The memory is the caller's. `owner` and `joined_ms` are
 * those of the user's latest join, if it named an owner. */
typedef struct lesson_store_place {
    char course_id[LESSON_STORE_ID_MAX + 1];
    char lesson_id[LESSON_STORE_ID_MAX + 1];
    char session[LESSON_STORE_ID_MAX + 1];
    char owner[LESSON_STORE_ID_MAX + 1];
    int64_t joined_ms;    /* by the clock of the store: milliseconds since 1970; 0: not known */
    uint64_t reserved[7]; /* 0 */
} lesson_store_place;

/* A lesson as it is stored. Without a record, or if the record lacks the field, a status is LESSON_STORE_STATUS_NONE.
 * `lesson_id` is borrowed: in a callback until it returns, in a page as long as the page, in an operation it is the
 * caller's own. `course_id` is borrowed in the same way, but in an operation it points into its `place`, and without a
 * place it is "not given". */
typedef struct lesson_store_lesson {
    lesson_store_id lesson_id;
    uint64_t member_count;
    int32_t course_status;
    int32_t chat_status;
    bool has_record;
    lesson_store_id course_id; /* that create was given; "not given": none */
    uint64_t capacity;         /* that JOIN_IF_ROOM allows; 0: any number */
    uint64_t reserved[5];      /* 0 */
} lesson_store_lesson;

/* A user record. The ids are borrowed: in a callback until it returns, in a page as long as the page. `session` and
 * `owner` may be "not given". */
typedef struct lesson_store_user {
    lesson_store_id uid;
    lesson_store_id course_id;
    lesson_store_id lesson_id;
    lesson_store_id session;
    lesson_store_id owner;
    int64_t joined_ms;    /* as in a place */
    uint64_t reserved[5]; /* 0 */
} lesson_store_user;

/* ---------------------------------------------------------------- Stores */

typedef struct lesson_store lesson_store;

/* Opens the store at `location`:
 *
 *   memory:                                                     gone when it is closed
 *   sqlite:PATH[?option=value&...]   sqlite::memory:            the file is created if it does not exist
 *   redis://[user[:password]@]host[:port][/db][?option=value&...]
 *   redis+unix://[user[:password]@]/path/to.sock[?db=N&...]
 *   redis+sentinel://[user[:password]@]host[:port][,host[:port]...]/master[/db][?option=value&...]
 *   redis+cluster://[user[:password]@]host[:port][,host[:port]...][?prefix={tag}&...]
 *   rediss://... rediss+sentinel://... rediss+cluster://...     the same over TLS
 *   fault+LOCATION[?fault_code=unreachable&...]                 one of these, made to fail in tests: fault.h
 *
 * User, password, path and option values are percent-decoded (write %3F for a ? in a path). Every scheme takes
 * `pool=N`, the number of instances that threads may use at the same time. backends/NAME/README.md lists the other
 * options. At least one instance is connected before the call returns.
 *
 * On success `*out` is the caller's; close it with lesson_store_close. On failure `*out` is NULL and nothing needs to
 * be closed: INVALID (the message names the part of the location), UNSUPPORTED (this build has no such scheme, the file
 * has a newer version, or the server is of another kind than the scheme says), UNREACHABLE, DENIED, BUSY, READ_ONLY,
 * FULL, MALFORMED (the file is not a lessonstore database), NO_MEMORY, FAILED. */
LESSON_STORE_API int lesson_store_open(lesson_store **out, const char *location);

/* Closes a store. NULL is allowed. No call may be running on it, and none may follow. In a forked child it does nothing
 * to a store of the parent's. */
LESSON_STORE_API void lesson_store_close(lesson_store *store);

/* ---------------------------------------------------------------- Single calls
 *
 * Each is a batch of one operation. Ids are C strings; a comment says where NULL is allowed. Every call returns a code.
 * Besides those named with the call, each may return:
 *   INVALID      an id, status or flag is not valid. The message names it.
 *   UNSUPPORTED  the backend lacks the operation, the flag, or sessions.
 *   REENTERED    called from a callback of this store.
 *   CLOSED       called in a forked child, on a store that its parent opened.
 *   UNREACHABLE, DENIED, READ_ONLY, FULL, BUSY, NO_MEMORY, FAILED: nothing was changed.
 *   UNKNOWN      only from calls that write: the connection broke after the request was sent, or the engine failed in
 *                the middle of it and could not undo what it had done. The request may also be applied a little later.
 *                Ask the store (`where`, `get_lesson`) before you do it again.
 *   MALFORMED    the data stored under these names is malformed. Nothing was changed.
 *
 * Output arguments may be NULL. An id may point into an output argument, for example to quit the place that `where` has
 * returned. An output is written with the codes for which the call says so, and keeps its content with the other ones
 * from 0 upwards. After a failure (a negative code) the content of outputs is unspecified.
 */

/* Flags. Each bit means the same in every operation that takes it. What a flag of a join asks is decided in the step of
 * the join (but see LESSON_STORE_EXCEPT_ADMISSION). */
enum {
    LESSON_STORE_CREATE_RESET = 1 << 0,    /* an existing record goes back to WAITING and FREE; members stay */
    LESSON_STORE_END_RECORD_ONLY = 1 << 1, /* remove the record and leave the members where they are */
    LESSON_STORE_JOIN_IF_EXISTS = 1 << 2,  /* only if the lesson has a record */
    LESSON_STORE_JOIN_IF_OPEN = 1 << 3,    /* only if the lesson is ONLINE or WAITING. CANT_JOIN_IN refuses its own
                                            * members too; they come back by IF_OPEN_OR_MEMBER */
    LESSON_STORE_JOIN_STAY = 1 << 4,       /* refuse to move a user who is in another lesson */

    /* Only if the lesson has a record, and is ONLINE or WAITING or has the user as a member. So a member comes back
     * into a lesson that was closed, but nobody comes back into one that has ended. */
    LESSON_STORE_JOIN_IF_OPEN_OR_MEMBER = 1 << 5,

    /* Only if the lesson has fewer members than the capacity in its record, or the record has none, or the user is a
     * member already. */
    LESSON_STORE_JOIN_IF_ROOM = 1 << 6,

    LESSON_STORE_HOLD_RENEW = 1 << 7, /* only if the owner holds a lease already */

    /* Only if the user is not banned from the lesson. A ban refuses a member too, who then stays until they quit. */
    LESSON_STORE_JOIN_UNLESS_BANNED = 1 << 8,

    LESSON_STORE_BAN_KICK = 1 << 9, /* and take the user out, if the user is in that lesson */

    /* With `if_session`: also if the user is in no lesson. So a join that puts back who was put out replaces no session
     * of a user who has come back on another way. INVALID without `if_session`. */
    LESSON_STORE_JOIN_OR_NOWHERE = 1 << 10
};

/* Only in answers, among the flags that refuse a join: its owner holds no lease. */
#define LESSON_STORE_JOIN_BY_OWNER (UINT32_C(1) << 31)

/* Makes a lesson record with the statuses WAITING and FREE. EXISTS: there is one, and it was left as it is. With
 * LESSON_STORE_CREATE_RESET an existing record goes back to WAITING and FREE, and keeps its course and its capacity. To
 * create a lesson with other statuses, a course and a capacity in one step, use an operation: docs/running.md shows it.
 */
LESSON_STORE_API int lesson_store_create(lesson_store *store, const char *lesson_id, uint32_t flags);

/* Removes the record and puts every member out, in one step. `*left` becomes how many left: the users put out.
 * NOT_FOUND: there was neither a record nor a member. With LESSON_STORE_END_RECORD_ONLY members stay where they are,
 * `*left` is 0, and NOT_FOUND means that there was no record. If a Redis lesson has more members than
 * lesson_store_abilities `end_at_once_max`, it is closed first (OFFLINE), then its members leave in steps, and the
 * record goes with the last step. */
LESSON_STORE_API int lesson_store_end(lesson_store *store, const char *lesson_id, uint32_t flags, uint64_t *left);

/* Set one status of a lesson record. NOT_FOUND: there is no record. */
LESSON_STORE_API int lesson_store_set_course_status(lesson_store *store, const char *lesson_id, int course_status);
LESSON_STORE_API int lesson_store_set_chat_status(lesson_store *store, const char *lesson_id, int chat_status);

/* Replace one status of a lesson record, but only if it is `expected` (compare-and-set). CONFLICT: it is not, and
 * `*current` becomes what it is, LESSON_STORE_STATUS_NONE if the record has none (then `expected` cannot match: use the
 * calls above). NOT_FOUND: there is no record. */
LESSON_STORE_API int lesson_store_replace_course_status(lesson_store *store, const char *lesson_id, int expected,
                                                        int course_status, int *current);
LESSON_STORE_API int lesson_store_replace_chat_status(lesson_store *store, const char *lesson_id, int expected,
                                                      int chat_status, int *current);

/* Sets how many members JOIN_IF_ROOM allows; 0: any number. Members stay, also if they are more. NOT_FOUND: there is no
 * record. */
LESSON_STORE_API int lesson_store_set_capacity(lesson_store *store, const char *lesson_id, uint64_t capacity);

/* Reads a lesson into `*lesson`, without its course. NOT_FOUND: neither record nor members. MALFORMED: a status is not
 * one of ours. */
LESSON_STORE_API int lesson_store_get_lesson(lesson_store *store, const char *lesson_id, lesson_store_lesson *lesson);

/* Puts a user into a lesson and out of any other one. `course_id` is only stored and returned: a lesson record names no
 * course that it could be compared with. `session` (NULL: none) replaces the session in the user record.
 * On OK `*before` becomes where the user was: `lesson_id` is "" for a new user, this lesson for a user who was in it
 * already, and another lesson for a user who was moved. Without a flag, nothing is asked of the lesson record: it need
 * not exist. REFUSED: a flag forbade the join; `*before` becomes where the user still is, "" for nowhere. To learn
 * which of several flags it was, use an operation (`refused_by`). */
LESSON_STORE_API int lesson_store_join(lesson_store *store, const char *uid, const char *course_id,
                                       const char *lesson_id, const char *session, uint32_t flags,
                                       lesson_store_place *before);

/* As join, but only if the user's session is `if_session`, which this join replaces by `session` (compare-and-set). So
 * a client whose connection dropped comes back under a new session, unless the user has come back on another way, was
 * put out, or the lesson has ended. CONFLICT: the session is another one or none, or the user is in no lesson (allowed
 * by JOIN_OR_NOWHERE); `*before` becomes where the user still is, "" for nowhere. The user has no owner then: servers
 * with owners use lesson_store_resume_for. */
LESSON_STORE_API int lesson_store_resume(lesson_store *store, const char *uid, const char *course_id,
                                         const char *lesson_id, const char *if_session, const char *session,
                                         uint32_t flags, lesson_store_place *before);

/* Takes a user out. With `lesson_id` (NULL: any) only if the user is in that lesson; with `session` (NULL: any) only if
 * the user's last join carried that session. So the late quit of an old connection does not take out a user who has
 * come back. On OK `*before` becomes the place left. NOT_FOUND: the user is in no lesson. CONFLICT: the user is in
 * another lesson, or has come back with another session or with none; `*before` becomes where the user still is. */
LESSON_STORE_API int lesson_store_quit(lesson_store *store, const char *uid, const char *lesson_id, const char *session,
                                       lesson_store_place *before);

/* Reads where a user is. NOT_FOUND: in no lesson. */
LESSON_STORE_API int lesson_store_where(lesson_store *store, const char *uid, lesson_store_place *place);

/* Counts the members of a lesson without listing them. An unknown lesson has 0. */
LESSON_STORE_API int lesson_store_count_members(lesson_store *store, const char *lesson_id, uint64_t *count);

/* ---------------------------------------------------------------- Batches
 *
 * The same operations as data: an array, with the answer to each in it. Every operation of a batch is atomic by itself,
 * and they take effect in order (but see LESSON_STORE_EXCEPT_ORDER). The batch is not a transaction: other operations
 * may come between. A batch is one transaction of SQLite (two, if an invalid operation stands in the middle), or a few
 * requests to Redis, so it is far faster than as many single calls.
 */

/* One list makes the operations: X(NAME, number, word). Its comment says what each takes and -> returns. */
#define LESSON_STORE_OPERATION_MAP(X)                                                                               \
    X(CREATE, 1, "create")         /* lesson_id, [course_id], [given numbers]; flag RESET */                        \
    X(END, 2, "end")               /* lesson_id; flag RECORD_ONLY -> count */                                       \
    X(SET, 3, "set")               /* lesson_id, given numbers -> lesson (CONFLICT) */                              \
    X(GET_LESSON, 4, "get_lesson") /* lesson_id -> lesson; place, if it has a course */                             \
    X(JOIN, 5, "join")   /* uid, course_id, lesson_id, [session], [if_session], [owner]; flags -> arrival, place */ \
    X(QUIT, 6, "quit")   /* uid, [lesson_id], [session] -> place */                                                 \
    X(WHERE, 7, "where") /* uid -> place */                                                                         \
    X(COUNT_MEMBERS, 8, "count_members") /* lesson_id -> count */                                                   \
    X(HOLD, 9, "hold")                   /* owner, lease_ms; flag RENEW */                                          \
    X(BAN, 10, "ban")                    /* uid, lesson_id, ban_ms; flag KICK -> count, place */

/* LESSON_STORE_OPERATION_JOIN, ... are the values of `kind`. LESSON_STORE_OPERATION_MASK_JOIN, ... are bits, for sets
 * of operations. A zeroed operation is NONE: it does nothing, and its code is OK. */
typedef enum lesson_store_operation_kind {
    LESSON_STORE_OPERATION_NONE = 0,
#define LESSON_STORE_OPERATION_ENUM(name, number, word) LESSON_STORE_OPERATION_##name = (number),
    LESSON_STORE_OPERATION_MAP(LESSON_STORE_OPERATION_ENUM)
#undef LESSON_STORE_OPERATION_ENUM
} lesson_store_operation_kind;

enum {
#define LESSON_STORE_OPERATION_ENUM(name, number, word) LESSON_STORE_OPERATION_MASK_##name = 1 << (number),
    LESSON_STORE_OPERATION_MAP(LESSON_STORE_OPERATION_ENUM)
#undef LESSON_STORE_OPERATION_ENUM
};

/* Returns the word of a kind, such as "get_lesson"; "none" for NONE, "?" for an unknown kind. Any thread. */
LESSON_STORE_API const char *lesson_store_operation_name(uint32_t kind);

typedef enum lesson_store_arrival {
    LESSON_STORE_ARRIVAL_NEW = 0,          /* the user was in no lesson */
    LESSON_STORE_ARRIVAL_MOVED = 1,        /* the user was in another lesson */
    LESSON_STORE_ARRIVAL_ALREADY_THERE = 2 /* the user was in this lesson */
} lesson_store_arrival;

/* Which numbers of an operation are given. (An id is given if its `data` is not NULL.) */
enum {
    LESSON_STORE_GIVEN_COURSE_STATUS = 1 << 0,
    LESSON_STORE_GIVEN_CHAT_STATUS = 1 << 1,
    LESSON_STORE_GIVEN_IF_COURSE_STATUS = 1 << 2,
    LESSON_STORE_GIVEN_IF_CHAT_STATUS = 1 << 3,
    LESSON_STORE_GIVEN_CAPACITY = 1 << 4
};

/* Zero all of it, then fill in what the kind takes: {.kind = LESSON_STORE_OPERATION_JOIN, .uid = ..., ...}. What the
 * kind does not take, and the reserved words, must stay zero. Otherwise that operation is INVALID. */
typedef struct lesson_store_operation {
    /* asked */
    uint32_t kind; /* lesson_store_operation_kind */
    uint32_t flags;
    lesson_store_id uid;
    lesson_store_id course_id;
    lesson_store_id lesson_id;
    lesson_store_id session;
    uint32_t given;        /* LESSON_STORE_GIVEN_...: which of the numbers below count */
    int32_t course_status; /* SET: the new values, at least one number. CREATE: the first ones, else WAITING and FREE */
    int32_t chat_status;
    int32_t if_course_status; /* SET: the expected values. If one is not the current one: CONFLICT */
    int32_t if_chat_status;
    uint32_t message_size;     /* bytes at `message`; not 0 if it is not NULL */
    char *message;             /* where to write the message of a failure of this operation, as a C string, cut if there
                                * is no room; "" if it does not fail. NULL: nowhere */
    lesson_store_place *place; /* where to write the place that an answer has. NULL: nowhere. No id of this batch may
                                * point into this or into a message: one operation could read what another answered */
    lesson_store_id if_session; /* JOIN: only if this is the user's session. If not, or in no lesson: CONFLICT. See
                                 * JOIN_OR_NOWHERE */
    uint64_t capacity;          /* CREATE, SET: up to LESSON_STORE_CAPACITY_MAX; 0: any number */
    lesson_store_id owner;      /* HOLD, JOIN */
    int64_t lease_ms;           /* HOLD: 1 to LESSON_STORE_LEASE_MAX_MS */
    int64_t ban_ms;             /* BAN: up to LESSON_STORE_BAN_MAX_MS; 0, which KICK does not take: lifts the ban */
    uint64_t reserved[5];       /* 0 */

    /* answered: `code` always, every other field only with the kinds and codes beside it. Else it keeps its content. */
    int32_t code;               /* what the single call would have returned. It says nothing before the batch, and after
                                 * a batch that was REENTERED, CLOSED or INVALID as a whole. */
    uint32_t arrival;           /* JOIN, OK: lesson_store_arrival */
    uint32_t refused_by;        /* JOIN, REFUSED: the first flag that forbids it, in the order IF_EXISTS, UNLESS_BANNED,
                                 * IF_OPEN, IF_OPEN_OR_MEMBER, IF_ROOM, STAY, JOIN_BY_OWNER */
    uint32_t reserved_answer;   /* 0 */
    uint64_t count;             /* END: users put out; BAN: the same, 0 or 1; COUNT_MEMBERS: members; JOIN, REFUSED by
                                 * IF_ROOM: members */
    lesson_store_lesson lesson; /* GET_LESSON, OK: all; SET, CONFLICT: the current statuses */
    uint64_t reserved_answers[8];
} lesson_store_operation;

/* Runs `count` operations (0 to LESSON_STORE_BATCH_MAX) in order. OK: the store has answered each of them, and `code`
 * in each says how. An operation that is INVALID or UNSUPPORTED is answered so, and the others run. A negative code:
 * the batch stopped. Operations without an answer have that code (UNKNOWN for writes that may have been
 * applied, UNREACHABLE for those that were certainly not), and those that were answered before keep their answers.
 * REENTERED, CLOSED, or INVALID for a missing argument or a wrong count: no operation was run or written to. */
LESSON_STORE_API int lesson_store_batch(lesson_store *store, lesson_store_operation *operations, size_t count);

/* ---------------------------------------------------------------- Lists by callback
 *
 * The callback is called once for each entry. It returns true to go on and false to stop early; stopping early is OK,
 * not an error. While it runs, its thread must not call the store again: the answer is REENTERED. It must not wait for
 * another thread that calls this store either. Other stores may be called, also one on the same data; but if a callback
 * of each of two stores calls the other one, they can wait for each other. The order is unspecified. The codes are
 * those of single calls that read. After a failure the entries given so far are true, but not all were given.
 * MALFORMED: all entries were given except malformed ones; the message names the first of these.
 */
typedef bool (*lesson_store_member_callback)(const lesson_store_id *uid, void *context);
typedef bool (*lesson_store_lesson_callback)(const lesson_store_lesson *lesson, void *context);
typedef bool (*lesson_store_user_callback)(const lesson_store_user *user, void *context);

/* Lists every member of a lesson once, as of one instant. An unknown lesson has none. If a Redis lesson has more
 * members than lesson_store_abilities `members_at_once_max`, it is listed page by page: each member once; a user who is
 * a member from beginning to end is listed; a user who joins or quits meanwhile may be. */
LESSON_STORE_API int lesson_store_members(lesson_store *store, const char *lesson_id,
                                          lesson_store_member_callback callback, void *context);

/* Lists every lesson that has a record or members, once, with its member count. Each lesson is as of one instant. In
 * memory and SQLite, so is the list as a whole. In Redis, what is there from beginning to end is listed, and what comes
 * or goes meanwhile may be. (Redis finds a lesson by its record or by its members: one that gets the one and then loses
 * the other meanwhile may be missed.) */
LESSON_STORE_API int lesson_store_lessons(lesson_store *store, lesson_store_lesson_callback callback, void *context);

/* Which lessons to list. Zero all of it, then fill in what a lesson must have; what is not given does not matter. A
 * lesson without a record has neither a course nor a status, so only an empty filter lists it. */
typedef struct lesson_store_lesson_filter {
    lesson_store_id course_id; /* the course in the record */
    uint32_t given;            /* LESSON_STORE_GIVEN_COURSE_STATUS, ..._CHAT_STATUS: which of the numbers below count */
    int32_t course_status;
    int32_t chat_status;
    uint32_t reserved_number; /* 0 */
    uint64_t reserved[6];     /* 0 */
} lesson_store_lesson_filter;

/* Lists the lessons that pass the filter, under the rules of lesson_store_lessons, without reading the users. A lesson
 * that passes it from beginning to end is listed. MALFORMED: of the lessons that pass it, or of which that cannot be
 * said. An empty filter is lesson_store_lessons. */
LESSON_STORE_API int lesson_store_find_lessons(lesson_store *store, const lesson_store_lesson_filter *filter,
                                               lesson_store_lesson_callback callback, void *context);

/* Lists every user record once, under the rules of lesson_store_lessons. */
LESSON_STORE_API int lesson_store_users(lesson_store *store, lesson_store_user_callback callback, void *context);

/* ---------------------------------------------------------------- Owners
 *
 * A server that crashes takes nobody out. So a join can name an *owner* who answers for the user: a worker process, or
 * one connection. The owner holds a *lease*, which it renews from time to time. One renewal is for all of its users. If
 * an owner is silent for longer than its lease, it is *late*. A *sweep*, which any process may call at any time, finds
 * that it is over, and puts its users out.
 *
 *   lesson_store_make_owner(owner, "worker-7");           at the start of the worker: another id each time
 *   lesson_store_hold(store, owner, 15000, 0);            begin a lease
 *   lesson_store_join_for(store, owner, uid, ...);        each join
 *   lesson_store_hold(store, owner, 15000, LESSON_STORE_HOLD_RENEW);   every 5 s. CONFLICT: see below
 *   lesson_store_sweep(store, NULL, NULL, NULL);          every 5 s, in one process or in all
 *
 * What holds:
 *   - Time is the store's own: of the Redis server, or of the machine's clock.
 *   - Nobody is put out early. An owner is over only if its lease has run out, and if the sweeps of the last lease
 *     followed each other within half of a lease (at most 5/8). So after an outage of the store, a pause of the sweeps,
 *     or a change of the clock by more than that, owners have the time of a lease to renew. A smaller step of the clock
 *     lengthens or shortens leases by that step.
 *   - Sweep at least every half of the shortest lease, or nobody is ever put out.
 *   - An owner that is late and not yet over goes on by renewing. One that is over can neither renew nor join.
 *   - A sweep puts out only who is still in the lesson of the join that named this owner. Who has joined again, by
 *     another owner or by none, stays. (Writers that do not know owners are different: docs/running.md.)
 *   - Until it is swept, a user is in the lesson.
 * After a CONFLICT of a renewal, make a new owner, begin its lease, and join your users again. The sweep may have put
 * them out. Then they are no members, and JOIN_IF_OPEN_OR_MEMBER refuses them in a closed lesson. So resume each
 * (lesson_store_resume_for) with JOIN_OR_NOWHERE, JOIN_IF_EXISTS and JOIN_UNLESS_BANNED. CONFLICT: the user has come
 * back on another way, and stays there. docs/running.md has the details.
 * A join of another owner, or of none, replaces the owner. Quit and end take no notice of owners.
 */

/* Makes the id of a new owner, which is different each time: the name, a / and 16 random digits. `owner` has
 * LESSON_STORE_ID_MAX + 1 bytes. INVALID: the name is no id, or has more than 200 bytes. FAILED: no random numbers. */
LESSON_STORE_API int lesson_store_make_owner(char *owner, const char *name);

/* Begins a lease, or renews it: it runs out `lease_ms` (1 to LESSON_STORE_LEASE_MAX_MS) from now. CONFLICT: the owner
 * is over; with LESSON_STORE_HOLD_RENEW also if it holds no lease, as when it is over and its users are out. */
LESSON_STORE_API int lesson_store_hold(lesson_store *store, const char *owner, int64_t lease_ms, uint32_t flags);

/* As lesson_store_join, for an owner. REFUSED also if the owner holds no lease, or is over. */
LESSON_STORE_API int lesson_store_join_for(lesson_store *store, const char *owner, const char *uid,
                                           const char *course_id, const char *lesson_id, const char *session,
                                           uint32_t flags, lesson_store_place *before);

/* As lesson_store_resume, for an owner. CONFLICT comes before REFUSED. REFUSED also if the owner holds no lease, or is
 * over: then the user keeps the session and the owner that the user has. */
LESSON_STORE_API int lesson_store_resume_for(lesson_store *store, const char *owner, const char *uid,
                                             const char *course_id, const char *lesson_id, const char *if_session,
                                             const char *session, uint32_t flags, lesson_store_place *before);

/* Puts out the users of owners that are over, in steps: each is atomic, and blocks others no longer than a page of a
 * list. (In memory it is one step, in which other threads wait, as in a list.) Any number of processes may sweep at the
 * same time. If no owner is late, this is one request. The callback (may be NULL) is called for each user who was put
 * out, under the rules for lists; if it stops, the next sweep goes on, and others of the same step can be out without a
 * call.
 * `*put_out` (may be NULL) becomes their number, also after a failure. The codes are those of single calls that write.
 * MALFORMED: all are out but those whose data is damaged; the message names the first. After UNKNOWN some users may be
 * out for whom the callback was not called. */
LESSON_STORE_API int lesson_store_sweep(lesson_store *store, lesson_store_user_callback callback, void *context,
                                        uint64_t *put_out);

/* The same at once for this owner, however long its lease, and for no other one: for a worker that ends. NOT_FOUND: it
 * holds no lease. */
LESSON_STORE_API int lesson_store_drop(lesson_store *store, const char *owner, lesson_store_user_callback callback,
                                       void *context, uint64_t *put_out);

typedef enum lesson_store_owner_state {
    LESSON_STORE_OWNER_HELD = 0,
    LESSON_STORE_OWNER_LATE = 1, /* its lease has run out */
    LESSON_STORE_OWNER_OVER = 2  /* its users are being put out */
} lesson_store_owner_state;

/* The id is borrowed until the callback returns. */
typedef struct lesson_store_owner {
    lesson_store_id owner;
    int64_t lease_ms;
    int64_t left_ms; /* of the lease: negative if it has run out, and 0 for an owner that is over */
    uint32_t state;  /* lesson_store_owner_state */
    uint32_t reserved_state;
    uint64_t reserved[8]; /* 0 */
} lesson_store_owner;

typedef bool (*lesson_store_owner_callback)(const lesson_store_owner *owner, void *context);

/* Lists every owner that holds a lease or is over, once, under the rules of lesson_store_users. */
LESSON_STORE_API int lesson_store_owners(lesson_store *store, lesson_store_owner_callback callback, void *context);

/* ---------------------------------------------------------------- Bans
 *
 * A ban keeps a user out of one lesson for a time. It counts only for joins with LESSON_STORE_JOIN_UNLESS_BANNED: other
 * joins ask nothing. Bans belong to the lesson record. They need one, and go with it: a lesson that is created again
 * has none. A reset keeps them. Time is the store's own, as for owners: a step of the clock lengthens or shortens bans
 * by that step.
 */

/* Bans a user from a lesson for `ban_ms` from now, 1 to LESSON_STORE_BAN_MAX_MS. This replaces an earlier ban, a longer
 * one too. The user may be anywhere, and stays there. NOT_FOUND: the lesson has no record. */
LESSON_STORE_API int lesson_store_ban(lesson_store *store, const char *lesson_id, const char *uid, int64_t ban_ms);

/* The same, and takes the user out in the same step, if the user is in that lesson. On OK `*left` becomes the place
 * left; `lesson_id` in it is "" if the user was not in the lesson and nobody left. NOT_FOUND: the lesson has no record;
 * nobody was banned, and nobody left. */
LESSON_STORE_API int lesson_store_kick(lesson_store *store, const char *lesson_id, const char *uid, int64_t ban_ms,
                                       lesson_store_place *left);

/* Lifts a ban. OK also if the user was not banned. NOT_FOUND: the lesson has no record. */
LESSON_STORE_API int lesson_store_unban(lesson_store *store, const char *lesson_id, const char *uid);

/* A user who is banned from a lesson. The id is borrowed until the callback returns. */
typedef struct lesson_store_banned {
    lesson_store_id uid;
    int64_t left_ms;      /* of the ban, more than 0 */
    uint64_t reserved[8]; /* 0 */
} lesson_store_banned;

typedef bool (*lesson_store_banned_callback)(const lesson_store_banned *banned, void *context);

/* Lists every user who is banned from a lesson, once, under the rules of lesson_store_users. An unknown lesson has
 * none. */
LESSON_STORE_API int lesson_store_bans(lesson_store *store, const char *lesson_id,
                                       lesson_store_banned_callback callback, void *context);

/* ---------------------------------------------------------------- Lists by page
 *
 * The same lists for callers that own their loop. Begin with a cursor that is NULL. Each call returns the next page, an
 * array of at least 1 and at most `most` entries; `*count` 0 means that the list has ended. `most` is 1 to
 * LESSON_STORE_PAGE_MAX. No argument may be NULL. The array and its ids belong to the cursor. They are valid until the
 * next call with it, or until it is closed. Close the cursor in the end, also after a failure and after the last page.
 * It must not outlive its store.
 *
 * A cursor holds no instance between two calls, so any time may pass, and the store may be called. No entry is listed
 * twice. An entry that is there from the first call to the last is listed; one that comes or goes meanwhile may be. (In
 * Redis, a lesson may be missed in the case that lesson_store_lessons describes.) An entry can be older than the call
 * that returns it: an engine may give more than `most` at once, and the cursor keeps the rest for later calls. A cursor
 * takes memory for that rest and, except over SQLite, 18 to 37 bytes for each entry listed, at least 64 KiB.
 *
 * A cursor belongs to one thread at a time, and to the list and the filter that it began with: INVALID otherwise.
 * UNSUPPORTED: the backend has no pages. The other codes are those of single calls that read. MALFORMED comes once,
 * after the last page, instead of OK with count 0. After every other failure the same call may be made again, and goes
 * on where it was.
 */
typedef struct lesson_store_cursor lesson_store_cursor;

LESSON_STORE_API int lesson_store_members_page(lesson_store *store, const char *lesson_id, size_t most,
                                               lesson_store_cursor **cursor, const lesson_store_id **uids,
                                               size_t *count);
LESSON_STORE_API int lesson_store_lessons_page(lesson_store *store, size_t most, lesson_store_cursor **cursor,
                                               const lesson_store_lesson **lessons, size_t *count);
LESSON_STORE_API int lesson_store_find_lessons_page(lesson_store *store, const lesson_store_lesson_filter *filter,
                                                    size_t most, lesson_store_cursor **cursor,
                                                    const lesson_store_lesson **lessons, size_t *count);
LESSON_STORE_API int lesson_store_users_page(lesson_store *store, size_t most, lesson_store_cursor **cursor,
                                             const lesson_store_user **users, size_t *count);

/* A list as data, for the pages of an executor (executor.h). Zero all of it, then fill in what the kind takes. */
typedef enum lesson_store_list_kind {
    LESSON_STORE_LIST_MEMBERS = 1,
    LESSON_STORE_LIST_LESSONS = 2,
    LESSON_STORE_LIST_USERS = 3
} lesson_store_list_kind;

typedef struct lesson_store_list {
    uint32_t kind;                     /* lesson_store_list_kind */
    uint32_t reserved_kind;            /* 0 */
    size_t most;                       /* entries in a page. It may differ from page to page */
    lesson_store_id lesson_id;         /* MEMBERS */
    lesson_store_lesson_filter filter; /* LESSONS */
    uint64_t reserved[6];              /* 0 */
} lesson_store_list;

/* Frees a cursor and the page that belongs to it. NULL is allowed. */
LESSON_STORE_API void lesson_store_cursor_close(lesson_store_cursor *cursor);

/* ---------------------------------------------------------------- Check and repair */

typedef enum lesson_store_finding_kind {
    /* A uid among the members of a lesson whose user record names another lesson, or does not exist. Repair removes it
     * from the members. */
    LESSON_STORE_FINDING_GHOST_MEMBER = 0,
    /* A user record whose lesson does not have the user among its members. Repair adds the user to the members. */
    LESSON_STORE_FINDING_MISSING_MEMBER = 1,
    /* A lesson record without one of its fields. Repair fills in what create writes. */
    LESSON_STORE_FINDING_INCOMPLETE_LESSON = 2,
    /* A user record that lacks a field. Repair fills in the uid, removes a record that names no lesson, and leaves one
     * that names no course. */
    LESSON_STORE_FINDING_INCOMPLETE_USER = 3,
    /* A user in a lesson that has no record; only found with LESSON_STORE_CHECK_ENDED. Repair takes the user out. */
    LESSON_STORE_FINDING_ENDED_LESSON = 4,
    /* Data of a wrong type, an invalid id or status, damage in the file. Repair leaves it, unless the finding says
     * repaired. */
    LESSON_STORE_FINDING_MALFORMED = 5,
    /* Bans of a lesson that was ended by a program that does not know bans. They have no effect. Repair removes them.
     */
    LESSON_STORE_FINDING_STALE_BANS = 6
} lesson_store_finding_kind;

/* Returns "ghost member", "missing member", ...; "?" for an unknown kind. */
LESSON_STORE_API const char *lesson_store_finding_text(int kind);

/* One disagreement. The ids (either may be "not given") and `detail` are borrowed until the callback returns. */
typedef struct lesson_store_finding {
    uint32_t kind;
    bool repairable; /* repair corrects it */
    bool repaired;   /* this call has corrected it */
    lesson_store_id lesson_id;
    lesson_store_id uid;
    const char *detail;   /* one line for a person */
    uint64_t reserved[4]; /* 0 */
} lesson_store_finding;

typedef bool (*lesson_store_finding_callback)(const lesson_store_finding *finding, void *context);

enum {
    LESSON_STORE_CHECK_REPAIR = 1 << 0, /* repair what is found */
    LESSON_STORE_CHECK_ENDED = 1 << 1   /* a lesson without a record counts as ended, and nobody may be in it */
};

/* Finds disagreement between user records and members, and with LESSON_STORE_CHECK_REPAIR repairs it. Each repair is
 * one atomic step that looks again first, so a true member is never removed, also while others join and quit. What such
 * traffic changes meanwhile may be found or not. The code is OK also if something was found: the callback (may be NULL)
 * is called for each finding, and `*found` and `*repaired` (may be NULL) count them, up to where the callback stopped.
 */
LESSON_STORE_API int lesson_store_check(lesson_store *store, uint32_t flags, lesson_store_finding_callback callback,
                                        void *context, uint64_t *found, uint64_t *repaired);

/* ---------------------------------------------------------------- Abilities and information */

/* Calls that are not operations. */
enum {
    LESSON_STORE_CALL_MEMBERS = 1 << 0, /* lesson_store_members */
    LESSON_STORE_CALL_LESSONS = 1 << 1,
    LESSON_STORE_CALL_USERS = 1 << 2,
    LESSON_STORE_CALL_CHECK = 1 << 3,
    LESSON_STORE_CALL_MEMBERS_PAGE = 1 << 4, /* lesson_store_members_page */
    LESSON_STORE_CALL_LESSONS_PAGE = 1 << 5,
    LESSON_STORE_CALL_USERS_PAGE = 1 << 6,
    LESSON_STORE_CALL_SWEEP = 1 << 7, /* lesson_store_sweep, lesson_store_drop */
    LESSON_STORE_CALL_OWNERS = 1 << 8,
    LESSON_STORE_CALL_FIND_LESSONS = 1 << 9,
    LESSON_STORE_CALL_FIND_LESSONS_PAGE = 1 << 10,
    LESSON_STORE_CALL_FEED = 1 << 11, /* feed.h */
    LESSON_STORE_CALL_BANS = 1 << 12
};

enum {
    LESSON_STORE_CAN_KEEP_SESSIONS = 1 << 0, /* join stores a session, quit compares it */
    LESSON_STORE_CAN_SHARE = 1 << 1,         /* all stores at the same location see the same data */
    LESSON_STORE_CAN_PERSIST = 1 << 2,       /* the data survives the closing of all stores */
    LESSON_STORE_CAN_ADMIT = 1 << 3          /* create takes a course and numbers, set a capacity, join `if_session` */
};

/* Promises that a store does not keep, because no step of its engine reaches all that an operation changes. 0 in
 * memory, SQLite and Redis, except in a Redis Cluster of several shards whose prefix has no tag. docs/promises.md says
 * what holds instead. */
enum {
    /* An operation has several steps, and others can see the store between them. While a user joins, moves or leaves,
     * counts can be higher than the number of members, and the members of a lesson that ends leave one by one. At every
     * moment a user is in at most one lesson, and is listed among its members. */
    LESSON_STORE_EXCEPT_STEPS = 1 << 0,

    /* A flag that asks the lesson record judges the record as it was at some moment of the call. So a join can be
     * admitted to a lesson that is closed or ended meanwhile. No join exceeds a capacity. */
    LESSON_STORE_EXCEPT_ADMISSION = 1 << 1,

    /* In a batch, only operations that name the same user, or the same lesson, take effect in order. */
    LESSON_STORE_EXCEPT_ORDER = 1 << 2
};

/* What version 0.1 has. A backend that has all of it can say so by these; with a newer header they mean the same. */
#define LESSON_STORE_OPERATIONS_0_1                                                                                 \
    (LESSON_STORE_OPERATION_MASK_CREATE | LESSON_STORE_OPERATION_MASK_END | LESSON_STORE_OPERATION_MASK_SET |       \
     LESSON_STORE_OPERATION_MASK_GET_LESSON | LESSON_STORE_OPERATION_MASK_JOIN | LESSON_STORE_OPERATION_MASK_QUIT | \
     LESSON_STORE_OPERATION_MASK_WHERE | LESSON_STORE_OPERATION_MASK_COUNT_MEMBERS)
#define LESSON_STORE_FLAGS_0_1                                                                \
    (LESSON_STORE_CREATE_RESET | LESSON_STORE_END_RECORD_ONLY | LESSON_STORE_JOIN_IF_EXISTS | \
     LESSON_STORE_JOIN_IF_OPEN | LESSON_STORE_JOIN_STAY)
#define LESSON_STORE_CALLS_0_1                                                                                   \
    (LESSON_STORE_CALL_MEMBERS | LESSON_STORE_CALL_LESSONS | LESSON_STORE_CALL_USERS | LESSON_STORE_CALL_CHECK | \
     LESSON_STORE_CALL_MEMBERS_PAGE | LESSON_STORE_CALL_LESSONS_PAGE | LESSON_STORE_CALL_USERS_PAGE)

/* And what version 0.2 has. */
#define LESSON_STORE_OPERATIONS_0_2 \
    (LESSON_STORE_OPERATIONS_0_1 | LESSON_STORE_OPERATION_MASK_HOLD | LESSON_STORE_OPERATION_MASK_BAN)
#define LESSON_STORE_FLAGS_0_2                                                                  \
    (LESSON_STORE_FLAGS_0_1 | LESSON_STORE_JOIN_IF_OPEN_OR_MEMBER | LESSON_STORE_JOIN_IF_ROOM | \
     LESSON_STORE_HOLD_RENEW | LESSON_STORE_JOIN_UNLESS_BANNED | LESSON_STORE_BAN_KICK | LESSON_STORE_JOIN_OR_NOWHERE)
#define LESSON_STORE_CALLS_0_2                                                                                      \
    (LESSON_STORE_CALLS_0_1 | LESSON_STORE_CALL_SWEEP | LESSON_STORE_CALL_OWNERS | LESSON_STORE_CALL_FIND_LESSONS | \
     LESSON_STORE_CALL_FIND_LESSONS_PAGE | LESSON_STORE_CALL_FEED | LESSON_STORE_CALL_BANS)
#define LESSON_STORE_EXCEPTIONS_0_2 \
    (LESSON_STORE_EXCEPT_STEPS | LESSON_STORE_EXCEPT_ADMISSION | LESSON_STORE_EXCEPT_ORDER)

/* What a store can do. Begin with LESSON_STORE_ABILITIES_INIT or lesson_store_abilities_init. */
typedef struct lesson_store_abilities {
    size_t size;                  /* sizeof(lesson_store_abilities) */
    uint64_t operations;          /* LESSON_STORE_OPERATION_MASK_... */
    uint64_t flags;               /* flags of operations */
    uint64_t calls;               /* LESSON_STORE_CALL_... */
    uint64_t capabilities;        /* LESSON_STORE_CAN_... */
    uint64_t end_at_once_max;     /* end is one step up to this number of members; UINT64_MAX: always */
    uint64_t members_at_once_max; /* lesson_store_members is as of one instant up to this number; UINT64_MAX: always */
    uint64_t exceptions;          /* LESSON_STORE_EXCEPT_...: promises that this store does not keep */
} lesson_store_abilities;

#define LESSON_STORE_ABILITIES_INIT \
    { sizeof(lesson_store_abilities), 0, 0, 0, 0, 0, 0, 0 }

/* Fills in LESSON_STORE_ABILITIES_INIT, for other languages; `size` is the caller's sizeof. The other functions of this
 * form do the same for their structures. Does nothing if `size` is less than sizeof(size_t). */
LESSON_STORE_API void lesson_store_abilities_init(lesson_store_abilities *abilities, size_t size);

/* Reads what an open store can do. It asks no engine and waits for nothing. INVALID: an argument is missing, or
 * `abilities->size` is not valid. Any thread, also in callbacks. */
LESSON_STORE_API int lesson_store_read_abilities(const lesson_store *store, lesson_store_abilities *abilities);

typedef bool (*lesson_store_info_callback)(const char *name, const char *value, void *context);

/* Lists facts about an open store for a person: the location without secrets, the backend, the versions of library and
 * engine, the capabilities, the exceptions, the options in force. Programs use lesson_store_read_abilities. */
LESSON_STORE_API int lesson_store_info(lesson_store *store, lesson_store_info_callback callback, void *context);

#ifdef __cplusplus
}
#endif

#endif
