/* What the files of core share. Nothing here is exported. */
#ifndef LESSON_STORE_CORE_H
#define LESSON_STORE_CORE_H

#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>

#include <lessonstore/backend.h>

/* ---- sized.c: structures that begin with `size` */

#define LESSON_STORE_SIZED_MAX 4096 /* bytes; a larger `size` is garbage */

/* Writes a structure of this version into one of the caller's, which keeps its size. False if that size is not valid.
 */
bool lesson_store__sized_write(void *to, const void *from, size_t from_size);

/* For large structures in frequent calls. If compilers know the size, some make `rep stos` and `rep movs` of memset and
 * memcpy, which take longer to start than the C library needs for all of an operation (15 ns in a single call). */
void lesson_store__zero(void *memory, size_t size);
void lesson_store__copy(void *to, const void *from, size_t size);

/* ---- location.c: the parts; options.c: the options */

#define LESSON_STORE_OPTIONS_MAX 32 /* options in one location */

struct lesson_store_location {
    char given[LESSON_STORE_LOCATION_MAX + 1]; /* as it came */
    char text[LESSON_STORE_LOCATION_MAX + 1];  /* the parts, decoded in place */
    char shown[LESSON_STORE_LOCATION_MAX + 3 * LESSON_STORE_OPTIONS_MAX + 8];
    char directory[PATH_MAX]; /* "" if unknown */
    const char *full_scheme;  /* with the prefix, if there is one */
    const char *scheme;       /* without it */
    const char *user;
    const char *password;
    char *host;
    char *path;
    int port;
    const lesson_store_instance *first;  /* of the store, NULL until it is open */
    const lesson_store_backend *beneath; /* the table of the backend that the prefix stands before, NULL without one */
    struct {
        const char *name;
        const char *value;
    } given_options[LESSON_STORE_OPTIONS_MAX];
    size_t option_count;
    const lesson_store_option *options;        /* that the backend knows */
    const lesson_store_option *prefix_options; /* that the prefix knows */
    int default_pool;
};

int lesson_store__location_parse(lesson_store_location *location, const char *text);

/* Takes this prefix off the scheme. */
void lesson_store__location_take_prefix(lesson_store_location *location, size_t prefix_size);

/* Checks the options against those of core, of the prefix (NULL: none) and of the backend, and makes their values
 * available. */
int lesson_store__location_bind(lesson_store_location *location, const lesson_store_backend *backend,
                                const lesson_store_backend *prefix);

/* Writes `shown`: the location without secrets. Before the options are bound, every value counts as one. */
void lesson_store__location_show(lesson_store_location *location);

/* The option of this name that the location may have, or NULL. */
const lesson_store_option *lesson_store__location_option(const lesson_store_location *location, const char *name,
                                                         size_t size);

/* The options that every scheme takes. */
extern const lesson_store_option lesson_store__core_options[];

/* ---- registry.c */

/* Copies a table into one of this version's size; what the backend does not know becomes zero. */
int lesson_store__backend_complete(lesson_store_backend *out, const lesson_store_backend *backend);
bool lesson_store__backend_opens(const lesson_store_backend *backend, const char *scheme);
const lesson_store_backend *lesson_store__backend_find(const char *scheme);

/* The backend whose prefix the scheme begins with, and the size of that prefix; NULL if there is none. */
const lesson_store_backend *lesson_store__backend_find_prefix(const char *scheme, size_t *size);

/* The schemes of all registered backends, as "memory|sqlite"; cut if there is no room. */
void lesson_store__backend_list(char *text, size_t size);

/* ---- pool.c: instances, lent to one thread at a time */

typedef struct lesson_store__slot {
    lesson_store_instance *instance;
    bool opening;
    _Atomic(uintptr_t) streaming_thread; /* the thread whose callback runs on this instance, or 0 */
} lesson_store__slot;

typedef struct lesson_store__pool {
    pthread_mutex_t mutex;
    pthread_cond_t returned;
    const lesson_store_backend *backend;
    const lesson_store_location *location;
    int size;
    int opened;
    int idle;
    int64_t grow_again_at_ms;
    _Atomic(int) streaming; /* callbacks that run now */
    lesson_store__slot *idle_slots[LESSON_STORE_POOL_MAX];
    lesson_store__slot slots[LESSON_STORE_POOL_MAX];
} lesson_store__pool;

/* Opens an instance, and refuses one with reserved words that are not zero. */
int lesson_store__open_instance(lesson_store_instance **out, const lesson_store_backend *backend,
                                const lesson_store_location *location);

int lesson_store__pool_open(lesson_store__pool *pool, const lesson_store_backend *backend,
                            lesson_store_location *location);
void lesson_store__pool_close(lesson_store__pool *pool);

/* Whether the calling thread is in a callback of this store; only to be asked while any callback runs. */
bool lesson_store__pool_is_streaming_here(const lesson_store__pool *pool);

/* REENTERED if the calling thread is in a callback of this store. To be asked before each take: a thread that already
 * holds the only instance would wait for itself. A thread that is in a callback has counted it itself, so to look at
 * the count without order is enough. */
static inline int lesson_store__pool_check_thread(lesson_store__pool *pool) {
    if (atomic_load_explicit(&pool->streaming, memory_order_relaxed) == 0 ||
        !lesson_store__pool_is_streaming_here(pool))
        return LESSON_STORE_OK;
    return lesson_store_fail(LESSON_STORE_REENTERED, "a callback of this store called the store again");
}

lesson_store__slot *lesson_store__pool_take_one(lesson_store__pool *pool);
void lesson_store__pool_give_one(lesson_store__pool *pool, lesson_store__slot *slot);

/* Waits while all instances are lent. With one instance the mutex itself is the loan: one lock and one unlock for each
 * call. */
static inline lesson_store__slot *lesson_store__pool_take(lesson_store__pool *pool) {
    pthread_mutex_lock(&pool->mutex);
    return pool->size == 1 ? &pool->slots[0] : lesson_store__pool_take_one(pool);
}

static inline void lesson_store__pool_give(lesson_store__pool *pool, lesson_store__slot *slot) {
    if (pool->size == 1)
        pthread_mutex_unlock(&pool->mutex);
    else
        lesson_store__pool_give_one(pool, slot);
}

/* Marks that the calling thread's callback runs on this instance, from begin to end. */
void lesson_store__pool_begin_streaming(lesson_store__pool *pool, lesson_store__slot *slot);
void lesson_store__pool_end_streaming(lesson_store__pool *pool, lesson_store__slot *slot);

/* ---- store.c: opening and closing; batch.c, lists.c, pages.c and info.c: the calls on a store */

struct lesson_store {
    lesson_store_backend backend; /* completed; before another one: what both can do */
    lesson_store_backend beneath; /* completed; only used if there is a prefix */
    const lesson_store_backend *opened_by;
    uint64_t capabilities;
    lesson_store_location location;
    lesson_store__pool pool;
};

/* Lends an instance to a call that calls back. NULL with a code if there can be no such call. */
lesson_store__slot *lesson_store__begin_stream(lesson_store *store, bool has_function, bool has_callback, int *code);

/* Gives it back, and returns the code of the call. */
int lesson_store__end_stream(lesson_store *store, lesson_store__slot *slot, int code);

/* ---- id.c */

/* The bytes of the well-formed UTF-8 sequence at `text` (RFC 3629, section 4); 0 if there is none, or if it is a
 * control byte. */
size_t lesson_store__utf8_sequence(const unsigned char *text, size_t size);

/* ---- clock.c */

/* The clock of lesson_store_monotonic_us. */
int64_t lesson_store__now_ms(void);

/* A condition to be waited for with this clock: as pthread_cond_init and pthread_cond_timedwait. */
void lesson_store__condition_open(pthread_cond_t *condition);
int lesson_store__wait_until(pthread_cond_t *condition, pthread_mutex_t *mutex, int64_t until_ms);

/* ---- check_operation.c */

/* INVALID or UNSUPPORTED with a message, or OK. */
int lesson_store__operation_check(const lesson_store *store, const lesson_store_operation *operation);

/* True if an id of the operation lies in the place that its answer is written to. */
bool lesson_store__operation_reads_its_place(const lesson_store_operation *operation);

/* True if an operation of this kind that is answered with this code tells a place. */
bool lesson_store__answer_tells_place(uint32_t kind, int code);

#endif
