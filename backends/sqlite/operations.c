/* The operations. Each batch is one transaction. */
#include "sqlite.h"

/* The content of a user record, compared with the ids that an operation names. */
struct user_state {
    bool exists;
    bool same_course;
    bool same_lesson;
    bool same_session;
    bool has_expected_session; /* of a join */
    bool same_owner;
    char lesson_id[LESSON_STORE_ID_MAX + 1]; /* only where the store keeps events */
};

static int malformed_user(sqlite_store *sqlite, lesson_store_id uid) {
    return lesson_store_fail(LESSON_STORE_MALFORMED, "%s: the user record of %.*s holds an invalid id", sqlite->path,
                             (int)uid.size, uid.data);
}

static int malformed_lesson(sqlite_store *sqlite, lesson_store_id lesson_id) {
    return lesson_store_fail(LESSON_STORE_MALFORMED, "%s: the lesson record of %.*s holds an invalid value",
                             sqlite->path, (int)lesson_id.size, lesson_id.data);
}

static lesson_store_standing standing_of(const struct user_state *current) {
    if (!current->exists)
        return LESSON_STORE_STANDING_NOWHERE;
    return current->same_lesson ? LESSON_STORE_STANDING_MEMBER : LESSON_STORE_STANDING_ELSEWHERE;
}

static int compare_user(sqlite_store *sqlite, const lesson_store_operation *operation, struct user_state *state) {
    lesson_store_user user = {.uid = operation->uid};
    if (!sqlite_read_place(sqlite->statements[STATEMENT_FIND_USER], 0, &user))
        return malformed_user(sqlite, operation->uid);
    state->exists = true;
    state->same_course = lesson_store_id_equal(user.course_id, operation->course_id);
    state->same_lesson = lesson_store_id_equal(user.lesson_id, operation->lesson_id);
    state->same_session = lesson_store_id_equal(user.session, operation->session);
    if (sqlite->events_kept > 0)
        lesson_store_id_copy(state->lesson_id, user.lesson_id);
    state->same_owner = lesson_store_id_equal(user.owner, operation->owner);
    state->has_expected_session = lesson_store_join_expects(operation, standing_of(state), user.session);
    lesson_store_answer_place(operation, user.course_id, user.lesson_id, user.session);
    lesson_store_answer_owner(operation, user.owner, user.joined_ms);
    return LESSON_STORE_OK;
}

/* Reads the user record, if there is one, into `state` and into the operation's place. */
static int look_up_user(sqlite_store *sqlite, const lesson_store_operation *operation, struct user_state *state) {
    state->exists = state->same_course = state->same_lesson = state->same_session = false;
    state->same_owner = false;
    state->has_expected_session =
        lesson_store_join_expects(operation, LESSON_STORE_STANDING_NOWHERE, operation->if_session);
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
    else if (!sqlite_read_record(sqlite->statements[STATEMENT_FIND_LESSON], 0, lesson))
        code = malformed_lesson(sqlite, lesson_id);
    lesson->lesson_id = lesson_id;
    lesson->course_id = (lesson_store_id){NULL, 0}; /* it belongs to the statement */
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

static int bind_number(sqlite3_stmt *statement, int parameter, bool is_given, int64_t number) {
    return is_given ? sqlite3_bind_int64(statement, parameter, number) : sqlite3_bind_null(statement, parameter);
}

static int bind_new_record(sqlite3_stmt *statement, const lesson_store_operation *create) {
    bool has_course_status = create->given & LESSON_STORE_GIVEN_COURSE_STATUS;
    bool has_chat_status = create->given & LESSON_STORE_GIVEN_CHAT_STATUS;
    int result =
        bind_number(statement, 3, true, has_course_status ? create->course_status : LESSON_STORE_COURSE_WAITING);
    if (result == SQLITE_OK)
        result = bind_number(statement, 4, true, has_chat_status ? create->chat_status : LESSON_STORE_CHAT_FREE);
    if (result == SQLITE_OK)
        result = bind_number(statement, 5, create->given & LESSON_STORE_GIVEN_CAPACITY, (int64_t)create->capacity);
    return result;
}

static int add_lesson_event(sqlite_store *sqlite, const lesson_store_operation *operation, lesson_store_event_kind kind,
                            uint64_t count) {
    const lesson_store_event event = {.kind = kind,
                                      .lesson_id = operation->lesson_id,
                                      .course_id = operation->course_id,
                                      .given = operation->given & LESSON_STORE_EVENT_GIVEN,
                                      .course_status = operation->course_status,
                                      .chat_status = operation->chat_status,
                                      .capacity = operation->capacity,
                                      .count = count};
    return sqlite_add_event(sqlite, &event);
}

/* The statuses of a new record are always given. */
static int add_create_event(sqlite_store *sqlite, const lesson_store_operation *create) {
    lesson_store_operation filled = *create;
    if (!(create->given & LESSON_STORE_GIVEN_COURSE_STATUS))
        filled.course_status = LESSON_STORE_COURSE_WAITING;
    if (!(create->given & LESSON_STORE_GIVEN_CHAT_STATUS))
        filled.chat_status = LESSON_STORE_CHAT_FREE;
    filled.given |= LESSON_STORE_GIVEN_COURSE_STATUS | LESSON_STORE_GIVEN_CHAT_STATUS;
    return add_lesson_event(sqlite, &filled, LESSON_STORE_EVENT_CREATE, 0);
}

static int sqlite_create(sqlite_store *sqlite, lesson_store_operation *create) {
    bool resets = create->flags & LESSON_STORE_CREATE_RESET;
    sqlite_statement statement = resets ? STATEMENT_RESET_LESSON : STATEMENT_ADD_LESSON;
    const lesson_store_id ids[] = {create->lesson_id, create->course_id};
    int found = sqlite_find(sqlite, STATEMENT_HAS_LESSON, &create->lesson_id, 1);
    if (found < 0)
        return found;
    if (found == LESSON_STORE_OK && !resets)
        return LESSON_STORE_EXISTS;
    int result = bind_new_record(sqlite->statements[statement], create);
    int code = result == SQLITE_OK ? sqlite_execute(sqlite, statement, ids, 2) : sqlite_fail(sqlite, result);
    /* A program without bans may have left some behind with the last record of this lesson. */
    if (!code && found == LESSON_STORE_NOT_FOUND)
        code = sqlite_execute(sqlite, STATEMENT_REMOVE_BANS, &create->lesson_id, 1);
    return code ? code : add_create_event(sqlite, create);
}

static int sqlite_end(sqlite_store *sqlite, lesson_store_operation *end) {
    uint64_t records = 0, members = 0;
    int code = change(sqlite, STATEMENT_REMOVE_LESSON, end->lesson_id, &records);
    if (!code && records > 0)
        code = sqlite_execute(sqlite, STATEMENT_REMOVE_BANS, &end->lesson_id, 1);
    if (!code && !(end->flags & LESSON_STORE_END_RECORD_ONLY))
        code = change(sqlite, STATEMENT_REMOVE_MEMBERS, end->lesson_id, &members);
    if (code)
        return code;
    if (records == 0 && members == 0)
        return LESSON_STORE_NOT_FOUND;
    end->count = members;
    bool is_of_record = end->flags & LESSON_STORE_END_RECORD_ONLY;
    return add_lesson_event(sqlite, end, is_of_record ? LESSON_STORE_EVENT_END_RECORD : LESSON_STORE_EVENT_END,
                            members);
}

/* The new values, and for those that are not given the current ones. */
static int bind_record(sqlite3_stmt *statement, const lesson_store_operation *set, const lesson_store_lesson *current) {
    bool sets_course = set->given & LESSON_STORE_GIVEN_COURSE_STATUS;
    bool sets_chat = set->given & LESSON_STORE_GIVEN_CHAT_STATUS;
    bool sets_capacity = set->given & LESSON_STORE_GIVEN_CAPACITY;
    int32_t course_status = sets_course ? set->course_status : current->course_status;
    int32_t chat_status = sets_chat ? set->chat_status : current->chat_status;
    uint64_t capacity = sets_capacity ? set->capacity : current->capacity;
    int result = bind_number(statement, 2, course_status != LESSON_STORE_STATUS_NONE, course_status);
    if (result == SQLITE_OK)
        result = bind_number(statement, 3, chat_status != LESSON_STORE_STATUS_NONE, chat_status);
    if (result == SQLITE_OK)
        result = bind_number(statement, 4, capacity > 0, (int64_t)capacity);
    return result;
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
    int result = bind_record(sqlite->statements[STATEMENT_SET_LESSON], set, &current);
    if (result != SQLITE_OK)
        return sqlite_fail(sqlite, result);
    code = sqlite_execute(sqlite, STATEMENT_SET_LESSON, &set->lesson_id, 1);
    return code ? code : add_lesson_event(sqlite, set, LESSON_STORE_EVENT_SET, 0);
}

static int describe_lesson(sqlite_store *sqlite, lesson_store_operation *get) {
    sqlite3_stmt *statement = sqlite->statements[STATEMENT_DESCRIBE_LESSON];
    lesson_store_lesson found = {.lesson_id = get->lesson_id,
                                 .has_record = sqlite3_column_int(statement, SQLITE_RECORD_COLUMNS),
                                 .member_count = (uint64_t)sqlite3_column_int64(statement, SQLITE_RECORD_COLUMNS + 1)};
    if (!found.has_record && found.member_count == 0)
        return LESSON_STORE_NOT_FOUND;
    if (!sqlite_read_record(statement, 0, &found))
        return malformed_lesson(sqlite, get->lesson_id);
    get->lesson = found;
    lesson_store_answer_course(get, found.course_id);
    return LESSON_STORE_OK;
}

static int sqlite_get_lesson(sqlite_store *sqlite, lesson_store_operation *get) {
    int result = sqlite_start(sqlite, STATEMENT_DESCRIBE_LESSON, &get->lesson_id, 1);
    int code = result == SQLITE_ROW ? describe_lesson(sqlite, get) : sqlite_fail(sqlite, result);
    sqlite_finish(sqlite, STATEMENT_DESCRIBE_LESSON);
    return code;
}

static int count_members(sqlite_store *sqlite, lesson_store_id lesson_id, uint64_t *count) {
    int code = LESSON_STORE_OK;
    int result = sqlite_start(sqlite, STATEMENT_COUNT_MEMBERS, &lesson_id, 1);
    if (result == SQLITE_ROW)
        *count = (uint64_t)sqlite3_column_int64(sqlite->statements[STATEMENT_COUNT_MEMBERS], 0);
    else
        code = sqlite_fail(sqlite, result);
    sqlite_finish(sqlite, STATEMENT_COUNT_MEMBERS);
    return code;
}

/* Reads as much of the lesson as the join asks for. */
static int look_up_admission(sqlite_store *sqlite, const lesson_store_operation *join, lesson_store_lesson *lesson) {
    *lesson = (lesson_store_lesson){.course_status = LESSON_STORE_STATUS_NONE};
    if (!lesson_store_join_needs_lesson(join))
        return LESSON_STORE_OK;
    int code = look_up_lesson(sqlite, join->lesson_id, lesson);
    if (code)
        return code == LESSON_STORE_NOT_FOUND ? LESSON_STORE_OK : code;
    bool counts = join->flags & LESSON_STORE_JOIN_IF_ROOM && lesson->capacity > 0;
    return counts ? count_members(sqlite, join->lesson_id, &lesson->member_count) : LESSON_STORE_OK;
}

/* `*is_banned` counts only if the lesson has a record. */
static int look_up_ban(sqlite_store *sqlite, const lesson_store_operation *join, bool *is_banned) {
    *is_banned = false;
    if (!(join->flags & LESSON_STORE_JOIN_UNLESS_BANNED))
        return LESSON_STORE_OK;
    int code = sqlite_find_ban(sqlite, join);
    *is_banned = code == LESSON_STORE_OK;
    return code == LESSON_STORE_NOT_FOUND ? LESSON_STORE_OK : code;
}

/* REFUSED or CONFLICT if this join is not admitted. */
static int admit(sqlite_store *sqlite, lesson_store_operation *join, const struct user_state *current) {
    if (!current->has_expected_session)
        return LESSON_STORE_CONFLICT;
    lesson_store_lesson lesson;
    bool is_banned;
    int code = look_up_admission(sqlite, join, &lesson);
    if (!code)
        code = look_up_ban(sqlite, join, &is_banned);
    if (code)
        return code;
    uint32_t refusing = lesson_store_admit(join, &lesson, standing_of(current), is_banned);
    if (refusing == 0)
        return LESSON_STORE_OK;
    join->refused_by = refusing;
    if (refusing == LESSON_STORE_JOIN_IF_ROOM)
        join->count = lesson.member_count;
    return LESSON_STORE_REFUSED;
}

/* REFUSED if the owner holds no lease. */
static int check_holder(sqlite_store *sqlite, lesson_store_operation *join) {
    int code = sqlite_find_holder(sqlite, join->owner);
    if (code <= 0)
        return code;
    join->refused_by = LESSON_STORE_JOIN_BY_OWNER;
    return LESSON_STORE_REFUSED;
}

static int add_join_event(sqlite_store *sqlite, const lesson_store_operation *join, const struct user_state *before) {
    if (sqlite->events_kept == 0)
        return LESSON_STORE_OK;
    const lesson_store_id none = {NULL, 0};
    const lesson_store_event event = {.kind = LESSON_STORE_EVENT_JOIN,
                                      .lesson_id = join->lesson_id,
                                      .uid = join->uid,
                                      .course_id = join->course_id,
                                      .from_lesson_id = before->exists ? lesson_store_id_of(before->lesson_id) : none,
                                      .session = join->session,
                                      .owner = join->owner};
    return sqlite_add_event(sqlite, &event);
}

static int put_user(sqlite_store *sqlite, const lesson_store_operation *join, const struct user_state *current) {
    const lesson_store_id ids[] = {join->uid, join->course_id, join->lesson_id, join->session, join->owner};
    /* A statement that names the owner costs some percent more, because of its index. */
    bool is_unowned = !join->owner.data && (!current->exists || current->same_owner);
    if (is_unowned)
        return sqlite_execute(sqlite, current->exists ? STATEMENT_MOVE_UNOWNED : STATEMENT_ADD_UNOWNED, ids, 4);
    sqlite_statement statement = current->exists ? STATEMENT_MOVE_USER : STATEMENT_ADD_USER;
    int result = bind_number(sqlite->statements[statement], 6, join->owner.data, lesson_store_clock_ms());
    return result == SQLITE_OK ? sqlite_execute(sqlite, statement, ids, 5) : sqlite_fail(sqlite, result);
}

static int sqlite_join(sqlite_store *sqlite, lesson_store_operation *join) {
    const lesson_store_id none = {NULL, 0};
    struct user_state current;
    int code = look_up_user(sqlite, join, &current);
    if (code)
        return code;
    if (!current.exists)
        lesson_store_answer_place(join, none, none, none);
    code = join->flags || join->if_session.data ? admit(sqlite, join, &current) : LESSON_STORE_OK;
    if (!code && join->owner.data)
        code = check_holder(sqlite, join);
    if (code)
        return code;
    join->arrival = !current.exists       ? LESSON_STORE_ARRIVAL_NEW
                    : current.same_lesson ? LESSON_STORE_ARRIVAL_ALREADY_THERE
                                          : LESSON_STORE_ARRIVAL_MOVED;
    bool is_same = current.exists && current.same_course && current.same_lesson && current.same_session;
    if (is_same && current.same_owner && !join->owner.data)
        return LESSON_STORE_OK;
    code = put_user(sqlite, join, &current);
    return code ? code : add_join_event(sqlite, join, &current);
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
    code = sqlite_execute(sqlite, STATEMENT_REMOVE_USER, &quit->uid, 1);
    if (code || sqlite->events_kept == 0)
        return code;
    return sqlite_add_quit_event(sqlite, quit->uid, lesson_store_id_of(current.lesson_id), LESSON_STORE_CAUSE_CALL);
}

/* What can refuse it comes before the first write. */
static int sqlite_ban(sqlite_store *sqlite, lesson_store_operation *ban) {
    const lesson_store_id none = {NULL, 0};
    struct user_state current = {.exists = false};
    int code = sqlite_find(sqlite, STATEMENT_HAS_LESSON, &ban->lesson_id, 1);
    if (!code && ban->flags & LESSON_STORE_BAN_KICK)
        code = look_up_user(sqlite, ban, &current);
    if (!code)
        code = sqlite_put_ban(sqlite, ban);
    if (code)
        return code;
    bool leaves = current.exists && current.same_lesson;
    ban->count = leaves;
    if (!leaves) {
        lesson_store_answer_place(ban, none, none, none);
        return LESSON_STORE_OK;
    }
    code = sqlite_execute(sqlite, STATEMENT_REMOVE_USER, &ban->uid, 1);
    return code ? code : sqlite_add_quit_event(sqlite, ban->uid, ban->lesson_id, LESSON_STORE_CAUSE_KICK);
}

static int sqlite_where(sqlite_store *sqlite, lesson_store_operation *where) {
    struct user_state current;
    int code = look_up_user(sqlite, where, &current);
    return code || current.exists ? code : LESSON_STORE_NOT_FOUND;
}

static int sqlite_count(sqlite_store *sqlite, lesson_store_operation *count) {
    return count_members(sqlite, count->lesson_id, &count->count);
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
    case LESSON_STORE_OPERATION_HOLD:
        return sqlite_hold(sqlite, operation);
    case LESSON_STORE_OPERATION_BAN:
        return sqlite_ban(sqlite, operation);
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
