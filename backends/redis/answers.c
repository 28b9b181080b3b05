/* The answers of operations: see scripts/operations/README.md. A reader returns false if the reply is malformed. */
#include "apply.h"
#include "failure.h"
#include "keys.h"

#define OF(name) LESSON_STORE_OPERATION_MASK_##name

/* The letters of the answers, except F and U, and the operations that return them. `detail` is the arrival of a join,
 * the flag that refused it, how many a ban put out, or what an end leaves to be done. */
static const struct letter {
    char letter;
    int code;
    uint32_t detail;
    uint32_t operations;
} letters[] = {
    {'O', LESSON_STORE_OK, 0, LESSON_STORE_OPERATIONS_0_2 & ~OF(JOIN)},
    {'K', LESSON_STORE_OK, 1, OF(BAN)},
    {'N', LESSON_STORE_OK, LESSON_STORE_ARRIVAL_NEW, OF(JOIN)},
    {'M', LESSON_STORE_OK, LESSON_STORE_ARRIVAL_MOVED, OF(JOIN)},
    {'A', LESSON_STORE_OK, LESSON_STORE_ARRIVAL_ALREADY_THERE, OF(JOIN)},
    {'X', LESSON_STORE_NOT_FOUND, 0, OF(END) | OF(SET) | OF(GET_LESSON) | OF(QUIT) | OF(WHERE) | OF(BAN)},
    {'E', LESSON_STORE_EXISTS, 0, OF(CREATE)},
    {'C', LESSON_STORE_CONFLICT, 0, OF(SET) | OF(QUIT) | OF(JOIN) | OF(HOLD)},
    {'e', LESSON_STORE_REFUSED, LESSON_STORE_JOIN_IF_EXISTS, OF(JOIN)},
    {'b', LESSON_STORE_REFUSED, LESSON_STORE_JOIN_UNLESS_BANNED, OF(JOIN)},
    {'o', LESSON_STORE_REFUSED, LESSON_STORE_JOIN_IF_OPEN, OF(JOIN)},
    {'m', LESSON_STORE_REFUSED, LESSON_STORE_JOIN_IF_OPEN_OR_MEMBER, OF(JOIN)},
    {'r', LESSON_STORE_REFUSED, LESSON_STORE_JOIN_IF_ROOM, OF(JOIN)},
    {'h', LESSON_STORE_REFUSED, LESSON_STORE_JOIN_BY_OWNER, OF(JOIN)},
    {'s', LESSON_STORE_REFUSED, LESSON_STORE_JOIN_STAY, OF(JOIN)},
    {'L', LESSON_STORE_UNANSWERED, REDIS_REST_LARGE_END, OF(END)},
    {'B', LESSON_STORE_UNANSWERED, REDIS_REST_AGAIN, OF(END)},
    {'R', LESSON_STORE_UNANSWERED, REDIS_REST_REFUSED, LESSON_STORE_OPERATIONS_0_2},
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

static bool read_digits(lesson_store_id digits, uint64_t *number) {
    *number = 0;
    if (digits.size == 0 || digits.size > NUMBER_DIGITS_MAX)
        return false;
    for (size_t i = 0; i < digits.size; i++) {
        if (digits.data[i] < '0' || digits.data[i] > '9')
            return false;
        *number = *number * 10 + (uint64_t)(digits.data[i] - '0');
    }
    return true;
}

/* Takes the next part, a number. */
static bool take_number(answer *rest, uint64_t *number) {
    lesson_store_id digits;
    if (!take_part(rest, &digits))
        return false;
    return read_digits(digits, number);
}

int32_t redis_status_of(lesson_store_id text, int32_t highest) {
    if (!text.data)
        return LESSON_STORE_STATUS_NONE;
    int32_t status = text.size == 1 ? text.data[0] - '0' : LESSON_STORE_MALFORMED;
    return status >= 0 && status <= highest ? status : LESSON_STORE_MALFORMED;
}

bool redis_read_capacity(lesson_store_id text, uint64_t *capacity) {
    *capacity = 0;
    return !text.data || (read_digits(text, capacity) && *capacity <= LESSON_STORE_CAPACITY_MAX);
}

static int bad_record(const redis_store *store, const lesson_store_operation *operation) {
    return lesson_store_fail(LESSON_STORE_MALFORMED, "%s: %s" REDIS_RECORD "%.*s holds an invalid value",
                             store->settings.shown, store->settings.prefix, (int)operation->lesson_id.size,
                             operation->lesson_id.data);
}

static int bad_place(const redis_store *store, const lesson_store_operation *operation) {
    return lesson_store_fail(LESSON_STORE_MALFORMED, "%s: %s" REDIS_USER "%.*s holds an invalid id",
                             store->settings.shown, store->settings.prefix, (int)operation->uid.size,
                             operation->uid.data);
}

int64_t redis_read_time(lesson_store_id text) {
    uint64_t number;
    return read_digits(text, &number) ? (int64_t)number : 0;
}

/* Only `where` fails if the place is malformed. Every other operation has already happened, so it keeps its code, and
 * the invalid ids become "". */
static void take_place(redis_store *store, lesson_store_operation *operation, const lesson_store_user *user) {
    lesson_store_id course = redis_given(user->course_id);
    bool valid = redis_text_is_id_or_nil(course) && redis_text_is_id_or_nil(user->lesson_id) &&
                 redis_text_is_id_or_nil(user->session) && redis_text_is_id_or_nil(user->owner);
    if (!valid && operation->kind == LESSON_STORE_OPERATION_WHERE) {
        operation->code = bad_place(store, operation);
        return;
    }
    lesson_store_answer_place(operation, redis_valid_or_none(course), redis_valid_or_none(user->lesson_id),
                              redis_valid_or_none(user->session));
    lesson_store_answer_owner(operation, redis_valid_or_none(user->owner), user->joined_ms);
}

/* Reads the part that only users with an owner have: @, the time of the join, =, the owner. */
static bool read_owner(answer part, lesson_store_user *user) {
    const char *equals = part.size > 0 ? memchr(part.data, '=', part.size) : NULL;
    if (!equals || part.data[0] != '@')
        return false;
    user->joined_ms = redis_read_time((lesson_store_id){part.data + 1, (size_t)(equals - part.data) - 1});
    user->owner = (lesson_store_id){equals + 1, (size_t)(part.data + part.size - equals) - 1};
    return true;
}

/* A malformed id may contain a separator. Then the answer has too many parts, and no part of the place is usable. */
static bool read_place(redis_store *store, lesson_store_operation *operation, answer rest) {
    lesson_store_id part;
    lesson_store_user user = {.session = {NULL, 0}};
    if (!take_part(&rest, &user.course_id) || !take_part(&rest, &user.lesson_id) || !take_part(&rest, &part))
        return false;
    if (rest.data && !read_owner(rest, &user))
        user.course_id = user.lesson_id = (lesson_store_id){"", 0};
    else if (!read_optional(part, &user.session))
        return false;
    take_place(store, operation, &user);
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
    lesson_store_user user = {.session = {NULL, 0}};
    lesson_store_id session_lesson, joined_ms;
    if (!redis_reply_next_text(reply, &user.course_id) || !redis_reply_next_text(reply, &user.lesson_id) ||
        !redis_reply_next_text(reply, &user.session) || !redis_reply_next_text(reply, &session_lesson) ||
        !redis_reply_next_text(reply, &user.owner) || !redis_reply_next_text(reply, &joined_ms))
        return false;
    where->code = user.lesson_id.data ? LESSON_STORE_OK : LESSON_STORE_NOT_FOUND;
    if (!user.lesson_id.data)
        return true;
    user.session = redis_if_valid(user.session, user.lesson_id, session_lesson);
    user.owner = redis_if_valid(user.owner, user.lesson_id, session_lesson);
    user.joined_ms = redis_read_time(joined_ms);
    take_place(store, where, &user);
    return true;
}

/* True if the answer has no parts left. */
static bool is_read(answer rest) {
    return !rest.data || rest.size == 0;
}

static bool read_statuses(redis_store *store, lesson_store_operation *operation, answer *rest) {
    lesson_store_id course_status, chat_status;
    if (!take_optional(rest, &course_status) || !take_optional(rest, &chat_status))
        return false;
    lesson_store_lesson *lesson = &operation->lesson;
    lesson->lesson_id = operation->lesson_id;
    lesson->course_status = redis_status_of(course_status, LESSON_STORE_COURSE_WAITING);
    lesson->chat_status = redis_status_of(chat_status, LESSON_STORE_CHAT_BANNED);
    if (lesson->course_status == LESSON_STORE_MALFORMED || lesson->chat_status == LESSON_STORE_MALFORMED)
        operation->code = bad_record(store, operation);
    return true;
}

static bool read_conflict(redis_store *store, lesson_store_operation *set, answer rest) {
    set->lesson.has_record = true;
    set->lesson.member_count = 0;
    return read_statuses(store, set, &rest) && !rest.data;
}

/* The course and the capacity, which few records have. */
static bool read_extras(redis_store *store, lesson_store_operation *get, answer rest) {
    lesson_store_id course = {NULL, 0}, capacity = {NULL, 0};
    if (rest.data && (!take_optional(&rest, &course) || !take_optional(&rest, &capacity) || rest.data))
        return false;
    if (!redis_read_capacity(capacity, &get->lesson.capacity) || !redis_text_is_id_or_nil(course))
        get->code = bad_record(store, get);
    lesson_store_answer_course(get, redis_valid_or_none(course));
    return true;
}

static bool read_lesson(redis_store *store, lesson_store_operation *operation, answer rest) {
    lesson_store_lesson *lesson = &operation->lesson;
    uint64_t has_record;
    if (!take_number(&rest, &has_record) || !take_number(&rest, &lesson->member_count))
        return false;
    lesson->has_record = has_record > 0;
    return read_statuses(store, operation, &rest) && read_extras(store, operation, rest) && redis_is_lesson(lesson) &&
           (lesson->has_record || lesson->member_count > 0);
}

/* What a refusal says of the lesson: the number of its members, or its course_status. False if the reply is malformed.
 * `*is_sound`: the record is not. */
static bool read_reason(lesson_store_operation *join, uint32_t flag, lesson_store_id reason, bool *is_sound) {
    bool is_of_status = flag == LESSON_STORE_JOIN_IF_OPEN || flag == LESSON_STORE_JOIN_IF_OPEN_OR_MEMBER;
    lesson_store_id course_status;
    *is_sound = reason.size > 0;
    if (flag == LESSON_STORE_JOIN_IF_ROOM)
        return reason.size == 0 || read_digits(reason, &join->count);
    if (!read_optional(reason, &course_status))
        return false;
    *is_sound = !is_of_status || redis_status_of(course_status, LESSON_STORE_COURSE_WAITING) != LESSON_STORE_MALFORMED;
    return true;
}

static bool read_refusal(redis_store *store, lesson_store_operation *join, uint32_t flag, answer rest) {
    lesson_store_id reason;
    bool is_sound;
    join->refused_by = flag;
    bool may_refuse = flag == LESSON_STORE_JOIN_BY_OWNER ? join->owner.data != NULL : (join->flags & flag) != 0;
    if (may_refuse && is_read(rest) && !redis_apply_answers_place(join))
        return true;
    if (!may_refuse || !take_part(&rest, &reason) || !read_reason(join, flag, reason, &is_sound) ||
        !read_place(store, join, rest))
        return false;
    if (!is_sound)
        join->code = bad_record(store, join);
    return true;
}

static bool read_join(redis_store *store, lesson_store_operation *join, const struct letter *letter, answer rest) {
    if (letter->code == LESSON_STORE_REFUSED)
        return read_refusal(store, join, letter->detail, rest);
    if (letter->code == LESSON_STORE_CONFLICT)
        return join->if_session.data && read_place(store, join, rest);
    join->arrival = letter->detail;
    if (letter->detail != LESSON_STORE_ARRIVAL_NEW && redis_apply_answers_place(join))
        return read_place(store, join, rest);
    const lesson_store_id none = {NULL, 0};
    lesson_store_answer_place(join, none, none, none);
    return is_read(rest);
}

static bool read_ban(redis_store *store, lesson_store_operation *ban, const struct letter *letter, answer rest) {
    const lesson_store_id none = {NULL, 0};
    ban->count = letter->detail;
    if (letter->detail > 0)
        return ban->flags & LESSON_STORE_BAN_KICK && read_place(store, ban, rest);
    lesson_store_answer_place(ban, none, none, none);
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
    case LESSON_STORE_OPERATION_HOLD:
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
        return redis_apply_answers_place(operation) ? read_place(store, operation, rest) : is_read(rest);
    case LESSON_STORE_OPERATION_WHERE:
        return read_place(store, operation, rest);
    case LESSON_STORE_OPERATION_BAN:
        return read_ban(store, operation, letter, rest);
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
