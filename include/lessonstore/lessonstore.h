/*
 * lessonstore: which lessons are open, what state each is in, who is in which lesson, and whether the chat is open.
 *
 * This header is the interface of an application, executor.h what servers add to it, and fault.h what their tests do.
 * What is not declared in these three, backend.h and conformance.h is not part of the library. Every promise below
 * holds for every backend; docs/promises.md numbers them and the conformance suite tests them by number.
 *
 * Words. A *lesson* is one live session, part of a *course*. A *user* who is in a lesson is a *member* of it.
 * A *lesson record* holds a lesson's statuses; a *user record* holds the course and lesson a user is in.
 * The one-lesson rule: a user is in at most one lesson; joining another one moves the user.
 *
 * Threads. Any number of threads may use one store at the same time; each call borrows one engine connection
 * (an "instance") for its duration and waits while all are lent. An operation object belongs to one thread
 * while a call uses it. Do not use a store in a forked child that the parent opened.
 *
 * Atomicity. Every operation takes effect once, as one step that no other operation sees half done. (The one exception
 * is the end of a very large lesson in Redis: see lesson_store_end.)
 * The streaming calls (members, lessons, users, check) say for themselves what they promise.
 *
 * Strings. Ids are valid UTF-8 of 1 to LESSON_STORE_ID_MAX bytes without control bytes (0x00-0x1F, 0x7F),
 * compared byte by byte. The library never keeps a pointer of the caller's after a call has returned.
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

/* The one place that states the version; the build reads it from here. */
#define LESSON_STORE_VERSION_MAJOR 0
#define LESSON_STORE_VERSION_MINOR 1
#define LESSON_STORE_VERSION_PATCH 0

#if defined(__GNUC__)
#define LESSON_STORE_API __attribute__((visibility("default")))
#define LESSON_STORE_PRINTF(format_index, first_argument) __attribute__((format(printf, format_index, first_argument)))
#define LESSON_STORE_RARE __attribute__((cold)) /* compilers lay out the way to it as the less likely one */
#else
#define LESSON_STORE_API
#define LESSON_STORE_PRINTF(format_index, first_argument)
#define LESSON_STORE_RARE
#endif

#define LESSON_STORE_ID_MAX 255        /* bytes in an id */
#define LESSON_STORE_LOCATION_MAX 4096 /* bytes in a location, without the closing NUL */
#define LESSON_STORE_MESSAGE_SIZE 1024 /* bytes in a message, with the closing NUL; longer ones are cut */
#define LESSON_STORE_BATCH_MAX 65536   /* operations in one batch */
#define LESSON_STORE_POOL_MAX 64       /* instances in one store */

/* ---------------------------------------------------------------- Codes
 *
 * One list makes the codes, their names and their texts: X(name, value, text).
 *   0          done.
 *   positive   an answer of "no": the store works and nothing was changed.
 *   negative   a failure: the question was not answered. Only UNKNOWN leaves it open whether anything changed.
 * No failure is ever reported as an answer: an unreachable store is never an empty lesson.
 * What to do about each is in docs/errors.md.
 */
#define LESSON_STORE_CODE_MAP(X)                                                     \
    X(OK, 0, "done")                                                                 \
    X(NOT_FOUND, 1, "not found")                                                     \
    X(EXISTS, 2, "exists already")                                                   \
    X(REFUSED, 3, "refused by a flag of the call")                                   \
    X(CONFLICT, 4, "the present state is not the expected one")                      \
    X(INVALID, -1, "invalid argument")                                               \
    X(UNSUPPORTED, -2, "not supported by this store")                                \
    X(REENTERED, -3, "called from a callback of the same store")                     \
    X(NO_MEMORY, -4, "out of memory")                                                \
    X(UNREACHABLE, -5, "the store cannot be reached")                                \
    X(DENIED, -6, "access denied by the store")                                      \
    X(READ_ONLY, -7, "the store can only be read")                                   \
    X(FULL, -8, "the store has no room left")                                        \
    X(BUSY, -9, "the store is locked by another process")                            \
    X(UNKNOWN, -10, "outcome unknown: the request may or may not have been applied") \
    X(MALFORMED, -11, "the stored data has a wrong shape")                           \
    X(FAILED, -12, "the store failed")                                               \
    X(EXPIRED, -13, "its time was over; nothing was changed")                        \
    X(CANCELLED, -14, "cancelled before it began")                                   \
    X(OVERLOADED, -15, "too many operations are pending")                            \
    X(CLOSED, -16, "closed to new operations")

typedef enum lesson_store_code {
#define LESSON_STORE_CODE_ENUM(name, value, text) LESSON_STORE_##name = (value),
    LESSON_STORE_CODE_MAP(LESSON_STORE_CODE_ENUM)
#undef LESSON_STORE_CODE_ENUM
} lesson_store_code;

/* The name ("NOT_FOUND") and the text ("not found") of a code. Static strings, never NULL; an unknown code
 * gives "?" and "unknown code". Any thread. */
LESSON_STORE_API const char *lesson_store_code_name(int code);
LESSON_STORE_API const char *lesson_store_code_text(int code);

/* What went wrong, for a person: one line with the names and figures of the latest failure (negative code) in
 * the calling thread. Owned by the thread, valid until its next failing call, never NULL. It says nothing about
 * whether a call failed, because it stays when later calls succeed. After a batch it speaks of the last operation that
 * failed. It never holds a password. */
LESSON_STORE_API const char *lesson_store_message(void);

/* Puts a ? in the place of every byte that a terminal could take for a command: control bytes, the C1 controls (U+0080
 * to U+009F), characters that turn the direction of text (U+202A to U+202E, U+2066 to U+2069), and bytes that are not
 * UTF-8. Ids may hold such characters; messages have been treated so already. */
LESSON_STORE_API void lesson_store_make_printable(char *text);

/* The version of the library that is running, as "0.1.0". */
LESSON_STORE_API const char *lesson_store_version(void);

/* ---------------------------------------------------------------- Values */

/* The statuses as they are stored. */
enum {
    LESSON_STORE_STATUS_NONE = -1, /* asked: keep, or any; answered: there is none */

    LESSON_STORE_COURSE_OFFLINE = 0,
    LESSON_STORE_COURSE_ONLINE = 1,
    LESSON_STORE_COURSE_CANT_JOIN_IN = 2, /* running, closed to late comers */
    LESSON_STORE_COURSE_WAITING = 3,      /* the room is open, the class has not begun */

    LESSON_STORE_CHAT_FREE = 0,
    LESSON_STORE_CHAT_BANNED = 1
};

/* The words that lessonctl and exports use: "offline", "online", "cantjoinin", "waiting"; "free", "banned".
 * A status outside the range gives NULL; an unknown word gives LESSON_STORE_STATUS_NONE. */
LESSON_STORE_API const char *lesson_store_course_status_word(int course_status);
LESSON_STORE_API const char *lesson_store_chat_status_word(int chat_status);
LESSON_STORE_API int lesson_store_course_status_of(const char *word);
LESSON_STORE_API int lesson_store_chat_status_of(const char *word);

/* A borrowed id: `size` bytes at `data`, not closed by a NUL. {NULL, 0} means "not given". */
typedef struct lesson_store_id {
    const char *data;
    size_t size;
} lesson_store_id;

/* The id in a C string; NULL gives "not given". It points into `text`. */
static inline lesson_store_id lesson_store_id_of(const char *text) {
    lesson_store_id id;
    id.data = text;
    id.size = text ? strlen(text) : 0;
    return id;
}

/* Says whether these bytes are an id (see "Strings" above): OK, or INVALID with a message that begins with `what` and
 * names the fault. For input that is to be checked whole before any of it is stored. */
LESSON_STORE_API int lesson_store_id_check(const char *what, lesson_store_id id);

/* Where a user is, or was: C strings, "" where there is none. The caller's memory. */
typedef struct lesson_store_place {
    char course_id[LESSON_STORE_ID_MAX + 1];
    char lesson_id[LESSON_STORE_ID_MAX + 1];
    char session[LESSON_STORE_ID_MAX + 1];
} lesson_store_place;

/* A lesson as it is stored. Without a record, or where the record lacks the field, a status is
 * LESSON_STORE_STATUS_NONE. `lesson_id` is borrowed: in a callback until it returns, in an operation it is the
 * caller's own. */
typedef struct lesson_store_lesson {
    lesson_store_id lesson_id;
    uint64_t member_count;
    int32_t course_status;
    int32_t chat_status;
    bool has_record;
} lesson_store_lesson;

/* A user record. The ids are borrowed until the callback returns; `session` may be "not given". */
typedef struct lesson_store_user {
    lesson_store_id uid;
    lesson_store_id course_id;
    lesson_store_id lesson_id;
    lesson_store_id session;
} lesson_store_user;

/* ---------------------------------------------------------------- Stores */

typedef struct lesson_store lesson_store;

/* Opens the store at `location`:
 *
 *   memory:                                                     gone when it is closed
 *   sqlite:PATH[?option=value&...]   sqlite::memory:            the file is made when it is not there
 *   redis://[user[:password]@]host[:port][/db][?option=value&...]
 *   redis+unix://[user[:password]@]/path/to.sock[?db=N&...]
 *   fault+LOCATION[?fault_code=unreachable&...]                 one of these, made to fail in tests: fault.h
 *
 * User, password, path and option values are percent-decoded (write %3F for a ? in a path). Every scheme takes
 * `pool=N`, the most instances that threads may use at a time; the other options are on the backend's page
 * (backends/NAME/README.md). At least one instance is connected before the call returns.
 *
 * On success `*out` is the caller's, to be closed by lesson_store_close. On failure `*out` is NULL and nothing
 * is owed: INVALID (the message names the part of the location), UNSUPPORTED (no such scheme in this build, a
 * file of a newer version, a Redis Cluster node), UNREACHABLE, DENIED, BUSY, READ_ONLY, FULL, MALFORMED (a file that is
 * no lessonstore database), NO_MEMORY, FAILED. */
LESSON_STORE_API int lesson_store_open(lesson_store **out, const char *location);

/* Closes a store; NULL is allowed. No call may be running on it, nor any come after. */
LESSON_STORE_API void lesson_store_close(lesson_store *store);

/* ---------------------------------------------------------------- Single calls
 *
 * Each is a batch of one operation. Ids are C strings; where NULL is allowed it says so. Every call returns a
 * code. Beside those named with the call, each may return:
 *   INVALID      an id, status or flag is not valid; the message names it.
 *   UNSUPPORTED  the backend lacks the operation, the flag, or sessions.
 *   REENTERED    called from a callback of this store.
 *   UNREACHABLE, DENIED, READ_ONLY, FULL, BUSY, NO_MEMORY, FAILED: nothing was changed. (DENIED has one exception, a
 *                Redis account with only some of the rights: backends/redis/README.md.)
 *   UNKNOWN      only from calls that write: the connection broke after the request had been sent. Ask the
 *                store (`where`, `get_lesson`) before doing it again; the request may also be applied a
 *                little later.
 *   MALFORMED    what is stored under these names is not of this library's shape; nothing was changed.
 * Output arguments may be NULL, and an id may lie in one, as when a user is to quit the place that `where` has told.
 * They are written when the call says so, and otherwise keep what they held; after a failure (a negative code) their
 * content is open.
 */

/* Flags, one bit each across all operations. */
enum {
    LESSON_STORE_RESET = 1 << 0,       /* create: an existing record goes back to Waiting and Free, members stay */
    LESSON_STORE_RECORD_ONLY = 1 << 1, /* end: remove the record and leave the members where they are */
    LESSON_STORE_IF_EXISTS = 1 << 2,   /* join: only if the lesson has a record */
    LESSON_STORE_IF_OPEN = 1 << 3,     /* join: only if the record says OnLine or Waiting; so CantJoinIn refuses its
                                        * own members too, who come back by a join without this flag */
    LESSON_STORE_STAY = 1 << 4         /* join: refuse to move a user who is in another lesson */
};

/* Makes the lesson record, Waiting and Free. EXISTS: there is one, and it is untouched (unless
 * LESSON_STORE_RESET). Members that are there already stay. */
LESSON_STORE_API int lesson_store_create(lesson_store *store, const char *lesson_id, uint32_t flags);

/* Ends a lesson: its record is gone and every member is out, in one step. `*left` becomes the number of users
 * who were put out. NOT_FOUND: neither record nor members. With LESSON_STORE_RECORD_ONLY just the record goes,
 * `*left` is 0, and NOT_FOUND means that there was no record.
 * In Redis, which answers nobody else during a step, a lesson of more than 1000 members is ended in several: it becomes
 * OffLine, then its members leave some hundred at a time, each with the user record, and the last of them together with
 * the lesson record, which is where the end takes effect. Until then `create` is answered EXISTS, a join that asks *if
 * open* is REFUSED, and any other join is let in and put out again. If such an end is interrupted it is UNKNOWN, and
 * what remains is the OffLine lesson with fewer members; ending it again finishes it. */
LESSON_STORE_API int lesson_store_end(lesson_store *store, const char *lesson_id, uint32_t flags, uint64_t *left);

/* Sets one status, if `expected` is LESSON_STORE_STATUS_NONE or the present value. NOT_FOUND: no lesson record.
 * CONFLICT: the present value is another; `*present` becomes it. */
LESSON_STORE_API int lesson_store_set_course_status(lesson_store *store, const char *lesson_id, int course_status,
                                                    int expected, int *present);
LESSON_STORE_API int lesson_store_set_chat_status(lesson_store *store, const char *lesson_id, int chat_status,
                                                  int expected, int *present);

/* Reads a lesson into `*lesson`. NOT_FOUND: neither record nor members. MALFORMED: a status is not one of ours. */
LESSON_STORE_API int lesson_store_get_lesson(lesson_store *store, const char *lesson_id, lesson_store_lesson *lesson);

/* Puts a user into a lesson and out of any other one. `session` (NULL: none) replaces the session of the user
 * record. On OK `*before` becomes where the user was: `lesson_id` is "" for a new user, this lesson for one who
 * was already there, another lesson for one who was moved. By default nothing is asked of the lesson record.
 * REFUSED: a flag forbade it; `*before` becomes where the user still is. (Which of several flags, only an operation
 * tells, in `refused_by`.) */
LESSON_STORE_API int lesson_store_join(lesson_store *store, const char *uid, const char *course_id,
                                       const char *lesson_id, const char *session, uint32_t flags,
                                       lesson_store_place *before);

/* Takes a user out. With `lesson_id` (NULL: any) only if the user is in that lesson; with `session` (NULL: any)
 * only if the user's last join carried that session; so that the late quit of an old connection does not
 * throw out a user who has come back. On OK `*before` becomes the place left. NOT_FOUND: the user is nowhere.
 * CONFLICT: in another lesson, or come back with another session or with none; `*before` becomes where the user
 * still is. */
LESSON_STORE_API int lesson_store_quit(lesson_store *store, const char *uid, const char *lesson_id, const char *session,
                                       lesson_store_place *before);

/* Says where a user is. NOT_FOUND: in no lesson. */
LESSON_STORE_API int lesson_store_where(lesson_store *store, const char *uid, lesson_store_place *place);

/* Counts the members of a lesson without listing them. An unknown lesson has 0. */
LESSON_STORE_API int lesson_store_count(lesson_store *store, const char *lesson_id, uint64_t *count);

/* ---------------------------------------------------------------- Batches
 *
 * The same operations as data: an array, with the answer to each in it. Every operation of a batch is atomic
 * by itself and they take effect in order, but the batch is no transaction: other operations may come between.
 * A batch is one transaction of SQLite (two, where an invalid operation stands in the middle), or a few requests to
 * Redis, so it is far faster than as many single calls.
 */
typedef enum lesson_store_operation_kind {
    LESSON_STORE_OPERATION_CREATE = 0,     /* lesson_id; flags RESET */
    LESSON_STORE_OPERATION_END = 1,        /* lesson_id; flags RECORD_ONLY -> count */
    LESSON_STORE_OPERATION_SET = 2,        /* lesson_id, one or both statuses, if_... -> lesson (CONFLICT) */
    LESSON_STORE_OPERATION_GET_LESSON = 3, /* lesson_id -> lesson */
    LESSON_STORE_OPERATION_JOIN = 4,       /* uid, course_id, lesson_id, [session]; flags -> arrival, place */
    LESSON_STORE_OPERATION_QUIT = 5,       /* uid, [lesson_id], [session] -> place */
    LESSON_STORE_OPERATION_WHERE = 6,      /* uid -> place */
    LESSON_STORE_OPERATION_COUNT = 7       /* lesson_id -> count */
} lesson_store_operation_kind;

typedef enum lesson_store_arrival {
    LESSON_STORE_ARRIVAL_NEW = 0,          /* the user was in no lesson */
    LESSON_STORE_ARRIVAL_MOVED = 1,        /* the user was in another lesson */
    LESSON_STORE_ARRIVAL_ALREADY_THERE = 2 /* the user was in this lesson */
} lesson_store_arrival;

/* Begin with LESSON_STORE_OPERATION_INIT or lesson_store_operation_of, then fill in what the kind takes. What
 * it does not take must stay as it was, `reserved` too; otherwise that operation is INVALID. */
typedef struct lesson_store_operation {
    /* asked */
    uint32_t kind; /* lesson_store_operation_kind */
    uint32_t flags;
    lesson_store_id uid;
    lesson_store_id course_id;
    lesson_store_id lesson_id;
    lesson_store_id session;
    int32_t course_status; /* SET: the new values, or LESSON_STORE_STATUS_NONE to keep */
    int32_t chat_status;
    int32_t if_course_status; /* SET: the expected values, or LESSON_STORE_STATUS_NONE for any */
    int32_t if_chat_status;
    lesson_store_place *place; /* where to put the place an answer speaks of; NULL: nowhere. No id of this batch may
                                * lie in it: an operation might see what another has answered */
    uint64_t reserved[2];

    /* answered */
    int32_t code;               /* as the single call would have returned it. Before the batch, and after one that was
                                 * REENTERED, or INVALID as a whole, it says nothing */
    uint32_t arrival;           /* JOIN, OK: lesson_store_arrival */
    uint32_t refused_by;        /* JOIN, REFUSED: the first of IF_EXISTS, IF_OPEN, STAY that forbids it */
    uint64_t count;             /* END: users put out; COUNT: members */
    lesson_store_lesson lesson; /* GET_LESSON, OK: all; SET, CONFLICT: the present statuses */
} lesson_store_operation;

#define LESSON_STORE_OPERATION_INIT(kind)                                                                          \
    {                                                                                                              \
        (kind), 0, {NULL, 0}, {NULL, 0}, {NULL, 0}, {NULL, 0}, LESSON_STORE_STATUS_NONE, LESSON_STORE_STATUS_NONE, \
            LESSON_STORE_STATUS_NONE, LESSON_STORE_STATUS_NONE, NULL, {0, 0}, 0, 0, 0, 0, {                        \
            {NULL, 0}, 0, LESSON_STORE_STATUS_NONE, LESSON_STORE_STATUS_NONE, false                                \
        }                                                                                                          \
    }

/* Field by field, because compilers make a slow loop of a long initialiser with a variable in it. */
static inline lesson_store_operation lesson_store_operation_of(lesson_store_operation_kind kind) {
    lesson_store_operation operation;
    const lesson_store_id none = {NULL, 0};
    operation.kind = (uint32_t)kind;
    operation.flags = 0;
    operation.uid = operation.course_id = operation.lesson_id = operation.session = none;
    operation.course_status = operation.chat_status = LESSON_STORE_STATUS_NONE;
    operation.if_course_status = operation.if_chat_status = LESSON_STORE_STATUS_NONE;
    operation.place = NULL;
    operation.reserved[0] = operation.reserved[1] = 0;
    operation.code = 0;
    operation.arrival = operation.refused_by = 0;
    operation.count = 0;
    operation.lesson.lesson_id = none;
    operation.lesson.member_count = 0;
    operation.lesson.course_status = operation.lesson.chat_status = LESSON_STORE_STATUS_NONE;
    operation.lesson.has_record = false;
    return operation;
}

/* Runs `count` operations (0 to LESSON_STORE_BATCH_MAX) in order. OK: the store has answered each of them, and
 * `code` in each says how; one that is INVALID or UNSUPPORTED is answered so and the others run. A negative
 * code: the batch did not travel whole; operations without an answer carry that code (UNKNOWN for writes that
 * may have been applied, UNREACHABLE for those that were certainly not), and those answered before keep their
 * answers. REENTERED, or INVALID for a missing argument or a wrong count: no operation was run or written to. */
LESSON_STORE_API int lesson_store_batch(lesson_store *store, lesson_store_operation *operations, size_t count);

/* ---------------------------------------------------------------- Streams
 *
 * The callback is called once for each item and returns true to go on, false to stop early; stopping early is
 * OK, not an error. While it runs the store must not be called again from the same thread: that is answered
 * REENTERED; nor may it wait for another thread that calls this store. Other stores may be called, also one on the same
 * data (but if a callback of each of two stores calls the other one, they can wait for each other). Nothing is promised
 * about the order. Codes as for single calls that read; after a failure the items already given are true, but not all.
 * MALFORMED: all items were given but those that are not of this library's shape; the message names the first of these.
 */
typedef bool (*lesson_store_member_callback)(lesson_store_id uid, void *context);
typedef bool (*lesson_store_lesson_callback)(const lesson_store_lesson *lesson, void *context);
typedef bool (*lesson_store_user_callback)(const lesson_store_user *user, void *context);

/* Every member of a lesson once, as of one instant. An unknown lesson has none. In Redis a lesson of more than 10,000
 * members (or what the location says) is listed page by page: each member once, who is there from beginning to end is
 * listed, and who comes or goes meanwhile may be. */
LESSON_STORE_API int lesson_store_members(lesson_store *store, const char *lesson_id,
                                          lesson_store_member_callback callback, void *context);

/* Every lesson that has a record or members, once, with its member count. Each lesson is as of one instant; the list
 * as a whole is too in memory and SQLite. In Redis what is there from beginning to end is listed, and what comes or
 * goes meanwhile may be. (What is found there is a record, or members: a lesson that gets the one and then loses the
 * other meanwhile may be missed.) */
LESSON_STORE_API int lesson_store_lessons(lesson_store *store, lesson_store_lesson_callback callback, void *context);

/* Every user record once, as lesson_store_lessons. */
LESSON_STORE_API int lesson_store_users(lesson_store *store, lesson_store_user_callback callback, void *context);

/* ---------------------------------------------------------------- Check and repair */

typedef enum lesson_store_finding_kind {
    /* A uid among the members of a lesson whose user record names another lesson, or is gone.
     * Repair takes it out of the members. */
    LESSON_STORE_FINDING_GHOST_MEMBER = 0,
    /* A user record whose lesson does not have the user among its members. Repair puts the user there. */
    LESSON_STORE_FINDING_MISSING_MEMBER = 1,
    /* A lesson record without one of its fields. Repair fills in what create writes. */
    LESSON_STORE_FINDING_INCOMPLETE_LESSON = 2,
    /* A user record that lacks a field. Repair fills in the uid, removes a record that names no lesson, and
     * leaves one that names no course. */
    LESSON_STORE_FINDING_INCOMPLETE_USER = 3,
    /* A user in a lesson that has no record; only found with LESSON_STORE_CHECK_ENDED. Repair takes the user out. */
    LESSON_STORE_FINDING_ENDED_LESSON = 4,
    /* Data of a wrong type, an id or a status that is not valid, damage in the file. Repair leaves it, unless the
     * finding says mended. */
    LESSON_STORE_FINDING_MALFORMED = 5
} lesson_store_finding_kind;

/* "ghost member", "missing member", ...; "?" for an unknown kind. */
LESSON_STORE_API const char *lesson_store_finding_text(int kind);

/* One disagreement. The ids (either may be "not given") and `detail` are borrowed until the callback returns. */
typedef struct lesson_store_finding {
    uint32_t kind;
    bool mendable; /* repair mends it */
    bool mended;   /* this call has mended it */
    lesson_store_id lesson_id;
    lesson_store_id uid;
    const char *detail; /* one line for a person */
} lesson_store_finding;

typedef bool (*lesson_store_finding_callback)(const lesson_store_finding *finding, void *context);

enum {
    LESSON_STORE_CHECK_REPAIR = 1 << 0, /* mend what is found */
    LESSON_STORE_CHECK_ENDED = 1 << 1   /* a lesson without a record counts as ended, and nobody may be in it */
};

/* Finds, and with LESSON_STORE_CHECK_REPAIR mends, disagreement between user records and members. Each mending is one
 * atomic step that looks again first, so a true member is never removed, also while others join and quit; what such
 * traffic changes meanwhile may be found or not. OK also when something was found: the callback (may be NULL)
 * hears of each, `*found` and `*mended` (may be NULL) count them, up to where the callback stopped it. */
LESSON_STORE_API int lesson_store_check(lesson_store *store, uint32_t flags, lesson_store_finding_callback callback,
                                        void *context, uint64_t *found, uint64_t *mended);

/* ---------------------------------------------------------------- Information */

typedef bool (*lesson_store_info_callback)(const char *name, const char *value, void *context);

/* Facts about an open store, for a person: the location (without its password), the backend, the versions of
 * library and engine, the capabilities, the options in force. */
LESSON_STORE_API int lesson_store_info(lesson_store *store, lesson_store_info_callback callback, void *context);

#ifdef __cplusplus
}
#endif

#endif
