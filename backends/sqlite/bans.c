/* Bans: each is a row beside the record of its lesson. */
#include "sqlite.h"

/* Binds a time behind the ids of a statement. */
static int bind_time(sqlite_store *sqlite, sqlite_statement statement, int parameter, int64_t ms) {
    int result = sqlite3_bind_int64(sqlite->statements[statement], parameter, ms);
    return result == SQLITE_OK ? LESSON_STORE_OK : sqlite_fail(sqlite, result);
}

int sqlite_put_ban(sqlite_store *sqlite, const lesson_store_operation *ban) {
    const lesson_store_id ids[] = {ban->lesson_id, ban->uid};
    int64_t now_ms = lesson_store_clock_ms();
    int code = bind_time(sqlite, STATEMENT_FORGET_BANS, 2, now_ms);
    if (!code)
        code = sqlite_execute(sqlite, STATEMENT_FORGET_BANS, ids, 1);
    if (!code && ban->ban_ms == 0)
        return sqlite_execute(sqlite, STATEMENT_UNBAN, ids, 2);
    if (!code)
        code = bind_time(sqlite, STATEMENT_BAN, 3, now_ms + ban->ban_ms);
    return code ? code : sqlite_execute(sqlite, STATEMENT_BAN, ids, 2);
}

int sqlite_find_ban(sqlite_store *sqlite, const lesson_store_operation *join) {
    const lesson_store_id ids[] = {join->lesson_id, join->uid};
    int code = bind_time(sqlite, STATEMENT_FIND_BAN, 3, lesson_store_clock_ms());
    return code ? code : sqlite_find(sqlite, STATEMENT_FIND_BAN, ids, 2);
}

/* ---- The list */

struct ban_list {
    sqlite_store *sqlite;
    lesson_store_id lesson_id;
    char after[LESSON_STORE_ID_MAX + 1]; /* the id that was given last, "" at first */
    sqlite_malformed malformed;
};

static int step_to_ban(struct ban_list *list, int64_t now_ms, lesson_store_id *uid) {
    sqlite3_stmt *row = list->sqlite->statements[STATEMENT_LIST_BANS];
    const lesson_store_id ids[] = {list->lesson_id, lesson_store_id_of(list->after)};
    int result = sqlite3_bind_int64(row, 3, now_ms);
    if (result == SQLITE_OK)
        result = sqlite_start(list->sqlite, STATEMENT_LIST_BANS, ids, 2);
    for (; result == SQLITE_ROW && !sqlite_read_id(row, 0, uid); result = sqlite3_step(row))
        sqlite_note_malformed(&list->malformed, row, "a ban with an invalid uid:");
    return result;
}

/* One at a time, so that the callback holds no read transaction. NOT_FOUND: there is none left. */
static int next_ban(struct ban_list *list, lesson_store_banned *banned) {
    int64_t now_ms = lesson_store_clock_ms();
    lesson_store_id uid = {NULL, 0};
    *banned = (lesson_store_banned){.left_ms = 0};
    int result = step_to_ban(list, now_ms, &uid);
    int code = LESSON_STORE_NOT_FOUND;
    if (result == SQLITE_ROW) {
        lesson_store_id_copy(list->after, uid);
        banned->uid = lesson_store_id_of(list->after);
        banned->left_ms = sqlite3_column_int64(list->sqlite->statements[STATEMENT_LIST_BANS], 1) - now_ms;
        code = LESSON_STORE_OK;
    } else if (result != SQLITE_DONE) {
        code = sqlite_fail_reading(list->sqlite, result);
    }
    sqlite_finish(list->sqlite, STATEMENT_LIST_BANS);
    return code;
}

int sqlite_bans(lesson_store_instance *instance, const lesson_store_id *lesson_id,
                lesson_store_banned_callback callback, void *context) {
    struct ban_list list = {.sqlite = sqlite_of(instance), .lesson_id = *lesson_id};
    lesson_store_banned banned;
    int code = sqlite_enter(list.sqlite);
    while (!code) {
        code = next_ban(&list, &banned);
        if (!code && !callback(&banned, context))
            return LESSON_STORE_OK;
    }
    if (code == LESSON_STORE_NOT_FOUND)
        code = sqlite_report_malformed(list.sqlite, &list.malformed);
    return sqlite_confirm(list.sqlite, code);
}
