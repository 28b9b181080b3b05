/* Check and repair. Findings are collected in a temporary table, in the same transaction that repairs them, and are
 * reported from there afterwards. So the callback runs without any lock, receives only findings that are true, and
 * nothing is kept on the heap. */
#include <stdlib.h>

#include "sqlite.h"

enum condition { ALWAYS, IF_UNINDEXED, IF_DAMAGED, IF_ASKED_FOR_ENDED };

#define INDEX "users_by_lesson"

#define TEXT_OF(token) #token
#define TEXT(token) TEXT_OF(token)
#define CAPACITY_MAX TEXT(LESSON_STORE_CAPACITY_MAX)

#define BY_UID " INDEXED BY sqlite_autoindex_users_1 "
#define BY_LESSON " INDEXED BY " INDEX " "
#define FOUND "INSERT INTO temp.findings(kind, lesson_id, uid, detail) SELECT ?1, "

/* Numbers of lesson_store_event_kind, and that of LESSON_STORE_CAUSE_REPAIR. */
#define EVENT_SET "2"
#define EVENT_QUIT "6"
#define NOTE(kind, columns)                                          \
    "INSERT INTO events(at_ms, kind, cause, lesson_id, " columns ")" \
    " SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), " kind ", 3, lesson_id, "
_Static_assert(LESSON_STORE_EVENT_SET == 2 && LESSON_STORE_EVENT_QUIT == 6 && LESSON_STORE_CAUSE_REPAIR == 3,
               "the numbers in NOTE");

/* In this order. ?1 is the kind. A step without `repair` finds what a later step repairs, or what no step repairs. */
static const struct step {
    lesson_store_finding_kind kind;
    enum condition condition;
    const char *find;
    const char *repair;
    const char *note; /* the events of the repair */
} steps[] = {
    /* They came after the file was opened. */
    {LESSON_STORE_FINDING_MALFORMED, ALWAYS,
     FOUND "NULL, NULL, 'the ' || type || ' ' || shown(name) ||"
           " ' in the schema was not created by this library'" SQLITE_FOREIGN_OBJECTS,
     NULL, NULL},
    {LESSON_STORE_FINDING_MALFORMED, IF_UNINDEXED,
     "INSERT INTO temp.findings(kind, repairable, detail) VALUES(?1, 1, 'there is no index " INDEX "')",
     "CREATE INDEX " INDEX " ON users(lesson_id)", NULL},
    {LESSON_STORE_FINDING_MISSING_MEMBER, IF_DAMAGED,
     FOUND "lesson_id, uid, 'the user record is not in the index of members' FROM users AS record" BY_UID
           "WHERE NOT EXISTS (SELECT 1 FROM users AS entry" BY_LESSON
           "WHERE entry.lesson_id IS record.lesson_id AND entry.uid = record.uid)",
     NULL, NULL},
    {LESSON_STORE_FINDING_GHOST_MEMBER, IF_DAMAGED,
     FOUND "lesson_id, uid, 'the index of members has an entry without a user record' FROM users AS entry" BY_LESSON
           "WHERE NOT EXISTS (SELECT 1 FROM users AS record" BY_UID
           "WHERE record.uid = entry.uid AND +record.lesson_id IS entry.lesson_id)",
     NULL, NULL},
    /* These uids are now reported one by one, so SQLite's lines about the same index would report them twice. */
    {LESSON_STORE_FINDING_MALFORMED, IF_DAMAGED,
     "DELETE FROM temp.findings WHERE kind = ?1 AND instr(detail, '" INDEX "')"
     " AND EXISTS (SELECT 1 FROM temp.findings WHERE kind <> ?1)",
     "REINDEX " INDEX, NULL},
    {LESSON_STORE_FINDING_MALFORMED, ALWAYS,
     FOUND "lesson_id, NULL, 'lesson record ' || shown(lesson_id) || ' has course_status ' || shown(course_status) ||"
           " ', chat_status ' || shown(chat_status) || ', course_id ' || shown(course_id) || ' and capacity ' ||"
           " shown(capacity) FROM lessons WHERE NOT is_id(lesson_id)"
           " OR typeof(course_status) NOT IN ('null', 'integer') OR course_status NOT BETWEEN 0 AND 3"
           " OR typeof(chat_status) NOT IN ('null', 'integer') OR chat_status NOT BETWEEN 0 AND 1"
           " OR NOT (course_id IS NULL OR is_id(course_id))"
           " OR typeof(capacity) NOT IN ('null', 'integer') OR capacity NOT BETWEEN 0 AND " CAPACITY_MAX,
     NULL, NULL},
    {LESSON_STORE_FINDING_MALFORMED, ALWAYS,
     FOUND "lesson_id, uid, 'user record ' || shown(uid) || ' has course_id ' || shown(course_id) || ', lesson_id ' ||"
           " shown(lesson_id) || ', session ' || shown(session) || ' and owner ' || shown(owner) FROM users" BY_UID
           "WHERE NOT (is_id(uid) AND is_id(course_id) AND is_id(lesson_id) AND (session IS NULL OR is_id(session))"
           " AND (owner IS NULL OR is_id(owner)))",
     NULL, NULL},
    {LESSON_STORE_FINDING_MALFORMED, ALWAYS,
     FOUND "NULL, NULL, 'owner record ' || shown(owner) || ' has an invalid id' FROM owners WHERE NOT is_id(owner)",
     NULL, NULL},
    {LESSON_STORE_FINDING_MALFORMED, ALWAYS,
     FOUND "lesson_id, uid, 'ban of ' || shown(uid) || ' from ' || shown(lesson_id) || ' until ' || shown(until_ms)"
           " FROM bans WHERE NOT (is_id(lesson_id) AND is_id(uid) AND typeof(until_ms) = 'integer')",
     NULL, NULL},
    {LESSON_STORE_FINDING_STALE_BANS, ALWAYS,
     FOUND "lesson_id, NULL, 'the lesson has no record' FROM bans WHERE NOT EXISTS (SELECT 1 FROM lessons"
           " WHERE lessons.lesson_id = bans.lesson_id) GROUP BY lesson_id",
     "DELETE FROM bans WHERE lesson_id IN (SELECT lesson_id FROM temp.findings WHERE kind = ?1)", NULL},
    {LESSON_STORE_FINDING_INCOMPLETE_LESSON, ALWAYS,
     FOUND "lesson_id, NULL, iif(course_status IS NULL, 'no course_status', '') ||"
           " iif(course_status IS NULL AND chat_status IS NULL, ', ', '') ||"
           " iif(chat_status IS NULL, 'no chat_status', '')"
           " FROM lessons WHERE course_status IS NULL OR chat_status IS NULL",
     "UPDATE lessons SET course_status = ifnull(course_status, 3), chat_status = ifnull(chat_status, 0)"
     " WHERE course_status IS NULL OR chat_status IS NULL",
     NOTE(EVENT_SET, "course_status, chat_status") "course_status, chat_status FROM lessons WHERE lesson_id IN"
                                                   " (SELECT lesson_id FROM temp.findings WHERE kind = ?1)"},
    {LESSON_STORE_FINDING_ENDED_LESSON, IF_ASKED_FOR_ENDED,
     FOUND "lesson_id, uid, 'the lesson has no record' FROM users" BY_UID "WHERE is_id(uid) AND is_id(lesson_id)"
           " AND NOT EXISTS (SELECT 1 FROM lessons WHERE lessons.lesson_id = users.lesson_id)",
     "DELETE FROM users WHERE uid IN (SELECT uid FROM temp.findings WHERE kind = ?1)",
     NOTE(EVENT_QUIT, "uid") "uid FROM temp.findings WHERE kind = ?1"},
};

/* ---- SQL functions for the statements */

static void is_id(sqlite3_context *context, int count, sqlite3_value **values) {
    (void)count;
    bool text = sqlite3_value_type(values[0]) == SQLITE_TEXT;
    const char *data = text ? (const char *)sqlite3_value_text(values[0]) : NULL;
    sqlite3_result_int(context, data && lesson_store_id_valid(data, (size_t)sqlite3_value_bytes(values[0])));
}

static void shown(sqlite3_context *context, int count, sqlite3_value **values) {
    (void)count;
    char text[SQLITE_SHOWN_SIZE];
    int type = sqlite3_value_type(values[0]);
    const void *bytes =
        type == SQLITE_BLOB ? sqlite3_value_blob(values[0]) : (const void *)sqlite3_value_text(values[0]);
    sqlite_show_value(text, type, bytes, sqlite3_value_bytes(values[0]));
    sqlite3_result_text(context, text, -1, SQLITE_TRANSIENT);
}

int sqlite_add_check_functions(sqlite_store *sqlite) {
    const int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY;
    int result = sqlite3_create_function_v2(sqlite->database, "is_id", 1, flags, NULL, is_id, NULL, NULL, NULL);
    if (result == SQLITE_OK)
        result = sqlite3_create_function_v2(sqlite->database, "shown", 1, flags, NULL, shown, NULL, NULL, NULL);
    return result == SQLITE_OK ? LESSON_STORE_OK : sqlite_fail(sqlite, result);
}

/* ---- Finding and repairing */

static int run_text(sqlite_store *sqlite, const char *text, lesson_store_finding_kind kind) {
    sqlite3_stmt *statement = NULL;
    int result = sqlite3_prepare_v2(sqlite->database, text, -1, &statement, NULL);
    if (result == SQLITE_OK && sqlite3_bind_parameter_count(statement) > 0)
        result = sqlite3_bind_int(statement, 1, (int)kind);
    if (result == SQLITE_OK)
        result = sqlite3_step(statement);
    int code = result == SQLITE_DONE ? LESSON_STORE_OK : sqlite_fail(sqlite, result);
    sqlite3_finalize(statement);
    return code;
}

/* SQLite's own check reports a page that it could not read in a line similar to those about damage. That is a failure
 * of the disk, not a finding. Returns the result code in that line, SQLITE_OK for any other line. For a free page, and
 * for a page behind a row that is longer than a page, the line has no code; whether such a page is in the file was
 * checked earlier. */
static int failure_in(const char *line) {
    static const char before_code[] = "unable to get the page. error code=";
    if (line && strstr(line, "failed to get page "))
        return SQLITE_IOERR;
    const char *found = line ? strstr(line, before_code) : NULL;
    int result = found ? (int)strtol(found + sizeof before_code - 1, NULL, 10) : SQLITE_OK;
    return (result & 0xff) == SQLITE_CORRUPT ? SQLITE_OK : result;
}

/* Runs SQLite's own check and keeps each line that is not "ok". */
static int gather_damage(sqlite_store *sqlite, sqlite3_stmt *examine, sqlite3_stmt *keep) {
    int result;
    while ((result = sqlite3_step(examine)) == SQLITE_ROW) {
        const char *line = (const char *)sqlite3_column_text(examine, 0);
        if (sqlite3_stricmp(line, "ok") == 0)
            continue;
        result = failure_in(line);
        if (result != SQLITE_OK)
            break;
        result = sqlite3_bind_value(keep, 2, sqlite3_column_value(examine, 0));
        if (result == SQLITE_OK)
            result = sqlite3_step(keep);
        sqlite3_reset(keep);
        if (result != SQLITE_DONE)
            break;
    }
    return result == SQLITE_DONE ? LESSON_STORE_OK : sqlite_fail(sqlite, result);
}

static int find_damage(sqlite_store *sqlite) {
    sqlite3_stmt *examine = NULL, *keep = NULL;
    int result = sqlite3_prepare_v2(sqlite->database, "PRAGMA main.integrity_check(100)", -1, &examine, NULL);
    if (result == SQLITE_OK)
        result = sqlite3_prepare_v2(sqlite->database, FOUND "NULL, NULL, replace(?2, char(10), ' ')", -1, &keep, NULL);
    if (result == SQLITE_OK)
        result = sqlite3_bind_int(keep, 1, LESSON_STORE_FINDING_MALFORMED);
    int code = result == SQLITE_OK ? gather_damage(sqlite, examine, keep) : sqlite_fail(sqlite, result);
    sqlite3_finalize(examine);
    sqlite3_finalize(keep);
    return code;
}

/* Without the index everything still works, only slowly, and nothing can disagree with the user records. */
static int find_index(sqlite_store *sqlite, bool *indexed) {
    sqlite3_stmt *row = NULL;
    int result =
        sqlite_ask_text(sqlite, "SELECT 1 FROM main.sqlite_master WHERE type = 'index' AND name = '" INDEX "'", &row);
    *indexed = result == SQLITE_ROW;
    int code = *indexed || result == SQLITE_DONE ? LESSON_STORE_OK : sqlite_fail(sqlite, result);
    sqlite3_finalize(row);
    return code;
}

static bool applies(enum condition condition, uint32_t flags, bool damaged, bool indexed) {
    switch (condition) {
    case ALWAYS:
        return true;
    case IF_UNINDEXED:
        return !indexed;
    case IF_DAMAGED:
        return damaged && indexed;
    case IF_ASKED_FOR_ENDED:
        break;
    }
    return flags & LESSON_STORE_CHECK_ENDED;
}

static int take_steps(sqlite_store *sqlite, uint32_t flags, bool damaged) {
    bool indexed;
    int code = find_index(sqlite, &indexed);
    for (size_t i = 0; !code && i < sizeof steps / sizeof *steps; i++) {
        const struct step *step = &steps[i];
        if (!applies(step->condition, flags, damaged, indexed))
            continue;
        code = run_text(sqlite, step->find, step->kind);
        bool repairs = step->repair && flags & LESSON_STORE_CHECK_REPAIR;
        if (!code && repairs)
            code = run_text(sqlite, step->repair, step->kind);
        if (!code && repairs && step->note && sqlite->events_kept > 0)
            code = run_text(sqlite, step->note, step->kind);
    }
    return code;
}

/* If the structure of the pages is broken, a write can land in a page that holds something else, and building an index
 * anew can free the pages of the users. So repair is allowed only if every line is of a kind about values or about the
 * content of an index. */
static int find_broken_pages(sqlite_store *sqlite, bool *broken) {
    sqlite3_stmt *row = NULL;
    int result = sqlite_ask_text(sqlite,
                                 "SELECT 1 FROM temp.findings WHERE NOT (detail GLOB 'row * missing from index *'"
                                 " OR detail GLOB 'wrong # of entries in index *'"
                                 " OR detail GLOB 'non-unique entry in index *' OR detail GLOB '* value in *')",
                                 &row);
    *broken = result == SQLITE_ROW;
    int code = *broken || result == SQLITE_DONE ? LESSON_STORE_OK : sqlite_fail(sqlite, result);
    sqlite3_finalize(row);
    return code;
}

static int find_and_repair(sqlite_store *sqlite, uint32_t flags) {
    /* The long read of the whole file comes before the write lock is taken. */
    int before = sqlite3_total_changes(sqlite->database);
    bool broken = false;
    int code = find_damage(sqlite);
    if (!code)
        code = find_broken_pages(sqlite, &broken);
    if (code)
        return code;
    bool damaged = sqlite3_total_changes(sqlite->database) != before;
    if (broken)
        flags &= ~(uint32_t)LESSON_STORE_CHECK_REPAIR;
    code = sqlite_begin(sqlite, flags & LESSON_STORE_CHECK_REPAIR);
    if (!code)
        code = take_steps(sqlite, flags, damaged);
    if (!code && broken)
        code = sqlite_execute_text(sqlite, "UPDATE temp.findings SET repairable = 0");
    if (!code)
        code = sqlite_commit(sqlite, flags & LESSON_STORE_CHECK_REPAIR);
    if (code)
        sqlite_roll_back(sqlite);
    return code;
}

/* ---- Reporting */

static bool report_finding(sqlite3_stmt *row, bool repaired, lesson_store_finding_callback callback, void *context) {
    lesson_store_finding finding = {.kind = (uint32_t)sqlite3_column_int(row, 0)};
    if (!sqlite_read_optional_id(row, 1, &finding.lesson_id))
        finding.lesson_id = (lesson_store_id){NULL, 0};
    if (!sqlite_read_optional_id(row, 2, &finding.uid))
        finding.uid = (lesson_store_id){NULL, 0};
    finding.detail = (const char *)sqlite3_column_text(row, 3);
    finding.repairable = sqlite3_column_int(row, 4);
    finding.repaired = finding.repairable && repaired;
    return callback(&finding, context);
}

static int report_findings(sqlite_store *sqlite, bool repaired, lesson_store_finding_callback callback, void *context) {
    sqlite3_stmt *row = NULL;
    int result = sqlite_ask_text(
        sqlite, "SELECT kind, lesson_id, uid, detail, ifnull(repairable, kind <> 5) FROM temp.findings ORDER BY rowid",
        &row);
    bool go_on = true;
    while (result == SQLITE_ROW && (go_on = report_finding(row, repaired, callback, context)))
        result = sqlite3_step(row);
    int code = !go_on || result == SQLITE_DONE ? LESSON_STORE_OK : sqlite_fail(sqlite, result);
    sqlite3_finalize(row);
    return code;
}

int sqlite_check(lesson_store_instance *instance, uint32_t flags, lesson_store_finding_callback callback,
                 void *context) {
    sqlite_store *sqlite = sqlite_of(instance);
    int code = sqlite_enter(sqlite);
    if (!code)
        code = sqlite_look_now(sqlite);
    if (!code)
        code = sqlite_execute_text(sqlite,
                                   "CREATE TEMP TABLE IF NOT EXISTS findings(kind, lesson_id, uid, detail, repairable);"
                                   "DELETE FROM temp.findings");
    if (code)
        return code;
    sqlite_await_short_log(sqlite);
    code = sqlite_confirm(sqlite, find_and_repair(sqlite, flags));
    sqlite_trim_log(sqlite);
    /* Damage that stopped the search halfway is still reported. */
    bool repaired = !code && flags & LESSON_STORE_CHECK_REPAIR;
    int reported = report_findings(sqlite, repaired, callback, context);
    sqlite3_exec(sqlite->database, "DELETE FROM temp.findings", NULL, NULL, NULL);
    return code ? code : reported;
}
