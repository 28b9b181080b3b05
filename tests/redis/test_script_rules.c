/*
 * The rules for scripts (backends/redis/scripts/operations/README.md). Each script runs on a real server behind a stub
 * of redis.call that notes every command and its keys, and on request lets a command fail:
 *
 *   - No command names several keys where they lie apart; elsewhere only SMOVE and UNLINK do.
 *   - An operation touches every key that it uses before its first write.
 *   - If a command fails, nothing was changed, or the answer says that a part was.
 *   - An error that is not the operation's but the moment's is answered R, every other one F.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends/redis/failure.h"
#include "backends/redis/script.h"
#include "raw.h"

#define ARGUMENTS_MAX 16
#define CALLS_MAX 64

/* What the stub returns. */
struct trace {
    char *commands; /* one a line: r or w, the command, its keys */
    char answer[256];
    int calls;
};

static const char stub[] =
    "local fail_at, fails_on, err = tonumber(KEYS[1]), KEYS[2] == 'on', KEYS[3]\n"
    "local real, calls, log = redis, 0, {}\n"
    "local kinds = {HGET = 'r1', HMGET = 'r1', HLEN = 'r1', SCARD = 'r1', SISMEMBER = 'r1', SMEMBERS = 'r1',\n"
    "               SCAN = 'r0', ZSCAN = 'r1', HSET = 'w1', HDEL = 'w1', SADD = 'w1', SREM = 'w1', SMOVE = 'w2', DEL = "
    "'w*',\n"
    "               UNLINK = 'w*', TIME = 'r0', ZSCORE = 'r1', ZRANGEBYSCORE = 'r1', ZADD = 'w1', ZREM = 'w1'}\n"
    "local function run(command, ...)\n"
    "    local kind, keys = kinds[command], {...}\n"
    "    local count = kind:sub(2) == '*' and #keys or tonumber(kind:sub(2))\n"
    "    calls = calls + 1\n"
    "    log[calls] = kind:sub(1, 1) .. ' ' .. command .. ' ' .. table.concat(keys, ' ', 1, count)\n"
    "    if calls == fail_at or (fails_on and fail_at > 0 and calls > fail_at) then\n"
    "        return {err = err}\n"
    "    end\n"
    "    return real.pcall(command, ...)\n"
    "end\n"
    "local redis = {sha1hex = real.sha1hex, pcall = run}\n"
    "redis.call = function(...)\n"
    "    local reply = run(...)\n"
    "    if type(reply) == 'table' and reply.err then error(reply) end\n"
    "    return reply\n"
    "end\n"
    "local function body()\n";

static const char stub_end[] =
    "\nend\n"
    "local done, reply = pcall(body)\n"
    "if type(reply) == 'table' then reply = reply.err and 'E' .. reply.err or tostring(reply[1]) end\n"
    "return {table.concat(log, '\\n'), done and tostring(reply) or 'E' .. tostring(reply), calls}\n";

/* ---- The data that every run begins with */

static const char world[] =
    "local function user(uid, lesson, ...) redis.call('HSET', 'S:IN_LESSON:UID:' .. uid, 'course_id', 'C',\n"
    "    'lesson_id', lesson, ...) end\n"
    "local function lesson(id, ...) redis.call('HSET', 'S:LESSON_STATUS:LESSON_ID:' .. id, 'lesson_id', id,\n"
    "    'course_status', '1', 'chat_status', '0', ...) end\n"
    "local function members(id, ...) redis.call('SADD', 'S:LESSON_USER:LESSON_ID:' .. id, ...) end\n"
    "user('ann', 'L1', 'uid', 'ann') user('bob', 'L1', 'uid', 'bob') user('eve', 'L1', 'uid', 'eve')\n"
    "user('cid', 'L2', 'uid', 'cid', 'session', 's', 'session_lesson_id', 'L2') user('fay', 'L1')\n"
    "lesson('L1') lesson('L2') lesson('L4') lesson('L5', 'ending', 'mark')\n"
    "members('L1', 'ann', 'bob', 'fay', 'ghost') members('L2', 'cid', 'dan') members('L3', 'ghost')\n"
    "members('L5', 'ghost')\n"
    "lesson('L6', 'bans', '1') user('gil', 'L6', 'uid', 'gil') user('hal', 'L6', 'uid', 'hal') members('L6', 'gil')\n"
    "redis.call('ZADD', 'S:BANS:LESSON_ID:L6', 1, 'old', 9999999999999, 'ann')\n"
    "return 1";

static void make_world(raw_server *raw) {
    raw_do(raw, "FLUSHALL");
    assert_int_equal(raw_number(raw, "EVAL %s 0", world), 1);
}

/* ---- Running */

static size_t size_of(const char *const arguments[]) {
    size_t count = 0;
    while (arguments[count])
        count++;
    return count;
}

/* Runs a script behind the stub. Call number `fail_at` fails with this error (0: none does), and those behind it too if
 * `fails_on`. The caller frees the trace's commands. */
static struct trace run(raw_server *raw, const char *source, size_t source_size, const char *const arguments[],
                        int fail_at, bool fails_on, const char *error) {
    char *text = malloc(sizeof stub + source_size + sizeof stub_end), number[16];
    assert_non_null(text);
    size_t size = (size_t)sprintf(text, "%s%.*s%s", stub, (int)source_size, source, stub_end);
    snprintf(number, sizeof number, "%d", fail_at);
    const char *parts[6 + ARGUMENTS_MAX] = {"EVAL", text, "3", number, fails_on ? "on" : "off", error};
    size_t sizes[6 + ARGUMENTS_MAX], count = 6;
    for (size_t i = 0; i < size_of(arguments); i++)
        parts[count++] = arguments[i];
    for (size_t i = 0; i < count; i++)
        sizes[i] = i == 1 ? size : strlen(parts[i]);
    redisReply *reply = redisCommandArgv(raw->commands, (int)count, parts, sizes);
    assert_non_null(reply);
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 3)
        fail_msg("the script does not run: %s", reply->str ? reply->str : "");
    struct trace trace = {.commands = strdup(reply->element[0]->str), .calls = (int)reply->element[2]->integer};
    snprintf(trace.answer, sizeof trace.answer, "%s", reply->element[1]->str);
    assert_in_range(trace.calls, 0, CALLS_MAX - 1);
    freeReplyObject(reply);
    free(text);
    return trace;
}

/* ---- The rules. Each returns what is wrong, or NULL */

static const char *next_line(const char *line) {
    const char *end = strchr(line, '\n');
    return end ? end + 1 : NULL;
}

/* Returns the first key of a line, or the key behind this one; NULL if there is none. `*size` becomes its size. */
static const char *key_of(const char *line, const char *key, size_t *size) {
    const char *space = key ? key + *size : strpbrk(line + 2, " \n");
    if (!space || *space != ' ' || space[1] == '\n' || !space[1])
        return NULL;
    *size = strcspn(space + 1, " \n");
    return space + 1;
}

static bool names_key(const char *line, const char *key, size_t key_size) {
    size_t size = 0;
    for (const char *at = key_of(line, NULL, &size); at; at = key_of(line, at, &size)) {
        if (size == key_size && memcmp(at, key, key_size) == 0)
            return true;
    }
    return false;
}

static bool is_touched_before(const char *commands, const char *end, const char *key, size_t key_size) {
    for (const char *line = commands; line && line <= end; line = next_line(line)) {
        if (names_key(line, key, key_size))
            return true;
    }
    return false;
}

static const char *touches_late(const char *commands) {
    const char *written = NULL;
    for (const char *line = commands; line && *line; line = next_line(line)) {
        size_t size = 0;
        for (const char *key = written ? key_of(line, NULL, &size) : NULL; key; key = key_of(line, key, &size)) {
            if (!is_touched_before(commands, written, key, size))
                return "a key is first touched behind the first write";
        }
        if (!written && line[0] == 'w')
            written = line;
    }
    return NULL;
}

static const char *names_several(const char *commands, bool apart) {
    for (const char *line = commands; line && *line; line = next_line(line)) {
        size_t size = 0;
        const char *first = key_of(line, NULL, &size), *second = first ? key_of(line, first, &size) : NULL;
        bool is_allowed = strncmp(line, "w SMOVE ", 8) == 0 || strncmp(line, "w UNLINK ", 9) == 0;
        if (second && (apart || !is_allowed))
            return apart ? "a command names several keys where they lie apart" : "a command names several keys";
    }
    return NULL;
}

static const char *hides_change(const char *answer, bool changed) {
    bool denies = answer[0] == 'F' || answer[0] == 'R' || (answer[0] == 'E' && !strstr(answer, "PARTLY "));
    return denies && changed ? "an operation has failed and says that nothing was changed" : NULL;
}

/* ---- All rules for one script and its arguments */

struct subject {
    const char *name;
    const char *source;
    size_t size;
    const char *const *arguments;
    bool apart;
};

static char where[64]; /* what the latest wrong run was, for the message */

static const char *run_failing(raw_server *raw, const struct subject *subject, const char *before, int fail_at,
                               bool fails_on, const char *error, bool transient) {
    make_world(raw);
    struct trace trace = run(raw, subject->source, subject->size, subject->arguments, fail_at, fails_on, error);
    char *after = raw_dump(raw);
    const char *wrong = hides_change(trace.answer, strcmp(before, after) != 0);
    if (trace.answer[0] == (transient ? 'F' : 'R'))
        wrong = transient ? "an error of the moment is answered F" : "a lasting error is answered R";
    snprintf(where, sizeof where, "call %d%s, %.20s", fail_at, fails_on ? " and all behind it" : "", error);
    free(after);
    free(trace.commands);
    return wrong;
}

static const char *look_for_wrong(raw_server *raw, const struct subject *subject) {
    static const char *const errors[] = {"ERR injected", "READONLY injected"};
    make_world(raw);
    char *before = raw_dump(raw);
    struct trace trace = run(raw, subject->source, subject->size, subject->arguments, 0, false, "");
    const char *wrong = names_several(trace.commands, subject->apart);
    where[0] = '\0';
    if (!wrong)
        wrong = touches_late(trace.commands);
    for (int i = 1; i <= trace.calls && !wrong; i++) {
        for (int way = 0; way < 4 && !wrong; way++)
            wrong = run_failing(raw, subject, before, i, way % 2 > 0, errors[way / 2], way / 2 > 0);
    }
    free(trace.commands);
    free(before);
    return wrong;
}

static void assert_right(raw_server *raw, const char *name, const redis_script *script, const char *const arguments[]) {
    for (int apart = 0; apart < 2; apart++) {
        const redis_script *variant = apart && script->apart ? script->apart : script;
        const struct subject subject = {name, variant->source, variant->size, arguments, apart};
        const char *wrong = look_for_wrong(raw, &subject);
        if (wrong)
            fail_msg("%s%s of %s with %s last: %s (%s)", name, apart ? " (apart)" : "", arguments[1],
                     arguments[size_of(arguments) - 1], wrong, where);
    }
}

/* ---- The operations, by themselves and in batches */

static const struct {
    const char *kind;
    const redis_script *script;
    const char *arguments[ARGUMENTS_MAX];
} operations[] = {
    {"join", &redis_join_script, {"dan", "C", "L4"}},
    {"join", &redis_join_script, {"dan", "C", "L9"}},
    {"join", &redis_join_script, {"ann", "C", "L1"}},
    {"join", &redis_join_script, {"ann", "C", "L2"}},
    {"join", &redis_join_script, {"ann", "C", "L9"}},
    {"join", &redis_join_script, {"eve", "C", "L2"}},
    {"join", &redis_join_script, {"cid", "C", "L1"}},
    {"join", &redis_join_script, {"fay", "C", "L2"}},
    {"join_from", &redis_join_from_script, {"ann", "C", "L2"}},
    {"join_from", &redis_join_from_script, {"dan", "C", "L1"}},
    {"join_from", &redis_join_from_script, {"cid", "C", "L1"}},
    {"admit", &redis_admit_script, {"ann", "C", "L2", "s", "1", "1", ""}},
    {"admit", &redis_admit_script, {"cid", "C", "L1", "", "", "", ""}},
    {"admit", &redis_admit_script, {"dan", "C", "L9", "", "1", "", ""}},
    {"admit", &redis_admit_script, {"dan", "C", "L3", "s", "", "1", ""}},
    {"admit", &redis_admit_script, {"ann", "C", "L2", "", "", "", "1"}},
    {"quit", &redis_quit_script, {"ann"}},
    {"quit", &redis_quit_script, {"dan"}},
    {"quit", &redis_quit_script, {"eve"}},
    {"leave", &redis_leave_script, {"ann", "L1", ""}},
    {"leave", &redis_leave_script, {"ann", "L2", ""}},
    {"leave", &redis_leave_script, {"cid", "", "s"}},
    {"where", &redis_where_script, {"ann"}},
    {"create", &redis_create_script, {"L1"}},
    {"create", &redis_create_script, {"L3"}},
    {"reset", &redis_reset_script, {"L1"}},
    {"set", &redis_set_script, {"L1", "2", "1", "1", ""}},
    {"set", &redis_set_script, {"L1", "2", "", "3", ""}},
    {"set", &redis_set_script, {"L3", "2", "", "", ""}},
    {"get", &redis_get_script, {"L1"}},
    {"count", &redis_count_script, {"L1"}},
    {"end_lesson", &redis_end_lesson_script, {"L1", "1000"}},
    {"end_lesson", &redis_end_lesson_script, {"L1", "2"}},
    {"end_lesson", &redis_end_lesson_script, {"L3", "1000"}},
    {"end_lesson", &redis_end_lesson_script, {"L9", "1000"}},
    {"end_record", &redis_end_record_script, {"L1"}},
    {"end_lesson", &redis_end_lesson_script, {"L6", "1000"}},
    {"end_record", &redis_end_record_script, {"L6"}},
    {"ban", &redis_ban_script, {"ann", "L1", "1000"}},
    {"ban", &redis_ban_script, {"ann", "L6", "1000"}},
    {"ban", &redis_ban_script, {"bob", "L6", "1000"}},
    {"ban", &redis_ban_script, {"ann", "L6", "0"}},
    {"ban", &redis_ban_script, {"ann", "L1", "0"}},
    {"ban", &redis_ban_script, {"ann", "L9", "1000"}},
    {"kick", &redis_kick_script, {"ann", "L1", "1000"}},
    {"kick", &redis_kick_script, {"ann", "L6", "1000"}},
    {"kick", &redis_kick_script, {"gil", "L6", "1000"}},
    {"kick", &redis_kick_script, {"hal", "L6", "1000"}},
    {"admit_if", &redis_admit_if_script, {"ann", "C", "L6", "", "", "", "", "", "", "", "", "1"}},
    {"admit_if", &redis_admit_if_script, {"bob", "C", "L6", "s", "", "", "", "", "", "", "", "1"}},
};

static void operations_keep_the_rules(void **state) {
    for (size_t i = 0; i < sizeof operations / sizeof *operations; i++) {
        const char *alone[ARGUMENTS_MAX] = {"S"}, *in_batch[ARGUMENTS_MAX] = {"S", operations[i].kind};
        for (size_t j = 0; operations[i].arguments[j]; j++)
            alone[1 + j] = in_batch[2 + j] = operations[i].arguments[j];
        assert_right(*state, operations[i].kind, operations[i].script, alone);
        assert_right(*state, "batch", &redis_batch_script, in_batch);
        if (operations[i].script == &redis_join_script)
            assert_right(*state, "join_batch", &redis_join_batch_script, alone);
    }
}

static void steps_of_an_end_keep_the_rules(void **state) {
    static const char *const steps[][ARGUMENTS_MAX] = {
        {"S", "L1", "500", "m", "", "", "ann", "bob"},
        {"S", "L1", "1", "m", "", "", "ann", "bob"},
        {"S", "L1", "1", "m", "", "1", "ann", "bob"},
        {"S", "L5", "0", "m", "mark", "", "ghost"},
        {"S", "L5", "0", "m", "other", "", "ghost"},
        {"S", "L3", "0", "m", "", "", "ghost"},
        {"S", "L3", "0", "m", "", "1"},
        {"S", "L2", "0", "m", "", "", "dan"},
        {"S", "L1", "1", "m", "", "", "ann", "ghost"},
        {"S", "L6", "500", "m", "", "", "gil"},
        {"S", "L6", "0", "m", "", "", "gil"},
        {"S", "L6", "0", "m", "", "1", "gil"},
    };
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
        assert_right(*state, "end_step", &redis_end_step_script, steps[i]);
}

/* A step of a check consists of repairs, each of which is whole by itself, so only the rule for keys applies. */
static void lists_and_checks_name_one_key_at_a_time(void **state) {
    static const struct {
        const redis_script *script;
        const char *arguments[ARGUMENTS_MAX];
    } others[] = {
        {&redis_members_script, {"S", "L1", "100"}},
        {&redis_lessons_script, {"S", "0", "100"}},
        {&redis_users_script, {"S", "0", "100"}},
        {&redis_bans_script, {"S", "L6", "0", "100"}},
        {&redis_check_keys_script, {"S", "1", "1", "0", "100"}},
        {&redis_check_members_script, {"S", "1", "1", "100", "L1", "L2", "L3"}},
        {&redis_check_uids_script, {"S", "1", "1", "L1", "ann", "ghost"}},
    };
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        make_world(*state);
        assert_null(others[i].script->apart);
        struct trace trace =
            run(*state, others[i].script->source, others[i].script->size, others[i].arguments, 0, false, "");
        assert_null(names_several(trace.commands, true));
        free(trace.commands);
    }
}

/* ---- The same list of errors in failure.lua and failure.c */

static void errors_of_the_moment_are_the_same_in_both_languages(void **state) {
    static const struct {
        const char *error;
        bool is_transient;
    } errors[] = {
        {"READONLY You can't write against a read only replica.", true},
        {"MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist", true},
        {"LOADING Redis is loading the dataset in memory", true},
        {"MASTERDOWN Link with MASTER is down", true},
        {"NOREPLICAS Not enough good replicas to write.", true},
        {"CLUSTERDOWN Hash slot not served", true},
        {"TRYAGAIN Multiple keys request during rehashing of slot", true},
        {"MOVED 8455 127.0.0.1:7000", true},
        {"ASK 8455 127.0.0.1:7000", true},
        {"ERR Script attempted to access a non local key in a cluster node", true},
        {"@user_script: 12: Lua script attempted to access a non local key in a cluster node", true},
        {"ERR Script attempted to execute a command while the cluster is down", true},
        {"ERR Script attempted to execute a write command while the cluster is down and readonly", true},
        {"WRONGTYPE Operation against a key holding the wrong kind of value", false},
        {"OOM command not allowed when used memory > 'maxmemory'.", false},
        {"NOPERM this user has no permissions", false},
        {"ERR ACL failure in script: no permissions", false},
        {"CROSSSLOT Keys in request don't hash to the same slot", false},
        {"ERR ASK me", false},
        {"ERR something new", false},
    };
    const char *const arguments[] = {"S", "ann", NULL};
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        make_world(*state);
        struct trace trace =
            run(*state, redis_quit_script.source, redis_quit_script.size, arguments, 1, false, errors[i].error);
        if (trace.answer[0] != (errors[i].is_transient ? 'R' : 'F'))
            fail_msg("%s is answered %s", errors[i].error, trace.answer);
        if (redis_failure_is_transient(lesson_store_id_of(errors[i].error)) != errors[i].is_transient)
            fail_msg("failure.c differs from failure.lua: %s", errors[i].error);
        free(trace.commands);
    }
}

/* A script that has written a part must not be sent again. */
static void what_was_partly_done_is_not_transient(void **state) {
    (void)state;
    assert_false(redis_failure_is_transient(lesson_store_id_of("PARTLY READONLY injected")));
    assert_false(redis_failure_is_transient(
        lesson_store_id_of("PARTLY ERR Script attempted to access a non local key in a cluster node")));
}

/* A batch ends at an operation that is refused for now, and goes on behind one that fails. */
static void a_refusal_ends_the_batch(void **state) {
    const char *const joins[] = {"S", "ann", "C", "L2", "bob", "C", "L2", NULL};
    const char *const mixed[] = {"S", "quit", "ann", "quit", "bob", NULL};
    raw_server *raw = *state;
    const struct {
        const redis_script *script;
        const char *const *arguments;
        const char *error;
        bool ends;
    } runs[] = {
        {&redis_join_batch_script, joins, "READONLY injected", true},
        {&redis_batch_script, mixed, "READONLY injected", true},
        {&redis_join_batch_script, joins, "ERR injected", false},
        {&redis_batch_script, mixed, "ERR injected", false},
    };
    for (size_t i = 0; i < sizeof runs / sizeof *runs; i++) {
        make_world(raw);
        struct trace trace =
            run(raw, runs[i].script->source, runs[i].script->size, runs[i].arguments, 1, false, runs[i].error);
        assert_int_equal(trace.answer[0], runs[i].ends ? 'R' : 'F');
        assert_int_equal(trace.calls == 1, runs[i].ends);
        free(trace.commands);
    }
}

/* ---- Wrong scripts, which must be caught */

static void assert_caught(raw_server *raw, const char *source, const char *expected) {
    const char *const arguments[] = {"S", NULL};
    const struct subject subject = {"wrong", source, strlen(source), arguments, false};
    const char *wrong = look_for_wrong(raw, &subject);
    if (!wrong || !strstr(wrong, expected))
        fail_msg("%s: caught as %s", source, wrong ? wrong : "nothing");
}

static void wrong_scripts_are_caught(void **state) {
    raw_server *raw = *state;
    assert_caught(raw, "redis.call('SADD', 'S:m', 'x') redis.call('HSET', 'S:u', 'a', 'b') return 'O'",
                  "behind the first write");
    assert_caught(raw,
                  "redis.call('HLEN', 'S:u') redis.call('SADD', 'S:m', 'x') redis.call('HSET', 'S:u', 'a', 'b')\n"
                  "redis.call('HLEN', 'S:m:x') return 'O'",
                  "behind the first write");
    assert_caught(raw, "redis.call('DEL', 'S:m', 'S:u') return 'O'", "names several keys");
    assert_caught(raw,
                  "redis.call('HLEN', 'S:u') redis.pcall('SADD', 'S:m', 'x')\n"
                  "local done = redis.pcall('HSET', 'S:u', 'a', 'b')\n"
                  "return type(done) == 'table' and (done.err:find('READONLY') and 'R' or 'F') .. done.err or 'O'",
                  "says that nothing was changed");
    assert_caught(raw,
                  "local done = redis.pcall('HSET', 'S:u', 'a', 'b')\n"
                  "return type(done) == 'table' and 'F' .. done.err or 'O'",
                  "an error of the moment is answered F");
    assert_caught(raw,
                  "local done = redis.pcall('HSET', 'S:u', 'a', 'b')\n"
                  "return type(done) == 'table' and 'R' .. done.err or 'O'",
                  "a lasting error is answered R");
    const char *const move[] = {"S", "ann", "C", "L2", NULL}, *const end[] = {"S", "L1", "1000", NULL};
    const struct subject together[] = {
        {"join", redis_join_script.source, redis_join_script.size, move, true},
        {"end", redis_end_lesson_script.source, redis_end_lesson_script.size, end, true}};
    for (size_t i = 0; i < 2; i++)
        assert_string_equal(look_for_wrong(raw, &together[i]), "a command names several keys where they lie apart");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(operations_keep_the_rules),
        cmocka_unit_test(steps_of_an_end_keep_the_rules),
        cmocka_unit_test(lists_and_checks_name_one_key_at_a_time),
        cmocka_unit_test(errors_of_the_moment_are_the_same_in_both_languages),
        cmocka_unit_test(what_was_partly_done_is_not_transient),
        cmocka_unit_test(a_refusal_ends_the_batch),
        cmocka_unit_test(wrong_scripts_are_caught),
    };
    return cmocka_run_group_tests(tests, raw_start, raw_stop);
}
