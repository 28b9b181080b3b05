/* Operations with a wrong effect, and batches that run them wrongly. */
#include <ctype.h>
#include <stdio.h>

#include "alterations.h"
#include "wrong_backends.h"

/* ---- Operations changed before they run */

int run_altered(lesson_store_instance *instance, lesson_store_operation *operations, size_t count, alteration alter) {
    int code = LESSON_STORE_OK;
    for (size_t i = 0; i < count && !code; i++) {
        lesson_store_operation altered = operations[i];
        alter(instance, &altered);
        code = wrapper_run(instance, &altered, 1);
        operations[i].code = altered.code;
        operations[i].arrival = altered.arrival;
        operations[i].refused_by = altered.refused_by;
        operations[i].count = altered.count;
        operations[i].lesson = altered.lesson;
        if (altered.kind == LESSON_STORE_OPERATION_GET_LESSON && altered.code == LESSON_STORE_OK)
            operations[i].lesson.lesson_id = operations[i].lesson_id;
    }
    return code;
}

static const lesson_store_id none = {NULL, 0};

static void end_keeps_members(lesson_store_instance *instance, lesson_store_operation *operation) {
    (void)instance;
    if (operation->kind == LESSON_STORE_OPERATION_END)
        operation->flags |= LESSON_STORE_END_RECORD_ONLY;
}
ALTERED_RUN(end_keeps_members)

static void end_forgets_record_only(lesson_store_instance *instance, lesson_store_operation *operation) {
    (void)instance;
    if (operation->kind == LESSON_STORE_OPERATION_END)
        operation->flags = 0;
}
ALTERED_RUN(end_forgets_record_only)

static void quit_ignores_lesson(lesson_store_instance *instance, lesson_store_operation *operation) {
    (void)instance;
    if (operation->kind == LESSON_STORE_OPERATION_QUIT)
        operation->lesson_id = none;
}
ALTERED_RUN(quit_ignores_lesson)

static void quit_ignores_session(lesson_store_instance *instance, lesson_store_operation *operation) {
    (void)instance;
    if (operation->kind == LESSON_STORE_OPERATION_QUIT)
        operation->session = none;
}
ALTERED_RUN(quit_ignores_session)

static void join_ignores_exists(lesson_store_instance *instance, lesson_store_operation *operation) {
    (void)instance;
    operation->flags &= ~(uint32_t)LESSON_STORE_JOIN_IF_EXISTS;
}
ALTERED_RUN(join_ignores_exists)

static void join_ignores_open(lesson_store_instance *instance, lesson_store_operation *operation) {
    (void)instance;
    operation->flags &= ~(uint32_t)LESSON_STORE_JOIN_IF_OPEN;
}
ALTERED_RUN(join_ignores_open)

static void join_ignores_stay(lesson_store_instance *instance, lesson_store_operation *operation) {
    (void)instance;
    operation->flags &= ~(uint32_t)LESSON_STORE_JOIN_STAY;
}
ALTERED_RUN(join_ignores_stay)

static void join_ignores_room(lesson_store_instance *instance, lesson_store_operation *operation) {
    (void)instance;
    operation->flags &= ~(uint32_t)LESSON_STORE_JOIN_IF_ROOM;
}
ALTERED_RUN(join_ignores_room)

static void members_are_late_too(lesson_store_instance *instance, lesson_store_operation *operation) {
    (void)instance;
    if (!(operation->flags & LESSON_STORE_JOIN_IF_OPEN_OR_MEMBER))
        return;
    operation->flags |= LESSON_STORE_JOIN_IF_OPEN;
    operation->flags &= ~(uint32_t)LESSON_STORE_JOIN_IF_OPEN_OR_MEMBER;
}
ALTERED_RUN(members_are_late_too)

static void resume_ignores_session(lesson_store_instance *instance, lesson_store_operation *operation) {
    (void)instance;
    operation->if_session = none;
}
ALTERED_RUN(resume_ignores_session)

static void nowhere_is_a_conflict(lesson_store_instance *instance, lesson_store_operation *operation) {
    (void)instance;
    operation->flags &= ~(uint32_t)LESSON_STORE_JOIN_OR_NOWHERE;
}
ALTERED_RUN(nowhere_is_a_conflict)

static void nowhere_is_anywhere(lesson_store_instance *instance, lesson_store_operation *operation) {
    (void)instance;
    if (!(operation->flags & LESSON_STORE_JOIN_OR_NOWHERE))
        return;
    operation->flags &= ~(uint32_t)LESSON_STORE_JOIN_OR_NOWHERE;
    operation->if_session = none;
}
ALTERED_RUN(nowhere_is_anywhere)

static void create_forgets_numbers(lesson_store_instance *instance, lesson_store_operation *operation) {
    (void)instance;
    if (operation->kind != LESSON_STORE_OPERATION_CREATE)
        return;
    operation->given = 0;
    operation->capacity = 0;
    operation->course_status = operation->chat_status = 0;
    operation->course_id = none;
}
ALTERED_RUN(create_forgets_numbers)

static void reset_forgets_capacity(lesson_store_instance *instance, lesson_store_operation *operation) {
    (void)instance;
    if (operation->flags & LESSON_STORE_CREATE_RESET)
        operation->given |= LESSON_STORE_GIVEN_CAPACITY;
}
ALTERED_RUN(reset_forgets_capacity)

static void set_forgets_capacity(lesson_store_instance *instance, lesson_store_operation *operation) {
    (void)instance;
    if (operation->kind == LESSON_STORE_OPERATION_SET)
        operation->capacity = 0;
}
ALTERED_RUN(set_forgets_capacity)

static void hold_always_begins(lesson_store_instance *instance, lesson_store_operation *operation) {
    (void)instance;
    operation->flags &= ~(uint32_t)LESSON_STORE_HOLD_RENEW;
}
ALTERED_RUN(hold_always_begins)

static void join_forgets_owner(lesson_store_instance *instance, lesson_store_operation *operation) {
    (void)instance;
    if (operation->kind == LESSON_STORE_OPERATION_JOIN)
        operation->owner = none;
}
ALTERED_RUN(join_forgets_owner)

static int sweep_nobody(lesson_store_instance *instance, const lesson_store_id *dropped,
                        lesson_store_user_callback callback, void *context) {
    (void)dropped, (void)callback, (void)context;
    (void)instance;
    return wrapper_engine_is_broken ? wrapper_fail() : LESSON_STORE_OK;
}

static void sweep_nobody_table(lesson_store_backend *table) {
    table->sweep = sweep_nobody;
}

static bool keep_owner(const lesson_store_owner *owner, void *context) {
    lesson_store_id_copy(context, owner->owner);
    return true;
}

/* Without its fence: drops another owner too. */
static int sweep_without_fence(lesson_store_instance *instance, const lesson_store_id *dropped,
                               lesson_store_user_callback callback, void *context) {
    char other[LESSON_STORE_ID_MAX + 1] = "";
    int code = wrapper_sweep(instance, dropped, callback, context);
    if (!code)
        code = wrapper_owners(instance, keep_owner, other);
    lesson_store_id id = lesson_store_id_of(other);
    return code || !other[0] ? code : wrapper_sweep(instance, &id, callback, context);
}

static void sweep_without_fence_table(lesson_store_backend *table) {
    table->sweep = sweep_without_fence;
}

/* Answers that a full lesson has no room for its own members. */
static int members_need_room_too_run(lesson_store_instance *instance, lesson_store_operation *operations,
                                     size_t count) {
    int code = LESSON_STORE_OK;
    for (size_t i = 0; i < count && !code; i++) {
        lesson_store_operation *operation = &operations[i], get = {.kind = LESSON_STORE_OPERATION_GET_LESSON};
        bool asks = operation->kind == LESSON_STORE_OPERATION_JOIN && operation->flags & LESSON_STORE_JOIN_IF_ROOM;
        get.lesson_id = operation->lesson_id;
        if (asks)
            code = wrapper_run(instance, &get, 1);
        bool is_full = asks && get.code == LESSON_STORE_OK && get.lesson.capacity > 0 &&
                       get.lesson.member_count >= get.lesson.capacity;
        if (!code && is_full) {
            operation->code = LESSON_STORE_REFUSED;
            operation->refused_by = LESSON_STORE_JOIN_IF_ROOM;
            operation->count = get.lesson.member_count;
        } else if (!code) {
            code = wrapper_run(instance, operation, 1);
        }
    }
    return code;
}

static void members_need_room_too_table(lesson_store_backend *table) {
    table->run = members_need_room_too_run;
}

static void join_always_asks_for_record(lesson_store_instance *instance, lesson_store_operation *operation) {
    (void)instance;
    if (operation->kind == LESSON_STORE_OPERATION_JOIN)
        operation->flags |= LESSON_STORE_JOIN_IF_EXISTS;
}
ALTERED_RUN(join_always_asks_for_record)

static void create_overwrites(lesson_store_instance *instance, lesson_store_operation *operation) {
    (void)instance;
    if (operation->kind == LESSON_STORE_OPERATION_CREATE)
        operation->flags |= LESSON_STORE_CREATE_RESET;
}
ALTERED_RUN(create_overwrites)

static void set_ignores_expected(lesson_store_instance *instance, lesson_store_operation *operation) {
    (void)instance;
    operation->given &= ~(uint32_t)(LESSON_STORE_GIVEN_IF_COURSE_STATUS | LESSON_STORE_GIVEN_IF_CHAT_STATUS);
}
ALTERED_RUN(set_ignores_expected)

/* Forgets the second expectation only if both are given. */
static void set_ignores_second(lesson_store_instance *instance, lesson_store_operation *operation) {
    (void)instance;
    if (operation->given & LESSON_STORE_GIVEN_IF_COURSE_STATUS)
        operation->given &= ~(uint32_t)LESSON_STORE_GIVEN_IF_CHAT_STATUS;
}
ALTERED_RUN(set_ignores_second)

static void join_keeps_old_course(lesson_store_instance *instance, lesson_store_operation *operation) {
    if (operation->kind != LESSON_STORE_OPERATION_JOIN)
        return;
    static lesson_store_place place; /* must outlive the operation that points to it */
    lesson_store_operation where = {.kind = LESSON_STORE_OPERATION_WHERE};
    where.uid = operation->uid;
    where.place = &place;
    if (wrapper_run(instance, &where, 1) || where.code)
        return;
    lesson_store_id there = lesson_store_id_of(place.lesson_id);
    if (there.size == operation->lesson_id.size && memcmp(there.data, operation->lesson_id.data, there.size) == 0)
        operation->course_id = lesson_store_id_of(place.course_id);
}
ALTERED_RUN(join_keeps_old_course)

static void join_keeps_old_session(lesson_store_instance *instance, lesson_store_operation *operation) {
    if (operation->kind != LESSON_STORE_OPERATION_JOIN || operation->session.data)
        return;
    static lesson_store_place place;
    lesson_store_operation where = {.kind = LESSON_STORE_OPERATION_WHERE};
    where.uid = operation->uid;
    where.place = &place;
    if (!wrapper_run(instance, &where, 1) && !where.code && *place.session)
        operation->session = lesson_store_id_of(place.session);
}
ALTERED_RUN(join_keeps_old_session)

static void cut_id(lesson_store_id *id) {
    if (id->size > 64)
        id->size = 64;
}

static void ids_are_cut(lesson_store_instance *instance, lesson_store_operation *operation) {
    (void)instance;
    cut_id(&operation->uid);
    cut_id(&operation->course_id);
    cut_id(&operation->lesson_id);
    cut_id(&operation->session);
}
ALTERED_RUN(ids_are_cut)

static void lower_id(lesson_store_id *id, char lowered[LESSON_STORE_ID_MAX]) {
    for (size_t i = 0; i < id->size; i++)
        lowered[i] = (char)tolower((unsigned char)id->data[i]);
    if (id->data)
        id->data = lowered;
}

static void uids_have_no_case(lesson_store_instance *instance, lesson_store_operation *operation) {
    static char lowered[LESSON_STORE_ID_MAX];
    (void)instance;
    lower_id(&operation->uid, lowered);
}
ALTERED_RUN(uids_have_no_case)

static void lessons_have_no_case(lesson_store_instance *instance, lesson_store_operation *operation) {
    static char lowered[LESSON_STORE_ID_MAX];
    (void)instance;
    lower_id(&operation->lesson_id, lowered);
}
ALTERED_RUN(lessons_have_no_case)

static void reset_drops_members(lesson_store_instance *instance, lesson_store_operation *operation) {
    if (operation->kind != LESSON_STORE_OPERATION_CREATE || !operation->flags)
        return;
    lesson_store_operation end = {.kind = LESSON_STORE_OPERATION_END};
    end.lesson_id = operation->lesson_id;
    wrapper_run(instance, &end, 1);
}
ALTERED_RUN(reset_drops_members)

static void set_touches_both(lesson_store_instance *instance, lesson_store_operation *operation) {
    (void)instance;
    if (operation->kind == LESSON_STORE_OPERATION_SET)
        operation->given |= LESSON_STORE_GIVEN_CHAT_STATUS; /* without a given chat status, this sets 0, Free */
}
ALTERED_RUN(set_touches_both)

/* Takes an id for a C string. The suite's ids without a NUL are followed by one within the limit. */
static void ids_end_at_nul(lesson_store_instance *instance, lesson_store_operation *operation) {
    (void)instance;
    if (operation->uid.data)
        operation->uid = lesson_store_id_of(operation->uid.data);
}
ALTERED_RUN(ids_end_at_nul)

/* ---- Answers changed after the run */

static void quit_of_nobody_is_ok(lesson_store_operation *operation) {
    if (operation->kind == LESSON_STORE_OPERATION_QUIT && operation->code == LESSON_STORE_NOT_FOUND)
        operation->code = LESSON_STORE_OK;
}
ALTERED_ANSWERS(quit_of_nobody_is_ok)

static void writes_unasked_place(lesson_store_operation *operation) {
    if (operation->code == LESSON_STORE_NOT_FOUND && operation->place)
        memset(operation->place, 0, sizeof *operation->place);
}
ALTERED_ANSWERS(writes_unasked_place)

static void left_is_never_reported(lesson_store_operation *operation) {
    if (operation->kind == LESSON_STORE_OPERATION_END)
        operation->count = 0;
}
ALTERED_ANSWERS(left_is_never_reported)

static void refusal_returns_no_place(lesson_store_operation *operation) {
    if (operation->code == LESSON_STORE_REFUSED && operation->place)
        memset(operation->place, 0, sizeof *operation->place);
}
ALTERED_ANSWERS(refusal_returns_no_place)

static void where_forgets_owner(lesson_store_operation *operation) {
    if (operation->code == LESSON_STORE_OK && operation->kind == LESSON_STORE_OPERATION_WHERE && operation->place)
        lesson_store_answer_owner(operation, (lesson_store_id){"", 0}, 0);
}
ALTERED_ANSWERS(where_forgets_owner)

static void time_stands_still(lesson_store_operation *operation) {
    if (operation->code == LESSON_STORE_OK && operation->kind == LESSON_STORE_OPERATION_WHERE && operation->place &&
        operation->place->joined_ms > 0)
        operation->place->joined_ms = 1;
}
ALTERED_ANSWERS(time_stands_still)

static void refusal_names_no_flag(lesson_store_operation *operation) {
    operation->refused_by = 0;
}
ALTERED_ANSWERS(refusal_names_no_flag)

static void everyone_is_new(lesson_store_operation *operation) {
    operation->arrival = LESSON_STORE_ARRIVAL_NEW;
}
ALTERED_ANSWERS(everyone_is_new)

static void count_of_none_is_not_found(lesson_store_operation *operation) {
    if (operation->kind == LESSON_STORE_OPERATION_COUNT_MEMBERS && operation->count == 0)
        operation->code = LESSON_STORE_NOT_FOUND;
}
ALTERED_ANSWERS(count_of_none_is_not_found)

static void get_needs_record(lesson_store_operation *operation) {
    if (operation->kind == LESSON_STORE_OPERATION_GET_LESSON && !operation->lesson.has_record)
        operation->code = LESSON_STORE_NOT_FOUND;
}
ALTERED_ANSWERS(get_needs_record)

static void conflict_returns_expected(lesson_store_operation *operation) {
    if (operation->kind != LESSON_STORE_OPERATION_SET || operation->code != LESSON_STORE_CONFLICT)
        return;
    operation->lesson.course_status = operation->if_course_status;
    operation->lesson.chat_status = operation->if_chat_status;
}
ALTERED_ANSWERS(conflict_returns_expected)

/* ---- Batches */

static int batch_backwards(lesson_store_instance *instance, lesson_store_operation *operations, size_t count) {
    int code = LESSON_STORE_OK;
    for (size_t i = count; i-- > 0 && !code;)
        code = wrapper_run(instance, &operations[i], 1);
    return code;
}

static void batch_backwards_table(lesson_store_backend *table) {
    table->run = batch_backwards;
}

static int batch_writes_first(lesson_store_instance *instance, lesson_store_operation *operations, size_t count) {
    int code = LESSON_STORE_OK;
    for (int turn = 0; turn < 2; turn++) {
        for (size_t i = 0; i < count && !code; i++) {
            if (lesson_store_operation_writes(&operations[i]) == (turn == 0))
                code = wrapper_run(instance, &operations[i], 1);
        }
    }
    return code;
}

static void batch_writes_first_table(lesson_store_backend *table) {
    table->run = batch_writes_first;
}

/* Stops the batch at the first refusal. */
static int batch_stops(lesson_store_instance *instance, lesson_store_operation *operations, size_t count) {
    int code = LESSON_STORE_OK;
    bool stopped = false;
    for (size_t i = 0; i < count && !code; i++) {
        if (stopped)
            operations[i].code = LESSON_STORE_REFUSED;
        else
            code = wrapper_run(instance, &operations[i], 1);
        stopped = stopped || operations[i].code != LESSON_STORE_OK;
    }
    return code;
}

static void batch_stops_table(lesson_store_backend *table) {
    table->run = batch_stops;
}

/* Runs a thousand operations and forgets the rest. */
static int batch_is_cut(lesson_store_instance *instance, lesson_store_operation *operations, size_t count) {
    int code = wrapper_run(instance, operations, count < 1000 ? count : 1000);
    for (size_t i = 1000; i < count; i++)
        operations[i].code = LESSON_STORE_OK;
    return code;
}

static void batch_is_cut_table(lesson_store_backend *table) {
    table->run = batch_is_cut;
}

/* ---- The list */

const wrong_backend wrong_operations[] = {
    {"join-keeps-old-course", "JOIN-4", "JOIN-10 JOIN-12 JOIN-13 JOIN-14 BAN-1", join_keeps_old_course_table, NULL},
    {"join-keeps-old-session", "JOIN-6", "QUIT-4 OWNER-3 BAN-1", join_keeps_old_session_table, NULL},
    {"join-always-asks-for-record", "JOIN-7",
     "BATCH-* CHECK-* COUNT-* CREATE-4 END-* GET-* ID-* JOIN-* LESSONS-* MEMBERS-* OUTPUT-* PAGE-* QUIT-* SET-7 "
     "STREAM-* THREAD-1 USERS-* OWNER-* BAN-1 BAN-3 BAN-6 THREAD-3 THREAD-4",
     join_always_asks_for_record_table, NULL},
    {"join-ignores-if-exists", "JOIN-8", "JOIN-11 JOIN-12 OUTPUT-2", join_ignores_exists_table, NULL},
    {"join-ignores-if-open", "JOIN-9", "JOIN-12 JOIN-15 OWNER-2 THREAD-6", join_ignores_open_table, NULL},
    {"join-ignores-stay", "JOIN-10", "JOIN-11 JOIN-12 THREAD-3", join_ignores_stay_table, NULL},
    {"end-keeps-members", "END-1", "BATCH-5 END-3 END-6 END-7 LESSONS-3 QUIT-7 JOIN-15 JOIN-12 BAN-7 BATCH-7 THREAD-5",
     end_keeps_members_table, NULL},
    {"end-forgets-record-only", "END-4", "END-5 LESSONS-2 LESSONS-3 END-7 JOIN-14", end_forgets_record_only_table,
     NULL},
    {"end-reports-none-left", "END-1",
     "BATCH-5 END-3 END-6 END-7 LESSONS-3 OUTPUT-2 QUIT-7 JOIN-15 JOIN-12 BAN-7 BATCH-7", left_is_never_reported_table,
     NULL},
    {"quit-ignores-lesson", "QUIT-3", "BATCH-1 BATCH-2 ID-2 OUTPUT-* QUIT-5 OWNER-9", quit_ignores_lesson_table, NULL},
    {"quit-ignores-session", "QUIT-4", "ID-2 QUIT-5 JOIN-15 THREAD-3", quit_ignores_session_table, NULL},
    {"quit-of-nobody-is-ok", "QUIT-2", "BATCH-2 ID-3 OUTPUT-2 QUIT-7 WHERE-2 END-1", quit_of_nobody_is_ok_table, NULL},
    {"create-overwrites", "CREATE-2", "BATCH-1 BATCH-2 CREATE-3 OUTPUT-2 THREAD-2 CREATE-5", create_overwrites_table,
     NULL},
    {"set-ignores-expected", "SET-5", "BATCH-2 OUTPUT-1 SET-6 SET-8", set_ignores_expected_table, NULL},
    {"set-ignores-one-of-two", "SET-6", "", set_ignores_second_table, NULL},
    {"ids-are-cut", "ID-2", "ID-1 JOIN-5 QUIT-3", ids_are_cut_table, NULL},
    {"uids-have-no-case", "ID-2", "ID-1 JOIN-5 QUIT-3", uids_have_no_case_table, NULL},
    {"lessons-have-no-case", "ID-2", "ID-1 JOIN-5 QUIT-3", lessons_have_no_case_table, NULL},
    {"batch-backwards", "BATCH-1",
     "BATCH-* COUNT-* CREATE-* END-* GET-* ID-* JOIN-* LESSONS-* MEMBERS-* OUTPUT-* QUIT-* SET-* USERS-* "
     "WHERE-* OWNER-* BAN-*",
     batch_backwards_table, NULL},
    {"batch-writes-first", "BATCH-1",
     "COUNT-1 END-1 END-7 ID-2 ID-3 JOIN-1 JOIN-2 OUTPUT-1 OUTPUT-2 QUIT-1 SET-1 CREATE-6 SET-8 BAN-2 OWNER-9 BATCH-7",
     batch_writes_first_table, NULL},
    {"batch-stops-at-refusal", "BATCH-2",
     "BATCH-1 END-* GET-3 ID-2 ID-3 JOIN-8 JOIN-9 JOIN-11 JOIN-12 OUTPUT-* QUIT-* SET-5 SET-6 SET-7 WHERE-2 JOIN-13 "
     "JOIN-14 JOIN-15 JOIN-16 SET-8 OWNER-* BAN-* BATCH-7",
     batch_stops_table, NULL},
    {"batch-is-cut", "BATCH-5", "BATCH-1 END-1 JOIN-2 LESSONS-1 MEMBERS-1 USERS-1", batch_is_cut_table, NULL},
    {"writes-unasked-place", "OUTPUT-2",
     "BATCH-1 BATCH-2 END-* GET-3 ID-3 LESSONS-3 MEMBERS-2 QUIT-1 QUIT-2 QUIT-7 SET-7 WHERE-2 SET-8 BAN-3 BAN-6 "
     "BATCH-7",
     writes_unasked_place_table, NULL},
    {"reset-drops-members", "CREATE-3", "CREATE-6 BAN-7", reset_drops_members_table, NULL},
    {"set-touches-both", "SET-1", "SET-4", set_touches_both_table, NULL},
    {"ids-end-at-nul", "ID-6", "", ids_end_at_nul_table, NULL},
    {"refusal-returns-no-place", "JOIN-11",
     "JOIN-8 JOIN-9 JOIN-10 JOIN-12 OUTPUT-2 JOIN-13 JOIN-14 JOIN-15 OWNER-2 OWNER-3 BAN-*",
     refusal_returns_no_place_table, NULL},
    {"refusal-names-no-flag", "JOIN-12",
     "JOIN-8 JOIN-9 JOIN-10 JOIN-11 OUTPUT-2 JOIN-13 JOIN-14 JOIN-15 JOIN-16 OWNER-2 OWNER-3 BAN-*",
     refusal_names_no_flag_table, NULL},
    {"everyone-is-new", "JOIN-2 JOIN-3",
     "BATCH-1 BATCH-5 END-6 ID-2 JOIN-4 JOIN-5 JOIN-6 JOIN-10 JOIN-12 JOIN-13 JOIN-14 JOIN-15 JOIN-16 LESSONS-1 "
     "LESSONS-3 MEMBERS-1 OUTPUT-2 QUIT-3 "
     "QUIT-4 USERS-1 OWNER-3 BAN-1 BAN-6 BAN-7 BATCH-7",
     everyone_is_new_table, NULL},
    {"count-of-none-is-not-found", "COUNT-2",
     "BATCH-* CHECK-* COUNT-1 CREATE-* END-* ERROR-* GET-* ID-* JOIN-* LESSONS-* MEMBERS-* OUTPUT-* QUIT-* SET-* "
     "STREAM-* SUPPORT-1 THREAD-* USERS-1 WHERE-2 OWNER-* BAN-*",
     count_of_none_is_not_found_table, NULL},
    {"get-needs-record", "GET-2",
     "BATCH-5 CHECK-* COUNT-1 END-* ERROR-3 GET-* ID-* JOIN-* LESSONS-* MEMBERS-1 QUIT-* SET-7 STREAM-* "
     "THREAD-1 USERS-* OWNER-* BAN-1 BAN-3 BATCH-1 BATCH-7",
     get_needs_record_table, NULL},
    {"conflict-returns-expected", "SET-5", "BATCH-2 SET-6 SET-8", conflict_returns_expected_table, NULL},
    {"create-forgets-numbers", "CREATE-5", "CREATE-6 FIND-2 JOIN-12 JOIN-13 JOIN-15 JOIN-16 SET-8 OWNER-2 BAN-7",
     create_forgets_numbers_table, NULL},
    {"reset-forgets-capacity", "CREATE-6", "BAN-7", reset_forgets_capacity_table, NULL},
    {"set-forgets-capacity", "SET-8", "JOIN-13 THREAD-3", set_forgets_capacity_table, NULL},
    {"join-ignores-room", "JOIN-13", "JOIN-12 JOIN-16 THREAD-3", join_ignores_room_table, NULL},
    {"members-need-room-too", "JOIN-13", "JOIN-12 JOIN-16", members_need_room_too_table, NULL},
    {"members-are-late-too", "JOIN-14", "JOIN-12 JOIN-15", members_are_late_too_table, NULL},
    {"resume-ignores-session", "JOIN-15", "JOIN-16 OWNER-2 OWNER-3 QUIT-4 THREAD-3", resume_ignores_session_table,
     NULL},
    {"nowhere-is-a-conflict", "JOIN-16", "", nowhere_is_a_conflict_table, NULL},
    {"nowhere-is-anywhere", "JOIN-16", "", nowhere_is_anywhere_table, NULL},
    {"hold-always-begins", "OWNER-1", "OWNER-4 OWNER-5", hold_always_begins_table, NULL},
    {"join-forgets-owner", "OWNER-2", "OWNER-3 OWNER-4 OWNER-5 OWNER-6 OWNER-7 OWNER-9 OWNER-10",
     join_forgets_owner_table, NULL},
    {"where-forgets-owner", "OWNER-9", "", where_forgets_owner_table, NULL},
    {"time-stands-still", "OWNER-9", "", time_stands_still_table, NULL},
    {"sweep-of-nobody", "OWNER-4", "OWNER-5 OWNER-7 OWNER-10", sweep_nobody_table, NULL},
    {"sweep-without-fence", "OWNER-4", "OWNER-5 OWNER-6 OWNER-7", sweep_without_fence_table, NULL},
    {.name = NULL},
};
