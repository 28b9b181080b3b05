#include "wrong_stores.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>

#include "wrapper_shared.h"

enum { BATCH_OF_A_CLIENT_MAX = 8 }; /* larger batches read the state at the end */

/* ---- Two steps instead of one */

typedef bool (*wrong_operation)(lesson_store_instance *instance, lesson_store_operation *operation);

/* `wrong` returns true if it has done the operation itself. */
static int run_each(lesson_store_instance *instance, lesson_store_operation *operations, size_t count,
                    wrong_operation wrong) {
    int code = LESSON_STORE_OK;
    for (size_t i = 0; i < count && !code; i++) {
        if (!wrong(instance, &operations[i]))
            code = wrapper_shared_run(instance, &operations[i], 1);
    }
    return code;
}

#define RUN_OF(name)                                                                                           \
    static int run_##name(lesson_store_instance *instance, lesson_store_operation *operations, size_t count) { \
        return run_each(instance, operations, count, name);                                                    \
    }

/* Removes the user from the old lesson, then adds it to the new one, and returns the correct answer. */
static bool join_quits_first(lesson_store_instance *instance, lesson_store_operation *join) {
    if (join->kind != LESSON_STORE_OPERATION_JOIN || join->flags)
        return false;
    lesson_store_place before = {.lesson_id = ""}, *wanted = join->place;
    lesson_store_operation quit = {.kind = LESSON_STORE_OPERATION_QUIT};
    quit.uid = join->uid;
    quit.place = &before;
    wrapper_shared_run(instance, &quit, 1);
    sched_yield();
    join->place = NULL;
    wrapper_shared_run(instance, join, 1);
    join->place = wanted;
    if (wanted)
        *wanted = before;
    lesson_store_id left = lesson_store_id_of(before.lesson_id);
    if (quit.code == LESSON_STORE_OK)
        join->arrival = left.size == join->lesson_id.size && memcmp(left.data, join->lesson_id.data, left.size) == 0
                            ? LESSON_STORE_ARRIVAL_ALREADY_THERE
                            : LESSON_STORE_ARRIVAL_MOVED;
    return true;
}
RUN_OF(join_quits_first)

/* Removes the record, and then the members. */
static bool end_in_two_steps(lesson_store_instance *instance, lesson_store_operation *end) {
    if (end->kind != LESSON_STORE_OPERATION_END || end->flags)
        return false;
    lesson_store_operation record = *end;
    record.flags = LESSON_STORE_END_RECORD_ONLY;
    wrapper_shared_run(instance, &record, 1);
    sched_yield();
    wrapper_shared_run(instance, end, 1);
    if (record.code == LESSON_STORE_OK && end->code == LESSON_STORE_NOT_FOUND) {
        end->code = LESSON_STORE_OK;
        end->count = 0;
    }
    return true;
}
RUN_OF(end_in_two_steps)

/* Compares the expected values, and sets the new ones in a later step. */
static bool set_looks_first(lesson_store_instance *instance, lesson_store_operation *set) {
    if (set->kind != LESSON_STORE_OPERATION_SET)
        return false;
    lesson_store_operation get = {.kind = LESSON_STORE_OPERATION_GET_LESSON};
    lesson_store_operation blind = *set;
    bool is_expected;
    get.lesson_id = set->lesson_id;
    wrapper_shared_run(instance, &get, 1);
    is_expected =
        get.code == LESSON_STORE_OK && lesson_store_set_expects(set, get.lesson.course_status, get.lesson.chat_status);
    if (!is_expected)
        return false;
    sched_yield();
    blind.given &= ~(uint32_t)(LESSON_STORE_GIVEN_IF_COURSE_STATUS | LESSON_STORE_GIVEN_IF_CHAT_STATUS);
    wrapper_shared_run(instance, &blind, 1);
    set->code = blind.code;
    return true;
}
RUN_OF(set_looks_first)

/* Counts the members, and joins in a later step, as callers of a store without JOIN_IF_ROOM do. */
static bool join_counts_first(lesson_store_instance *instance, lesson_store_operation *join) {
    if (join->kind != LESSON_STORE_OPERATION_JOIN || !(join->flags & LESSON_STORE_JOIN_IF_ROOM))
        return false;
    lesson_store_operation get = {.kind = LESSON_STORE_OPERATION_GET_LESSON}, blind = *join;
    get.lesson_id = join->lesson_id;
    wrapper_shared_run(instance, &get, 1);
    if (get.code == LESSON_STORE_OK && get.lesson.capacity > 0 && get.lesson.member_count >= get.lesson.capacity)
        return false;
    sched_yield();
    blind.flags &= ~(uint32_t)LESSON_STORE_JOIN_IF_ROOM;
    wrapper_shared_run(instance, &blind, 1);
    join->code = blind.code;
    join->arrival = blind.arrival;
    join->refused_by = blind.refused_by;
    return true;
}
RUN_OF(join_counts_first)

/* Compares the session, and joins in a later step. */
static bool resume_looks_first(lesson_store_instance *instance, lesson_store_operation *join) {
    if (join->kind != LESSON_STORE_OPERATION_JOIN || !join->if_session.data)
        return false;
    lesson_store_place now = {.lesson_id = ""};
    lesson_store_operation where = {.kind = LESSON_STORE_OPERATION_WHERE}, blind = *join;
    where.uid = join->uid;
    where.place = &now;
    wrapper_shared_run(instance, &where, 1);
    lesson_store_standing standing =
        where.code == LESSON_STORE_OK ? LESSON_STORE_STANDING_ELSEWHERE : LESSON_STORE_STANDING_NOWHERE;
    if (where.code < 0 || !lesson_store_join_expects(join, standing, lesson_store_id_of(now.session)))
        return false;
    sched_yield();
    blind.if_session = (lesson_store_id){NULL, 0};
    blind.flags &= ~(uint32_t)LESSON_STORE_JOIN_OR_NOWHERE;
    wrapper_shared_run(instance, &blind, 1);
    join->code = blind.code;
    join->arrival = blind.arrival;
    join->refused_by = blind.refused_by;
    join->count = blind.count;
    return true;
}
RUN_OF(resume_looks_first)

/* Bans, and puts out in a later step. */
static bool kick_in_two_steps(lesson_store_instance *instance, lesson_store_operation *kick) {
    if (kick->kind != LESSON_STORE_OPERATION_BAN || !(kick->flags & LESSON_STORE_BAN_KICK))
        return false;
    lesson_store_operation ban = *kick, quit = {.kind = LESSON_STORE_OPERATION_QUIT};
    ban.flags = 0;
    wrapper_shared_run(instance, &ban, 1);
    kick->code = ban.code;
    kick->count = 0;
    if (ban.code != LESSON_STORE_OK)
        return true;
    sched_yield();
    lesson_store_place left = {.lesson_id = ""};
    quit.uid = kick->uid;
    quit.lesson_id = kick->lesson_id;
    quit.place = &left;
    wrapper_shared_run(instance, &quit, 1);
    kick->count = quit.code == LESSON_STORE_OK;
    if (kick->count && kick->place)
        *kick->place = left;
    return true;
}
RUN_OF(kick_in_two_steps)

struct asked {
    lesson_store_id uid;
    bool is_banned;
};

static bool look_for(const lesson_store_banned *banned, void *context) {
    struct asked *asked = context;
    asked->is_banned = asked->is_banned || lesson_store_id_equal(banned->uid, asked->uid);
    return true;
}

/* Asks who is banned, and joins in a later step. */
static bool join_asks_first(lesson_store_instance *instance, lesson_store_operation *join) {
    if (join->kind != LESSON_STORE_OPERATION_JOIN || !(join->flags & LESSON_STORE_JOIN_UNLESS_BANNED))
        return false;
    struct asked asked = {join->uid, false};
    lesson_store_operation blind = *join;
    if (wrapper_locked_bans(instance, &join->lesson_id, look_for, &asked) || asked.is_banned)
        return false;
    sched_yield();
    blind.flags &= ~(uint32_t)LESSON_STORE_JOIN_UNLESS_BANNED;
    wrapper_shared_run(instance, &blind, 1);
    join->code = blind.code;
    join->arrival = blind.arrival;
    join->refused_by = blind.refused_by;
    join->count = blind.count;
    return true;
}
RUN_OF(join_asks_first)

/* ---- Lost fences */

static const lesson_store_id none = {NULL, 0};

static bool quit_ignores_lesson(lesson_store_instance *instance, lesson_store_operation *quit) {
    lesson_store_id asked = quit->lesson_id;
    if (quit->kind != LESSON_STORE_OPERATION_QUIT)
        return false;
    quit->lesson_id = none;
    wrapper_shared_run(instance, quit, 1);
    quit->lesson_id = asked;
    return true;
}
RUN_OF(quit_ignores_lesson)

static bool quit_ignores_session(lesson_store_instance *instance, lesson_store_operation *quit) {
    lesson_store_id asked = quit->session;
    if (quit->kind != LESSON_STORE_OPERATION_QUIT)
        return false;
    quit->session = none;
    wrapper_shared_run(instance, quit, 1);
    quit->session = asked;
    return true;
}
RUN_OF(quit_ignores_session)

/* ---- A cache: `where` repeats the previous answer for the same user, whatever has happened since */

static struct {
    pthread_mutex_t mutex;
    char uid[LESSON_STORE_ID_MAX + 1]; /* "": the cache is empty */
    lesson_store_place place;
    int code;
} cache = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static void fill_cache(lesson_store_instance *instance, lesson_store_operation *where, const char *uid) {
    wrapper_shared_run(instance, where, 1);
    snprintf(cache.uid, sizeof cache.uid, "%s", uid);
    cache.code = where->code;
    cache.place = *where->place;
}

static void answer_from_cache(lesson_store_operation *where) {
    where->code = cache.code;
    *where->place = cache.place;
    cache.uid[0] = '\0';
}

static bool where_from_cache(lesson_store_instance *instance, lesson_store_operation *where) {
    char uid[LESSON_STORE_ID_MAX + 1];
    if (where->kind != LESSON_STORE_OPERATION_WHERE)
        return false;
    lesson_store_id_copy(uid, where->uid);
    pthread_mutex_lock(&cache.mutex);
    if (strcmp(uid, cache.uid) == 0)
        answer_from_cache(where);
    else
        fill_cache(instance, where, uid);
    pthread_mutex_unlock(&cache.mutex);
    return true;
}

static int run_where_from_cache(lesson_store_instance *instance, lesson_store_operation *operations, size_t count) {
    if (count > BATCH_OF_A_CLIENT_MAX)
        return wrapper_shared_run(instance, operations, count);
    return run_each(instance, operations, count, where_from_cache);
}

/* ---- Batches */

static int run_swapped(lesson_store_instance *instance, lesson_store_operation *operations, size_t count) {
    if (count < 2 || count > BATCH_OF_A_CLIENT_MAX)
        return wrapper_shared_run(instance, operations, count);
    int code = wrapper_shared_run(instance, operations + 1, 1);
    if (!code)
        code = wrapper_shared_run(instance, operations, 1);
    if (!code && count > 2)
        code = wrapper_shared_run(instance, operations + 2, count - 2);
    return code;
}

/* ---- A list whose parts are of different instants */

typedef struct later_counts {
    lesson_store_instance *instance;
    lesson_store_lesson_callback callback;
    void *context;
    char lesson_ids[16][LESSON_STORE_ID_MAX + 1];
    lesson_store_lesson lessons[16];
    size_t count;
} later_counts;

static bool keep_lesson(const lesson_store_lesson *lesson, void *context) {
    later_counts *later = context;
    lesson_store_id_copy(later->lesson_ids[later->count], lesson->lesson_id);
    later->lessons[later->count++] = *lesson;
    return later->count < 16;
}

static int lessons_counted_later(lesson_store_instance *instance, lesson_store_lesson_callback callback,
                                 void *context) {
    later_counts later = {.instance = instance};
    int code = wrapper_locked_lessons(instance, keep_lesson, &later);
    for (size_t i = 0; !code && i < later.count; i++) {
        lesson_store_operation count = {.kind = LESSON_STORE_OPERATION_COUNT_MEMBERS};
        later.lessons[i].lesson_id = count.lesson_id = lesson_store_id_of(later.lesson_ids[i]);
        sched_yield();
        code = wrapper_shared_run(instance, &count, 1);
        later.lessons[i].member_count = count.count;
        if (!code && !callback(&later.lessons[i], context))
            break;
    }
    return code;
}

/* ---- Failures */

static bool now_and_then(void) {
    static atomic_uint calls;
    return atomic_fetch_add(&calls, 1) % 7 == 0;
}

static bool done_but_unreachable(lesson_store_instance *instance, lesson_store_operation *operation) {
    if (!lesson_store_operation_writes(operation) || !now_and_then())
        return false;
    wrapper_shared_run(instance, operation, 1);
    operation->code = lesson_store_fail(LESSON_STORE_UNREACHABLE, "the reply was lost, and nobody cares");
    return true;
}
RUN_OF(done_but_unreachable)

static bool done_twice(lesson_store_instance *instance, lesson_store_operation *operation) {
    if (!now_and_then())
        return false;
    wrapper_shared_run(instance, operation, 1);
    sched_yield();
    return false;
}
RUN_OF(done_twice)

/* This one is correct: it reports that it does not know. */
static bool done_or_not(lesson_store_instance *instance, lesson_store_operation *operation) {
    if (!lesson_store_operation_writes(operation) || !now_and_then())
        return false;
    if (now_and_then())
        wrapper_shared_run(instance, operation, 1);
    operation->code = lesson_store_fail(LESSON_STORE_UNKNOWN, "the reply was lost");
    return true;
}
RUN_OF(done_or_not)

/* ---- The list */

const wrong_store wrong_stores[] = {
    {"nothing wrong", true, false, NULL, NULL},
    {"unknown, done or not", true, true, run_done_or_not, NULL},
    {"join quits first", false, false, run_join_quits_first, NULL},
    {"end in two steps", false, false, run_end_in_two_steps, NULL},
    {"set looks first", false, false, run_set_looks_first, NULL},
    {"join counts first", false, false, run_join_counts_first, NULL},
    {"resume looks first", false, false, run_resume_looks_first, NULL},
    {"kick in two steps", false, false, run_kick_in_two_steps, NULL},
    {"join asks first", false, false, run_join_asks_first, NULL},
    {"quit ignores lesson", false, false, run_quit_ignores_lesson, NULL},
    {"quit ignores session", false, false, run_quit_ignores_session, NULL},
    {"where from a cache", false, false, run_where_from_cache, NULL},
    {"batch swaps two", false, false, run_swapped, NULL},
    {"lessons counted later", false, false, NULL, lessons_counted_later},
    {"done but unreachable", false, true, run_done_but_unreachable, NULL},
    {"done twice", false, false, run_done_twice, NULL},
    {.name = NULL},
};

void wrong_store_table(const wrong_store *store, lesson_store_backend *table) {
    *table = wrapper_backend();
    wrapper_shared_table(table);
    if (store->run)
        table->run = store->run;
    if (store->lessons)
        table->lessons = store->lessons;
}
