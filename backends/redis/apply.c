/* Writes operations as requests: for the scripts made from scripts/operations (see its README.md), and as commands.
 * answers.c reads what comes back. */
#include <stdio.h>

#include "apply.h"
#include "keys.h"

/* The kinds of scripts/operations. One kind of the library may be several here, so that frequent operations do not pay
 * for parts that they do not use. */
enum kind {
    JOIN,      /* without session, flags and place */
    JOIN_FROM, /* the same, but with a place */
    JOIN_FOR,  /* as JOIN, but with an owner */
    ADMIT,
    ADMIT_IF, /* with what version 0.2 has added */
    QUIT,     /* without lesson, session and place */
    LEAVE,
    WHERE,
    CREATE,
    RESET,
    CREATE_WITH,
    SET,
    SET_WITH,
    GET,
    COUNT,
    END_LESSON,
    END_RECORD,
    HOLD,
    BAN,
    KICK
};

static const struct {
    const char *name;
    const redis_script *script;
} kinds[] = {
    [JOIN] = {"join", &redis_join_script},
    [JOIN_FROM] = {"join_from", &redis_join_from_script},
    [JOIN_FOR] = {"join_for", &redis_join_for_script},
    [ADMIT] = {"admit", &redis_admit_script},
    [ADMIT_IF] = {"admit_if", &redis_admit_if_script},
    [QUIT] = {"quit", &redis_quit_script},
    [LEAVE] = {"leave", &redis_leave_script},
    [WHERE] = {"where", &redis_where_script},
    [CREATE] = {"create", &redis_create_script},
    [RESET] = {"reset", &redis_reset_script},
    [CREATE_WITH] = {"create_with", &redis_create_with_script},
    [SET] = {"set", &redis_set_script},
    [SET_WITH] = {"set_with", &redis_set_with_script},
    [GET] = {"get", &redis_get_script},
    [COUNT] = {"count", &redis_count_script},
    [END_LESSON] = {"end_lesson", &redis_end_lesson_script},
    [END_RECORD] = {"end_record", &redis_end_record_script},
    [HOLD] = {"hold", &redis_hold_script},
    [BAN] = {"ban", &redis_ban_script},
    [KICK] = {"kick", &redis_kick_script},
};

static enum kind kind_of_join(const lesson_store_operation *join) {
    const uint32_t new_flags =
        LESSON_STORE_JOIN_IF_OPEN_OR_MEMBER | LESSON_STORE_JOIN_IF_ROOM | LESSON_STORE_JOIN_UNLESS_BANNED;
    if (join->owner.data && !join->flags && !join->session.data && !join->if_session.data && !join->place)
        return JOIN_FOR;
    if (join->flags & new_flags || join->if_session.data || join->owner.data)
        return ADMIT_IF;
    if (join->flags != 0 || join->session.data)
        return ADMIT;
    return join->place ? JOIN_FROM : JOIN;
}

static enum kind kind_of_create(const lesson_store_operation *create) {
    if (create->given || create->course_id.data)
        return CREATE_WITH;
    return create->flags & LESSON_STORE_CREATE_RESET ? RESET : CREATE;
}

static enum kind kind_of(const lesson_store_operation *operation) {
    switch ((lesson_store_operation_kind)operation->kind) {
    case LESSON_STORE_OPERATION_CREATE:
        return kind_of_create(operation);
    case LESSON_STORE_OPERATION_END:
        return redis_is_end(operation) ? END_LESSON : END_RECORD;
    case LESSON_STORE_OPERATION_SET:
        return operation->given & LESSON_STORE_GIVEN_CAPACITY ? SET_WITH : SET;
    case LESSON_STORE_OPERATION_GET_LESSON:
        return GET;
    case LESSON_STORE_OPERATION_JOIN:
        return kind_of_join(operation);
    case LESSON_STORE_OPERATION_QUIT:
        return operation->lesson_id.data || operation->session.data || operation->place ? LEAVE : QUIT;
    case LESSON_STORE_OPERATION_WHERE:
        return WHERE;
    case LESSON_STORE_OPERATION_HOLD:
        return HOLD;
    case LESSON_STORE_OPERATION_BAN:
        return operation->flags & LESSON_STORE_BAN_KICK ? KICK : BAN;
    case LESSON_STORE_OPERATION_COUNT_MEMBERS:
    case LESSON_STORE_OPERATION_NONE: /* core never passes it on */
        break;
    }
    return COUNT;
}

bool redis_apply_answers_place(const lesson_store_operation *operation) {
    enum kind kind = kind_of(operation);
    return kind != JOIN && kind != JOIN_FOR && kind != QUIT;
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
    if (kind == JOIN_FOR)
        redis_request_add_id(request, join->owner);
    if (kind != ADMIT && kind != ADMIT_IF)
        return;
    redis_request_add_id(request, join->session);
    add_flag(request, join->flags, LESSON_STORE_JOIN_IF_EXISTS);
    add_flag(request, join->flags, LESSON_STORE_JOIN_IF_OPEN);
    add_flag(request, join->flags, LESSON_STORE_JOIN_STAY);
    if (kind == ADMIT)
        return;
    add_flag(request, join->flags, LESSON_STORE_JOIN_IF_OPEN_OR_MEMBER);
    add_flag(request, join->flags, LESSON_STORE_JOIN_IF_ROOM);
    redis_request_add_id(request, join->if_session);
    redis_request_add_id(request, join->owner);
    add_flag(request, join->flags, LESSON_STORE_JOIN_UNLESS_BANNED);
    add_flag(request, join->flags, LESSON_STORE_JOIN_OR_NOWHERE);
}

static void add_capacity(redis_request *request, const lesson_store_operation *operation) {
    char digits[24] = "";
    if (operation->given & LESSON_STORE_GIVEN_CAPACITY)
        snprintf(digits, sizeof digits, "%llu", (unsigned long long)operation->capacity);
    redis_request_add_text(request, digits);
}

static void add_record(redis_request *request, const lesson_store_operation *create) {
    redis_request_add_id(request, create->lesson_id);
    add_flag(request, create->flags, LESSON_STORE_CREATE_RESET);
    redis_request_add_id(request, create->course_id);
    add_status(request, create->given & LESSON_STORE_GIVEN_COURSE_STATUS, create->course_status);
    add_status(request, create->given & LESSON_STORE_GIVEN_CHAT_STATUS, create->chat_status);
    add_capacity(request, create);
}

static void add_time(redis_request *request, int64_t ms) {
    char digits[24];
    snprintf(digits, sizeof digits, "%lld", (long long)ms);
    redis_request_add_text(request, digits);
}

static void add_hold(redis_request *request, const lesson_store_operation *hold) {
    redis_request_add_id(request, hold->owner);
    add_time(request, hold->lease_ms);
    add_flag(request, hold->flags, LESSON_STORE_HOLD_RENEW);
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
    case JOIN_FOR:
    case ADMIT:
    case ADMIT_IF:
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
    case SET_WITH:
        redis_request_add_id(request, operation->lesson_id);
        add_statuses(request, operation);
        if (kind == SET_WITH)
            add_capacity(request, operation);
        break;
    case HOLD:
        add_hold(request, operation);
        break;
    case BAN:
    case KICK:
        redis_request_add_id(request, operation->uid);
        redis_request_add_id(request, operation->lesson_id);
        add_time(request, operation->ban_ms);
        break;
    case CREATE_WITH:
        add_record(request, operation);
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
    static const char *const fields[] = {"course_id",         "lesson_id", "session",
                                         "session_lesson_id", "owner",     "joined_ms"};
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
    /* A hold names neither: its keys lie where all do. */
    bool is_of_user = operation->uid.data && operation->kind != LESSON_STORE_OPERATION_BAN;
    size_t size = is_of_user ? redis_key(key, store->settings.prefix, REDIS_USER, operation->uid)
                             : redis_key(key, store->settings.prefix, REDIS_RECORD, operation->lesson_id);
    return (lesson_store_id){key, size};
}

static const redis_script *script_for(const lesson_store_operation *operations, size_t count) {
    if (count == 1)
        return kinds[kind_of(operations)].script;
    enum kind first = kind_of(operations);
    size_t alike = 0;
    while (alike < count && kind_of(&operations[alike]) == first)
        alike++;
    if (alike == count && first == JOIN)
        return &redis_join_batch_script;
    return alike == count && first == JOIN_FOR ? &redis_join_for_batch_script : &redis_batch_script;
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

void redis_apply_begin_owners(redis_request *request, const redis_script *script, const char *prefix) {
    static const char *const names[] = {REDIS_OWNERS, REDIS_LEASES, REDIS_SWEEPS};
    redis_request_begin_script(request, script);
    redis_request_add_text(request, "3");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char key[REDIS_KEY_SIZE];
        redis_request_add(request, key, redis_key(key, prefix, names[i], (lesson_store_id){NULL, 0}));
    }
    redis_request_add_text(request, prefix);
}

void redis_apply_begin_hold(redis_request *request, const char *prefix, const lesson_store_operation *hold) {
    redis_apply_begin_owners(request, script_for(hold, 1), prefix);
    add_arguments(request, kind_of(hold), hold);
}

void redis_apply_read_wrong_type(redis_store *store, lesson_store_operation *operation) {
    lesson_store_id error = redis_reply_line(&store->reply);
    char key[REDIS_KEY_SIZE];
    key_of_command(store, operation, key);
    lesson_store_answer(operation, lesson_store_fail(LESSON_STORE_MALFORMED, "%s: %s: %.*s", store->settings.shown, key,
                                                     (int)error.size, error.data));
}
