#include "references.h"

#include <pthread.h>
#include <stdlib.h>

#include "measure.h"

#define HASH_FUNCTION(key, size, hash) ((hash) = reference_hash((const char *)(key), (size)))
#define HASH_KEYCMP(left, right, size) reference_differs((const char *)(left), (const char *)(right), (size))
#include <uthash.h>

#define SLAB_BYTES (64 * 1024)

typedef struct best_course {
    UT_hash_handle hh;
    uint8_t size;
    char id[];
} best_course;

typedef struct best_user best_user;

typedef struct best_lesson {
    UT_hash_handle hh;
    best_user **members;
    uint32_t count;
    uint32_t capacity;
    best_course *latest; /* nearly always the course of the next join */
    uint8_t size;
    char id[];
} best_lesson;

struct best_user {
    UT_hash_handle hh;
    best_lesson *lesson;
    best_course *course;
    uint32_t index;
    uint8_t size;
    char id[];
};

typedef struct best_table {
    pthread_mutex_t mutex;
    best_user *users;
    best_lesson *lessons;
    best_course *courses;
    best_user *idle; /* all of one size, because the ids of a benchmark are equally long */
    char *slab;
    size_t left;
    char **slabs;
    size_t slab_count;
} best_table;

static void *take(size_t size) {
    void *memory = calloc(1, size);
    measure_must(memory, "no memory");
    return memory;
}

static best_user *take_user(best_table *table, size_t id_size) {
    best_user *idle = table->idle;
    if (idle) {
        table->idle = idle->hh.next;
        return idle;
    }
    size_t size = (offsetof(best_user, id) + id_size + 7) / 8 * 8;
    if (table->left < size) {
        table->slabs = realloc(table->slabs, (table->slab_count + 1) * sizeof *table->slabs);
        table->slab = table->slabs[table->slab_count++] = take(SLAB_BYTES);
        table->left = SLAB_BYTES;
    }
    best_user *fresh = (best_user *)table->slab;
    table->slab += size;
    table->left -= size;
    return fresh;
}

static best_lesson *need_lesson(best_table *table, lesson_store_id id) {
    best_lesson *found;
    HASH_FIND(hh, table->lessons, id.data, id.size, found);
    if (found)
        return found;
    found = take(sizeof *found + id.size);
    found->size = (uint8_t)id.size;
    memcpy(found->id, id.data, id.size);
    HASH_ADD(hh, table->lessons, id, id.size, found);
    return found;
}

static best_course *need_course(best_table *table, best_course *likely, lesson_store_id id) {
    best_course *found = likely;
    if (found && found->size == id.size && !reference_differs(found->id, id.data, id.size))
        return found;
    HASH_FIND(hh, table->courses, id.data, id.size, found);
    if (found)
        return found;
    found = take(sizeof *found + id.size);
    found->size = (uint8_t)id.size;
    memcpy(found->id, id.data, id.size);
    HASH_ADD(hh, table->courses, id, id.size, found);
    return found;
}

static void leave(best_user *user) {
    best_lesson *old = user->lesson;
    struct best_user *last = old->members[--old->count];
    old->members[user->index] = last;
    last->index = user->index;
}

static void enter(best_user *user, best_lesson *lesson) {
    if (lesson->count == lesson->capacity) {
        lesson->capacity = lesson->capacity ? lesson->capacity * 2 : 4;
        lesson->members = realloc(lesson->members, lesson->capacity * sizeof *lesson->members);
        measure_must(lesson->members, "no memory");
    }
    user->lesson = lesson;
    user->index = lesson->count;
    lesson->members[lesson->count++] = user;
}

static inline bool join_one(best_table *table, const workload_join *join) {
    best_user *user;
    pthread_mutex_lock(&table->mutex);
    HASH_FIND(hh, table->users, join->uid.data, join->uid.size, user);
    best_lesson *lesson = need_lesson(table, join->lesson_id);
    lesson->latest = need_course(table, lesson->latest, join->course_id);
    bool found = user;
    if (!user) {
        user = take_user(table, join->uid.size);
        user->size = (uint8_t)join->uid.size;
        memcpy(user->id, join->uid.data, join->uid.size);
        user->lesson = NULL;
        HASH_ADD(hh, table->users, id, join->uid.size, user);
    }
    user->course = lesson->latest;
    if (user->lesson != lesson) {
        if (user->lesson)
            leave(user);
        enter(user, lesson);
    }
    pthread_mutex_unlock(&table->mutex);
    return found;
}

static inline bool quit_one(best_table *table, lesson_store_id uid) {
    best_user *user;
    pthread_mutex_lock(&table->mutex);
    HASH_FIND(hh, table->users, uid.data, uid.size, user);
    bool found = user;
    if (user) {
        leave(user);
        HASH_DEL(table->users, user);
        user->hh.next = table->idle;
        table->idle = user;
    }
    pthread_mutex_unlock(&table->mutex);
    return found;
}

static inline bool where_one(best_table *table, lesson_store_id uid, reference_place *place) {
    best_user *user;
    pthread_mutex_lock(&table->mutex);
    HASH_FIND(hh, table->users, uid.data, uid.size, user);
    bool found = user;
    if (user) {
        reference_copy(place->course_id, user->course->id, user->course->size);
        reference_copy(place->lesson_id, user->lesson->id, user->lesson->size);
    }
    pthread_mutex_unlock(&table->mutex);
    return found;
}

REFERENCE_LOOPS(best_table)

/* Walks the array. */
static void list_members(void *context, lesson_store_id lesson_id, lesson_store_member_callback callback,
                         void *callback_context) {
    const best_lesson *lesson = need_lesson(context, lesson_id);
    for (uint32_t i = 0; i < lesson->count; i++) {
        const best_user *user = lesson->members[i];
        if (!callback(&(lesson_store_id){user->id, user->size}, callback_context))
            break;
    }
}

static void *open_table(void) {
    best_table *table = take(sizeof *table);
    pthread_mutex_init(&table->mutex, NULL);
    return table;
}

static void close_table(void *context) {
    best_table *table = context;
    best_lesson *lesson, *next;
    best_course *course, *other;
    HASH_CLEAR(hh, table->users);
    HASH_ITER(hh, table->lessons, lesson, next) {
        HASH_DEL(table->lessons, lesson);
        free(lesson->members);
        free(lesson);
    }
    HASH_ITER(hh, table->courses, course, other) {
        HASH_DEL(table->courses, course);
        free(course);
    }
    for (size_t i = 0; i < table->slab_count; i++)
        free(table->slabs[i]);
    free(table->slabs);
    pthread_mutex_destroy(&table->mutex);
    free(table);
}

const reference uthash_best = {"uthash-best", open_table, close_table, join_all, quit_all, where_all, list_members};
