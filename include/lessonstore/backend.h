/*
 * The interface of a backend: an engine beneath the lesson store.
 *
 * For authors of backends; applications need only lessonstore.h. A backend is one constant
 * lesson_store_backend: data that says what it can do, and functions that do it. docs/backends.md leads through
 * writing one, examples/backend/ holds a small one, and the conformance suite (conformance.h) tests it.
 *
 * What core does, so that no backend need: it checks every argument (ids, statuses, flags, kinds), parses
 * locations and validates options, lends an instance to one thread at a time, answers UNSUPPORTED for what the
 * backend does not declare, refuses calls from callbacks, and completes the tables of a backend that was
 * compiled against an older version of this header. A backend therefore needs no lock, unless its instances share
 * memory.
 */
#ifndef LESSONSTORE_BACKEND_H
#define LESSONSTORE_BACKEND_H

#include <lessonstore/lessonstore.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct lesson_store_backend lesson_store_backend;

/* One opened backend: one connection, one database handle. A backend's own structure begins with this one.
 * Core hands it to one thread at a time, not always the same one. */
typedef struct lesson_store_instance {
    const lesson_store_backend *backend; /* set by core when open has returned */
    uint32_t capabilities;               /* set by open: LESSON_STORE_CAN_... of this instance */
} lesson_store_instance;

/* What an instance can do beyond what the vtable shows. */
enum {
    LESSON_STORE_CAN_KEEP_SESSIONS = 1 << 0, /* join stores a session, quit compares it */
    LESSON_STORE_CAN_SHARE = 1 << 1,  /* whoever opens the same location sees the same data; without it a pool is 1 */
    LESSON_STORE_CAN_PERSIST = 1 << 2 /* the data is there after everything was closed */
};

/* ---------------------------------------------------------------- Locations
 *
 * A parsed location, borrowed for the duration of open. Strings are percent-decoded and are NULL where the
 * location has none. For "redis://ann:pw@host:6379/2?prefix=S": user "ann", password "pw", host "host", port 6379,
 * path "/2", option prefix "S". For "sqlite:a/b.db": path "a/b.db", and no host. Core has checked that every option is
 * in the backend's list and its value within the limits there.
 */
typedef struct lesson_store_location lesson_store_location;

LESSON_STORE_API const char *lesson_store_location_scheme(const lesson_store_location *location); /* never NULL */
LESSON_STORE_API const char *lesson_store_location_user(const lesson_store_location *location);
LESSON_STORE_API const char *lesson_store_location_password(const lesson_store_location *location);
LESSON_STORE_API const char *lesson_store_location_host(const lesson_store_location *location);
LESSON_STORE_API int lesson_store_location_port(const lesson_store_location *location); /* 0: none given */
LESSON_STORE_API const char *lesson_store_location_path(const lesson_store_location *location);

/* The folder that a relative path is meant in: the one the process was in when the store was opened. An instance may be
 * opened later, when the process has gone elsewhere. NULL if it could not be found out. */
LESSON_STORE_API const char *lesson_store_location_folder(const lesson_store_location *location);

/* The instance of this store that was opened first, NULL while that one is being opened. Other threads may be using it:
 * look only at what never changes after it was opened, for example to see that this is still the same file. */
LESSON_STORE_API const lesson_store_instance *lesson_store_location_first(const lesson_store_location *location);

/* The location as it may be shown: the password is replaced by "***". */
LESSON_STORE_API const char *lesson_store_location_shown(const lesson_store_location *location);

/* The value of an option, or its default. The name must be in the backend's list, as a text or a number there. */
LESSON_STORE_API const char *lesson_store_location_text(const lesson_store_location *location, const char *name);
LESSON_STORE_API int64_t lesson_store_location_number(const lesson_store_location *location, const char *name);

/* True if the location itself gives this option. */
LESSON_STORE_API bool lesson_store_location_has(const lesson_store_location *location, const char *name);

/* An option that a scheme takes. A number if maximum > minimum, else a text, and then `choices` (NULL: any
 * text) lists the allowed ones as "full|normal|off". */
typedef struct lesson_store_option {
    const char *name;
    const char *summary;
    const char *choices;
    const char *text_default;
    int64_t number_default;
    int64_t minimum;
    int64_t maximum;
} lesson_store_option;

/* ---------------------------------------------------------------- What core offers to backends */

/* Sets the calling thread's message (one line, no need to repeat the operation) and returns `code`, so that a backend
 * can write `return lesson_store_fail(LESSON_STORE_BUSY, "%s: locked for %d ms", path, waited_ms)`. Every negative code
 * that a backend returns or stores in an operation must have been announced so. */
LESSON_STORE_API LESSON_STORE_RARE int lesson_store_fail(int code, const char *format, ...) LESSON_STORE_PRINTF(2, 3);

/* True if these bytes are an id (lessonstore.h, "Strings"): for data that others wrote. */
LESSON_STORE_API bool lesson_store_id_valid(const char *data, size_t size);

/* Copies an id into a field of a lesson_store_place, as a C string; more than LESSON_STORE_ID_MAX bytes, or a
 * NULL id, give "". */
LESSON_STORE_API void lesson_store_id_copy(char field[LESSON_STORE_ID_MAX + 1], lesson_store_id id);

/* True for an operation that can change the store. */
LESSON_STORE_API bool lesson_store_operation_writes(const lesson_store_operation *operation);

/* Answers every operation from `first` to before `end` that has no answer yet with a failure. */
LESSON_STORE_API void lesson_store_fail_operations(lesson_store_operation *operations, size_t first, size_t end,
                                                   int code);

/* The code that core puts into each operation before run: none of the public codes. */
#define LESSON_STORE_UNANSWERED INT32_MIN

/* ---------------------------------------------------------------- The vtable
 *
 * Members are only ever appended, and `size` says how many of them a backend knows. Core copies the smaller amount and
 * takes the rest as zero; a NULL function is answered UNSUPPORTED. open, close and run are required.
 */
struct lesson_store_backend {
    size_t size; /* sizeof(lesson_store_backend), always */

    /* The scheme (or schemes, as "redis|redis+unix") this backend opens: lower-case letters, digits, '+', '-', '.'. */
    const char *schemes;
    const char *summary; /* one line for a person */

    /* What run understands: bits 1 << lesson_store_operation_kind, and flags. */
    uint32_t operations;
    uint32_t flags;

    const lesson_store_option *options; /* closed by an entry without a name; NULL: none but core's own */
    int32_t default_pool;               /* instances, where the location gives no `pool`; 0 means 1 */
    int32_t reserved;                   /* 0 */

    /* Opens an instance. On success `*out` belongs to core until close; on failure it returns a negative code,
     * announced by lesson_store_fail, and owes nothing. */
    int (*open)(lesson_store_instance **out, const lesson_store_location *location);

    /* Closes an instance; never NULL. */
    void (*close)(lesson_store_instance *instance);

    /* Runs operations in order, each atomically, and stores a `code` in each, with the answers that its kind has.
     * Returns OK if every operation was answered; else a negative code, and the operations that were not answered are
     * left LESSON_STORE_UNANSWERED or given a code of their own (UNKNOWN for a write that may have been applied). An
     * instance whose connection has broken makes a new one at its next use. `count` is at least 1. */
    int (*run)(lesson_store_instance *instance, lesson_store_operation *operations, size_t count);

    /* The streams, as in lessonstore.h. */
    int (*members)(lesson_store_instance *instance, lesson_store_id lesson_id, lesson_store_member_callback callback,
                   void *context);
    int (*lessons)(lesson_store_instance *instance, lesson_store_lesson_callback callback, void *context);
    int (*users)(lesson_store_instance *instance, lesson_store_user_callback callback, void *context);

    /* Finds and mends, as lesson_store_check. Core counts; the callback is never NULL. */
    int (*check)(lesson_store_instance *instance, uint32_t flags, lesson_store_finding_callback callback,
                 void *context);

    /* Facts about the engine: names in lower case with underscores. */
    int (*info)(lesson_store_instance *instance, lesson_store_info_callback callback, void *context);
    /* ---- end of the members of version 0.1 ---- */
};

/* All operations and flags of this version of the header. */
#define LESSON_STORE_ALL_OPERATIONS 0xffu
#define LESSON_STORE_ALL_FLAGS 0x1fu

/* Makes a backend known to lesson_store_open under its schemes. `backend` must stay valid and unchanged as long as the
 * process lives. Registering the same one again is OK and does nothing. EXISTS: a scheme is taken by another backend.
 * INVALID: the table lacks what is required, or a scheme is not well formed or begins with fault+ (fault.h, which works
 * over every backend). FULL: more than 32 backends. Any thread. */
LESSON_STORE_API int lesson_store_register(const lesson_store_backend *backend);

/* Opens a store on this backend without registering it. As lesson_store_open; the location's scheme must be one
 * of the backend's. */
LESSON_STORE_API int lesson_store_open_with(lesson_store **out, const lesson_store_backend *backend,
                                            const char *location);

/* The registered backends by index from 0, the built-in ones first; NULL beyond the last. */
LESSON_STORE_API const lesson_store_backend *lesson_store_backend_at(size_t index);

#ifdef __cplusplus
}
#endif

#endif
