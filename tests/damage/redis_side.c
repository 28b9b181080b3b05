/* Redis: the keys of the default prefix, through raw commands. */
#include <hiredis/hiredis.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmocka_all.h"
#include "side.h"

#define USER "STATUS:IN_LESSON:UID:"
#define RECORD "STATUS:LESSON_STATUS:LESSON_ID:"
#define MEMBERS "STATUS:LESSON_USER:LESSON_ID:"
#define BANS "STATUS:BANS:LESSON_ID:"

static const lesson_store_id any = {NULL, 0};
static redisContext *commands; /* one for the process, because a test has one engine */

static lesson_store_id word(const char *text) {
    return lesson_store_id_of(text);
}

/* ---- Commands */

static void redis_connect(void) {
    commands = redisConnectUnix(strchr(getenv("LESSONSTORE_TEST_REDIS"), '/') + 2);
    assert_non_null(commands);
    assert_string_equal(commands->errstr, "");
}

static void redis_disconnect(void) {
    redisFree(commands);
    commands = NULL;
}

/* Makes a key of a front and a name. It stays valid until three more were made. */
static lesson_store_id key_of(const char *front, lesson_store_id name) {
    static char keys[4][512];
    static unsigned next;
    char *key = keys[next++ % 4];
    size_t size = strlen(front);
    memcpy(key, front, size);
    if (name.size)
        memcpy(key + size, name.data, name.size);
    return bytes_of(key, size + name.size);
}

/* Runs a command of these words, ended by one without data. A command that the server refuses, for example on a key of
 * another type, does nothing. */
static void command(lesson_store_id first, ...) {
    const char *texts[12];
    size_t sizes[12];
    int count = 0;
    va_list list;
    va_start(list, first);
    for (lesson_store_id next = first; next.data; next = va_arg(list, lesson_store_id), count++) {
        texts[count] = next.data;
        sizes[count] = next.size;
    }
    va_end(list);
    redisReply *reply = redisCommandArgv(commands, count, texts, sizes);
    assert_non_null(reply);
    freeReplyObject(reply);
}

static facts redis_read(void) {
    static const char script[] =
        "local out = {}\n"
        "local function add(...) for _, part in ipairs({...}) do out[#out + 1] = part end end\n"
        "for _, key in ipairs(redis.call('KEYS', '*')) do\n"
        "    local kind = redis.call('TYPE', key).ok\n"
        "    if kind == 'hash' then\n"
        "        local hash = redis.call('HGETALL', key)\n"
        "        for i = 1, #hash, 2 do add(key, kind, hash[i], hash[i + 1]) end\n"
        "    elseif kind == 'set' then\n"
        "        for _, member in ipairs(redis.call('SMEMBERS', key)) do add(key, kind, member, '') end\n"
        "    elseif kind == 'zset' then\n"
        "        local zset = redis.call('ZRANGE', key, 0, -1, 'WITHSCORES')\n"
        "        for i = 1, #zset, 2 do add(key, kind, zset[i], zset[i + 1]) end\n"
        "    else add(key, kind, '', redis.call('DUMP', key)) end\n"
        "end\n"
        "return out";
    facts state = {NULL, 0, 0};
    redisReply *reply = redisCommand(commands, "EVAL %s 0", script);
    assert_non_null(reply);
    assert_int_equal(reply->type, REDIS_REPLY_ARRAY);
    for (size_t i = 0; i < reply->elements; i += FACT_PARTS) {
        lesson_store_id parts[FACT_PARTS];
        for (size_t j = 0; j < FACT_PARTS; j++)
            parts[j] = bytes_of(reply->element[i + j]->str, reply->element[i + j]->len);
        facts_add(&state, parts[0], parts[1], parts[2], parts[3]);
    }
    freeReplyObject(reply);
    facts_sort(&state);
    return state;
}

/* ---- Damage */

static lesson_store_id draw_key(dice_state *dice) {
    switch (dice_below(dice, 3)) {
    case 0:
        return key_of(USER, side_draw_uid(dice));
    case 1:
        return key_of(RECORD, side_draw_lesson(dice));
    default:
        return key_of(MEMBERS, side_draw_lesson(dice));
    }
}

static const char *damage_members(dice_state *dice) {
    bool adds = !dice_once_in(dice, 3);
    lesson_store_id uid = side_draw_uid(dice);
    command(word(adds ? "SADD" : "SREM"), key_of(MEMBERS, side_draw_lesson(dice)), uid, any);
    return adds ? "SADD of a uid" : "SREM of a uid";
}

static const char *damage_user_field(dice_state *dice) {
    static const char *const fields[] = {"uid", "course_id", "lesson_id", "session", "session_lesson_id", "else"};
    lesson_store_id field = word(fields[dice_below(dice, 6)]);
    lesson_store_id key = key_of(USER, side_draw_uid(dice));
    if (dice_once_in(dice, 2)) {
        command(word("HDEL"), key, field, any);
        return "HDEL of a user's field";
    }
    command(word("HSET"), key, field, side_draw_lesson(dice), any);
    return "HSET of a user's field";
}

static const char *damage_session(dice_state *dice) {
    lesson_store_id lesson = side_draw_lesson(dice), session = side_draw_wrong(dice);
    command(word("HSET"), key_of(USER, side_draw_uid(dice)), word("lesson_id"), lesson, word("session"), session,
            word("session_lesson_id"), lesson, any);
    return "a session that is no id";
}

static const char *damage_legacy_join(dice_state *dice) {
    lesson_store_id uid = side_draw_uid(dice);
    command(word("HSET"), key_of(USER, uid), word("uid"), uid, word("course_id"), word("C"), word("lesson_id"),
            side_draw_lesson(dice), any);
    return "a user record that names another lesson";
}

static const char *damage_lesson_field(dice_state *dice) {
    static const char *const fields[] = {"lesson_id", "course_status", "chat_status", "ending", "else"};
    static const char *const values[] = {"0", "1", "3", "4", "-1", "03", "", "on", "1\n"};
    lesson_store_id field = word(fields[dice_below(dice, 5)]);
    lesson_store_id key = key_of(RECORD, side_draw_lesson(dice));
    if (dice_once_in(dice, 2)) {
        command(word("HDEL"), key, field, any);
        return "HDEL of a lesson's field";
    }
    command(word("HSET"), key, field, word(values[dice_below(dice, 9)]), any);
    return "HSET of a lesson's field";
}

static const char *damage_key(dice_state *dice) {
    command(word("DEL"), draw_key(dice), any);
    return "DEL of a key";
}

static const char *damage_type(dice_state *dice) {
    lesson_store_id key = draw_key(dice);
    command(word("DEL"), key, any);
    switch (dice_below(dice, 4)) {
    case 0:
        command(word("SET"), key, word("text"), any);
        break;
    case 1:
        command(word("RPUSH"), key, word("a"), word("b"), any);
        break;
    case 2:
        command(word("SADD"), key, side_draw_uid(dice), any);
        break;
    default:
        command(word("HSET"), key, word("lesson_id"), side_draw_lesson(dice), any);
    }
    return "a key of another type";
}

static const char *damage_nearby(dice_state *dice) {
    static const char *const keys[] = {"STATUS:OTHER:x", "STATUS:IN_LESSON:", "STATUS", "STATUSES:IN_LESSON:UID:ann",
                                       "X:STATUS:IN_LESSON:UID:ann"};
    command(word("HSET"), word(keys[dice_below(dice, 5)]), word("lesson_id"), side_draw_lesson(dice), any);
    return "a foreign key";
}

static const char *damage_bans(dice_state *dice) {
    lesson_store_id lesson = side_draw_lesson(dice);
    switch (dice_below(dice, 4)) {
    case 0:
        command(word("ZADD"), key_of(BANS, lesson), word("9999999999999"), side_draw_uid(dice), any);
        return "ZADD of a ban";
    case 1:
        command(word("SET"), key_of(BANS, lesson), word("text"), any);
        return "bans of another type";
    case 2:
        command(word("HSET"), key_of(RECORD, lesson), word("bans"), word("1"), any);
        return "HSET of the mark of bans";
    default:
        command(word("HDEL"), key_of(RECORD, lesson), word("bans"), any);
        return "HDEL of the mark of bans";
    }
}

static const char *redis_damage(dice_state *dice) {
    static const char *(*const kinds[])(dice_state *) = {
        damage_members,     damage_members,      damage_members, damage_user_field, damage_user_field, damage_session,
        damage_legacy_join, damage_lesson_field, damage_key,     damage_type,       damage_nearby,     damage_bans};
    return kinds[dice_below(dice, sizeof kinds / sizeof *kinds)](dice);
}

/* ---- The expected findings, as lessonstore.h and docs/stored-form.md define them */

typedef struct judgement {
    const facts *state;
    bool ended;
    facts *findings;
    facts *target;
    facts additions; /* to the target, which must stay sorted meanwhile */
} judgement;

static bool is_id(lesson_store_id bytes) {
    return lesson_store_id_check("", bytes) == LESSON_STORE_OK;
}

static bool after(const char *front, lesson_store_id key, lesson_store_id *rest) {
    size_t size = strlen(front);
    if (key.size < size || memcmp(key.data, front, size) != 0)
        return false;
    *rest = bytes_of(key.data + size, key.size - size);
    return true;
}

/* Returns the value of a field, or an id without data. */
static lesson_store_id field_of(const facts *state, lesson_store_id key, const char *field) {
    const fact *found = facts_find(state, key, word("hash"), word(field));
    return found ? found->parts[FACT_VALUE] : any;
}

static bool is_of_kind(const facts *state, lesson_store_id key, const char *kind) {
    const fact *found = facts_find(state, key, any, any);
    return found && bytes_are(found->parts[FACT_KIND], kind);
}

static bool exists(const facts *state, lesson_store_id key) {
    return facts_find(state, key, any, any) != NULL;
}

static bool is_member(const facts *state, lesson_store_id lesson, lesson_store_id uid) {
    return facts_find(state, key_of(MEMBERS, lesson), word("set"), uid) != NULL;
}

static void find(const judgement *verdict, int kind, lesson_store_id lesson, lesson_store_id uid, bool repairable) {
    side_find(verdict->findings, kind, lesson, uid, repairable);
}

static void judge_place(judgement *verdict, lesson_store_id key, lesson_store_id uid, lesson_store_id lesson) {
    lesson_store_id members = key_of(MEMBERS, lesson);
    if (exists(verdict->state, members) && !is_of_kind(verdict->state, members, "set"))
        return;
    if (verdict->ended && !exists(verdict->state, key_of(RECORD, lesson))) {
        find(verdict, LESSON_STORE_FINDING_ENDED_LESSON, lesson, uid, true);
        facts_drop(verdict->target, key, any, any);
        facts_drop(verdict->target, members, word("set"), uid);
    } else if (!is_member(verdict->state, lesson, uid)) {
        find(verdict, LESSON_STORE_FINDING_MISSING_MEMBER, lesson, uid, true);
        facts_add(&verdict->additions, members, word("set"), uid, any);
    }
}

static bool judge_lesson_of(judgement *verdict, lesson_store_id key, lesson_store_id uid, lesson_store_id lesson) {
    if (!is_id(uid))
        find(verdict, LESSON_STORE_FINDING_MALFORMED, any, any, false);
    else if (!is_of_kind(verdict->state, key, "hash"))
        find(verdict, LESSON_STORE_FINDING_MALFORMED, any, uid, false);
    else if (!lesson.data) {
        find(verdict, LESSON_STORE_FINDING_INCOMPLETE_USER, any, uid, true);
        facts_drop(verdict->target, key, any, any);
    } else if (!is_id(lesson))
        find(verdict, LESSON_STORE_FINDING_MALFORMED, any, uid, false);
    else
        return true;
    return false;
}

static void judge_user(judgement *verdict, lesson_store_id key, lesson_store_id uid) {
    lesson_store_id lesson = field_of(verdict->state, key, "lesson_id");
    if (!judge_lesson_of(verdict, key, uid, lesson))
        return;
    lesson_store_id stored_uid = field_of(verdict->state, key, "uid");
    lesson_store_id course = field_of(verdict->state, key, "course_id");
    lesson_store_id session = field_of(verdict->state, key, "session");
    lesson_store_id session_lesson = field_of(verdict->state, key, "session_lesson_id");
    /* First, so that an end which removes the record also removes this. */
    if (!stored_uid.data) {
        find(verdict, LESSON_STORE_FINDING_INCOMPLETE_USER, lesson, uid, true);
        if (!verdict->ended || exists(verdict->state, key_of(RECORD, lesson)) ||
            (exists(verdict->state, key_of(MEMBERS, lesson)) &&
             !is_of_kind(verdict->state, key_of(MEMBERS, lesson), "set")))
            facts_add(&verdict->additions, key, word("hash"), word("uid"), uid);
    } else if (!bytes_equal(stored_uid, uid))
        find(verdict, LESSON_STORE_FINDING_MALFORMED, lesson, uid, false);
    if (!course.data)
        find(verdict, LESSON_STORE_FINDING_INCOMPLETE_USER, lesson, uid, false);
    else if (!is_id(course))
        find(verdict, LESSON_STORE_FINDING_MALFORMED, lesson, uid, false);
    if (session.size > 0 && session_lesson.data && bytes_equal(session_lesson, lesson) && !is_id(session))
        find(verdict, LESSON_STORE_FINDING_MALFORMED, lesson, uid, false);
    judge_place(verdict, key, uid, lesson);
}

static bool is_status(lesson_store_id value, char most) {
    return value.size == 1 && *value.data >= '0' && *value.data <= most;
}

static void judge_record(judgement *verdict, lesson_store_id key, lesson_store_id lesson) {
    if (!is_id(lesson) || !is_of_kind(verdict->state, key, "hash")) {
        find(verdict, LESSON_STORE_FINDING_MALFORMED, is_id(lesson) ? lesson : any, any, false);
        return;
    }
    lesson_store_id bans = key_of(BANS, lesson);
    if (field_of(verdict->state, key, "bans").data && exists(verdict->state, bans) &&
        !is_of_kind(verdict->state, bans, "zset"))
        find(verdict, LESSON_STORE_FINDING_MALFORMED, lesson, any, false);
    const char *const fields[] = {"lesson_id", "course_status", "chat_status"};
    const lesson_store_id fresh[] = {lesson, word("3"), word("0")};
    bool incomplete = false;
    for (int i = 0; i < 3; i++) {
        lesson_store_id value = field_of(verdict->state, key, fields[i]);
        bool sound = i == 0 ? bytes_equal(value, lesson) : is_status(value, i == 1 ? '3' : '1');
        if (value.data && !sound)
            find(verdict, LESSON_STORE_FINDING_MALFORMED, lesson, any, false);
        if (!value.data)
            facts_add(&verdict->additions, key, word("hash"), word(fields[i]), fresh[i]);
        incomplete |= !value.data;
    }
    if (incomplete)
        find(verdict, LESSON_STORE_FINDING_INCOMPLETE_LESSON, lesson, any, true);
}

/* They are of a record that has the mark. */
static void judge_bans(judgement *verdict, lesson_store_id key, lesson_store_id lesson) {
    lesson_store_id record = key_of(RECORD, lesson);
    if (!is_id(lesson)) {
        find(verdict, LESSON_STORE_FINDING_MALFORMED, any, any, false);
        return;
    }
    if (exists(verdict->state, record) &&
        (!is_of_kind(verdict->state, record, "hash") || field_of(verdict->state, record, "bans").data))
        return;
    find(verdict, LESSON_STORE_FINDING_STALE_BANS, lesson, any, true);
    facts_drop(verdict->target, key, any, any);
}

static void judge_member(judgement *verdict, const fact *member, lesson_store_id lesson) {
    lesson_store_id uid = member->parts[FACT_FIELD];
    lesson_store_id user = key_of(USER, uid);
    if (!is_id(uid))
        find(verdict, LESSON_STORE_FINDING_MALFORMED, lesson, any, false);
    else if (exists(verdict->state, user) && !is_of_kind(verdict->state, user, "hash"))
        return;
    else {
        lesson_store_id named = field_of(verdict->state, user, "lesson_id");
        if (named.data && bytes_equal(named, lesson))
            return;
        find(verdict, LESSON_STORE_FINDING_GHOST_MEMBER, lesson, uid, true);
        facts_drop(verdict->target, member->parts[FACT_KEY], word("set"), uid);
    }
}

static void judge_key(judgement *verdict, const fact *first) {
    lesson_store_id rest, key = first->parts[FACT_KEY];
    if (after(USER, key, &rest))
        judge_user(verdict, key, rest);
    else if (after(RECORD, key, &rest))
        judge_record(verdict, key, rest);
    else if (after(BANS, key, &rest))
        judge_bans(verdict, key, rest);
    else if (after(MEMBERS, key, &rest) && (!is_id(rest) || !is_of_kind(verdict->state, key, "set")))
        find(verdict, LESSON_STORE_FINDING_MALFORMED, is_id(rest) ? rest : any, any, false);
}

static void redis_judge(const facts *state, bool ended, facts *findings, facts *target) {
    *target = facts_copy(state);
    judgement verdict = {state, ended, findings, target, {NULL, 0, 0}};
    for (size_t i = 0; i < state->count; i++) {
        const fact *one = &state->items[i];
        lesson_store_id lesson;
        if (i == 0 || !bytes_equal(one->parts[FACT_KEY], state->items[i - 1].parts[FACT_KEY]))
            judge_key(&verdict, one);
        if (after(MEMBERS, one->parts[FACT_KEY], &lesson) && is_id(lesson) && bytes_are(one->parts[FACT_KIND], "set"))
            judge_member(&verdict, one, lesson);
    }
    for (size_t i = 0; i < verdict.additions.count; i++) {
        const lesson_store_id *parts = verdict.additions.items[i].parts;
        facts_add(target, parts[0], parts[1], parts[2], parts[3]);
    }
    facts_free(&verdict.additions);
    facts_sort(findings);
    facts_sort(target);
}

static facts redis_keep(const facts *state, bool ended) {
    facts kept = {NULL, 0, 0};
    for (size_t i = 0; i < state->count; i++) {
        const lesson_store_id *parts = state->items[i].parts;
        lesson_store_id uid, lesson = parts[FACT_VALUE];
        if (!after(USER, parts[FACT_KEY], &uid) || !bytes_are(parts[FACT_KIND], "hash") ||
            !bytes_are(parts[FACT_FIELD], "lesson_id") || (ended && !exists(state, key_of(RECORD, lesson))))
            continue;
        facts_add(&kept, parts[0], parts[1], parts[2], parts[3]);
        if (is_member(state, lesson, uid))
            facts_add(&kept, key_of(MEMBERS, lesson), word("set"), uid, any);
    }
    facts_sort(&kept);
    return kept;
}

/* ---- Damage during traffic */

static void redis_add_ghost(const char *uid, const char *lesson_id) {
    command(word("SADD"), key_of(MEMBERS, word(lesson_id)), word(uid), any);
}

static void redis_add_missing(const char *uid, const char *lesson_id) {
    command(word("HSET"), key_of(USER, word(uid)), word("uid"), word(uid), word("course_id"), word("C"),
            word("lesson_id"), word(lesson_id), any);
}

static void redis_remove_member(const char *uid, const char *lesson_id) {
    command(word("SREM"), key_of(MEMBERS, word(lesson_id)), word(uid), any);
}

static void redis_remove_kept(const facts *kept) {
    for (size_t i = 0; i < kept->count; i++) {
        const lesson_store_id *parts = kept->items[i].parts;
        if (!bytes_are(parts[FACT_KIND], "set"))
            continue;
        command(word("SREM"), parts[FACT_KEY], parts[FACT_FIELD], any);
        return;
    }
}

const side redis_side = {redis_connect, redis_disconnect, redis_read,        redis_damage,        redis_judge,
                         redis_keep,    redis_add_ghost,  redis_add_missing, redis_remove_member, redis_remove_kept};
