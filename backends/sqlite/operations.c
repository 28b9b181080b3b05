/* The operations. Each batch is one transaction. */
#include "sqlite.h"

/* The content of a user record, compared with the ids that an operation names. */
struct user_state {
    bool exists;
    bool same_course;
    bool same_lesson;
    bool same_session;
};

static int malformed_user(sqlite_store *sqlite, lesson_store_id uid) {
    return lesson_store_fail(LESSON_STORE_MALFORMED, "%s: the user record of %.*s holds an invalid id", sqlite->path,
                             (int)uid.size, uid.data);
}

static int malformed_lesson(sqlite_store *sqlite, lesson_store_id lesson_id) {
    return lesson_store_fail(LESSON_STORE_MALFORMED, "%s: the lesson record of %.*s holds an invalid status",
                             sqlite->path, (int)lesson_id.size, lesson_id.data);
}

static int compare_user(sqlite_store *sqlite, const lesson_store_operation *operation, struct user_state *state) {
    lesson_store_user user = {.uid = operation->uid};
    if (!sqlite_read_place(sqlite->statements[STATEMENT_FIND_USER], 0, &user))
        return malformed_user(sqlite, operation->uid);
    state->exists = true;
    state->same_course = lesson_store_id_equal(user.course_id, operation->course_id);
    state->same_lesson = lesson_store_id_equal(user.lesson_id, operation->lesson_id);
    state->same_session = lesson_store_id_equal(user.session, operation->session);
    lesson_store_answer_place(operation, user.course_id, user.lesson_id, user.session);
    return LESSON_STORE_OK;
}

/* Reads the user record, if there is one, into `state` and into the operation's place. */
static int look_up_user(sqlite_store *sqlite, const lesson_store_operation *operation, struct user_state *state) {
    *state = (struct user_state){.exists = false};
    int result = sqlite_start(sqlite, STATEMENT_FIND_USER, &operation->uid, 1);
    int code = LESSON_STORE_OK;
    if (result == SQLITE_ROW)
        code = compare_user(sqlite, operation, state);
    else if (result != SQLITE_DONE)
        code = sqlite_fail(sqlite, result);
    sqlite_finish(sqlite, STATEMENT_FIND_USER);
    return code;
}

/* Reads the lesson record; NOT_FOUND if there is none. */
static int look_up_lesson(sqlite_store *sqlite, lesson_store_id lesson_id, lesson_store_lesson *lesson) {
    int result = sqlite_start(sqlite, STATEMENT_FIND_LESSON, &lesson_id, 1);
    int code = LESSON_STORE_OK;
    if (result == SQLITE_DONE)
        code = LESSON_STORE_NOT_FOUND;
    else if (result != SQLITE_ROW)
        code = sqlite_fail(sqlite, result);
    else if (!sqlite_read_statuses(sqlite->statements[STATEMENT_FIND_LESSON], 0, lesson))
        code = malformed_lesson(sqlite, lesson_id);
    lesson->lesson_id = lesson_id;
    lesson->has_record = code != LESSON_STORE_NOT_FOUND;
    sqlite_finish(sqlite, STATEMENT_FIND_LESSON);
    return code;
}

/* Runs a statement that changes the rows of one id, and counts the changed rows. */
static int change(sqlite_store *sqlite, sqlite_statement statement, lesson_store_id id, uint64_t *changed) {
    int code = sqlite_execute(sqlite, statement, &id, 1);
    if (!code)
        *changed = (uint64_t)sqlite3_changes(sqlite->database);
    return code;
}

static int sqlite_create(sqlite_store *sqlite, lesson_store_operation *create) {
    bool reset = create->flags & LESSON_STORE_CREATE_RESET;
    uint64_t changed = 0;
    int code = change(sqlite, reset ? STATEMENT_RESET_LESSON : STATEMENT_ADD_LESSON, create->lesson_id, &changed);
    if (code)
        return code;
    return changed ? LESSON_STORE_OK : LESSON_STORE_EXISTS;
}

static int sqlite_end(sqlite_store *sqlite, lesson_store_operation *end) {
    uint64_t records = 0, members = 0;
    int code = change(sqlite, STATEMENT_REMOVE_LESSON, end->lesson_id, &records);
    if (!code && !(end->flags & LESSON_STORE_END_RECORD_ONLY))
        code = change(sqlite, STATEMENT_REMOVE_MEMBERS, end->lesson_id, &members);
    if (code)
        return code;
    if (records == 0 && members == 0)
        return LESSON_STORE_NOT_FOUND;
    end->count = members;
    return LESSON_STORE_OK;
}

static int bind_status(sqlite3_stmt *statement, int parameter, bool is_given, int32_t wanted, int32_t current) {
    int32_t status = is_given ? wanted : current;
    if (status == LESSON_STORE_STATUS_NONE)
        return sqlite3_bind_null(statement, parameter);
    return sqlite3_bind_int(statement, parameter, status);
}

static int sqlite_set(sqlite_store *sqlite, lesson_store_operation *set) {
    lesson_store_lesson current = {.member_count = 0};
    int code = look_up_lesson(sqlite, set->lesson_id, &current);
    if (code)
        return code;
    if (!lesson_store_set_expects(set, current.course_status, current.chat_status)) {
        set->lesson = current;
        return LESSON_STORE_CONFLICT;
    }
    sqlite3_stmt *statement = sqlite->statements[STATEMENT_SET_LESSON];
    int result = bind_status(statement, 2, set->given & LESSON_STORE_GIVEN_COURSE_STATUS, set->course_status,
                             current.course_status);
    if (result == SQLITE_OK)
        result = bind_status(statement, 3, set->given & LESSON_STORE_GIVEN_CHAT_STATUS, set->chat_status,
                             current.chat_status);
    if (result != SQLITE_OK)
        return sqlite_fail(sqlite, result);
    return sqlite_execute(sqlite, STATEMENT_SET_LESSON, &set->lesson_id, 1);
}

static int describe_lesson(sqlite_store *sqlite, lesson_store_operation *get) {
    sqlite3_stmt *statement = sqlite->statements[STATEMENT_DESCRIBE_LESSON];
    lesson_store_lesson found = {.lesson_id = get->lesson_id,
                                 .has_record = sqlite3_column_int(statement, 2),
                                 .member_count = (uint64_t)sqlite3_column_int64(statement, 3)};
    if (!found.has_record && found.member_count == 0)
        return LESSON_STORE_NOT_FOUND;
    if (!sqlite_read_statuses(statement, 0, &found))
        return malformed_lesson(sqlite, get->lesson_id);
    get->lesson = found;
    return LESSON_STORE_OK;
}

static int sqlite_get_lesson(sqlite_store *sqlite, lesson_store_operation *get) {
    int result = sqlite_start(sqlite, STATEMENT_DESCRIBE_LESSON, &get->lesson_id, 1);
    int code = result == SQLITE_ROW ? describe_lesson(sqlite, get) : sqlite_fail(sqlite, result);
    sqlite_finish(sqlite, STATEMENT_DESCRIBE_LESSON);
    return code;
}

/* REFUSED if a flag forbids this join. */
static int admit(sqlite_store *sqlite, lesson_store_operation *join, const struct user_state *current) {
    lesson_store_lesson lesson = {.course_status = LESSON_STORE_STATUS_NONE};
    if (join->flags & (LESSON_STORE_JOIN_IF_EXISTS | LESSON_STORE_JOIN_IF_OPEN)) {
        int code = look_up_lesson(sqlite, join->lesson_id, &lesson);
        if (code && code != LESSON_STORE_NOT_FOUND)
            return code;
    }
    bool is_elsewhere = current->exists && !current->same_lesson;
    uint32_t flag = lesson_store_join_refused_by(join, lesson.has_record, lesson.course_status, is_elsewhere);
    if (flag == 0)
        return LESSON_STORE_OK;
    join->refused_by = flag;
    return LESSON_STORE_REFUSED;
}

static int put_user(sqlite_store *sqlite, const lesson_store_operation *join, const struct user_state *current) {
    if (current->exists && current->same_course && current->same_lesson && current->same_session)
        return LESSON_STORE_OK;
    const lesson_store_id ids[] = {join->uid, join->course_id, join->lesson_id, join->session};
    return sqlite_execute(sqlite, current->exists ? STATEMENT_MOVE_USER : STATEMENT_ADD_USER, ids, 4);
}

static int sqlite_join(sqlite_store *sqlite, lesson_store_operation *join) {
    const lesson_store_id none = {NULL, 0};
    struct user_state current;
    int code = look_up_user(sqlite, join, &current);
    if (code)
        return code;
    if (!current.exists)
        lesson_store_answer_place(join, none, none, none);
    code = join->flags ? admit(sqlite, join, &current) : LESSON_STORE_OK;
    if (code)
        return code;
    join->arrival = !current.exists       ? LESSON_STORE_ARRIVAL_NEW
                    : current.same_lesson ? LESSON_STORE_ARRIVAL_ALREADY_THERE
                                          : LESSON_STORE_ARRIVAL_MOVED;
    return put_user(sqlite, join, &current);
}

static int sqlite_quit(sqlite_store *sqlite, lesson_store_operation *quit) {
    struct user_state current;
    int code = look_up_user(sqlite, quit, &current);
    if (code)
        return code;
    if (!current.exists)
        return LESSON_STORE_NOT_FOUND;
    if ((quit->lesson_id.data && !current.same_lesson) || (quit->session.data && !current.same_session))
        return LESSON_STORE_CONFLICT;
    return sqlite_execute(sqlite, STATEMENT_REMOVE_USER, &quit->uid, 1);
}

static int sqlite_where(sqlite_store *sqlite, lesson_store_operation *where) {
    struct user_state current;
    int code = look_up_user(sqlite, where, &current);
    return code || current.exists ? code : LESSON_STORE_NOT_FOUND;
}

static int sqlite_count(sqlite_store *sqlite, lesson_store_operation *count) {
    int code = LESSON_STORE_OK;
    int result = sqlite_start(sqlite, STATEMENT_COUNT_MEMBERS, &count->lesson_id, 1);
    if (result == SQLITE_ROW)
        count->count = (uint64_t)sqlite3_column_int64(sqlite->statements[STATEMENT_COUNT_MEMBERS], 0);
    else
        code = sqlite_fail(sqlite, result);
    sqlite_finish(sqlite, STATEMENT_COUNT_MEMBERS);
    return code;
}

static int run_operation(sqlite_store *sqlite, lesson_store_operation *operation) {
    switch ((lesson_store_operation_kind)operation->kind) {
    case LESSON_STORE_OPERATION_CREATE:
        return sqlite_create(sqlite, operation);
    case LESSON_STORE_OPERATION_END:
        return sqlite_end(sqlite, operation);
    case LESSON_STORE_OPERATION_SET:
        return sqlite_set(sqlite, operation);
    case LESSON_STORE_OPERATION_GET_LESSON:
        return sqlite_get_lesson(sqlite, operation);
    case LESSON_STORE_OPERATION_JOIN:
        return sqlite_join(sqlite, operation);
    case LESSON_STORE_OPERATION_QUIT:
        return sqlite_quit(sqlite, operation);
    case LESSON_STORE_OPERATION_WHERE:
        return sqlite_where(sqlite, operation);
    case LESSON_STORE_OPERATION_COUNT_MEMBERS:
        return sqlite_count(sqlite, operation);
    case LESSON_STORE_OPERATION_NONE:
        break;
    }
    return lesson_store_fail(LESSON_STORE_UNSUPPORTED, "sqlite: operation kind %u", (unsigned)operation->kind);
}

/* ---- Batches */

/* The answers so far describe changes that are now rolled back. */
static int give_up(sqlite_store *sqlite, lesson_store_operation *operations, size_t count, int code) {
    sqlite_roll_back(sqlite);
    for (size_t i = 0; i < count; i++)
        operations[i].code = LESSON_STORE_UNANSWERED;
    return code;
}

int sqlite_run(lesson_store_instance *instance, lesson_store_operation *operations, size_t count) {
    sqlite_store *sqlite = sqlite_of(instance);
    bool writes = lesson_store_any_writes(operations, count);
    /* A single read is one statement, which sees one instant without a transaction. */
    bool in_transaction = writes || count > 1;
    int code = sqlite_enter(sqlite);
    if (!code && in_transaction)
        code = sqlite_begin(sqlite, writes);
    if (code)
        return code;
    for (size_t i = 0; i < count; i++) {
        lesson_store_answer(&operations[i], run_operation(sqlite, &operations[i]));
        if (sqlite->failed)
            return give_up(sqlite, operations, count, operations[i].code);
    }
    if (in_transaction)
        code = sqlite_commit(sqlite, writes);
    code = sqlite_confirm(sqlite, code);
    return code ? give_up(sqlite, operations, count, code) : LESSON_STORE_OK;
}
