/* Writes operations as requests and reads their answers: for the scripts made from scripts/operations (see its
 * README.md) and for HMGET. */
#include "apply.h"
#include "failure.h"
#include "keys.h"

/* ---- Asking */

/* The kinds of scripts/operations. One kind of the library may be several here, so that frequent operations do not pay
 * for parts that they do not use. */
enum kind {
    JOIN,      /* without session, flags and place */
    JOIN_FROM, /* the same, but with a place */
    ADMIT,
    QUIT, /* without lesson, session and place */
    LEAVE,
    WHERE,
    CREATE,
    RESET,
    SET,
    GET,
    COUNT,
    END_LESSON,
    END_RECORD
};

static const struct {
    const char *name;
    const redis_script *script;
} kinds[] = {
    [JOIN] = {"join", &redis_join_script},
    [JOIN_FROM] = {"join_from", &redis_join_from_script},
    [ADMIT] = {"admit", &redis_admit_script},
    [QUIT] = {"quit", &redis_quit_script},
    [LEAVE] = {"leave", &redis_leave_script},
    [WHERE] = {"where", &redis_where_script},
    [CREATE] = {"create", &redis_create_script},
    [RESET] = {"reset", &redis_reset_script},
    [SET] = {"set", &redis_set_script},
    [GET] = {"get", &redis_get_script},
    [COUNT] = {"count", &redis_count_script},
    [END_LESSON] = {"end_lesson", &redis_end_lesson_script},
    [END_RECORD] = {"end_record", &redis_end_record_script},
};

static enum kind kind_of_join(const lesson_store_operation *join) {
    if (join->flags != 0 || join->session.data)
        return ADMIT;
    return join->place ? JOIN_FROM : JOIN;
}

static enum kind kind_of(const lesson_store_operation *operation) {
    switch ((lesson_store_operation_kind)operation->kind) {
    case LESSON_STORE_OPERATION_CREATE:
        return operation->flags & LESSON_STORE_CREATE_RESET ? RESET : CREATE;
    case LESSON_STORE_OPERATION_END:
        return redis_is_end(operation) ? END_LESSON : END_RECORD;
    case LESSON_STORE_OPERATION_SET:
        return SET;
    case LESSON_STORE_OPERATION_GET_LESSON:
        return GET;
    case LESSON_STORE_OPERATION_JOIN:
        return kind_of_join(operation);
    case LESSON_STORE_OPERATION_QUIT:
        return operation->lesson_id.data || operation->session.data || operation->place ? LEAVE : QUIT;
    case LESSON_STORE_OPERATION_WHERE:
        return WHERE;
    case LESSON_STORE_OPERATION_COUNT_MEMBERS:
    case LESSON_STORE_OPERATION_NONE: /* core never passes it on */
        break;
    }
    return COUNT;
}

static void add_flag(redis_request *request, uint32_t flags, uint32_t flag) {
    redis_request_add_text(request, flags & flag ? "1" : "");
}

static void add_status(redis_request *request, bool is_given, int32_t status) {
    const char digit = (char)('0' + status);
    redis_request_add(request, &digit, is_given);
}

static void add_join(redis_request *request, enum kind kind, const lesson_store_operation *join) {
    redis_request_add_id(request, join->uid);
    redis_request_add_id(request, join->course_id);
    redis_request_add_id(request, join->lesson_id);
    if (kind != ADMIT)
        return;
    redis_request_add_id(request, join->session);
    add_flag(request, join->flags, LESSON_STORE_JOIN_IF_EXISTS);
    add_flag(request, join->flags, LESSON_STORE_JOIN_IF_OPEN);
    add_flag(request, join->flags, LESSON_STORE_JOIN_STAY);
}

static void add_statuses(redis_request *request, const lesson_store_operation *set) {
    add_status(request, set->given & LESSON_STORE_GIVEN_COURSE_STATUS, set->course_status);
    add_status(request, set->given & LESSON_STORE_GIVEN_CHAT_STATUS, set->chat_status);
    add_status(request, set->given & LESSON_STORE_GIVEN_IF_COURSE_STATUS, set->if_course_status);
    add_status(request, set->given & LESSON_STORE_GIVEN_IF_CHAT_STATUS, set->if_chat_status);
}

/* Adds the arguments in the order of the script's signature. */
static void add_arguments(redis_request *request, enum kind kind, const lesson_store_operation *operation) {
    switch (kind) {
    case JOIN:
    case JOIN_FROM:
    case ADMIT:
        add_join(request, kind, operation);
        break;
    case QUIT:
    case WHERE:
        redis_request_add_id(request, operation->uid);
        break;
    case LEAVE:
        redis_request_add_id(request, operation->uid);
        redis_request_add_id(request, operation->lesson_id);
        redis_request_add_id(request, operation->session);
        break;
    case SET:
        redis_request_add_id(request, operation->lesson_id);
        add_statuses(request, operation);
        break;
    case END_LESSON:
        redis_request_add_id(request, operation->lesson_id);
        redis_request_add_text(request, REDIS_END_AT_ONCE_MAX);
        break;
    case CREATE:
    case RESET:
    case GET:
    case COUNT:
    case END_RECORD:
        redis_request_add_id(request, operation->lesson_id);
        break;
    }
}

/* `where` is by far the most frequent operation. It and the count read one key, and need no script. */
bool redis_apply_is_command(const lesson_store_operation *operations, size_t count) {
    return count == 1 && (operations->kind == LESSON_STORE_OPERATION_WHERE ||
                          operations->kind == LESSON_STORE_OPERATION_COUNT_MEMBERS);
}

/* Writes the key that the command reads, and returns its size. */
static size_t key_of_command(const redis_store *store, const lesson_store_operation *operation,
                             char key[REDIS_KEY_SIZE]) {
    return operation->kind == LESSON_STORE_OPERATION_WHERE
               ? redis_key(key, store->settings.prefix, REDIS_USER, operation->uid)
               : redis_key(key, store->settings.prefix, REDIS_MEMBERS, operation->lesson_id);
}

static void begin_command(redis_store *store, const lesson_store_operation *operation) {
    static const char *const fields[] = {"course_id", "lesson_id", "session", "session_lesson_id"};
    bool is_where = operation->kind == LESSON_STORE_OPERATION_WHERE;
    char key[REDIS_KEY_SIZE];
    redis_request_begin(&store->request);
    store->request.may_follow = true;
    redis_request_add_text(&store->request, is_where ? "HMGET" : "SCARD");
    redis_request_add(&store->request, key, key_of_command(store, operation, key));
    for (size_t i = 0; is_where && i < sizeof fields / sizeof *fields; i++)
        redis_request_add_text(&store->request, fields[i]);
}

/* The key by which a script's server is found: the one that its first operation reads first. */
static lesson_store_id key_of(const redis_store *store, const lesson_store_operation *operation,
                              char key[REDIS_KEY_SIZE]) {
    bool is_of_user = operation->uid.data != NULL;
    size_t size = is_of_user ? redis_key(key, store->settings.prefix, REDIS_USER, operation->uid)
                             : redis_key(key, store->settings.prefix, REDIS_RECORD, operation->lesson_id);
    return (lesson_store_id){key, size};
}

static const redis_script *script_for(const lesson_store_operation *operations, size_t count) {
    if (count == 1)
        return kinds[kind_of(operations)].script;
    size_t joins = 0;
    while (joins < count && kind_of(&operations[joins]) == JOIN)
        joins++;
    return joins == count ? &redis_join_batch_script : &redis_batch_script;
}

static void add_operations(redis_store *store, const redis_script *script, const lesson_store_operation *operations,
                           size_t count) {
    redis_request *request = &store->request;
    redis_request_add_text(request, store->settings.prefix);
    for (size_t i = 0; i < count; i++) {
        enum kind kind = kind_of(&operations[i]);
        if (script == &redis_batch_script)
            redis_request_add_text(request, kinds[kind].name);
        add_arguments(request, kind, &operations[i]);
    }
}

void redis_apply_begin(redis_store *store, const lesson_store_operation *operations, size_t count) {
    if (redis_apply_is_command(operations, count)) {
        begin_command(store, operations);
        return;
    }
    const redis_script *script = script_for(operations, count);
    char key[REDIS_KEY_SIZE];
    redis_request_begin_call(&store->request, redis_ask_form(store, script), key_of(store, operations, key));
    add_operations(store, script, operations, count);
}

void redis_apply_begin_with_source(redis_store *store, const lesson_store_operation *operations, size_t count) {
    const redis_script *script = script_for(operations, count);
    bool reads_only =
        store->connection.read_only_calls == REDIS_READ_ONLY_YES && !lesson_store_any_writes(operations, count);
    char key[REDIS_KEY_SIZE];
    redis_request_begin_with_source(&store->request, redis_ask_form(store, script), key_of(store, operations, key),
                                    reads_only);
    add_operations(store, script, operations, count);
}

/* ---- Answers. A reader returns false if the reply is malformed. */

#define OF(name) LESSON_STORE_OPERATION_MASK_##name

/* The letters of the answers, except F and U, and the operations that return them. `detail` is the arrival of a join,
 * the flag that refused it, or what an end leaves to be done. */
static const struct letter {
    char letter;
    int code;
    uint32_t detail;
    uint32_t operations;
} letters[] = {
    {'O', LESSON_STORE_OK, 0, LESSON_STORE_OPERATIONS_0_1 & ~OF(JOIN)},
    {'N', LESSON_STORE_OK, LESSON_STORE_ARRIVAL_NEW, OF(JOIN)},
    {'M', LESSON_STORE_OK, LESSON_STORE_ARRIVAL_MOVED, OF(JOIN)},
    {'A', LESSON_STORE_OK, LESSON_STORE_ARRIVAL_ALREADY_THERE, OF(JOIN)},
    {'X', LESSON_STORE_NOT_FOUND, 0, OF(END) | OF(SET) | OF(GET_LESSON) | OF(QUIT) | OF(WHERE)},
    {'E', LESSON_STORE_EXISTS, 0, OF(CREATE)},
    {'C', LESSON_STORE_CONFLICT, 0, OF(SET) | OF(QUIT)},
    {'e', LESSON_STORE_REFUSED, LESSON_STORE_JOIN_IF_EXISTS, OF(JOIN)},
    {'o', LESSON_STORE_REFUSED, LESSON_STORE_JOIN_IF_OPEN, OF(JOIN)},
    {'s', LESSON_STORE_REFUSED, LESSON_STORE_JOIN_STAY, OF(JOIN)},
    {'L', LESSON_STORE_UNANSWERED, REDIS_REST_LARGE_END, OF(END)},
    {'B', LESSON_STORE_UNANSWERED, REDIS_REST_AGAIN, OF(END)},
    {'R', LESSON_STORE_UNANSWERED, REDIS_REST_REFUSED, LESSON_STORE_OPERATIONS_0_1},
};

/* NULL if this letter is no answer to this kind of operation. */
static const struct letter *find_letter(char letter, uint32_t operation_kind) {
    for (size_t i = 0; i < sizeof letters / sizeof *letters; i++) {
        if (letters[i].letter == letter)
            return (letters[i].operations & 1u << operation_kind) ? &letters[i] : NULL;
    }
    return NULL;
}

/* The rest of an answer. Parts are taken from its front; the data is NULL when none are left. */
typedef lesson_store_id answer;

#define SEPARATOR '\x1f' /* no valid id or status contains it */

/* Takes the next part, which ends at a separator or at the end of the answer. False if there is none. */
static bool take_part(answer *rest, lesson_store_id *part) {
    if (!rest->data)
        return false;
    const char *end = rest->size > 0 ? memchr(rest->data, SEPARATOR, rest->size) : NULL;
    *part = (lesson_store_id){rest->data, end ? (size_t)(end - rest->data) : rest->size};
    *rest = end ? (answer){end + 1, rest->size - part->size - 1} : (answer){NULL, 0};
    return true;
}

/* Reads a part that is "=" and a value, or empty: {NULL, 0}. False if it is neither. */
static bool read_optional(lesson_store_id part, lesson_store_id *value) {
    if (part.size > 0 && part.data[0] != '=')
        return false;
    *value = part.size > 0 ? (lesson_store_id){part.data + 1, part.size - 1} : (lesson_store_id){NULL, 0};
    return true;
}

static bool take_optional(answer *rest, lesson_store_id *value) {
    lesson_store_id part;
    return take_part(rest, &part) && read_optional(part, value);
}

#define NUMBER_DIGITS_MAX 15 /* Lua writes longer numbers with an exponent */

/* Takes the next part, a number. */
static bool take_number(answer *rest, uint64_t *number) {
    lesson_store_id digits;
    if (!take_part(rest, &digits) || digits.size == 0 || digits.size > NUMBER_DIGITS_MAX)
        return false;
    *number = 0;
    for (size_t i = 0; i < digits.size; i++) {
        if (digits.data[i] < '0' || digits.data[i] > '9')
            return false;
        *number = *number * 10 + (uint64_t)(digits.data[i] - '0');
    }
    return true;
}

int32_t redis_status_of(lesson_store_id text, int32_t highest) {
    if (!text.data)
        return LESSON_STORE_STATUS_NONE;
    int32_t status = text.size == 1 ? text.data[0] - '0' : LESSON_STORE_MALFORMED;
    return status >= 0 && status <= highest ? status : LESSON_STORE_MALFORMED;
}

static int bad_status(const redis_store *store, const lesson_store_operation *operation) {
    return lesson_store_fail(LESSON_STORE_MALFORMED, "%s: %s" REDIS_RECORD "%.*s holds an invalid status",
                             store->settings.shown, store->settings.prefix, (int)operation->lesson_id.size,
                             operation->lesson_id.data);
}

static int bad_place(const redis_store *store, const lesson_store_operation *operation) {
    return lesson_store_fail(LESSON_STORE_MALFORMED, "%s: %s" REDIS_USER "%.*s holds an invalid id",
                             store->settings.shown, store->settings.prefix, (int)operation->uid.size,
                             operation->uid.data);
}

/* Returns a stored id. An invalid one counts as missing. */
static lesson_store_id valid_or_none(lesson_store_id id) {
    return redis_text_is_id_or_nil(id) ? id : (lesson_store_id){NULL, 0};
}

/* Only `where` fails if the place is malformed. Every other operation has already happened, so it keeps its code, and
 * the invalid ids become "". */
static void take_place(redis_store *store, lesson_store_operation *operation, lesson_store_id course,
                       lesson_store_id lesson, lesson_store_id session) {
    course = redis_given(course);
    bool valid = redis_text_is_id_or_nil(course) && redis_text_is_id_or_nil(lesson) && redis_text_is_id_or_nil(session);
    if (!valid && operation->kind == LESSON_STORE_OPERATION_WHERE)
        operation->code = bad_place(store, operation);
    else
        lesson_store_answer_place(operation, valid_or_none(course), valid_or_none(lesson), valid_or_none(session));
}

/* A malformed id may contain a separator. Then the answer has too many parts, and no part of the place is usable. */
static bool read_place(redis_store *store, lesson_store_operation *operation, answer rest) {
    lesson_store_id course, lesson, part, session = {NULL, 0};
    if (!take_part(&rest, &course) || !take_part(&rest, &lesson) || !take_part(&rest, &part))
        return false;
    if (rest.data)
        course = lesson = (lesson_store_id){"", 0};
    else if (!read_optional(part, &session))
        return false;
    take_place(store, operation, course, lesson, session);
    return true;
}

static bool read_count(redis_store *store, lesson_store_operation *operation) {
    int64_t count;
    operation->code = LESSON_STORE_OK;
    if (!redis_reply_next_number(&store->reply, &count) || count < 0)
        return false;
    operation->count = (uint64_t)count;
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

/* True if the answer has no parts left. */
static bool is_read(answer rest) {
    return !rest.data || rest.size == 0;
}

static bool read_statuses(redis_store *store, lesson_store_operation *operation, answer rest) {
    lesson_store_id course_status, chat_status;
    if (!take_optional(&rest, &course_status) || !take_optional(&rest, &chat_status) || rest.data)
        return false;
    lesson_store_lesson *lesson = &operation->lesson;
    lesson->lesson_id = operation->lesson_id;
    lesson->course_status = redis_status_of(course_status, LESSON_STORE_COURSE_WAITING);
    lesson->chat_status = redis_status_of(chat_status, LESSON_STORE_CHAT_BANNED);
    if (lesson->course_status == LESSON_STORE_MALFORMED || lesson->chat_status == LESSON_STORE_MALFORMED)
        operation->code = bad_status(store, operation);
    return true;
}

static bool read_conflict(redis_store *store, lesson_store_operation *set, answer rest) {
    set->lesson.has_record = true;
    set->lesson.member_count = 0;
    return read_statuses(store, set, rest);
}

static bool read_lesson(redis_store *store, lesson_store_operation *operation, answer rest) {
    lesson_store_lesson *lesson = &operation->lesson;
    uint64_t has_record;
    if (!take_number(&rest, &has_record) || !take_number(&rest, &lesson->member_count))
        return false;
    lesson->has_record = has_record > 0;
    return read_statuses(store, operation, rest) && redis_is_lesson(lesson) &&
           (lesson->has_record || lesson->member_count > 0);
}

static bool read_refusal(redis_store *store, lesson_store_operation *join, uint32_t flag, answer rest) {
    lesson_store_id course_status;
    join->refused_by = flag;
    if (!(join->flags & flag) || !take_optional(&rest, &course_status) || !read_place(store, join, rest))
        return false;
    if (flag == LESSON_STORE_JOIN_IF_OPEN &&
        redis_status_of(course_status, LESSON_STORE_COURSE_WAITING) == LESSON_STORE_MALFORMED)
        join->code = bad_status(store, join);
    return true;
}

static bool read_join(redis_store *store, lesson_store_operation *join, const struct letter *letter, answer rest) {
    if (letter->code == LESSON_STORE_REFUSED)
        return read_refusal(store, join, letter->detail, rest);
    join->arrival = letter->detail;
    if (letter->detail != LESSON_STORE_ARRIVAL_NEW && kind_of(join) != JOIN)
        return read_place(store, join, rest);
    const lesson_store_id none = {NULL, 0};
    lesson_store_answer_place(join, none, none, none);
    return is_read(rest);
}

/* Reads the server's error and the keys that it may be about: one key, or two. */
static bool read_failure(redis_store *store, lesson_store_operation *operation, bool partly, answer rest) {
    lesson_store_id error, key, other;
    if (!take_part(&rest, &error) || !take_part(&rest, &key) || !take_part(&rest, &other) || error.size == 0)
        return false;
    operation->code =
        lesson_store_fail(partly ? LESSON_STORE_UNKNOWN : redis_failure_code(error), "%s: %.*s%s%.*s: %.*s",
                          store->settings.shown, (int)key.size, key.data, other.size > 0 ? " or " : "", (int)other.size,
                          other.data, (int)error.size, error.data);
    return true;
}

static bool read_found(redis_store *store, lesson_store_operation *operation, const struct letter *letter,
                       answer rest) {
    switch ((lesson_store_operation_kind)operation->kind) {
    case LESSON_STORE_OPERATION_CREATE:
    case LESSON_STORE_OPERATION_NONE:
        break;
    case LESSON_STORE_OPERATION_END:
    case LESSON_STORE_OPERATION_COUNT_MEMBERS:
        return take_number(&rest, &operation->count) && is_read(rest);
    case LESSON_STORE_OPERATION_SET:
        return letter->code == LESSON_STORE_CONFLICT ? read_conflict(store, operation, rest) : is_read(rest);
    case LESSON_STORE_OPERATION_GET_LESSON:
        return read_lesson(store, operation, rest);
    case LESSON_STORE_OPERATION_JOIN:
        return read_join(store, operation, letter, rest);
    case LESSON_STORE_OPERATION_QUIT:
        return kind_of(operation) == QUIT ? is_read(rest) : read_place(store, operation, rest);
    case LESSON_STORE_OPERATION_WHERE:
        return read_place(store, operation, rest);
    }
    return is_read(rest);
}

static bool read_answer(redis_store *store, lesson_store_operation *operation, answer text, redis_rest *left) {
    if (text.size == 0)
        return false;
    answer rest = {text.data + 1, text.size - 1};
    if (text.data[0] == 'F' || text.data[0] == 'U')
        return read_failure(store, operation, text.data[0] == 'U', rest);
    const struct letter *letter = find_letter(text.data[0], operation->kind);
    if (!letter)
        return false;
    operation->code = letter->code;
    if (letter->code == LESSON_STORE_UNANSWERED) {
        *left = (redis_rest)letter->detail;
        return *left == REDIS_REST_REFUSED ? rest.size > 0 : redis_is_end(operation) && is_read(rest);
    }
    if (letter->code == LESSON_STORE_NOT_FOUND || letter->code == LESSON_STORE_EXISTS)
        return is_read(rest);
    return read_found(store, operation, letter, rest);
}

void redis_apply_read_wrong_type(redis_store *store, lesson_store_operation *operation) {
    lesson_store_id error = redis_reply_line(&store->reply);
    char key[REDIS_KEY_SIZE];
    key_of_command(store, operation, key);
    lesson_store_answer(operation, lesson_store_fail(LESSON_STORE_MALFORMED, "%s: %s: %.*s", store->settings.shown, key,
                                                     (int)error.size, error.data));
}

bool redis_apply_is_refused(const redis_reply *reply) {
    lesson_store_id first = redis_reply_line(reply);
    return first.size > 0 && first.data[0] == 'R';
}

int redis_apply_refusal(redis_store *store, lesson_store_id *error) {
    lesson_store_id last = redis_reply_last(&store->reply);
    answer rest = {last.data + 1, last.size - 1};
    take_part(&rest, error);
    return lesson_store_fail(redis_failure_code(*error), "%s: %.*s", store->settings.shown, (int)error->size,
                             error->data);
}

static bool read_command(redis_store *store, lesson_store_operation *operation) {
    return operation->kind == LESSON_STORE_OPERATION_WHERE ? read_where(store, operation)
                                                           : read_count(store, operation);
}

/* Takes the next answer of a batch. The reply is one text if all answers are single letters, else a list. */
static bool next_answer(redis_reply *reply, size_t count, size_t i, answer *text) {
    if (count == 1 || reply->is_array)
        return redis_reply_next_text(reply, text);
    answer all = redis_reply_line(reply);
    if (all.size != count)
        return false;
    *text = (answer){all.data + i, 1};
    reply->next = 1;
    return true;
}

bool redis_apply_read(redis_store *store, lesson_store_operation *operations, size_t count, size_t *answered,
                      redis_rest *rest) {
    bool is_command = redis_apply_is_command(operations, count);
    *rest = REDIS_REST_NOTHING;
    for (size_t i = 0; i < count; i++) {
        answer text;
        *answered = i;
        if (is_command
                ? !read_command(store, operations)
                : !next_answer(&store->reply, count, i, &text) || !read_answer(store, &operations[i], text, rest)) {
            operations[i].code = LESSON_STORE_UNANSWERED;
            return false;
        }
        if (*rest != REDIS_REST_NOTHING)
            return redis_reply_at_end(&store->reply) && (*rest != REDIS_REST_AGAIN || i > 0);
        lesson_store_answer(&operations[i], operations[i].code); /* keeps the message of its failure */
    }
    *answered = count;
    return redis_reply_at_end(&store->reply);
}
