/*
 * The interface of a backend: an engine beneath the lesson store.
 *
 * For authors of backends; applications need only lessonstore.h. A backend is one constant lesson_store_backend: data
 * that says what it can do, and functions that do it. docs/backends.md leads through writing one, examples/backend/
 * holds a small one, and the conformance suite (conformance.h) tests it.
 *
 * Core does this for every backend: it checks every argument (ids, statuses, flags, kinds), parses locations and checks
 * options, lends an instance to one thread at a time, answers UNSUPPORTED for what the backend does not declare,
 * refuses calls from callbacks, and completes the table of a backend that was compiled against an older version of this
 * header. So a backend needs no lock, unless its instances share memory.
 */
#ifndef LESSONSTORE_BACKEND_H
#define LESSONSTORE_BACKEND_H

#include <lessonstore/feed.h>
#include <lessonstore/figures.h>
#include <lessonstore/lessonstore.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct lesson_store_backend lesson_store_backend;

/* One opened backend: one connection, one database handle. The structure of a backend's own instance begins with this
 * one. `open` zeroes it and then sets what it knows. Core lends the instance to one thread at a time, not always the
 * same one. */
typedef struct lesson_store_instance {
    uint64_t capabilities;        /* LESSON_STORE_CAN_... of this instance. A pool of more than 1 needs CAN_SHARE */
    uint64_t end_at_once_max;     /* as in lesson_store_abilities, but 0: always */
    uint64_t members_at_once_max; /* the same */
    uint64_t call_timeout_ms;     /* the most time from the entry of a call to the first reply of the engine; 0: the
                                   * engine makes no call wait. Core reads it from the first instance of a store, waits
                                   * no longer than this for an instance, and sets the next member when it lends one */
    int64_t deadline_us;          /* of the call, by lesson_store_monotonic_us; 0: none. The backend may change it */
    uint64_t events_poll_ms;      /* how often core asks for events of other writers; 0: `events` waits by itself */
    uint64_t exceptions;          /* LESSON_STORE_EXCEPT_...: promises that this store does not keep. Core reads it from
                                   * the first instance of a store, and refuses an instance with unknown bits */
    uint64_t reserved[1];         /* 0 */
} lesson_store_instance;

/* ---------------------------------------------------------------- Locations
 *
 * A parsed location, borrowed until open returns. Strings are percent-decoded, and NULL if the location has none. For
 * "redis://ann:pw@host:6379/2?prefix=S": user "ann", password "pw", host "host", port 6379, path "/2", option prefix
 * "S". For "sqlite:a/b.db": path "a/b.db", and no host. Core has checked that every option is in the backend's list,
 * and that its value is within the limits there.
 */
typedef struct lesson_store_location lesson_store_location;

LESSON_STORE_API const char *lesson_store_location_scheme(const lesson_store_location *location); /* never NULL */
LESSON_STORE_API const char *lesson_store_location_user(const lesson_store_location *location);
LESSON_STORE_API const char *lesson_store_location_password(const lesson_store_location *location);
LESSON_STORE_API const char *lesson_store_location_host(const lesson_store_location *location);
LESSON_STORE_API int lesson_store_location_port(const lesson_store_location *location); /* 0: none given */

/* The hosts of a location that may name several, as in "redis+sentinel://a:1,b/school". host_at returns NULL behind the
 * last one; `port` may be NULL. */
LESSON_STORE_API int lesson_store_location_host_count(const lesson_store_location *location);
LESSON_STORE_API const char *lesson_store_location_host_at(const lesson_store_location *location, int index, int *port);

LESSON_STORE_API const char *lesson_store_location_path(const lesson_store_location *location);

/* Returns the directory that a relative path is relative to: the working directory when the store was opened. An
 * instance may be opened later, when the process has changed its directory. NULL if it is unknown. */
LESSON_STORE_API const char *lesson_store_location_directory(const lesson_store_location *location);

/* Returns the instance of this store that was opened first, NULL while that one is being opened. Other threads may be
 * using it, so read only what never changes after it was opened, for example to check that this is still the same file.
 */
LESSON_STORE_API const lesson_store_instance *lesson_store_location_first(const lesson_store_location *location);

/* Returns true if the result of this open is not needed any more: the deadline of the call that it is for has passed,
 * or another instance has become free meanwhile. A backend whose open may wait asks this at least every 50 ms, and then
 * returns UNREACHABLE. Never true for the first instance of a store. */
LESSON_STORE_API bool lesson_store_location_gives_up(const lesson_store_location *location);

/* Returns the location as it may be shown: "***" stands for the password and for the values of secret options. */
LESSON_STORE_API const char *lesson_store_location_shown(const lesson_store_location *location);

/* Return the value of an option, or its default. The name must be in the backend's list, as a text or a number there.
 */
LESSON_STORE_API const char *lesson_store_location_text(const lesson_store_location *location, const char *name);
LESSON_STORE_API int64_t lesson_store_location_number(const lesson_store_location *location, const char *name);

/* Returns true if the location itself gives this option. */
LESSON_STORE_API bool lesson_store_location_has(const lesson_store_location *location, const char *name);

enum {
    LESSON_STORE_OPTION_SECRET =
        1 << 0 /* the value never appears in a location that is shown, in info or in a message */
};

/* An option that a scheme takes. It is a number if maximum > minimum, else a text; `choices` (NULL: any text) then
 * lists the allowed ones, as in "full|normal|off". */
typedef struct lesson_store_option {
    const char *name;
    const char *summary;
    const char *choices;
    const char *text_default;
    int64_t number_default;
    int64_t minimum;
    int64_t maximum;
    uint32_t flags;             /* LESSON_STORE_OPTION_... */
    uint32_t reserved;          /* 0 */
    uint64_t reserved_words[3]; /* 0 */
} lesson_store_option;

/* ---------------------------------------------------------------- Failures and answers */

/* Sets the message of the calling thread (one line; it need not repeat the operation) and returns `code`, so that a
 * backend can write `return lesson_store_fail(LESSON_STORE_BUSY, "%s: locked for %d ms", path, waited_ms)`. Call it
 * before you return or answer any negative code. */
LESSON_STORE_API LESSON_STORE_RARE int lesson_store_fail(int code, const char *format, ...) LESSON_STORE_PRINTF(2, 3);

/* Writes the calling thread's message to `operation->message`, if that is not NULL. */
LESSON_STORE_API LESSON_STORE_RARE void lesson_store_keep_message(lesson_store_operation *operation);

/* Answers an operation. If the code is negative, the operation keeps the message that lesson_store_fail has just set.
 */
static inline void lesson_store_answer(lesson_store_operation *operation, int code) {
    operation->code = code;
    if (code < 0)
        lesson_store_keep_message(operation);
}

/* Answers every operation from `first` to before `end` that has no answer yet with a failure. An operation that only
 * reads is UNREACHABLE instead of UNKNOWN. */
LESSON_STORE_API void lesson_store_fail_operations(lesson_store_operation *operations, size_t first, size_t end,
                                                   int code);

/* Returns the code of operations that were not even sent, because what came before them failed with this code. */
LESSON_STORE_API int lesson_store_code_of_unsent(int code);

/* Core puts this code into each operation before run. It is none of the public codes. */
#define LESSON_STORE_UNANSWERED INT32_MIN

/* Writes the place of an answer to `operation->place`, if that is not NULL. An id that is "not given", or longer than
 * LESSON_STORE_ID_MAX, becomes "". */
LESSON_STORE_API void lesson_store_answer_place(const lesson_store_operation *operation, lesson_store_id course_id,
                                                lesson_store_id lesson_id, lesson_store_id session);

/* Adds to the place that lesson_store_answer_place has just written, who answers for the user, and when the join was.
 */
LESSON_STORE_API void lesson_store_answer_owner(const lesson_store_operation *operation, lesson_store_id owner,
                                                int64_t joined_ms);

/* Writes the course of a lesson record to the place of a GET_LESSON, and makes `lesson.course_id` point there. Without
 * a course or a place, that id becomes "not given", and the place keeps its content. */
LESSON_STORE_API void lesson_store_answer_course(lesson_store_operation *get, lesson_store_id course_id);

/* ---------------------------------------------------------------- Figures and the log
 *
 * Core counts the calls. What the engine does for them, only its backend knows: it counts that, and tells the log,
 * through the observer of the instance. Take it from the location when the instance is opened; it lives as long as the
 * instance. NULL is allowed everywhere and counts nothing. Call these only while the instance is yours.
 */
typedef struct lesson_store_observer lesson_store_observer;

LESSON_STORE_API lesson_store_observer *lesson_store_location_observer(const lesson_store_location *location);

LESSON_STORE_API void lesson_store_observe_count(lesson_store_observer *observer, lesson_store_engine_figure figure,
                                                 uint64_t more);

/* Tells the log, if it wants to hear of this. The message begins with what it is about ("127.0.0.1:6379: "), and holds
 * no secret. */
LESSON_STORE_API void lesson_store_observe_event(lesson_store_observer *observer, lesson_store_log_kind kind,
                                                 const char *format, ...) LESSON_STORE_PRINTF(3, 4);

/* Returns true if the log wants to hear of this, for what costs something to find out. */
LESSON_STORE_API bool lesson_store_observes_event(const lesson_store_observer *observer, lesson_store_log_kind kind);

/* ---------------------------------------------------------------- Rules that every backend follows */

/* Returns true if these bytes are an id (lessonstore.h, "Strings"): for data that others wrote. */
LESSON_STORE_API bool lesson_store_id_valid(const char *data, size_t size);

/* Ids are equal if their bytes are. */
static inline bool lesson_store_id_equal(lesson_store_id left, lesson_store_id right) {
    return left.size == right.size && (left.size == 0 || memcmp(left.data, right.data, left.size) == 0);
}

/* Copies an id into a field of this size as a C string. An id longer than LESSON_STORE_ID_MAX, or "not given", gives
 * "". */
LESSON_STORE_API void lesson_store_id_copy(char field[LESSON_STORE_ID_MAX + 1], lesson_store_id id);

/* Returns true for an operation that can change the store; true if any of these can. */
LESSON_STORE_API bool lesson_store_operation_writes(const lesson_store_operation *operation);
LESSON_STORE_API bool lesson_store_any_writes(const lesson_store_operation *operations, size_t count);

/* Where a user is who wants to join a lesson. */
typedef enum lesson_store_standing {
    LESSON_STORE_STANDING_NOWHERE,
    LESSON_STORE_STANDING_MEMBER, /* in this lesson */
    LESSON_STORE_STANDING_ELSEWHERE
} lesson_store_standing;

/* Returns 0 if a join is admitted, else the first flag that refuses it. Of the lesson it reads `has_record`,
 * `course_status`, and for JOIN_IF_ROOM `capacity` and `member_count`. `is_banned` counts for JOIN_UNLESS_BANNED: a ban
 * of the user that has not run out. */
LESSON_STORE_API uint32_t lesson_store_admit(const lesson_store_operation *join, const lesson_store_lesson *lesson,
                                             lesson_store_standing standing, bool is_banned);

/* The same for backends that have the flags of version 0.1 only. */
LESSON_STORE_API uint32_t lesson_store_join_refused_by(const lesson_store_operation *join, bool has_record,
                                                       int32_t course_status, bool is_elsewhere);

/* Returns true if a join asks something of the lesson, so that lesson_store_admit needs it. */
LESSON_STORE_API bool lesson_store_join_needs_lesson(const lesson_store_operation *join);

/* Returns true if this is the session that the join expects, or if it expects none. `session` is that of the user, and
 * counts for nothing if the user is nowhere. CONFLICT otherwise, before lesson_store_admit is asked. */
LESSON_STORE_API bool lesson_store_join_expects(const lesson_store_operation *join, lesson_store_standing standing,
                                                lesson_store_id session);

/* Returns true if these current statuses are what the SET expects. */
LESSON_STORE_API bool lesson_store_set_expects(const lesson_store_operation *set, int32_t course_status,
                                               int32_t chat_status);

/* Returns true if this lesson passes the filter. */
LESSON_STORE_API bool lesson_store_filter_passes(const lesson_store_lesson_filter *filter,
                                                 const lesson_store_lesson *lesson);

/* ---------------------------------------------------------------- Helpers */

/* Microseconds of a clock that nobody sets. */
LESSON_STORE_API int64_t lesson_store_monotonic_us(void);

/* Fills `bytes` with random ones that outsiders cannot guess: OK, or FAILED. */
LESSON_STORE_API int lesson_store_random(void *bytes, size_t size);

/* For structures of a backend's own calls that begin with `size`, by the rule in lessonstore.h. read: copies a
 * structure of the caller's into one of this version, `to`; false if it is smaller than `least`, or if what this
 * version does not know is not zero. init: writes the initial values `from` into a structure of the caller's that has
 * `size` bytes. */
LESSON_STORE_API bool lesson_store_sized_read(void *to, size_t to_size, const void *from, size_t least);
LESSON_STORE_API void lesson_store_sized_init(void *to, size_t size, const void *from, size_t from_size);

/* A set of texts that were met, for engines whose pages can repeat an entry. It keeps 128 bits of a keyed hash of each
 * text, so it takes 18 to 37 bytes for each. Begin with NULL. OK: the text is new. EXISTS: it was met before.
 * NO_MEMORY. */
typedef struct lesson_store_seen lesson_store_seen;
LESSON_STORE_API int lesson_store_seen_add(lesson_store_seen **seen, const char *data, size_t size);
LESSON_STORE_API void lesson_store_seen_free(lesson_store_seen *seen); /* NULL is allowed */

/* ---------------------------------------------------------------- Sweeps
 *
 * The rule by which an owner is over (lessonstore.h, "Owners"), for backends that keep the times of sweeps themselves.
 * Of gaps between sweeps, only the time is kept when the latest one of each magnitude ended. There are four magnitudes
 * for each power of two: gaps of 2^n ms and more have the magnitude 4n, of 5/4 2^n ms and more 4n + 1, and so on. */
#define LESSON_STORE_GAPS \
    128 /* the last is for all longer gaps, for the first sweep, and for a clock that was set back */

typedef struct lesson_store_sweeps {
    int64_t last_ms; /* of the latest sweep, by the clock of the store; 0: there was none */
    int64_t gap_ended_ms[LESSON_STORE_GAPS];
} lesson_store_sweeps;

/* Returns when a lease that begins now runs out. If the clock is behind the latest sweep, it was set back. It may
 * return before the next sweep, and nobody would notice: so the lease is counted from that sweep. The next sweep
 * shortens it if the clock stays where it is. */
static inline int64_t lesson_store_sweeps_lease(int64_t last_ms, int64_t now_ms, int64_t lease_ms) {
    return (now_ms > last_ms ? now_ms : last_ms) + lease_ms;
}

/* Notes a sweep. Returns the magnitude of the gap that it ends, or -1 if it ends none. */
LESSON_STORE_API int lesson_store_sweeps_note(lesson_store_sweeps *sweeps, int64_t now_ms);

/* Returns true if an owner with this lease is over, if its lease ran out at `until_ms`. */
LESSON_STORE_API bool lesson_store_sweeps_end(const lesson_store_sweeps *sweeps, int64_t now_ms, int64_t until_ms,
                                              int64_t lease_ms);

/* Milliseconds of the machine's clock since 1970. */
LESSON_STORE_API int64_t lesson_store_clock_ms(void);

/* ---------------------------------------------------------------- The vtable
 *
 * Members are only ever appended, and `size` says how many of them a backend knows, by the rule for structures in
 * lessonstore.h. If a function is NULL, core answers UNSUPPORTED. open, close and run are required.
 */

/* Where a list by pages goes on. Core zeroes it before the first page and carries it from page to page; the next page
 * may be asked of another instance. What the backend keeps in it is the backend's. After a failure other than MALFORMED
 * leave it as it was. Otherwise every page gives an entry, moves the position or sets `ended`: core asks until `ended`,
 * and fails a list that stands still. */
typedef struct lesson_store_position {
    char id[LESSON_STORE_ID_MAX + 1];
    uint64_t words[4];
    bool ended;           /* the backend sets it with the last page */
    bool never_repeats;   /* the backend sets it with the first page if no page repeats an entry. Else core drops those
                           * that were given before */
    uint64_t reserved[4]; /* 0 */
} lesson_store_position;

/* The numbers, among LESSON_STORE_GIVEN_..., that an event can have. */
#define LESSON_STORE_EVENT_GIVEN \
    (LESSON_STORE_GIVEN_COURSE_STATUS | LESSON_STORE_GIVEN_CHAT_STATUS | LESSON_STORE_GIVEN_CAPACITY)

/* A place in the order of the events. What the words mean is the backend's; all 0 is before the oldest event. */
typedef struct lesson_store_event_position {
    uint64_t words[4];
} lesson_store_event_position;

static inline bool lesson_store_event_position_is_oldest(const lesson_store_event_position *position) {
    return (position->words[0] | position->words[1] | position->words[2] | position->words[3]) == 0;
}

/* Takes one event and the position behind it. Returns false if there is no memory: then the event was not taken. */
typedef bool (*lesson_store_event_taker)(const lesson_store_event *event, const lesson_store_event_position *behind,
                                         void *context);

struct lesson_store_backend {
    size_t size; /* sizeof(lesson_store_backend), always */

    /* The scheme (or schemes, such as "redis|redis+unix") that this backend opens: lower-case letters,
     * digits, and + - . inside. A scheme that ends in + is a prefix: see "A backend before another one". */
    const char *schemes;
    const char *summary; /* one line for a person */

    /* What run understands: LESSON_STORE_OPERATION_MASK_..., and flags. List what you have implemented. */
    uint64_t operations;
    uint64_t flags;

    const lesson_store_option *options; /* the last entry has no name; NULL: only core's own options */
    int32_t default_pool; /* instances, if the location gives no `pool`: up to LESSON_STORE_POOL_MAX; 0 means 1 */
    int32_t reserved;     /* 0 */

    /* Opens an instance. On success `*out` is not NULL, and belongs to core until close. On failure it returns a
     * negative code, nothing needs to be closed, and core ignores `*out`. */
    int (*open)(lesson_store_instance **out, const lesson_store_location *location);

    /* Closes an instance; never NULL. */
    void (*close)(lesson_store_instance *instance);

    /* Runs operations in order, each atomically, and answers each (lesson_store_answer, and the answers of its kind).
     * Core does not clear the answers before, so write only those that belong to the code.
     * Returns OK if every operation was answered. Otherwise it returns a negative code, and the operations without an
     * answer are left LESSON_STORE_UNANSWERED or are given a code of their own (UNKNOWN for a write that may have been
     * applied). An instance whose connection has broken makes a new one at its next use. `count` is at least 1, and no
     * kind is NONE. */
    int (*run)(lesson_store_instance *instance, lesson_store_operation *operations, size_t count);

    /* The lists by callback, as in lessonstore.h. */
    int (*members)(lesson_store_instance *instance, const lesson_store_id *lesson_id,
                   lesson_store_member_callback callback, void *context);
    int (*lessons)(lesson_store_instance *instance, lesson_store_lesson_callback callback, void *context);
    int (*users)(lesson_store_instance *instance, lesson_store_user_callback callback, void *context);

    /* Finds and repairs, as lesson_store_check. Core counts; the callback is never NULL. */
    int (*check)(lesson_store_instance *instance, uint32_t flags, lesson_store_finding_callback callback,
                 void *context);

    /* Facts about the engine: names in lower case with underscores. */
    int (*info)(lesson_store_instance *instance, lesson_store_info_callback callback, void *context);

    /* The lists by page: give some `most` entries from `position` on, and move `position` behind them. The callback of
     * a page returns false if core has no memory; then leave `position` as it is. A page may be empty before the list
     * has ended, and may have more than `most` entries. MALFORMED as in lessonstore.h, for the entries of this page;
     * then the position moves on. */
    int (*members_page)(lesson_store_instance *instance, const lesson_store_id *lesson_id, size_t most,
                        lesson_store_position *position, lesson_store_member_callback callback, void *context);
    int (*lessons_page)(lesson_store_instance *instance, size_t most, lesson_store_position *position,
                        lesson_store_lesson_callback callback, void *context);
    int (*users_page)(lesson_store_instance *instance, size_t most, lesson_store_position *position,
                      lesson_store_user_callback callback, void *context);

    /* The schemes, among `schemes`, whose locations may name several hosts. In all others core refuses that. */
    const char *host_list_schemes;
    /* ---- end of the members of version 0.1 ---- */

    /* Puts out the users of owners that are over, as lesson_store_sweep. `dropped` is over from now on, as in
     * lesson_store_drop (NOT_FOUND: it holds no lease), and no other one's users are put out; NULL: none is. Core
     * counts; the callback is never NULL. */
    int (*sweep)(lesson_store_instance *instance, const lesson_store_id *dropped, lesson_store_user_callback callback,
                 void *context);

    int (*owners)(lesson_store_instance *instance, lesson_store_owner_callback callback, void *context);
    int (*bans)(lesson_store_instance *instance, const lesson_store_id *lesson_id,
                lesson_store_banned_callback callback, void *context);

    /* The lessons that pass a filter, as lessons and lessons_page. The filter asks for something. A page without an
     * entry may come before the end, so look at some `most` lessons, and not at all of them until `most` pass. */
    int (*find_lessons)(lesson_store_instance *instance, const lesson_store_lesson_filter *filter,
                        lesson_store_lesson_callback callback, void *context);
    int (*find_lessons_page)(lesson_store_instance *instance, const lesson_store_lesson_filter *filter, size_t most,
                             lesson_store_position *position, lesson_store_lesson_callback callback, void *context);

    /* Gives some events behind `position`, at least one if there are any, and about `most` at a time. If all of it is
     * 0, one of kind 0 comes first, whose position is just before the oldest event that is kept. If there are none and
     * `events_poll_ms` of the instance is 0, it waits for one up to `wait_ms`. If `most` is 0, it gives none and sets
     * `position` to the newest. GAP: events behind the position are missing, or it was never one of this store;
     * `position` becomes the newest. NOT_FOUND: the feed is off. An event that cannot be read is a gap. One
     * of kind 0 only moves the position. */
    int (*events)(lesson_store_instance *instance, lesson_store_event_position *position, size_t most, int64_t wait_ms,
                  lesson_store_event_taker take, void *context);

    /* For a scheme whose locations need different backends. `*out` is this backend, which may also be a copy of the
     * table; sets it to another one, which takes the same schemes and options, if that is to open the location. It may
     * ask the engine. Core calls it once for a
     * store, before the first instance is opened and after the options were checked; not for the backend that it
     * chooses. Returns OK, or a negative code, with which the opening of the store fails. NULL: this backend opens all
     * of its locations. */
    int (*choose)(const lesson_store_backend **out, const lesson_store_location *location);
    /* ---- end of the members of version 0.2 ---- */
};

/* Zeroes a table and sets its `size`, for other languages. */
LESSON_STORE_API void lesson_store_backend_init(lesson_store_backend *backend, size_t size);

/* Makes a backend known to lesson_store_open under its schemes. `backend` must stay valid and unchanged as long as the
 * process lives. Registering the same one again is OK and does nothing. EXISTS: a scheme is taken by another backend.
 * INVALID: the table lacks what is required, or a scheme is malformed or begins with the prefix of another backend.
 * FULL: there are 32 backends. Any thread. */
LESSON_STORE_API int lesson_store_register(const lesson_store_backend *backend);

/* Opens a store on this backend without registering it. As lesson_store_open; the scheme of the location must be one of
 * the backend's. */
LESSON_STORE_API int lesson_store_open_with(lesson_store **out, const lesson_store_backend *backend,
                                            const char *location);

/* Returns the registered backends by index from 0, the built-in ones first; NULL beyond the last. */
LESSON_STORE_API const lesson_store_backend *lesson_store_backend_at(size_t index);

/* ---------------------------------------------------------------- A backend before another one
 *
 * A backend whose scheme ends in '+' stands before the backend of the rest of the scheme: "fault+" in
 * "fault+redis://host". Its table says which operations, flags and calls it can pass on; a store has those that both
 * tables have. It takes its own options and those of the backend beneath. Its functions call those of the table beneath
 * on the instance beneath. One location has at most one prefix.
 */

/* Returns the table of the backend beneath, complete; it lives as long as the store. NULL if there is none. If that
 * backend chooses another one, core has asked it before the first instance of the store is opened. */
LESSON_STORE_API const lesson_store_backend *lesson_store_location_beneath(const lesson_store_location *location);

/* Opens an instance of the backend beneath. `first` is the instance beneath the one that lesson_store_location_first
 * returns, NULL if there is none. The caller closes it by the table beneath. */
LESSON_STORE_API int lesson_store_open_beneath(lesson_store_instance **out, const lesson_store_location *location,
                                               const lesson_store_instance *first);

/* Runs those of the operations that have no answer yet: neighbours together, in order. Returns as run. */
LESSON_STORE_API int lesson_store_run_unanswered(const lesson_store_backend *backend, lesson_store_instance *instance,
                                                 lesson_store_operation *operations, size_t count);

/* Returns the instance of a store that was opened first, if `backend` opened it; else NULL. Read only what never
 * changes, or what the backend itself protects. For calls of a backend's own that must not wait for an instance. */
LESSON_STORE_API const lesson_store_instance *lesson_store_first_instance(const lesson_store *store,
                                                                          const lesson_store_backend *backend);

#ifdef __cplusplus
}
#endif

#endif
