/* The single calls: each is a batch of one. */
#include "core.h"

static void begin(lesson_store_operation *operation, lesson_store_operation_kind kind) {
    lesson_store__zero(operation, sizeof *operation);
    operation->kind = kind;
}

static int run_one(lesson_store *store, lesson_store_operation *operation) {
    int code = lesson_store_batch(store, operation, 1);
    return code ? code : operation->code;
}

/* For the calls that return a place. The ids may point into that place, for example to quit the place that `where` has
 * just returned. In that case the answer goes to a temporary place first. */
static int run_one_with_place(lesson_store *store, lesson_store_operation *operation, lesson_store_place *place) {
    operation->place = place;
    if (!lesson_store__operation_reads_its_place(operation))
        return run_one(store, operation);
    lesson_store_place answer;
    operation->place = &answer;
    int code = run_one(store, operation);
    if (lesson_store__answer_has_place(operation->kind, code))
        *place = answer;
    return code;
}

int lesson_store_create(lesson_store *store, const char *lesson_id, uint32_t flags) {
    lesson_store_operation operation;
    begin(&operation, LESSON_STORE_OPERATION_CREATE);
    operation.lesson_id = lesson_store_id_of(lesson_id);
    operation.flags = flags;
    return run_one(store, &operation);
}

int lesson_store_end(lesson_store *store, const char *lesson_id, uint32_t flags, uint64_t *left) {
    lesson_store_operation operation;
    begin(&operation, LESSON_STORE_OPERATION_END);
    operation.lesson_id = lesson_store_id_of(lesson_id);
    operation.flags = flags;
    int code = run_one(store, &operation);
    if (code == LESSON_STORE_OK && left)
        *left = operation.count;
    return code;
}

static void begin_set(lesson_store_operation *operation, const char *lesson_id, uint32_t given) {
    begin(operation, LESSON_STORE_OPERATION_SET);
    operation->lesson_id = lesson_store_id_of(lesson_id);
    operation->given = given;
}

int lesson_store_set_course_status(lesson_store *store, const char *lesson_id, int course_status) {
    lesson_store_operation operation;
    begin_set(&operation, lesson_id, LESSON_STORE_GIVEN_COURSE_STATUS);
    operation.course_status = course_status;
    return run_one(store, &operation);
}

int lesson_store_set_chat_status(lesson_store *store, const char *lesson_id, int chat_status) {
    lesson_store_operation operation;
    begin_set(&operation, lesson_id, LESSON_STORE_GIVEN_CHAT_STATUS);
    operation.chat_status = chat_status;
    return run_one(store, &operation);
}

int lesson_store_set_capacity(lesson_store *store, const char *lesson_id, uint64_t capacity) {
    lesson_store_operation operation;
    begin_set(&operation, lesson_id, LESSON_STORE_GIVEN_CAPACITY);
    operation.capacity = capacity;
    return run_one(store, &operation);
}

int lesson_store_replace_course_status(lesson_store *store, const char *lesson_id, int expected, int course_status,
                                       int *current) {
    lesson_store_operation operation;
    begin_set(&operation, lesson_id, LESSON_STORE_GIVEN_COURSE_STATUS | LESSON_STORE_GIVEN_IF_COURSE_STATUS);
    operation.course_status = course_status;
    operation.if_course_status = expected;
    int code = run_one(store, &operation);
    if (code == LESSON_STORE_CONFLICT && current)
        *current = operation.lesson.course_status;
    return code;
}

int lesson_store_replace_chat_status(lesson_store *store, const char *lesson_id, int expected, int chat_status,
                                     int *current) {
    lesson_store_operation operation;
    begin_set(&operation, lesson_id, LESSON_STORE_GIVEN_CHAT_STATUS | LESSON_STORE_GIVEN_IF_CHAT_STATUS);
    operation.chat_status = chat_status;
    operation.if_chat_status = expected;
    int code = run_one(store, &operation);
    if (code == LESSON_STORE_CONFLICT && current)
        *current = operation.lesson.chat_status;
    return code;
}

int lesson_store_get_lesson(lesson_store *store, const char *lesson_id, lesson_store_lesson *lesson) {
    lesson_store_operation operation;
    begin(&operation, LESSON_STORE_OPERATION_GET_LESSON);
    operation.lesson_id = lesson_store_id_of(lesson_id);
    int code = run_one(store, &operation);
    if (code == LESSON_STORE_OK && lesson)
        *lesson = operation.lesson;
    return code;
}

static void begin_join(lesson_store_operation *operation, const char *uid, const char *course_id, const char *lesson_id,
                       const char *session, uint32_t flags) {
    begin(operation, LESSON_STORE_OPERATION_JOIN);
    operation->uid = lesson_store_id_of(uid);
    operation->course_id = lesson_store_id_of(course_id);
    operation->lesson_id = lesson_store_id_of(lesson_id);
    operation->session = lesson_store_id_of(session);
    operation->flags = flags;
}

int lesson_store_join(lesson_store *store, const char *uid, const char *course_id, const char *lesson_id,
                      const char *session, uint32_t flags, lesson_store_place *before) {
    lesson_store_operation operation;
    begin_join(&operation, uid, course_id, lesson_id, session, flags);
    return run_one_with_place(store, &operation, before);
}

int lesson_store_resume(lesson_store *store, const char *uid, const char *course_id, const char *lesson_id,
                        const char *if_session, const char *session, uint32_t flags, lesson_store_place *before) {
    lesson_store_operation operation;
    begin_join(&operation, uid, course_id, lesson_id, session, flags);
    operation.if_session = lesson_store_id_of(if_session);
    if (!if_session)
        return lesson_store_id_check("if_session", operation.if_session);
    return run_one_with_place(store, &operation, before);
}

int lesson_store_join_for(lesson_store *store, const char *owner, const char *uid, const char *course_id,
                          const char *lesson_id, const char *session, uint32_t flags, lesson_store_place *before) {
    lesson_store_operation operation;
    begin_join(&operation, uid, course_id, lesson_id, session, flags);
    operation.owner = lesson_store_id_of(owner);
    if (!owner)
        return lesson_store_id_check("owner", operation.owner);
    return run_one_with_place(store, &operation, before);
}

int lesson_store_resume_for(lesson_store *store, const char *owner, const char *uid, const char *course_id,
                            const char *lesson_id, const char *if_session, const char *session, uint32_t flags,
                            lesson_store_place *before) {
    lesson_store_operation operation;
    begin_join(&operation, uid, course_id, lesson_id, session, flags);
    operation.owner = lesson_store_id_of(owner);
    operation.if_session = lesson_store_id_of(if_session);
    if (!owner)
        return lesson_store_id_check("owner", operation.owner);
    if (!if_session)
        return lesson_store_id_check("if_session", operation.if_session);
    return run_one_with_place(store, &operation, before);
}

int lesson_store_hold(lesson_store *store, const char *owner, int64_t lease_ms, uint32_t flags) {
    lesson_store_operation operation;
    begin(&operation, LESSON_STORE_OPERATION_HOLD);
    operation.owner = lesson_store_id_of(owner);
    operation.lease_ms = lease_ms;
    operation.flags = flags;
    return run_one(store, &operation);
}

static void begin_ban(lesson_store_operation *operation, const char *lesson_id, const char *uid, int64_t ban_ms) {
    begin(operation, LESSON_STORE_OPERATION_BAN);
    operation->lesson_id = lesson_store_id_of(lesson_id);
    operation->uid = lesson_store_id_of(uid);
    operation->ban_ms = ban_ms;
}

/* To 0, which would lift the ban. */
static int refuse_no_time(void) {
    return lesson_store_fail(LESSON_STORE_INVALID, "the ban of 0 ms is not between 1 and %lld ms",
                             (long long)LESSON_STORE_BAN_MAX_MS);
}

int lesson_store_ban(lesson_store *store, const char *lesson_id, const char *uid, int64_t ban_ms) {
    lesson_store_operation operation;
    begin_ban(&operation, lesson_id, uid, ban_ms);
    return ban_ms ? run_one(store, &operation) : refuse_no_time();
}

int lesson_store_kick(lesson_store *store, const char *lesson_id, const char *uid, int64_t ban_ms,
                      lesson_store_place *left) {
    lesson_store_operation operation;
    begin_ban(&operation, lesson_id, uid, ban_ms);
    operation.flags = LESSON_STORE_BAN_KICK;
    return run_one_with_place(store, &operation, left);
}

int lesson_store_unban(lesson_store *store, const char *lesson_id, const char *uid) {
    lesson_store_operation operation;
    begin_ban(&operation, lesson_id, uid, 0);
    return run_one(store, &operation);
}

int lesson_store_quit(lesson_store *store, const char *uid, const char *lesson_id, const char *session,
                      lesson_store_place *before) {
    lesson_store_operation operation;
    begin(&operation, LESSON_STORE_OPERATION_QUIT);
    operation.uid = lesson_store_id_of(uid);
    operation.lesson_id = lesson_store_id_of(lesson_id);
    operation.session = lesson_store_id_of(session);
    return run_one_with_place(store, &operation, before);
}

int lesson_store_where(lesson_store *store, const char *uid, lesson_store_place *place) {
    lesson_store_operation operation;
    begin(&operation, LESSON_STORE_OPERATION_WHERE);
    operation.uid = lesson_store_id_of(uid);
    return run_one_with_place(store, &operation, place);
}

int lesson_store_count_members(lesson_store *store, const char *lesson_id, uint64_t *count) {
    lesson_store_operation operation;
    begin(&operation, LESSON_STORE_OPERATION_COUNT_MEMBERS);
    operation.lesson_id = lesson_store_id_of(lesson_id);
    int code = run_one(store, &operation);
    if (code == LESSON_STORE_OK && count)
        *count = operation.count;
    return code;
}
