/* Bans with a wrong effect. */
#include "alterations.h"
#include "wrong_backends.h"

#define HOUR 3600000

static const lesson_store_id none = {NULL, 0};

static bool is_kick(const lesson_store_operation *operation) {
    return operation->kind == LESSON_STORE_OPERATION_BAN && operation->flags & LESSON_STORE_BAN_KICK;
}

static void join_ignores_bans(lesson_store_instance *instance, lesson_store_operation *operation) {
    (void)instance;
    operation->flags &= ~(uint32_t)LESSON_STORE_JOIN_UNLESS_BANNED;
}
ALTERED_RUN(join_ignores_bans)

static void bans_put_out(lesson_store_instance *instance, lesson_store_operation *operation) {
    (void)instance;
    if (operation->kind == LESSON_STORE_OPERATION_BAN && operation->ban_ms > 0)
        operation->flags |= LESSON_STORE_BAN_KICK;
}
ALTERED_RUN(bans_put_out)

static void kick_only_bans(lesson_store_instance *instance, lesson_store_operation *operation) {
    (void)instance;
    operation->flags &= ~(uint32_t)LESSON_STORE_BAN_KICK;
}
ALTERED_RUN(kick_only_bans)

/* Out of any lesson. */
static void kick_follows(lesson_store_instance *instance, lesson_store_operation *operation) {
    lesson_store_operation quit = {.kind = LESSON_STORE_OPERATION_QUIT, .uid = operation->uid};
    lesson_store_operation get = {.kind = LESSON_STORE_OPERATION_GET_LESSON, .lesson_id = operation->lesson_id};
    if (!is_kick(operation) || wrapper_run(instance, &get, 1) || !get.lesson.has_record)
        return;
    lesson_store_operation where = {.kind = LESSON_STORE_OPERATION_WHERE, .uid = operation->uid};
    lesson_store_place place;
    where.place = &place;
    if (wrapper_run(instance, &where, 1) || where.code ||
        lesson_store_id_equal(lesson_store_id_of(place.lesson_id), operation->lesson_id))
        return;
    wrapper_run(instance, &quit, 1);
}
ALTERED_RUN(kick_follows)

static void unban_lifts_nothing(lesson_store_instance *instance, lesson_store_operation *operation) {
    (void)instance;
    if (operation->kind == LESSON_STORE_OPERATION_BAN && operation->ban_ms == 0)
        operation->uid = lesson_store_id_of("nobody");
}
ALTERED_RUN(unban_lifts_nothing)

static void bans_never_run_out(lesson_store_instance *instance, lesson_store_operation *operation) {
    (void)instance;
    if (operation->ban_ms > 0 && operation->ban_ms < HOUR)
        operation->ban_ms = HOUR;
}
ALTERED_RUN(bans_never_run_out)

static void ban_needs_no_record(lesson_store_operation *operation) {
    if (operation->kind != LESSON_STORE_OPERATION_BAN || operation->code != LESSON_STORE_NOT_FOUND)
        return;
    operation->code = LESSON_STORE_OK;
    operation->count = 0;
    lesson_store_answer_place(operation, none, none, none);
}
ALTERED_ANSWERS(ban_needs_no_record)

/* ---- The end of bans */

static bool keep_first(const lesson_store_banned *banned, void *context) {
    lesson_store_id_copy(context, banned->uid);
    return false;
}

static void lift_all(lesson_store_instance *instance, lesson_store_id lesson_id) {
    lesson_store_operation ban = {.kind = LESSON_STORE_OPERATION_BAN, .lesson_id = lesson_id};
    char uid[LESSON_STORE_ID_MAX + 1];
    do {
        uid[0] = '\0';
        if (!wrapper_bans(instance, &lesson_id, keep_first, uid) && uid[0]) {
            ban.uid = lesson_store_id_of(uid);
            wrapper_run(instance, &ban, 1);
        }
    } while (uid[0]);
}

static void reset_lifts_bans(lesson_store_instance *instance, lesson_store_operation *operation) {
    if (operation->flags & LESSON_STORE_CREATE_RESET)
        lift_all(instance, operation->lesson_id);
}
ALTERED_RUN(reset_lifts_bans)

/* A ban of each lesson that was ended last comes back with its record. */
static int bans_outlive_record_run(lesson_store_instance *instance, lesson_store_operation *operations, size_t count) {
    struct wrapper *wrapper = wrapper_of(instance);
    int code = LESSON_STORE_OK;
    for (size_t i = 0; i < count && !code; i++) {
        lesson_store_operation *operation = &operations[i];
        if (operation->kind == LESSON_STORE_OPERATION_END) {
            wrapper->kept_uid[0] = '\0';
            lesson_store_id_copy(wrapper->kept_lesson, operation->lesson_id);
            wrapper_bans(instance, &operation->lesson_id, keep_first, wrapper->kept_uid);
        }
        code = wrapper_run(instance, operation, 1);
        bool revives = operation->kind == LESSON_STORE_OPERATION_CREATE && wrapper->kept_uid[0] &&
                       lesson_store_id_equal(operation->lesson_id, lesson_store_id_of(wrapper->kept_lesson));
        lesson_store_operation ban = {.kind = LESSON_STORE_OPERATION_BAN, .ban_ms = HOUR};
        ban.lesson_id = lesson_store_id_of(wrapper->kept_lesson);
        ban.uid = lesson_store_id_of(wrapper->kept_uid);
        if (!code && revives)
            wrapper_run(instance, &ban, 1);
    }
    return code;
}

static void bans_outlive_record_table(lesson_store_backend *table) {
    table->run = bans_outlive_record_run;
}

/* ---- The list */

struct passed {
    lesson_store_banned_callback callback;
    void *context;
    bool has_left_out_one;
};

static bool give_all_but_first(const lesson_store_banned *banned, void *context) {
    struct passed *passed = context;
    bool gives = passed->has_left_out_one;
    passed->has_left_out_one = true;
    return !gives || passed->callback(banned, passed->context);
}

static int one_ban_is_missing(lesson_store_instance *instance, const lesson_store_id *lesson_id,
                              lesson_store_banned_callback callback, void *context) {
    struct passed passed = {callback, context, false};
    return wrapper_bans(instance, lesson_id, give_all_but_first, &passed);
}

static void one_ban_is_missing_table(lesson_store_backend *table) {
    table->bans = one_ban_is_missing;
}

const wrong_backend wrong_bans[] = {
    {"join-ignores-bans", "BAN-1", "BAN-* JOIN-12", join_ignores_bans_table, NULL},
    {"bans-put-out", "BAN-2", "", bans_put_out_table, NULL},
    {"kick-only-bans", "BAN-3", "BAN-7", kick_only_bans_table, NULL},
    {"kick-follows", "BAN-3", "", kick_follows_table, NULL},
    {"unban-lifts-nothing", "BAN-4", "JOIN-12", unban_lifts_nothing_table, NULL},
    {"bans-never-run-out", "BAN-5", "", bans_never_run_out_table, NULL},
    {"ban-needs-no-record", "BAN-6", "", ban_needs_no_record_table, NULL},
    {"reset-lifts-bans", "BAN-7", "", reset_lifts_bans_table, NULL},
    {"bans-outlive-the-record", "BAN-7", "", bans_outlive_record_table, NULL},
    {"one-ban-is-missing", "BAN-8", "BAN-*", one_ban_is_missing_table, NULL},
    {.name = NULL},
};
