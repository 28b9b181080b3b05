/* The two directions of apply.lua and move.lua, whose heads describe them, and of HMGET. */
#include "apply.h"
#include "failure.h"
#include "keys.h"

/* ---- Asking */

static void add_flag(redis_request *request, uint32_t flags, uint32_t flag) {
    redis_request_add_text(request, flags & flag ? "1" : "");
}

static void add_status(redis_request *request, int32_t status) {
    const char digit = (char)('0' + status);
    redis_request_add(request, &digit, status != LESSON_STORE_STATUS_NONE);
}

static void add_of_lesson(redis_request *request, const char *kind, const lesson_store_operation *operation) {
    redis_request_add_text(request, kind);
    redis_request_add_id(request, operation->lesson_id);
}

static void add_set(redis_request *request, const lesson_store_operation *set) {
    add_of_lesson(request, "set", set);
    add_status(request, set->course_status);
    add_status(request, set->chat_status);
    add_status(request, set->if_course_status);
    add_status(request, set->if_chat_status);
}

static bool is_plain(const lesson_store_operation *join) {
    return join->flags == 0 && !join->session.data;
}

static void add_plain_join(redis_request *request, const lesson_store_operation *join) {
    redis_request_add_id(request, join->uid);
    redis_request_add_id(request, join->course_id);
    redis_request_add_id(request, join->lesson_id);
}

static void add_join(redis_request *request, const lesson_store_operation *join) {
    bool plain = is_plain(join);
    redis_request_add_text(request, plain ? "join" : "admit");
    add_plain_join(request, join);
    if (plain)
        return;
    redis_request_add_id(request, join->session);
    add_flag(request, join->flags, LESSON_STORE_IF_EXISTS);
    add_flag(request, join->flags, LESSON_STORE_IF_OPEN);
    add_flag(request, join->flags, LESSON_STORE_STAY);
}

static void add_quit(redis_request *request, const lesson_store_operation *quit) {
    redis_request_add_text(request, "quit");
    redis_request_add_id(request, quit->uid);
    redis_request_add_id(request, quit->lesson_id);
    redis_request_add_id(request, quit->session);
}

static void add_where(redis_request *request, const lesson_store_operation *where) {
    redis_request_add_text(request, "where");
    redis_request_add_id(request, where->uid);
}

static void add_end(redis_request *request, const lesson_store_operation *end) {
    bool whole = redis_is_end(end);
    add_of_lesson(request, whole ? "end" : "end_record", end);
    if (whole)
        redis_request_add_text(request, REDIS_END_AT_ONCE_MAX);
}

static void add_operation(redis_request *request, const lesson_store_operation *operation) {
    switch ((lesson_store_operation_kind)operation->kind) {
    case LESSON_STORE_OPERATION_CREATE:
        add_of_lesson(request, operation->flags & LESSON_STORE_RESET ? "reset" : "create", operation);
        break;
    case LESSON_STORE_OPERATION_END:
        add_end(request, operation);
        break;
    case LESSON_STORE_OPERATION_SET:
        add_set(request, operation);
        break;
    case LESSON_STORE_OPERATION_GET_LESSON:
        add_of_lesson(request, "get", operation);
        break;
    case LESSON_STORE_OPERATION_JOIN:
        add_join(request, operation);
        break;
    case LESSON_STORE_OPERATION_QUIT:
        add_quit(request, operation);
        break;
    case LESSON_STORE_OPERATION_WHERE:
        add_where(request, operation);
        break;
    case LESSON_STORE_OPERATION_COUNT:
        add_of_lesson(request, "count", operation);
        break;
    }
}

static bool asks_only_for_arrival(const lesson_store_operation *operation) {
    return operation->kind == LESSON_STORE_OPERATION_JOIN && is_plain(operation) && !operation->place;
}

/* True if these are for move.lua. */
static bool are_moves(const lesson_store_operation *operations, size_t count) {
    size_t moves = 0;
    while (moves < count && asks_only_for_arrival(&operations[moves]))
        moves++;
    return moves == count;
}

/* By far the most frequent question of all needs no script. */
bool redis_apply_is_command(const lesson_store_operation *operations, size_t count) {
    return count == 1 && operations->kind == LESSON_STORE_OPERATION_WHERE;
}

static void add_user_key(redis_store *store, const lesson_store_operation *operation) {
    char key[REDIS_KEY_SIZE];
    redis_request_add(&store->request, key, redis_key(key, store->settings.prefix, REDIS_USER, operation->uid));
}

static void begin_where(redis_store *store, const lesson_store_operation *where) {
    static const char *const fields[] = {"course_id", "lesson_id", "session", "session_lesson_id"};
    redis_request_begin(&store->request, NULL);
    redis_request_add_text(&store->request, "HMGET");
    add_user_key(store, where);
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        redis_request_add_text(&store->request, fields[i]);
}

void redis_apply_begin(redis_store *store, const lesson_store_operation *operations, size_t count, bool with_source) {
    redis_request *request = &store->request;
    bool moves = are_moves(operations, count);
    const redis_script *script = moves ? &redis_move_script : &redis_apply_script;
    if (redis_apply_is_command(operations, count)) {
        begin_where(store, operations);
        return;
    }
    if (with_source)
        redis_request_begin_with_source(request, script);
    else
        redis_request_begin(request, script);
    redis_request_add_text(request, store->settings.prefix);
    for (size_t i = 0; i < count; i++) {
        if (moves)
            add_plain_join(request, &operations[i]);
        else
            add_operation(request, &operations[i]);
    }
}

/* ---- Answers: each reader is false if the reply is none of ours */

#define KIND(name) (1u << LESSON_STORE_OPERATION_##name)

/* The words of the scripts, except FAILURE, and the kinds that they answer. `detail` is the arrival of a join, or the
 * flag that refused it. */
static const struct word {
    const char *text;
    int code;
    uint32_t detail;
    uint32_t kinds;
} words[] = {
    {"OK", LESSON_STORE_OK, 0, LESSON_STORE_ALL_OPERATIONS & ~KIND(JOIN)},
    {"NEW", LESSON_STORE_OK, LESSON_STORE_ARRIVAL_NEW, KIND(JOIN)},
    {"MOVED", LESSON_STORE_OK, LESSON_STORE_ARRIVAL_MOVED, KIND(JOIN)},
    {"ALREADY_THERE", LESSON_STORE_OK, LESSON_STORE_ARRIVAL_ALREADY_THERE, KIND(JOIN)},
    {"NOT_FOUND", LESSON_STORE_NOT_FOUND, 0, KIND(END) | KIND(SET) | KIND(GET_LESSON) | KIND(QUIT) | KIND(WHERE)},
    {"EXISTS", LESSON_STORE_EXISTS, 0, KIND(CREATE)},
    {"CONFLICT", LESSON_STORE_CONFLICT, 0, KIND(SET) | KIND(QUIT)},
    {"IF_EXISTS", LESSON_STORE_REFUSED, LESSON_STORE_IF_EXISTS, KIND(JOIN)},
    {"IF_OPEN", LESSON_STORE_REFUSED, LESSON_STORE_IF_OPEN, KIND(JOIN)},
    {"STAY", LESSON_STORE_REFUSED, LESSON_STORE_STAY, KIND(JOIN)},
    {"LARGE", LESSON_STORE_UNANSWERED, 0, KIND(END)},
};

/* NULL if this kind of operation is not answered so. */
static const struct word *word_of(lesson_store_id text, uint32_t kind) {
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (redis_text_is(text, words[i].text))
            return (words[i].kinds & 1u << kind) ? &words[i] : NULL;
    }
    return NULL;
}

int32_t redis_status_of(lesson_store_id text, int32_t highest) {
    if (!text.data)
        return LESSON_STORE_STATUS_NONE;
    int32_t status = text.size == 1 ? text.data[0] - '0' : LESSON_STORE_MALFORMED;
    return status >= 0 && status <= highest ? status : LESSON_STORE_MALFORMED;
}

static int bad_status(const redis_store *store, const lesson_store_operation *operation) {
    return lesson_store_fail(LESSON_STORE_MALFORMED, "%s: %s" REDIS_RECORD "%.*s holds a status that is not valid",
                             store->settings.shown, store->settings.prefix, (int)operation->lesson_id.size,
                             operation->lesson_id.data);
}

static int bad_place(const redis_store *store, const lesson_store_operation *operation) {
    return lesson_store_fail(LESSON_STORE_MALFORMED, "%s: %s" REDIS_USER "%.*s holds an id that is not valid",
                             store->settings.shown, store->settings.prefix, (int)operation->uid.size,
                             operation->uid.data);
}

/* Copies a stored id. False if it is not valid; that, and a missing one, is "". */
static bool copy_id(char *field, lesson_store_id id) {
    bool valid = redis_text_is_id_or_nil(id);
    lesson_store_id_copy(field, valid ? id : (lesson_store_id){NULL, 0});
    return valid;
}

/* An unreadable place is an answer to nobody who asked for it; an operation that happened stands, with "" for it. */
static void take_place(redis_store *store, lesson_store_operation *operation, lesson_store_id course,
                       lesson_store_id lesson, lesson_store_id session) {
    lesson_store_place read;
    bool valid = copy_id(read.course_id, redis_given(course));
    valid = copy_id(read.lesson_id, lesson) && valid;
    valid = copy_id(read.session, session) && valid;
    if (!valid && operation->kind == LESSON_STORE_OPERATION_WHERE)
        operation->code = bad_place(store, operation);
    else if (operation->place)
        *operation->place = read;
}

static bool read_place(redis_store *store, lesson_store_operation *operation) {
    redis_reply *reply = &store->reply;
    lesson_store_id course, lesson, session;
    if (!redis_reply_next_text(reply, &course) || !redis_reply_next_text(reply, &lesson) ||
        !redis_reply_next_text(reply, &session))
        return false;
    /* Only a user who was refused may be nowhere. */
    if (!lesson.data && operation->code != LESSON_STORE_REFUSED)
        return false;
    take_place(store, operation, course, lesson, session);
    return true;
}

static bool read_where(redis_store *store, lesson_store_operation *where) {
    redis_reply *reply = &store->reply;
    lesson_store_id course, lesson, session, session_lesson;
    if (!redis_reply_next_text(reply, &course) || !redis_reply_next_text(reply, &lesson) ||
        !redis_reply_next_text(reply, &session) || !redis_reply_next_text(reply, &session_lesson))
        return false;
    where->code = lesson.data ? LESSON_STORE_OK : LESSON_STORE_NOT_FOUND;
    if (!lesson.data)
        return true;
    take_place(store, where, course, lesson, redis_session_of(lesson, session, session_lesson));
    return true;
}

static bool read_count(redis_store *store, uint64_t *count) {
    int64_t number;
    if (!redis_reply_next_number(&store->reply, &number) || number < 0)
        return false;
    *count = (uint64_t)number;
    return true;
}

static bool read_statuses(redis_store *store, lesson_store_operation *operation) {
    lesson_store_id course_status, chat_status;
    if (!redis_reply_next_text(&store->reply, &course_status) || !redis_reply_next_text(&store->reply, &chat_status))
        return false;
    lesson_store_lesson *lesson = &operation->lesson;
    lesson->lesson_id = operation->lesson_id;
    lesson->has_record = true;
    lesson->member_count = 0;
    lesson->course_status = redis_status_of(course_status, LESSON_STORE_COURSE_WAITING);
    lesson->chat_status = redis_status_of(chat_status, LESSON_STORE_CHAT_BANNED);
    if (lesson->course_status == LESSON_STORE_MALFORMED || lesson->chat_status == LESSON_STORE_MALFORMED)
        operation->code = bad_status(store, operation);
    return true;
}

static bool read_lesson(redis_store *store, lesson_store_operation *operation) {
    uint64_t has_record;
    if (!read_count(store, &has_record) || !read_statuses(store, operation))
        return false;
    lesson_store_lesson *lesson = &operation->lesson;
    lesson->has_record = has_record > 0;
    return read_count(store, &lesson->member_count) && redis_is_lesson(lesson) &&
           (lesson->has_record || lesson->member_count > 0);
}

static bool read_refusal(redis_store *store, lesson_store_operation *join) {
    lesson_store_id course_status;
    if (!redis_reply_next_text(&store->reply, &course_status) || !read_place(store, join))
        return false;
    if (join->refused_by == LESSON_STORE_IF_OPEN &&
        redis_status_of(course_status, LESSON_STORE_COURSE_WAITING) == LESSON_STORE_MALFORMED)
        join->code = bad_status(store, join);
    return true;
}

static bool read_join(redis_store *store, lesson_store_operation *join, const struct word *word, bool is_move) {
    if (word->code == LESSON_STORE_REFUSED) {
        if (!(join->flags & word->detail))
            return false;
        join->refused_by = word->detail;
        return read_refusal(store, join);
    }
    join->arrival = word->detail;
    if (is_move)
        return true;
    if (word->detail != LESSON_STORE_ARRIVAL_NEW)
        return read_place(store, join);
    if (join->place)
        join->place->course_id[0] = join->place->lesson_id[0] = join->place->session[0] = '\0';
    return true;
}

/* The server's error, and the keys it was about: one, or a second that it may have been about too. */
static bool read_failure(redis_store *store, lesson_store_operation *operation) {
    lesson_store_id error, key, other;
    if (!redis_reply_next_text(&store->reply, &error) || !redis_reply_next_text(&store->reply, &key) ||
        !redis_reply_next_text(&store->reply, &other) || !error.data)
        return false;
    operation->code =
        lesson_store_fail(redis_failure_code(error), "%s: %.*s%s%.*s: %.*s", store->settings.shown, (int)key.size,
                          key.data ? key.data : "", other.data ? " or " : "", (int)other.size,
                          other.data ? other.data : "", (int)error.size, error.data ? error.data : "");
    return true;
}

static bool read_answer(redis_store *store, lesson_store_operation *operation, bool is_move) {
    lesson_store_id text;
    if (!redis_reply_next_text(&store->reply, &text))
        return false;
    if (redis_text_is(text, "FAILURE"))
        return read_failure(store, operation);
    const struct word *word = word_of(text, operation->kind);
    if (!word)
        return false;
    operation->code = word->code;
    if (word->code == LESSON_STORE_UNANSWERED)
        return redis_is_end(operation);
    switch ((lesson_store_operation_kind)operation->kind) {
    case LESSON_STORE_OPERATION_CREATE:
        return true;
    case LESSON_STORE_OPERATION_END:
    case LESSON_STORE_OPERATION_COUNT:
        return word->code != LESSON_STORE_OK || read_count(store, &operation->count);
    case LESSON_STORE_OPERATION_SET:
        return word->code != LESSON_STORE_CONFLICT || read_statuses(store, operation);
    case LESSON_STORE_OPERATION_GET_LESSON:
        return word->code != LESSON_STORE_OK || read_lesson(store, operation);
    case LESSON_STORE_OPERATION_JOIN:
        return read_join(store, operation, word, is_move);
    case LESSON_STORE_OPERATION_QUIT:
    case LESSON_STORE_OPERATION_WHERE:
        return word->code == LESSON_STORE_NOT_FOUND || read_place(store, operation);
    }
    return false;
}

void redis_apply_read_wrong_type(redis_store *store, lesson_store_operation *operation) {
    lesson_store_id error = redis_reply_line(&store->reply);
    operation->code = lesson_store_fail(LESSON_STORE_MALFORMED, "%s: %s" REDIS_USER "%.*s: %.*s", store->settings.shown,
                                        store->settings.prefix, (int)operation->uid.size, operation->uid.data,
                                        (int)error.size, error.data);
}

bool redis_apply_read(redis_store *store, lesson_store_operation *operations, size_t count, size_t *answered) {
    bool moves = are_moves(operations, count);
    bool where = redis_apply_is_command(operations, count);
    for (size_t i = 0; i < count; i++) {
        *answered = i;
        if (where ? !read_where(store, operations) : !read_answer(store, &operations[i], moves)) {
            operations[i].code = LESSON_STORE_UNANSWERED;
            return false;
        }
        if (operations[i].code == LESSON_STORE_UNANSWERED)
            return redis_reply_at_end(&store->reply);
    }
    *answered = count;
    return redis_reply_at_end(&store->reply);
}
