#include "references.h"

#include <pthread.h>
#include <stdlib.h>
#include <uthash.h>
#include <utlist.h>

#include "measure.h"

typedef struct plain_user plain_user;

typedef struct plain_lesson {
    char *id;
    plain_user *members; /* a list */
    size_t count;
    UT_hash_handle hh;
} plain_lesson;

struct plain_user {
    char *id;
    char *course_id;
    plain_lesson *lesson;
    plain_user *prev, *next;
    UT_hash_handle hh;
};

typedef struct plain_table {
    pthread_mutex_t mutex;
    plain_user *users;
    plain_lesson *lessons;
} plain_table;

static void *must_take(void *memory) {
    measure_must(memory, "no memory");
    return memory;
}

static plain_lesson *need_lesson(plain_table *table, lesson_store_id id) {
    plain_lesson *found;
    HASH_FIND(hh, table->lessons, id.data, id.size, found);
    if (found)
        return found;
    found = must_take(calloc(1, sizeof *found));
    found->id = must_take(strndup(id.data, id.size));
    HASH_ADD_KEYPTR(hh, table->lessons, found->id, id.size, found);
    return found;
}

static void leave(plain_user *user) {
    DL_DELETE(user->lesson->members, user);
    user->lesson->count--;
}

static bool join_one(plain_table *table, const workload_join *join) {
    plain_user *user;
    pthread_mutex_lock(&table->mutex);
    HASH_FIND(hh, table->users, join->uid.data, join->uid.size, user);
    bool found = user;
    if (user) {
        leave(user);
        free(user->course_id);
    } else {
        user = must_take(calloc(1, sizeof *user));
        user->id = must_take(strndup(join->uid.data, join->uid.size));
        HASH_ADD_KEYPTR(hh, table->users, user->id, join->uid.size, user);
    }
    user->course_id = must_take(strndup(join->course_id.data, join->course_id.size));
    user->lesson = need_lesson(table, join->lesson_id);
    DL_APPEND(user->lesson->members, user);
    user->lesson->count++;
    pthread_mutex_unlock(&table->mutex);
    return found;
}

static void remove_user(plain_table *table, plain_user *user) {
    leave(user);
    HASH_DEL(table->users, user);
    free(user->course_id);
    free(user->id);
    free(user);
}

static bool quit_one(plain_table *table, lesson_store_id uid) {
    plain_user *user;
    pthread_mutex_lock(&table->mutex);
    HASH_FIND(hh, table->users, uid.data, uid.size, user);
    bool found = user;
    if (user)
        remove_user(table, user);
    pthread_mutex_unlock(&table->mutex);
    return found;
}

static bool where_one(plain_table *table, lesson_store_id uid, reference_place *place) {
    plain_user *user;
    pthread_mutex_lock(&table->mutex);
    HASH_FIND(hh, table->users, uid.data, uid.size, user);
    bool found = user;
    if (user) {
        reference_copy(place->course_id, user->course_id, strlen(user->course_id));
        reference_copy(place->lesson_id, user->lesson->id, strlen(user->lesson->id));
    }
    pthread_mutex_unlock(&table->mutex);
    return found;
}

REFERENCE_LOOPS(plain_table)

static void *open_table(void) {
    plain_table *table = must_take(calloc(1, sizeof *table));
    pthread_mutex_init(&table->mutex, NULL);
    return table;
}

static void close_table(void *context) {
    plain_table *table = context;
    plain_user *user, *next_user;
    plain_lesson *lesson, *next_lesson;
    HASH_ITER(hh, table->users, user, next_user) {
        remove_user(table, user);
    }
    HASH_ITER(hh, table->lessons, lesson, next_lesson) {
        HASH_DEL(table->lessons, lesson);
        free(lesson->id);
        free(lesson);
    }
    pthread_mutex_destroy(&table->mutex);
    free(table);
}

const reference uthash_plain = {"uthash-plain", open_table, close_table, join_all, quit_all, where_all, NULL};
