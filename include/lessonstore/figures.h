/*
 * What a store does: figures for metrics, and a log of what happens to it.
 *
 * Every store counts: its calls by kind and outcome, how long they took, how its pool is used, and what its engine did
 * for it (requests, connections, failovers). Read the figures into structures, or let the library write them as the
 * text that monitoring systems read (OpenMetrics). Counting costs a call in memory some nanoseconds, and a call to
 * Redis less than a hundredth of its time; ./run bench figures measures both. docs/figures.md names what to watch.
 *
 * All figures only grow while the store is open, but for those that are said to be of now. They are read while other
 * threads count, without stopping them: each number is whole, and two numbers may be some calls apart.
 *
 * A log tells of what is rare and worth a line: a connection made anew, a failover, an eviction policy that deletes
 * data. It is asked for when a store is opened.
 */
#ifndef LESSONSTORE_FIGURES_H
#define LESSONSTORE_FIGURES_H

#include <lessonstore/executor.h>
#include <lessonstore/lessonstore.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---------------------------------------------------------------- Calls
 *
 * What is counted besides the operations, which have the numbers of LESSON_STORE_OPERATION_MAP: X(NAME, number, word).
 * A single call is an operation. A batch of several is one BATCH, and each of its operations is counted by its own
 * outcome, but has no time of its own. A page is what was asked of the engine for it. EVENTS are pages of events that
 * the store has read for its feeds.
 */
#define LESSON_STORE_COUNTED_MAP(X)     \
    X(BATCH, 0, "batch")                \
    X(MEMBERS, 32, "members")           \
    X(LESSONS, 33, "lessons")           \
    X(FIND_LESSONS, 34, "find_lessons") \
    X(USERS, 35, "users")               \
    X(CHECK, 36, "check")               \
    X(OWNERS, 37, "owners")             \
    X(BANS, 38, "bans")                 \
    X(SWEEP, 39, "sweep")               \
    X(DROP, 40, "drop")                 \
    X(MEMBERS_PAGE, 41, "members_page") \
    X(LESSONS_PAGE, 42, "lessons_page") \
    X(USERS_PAGE, 43, "users_page")     \
    X(EVENTS, 44, "events")

enum {
#define LESSON_STORE_COUNTED_ENUM(name, number, word) LESSON_STORE_COUNTED_##name = (number),
    LESSON_STORE_COUNTED_MAP(LESSON_STORE_COUNTED_ENUM)
#undef LESSON_STORE_COUNTED_ENUM
};

#define LESSON_STORE_COUNTED_MAX 64 /* the numbers are below this */

/* Returns the word of a number, such as "join" or "members_page"; NULL for a number that counts nothing. Any thread. */
LESSON_STORE_API const char *lesson_store_call_name(uint32_t call);

/* How long calls took, in classes: class i counts those of at most 2^(i+1) microseconds that are in no class before it;
 * the last one counts all that took longer. So the limits are 2, 4, 8 us, ... 2.1 s. */
#define LESSON_STORE_TIMES 22

/* Returns the limit of a class in microseconds; UINT64_MAX for the last. */
static inline uint64_t lesson_store_time_limit_us(int index) {
    return index < LESSON_STORE_TIMES - 1 ? UINT64_C(2) << index : UINT64_MAX;
}

/* The figures of one kind of call. Begin with LESSON_STORE_CALL_FIGURES_INIT or lesson_store_call_figures_init. */
typedef struct lesson_store_call_figures {
    size_t size;                       /* sizeof(lesson_store_call_figures) */
    uint64_t answers[16];              /* by code: answers[LESSON_STORE_OK], ... */
    uint64_t failures[32];             /* by code: failures[-LESSON_STORE_UNREACHABLE], ... */
    uint64_t took[LESSON_STORE_TIMES]; /* from the call to its answer, the wait for an instance included, in classes */
    uint64_t took_us;                  /* the sum of these times */
} lesson_store_call_figures;

#define LESSON_STORE_CALL_FIGURES_INIT \
    { sizeof(lesson_store_call_figures), {0}, {0}, {0}, 0 }

LESSON_STORE_API void lesson_store_call_figures_init(lesson_store_call_figures *figures, size_t size);

/* Reads the figures of one kind of call: an operation kind, or LESSON_STORE_COUNTED_.... What never came to an instance
 * is not counted: calls that were INVALID, UNSUPPORTED or REENTERED at once. Those that waited in vain for one are
 * BUSY, and have no time. A backend whose calls never wait, as in memory, has no times at all: to read a clock twice
 * would take as long as its calls. INVALID: a missing argument, a size that is not valid, or an unknown kind of call.
 * CLOSED: in a forked child. Any thread, also in callbacks; it waits for nothing. */
LESSON_STORE_API int lesson_store_read_call_figures(lesson_store *store, uint32_t call,
                                                    lesson_store_call_figures *figures);

/* ---------------------------------------------------------------- The store
 *
 * What engines do for a store: X(NAME, word, text). A backend counts what it has, and the others stay 0. CONNECTIONS
 * counts a connection that replaces another one too.
 */
#define LESSON_STORE_ENGINE_FIGURE_MAP(X)                                                         \
    X(REQUESTS, "requests", "Requests sent to the engine.")                                       \
    X(BYTES_SENT, "sent_bytes", "Bytes sent to the engine, before TLS.")                          \
    X(BYTES_RECEIVED, "received_bytes", "Bytes received from the engine, after TLS.")             \
    X(CONNECTIONS, "connections", "Connections made and greeted.")                                \
    X(CONNECTION_FAILURES, "connection_failures", "Connections that could not be made.")          \
    X(CONNECTION_LOSSES, "connection_losses", "Connections that broke, in a call or before one.") \
    X(TLS_RESUMPTIONS, "tls_resumptions", "TLS sessions that were resumed instead of made anew.") \
    X(RETRIES, "retries", "Requests sent again because the engine had certainly not run them.")   \
    X(REDIRECTIONS, "redirections", "Requests that a Cluster sent to another node.")              \
    X(FAILOVERS, "failovers", "Changes of the primary that this store has followed.")             \
    X(SCRIPT_LOADS, "script_loads", "Scripts sent whole because the engine did not have them.")   \
    X(UNCONFIRMED, "unconfirmed", "Writes that too few replicas had confirmed in time.")          \
    X(TRANSACTIONS, "transactions", "Transactions committed.")                                    \
    X(LOCK_WAITS, "lock_waits", "Transactions that waited for another process.")

/* The index of each in `engine`. */
typedef enum lesson_store_engine_figure {
#define LESSON_STORE_ENGINE_FIGURE_ENUM(name, word, text) LESSON_STORE_ENGINE_##name,
    LESSON_STORE_ENGINE_FIGURE_MAP(LESSON_STORE_ENGINE_FIGURE_ENUM)
#undef LESSON_STORE_ENGINE_FIGURE_ENUM
        LESSON_STORE_ENGINE_FIGURES_HERE /* how many this version has */
} lesson_store_engine_figure;

#define LESSON_STORE_ENGINE_FIGURES 32

/* Begin with LESSON_STORE_FIGURES_INIT or lesson_store_figures_init. */
typedef struct lesson_store_figures {
    size_t size;        /* sizeof(lesson_store_figures) */
    uint64_t pool_size; /* of now: the instances that there may be */
    uint64_t pool_open; /* of now: that there are */
    uint64_t pool_lent; /* of now: that calls are using */
    uint64_t waits;     /* calls that waited for an instance */
    uint64_t waited_us; /* how long, all together */
    uint64_t opens;     /* instances opened for the pool */
    uint64_t open_failures;
    uint64_t engine[LESSON_STORE_ENGINE_FIGURES]; /* by lesson_store_engine_figure */
} lesson_store_figures;

#define LESSON_STORE_FIGURES_INIT                            \
    {                                                        \
        sizeof(lesson_store_figures), 0, 0, 0, 0, 0, 0, 0, { \
            0                                                \
        }                                                    \
    }

LESSON_STORE_API void lesson_store_figures_init(lesson_store_figures *figures, size_t size);

/* Reads the figures of a store, its feeds included. As lesson_store_read_call_figures; takes the lock of the pool for
 * an instant. */
LESSON_STORE_API int lesson_store_read_figures(lesson_store *store, lesson_store_figures *figures);

/* ---------------------------------------------------------------- Metrics */

/* What the metrics of one store come from. Zero all of it, then fill it in. */
typedef struct lesson_store_metrics_source {
    const char *name; /* the value of the label `store`, an id. NULL: the scheme of the location */
    lesson_store *store;
    lesson_store_executor *executor; /* over this store; NULL: none */
    uint64_t reserved[5];            /* 0 */
} lesson_store_metrics_source;

typedef bool (*lesson_store_metrics_callback)(const char *text, size_t size, void *context);

enum {
    /* Leaves out the "# EOF" at the end, for a program that adds metrics of its own behind these. */
    LESSON_STORE_METRICS_PART = 1 << 0
};

/* Writes the figures of these sources in OpenMetrics 1.0 text format, whose media type is
 *
 *   application/openmetrics-text; version=1.0.0; charset=utf-8
 *
 * in pieces to the callback, which returns false to stop. Each name begins with lessonstore_; docs/figures.md lists
 * them. Kinds of calls that never happened are left out. Two sources must not have the same name. OK also if it was
 * stopped. INVALID: an argument, a flag or a name is not valid, or two are the same. CLOSED: in a forked child; nothing
 * was written. NO_MEMORY. Any thread. */
LESSON_STORE_API int lesson_store_write_metrics(const lesson_store_metrics_source *sources, size_t count,
                                                uint32_t flags, lesson_store_metrics_callback callback, void *context);

/* ---------------------------------------------------------------- The log
 *
 * What is told: X(NAME, number, LEVEL, word).
 */
#define LESSON_STORE_LOG_MAP(X)                                                                        \
    X(CONNECTED, 1, DETAIL, "connected")         /* a connection was made, the first of an instance */ \
    X(RECONNECTED, 2, NOTICE, "reconnected")     /* one that had broken was made anew */               \
    X(UNREACHABLE, 3, WARNING, "unreachable")    /* one could not be made; once until it can */        \
    X(FAILOVER, 4, NOTICE, "failover")           /* another server is the primary now */               \
    X(REDIRECTED, 5, DETAIL, "redirected")       /* a Cluster named another node for the keys */       \
    X(SCRIPT_LOADED, 6, DETAIL, "script_loaded") /* the server did not have a script */                \
    X(EVICTION, 7, WARNING, "eviction")          /* the server may delete keys when it is full */      \
    X(LEASE_LOST, 8, WARNING, "lease_lost")      /* a renewal was answered CONFLICT */                 \
    X(UNCONFIRMED, 9, WARNING, "unconfirmed")    /* too few replicas have confirmed a write */

typedef enum lesson_store_log_kind {
#define LESSON_STORE_LOG_ENUM(name, number, level, word) LESSON_STORE_LOG_##name = (number),
    LESSON_STORE_LOG_MAP(LESSON_STORE_LOG_ENUM)
#undef LESSON_STORE_LOG_ENUM
} lesson_store_log_kind;

typedef enum lesson_store_log_level {
    LESSON_STORE_LEVEL_WARNING = 1, /* somebody should look */
    LESSON_STORE_LEVEL_NOTICE = 2,  /* explains what users may have noticed */
    LESSON_STORE_LEVEL_DETAIL = 3   /* for who looks for a fault */
} lesson_store_log_level;

typedef struct lesson_store_log_entry {
    uint32_t kind;        /* lesson_store_log_kind; later versions may have more of them */
    uint32_t level;       /* lesson_store_log_level */
    const char *word;     /* of the kind, such as "failover" */
    const char *message;  /* one line without secrets: printable, as in lesson_store_message */
    uint64_t reserved[4]; /* 0 */
} lesson_store_log_entry;

/* Called in the thread in which it happens, in the middle of a call, with an instance lent. So be short; several
 * threads may call it at the same time. It must not call this store: REENTERED, but unspecified in the thread that
 * reads events for the feeds, which lends none. The entry is borrowed until it returns. lesson_store_message() is
 * afterwards what it was before. */
typedef void (*lesson_store_log_callback)(const lesson_store_log_entry *entry, void *context);

/* Zero all of it, then fill it in. */
typedef struct lesson_store_log {
    lesson_store_log_callback callback;
    void *context;
    uint32_t level;          /* tells entries up to this lesson_store_log_level; 0: up to NOTICE */
    uint32_t reserved_level; /* 0 */
    uint64_t reserved[4];    /* 0 */
} lesson_store_log;

/* Opens a store as lesson_store_open, with a log. `log` is copied; the callback can be called from now on, also before
 * this call returns, and until the store is closed. INVALID also for a log without a callback or with an unknown level.
 */
LESSON_STORE_API int lesson_store_open_logged(lesson_store **out, const char *location, const lesson_store_log *log);

/* Returns the word of a kind, "?" for an unknown one; and of a level: "warning", "notice", "detail", or "?". */
LESSON_STORE_API const char *lesson_store_log_word(uint32_t kind);
LESSON_STORE_API const char *lesson_store_level_word(uint32_t level);

#ifdef __cplusplus
}
#endif

#endif
