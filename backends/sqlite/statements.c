/* Statements, the values in their columns, and the mapping of the engine's result codes to ours. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "sqlite.h"

static const char *const texts[] = {
#define STATEMENT_TEXT(name, text) text,
    SQLITE_STATEMENT_MAP(STATEMENT_TEXT)
#undef STATEMENT_TEXT
};

/* ---- Failures */

/* An extended code comes before its primary one. Codes that are not listed are FAILED. */
static const struct {
    int result;
    int code;
} codes[] = {
    {SQLITE_BUSY, LESSON_STORE_BUSY},
    {SQLITE_LOCKED, LESSON_STORE_BUSY},
    {SQLITE_PROTOCOL, LESSON_STORE_BUSY}, /* lost a race for the locks of the WAL many times */
    {SQLITE_NOMEM, LESSON_STORE_NO_MEMORY},
    {SQLITE_IOERR_NOMEM, LESSON_STORE_NO_MEMORY},
    {SQLITE_READONLY_DBMOVED, LESSON_STORE_UNREACHABLE},
    {SQLITE_READONLY, LESSON_STORE_READ_ONLY},
    {SQLITE_PERM, LESSON_STORE_DENIED},
    {SQLITE_AUTH, LESSON_STORE_DENIED},
    {SQLITE_FULL, LESSON_STORE_FULL},
    {SQLITE_IOERR_SHMSIZE, LESSON_STORE_FULL}, /* no room for the index of the WAL */
    {SQLITE_CANTOPEN, LESSON_STORE_UNREACHABLE},
    {SQLITE_CORRUPT, LESSON_STORE_MALFORMED},
    {SQLITE_NOTADB, LESSON_STORE_MALFORMED},
};

/* SQLite knows one errno for a full disk. A quota, a limit of the process (RLIMIT_FSIZE), and a full disk where a file
 * is created, are the same to the caller. */
static bool is_full(int error) {
    return error == EDQUOT || error == ENOSPC || error == EFBIG;
}

static int code_of(int result, int error) {
    if (is_full(error))
        return LESSON_STORE_FULL;
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        if (codes[i].result == result || codes[i].result == (result & 0xff))
            return codes[i].code;
    }
    return LESSON_STORE_FAILED;
}

/* The errno, if it explains the failure that has just been met; 0 otherwise. It is the system's own, because SQLite
 * does not keep it for every statement: sqlite3_system_errno has none of COMMIT. */
static int error_of(int result) {
    static const int errors[] = {EDQUOT, ENOSPC, EFBIG, EMFILE, ENFILE, EIO, EACCES};
    int primary = result & 0xff, error = errno;
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        if ((primary == SQLITE_IOERR || primary == SQLITE_CANTOPEN) && error == errors[i])
            return error;
    }
    return 0;
}

int sqlite_fail(sqlite_store *sqlite, int result) {
    sqlite->failed = true;
    int error = error_of(result);
    int code = code_of(result, error);
    /* SQLite's text for its latest failure, if it is this one. */
    const char *text = sqlite3_extended_errcode(sqlite->database) == result ? sqlite3_errmsg(sqlite->database)
                                                                            : sqlite3_errstr(result);
    if (code == LESSON_STORE_BUSY)
        return lesson_store_fail(code, "%s: %s for longer than %lld ms (SQLite code %d)", sqlite->path, text,
                                 (long long)sqlite->busy_timeout_ms, result);
    return lesson_store_fail(code, "%s: %s%s%s (SQLite code %d)", sqlite->path, text, error ? ": " : "",
                             error ? strerror(error) : "", result);
}

/* ---- Statements */

int sqlite_prepare_statements(sqlite_store *sqlite) {
    for (int i = 0; i < STATEMENT_COUNT; i++) {
        int result =
            sqlite3_prepare_v3(sqlite->database, texts[i], -1, SQLITE_PREPARE_PERSISTENT, &sqlite->statements[i], NULL);
        /* The SQL is correct, so the tables are not those of the schema. */
        if (result == SQLITE_ERROR)
            return lesson_store_fail(LESSON_STORE_MALFORMED, "%s: the tables are not those of schema version %d: %s",
                                     sqlite->path, sqlite_schema_version(), sqlite3_errmsg(sqlite->database));
        if (result != SQLITE_OK)
            return sqlite_fail(sqlite, result);
    }
    return LESSON_STORE_OK;
}

void sqlite_finalize_statements(sqlite_store *sqlite) {
    for (int i = 0; i < STATEMENT_COUNT; i++) {
        sqlite3_finalize(sqlite->statements[i]);
        sqlite->statements[i] = NULL;
    }
}

int sqlite_start(sqlite_store *sqlite, sqlite_statement statement, const lesson_store_id *ids, size_t id_count) {
    sqlite3_stmt *prepared = sqlite->statements[statement];
    for (size_t i = 0; i < id_count; i++) {
        int result = sqlite3_bind_text(prepared, (int)i + 1, ids[i].data, (int)ids[i].size, SQLITE_STATIC);
        if (result != SQLITE_OK)
            return result;
    }
    return sqlite3_step(prepared);
}

int sqlite_execute(sqlite_store *sqlite, sqlite_statement statement, const lesson_store_id *ids, size_t id_count) {
    int result = sqlite_start(sqlite, statement, ids, id_count);
    int code = result == SQLITE_DONE ? LESSON_STORE_OK : sqlite_fail(sqlite, result);
    sqlite_finish(sqlite, statement);
    return code;
}

int sqlite_find(sqlite_store *sqlite, sqlite_statement statement, const lesson_store_id *ids, size_t id_count) {
    int result = sqlite_start(sqlite, statement, ids, id_count);
    int code = result == SQLITE_ROW    ? LESSON_STORE_OK
               : result == SQLITE_DONE ? LESSON_STORE_NOT_FOUND
                                       : sqlite_fail(sqlite, result);
    sqlite_finish(sqlite, statement);
    return code;
}

static int begin_writing(sqlite_store *sqlite) {
    if (sqlite->read_only_because)
        return lesson_store_fail(LESSON_STORE_READ_ONLY, "%s: is open for reading only: %s", sqlite->path,
                                 sqlite->read_only_because);
    int code = sqlite_take_turn(sqlite);
    if (code)
        return code;
    /* Not before, because waiting for the lock can take long. */
    code = sqlite_look_before_writing(sqlite);
    if (!code)
        code = sqlite_find_feed(sqlite);
    if (code)
        sqlite_roll_back(sqlite);
    return code;
}

/* Takes the write lock at the beginning if it will be needed. A transaction that reads first and writes later fails
 * with BUSY as soon as another process has written in between, whatever the timeout. */
int sqlite_begin(sqlite_store *sqlite, bool writes) {
    return writes ? begin_writing(sqlite) : sqlite_execute(sqlite, STATEMENT_BEGIN_READ, NULL, 0);
}

/* True after failures that can occur once the commit is in the WAL, where the next process that recovers the WAL finds
 * it. One of them is a lack of memory for the index of the WAL, which comes last. If there is no room to write the
 * commit, it is not there. */
static bool may_be_committed(int result) {
    int primary = result & 0xff;
    if (result == SQLITE_IOERR_WRITE && is_full(error_of(result)))
        return false;
    return primary == SQLITE_IOERR || primary == SQLITE_NOMEM;
}

int sqlite_commit(sqlite_store *sqlite, bool writes) {
    int result = sqlite_start(sqlite, STATEMENT_COMMIT, NULL, 0);
    bool is_unknown = writes && may_be_committed(result);
    int code = result == SQLITE_DONE ? LESSON_STORE_OK : sqlite_fail(sqlite, result);
    if (!code)
        lesson_store_observe_count(sqlite->observer, LESSON_STORE_ENGINE_TRANSACTIONS, 1);
    if (is_unknown)
        code = lesson_store_fail(LESSON_STORE_UNKNOWN, "%s: %s at the end of a transaction (SQLite code %d)",
                                 sqlite->path, sqlite3_errmsg(sqlite->database), result);
    sqlite_finish(sqlite, STATEMENT_COMMIT);
    return code;
}

void sqlite_roll_back(sqlite_store *sqlite) {
    /* Some failures have already rolled back. */
    if (sqlite3_get_autocommit(sqlite->database))
        return;
    sqlite_start(sqlite, STATEMENT_ROLLBACK, NULL, 0);
    sqlite_finish(sqlite, STATEMENT_ROLLBACK);
}

int sqlite_enter(sqlite_store *sqlite) {
    sqlite->failed = false;
    errno = 0; /* not every failure sets it */
    int code = LESSON_STORE_OK;
    if (!sqlite->database || sqlite_was_changed(sqlite))
        code = sqlite_connect_again(sqlite);
    if (!code)
        code = sqlite_look_at_times(sqlite);
    if (code)
        return code;
    sqlite_roll_back(sqlite);
    return sqlite3_get_autocommit(sqlite->database) ? LESSON_STORE_OK
                                                    : sqlite_fail(sqlite, sqlite3_errcode(sqlite->database));
}

int sqlite_execute_text(sqlite_store *sqlite, const char *text) {
    int result = sqlite3_exec(sqlite->database, text, NULL, NULL, NULL);
    return result == SQLITE_OK ? LESSON_STORE_OK : sqlite_fail(sqlite, result);
}

int sqlite_ask_text(sqlite_store *sqlite, const char *text, sqlite3_stmt **out) {
    int result = sqlite3_prepare_v2(sqlite->database, text, -1, out, NULL);
    return result == SQLITE_OK ? sqlite3_step(*out) : result;
}

/* ---- Values */

/* Looks up the column once instead of once each for type, text and size, which is most of the cost of a listed row.
 * Reading such an unprotected value is allowed because the connection has no mutex and is used by one thread at a time.
 */
bool sqlite_read_id(sqlite3_stmt *statement, int column, lesson_store_id *out) {
    sqlite3_value *value = sqlite3_column_value(statement, column);
    if (sqlite3_value_type(value) != SQLITE_TEXT)
        return false;
    out->data = (const char *)sqlite3_value_text(value);
    out->size = (size_t)sqlite3_value_bytes(value);
    return lesson_store_id_valid(out->data, out->size);
}

bool sqlite_read_optional_id(sqlite3_stmt *statement, int column, lesson_store_id *out) {
    *out = (lesson_store_id){NULL, 0};
    return sqlite3_column_type(statement, column) == SQLITE_NULL || sqlite_read_id(statement, column, out);
}

static bool read_status(sqlite3_stmt *statement, int column, int32_t highest, int32_t *out) {
    *out = LESSON_STORE_STATUS_NONE;
    int type = sqlite3_column_type(statement, column);
    if (type == SQLITE_NULL)
        return true;
    sqlite3_int64 status = sqlite3_column_int64(statement, column);
    if (type != SQLITE_INTEGER || status < 0 || status > highest)
        return false;
    *out = (int32_t)status;
    return true;
}

bool sqlite_read_place(sqlite3_stmt *statement, int column, lesson_store_user *out) {
    out->joined_ms = sqlite3_column_int64(statement, column + 4);
    return sqlite_read_id(statement, column, &out->course_id) &&
           sqlite_read_id(statement, column + 1, &out->lesson_id) &&
           sqlite_read_optional_id(statement, column + 2, &out->session) &&
           sqlite_read_optional_id(statement, column + 3, &out->owner);
}

static bool read_capacity(sqlite3_stmt *statement, int column, uint64_t *out) {
    *out = 0;
    int type = sqlite3_column_type(statement, column);
    if (type == SQLITE_NULL)
        return true;
    sqlite3_int64 capacity = sqlite3_column_int64(statement, column);
    if (type != SQLITE_INTEGER || capacity < 0 || capacity > LESSON_STORE_CAPACITY_MAX)
        return false;
    *out = (uint64_t)capacity;
    return true;
}

bool sqlite_read_record(sqlite3_stmt *statement, int column, lesson_store_lesson *out) {
    bool is_sound = read_status(statement, column, LESSON_STORE_COURSE_WAITING, &out->course_status);
    is_sound = read_status(statement, column + 1, LESSON_STORE_CHAT_BANNED, &out->chat_status) && is_sound;
    is_sound = sqlite_read_optional_id(statement, column + 2, &out->course_id) && is_sound;
    return read_capacity(statement, column + 3, &out->capacity) && is_sound;
}

void sqlite_show_value(char out[SQLITE_SHOWN_SIZE], int type, const void *bytes, int size) {
    if (type == SQLITE_NULL || !bytes) {
        snprintf(out, SQLITE_SHOWN_SIZE, "%s", type == SQLITE_NULL ? "NULL" : "''");
        return;
    }
    bool plain = type == SQLITE_INTEGER || type == SQLITE_FLOAT;
    if (plain || (type == SQLITE_TEXT && lesson_store_id_valid(bytes, (size_t)size))) {
        snprintf(out, SQLITE_SHOWN_SIZE, "%.*s", size, (const char *)bytes);
        return;
    }
    const unsigned char *byte = bytes;
    size_t used = (size_t)snprintf(out, SQLITE_SHOWN_SIZE, "X'");
    /* Leaves room for the last byte, "...", the quote and the NUL. */
    for (int i = 0; i < size; i++) {
        if (used + 7 > SQLITE_SHOWN_SIZE) {
            used += (size_t)snprintf(out + used, SQLITE_SHOWN_SIZE - used, "...");
            break;
        }
        used += (size_t)snprintf(out + used, SQLITE_SHOWN_SIZE - used, "%02X", byte[i]);
    }
    snprintf(out + used, SQLITE_SHOWN_SIZE - used, "'");
}

/* ---- Malformed rows */

void sqlite_note_malformed(sqlite_malformed *malformed, sqlite3_stmt *row, const char *what) {
    if (malformed->count++ > 0)
        return;
    char key[SQLITE_SHOWN_SIZE];
    int type = sqlite3_column_type(row, 0);
    const void *bytes = type == SQLITE_BLOB ? sqlite3_column_blob(row, 0) : (const void *)sqlite3_column_text(row, 0);
    sqlite_show_value(key, type, bytes, sqlite3_column_bytes(row, 0));
    snprintf(malformed->first, sizeof malformed->first, "%s %s", what, key);
}

int sqlite_report_malformed(const sqlite_store *sqlite, const sqlite_malformed *malformed) {
    if (malformed->count == 0)
        return LESSON_STORE_OK;
    return lesson_store_fail(LESSON_STORE_MALFORMED, "%s: %s (the first of %" PRIu64 ")", sqlite->path,
                             malformed->first, malformed->count);
}
