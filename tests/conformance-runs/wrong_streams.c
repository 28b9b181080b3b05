/* Users that one part of the store forgets and another does not, and wrong lists and checks. */
#include <stdio.h>

#include "wrapper.h"
#include "wrong_backends.h"

/* ---- Users who stay behind */

static void add_ghost(struct wrapper *wrapper, const char *uid, size_t uid_size, const char *lesson_id) {
    if (wrapper->ghost_count == GHOSTS_MAX)
        return;
    struct ghost *ghost = &wrapper->ghosts[wrapper->ghost_count++];
    snprintf(ghost->uid, sizeof ghost->uid, "%.*s", (int)uid_size, uid);
    snprintf(ghost->lesson_id, sizeof ghost->lesson_id, "%s", lesson_id);
}

static bool same_id(const char *text, lesson_store_id id) {
    return strlen(text) == id.size && memcmp(text, id.data, id.size) == 0;
}

static int join_leaves_member(lesson_store_instance *instance, lesson_store_operation *operations, size_t count) {
    int code = LESSON_STORE_OK;
    for (size_t i = 0; i < count && !code; i++) {
        lesson_store_place before;
        lesson_store_operation *operation = &operations[i];
        lesson_store_place *wanted = operation->place;
        bool is_join = operation->kind == LESSON_STORE_OPERATION_JOIN;
        operation->place = wanted || !is_join ? wanted : &before;
        code = wrapper_run(instance, operation, 1);
        if (!code && is_join && operation->code == LESSON_STORE_OK && operation->arrival == LESSON_STORE_ARRIVAL_MOVED)
            add_ghost(wrapper_of(instance), operation->uid.data, operation->uid.size, operation->place->lesson_id);
        operation->place = wanted;
    }
    return code;
}

static int members_with_ghosts(lesson_store_instance *instance, const lesson_store_id *lesson_id,
                               lesson_store_member_callback callback, void *context) {
    struct wrapper *wrapper = wrapper_of(instance);
    for (size_t i = 0; i < wrapper->ghost_count; i++) {
        const lesson_store_id ghost = lesson_store_id_of(wrapper->ghosts[i].uid);
        if (same_id(wrapper->ghosts[i].lesson_id, *lesson_id) && !callback(&ghost, context))
            return LESSON_STORE_OK;
    }
    return wrapper_members(instance, lesson_id, callback, context);
}

static void join_leaves_member_table(lesson_store_backend *table) {
    table->run = join_leaves_member;
    table->members = members_with_ghosts;
}

struct ended_lesson {
    struct wrapper *wrapper;
    const char *lesson_id;
};

static bool keep_ghost(const lesson_store_id *uid, void *context) {
    struct ended_lesson *ended = context;
    add_ghost(ended->wrapper, uid->data, uid->size, ended->lesson_id);
    return true;
}

static void answer_with_ghost(const struct wrapper *wrapper, lesson_store_operation *where) {
    for (size_t i = 0; i < wrapper->ghost_count; i++) {
        if (!same_id(wrapper->ghosts[i].uid, where->uid))
            continue;
        where->code = LESSON_STORE_OK;
        if (where->place) {
            lesson_store_id_copy(where->place->course_id, lesson_store_id_of("maths"));
            lesson_store_id_copy(where->place->lesson_id, lesson_store_id_of(wrapper->ghosts[i].lesson_id));
            lesson_store_id_copy(where->place->session, lesson_store_id_of(NULL));
        }
    }
}

static int end_leaves_user_records(lesson_store_instance *instance, lesson_store_operation *operations, size_t count) {
    struct wrapper *wrapper = wrapper_of(instance);
    int code = LESSON_STORE_OK;
    for (size_t i = 0; i < count && !code; i++) {
        lesson_store_operation *operation = &operations[i];
        if (operation->kind == LESSON_STORE_OPERATION_END && !operation->flags) {
            char lesson_id[LESSON_STORE_ID_MAX + 1];
            lesson_store_id_copy(lesson_id, operation->lesson_id);
            struct ended_lesson ended = {wrapper, lesson_id};
            code = wrapper_members(instance, &operation->lesson_id, keep_ghost, &ended);
        }
        if (!code)
            code = wrapper_run(instance, operation, 1);
        if (operation->kind == LESSON_STORE_OPERATION_WHERE && operation->code == LESSON_STORE_NOT_FOUND)
            answer_with_ghost(wrapper, operation);
    }
    return code;
}

static void end_leaves_user_records_table(lesson_store_backend *table) {
    table->run = end_leaves_user_records;
}

/* ---- Lists */

struct listener {
    lesson_store_member_callback callback;
    lesson_store_lesson_callback lesson_callback;
    lesson_store_user_callback user_callback;
    lesson_store_finding_callback finding_callback;
    void *context;
};

static bool report_twice(const lesson_store_id *uid, void *context) {
    struct listener *listener = context;
    return listener->callback(uid, listener->context) && listener->callback(uid, listener->context);
}

static int members_twice(lesson_store_instance *instance, const lesson_store_id *lesson_id,
                         lesson_store_member_callback callback, void *context) {
    struct listener listener = {.callback = callback, .context = context};
    return wrapper_members(instance, lesson_id, report_twice, &listener);
}

static void members_twice_table(lesson_store_backend *table) {
    table->members = members_twice;
}

static bool never_stop(const lesson_store_id *uid, void *context) {
    struct listener *listener = context;
    listener->callback(uid, listener->context);
    return true;
}

static int members_never_stop(lesson_store_instance *instance, const lesson_store_id *lesson_id,
                              lesson_store_member_callback callback, void *context) {
    struct listener listener = {.callback = callback, .context = context};
    return wrapper_members(instance, lesson_id, never_stop, &listener);
}

static void members_never_stop_table(lesson_store_backend *table) {
    table->members = members_never_stop;
}

static bool report_recorded(const lesson_store_lesson *lesson, void *context) {
    struct listener *listener = context;
    return !lesson->has_record || listener->lesson_callback(lesson, listener->context);
}

static int lessons_with_record_only(lesson_store_instance *instance, lesson_store_lesson_callback callback,
                                    void *context) {
    struct listener listener = {.lesson_callback = callback, .context = context};
    return wrapper_lessons(instance, report_recorded, &listener);
}

static void lessons_with_record_only_table(lesson_store_backend *table) {
    table->lessons = lessons_with_record_only;
}

static bool report_inhabited(const lesson_store_lesson *lesson, void *context) {
    struct listener *listener = context;
    return lesson->member_count == 0 || listener->lesson_callback(lesson, listener->context);
}

static int lessons_with_members_only(lesson_store_instance *instance, lesson_store_lesson_callback callback,
                                     void *context) {
    struct listener listener = {.lesson_callback = callback, .context = context};
    return wrapper_lessons(instance, report_inhabited, &listener);
}

static void lessons_with_members_only_table(lesson_store_backend *table) {
    table->lessons = lessons_with_members_only;
}

static bool report_without_session(const lesson_store_user *user, void *context) {
    struct listener *listener = context;
    lesson_store_user reported = *user;
    reported.session = lesson_store_id_of(NULL);
    return listener->user_callback(&reported, listener->context);
}

static int users_without_sessions(lesson_store_instance *instance, lesson_store_user_callback callback, void *context) {
    struct listener listener = {.user_callback = callback, .context = context};
    return wrapper_users(instance, report_without_session, &listener);
}

static void users_without_sessions_table(lesson_store_backend *table) {
    table->users = users_without_sessions;
}

/* ---- Check */

static int check_repairs_unasked(lesson_store_instance *instance, uint32_t flags,
                                 lesson_store_finding_callback callback, void *context) {
    return wrapper_check(instance, flags | LESSON_STORE_CHECK_REPAIR, callback, context);
}

static void check_repairs_unasked_table(lesson_store_backend *table) {
    table->check = check_repairs_unasked;
}

static int check_always_asks_for_record(lesson_store_instance *instance, uint32_t flags,
                                        lesson_store_finding_callback callback, void *context) {
    return wrapper_check(instance, flags | LESSON_STORE_CHECK_ENDED, callback, context);
}

static void check_always_asks_for_record_table(lesson_store_backend *table) {
    table->check = check_always_asks_for_record;
}

static int check_finds_nothing(lesson_store_instance *instance, uint32_t flags, lesson_store_finding_callback callback,
                               void *context) {
    return wrapper_check(instance, flags & ~(uint32_t)LESSON_STORE_CHECK_ENDED, callback, context);
}

static void check_finds_nothing_table(lesson_store_backend *table) {
    table->check = check_finds_nothing;
}

static bool never_stop_finding(const lesson_store_finding *finding, void *context) {
    struct listener *listener = context;
    listener->finding_callback(finding, listener->context);
    return true;
}

static int check_never_stops(lesson_store_instance *instance, uint32_t flags, lesson_store_finding_callback callback,
                             void *context) {
    struct listener listener = {.finding_callback = callback, .context = context};
    return wrapper_check(instance, flags, never_stop_finding, &listener);
}

static void check_never_stops_table(lesson_store_backend *table) {
    table->check = check_never_stops;
}

/* ---- Owners */

struct owners {
    lesson_store_owner_callback give;
    void *context;
};

static bool give_wrong_rest(const lesson_store_owner *owner, void *context) {
    const struct owners *owners = context;
    lesson_store_owner given = *owner;
    if (given.state == LESSON_STORE_OWNER_OVER)
        given.left_ms = given.lease_ms;
    return owners->give(&given, owners->context);
}

static int over_with_a_rest(lesson_store_instance *instance, lesson_store_owner_callback callback, void *context) {
    struct owners owners = {callback, context};
    return wrapper_owners(instance, give_wrong_rest, &owners);
}

static void over_with_a_rest_table(lesson_store_backend *table) {
    table->owners = over_with_a_rest;
}

/* ---- The list */

const wrong_backend wrong_streams[] = {
    {"join-leaves-member", "JOIN-2",
     "BATCH-1 BATCH-5 END-6 ID-2 JOIN-5 JOIN-6 JOIN-12 JOIN-15 LESSONS-1 LESSONS-3 MEMBERS-1 QUIT-3 THREAD-1 USERS-1 "
     "SHARE-1 OWNER-3 BAN-1 BAN-7 BATCH-7 THREAD-4",
     join_leaves_member_table, NULL},
    {"end-leaves-user-records", "END-1", "BATCH-5 END-3 END-6 JOIN-15 LESSONS-3 JOIN-12 BAN-7 BATCH-7",
     end_leaves_user_records_table, NULL},
    {"members-twice", "MEMBERS-1",
     "BATCH-* CHECK-* COUNT-* CREATE-* END-* ERROR-1 ERROR-2 GET-* ID-* JOIN-* LESSONS-* OUTPUT-1 PAGE-* QUIT-* SET-7 "
     "STREAM-* SUPPORT-1 THREAD-1 USERS-* WHERE-* OWNER-* BAN-* THREAD-4",
     members_twice_table, NULL},
    {"members-never-stop", "STREAM-1", "", members_never_stop_table, NULL},
    {"lessons-with-record-only", "LESSONS-2",
     "BATCH-5 CHECK-* COUNT-1 END-* FIND-* GET-* ID-* JOIN-* LESSONS-* MEMBERS-1 PAGE-* QUIT-* SET-7 STREAM-* "
     "THREAD-1 USERS-* OWNER-* BAN-1 BAN-3 BATCH-1 BATCH-7 THREAD-4",
     lessons_with_record_only_table, NULL},
    {"check-repairs-unasked", "CHECK-2", "CHECK-4 STREAM-1 STREAM-2", check_repairs_unasked_table, NULL},
    {"check-always-asks-for-record", "CHECK-1",
     "BATCH-5 CHECK-* COUNT-1 END-* GET-* ID-* JOIN-* LESSONS-* MEMBERS-1 PAGE-* QUIT-* SET-7 STREAM-* THREAD-1 "
     "USERS-* OWNER-* BAN-1 BAN-3 BATCH-1 BATCH-7 THREAD-4",
     check_always_asks_for_record_table, NULL},
    {"check-finds-nothing", "CHECK-2 CHECK-3", "CHECK-4 STREAM-1 STREAM-2", check_finds_nothing_table, NULL},
    {"lessons-with-members-only", "LESSONS-1",
     "BATCH-* CHECK-* COUNT-* CREATE-* END-* ERROR-* FIND-* GET-* ID-* JOIN-* MEMBERS-* OUTPUT-* PAGE-* QUIT-* SET-* "
     "STREAM-* SUPPORT-1 THREAD-* USERS-* WHERE-* OWNER-* BAN-*",
     lessons_with_members_only_table, NULL},
    {"users-without-sessions", "USERS-2", "ID-* JOIN-5 JOIN-11 JOIN-15 JOIN-16 PAGE-1 QUIT-4 QUIT-5 OWNER-* BAN-3",
     users_without_sessions_table, NULL},
    {"over-with-a-rest", "OWNER-10", "", over_with_a_rest_table, NULL},
    {"check-never-stops", "CHECK-4", "STREAM-1", check_never_stops_table, NULL},
    {.name = NULL},
};
