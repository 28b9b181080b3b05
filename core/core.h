/* What the files of core share. Nothing here is exported. */
#ifndef LESSON_STORE_CORE_H
#define LESSON_STORE_CORE_H

#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>

#include <lessonstore/backend.h>

#include "feed/reader.h"
#include "figures/observer.h"

/* ---- sized.c: structures that begin with `size` */

#define LESSON_STORE_SIZED_MAX 4096 /* bytes; a larger `size` counts as garbage */

/* Copies a structure of this version into the caller's, which keeps its size. False if that size is not valid. */
bool lesson_store__sized_write(void *to, const void *from, size_t from_size);

/* For large structures in frequent calls. If compilers know the size, some turn memset and memcpy into `rep stos` and
 * `rep movs`. These take longer to start than the C library needs for a whole operation (15 ns in a single call). */
void lesson_store__zero(void *memory, size_t size);
void lesson_store__copy(void *to, const void *from, size_t size);

/* ---- location.c: the parts; options.c: the options */

#define LESSON_STORE_OPTIONS_MAX 32 /* options in one location */

#define LESSON_STORE_HOSTS_MAX 16 /* hosts in one location */

typedef struct lesson_store__host {
    char *name; /* "" if the location gives none */
    int port;   /* 0: none given */
} lesson_store__host;

struct lesson_store_location {
    char given[LESSON_STORE_LOCATION_MAX + 1]; /* as the caller gave it */
    char text[LESSON_STORE_LOCATION_MAX + 1];  /* its parts, decoded in place */
    char shown[LESSON_STORE_LOCATION_MAX + 3 * LESSON_STORE_OPTIONS_MAX + 8];
    size_t hidden_size;       /* up to the last @ everything may be a password; 0: there is no @ */
    char directory[PATH_MAX]; /* "" if unknown */
    const char *full_scheme;  /* with the prefix, if any */
    const char *scheme;       /* without the prefix */
    const char *user;
    const char *password;
    lesson_store__host hosts[LESSON_STORE_HOSTS_MAX];
    int host_count;
    char *path;
    const lesson_store_instance *first;  /* the store's first instance, NULL until it is open */
    const lesson_store_backend *beneath; /* the table of the backend behind the prefix, NULL without a prefix */
    struct {
        const char *name;
        const char *value;
    } given_options[LESSON_STORE_OPTIONS_MAX];
    size_t option_count;
    const lesson_store_option *options;        /* the backend's options */
    const lesson_store_option *prefix_options; /* the prefix's options */
    int default_pool;

    lesson_store_observer *observer; /* of the instance that is being opened */

    /* Of a copy with which a call opens one more instance; `pool` is NULL in the location itself. */
    struct lesson_store__pool *pool;
    int64_t since_us;
    int64_t deadline_us; /* 0: none */
};

int lesson_store__location_parse(lesson_store_location *location, const char *text);

/* A copy, which points to the texts in `location`; NULL if there is no memory. lesson_store__location_free gives it
 * back. */
lesson_store_location *lesson_store__location_copy(const lesson_store_location *location);
void lesson_store__location_free(lesson_store_location *copy);

/* Overwrites what may hold a password. */
void lesson_store__location_forget(lesson_store_location *location);

/* Removes this prefix from the scheme. */
void lesson_store__location_take_prefix(lesson_store_location *location, size_t prefix_size);

/* Checks the options against those of core, of the prefix (NULL: none) and of the backend, and makes their values
 * available. */
int lesson_store__location_bind(lesson_store_location *location, const lesson_store_backend *backend,
                                const lesson_store_backend *prefix);

/* Writes `shown`: the location without secrets. Until the options are bound, every option value counts as a secret. */
void lesson_store__location_show(lesson_store_location *location);

/* Returns the name of an option in `text` as a message may quote it. */
const char *lesson_store__option_shown_name(const lesson_store_location *location, const char *part);

/* Returns the location's option of this name, or NULL. */
const lesson_store_option *lesson_store__location_option(const lesson_store_location *location, const char *name,
                                                         size_t size);

/* Returns the value of an option as info may show it. No message quotes a value. */
const char *lesson_store__option_shown(const lesson_store_location *location, const lesson_store_option *option,
                                       const char *value);

/* The options that every scheme takes. */
extern const lesson_store_option lesson_store__core_options[];

/* ---- registry.c */

/* Copies a table into one of this version's size. Members that the backend's table lacks become zero. */
int lesson_store__backend_complete(lesson_store_backend *out, const lesson_store_backend *backend);
/* True if a list such as "redis|rediss" has this scheme. NULL is an empty list. */
bool lesson_store__lists_scheme(const char *schemes, const char *scheme);

bool lesson_store__backend_opens(const lesson_store_backend *backend, const char *scheme);
const lesson_store_backend *lesson_store__backend_find(const char *scheme);

/* Returns the backend whose prefix begins the scheme, and sets `*size` to the size of that prefix. NULL: there is none.
 */
const lesson_store_backend *lesson_store__backend_find_prefix(const char *scheme, size_t *size);

/* Writes the schemes of all registered backends, such as "memory|sqlite". The text is cut if there is no room. */
void lesson_store__backend_list(char *text, size_t size);

/* ---- origin.c: the process that made a store */

typedef struct lesson_store__origin {
    const volatile uint32_t *mark; /* 1, and 0 in a child; NULL if the kernel cannot do that */
    pid_t process;
} lesson_store__origin;

void lesson_store__origin_open(lesson_store__origin *origin);
void lesson_store__origin_close(lesson_store__origin *origin);
bool lesson_store__origin_is_this_process(const lesson_store__origin *origin);

/* True in a child that inherited the store. There every lock may be held by a thread that does not exist, and the
 * connections belong to the parent. So check this before any lock is taken. */
static inline bool lesson_store__origin_is_elsewhere(const lesson_store__origin *origin) {
    return origin->mark ? *origin->mark == 0 : !lesson_store__origin_is_this_process(origin);
}

LESSON_STORE_RARE int lesson_store__fail_in_child(void);

/* ---- Cancellation of threads (pthread_cancel)
 *
 * A thread is not cancelled inside a call, callbacks included: an instance, a lock or an answer would be lost to the
 * other threads. A cancel that comes meanwhile takes effect at the thread's next cancellation point after the call. */
static inline int lesson_store__disable_cancel(void) {
    int state;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
    return state;
}

static inline void lesson_store__restore_cancel(int state) {
    pthread_setcancelstate(state, NULL);
}

/* ---- pool.c: instances, lent to one thread at a time */

typedef struct lesson_store__slot {
    lesson_store_instance *instance;
    _Atomic(lesson_store_observer *) observer; /* from the first opening on; NULL before */
    bool opening;
    uint32_t call;                       /* of the list that has borrowed it, as it is counted */
    int64_t since_us;                    /* when the call began that has borrowed it; 0: calls never wait */
    int cancel_state;                    /* of the thread that has borrowed it, to be restored */
    _Atomic(uintptr_t) streaming_thread; /* the thread whose callback runs on this instance, or 0 */
} lesson_store__slot;

/* A thread that waits for an instance. */
typedef struct lesson_store__waiter {
    struct lesson_store__waiter *next;
    pthread_cond_t given;
    int64_t since_us;
    lesson_store__slot *slot; /* handed over to it */
} lesson_store__waiter;

typedef struct lesson_store__pool {
    pthread_mutex_t mutex;
    lesson_store__waiter *first_waiter; /* the one that has waited for the longest time */
    lesson_store__waiter *last_waiter;
    const lesson_store_backend *backend;
    const lesson_store_location *location;
    lesson_store__origin origin;
    int64_t call_timeout_us; /* how long a call waits for an instance; 0: without limit */
    bool mutex_is_loan;      /* one instance, and no limit: each call costs one lock and one unlock */
    int size;
    int opened;
    int idle;
    int64_t grow_again_at_us;
    uint64_t waits; /* calls that waited for an instance */
    uint64_t waited_us;
    uint64_t opens;
    uint64_t open_failures;
    const lesson_store_log *log;
    _Atomic(int) streaming; /* callbacks that are running */
    lesson_store__slot *idle_slots[LESSON_STORE_POOL_MAX];
    lesson_store__slot slots[LESSON_STORE_POOL_MAX];
} lesson_store__pool;

/* Opens an instance. Refuses an instance whose reserved words are not zero. */
int lesson_store__open_instance(lesson_store_instance **out, const lesson_store_backend *backend,
                                const lesson_store_location *location);

int lesson_store__pool_open(lesson_store__pool *pool, const lesson_store_backend *backend,
                            lesson_store_location *location, const lesson_store_log *log);
void lesson_store__pool_close(lesson_store__pool *pool);

/* Only those of the pool itself. */
void lesson_store__pool_read_figures(lesson_store__pool *pool, lesson_store_figures *figures);

/* True if an instance that is being opened for a call is not needed any more. */
bool lesson_store__pool_gives_up_opening(lesson_store__pool *pool, int64_t since_us, int64_t deadline_us);

/* Around a callback while the instance is lent to this thread, so that a call from it is REENTERED. begin returns what
 * end takes: a callback may run within another one. */
uintptr_t lesson_store__pool_begin_callback(lesson_store__pool *pool, lesson_store__slot *slot);
void lesson_store__pool_end_callback(lesson_store__pool *pool, lesson_store__slot *slot, uintptr_t before);

/* True if the calling thread is in a callback of this store. Call it only while a callback runs. */
bool lesson_store__pool_is_streaming_here(const lesson_store__pool *pool);

/* CLOSED in a forked child, REENTERED if the calling thread is in a callback of this store. Check this before each
 * take: a thread that already holds the only instance would wait for itself. A relaxed load of the count is enough,
 * because a thread in a callback has counted that callback itself. */
static inline int lesson_store__pool_check_caller(const lesson_store__pool *pool) {
    if (lesson_store__origin_is_elsewhere(&pool->origin))
        return lesson_store__fail_in_child();
    if (atomic_load_explicit(&pool->streaming, memory_order_relaxed) == 0 ||
        !lesson_store__pool_is_streaming_here(pool))
        return LESSON_STORE_OK;
    return lesson_store_fail(LESSON_STORE_REENTERED, "a callback of this store called the store again");
}

lesson_store__slot *lesson_store__pool_take_one(lesson_store__pool *pool, int *code);
void lesson_store__pool_give_one(lesson_store__pool *pool, lesson_store__slot *slot);

/* Lends an instance. Waits while all are lent. NULL, with a code, if that takes too long: BUSY. The thread cannot be
 * cancelled until it gives the instance back. If the mutex is the loan, this is left out, because the engine never
 * waits: it would cost a fifth of the time of a call in memory. */
static inline lesson_store__slot *lesson_store__pool_take(lesson_store__pool *pool, int *code) {
    if (!pool->mutex_is_loan)
        return lesson_store__pool_take_one(pool, code);
    pthread_mutex_lock(&pool->mutex);
    *code = LESSON_STORE_OK;
    return &pool->slots[0];
}

/* The same for a thread that must not wait for a callback: NULL without a code if the instance is lent. */
static inline lesson_store__slot *lesson_store__pool_try_take(lesson_store__pool *pool, int *code) {
    if (!pool->mutex_is_loan)
        return lesson_store__pool_take_one(pool, code);
    *code = LESSON_STORE_OK;
    return pthread_mutex_trylock(&pool->mutex) == 0 ? &pool->slots[0] : NULL;
}

static inline void lesson_store__pool_give(lesson_store__pool *pool, lesson_store__slot *slot) {
    if (pool->mutex_is_loan)
        pthread_mutex_unlock(&pool->mutex);
    else
        lesson_store__pool_give_one(pool, slot);
}

/* The same for a call that takes a callback. The callback may wait, so here no thread can be cancelled. */
lesson_store__slot *lesson_store__pool_take_for_stream(lesson_store__pool *pool, int *code);
void lesson_store__pool_give_after_stream(lesson_store__pool *pool, lesson_store__slot *slot);

/* ---- store.c: opening and closing; batch.c, lists.c, pages.c and info.c: the calls on a store */

struct lesson_store {
    lesson_store_backend backend; /* completed; with a prefix: only what both backends can do */
    lesson_store_backend beneath; /* completed; used only with a prefix */
    const lesson_store_backend *opened_by;
    uint64_t capabilities;
    lesson_store_location location;
    lesson_store__pool pool;
    lesson_store__reader reader;
    lesson_store_log log;
    lesson_store__counted refused[LESSON_STORE__COUNTED_END]; /* calls that came to no instance */
};

/* Checks a call that takes a callback, and lends it an instance. NULL, with a code, if the call is not possible. `call`
 * is its number among the counted ones. */
lesson_store__slot *lesson_store__begin_stream(lesson_store *store, uint32_t call, bool has_function, bool has_callback,
                                               int *code);

/* Gives the instance back, and returns the code of the call. */
int lesson_store__end_stream(lesson_store *store, lesson_store__slot *slot, int code);

/* ---- filters.c */

int lesson_store__filter_check(const lesson_store_lesson_filter *filter);
bool lesson_store__filter_is_empty(const lesson_store_lesson_filter *filter);
bool lesson_store__filter_equal(const lesson_store_lesson_filter *left, const lesson_store_lesson_filter *right);

/* ---- pages.c, for the executor */

typedef struct lesson_store__page {
    void *entries; /* an array as the direct calls return it, with its texts; freed by free */
    size_t count;
    int code;
} lesson_store__page;

/* INVALID or UNSUPPORTED with a message, or OK. `cursor` may be NULL. */
int lesson_store__list_check(const lesson_store *store, const lesson_store_list *list, const void *executor,
                             const lesson_store_cursor *cursor);

/* Opens the cursor of a checked list. NULL: no memory. `number` is the executor's, and chooses the lane. */
lesson_store_cursor *lesson_store__cursor_open(lesson_store *store, const lesson_store_list *list, const void *executor,
                                               uint32_t number);
uint32_t lesson_store__cursor_number(const lesson_store_cursor *cursor);

/* False if a page of the cursor is pending. Otherwise one is from now on, and two more parties hold the cursor. One
 * lets go of it by end_page, after which the next page may begin. The other one, which fills the cursor, does so by
 * lesson_store_cursor_close. */
bool lesson_store__cursor_begin_page(lesson_store_cursor *cursor);
void lesson_store__cursor_end_page(lesson_store_cursor *cursor);

/* Asks the backend at most once. False if there is no page yet: try again. Only one thread at a time. */
bool lesson_store__cursor_try_page(lesson_store_cursor *cursor, size_t most, lesson_store__page *page);

/* Takes a page back that nobody has seen, so that the next page begins where it began. */
void lesson_store__cursor_take_back(lesson_store_cursor *cursor, lesson_store__page *page);

/* ---- message.c: around a callback that may fail calls of its own */

void lesson_store__message_save(char text[LESSON_STORE_MESSAGE_SIZE]);
void lesson_store__message_restore(const char text[LESSON_STORE_MESSAGE_SIZE]);

/* ---- executor/executor.c */

lesson_store *lesson_store__executor_store(const lesson_store_executor *executor);

/* ---- id.c */

/* Returns the size of the well-formed UTF-8 sequence at `text` (RFC 3629, section 4). 0 if it is malformed, or a
 * control byte. */
size_t lesson_store__utf8_sequence(const unsigned char *text, size_t size);

/* ---- clock.c */

int64_t lesson_store__now_ms(void);

/* A condition variable that waits by the clock of lesson_store_monotonic_us; see pthread_cond_init and
 * pthread_cond_timedwait. Without a limit if `until_us` is 0. */
void lesson_store__condition_open(pthread_cond_t *condition);
int lesson_store__wait_until(pthread_cond_t *condition, pthread_mutex_t *mutex, int64_t until_us);

/* ---- check_operation.c */

/* INVALID or UNSUPPORTED with a message, or OK. */
int lesson_store__operation_check(const lesson_store *store, const lesson_store_operation *operation);

/* True if an id of the operation lies inside the place that the operation writes to. */
bool lesson_store__operation_reads_its_place(const lesson_store_operation *operation);

/* True if an operation of this kind and with this code returns a place. */
bool lesson_store__answer_has_place(uint32_t kind, int code);

#endif
