#include <stdlib.h>

#include "answers.h"

#include <lessonstore/backend.h>

static bool is_printable(const char *text) {
    char *copy = fuzz_copy_text(text, strlen(text));
    fuzz_make_printable(copy);
    bool same = strcmp(copy, text) == 0;
    free(copy);
    return same;
}

void fuzz_require_code(int code) {
    if (code >= 0)
        return;
    REQUIRE(code >= LESSON_STORE_FAILED);
    REQUIRE(lesson_store_message()[0] != '\0');
    REQUIRE(is_printable(lesson_store_message()));
}

/* ---- Operations */

/* The non-negative codes that each kind may have, as bits. */
static const unsigned answers[] = {
    [LESSON_STORE_OPERATION_CREATE] = 1 << LESSON_STORE_OK | 1 << LESSON_STORE_EXISTS,
    [LESSON_STORE_OPERATION_END] = 1 << LESSON_STORE_OK | 1 << LESSON_STORE_NOT_FOUND,
    [LESSON_STORE_OPERATION_SET] = 1 << LESSON_STORE_OK | 1 << LESSON_STORE_NOT_FOUND | 1 << LESSON_STORE_CONFLICT,
    [LESSON_STORE_OPERATION_GET_LESSON] = 1 << LESSON_STORE_OK | 1 << LESSON_STORE_NOT_FOUND,
    [LESSON_STORE_OPERATION_JOIN] = 1 << LESSON_STORE_OK | 1 << LESSON_STORE_REFUSED,
    [LESSON_STORE_OPERATION_QUIT] = 1 << LESSON_STORE_OK | 1 << LESSON_STORE_NOT_FOUND | 1 << LESSON_STORE_CONFLICT,
    [LESSON_STORE_OPERATION_WHERE] = 1 << LESSON_STORE_OK | 1 << LESSON_STORE_NOT_FOUND,
    [LESSON_STORE_OPERATION_COUNT_MEMBERS] = 1 << LESSON_STORE_OK,
    [LESSON_STORE_OPERATION_BAN] = 1 << LESSON_STORE_OK | 1 << LESSON_STORE_NOT_FOUND,
};

static bool is_id_or_empty(const char *text) {
    return !*text || fuzz_is_id(text, strlen(text));
}

static void require_place(const lesson_store_operation *operation) {
    const lesson_store_place *place = operation->place;
    if (!place)
        return;
    REQUIRE(is_id_or_empty(place->course_id));
    REQUIRE(is_id_or_empty(place->lesson_id));
    REQUIRE(is_id_or_empty(place->session));
    if (operation->kind == LESSON_STORE_OPERATION_WHERE)
        REQUIRE(place->lesson_id[0] != '\0');
}

static bool are_statuses(const lesson_store_lesson *lesson) {
    return lesson->course_status >= LESSON_STORE_STATUS_NONE && lesson->course_status <= LESSON_STORE_COURSE_WAITING &&
           lesson->chat_status >= LESSON_STORE_STATUS_NONE && lesson->chat_status <= LESSON_STORE_CHAT_BANNED;
}

static void require_lesson(const lesson_store_lesson *lesson) {
    REQUIRE(fuzz_is_id(lesson->lesson_id.data, lesson->lesson_id.size));
    REQUIRE(are_statuses(lesson));
    REQUIRE(lesson->member_count <= INT64_MAX);
    REQUIRE(lesson->has_record || lesson->member_count > 0);
    REQUIRE(lesson->has_record ||
            (lesson->course_status == LESSON_STORE_STATUS_NONE && lesson->chat_status == LESSON_STORE_STATUS_NONE));
}

static void require_join(const lesson_store_operation *join) {
    if (join->code == LESSON_STORE_OK)
        REQUIRE(join->arrival <= LESSON_STORE_ARRIVAL_ALREADY_THERE);
    else
        REQUIRE(join->refused_by && (join->refused_by & join->flags) == join->refused_by);
}

void fuzz_require_answer(const lesson_store_operation *operation) {
    fuzz_require_code(operation->code);
    if (operation->code < 0) {
        REQUIRE(operation->code != LESSON_STORE_UNKNOWN || lesson_store_operation_writes(operation));
        return;
    }
    REQUIRE(answers[operation->kind] & 1u << operation->code);
    if (operation->kind == LESSON_STORE_OPERATION_JOIN)
        require_join(operation);
    if (operation->kind == LESSON_STORE_OPERATION_GET_LESSON && operation->code == LESSON_STORE_OK)
        require_lesson(&operation->lesson);
    if (operation->code == LESSON_STORE_CONFLICT && operation->kind == LESSON_STORE_OPERATION_SET)
        REQUIRE(are_statuses(&operation->lesson));
    if (operation->kind == LESSON_STORE_OPERATION_END || operation->kind == LESSON_STORE_OPERATION_COUNT_MEMBERS)
        REQUIRE(operation->code != LESSON_STORE_OK || operation->count <= INT64_MAX);
    bool returns_place = operation->kind >= LESSON_STORE_OPERATION_JOIN &&
                         operation->kind <= LESSON_STORE_OPERATION_WHERE && operation->code != LESSON_STORE_NOT_FOUND;
    if (returns_place)
        require_place(operation);
}

void fuzz_require_answers(int code, const lesson_store_operation *operations, size_t count) {
    REQUIRE(code <= 0);
    fuzz_require_code(code);
    for (size_t i = 0; i < count; i++)
        fuzz_require_answer(&operations[i]);
}

/* ---- Lists */

static bool go_on(void *context) {
    fuzz_listener *listener = context;
    REQUIRE(listener->stop_after == 0 || listener->heard < listener->stop_after);
    return ++listener->heard != listener->stop_after;
}

bool fuzz_hear_member(const lesson_store_id *uid, void *context) {
    REQUIRE(fuzz_is_id(uid->data, uid->size));
    return go_on(context);
}

bool fuzz_hear_lesson(const lesson_store_lesson *lesson, void *context) {
    require_lesson(lesson);
    return go_on(context);
}

static bool is_given(lesson_store_id id) {
    return id.data || id.size;
}

bool fuzz_hear_user(const lesson_store_user *user, void *context) {
    REQUIRE(fuzz_is_id(user->uid.data, user->uid.size));
    REQUIRE(fuzz_is_id(user->lesson_id.data, user->lesson_id.size));
    REQUIRE(!is_given(user->course_id) || fuzz_is_id(user->course_id.data, user->course_id.size));
    REQUIRE(!is_given(user->session) || fuzz_is_id(user->session.data, user->session.size));
    return go_on(context);
}

bool fuzz_hear_finding(const lesson_store_finding *finding, void *context) {
    const fuzz_listener *listener = context;
    REQUIRE(finding->kind <= LESSON_STORE_FINDING_STALE_BANS);
    REQUIRE(!is_given(finding->lesson_id) || fuzz_is_id(finding->lesson_id.data, finding->lesson_id.size));
    REQUIRE(!is_given(finding->uid) || fuzz_is_id(finding->uid.data, finding->uid.size));
    REQUIRE(!finding->repaired || (finding->repairable && listener->repairs));
    REQUIRE(finding->detail && !strpbrk(finding->detail, "\r\n"));
    return go_on(context);
}

bool fuzz_hear_fact(const char *name, const char *value, void *context) {
    (void)context;
    REQUIRE(name && name[0] && value);
    return true;
}

static void ask_operations(lesson_store *store, const char *uid, const char *lesson_id) {
    lesson_store_place place;
    lesson_store_operation asked[] = {{.kind = LESSON_STORE_OPERATION_WHERE},
                                      {.kind = LESSON_STORE_OPERATION_GET_LESSON},
                                      {.kind = LESSON_STORE_OPERATION_COUNT_MEMBERS}};
    asked[0].uid = lesson_store_id_of(uid);
    asked[0].place = &place;
    asked[1].lesson_id = asked[2].lesson_id = lesson_store_id_of(lesson_id);
    fuzz_require_answers(lesson_store_batch(store, asked, 3), asked, 3);
}

void fuzz_ask_everything(lesson_store *store, const char *uid, const char *lesson_id) {
    fuzz_listener listener = {0};
    ask_operations(store, uid, lesson_id);
    fuzz_require_code(lesson_store_members(store, lesson_id, fuzz_hear_member, &listener));
    fuzz_require_code(lesson_store_lessons(store, fuzz_hear_lesson, &listener));
    fuzz_require_code(lesson_store_users(store, fuzz_hear_user, &listener));
    fuzz_require_code(lesson_store_check(store, LESSON_STORE_CHECK_ENDED, fuzz_hear_finding, &listener, NULL, NULL));
    fuzz_require_code(lesson_store_info(store, fuzz_hear_fact, NULL));
}
