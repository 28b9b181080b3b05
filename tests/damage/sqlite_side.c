/*
 * SQLite: the b-trees of the tables and of the index of members. Each has its own name without constraints (SQLite's
 * "imposter tables"), so that each can be read and damaged alone: loose_users, loose_lessons, and entries.
 *
 * A value is written as a letter for its type and its bytes, so that 1 and '1' differ.
 */
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "cmocka_all.h"
#include "engine.h"
#include "side.h"

static const lesson_store_id any = {NULL, 0};
static sqlite3 *database; /* one for the process, because a test has one engine */

static const char *path_of_database(void) {
    return strchr(engine_location(), ':') + 1;
}

static lesson_store_id word(const char *text) {
    return lesson_store_id_of(text);
}

/* ---- SQL */

static void execute(const char *text) {
    char *problem = NULL;
    if (sqlite3_exec(database, text, NULL, NULL, &problem) != SQLITE_OK)
        fail_msg("%s: %s", text, problem);
}

static void sqlite_disconnect(void);
static void sqlite_connect(void);

/* A connection forgets its imposter tables if its first writing statement is rolled back, for example because it is
 * refused. */
static sqlite3_stmt *prepare(const char *text) {
    sqlite3_stmt *statement;
    if (sqlite3_prepare_v2(database, text, -1, &statement, NULL) == SQLITE_OK)
        return statement;
    sqlite_disconnect();
    sqlite_connect();
    if (sqlite3_prepare_v2(database, text, -1, &statement, NULL) != SQLITE_OK)
        fail_msg("%s: %s", text, sqlite3_errmsg(database));
    return statement;
}

/* Runs it with these values, each with the letter of its type. A statement that is refused, by a constraint or because
 * of earlier damage, does nothing. */
static void run(const char *text, const lesson_store_id *values, int count) {
    sqlite3_stmt *statement = prepare(text);
    for (int i = 0; i < count; i++) {
        const char *data = values[i].data + 1;
        int size = (int)values[i].size - 1;
        switch (*values[i].data) {
        case 't':
            sqlite3_bind_text(statement, i + 1, data, size, SQLITE_TRANSIENT);
            break;
        case 'b':
            sqlite3_bind_blob(statement, i + 1, data, size, SQLITE_TRANSIENT);
            break;
        case 'i':
            sqlite3_bind_int(statement, i + 1, data[0] == '-' ? -1 : data[0] - '0');
            break;
        default:
            sqlite3_bind_null(statement, i + 1);
        }
    }
    int result = sqlite3_step(statement);
    sqlite3_finalize(statement);
    if (result != SQLITE_DONE && result != SQLITE_CONSTRAINT && result != SQLITE_CORRUPT)
        fail_msg("%s: %s", text, sqlite3_errmsg(database));
}

static int64_t number(const char *text) {
    sqlite3_stmt *statement;
    assert_int_equal(sqlite3_prepare_v2(database, text, -1, &statement, NULL), SQLITE_OK);
    int64_t value = sqlite3_step(statement) == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
    sqlite3_finalize(statement);
    return value;
}

static void make_imposter(const char *of, const char *definition) {
    char text[128];
    snprintf(text, sizeof text, "SELECT rootpage FROM sqlite_master WHERE name = '%s'", of);
    int root = (int)number(text);
    if (root == 0)
        return;
    sqlite3_test_control(SQLITE_TESTCTRL_IMPOSTER, database, "main", 1, root);
    execute(definition);
    sqlite3_test_control(SQLITE_TESTCTRL_IMPOSTER, database, "main", 0, 0);
}

/* Reconnects whenever the schema may have changed, because imposter tables exist only in the memory of one connection.
 */
static void sqlite_disconnect(void) {
    sqlite3_close(database);
    database = NULL;
}

static void sqlite_connect(void) {
    assert_int_equal(sqlite3_open(path_of_database(), &database), SQLITE_OK);
    sqlite3_busy_timeout(database, 60000);
    make_imposter("users", "CREATE TABLE loose_users(uid PRIMARY KEY, course_id, lesson_id, session) WITHOUT ROWID");
    make_imposter("lessons", "CREATE TABLE loose_lessons(lesson_id PRIMARY KEY, course_status, chat_status)"
                             " WITHOUT ROWID");
    make_imposter("users_by_lesson", "CREATE TABLE entries(lesson_id, uid, PRIMARY KEY(lesson_id, uid)) WITHOUT ROWID");
}

static bool has_index(void) {
    return number("SELECT count(*) FROM sqlite_master WHERE name = 'users_by_lesson'") > 0;
}

/* ---- Reading */

static void read_rows(facts *state, const char *kind, const char *text, int key_parts) {
    sqlite3_stmt *statement;
    if (sqlite3_prepare_v2(database, text, -1, &statement, NULL) != SQLITE_OK)
        fail_msg("%s: %s", text, sqlite3_errmsg(database));
    while (sqlite3_step(statement) == SQLITE_ROW) {
        char parts[5][1024];
        lesson_store_id ids[5];
        int columns = sqlite3_column_count(statement);
        for (int i = 0; i < columns; i++) {
            static const char letters[] = "?irtbn"; /* indexed by SQLite's numbers of the types */
            parts[i][0] = letters[sqlite3_column_type(statement, i)];
            int size = sqlite3_column_bytes(statement, i);
            assert_true(size < 1000);
            if (size)
                memcpy(parts[i] + 1, sqlite3_column_blob(statement, i), (size_t)size);
            ids[i] = bytes_of(parts[i], (size_t)size + 1);
        }
        for (int i = 1; i < columns && key_parts == 1; i++)
            facts_add(state, ids[0], word(kind), word(sqlite3_column_name(statement, i)), ids[i]);
        if (key_parts == 2)
            facts_add(state, ids[0], word(kind), ids[1], columns > 2 ? ids[2] : any);
    }
    sqlite3_finalize(statement);
}

static facts sqlite_read(void) {
    facts state = {NULL, 0, 0};
    sqlite_disconnect();
    sqlite_connect();
    execute("BEGIN");
    read_rows(&state, "user", "SELECT uid, course_id, lesson_id, session FROM loose_users", 1);
    read_rows(&state, "lesson", "SELECT lesson_id, course_status, chat_status FROM loose_lessons", 1);
    if (has_index())
        read_rows(&state, "entry", "SELECT lesson_id, uid FROM entries", 2);
    read_rows(&state, "ban", "SELECT lesson_id, uid, until_ms FROM bans", 2);
    read_rows(&state, "schema", "SELECT name, type, sql FROM sqlite_master", 1);
    execute("COMMIT");
    facts_sort(&state);
    return state;
}

/* ---- Damage */

/* Valid until seven more were made. */
static lesson_store_id value(char letter, lesson_store_id bytes) {
    static char values[8][300];
    static unsigned next;
    char *out = values[next++ % 8];
    out[0] = letter;
    memcpy(out + 1, bytes.data, bytes.size);
    return bytes_of(out, bytes.size + 1);
}

/* Mostly the correct type; otherwise text as a blob, a number, or NULL. */
static lesson_store_id draw_type(dice_state *dice, lesson_store_id bytes) {
    switch (dice_below(dice, 12)) {
    case 0:
        return value('b', bytes);
    case 1:
        return value('i', word("7"));
    case 2:
        return value('n', word(""));
    default:
        return value('t', bytes);
    }
}

/* A key is never NULL, because then rows could not be distinguished. */
static lesson_store_id draw_key(dice_state *dice, lesson_store_id bytes) {
    return value(dice_once_in(dice, 12) ? 'b' : 't', bytes);
}

static const char *damage_user(dice_state *dice) {
    lesson_store_id values[4] = {draw_key(dice, side_draw_uid(dice)), draw_type(dice, word("C")),
                                 draw_type(dice, side_draw_lesson(dice)),
                                 dice_once_in(dice, 2) ? value('n', word("")) : draw_type(dice, side_draw_wrong(dice))};
    run("INSERT OR REPLACE INTO loose_users VALUES(?, ?, ?, ?)", values, 4);
    return "a user row written past the index";
}

static const char *damage_user_gone(dice_state *dice) {
    lesson_store_id uid = value('t', side_draw_uid(dice));
    run("DELETE FROM loose_users WHERE uid = ?", &uid, 1);
    return "a user row deleted past the index";
}

/* SQL converts a number to text, and SQLite treats the text as equal to a number that was written without the index. So
 * no lesson here is a number. */
static const char *damage_user_by_sql(dice_state *dice) {
    lesson_store_id values[4] = {draw_key(dice, side_draw_uid(dice)), draw_type(dice, word("C")),
                                 draw_key(dice, side_draw_lesson(dice)), value('n', word(""))};
    run("INSERT OR REPLACE INTO users(uid, course_id, lesson_id, session) VALUES(?, ?, ?, ?)", values, 4);
    return "a user row written by SQL";
}

static const char *damage_entry(dice_state *dice) {
    if (!has_index())
        return damage_user(dice);
    lesson_store_id values[2] = {value('t', side_draw_lesson(dice)), value('t', side_draw_uid(dice))};
    bool adds = dice_once_in(dice, 2);
    run(adds ? "INSERT OR IGNORE INTO entries VALUES(?, ?)" : "DELETE FROM entries WHERE lesson_id = ? OR uid = ?",
        values, 2);
    return adds ? "an entry of the index added" : "entries of the index deleted";
}

static const char *damage_lesson(dice_state *dice) {
    static const char *const numbers[] = {"0", "1", "3", "4", "-1"};
    lesson_store_id values[3] = {draw_key(dice, side_draw_lesson(dice))};
    for (int i = 1; i < 3; i++)
        values[i] =
            dice_once_in(dice, 3) ? draw_type(dice, word("on")) : value('i', word(numbers[dice_below(dice, 5)]));
    run("INSERT OR REPLACE INTO loose_lessons VALUES(?, ?, ?)", values, 3);
    return "a lesson row with odd values";
}

static const char *damage_lesson_gone(dice_state *dice) {
    lesson_store_id lesson = value('t', side_draw_lesson(dice));
    run("DELETE FROM lessons WHERE lesson_id = ?", &lesson, 1);
    return "a lesson row deleted";
}

static const char *damage_ban(dice_state *dice) {
    lesson_store_id values[3] = {value('t', side_draw_lesson(dice)), draw_key(dice, side_draw_uid(dice)),
                                 dice_once_in(dice, 6) ? value('t', word("soon")) : value('i', word("7"))};
    run("INSERT OR REPLACE INTO bans VALUES(?, ?, ?)", values, 3);
    return "a ban, perhaps of no lesson";
}

/* Rare, because afterwards the entries cannot be damaged any more. A foreign object would keep lessonctl from opening
 * the file. */
static const char *damage_schema(dice_state *dice) {
    if (!dice_once_in(dice, 12))
        return damage_user(dice);
    sqlite_disconnect();
    assert_int_equal(sqlite3_open(path_of_database(), &database), SQLITE_OK);
    execute("DROP INDEX IF EXISTS users_by_lesson");
    sqlite_disconnect();
    sqlite_connect();
    return "the index dropped";
}

static const char *sqlite_damage(dice_state *dice) {
    static const char *(*const kinds[])(dice_state *) = {
        damage_user,  damage_user_gone, damage_user_by_sql, damage_entry,  damage_entry,
        damage_entry, damage_lesson,    damage_lesson_gone, damage_schema, damage_ban};
    return kinds[dice_below(dice, sizeof kinds / sizeof *kinds)](dice);
}

/* ---- The expected findings */

/* Returns the id in a value, or an id without data. */
static lesson_store_id id_of(lesson_store_id stored) {
    if (!stored.data || *stored.data != 't')
        return any;
    lesson_store_id id = bytes_of(stored.data + 1, stored.size - 1);
    return lesson_store_id_check("", id) == LESSON_STORE_OK ? id : any;
}

static lesson_store_id field_of(const facts *state, lesson_store_id key, const char *kind, const char *field) {
    const fact *found = facts_find(state, key, word(kind), word(field));
    return found ? found->parts[FACT_VALUE] : any;
}

/* Missing and foreign entries, by the user records and the index. Returns whether there are any. */
static bool judge_index(const facts *state, facts *findings, facts *additions, facts *target) {
    size_t before = findings->count;
    for (size_t i = 0; i < state->count; i++) {
        const lesson_store_id *parts = state->items[i].parts;
        if (bytes_are(parts[FACT_KIND], "user") && bytes_are(parts[FACT_FIELD], "lesson_id") &&
            !facts_find(state, parts[FACT_VALUE], word("entry"), parts[FACT_KEY])) {
            side_find(findings, LESSON_STORE_FINDING_MISSING_MEMBER, id_of(parts[FACT_VALUE]), id_of(parts[FACT_KEY]),
                      true);
            facts_add(additions, parts[FACT_VALUE], word("entry"), parts[FACT_KEY], any);
        }
        if (!bytes_are(parts[FACT_KIND], "entry"))
            continue;
        lesson_store_id named = field_of(state, parts[FACT_FIELD], "user", "lesson_id");
        if (!named.data || !bytes_equal(named, parts[FACT_KEY])) {
            side_find(findings, LESSON_STORE_FINDING_GHOST_MEMBER, id_of(parts[FACT_KEY]), id_of(parts[FACT_FIELD]),
                      true);
            facts_drop(target, parts[FACT_KEY], word("entry"), parts[FACT_FIELD]);
        }
    }
    return findings->count > before;
}

/* SQLite's own lines, except those on the index if it is reported uid by uid. */
static void judge_damage(bool index_is_reported, facts *findings) {
    sqlite3_stmt *statement;
    sqlite3 *other;
    assert_int_equal(sqlite3_open(path_of_database(), &other), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(other, "PRAGMA integrity_check(100)", -1, &statement, NULL), SQLITE_OK);
    while (sqlite3_step(statement) == SQLITE_ROW) {
        const char *line = (const char *)sqlite3_column_text(statement, 0);
        if (strcmp(line, "ok") != 0 && !(index_is_reported && strstr(line, "users_by_lesson")))
            side_find(findings, LESSON_STORE_FINDING_MALFORMED, any, any, false);
    }
    sqlite3_finalize(statement);
    sqlite3_close(other);
}

static void judge_user(const facts *state, lesson_store_id uid, bool ended, facts *findings, facts *target) {
    lesson_store_id course = field_of(state, uid, "user", "course_id");
    lesson_store_id lesson = field_of(state, uid, "user", "lesson_id");
    lesson_store_id session = field_of(state, uid, "user", "session");
    if (!id_of(uid).data || !id_of(course).data || !id_of(lesson).data ||
        (*session.data != 'n' && !id_of(session).data))
        side_find(findings, LESSON_STORE_FINDING_MALFORMED, id_of(lesson), id_of(uid), false);
    if (!ended || !id_of(uid).data || !id_of(lesson).data || facts_find(state, lesson, word("lesson"), any))
        return;
    side_find(findings, LESSON_STORE_FINDING_ENDED_LESSON, id_of(lesson), id_of(uid), true);
    facts_drop(target, uid, word("user"), any);
    facts_drop(target, lesson, word("entry"), uid);
}

static bool is_status(lesson_store_id stored, char most) {
    return *stored.data == 'n' ||
           (stored.size == 2 && *stored.data == 'i' && stored.data[1] >= '0' && stored.data[1] <= most);
}

static void judge_lesson(const facts *state, lesson_store_id lesson, facts *findings, facts *additions, facts *target) {
    lesson_store_id statuses[2] = {field_of(state, lesson, "lesson", "course_status"),
                                   field_of(state, lesson, "lesson", "chat_status")};
    if (!id_of(lesson).data || !is_status(statuses[0], '3') || !is_status(statuses[1], '1'))
        side_find(findings, LESSON_STORE_FINDING_MALFORMED, id_of(lesson), any, false);
    if (*statuses[0].data != 'n' && *statuses[1].data != 'n')
        return;
    side_find(findings, LESSON_STORE_FINDING_INCOMPLETE_LESSON, id_of(lesson), any, true);
    for (int i = 0; i < 2; i++) {
        const char *field = i ? "chat_status" : "course_status";
        if (*statuses[i].data != 'n')
            continue;
        facts_drop(target, lesson, word("lesson"), word(field));
        facts_add(additions, lesson, word("lesson"), word(field), word(i ? "i0" : "i3"));
    }
}

static void judge_ban(const lesson_store_id *parts, facts *findings) {
    if (!id_of(parts[FACT_KEY]).data || !id_of(parts[FACT_FIELD]).data || *parts[FACT_VALUE].data != 'i')
        side_find(findings, LESSON_STORE_FINDING_MALFORMED, id_of(parts[FACT_KEY]), id_of(parts[FACT_FIELD]), false);
}

/* One finding for all bans of a lesson without a record. */
static void judge_bans(const facts *state, const fact *ban, facts *findings, facts *target) {
    lesson_store_id lesson = ban->parts[FACT_KEY];
    bool is_first = facts_find(state, lesson, word("ban"), any) == ban;
    if (!is_first || facts_find(state, lesson, word("lesson"), any))
        return;
    side_find(findings, LESSON_STORE_FINDING_STALE_BANS, id_of(lesson), any, true);
    facts_drop(target, lesson, word("ban"), any);
}

/* A missing index. */
static bool judge_schema(const facts *state, facts *findings, facts *additions) {
    if (facts_find(state, word("tusers_by_lesson"), word("schema"), any))
        return true;
    side_find(findings, LESSON_STORE_FINDING_MALFORMED, any, any, true);
    facts_add(additions, word("tusers_by_lesson"), word("schema"), word("type"), word("tindex"));
    facts_add(additions, word("tusers_by_lesson"), word("schema"), word("sql"),
              word("tCREATE INDEX users_by_lesson ON users(lesson_id)"));
    return false;
}

/* `state` must be the current state, or one that a repair is to leave. Only the current one can have lines of SQLite.
 */
static void sqlite_judge(const facts *state, bool ended, facts *findings, facts *target) {
    facts additions = {NULL, 0, 0};
    facts ignored = {NULL, 0, 0};
    *target = facts_copy(state);
    bool indexed = judge_schema(state, findings, &additions);
    bool reported = judge_index(state, indexed ? findings : &ignored, &additions, target);
    judge_damage(indexed && reported, findings);
    for (size_t i = 0; i < state->count; i++) {
        const lesson_store_id *parts = state->items[i].parts;
        if (bytes_are(parts[FACT_KIND], "user") && bytes_are(parts[FACT_FIELD], "lesson_id"))
            judge_user(state, parts[FACT_KEY], ended, findings, target);
        if (bytes_are(parts[FACT_KIND], "ban")) {
            judge_ban(parts, findings);
            judge_bans(state, &state->items[i], findings, target);
        }
        if (bytes_are(parts[FACT_KIND], "lesson") && bytes_are(parts[FACT_FIELD], "chat_status"))
            judge_lesson(state, parts[FACT_KEY], findings, &additions, target);
    }
    for (size_t i = 0; i < additions.count; i++) {
        const lesson_store_id *parts = additions.items[i].parts;
        const fact *user = facts_find(target, parts[FACT_FIELD], word("user"), any);
        additions.items[i].gone = bytes_are(parts[FACT_KIND], "entry") && (!user || user->gone);
    }
    facts_sort(&additions);
    for (size_t i = 0; i < additions.count; i++) {
        const lesson_store_id *parts = additions.items[i].parts;
        facts_add(target, parts[0], parts[1], parts[2], parts[3]);
    }
    facts_free(&additions);
    facts_free(&ignored);
    facts_sort(findings);
    facts_sort(target);
}

static facts sqlite_keep(const facts *state, bool ended) {
    facts kept = {NULL, 0, 0};
    for (size_t i = 0; i < state->count; i++) {
        const lesson_store_id *parts = state->items[i].parts;
        lesson_store_id lesson = parts[FACT_VALUE];
        if (!bytes_are(parts[FACT_KIND], "user") || !bytes_are(parts[FACT_FIELD], "lesson_id") ||
            (ended && !facts_find(state, lesson, word("lesson"), any)))
            continue;
        facts_add(&kept, parts[0], parts[1], parts[2], parts[3]);
        if (facts_find(state, lesson, word("entry"), parts[FACT_KEY]))
            facts_add(&kept, lesson, word("entry"), parts[FACT_KEY], any);
    }
    facts_sort(&kept);
    return kept;
}

/* ---- Damage during traffic */

static void sqlite_add_ghost(const char *uid, const char *lesson_id) {
    lesson_store_id values[2] = {value('t', word(lesson_id)), value('t', word(uid))};
    run("INSERT OR IGNORE INTO entries VALUES(?, ?)", values, 2);
}

static void sqlite_add_missing(const char *uid, const char *lesson_id) {
    lesson_store_id values[4] = {value('t', word(uid)), value('t', word("C")), value('t', word(lesson_id)),
                                 value('n', word(""))};
    run("INSERT OR REPLACE INTO loose_users VALUES(?, ?, ?, ?)", values, 4);
}

static void sqlite_remove_member(const char *uid, const char *lesson_id) {
    lesson_store_id values[2] = {value('t', word(lesson_id)), value('t', word(uid))};
    run("DELETE FROM entries WHERE lesson_id = ? AND uid = ?", values, 2);
}

static void sqlite_remove_kept(const facts *kept) {
    for (size_t i = 0; i < kept->count; i++) {
        const lesson_store_id *parts = kept->items[i].parts;
        if (!bytes_are(parts[FACT_KIND], "entry"))
            continue;
        lesson_store_id values[2] = {parts[FACT_KEY], parts[FACT_FIELD]};
        run("DELETE FROM entries WHERE lesson_id = ? AND uid = ?", values, 2);
        return;
    }
}

const side sqlite_side = {sqlite_connect,       sqlite_disconnect, sqlite_read,      sqlite_damage,
                          sqlite_judge,         sqlite_keep,       sqlite_add_ghost, sqlite_add_missing,
                          sqlite_remove_member, sqlite_remove_kept};
