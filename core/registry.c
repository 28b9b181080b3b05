#include <stdio.h>

#include "core.h"

#define BACKENDS_MAX 32

#define BUILT_IN(name) extern const lesson_store_backend lesson_store__##name##_backend;
#include "built_in.h"
#undef BUILT_IN

/* Built-in backends are named here, because linkers may drop objects of a static library that register themselves when
 * loaded. */
#define BUILT_IN(name) &lesson_store__##name##_backend,
static const lesson_store_backend *const built_in[] = {
#include "built_in.h"
    NULL};
#undef BUILT_IN

enum { BUILT_IN_COUNT = sizeof built_in / sizeof *built_in - 1 };

/* A list that only grows. Besides the message of each thread it is the only state outside stores. Readers take no lock,
 * so a forked child can open a store, whatever the threads of its parent were doing. */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER; /* for writers */
static const lesson_store_backend *registered[BACKENDS_MAX];
static _Atomic(size_t) registered_count; /* stored after its entry */

static const char *next_scheme(const char *schemes, size_t *size) {
    *size = strcspn(schemes, "|");
    return schemes[*size] ? schemes + *size + 1 : NULL;
}

static bool lists_scheme(const char *schemes, const char *scheme, size_t scheme_size) {
    while (schemes) {
        size_t size;
        const char *next = next_scheme(schemes, &size);
        if (size == scheme_size && memcmp(schemes, scheme, size) == 0)
            return true;
        schemes = next;
    }
    return false;
}

bool lesson_store__lists_scheme(const char *schemes, const char *scheme) {
    return lists_scheme(schemes, scheme, strlen(scheme));
}

bool lesson_store__backend_opens(const lesson_store_backend *backend, const char *scheme) {
    return lesson_store__lists_scheme(backend->schemes, scheme);
}

const lesson_store_backend *lesson_store_backend_at(size_t index) {
    if (index < BUILT_IN_COUNT)
        return built_in[index];
    index -= BUILT_IN_COUNT;
    return index < registered_count ? registered[index] : NULL;
}

const lesson_store_backend *lesson_store__backend_find(const char *scheme) {
    const lesson_store_backend *backend;
    for (size_t i = 0; (backend = lesson_store_backend_at(i)); i++) {
        if (lesson_store__backend_opens(backend, scheme))
            return backend;
    }
    return NULL;
}

void lesson_store__backend_list(char *text, size_t size) {
    const lesson_store_backend *backend;
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; used < size && (backend = lesson_store_backend_at(i)); i++)
        used += (size_t)snprintf(text + used, size - used, "%s%s", i > 0 ? "|" : "", backend->schemes);
}

static bool is_prefix(const char *scheme, size_t size) {
    return size > 0 && scheme[size - 1] == '+';
}

/* Returns the size of that prefix in `schemes` which begins this scheme; 0 if there is none. */
static size_t prefix_size(const char *schemes, const char *scheme) {
    while (schemes) {
        size_t size;
        const char *next = next_scheme(schemes, &size);
        if (is_prefix(schemes, size) && strncmp(schemes, scheme, size) == 0)
            return size;
        schemes = next;
    }
    return 0;
}

const lesson_store_backend *lesson_store__backend_find_prefix(const char *scheme, size_t *size) {
    const lesson_store_backend *backend;
    for (size_t i = 0; (backend = lesson_store_backend_at(i)); i++) {
        *size = prefix_size(backend->schemes, scheme);
        if (*size > 0)
            return backend;
    }
    return NULL;
}

static int check_schemes(const char *schemes) {
    const char *rest = schemes;
    while (rest) {
        size_t size;
        const char *next = next_scheme(rest, &size);
        if (size == 0 || rest[0] < 'a' || rest[0] > 'z' ||
            strspn(rest, "abcdefghijklmnopqrstuvwxyz0123456789+-.") < size)
            return lesson_store_fail(LESSON_STORE_INVALID, "\"%s\" is not a list of schemes", schemes);
        if (lists_scheme(next, rest, size) || (!is_prefix(rest, size) && prefix_size(schemes, rest) > 0))
            return lesson_store_fail(LESSON_STORE_INVALID, "\"%s\" lists %.*s twice", schemes, (int)size, rest);
        rest = next;
    }
    return LESSON_STORE_OK;
}

int lesson_store__backend_complete(lesson_store_backend *out, const lesson_store_backend *backend) {
    const size_t required = offsetof(lesson_store_backend, run) + sizeof backend->run;
    if (!backend || !lesson_store_sized_read(out, sizeof *out, backend, required))
        return lesson_store_fail(LESSON_STORE_INVALID,
                                 "the backend's table has %zu bytes: less than %zu, or it has unknown members",
                                 backend ? backend->size : 0, required);
    if (!out->schemes || !out->open || !out->close || !out->run)
        return lesson_store_fail(LESSON_STORE_INVALID, "the backend lacks a scheme, open, close or run");
    if (out->default_pool < 0 || out->default_pool > LESSON_STORE_POOL_MAX)
        return lesson_store_fail(LESSON_STORE_INVALID, "the backend's default pool is %d, not 0 to %d",
                                 out->default_pool, LESSON_STORE_POOL_MAX);
    if (out->reserved)
        return lesson_store_fail(LESSON_STORE_INVALID, "the backend's reserved field is not 0");
    return check_schemes(out->schemes);
}

/* Called with the mutex held. */
static int add(const lesson_store_backend *backend) {
    const lesson_store_backend *other;
    for (size_t i = 0; (other = lesson_store_backend_at(i)); i++) {
        if (other == backend)
            return LESSON_STORE_OK;
        for (const char *rest = backend->schemes; rest;) {
            size_t size;
            const char *next = next_scheme(rest, &size);
            if (lists_scheme(other->schemes, rest, size))
                return lesson_store_fail(LESSON_STORE_EXISTS, "the scheme %.*s is taken", (int)size, rest);
            if (prefix_size(other->schemes, rest) > 0 || prefix_size(backend->schemes, other->schemes) > 0)
                return lesson_store_fail(LESSON_STORE_INVALID,
                                         "the scheme %.*s and a registered prefix exclude each other", (int)size, rest);
            rest = next;
        }
    }
    if (registered_count == BACKENDS_MAX)
        return lesson_store_fail(LESSON_STORE_FULL, "%d backends are registered already", BACKENDS_MAX);
    registered[registered_count] = backend;
    registered_count++;
    return LESSON_STORE_OK;
}

int lesson_store_register(const lesson_store_backend *backend) {
    lesson_store_backend completed;
    int code = lesson_store__backend_complete(&completed, backend);
    if (code)
        return code;
    pthread_mutex_lock(&mutex);
    code = add(backend);
    pthread_mutex_unlock(&mutex);
    return code;
}

void lesson_store_backend_init(lesson_store_backend *backend, size_t size) {
    const lesson_store_backend init = {.size = sizeof init};
    lesson_store_sized_init(backend, size, &init, sizeof init);
}
