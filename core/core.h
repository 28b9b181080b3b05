/* What the files of core share. Nothing here is exported. */
#ifndef LESSON_STORE_CORE_H
#define LESSON_STORE_CORE_H

#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>

#include <lessonstore/backend.h>

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

struct lesson_store_location {
    char given[LESSON_STORE_LOCATION_MAX + 1]; /* as the caller gave it */
    char text[LESSON_STORE_LOCATION_MAX + 1];  /* its parts, decoded in place */
    char shown[LESSON_STORE_LOCATION_MAX + 3 * LESSON_STORE_OPTIONS_MAX + 8];
    char directory[PATH_MAX]; /* "" if unknown */
    const char *full_scheme;  /* with the prefix, if any */
    const char *scheme;       /* without the prefix */
    const char *user;
    const char *password;
    char *host;
    char *path;
    int port;
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
};

int lesson_store__location_parse(lesson_store_location *location, const char *text);

/* Removes this prefix from the scheme. */
void lesson_store__location_take_prefix(lesson_store_location *location, size_t prefix_size);

/* Checks the options against those of core, of the prefix (NULL: none) and of the backend, and makes their values
 * available. */
int lesson_store__location_bind(lesson_store_location *location, const lesson_store_backend *backend,
                                const lesson_store_backend *prefix);

/* Writes `shown`: the location without secrets. Until the options are bound, every option value counts as a secret. */
void lesson_store__location_show(lesson_store_location *location);

/* Returns the location's option of this name, or NULL. */
const lesson_store_option *lesson_store__location_option(const lesson_store_location *location, const char *name,
                                                         size_t size);

/* The options that every scheme takes. */
extern const lesson_store_option lesson_store__core_options[];

/* ---- registry.c */

/* Copies a table into one of this version's size. Members that the backend's table lacks become zero. */
int lesson_store__backend_complete(lesson_store_backend *out, const lesson_store_backend *backend);
bool lesson_store__backend_opens(const lesson_store_backend *backend, const char *scheme);
const lesson_store_backend *lesson_store__backend_find(const char *scheme);

/* Returns the backend whose prefix begins the scheme, and sets `*size` to the size of that prefix. NULL: there is none.
 */
const lesson_store_backend *lesson_store__backend_find_prefix(const char *scheme, size_t *size);

/* Writes the schemes of all registered backends, such as "memory|sqlite". The text is cut if there is no room. */
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
    _Atomic(int) streaming; /* callbacks that are running */
    lesson_store__slot *idle_slots[LESSON_STORE_POOL_MAX];
    lesson_store__slot slots[LESSON_STORE_POOL_MAX];
} lesson_store__pool;

/* Opens an instance. Refuses an instance whose reserved words are not zero. */
int lesson_store__open_instance(lesson_store_instance **out, const lesson_store_backend *backend,
                                const lesson_store_location *location);

int lesson_store__pool_open(lesson_store__pool *pool, const lesson_store_backend *backend,
                            lesson_store_location *location);
void lesson_store__pool_close(lesson_store__pool *pool);

/* True if the calling thread is in a callback of this store. Call it only while a callback runs. */
bool lesson_store__pool_is_streaming_here(const lesson_store__pool *pool);

/* REENTERED if the calling thread is in a callback of this store. Check this before each take: a thread that already
 * holds the only instance would wait for itself. A relaxed load of the count is enough, because a thread in a callback
 * has counted that callback itself. */
static inline int lesson_store__pool_check_thread(lesson_store__pool *pool) {
    if (atomic_load_explicit(&pool->streaming, memory_order_relaxed) == 0 ||
        !lesson_store__pool_is_streaming_here(pool))
        return LESSON_STORE_OK;
    return lesson_store_fail(LESSON_STORE_REENTERED, "a callback of this store called the store again");
}

lesson_store__slot *lesson_store__pool_take_one(lesson_store__pool *pool);
void lesson_store__pool_give_one(lesson_store__pool *pool, lesson_store__slot *slot);

/* Waits while all instances are lent. With one instance the mutex itself is the loan: each call costs one lock and one
 * unlock. */
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

/* Mark that a callback of the calling thread runs on this instance, from begin to end. */
void lesson_store__pool_begin_streaming(lesson_store__pool *pool, lesson_store__slot *slot);
void lesson_store__pool_end_streaming(lesson_store__pool *pool, lesson_store__slot *slot);

/* ---- store.c: opening and closing; batch.c, lists.c, pages.c and info.c: the calls on a store */

struct lesson_store {
    lesson_store_backend backend; /* completed; with a prefix: only what both backends can do */
    lesson_store_backend beneath; /* completed; used only with a prefix */
    const lesson_store_backend *opened_by;
    uint64_t capabilities;
    lesson_store_location location;
    lesson_store__pool pool;
};

/* Lends an instance to a call that takes a callback. */
lesson_store__slot *lesson_store__take_for_stream(lesson_store *store);

/* The same after checks. NULL, with a code, if the call is not possible. */
lesson_store__slot *lesson_store__begin_stream(lesson_store *store, bool has_function, bool has_callback, int *code);

/* Gives the instance back, and returns the code of the call. */
int lesson_store__end_stream(lesson_store *store, lesson_store__slot *slot, int code);

/* ---- id.c */

/* Returns the size of the well-formed UTF-8 sequence at `text` (RFC 3629, section 4). 0 if it is malformed, or a
 * control byte. */
size_t lesson_store__utf8_sequence(const unsigned char *text, size_t size);

/* ---- clock.c */

/* The clock of lesson_store_monotonic_us. */
int64_t lesson_store__now_ms(void);

/* A condition variable that waits by this clock; see pthread_cond_init and pthread_cond_timedwait. */
void lesson_store__condition_open(pthread_cond_t *condition);
int lesson_store__wait_until(pthread_cond_t *condition, pthread_mutex_t *mutex, int64_t until_ms);

/* ---- check_operation.c */

/* INVALID or UNSUPPORTED with a message, or OK. */
int lesson_store__operation_check(const lesson_store *store, const lesson_store_operation *operation);

/* True if an id of the operation lies inside the place that the operation writes to. */
bool lesson_store__operation_reads_its_place(const lesson_store_operation *operation);

/* True if an operation of this kind and with this code returns a place. */
bool lesson_store__answer_has_place(uint32_t kind, int code);

#endif
