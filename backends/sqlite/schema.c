/* The schema: recognizing the file, and the steps that upgrade it to the version of this library. */
#include "sqlite.h"

#define APPLICATION_ID 0x4c455353 /* "LESS": marks a file as ours */
#define TEXT_OF(token) #token
#define TEXT(token) TEXT_OF(token)

/* Step N upgrades version N - 1 to version N. Only append steps, because files of every version are in use. */
static const char *const steps[] = {
    "CREATE TABLE lessons(lesson_id TEXT PRIMARY KEY, course_status INTEGER, chat_status INTEGER) WITHOUT ROWID;"
    "CREATE TABLE users(uid TEXT PRIMARY KEY, course_id TEXT NOT NULL, lesson_id TEXT NOT NULL) WITHOUT ROWID;"
    "CREATE INDEX users_by_lesson ON users(lesson_id);"
    "PRAGMA application_id = " TEXT(APPLICATION_ID) "; PRAGMA user_version = 1",

    "ALTER TABLE users ADD COLUMN session TEXT; PRAGMA user_version = 2",

    "ALTER TABLE lessons ADD COLUMN course_id TEXT; ALTER TABLE lessons ADD COLUMN capacity INTEGER;"
    "ALTER TABLE users ADD COLUMN owner TEXT; ALTER TABLE users ADD COLUMN joined_ms INTEGER;"
    "CREATE INDEX users_by_owner ON users(owner) WHERE owner IS NOT NULL;"
    "CREATE TABLE owners(owner TEXT PRIMARY KEY, lease_ms INTEGER NOT NULL, until_ms INTEGER NOT NULL,"
    " is_over INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE sweeps(gap INTEGER PRIMARY KEY, ended_ms INTEGER NOT NULL);"
    "CREATE TABLE bans(lesson_id TEXT NOT NULL, uid TEXT NOT NULL, until_ms INTEGER NOT NULL,"
    " PRIMARY KEY(lesson_id, uid)) WITHOUT ROWID;"
    "CREATE TABLE feed(incarnation INTEGER NOT NULL, kept INTEGER NOT NULL);"
    "CREATE TABLE events(number INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, kind INTEGER NOT NULL,"
    " cause INTEGER NOT NULL, lesson_id TEXT, uid TEXT, course_id TEXT, from_lesson_id TEXT, session TEXT, owner TEXT,"
    " course_status INTEGER, chat_status INTEGER, capacity INTEGER, count INTEGER);"
    "PRAGMA user_version = 3",
};

enum { NEWEST_VERSION = sizeof steps / sizeof *steps };

int sqlite_schema_version(void) {
    return NEWEST_VERSION;
}

/* Finds the version of the file; 0 if the file is empty. */
static int judge(const sqlite_store *sqlite, sqlite3_stmt *facts, int *version) {
    sqlite3_int64 application_id = sqlite3_column_int64(facts, 0);
    sqlite3_int64 user_version = sqlite3_column_int64(facts, 1);
    bool empty = sqlite3_column_int64(facts, 2) == 0;
    *version = 0;
    if (application_id == 0 && user_version == 0 && empty)
        return LESSON_STORE_OK;
    if (application_id != APPLICATION_ID || user_version < 1)
        return lesson_store_fail(LESSON_STORE_MALFORMED,
                                 "%s: a database of another program (application_id 0x%08llx, user_version %lld)",
                                 sqlite->path, (unsigned long long)application_id, (long long)user_version);
    if (user_version > NEWEST_VERSION)
        return lesson_store_fail(LESSON_STORE_UNSUPPORTED,
                                 "%s: schema version %lld belongs to a newer library; this one knows versions up to %d",
                                 sqlite->path, (long long)user_version, (int)NEWEST_VERSION);
    *version = (int)user_version;
    return LESSON_STORE_OK;
}

static int identify(sqlite_store *sqlite, int *version) {
    static const char text[] = "SELECT application_id, user_version, (SELECT count(*) FROM sqlite_master)"
                               " FROM pragma_application_id, pragma_user_version";
    sqlite3_stmt *facts = NULL;
    int result = sqlite_ask_text(sqlite, text, &facts);
    int code = result == SQLITE_ROW ? judge(sqlite, facts, version) : sqlite_fail(sqlite, result);
    /* The SQL is correct, so the file is at fault: SQLite cannot interpret it. */
    if (result == SQLITE_ERROR)
        code = lesson_store_fail(LESSON_STORE_MALFORMED, "%s: %s", sqlite->path, sqlite3_errmsg(sqlite->database));
    sqlite3_finalize(facts);
    return code;
}

static int judge_object(const sqlite_store *sqlite, sqlite3_stmt *object) {
    char name[SQLITE_SHOWN_SIZE];
    const void *bytes = sqlite3_column_text(object, 1);
    sqlite_show_value(name, sqlite3_column_type(object, 1), bytes, sqlite3_column_bytes(object, 1));
    return lesson_store_fail(
        LESSON_STORE_MALFORMED,
        "%s: the schema contains the %s %s, which this library did not create in schema version %d", sqlite->path,
        (const char *)sqlite3_column_text(object, 0), name, sqlite3_column_int(object, 2));
}

static int refuse_foreign_objects(sqlite_store *sqlite) {
    sqlite3_stmt *object = NULL;
    int code = LESSON_STORE_OK;
    int result = sqlite_ask_text(
        sqlite, "SELECT type, name, (SELECT user_version FROM pragma_user_version)" SQLITE_FOREIGN_OBJECTS, &object);
    if (result == SQLITE_ROW)
        code = judge_object(sqlite, object);
    else if (result != SQLITE_DONE)
        code = sqlite_fail(sqlite, result);
    sqlite3_finalize(object);
    return code;
}

/* Finds the version, and that nothing stands beside what it consists of. */
static int recognize(sqlite_store *sqlite, int *version) {
    int code = identify(sqlite, version);
    return code ? code : refuse_foreign_objects(sqlite);
}

static int apply_step(sqlite_store *sqlite, int version) {
    int result = sqlite3_exec(sqlite->database, steps[version], NULL, NULL, NULL);
    /* The SQL is correct, so the file is at fault: it lacks a table. */
    if (result == SQLITE_ERROR)
        return lesson_store_fail(LESSON_STORE_MALFORMED, "%s: cannot be upgraded to schema version %d: %s",
                                 sqlite->path, (int)NEWEST_VERSION, sqlite3_errmsg(sqlite->database));
    return result == SQLITE_OK ? LESSON_STORE_OK : sqlite_fail(sqlite, result);
}

/* Called in a write transaction, because another process may have upgraded the file while this one waited for the lock.
 */
static int apply_steps(sqlite_store *sqlite) {
    int version = 0;
    int code = recognize(sqlite, &version);
    for (; !code && version < NEWEST_VERSION; version++)
        code = apply_step(sqlite, version);
    return code ? code : sqlite_execute_text(sqlite, "COMMIT");
}

static int upgrade(sqlite_store *sqlite) {
    int code = sqlite_execute_text(sqlite, "BEGIN IMMEDIATE");
    if (code)
        return code;
    code = apply_steps(sqlite);
    if (code && !sqlite3_get_autocommit(sqlite->database))
        sqlite3_exec(sqlite->database, "ROLLBACK", NULL, NULL, NULL);
    return code;
}

static int enter_wal_mode(sqlite_store *sqlite) {
    sqlite3_stmt *pragma = NULL;
    int result = sqlite_ask_text(sqlite, "PRAGMA journal_mode = WAL", &pragma);
    int code = LESSON_STORE_OK;
    if (result != SQLITE_ROW)
        code = sqlite_fail(sqlite, result);
    else if (sqlite3_stricmp((const char *)sqlite3_column_text(pragma, 0), "wal") != 0)
        code = lesson_store_fail(LESSON_STORE_UNSUPPORTED,
                                 "%s: the file system offers no shared memory, which a write-ahead log needs",
                                 sqlite->path);
    sqlite3_finalize(pragma);
    return code;
}

static int settle_to_read(const sqlite_store *sqlite, int version) {
    if (version == NEWEST_VERSION)
        return LESSON_STORE_OK;
    return lesson_store_fail(LESSON_STORE_READ_ONLY, "%s: %s, and it can only be read: %s", sqlite->path,
                             version == 0 ? "is empty" : "has an older schema, which must be upgraded first",
                             sqlite->read_only_because);
}

static int settle_once(sqlite_store *sqlite) {
    int version = 0;
    int code = recognize(sqlite, &version);
    if (!code && sqlite->read_only_because)
        return settle_to_read(sqlite, version);
    if (!code && version < NEWEST_VERSION)
        code = upgrade(sqlite);
    if (!code && !sqlite->in_memory)
        code = enter_wal_mode(sqlite);
    return code;
}

int sqlite_settle_schema(sqlite_store *sqlite) {
    const int64_t deadline_us = lesson_store_monotonic_us() + sqlite->busy_timeout_ms * 1000;
    /* Switching to WAL mode turns a read lock into an exclusive one. There SQLite does not wait, because two processes
     * could wait for each other. So two processes that open a new file at the same moment both retry, after pauses that
     * are random and grow each time. If the pauses did not grow, they would collide forever as soon as one attempt
     * takes longer than the pauses differ. */
    for (unsigned longest_ms = 16;; longest_ms *= longest_ms < 512 ? 2 : 1) {
        int code = settle_once(sqlite);
        if (code != LESSON_STORE_BUSY || lesson_store_monotonic_us() >= deadline_us)
            return code;
        unsigned pause_ms;
        sqlite3_randomness(sizeof pause_ms, &pause_ms);
        sqlite3_sleep((int)(1 + pause_ms % longest_ms));
    }
}
