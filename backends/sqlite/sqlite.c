/* Opening and closing a database, its options, and facts about it. */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sqlite.h"

extern const lesson_store_backend lesson_store__sqlite_backend;

static const lesson_store_option options[] = {
    {.name = "busy_timeout_ms",
     .summary = "how long to wait for the lock of another process before BUSY",
     .number_default = 5000,
     .minimum = 0,
     .maximum = 600000},
    {.name = "synchronous",
     .summary = "when to wait for the disk: at each commit, at each checkpoint, never",
     .choices = "full|normal|off",
     .text_default = "normal"},
    {.name = "wal_autocheckpoint_pages",
     .summary = "pages in the write-ahead log before they are copied into the file",
     .number_default = 10000,
     .minimum = 1,
     .maximum = 1000000},
    {.name = "create", .summary = "whether a missing file is created", .choices = "yes|no", .text_default = "yes"},
    {.name = "cache_kib",
     .summary = "the most memory for pages, in each instance",
     .number_default = 8192,
     .minimum = 64,
     .maximum = 4194304},
    {.name = "max_pages",
     .summary = "the largest size of the file in pages before FULL; 0: as large as the disk allows",
     .number_default = 0,
     .minimum = 0,
     .maximum = 4294967294},
    {.name = NULL},
};

/* ---- Opening */

static int check_location(const lesson_store_location *location) {
    if (lesson_store_location_host(location) || lesson_store_location_user(location) ||
        lesson_store_location_password(location) || lesson_store_location_port(location))
        return lesson_store_fail(LESSON_STORE_INVALID,
                                 "location: sqlite: takes no user, host or port (write sqlite:PATH or sqlite:///PATH)");
    const char *path = lesson_store_location_path(location);
    if (!path)
        return lesson_store_fail(LESSON_STORE_INVALID, "location: sqlite: needs a path, or :memory:");
    if (path[0] != '/' && strcmp(path, ":memory:") != 0 && !lesson_store_location_directory(location))
        return lesson_store_fail(LESSON_STORE_INVALID,
                                 "location: sqlite: the path is relative, and the working directory no longer exists");
    return LESSON_STORE_OK;
}

/* SQLite reports only that it could not open a file. This finds the reason. */
static int explain_cantopen(const char *path, bool may_create) {
    struct stat facts;
    if (stat(path, &facts) == 0) {
        if (S_ISDIR(facts.st_mode))
            return lesson_store_fail(LESSON_STORE_INVALID, "%s: is a directory", path);
        return lesson_store_fail(faccessat(AT_FDCWD, path, R_OK, AT_EACCESS) ? LESSON_STORE_DENIED
                                                                             : LESSON_STORE_UNREACHABLE,
                                 "%s: cannot be opened", path);
    }
    if (errno == EACCES)
        return lesson_store_fail(LESSON_STORE_DENIED, "%s: its directory cannot be searched", path);

    if (errno == ENOENT && !may_create)
        return lesson_store_fail(LESSON_STORE_UNREACHABLE, "%s: there is no such file, and create=no", path);

    const char *slash = strrchr(path, '/');
    char directory[PATH_MAX + LESSON_STORE_LOCATION_MAX];
    snprintf(directory, sizeof directory, "%.*s", slash ? (int)(slash - path + 1) : 1, slash ? path : ".");
    if (stat(directory, &facts) == 0 && faccessat(AT_FDCWD, directory, W_OK, AT_EACCESS) != 0)
        return lesson_store_fail(LESSON_STORE_READ_ONLY, "%s: cannot be created, because its directory is read-only",
                                 path);
    return lesson_store_fail(LESSON_STORE_UNREACHABLE, "%s: cannot be created: %s", path, strerror(errno));
}

/* An attacker can hand us a file with triggers or views in it. Our schema has none, so they are switched off. */
static void switch_off_programs(sqlite3 *database) {
    sqlite3_db_config(database, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
    sqlite3_db_config(database, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
    sqlite3_db_config(database, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    sqlite3_db_config(database, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
}

static int open_database(sqlite_store *sqlite, bool may_create) {
    int result =
        sqlite3_open_v2(sqlite->path, &sqlite->database,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | (may_create ? SQLITE_OPEN_CREATE : 0), NULL);
    if (!sqlite->database)
        return lesson_store_fail(LESSON_STORE_NO_MEMORY, "%s: no memory for a connection", sqlite->path);
    if ((result & 0xff) == SQLITE_CANTOPEN)
        return explain_cantopen(sqlite->path, may_create);
    if (result != SQLITE_OK)
        return sqlite_fail(sqlite, result);
    sqlite3_extended_result_codes(sqlite->database, 1);
    switch_off_programs(sqlite->database);
    sqlite3_busy_timeout(sqlite->database, (int)sqlite->busy_timeout_ms);
    /* SQLite opens a file for reading only if it may not write to it. */
    if (sqlite3_db_readonly(sqlite->database, "main") == 1)
        return lesson_store_fail(LESSON_STORE_READ_ONLY, "%s: is read-only", sqlite->path);
    return LESSON_STORE_OK;
}

/* Each later instance must open the same file as the first one. If the file was moved or replaced meanwhile, the store
 * would work on two databases. */
static int identify_file(sqlite_store *sqlite, const sqlite_store *first) {
    struct stat facts;
    if (sqlite->in_memory)
        return LESSON_STORE_OK;
    if (stat(sqlite->path, &facts) != 0)
        return lesson_store_fail(LESSON_STORE_UNREACHABLE, "%s: %s", sqlite->path, strerror(errno));
    sqlite->device = facts.st_dev;
    sqlite->inode = facts.st_ino;
    if (first && (first->device != sqlite->device || first->inode != sqlite->inode))
        return lesson_store_fail(LESSON_STORE_UNREACHABLE, "%s: is no longer the file that was opened", sqlite->path);
    return LESSON_STORE_OK;
}

/* A pragma takes no parameters, so its text is built here, from numbers only. */
static int apply_numbers(sqlite_store *sqlite, const lesson_store_location *location) {
    char text[256];
    snprintf(text, sizeof text,
             "PRAGMA wal_autocheckpoint = %" PRId64 "; PRAGMA cache_size = -%" PRId64
             "; PRAGMA max_page_count = %" PRId64,
             lesson_store_location_number(location, "wal_autocheckpoint_pages"),
             lesson_store_location_number(location, "cache_kib"), lesson_store_location_number(location, "max_pages"));
    return sqlite_execute_text(sqlite, text);
}

static int apply_synchronous(sqlite_store *sqlite, const char *choice) {
    if (strcmp(choice, "full") == 0)
        return sqlite_execute_text(sqlite, "PRAGMA synchronous = FULL");
    if (strcmp(choice, "off") == 0)
        return sqlite_execute_text(sqlite, "PRAGMA synchronous = OFF");
    return sqlite_execute_text(sqlite, "PRAGMA synchronous = NORMAL");
}

/* Until the schema is settled, the file may belong to another program. So nothing else comes before that. */
static int connect(sqlite_store *sqlite, const lesson_store_location *location) {
    const sqlite_store *first = (const sqlite_store *)lesson_store_location_first(location);
    bool may_create = !first && strcmp(lesson_store_location_text(location, "create"), "yes") == 0;
    int code = open_database(sqlite, may_create);
    if (!code)
        code = identify_file(sqlite, first);
    if (!code)
        code = sqlite_settle_schema(sqlite);
    if (!code)
        code = apply_synchronous(sqlite, lesson_store_location_text(location, "synchronous"));
    if (!code)
        code = apply_numbers(sqlite, location);
    if (!code)
        code = sqlite_add_check_functions(sqlite);
    if (!code)
        code = sqlite_prepare_statements(sqlite);
    return code;
}

static void sqlite_close(lesson_store_instance *instance) {
    sqlite_store *sqlite = sqlite_of(instance);
    sqlite_finalize_statements(sqlite);
    sqlite3_close(sqlite->database);
    free(sqlite);
}

/* Every instance of a pool must open the same file, even if the process has changed its directory since the first. */
static sqlite_store *make_instance(const lesson_store_location *location) {
    const char *path = lesson_store_location_path(location);
    const char *directory = lesson_store_location_directory(location);
    bool in_memory = strcmp(path, ":memory:") == 0;
    bool relative = !in_memory && path[0] != '/';
    size_t size = strlen(path) + (relative ? strlen(directory) + 1 : 0) + 1;
    sqlite_store *sqlite = calloc(1, sizeof *sqlite + size);
    if (!sqlite)
        return NULL;
    snprintf(sqlite->path, size, "%s%s%s", relative ? directory : "", relative ? "/" : "", path);
    sqlite->in_memory = in_memory;
    sqlite->busy_timeout_ms = lesson_store_location_number(location, "busy_timeout_ms");
    sqlite->base.capabilities = LESSON_STORE_CAN_KEEP_SESSIONS;
    if (!in_memory)
        sqlite->base.capabilities |= LESSON_STORE_CAN_SHARE | LESSON_STORE_CAN_PERSIST;
    return sqlite;
}

static int sqlite_open(lesson_store_instance **out, const lesson_store_location *location) {
    int code = check_location(location);
    if (code)
        return code;
    if (!sqlite3_threadsafe())
        return lesson_store_fail(LESSON_STORE_UNSUPPORTED, "sqlite: this SQLite was built without threads");
    sqlite_store *sqlite = make_instance(location);
    if (!sqlite)
        return lesson_store_fail(LESSON_STORE_NO_MEMORY, "sqlite: no memory for an instance");
    code = connect(sqlite, location);
    if (code) {
        sqlite_close(&sqlite->base);
        return code;
    }
    *out = &sqlite->base;
    return LESSON_STORE_OK;
}

/* ---- Information */

/* Reports the single value that an SQL text returns. */
static int report_value(sqlite_store *sqlite, const char *name, const char *text, lesson_store_info_callback callback,
                        void *context) {
    sqlite3_stmt *statement = NULL;
    int code = LESSON_STORE_OK;
    int result = sqlite_ask_text(sqlite, text, &statement);
    if (result == SQLITE_ROW)
        callback(name, (const char *)sqlite3_column_text(statement, 0), context);
    else
        code = sqlite_fail(sqlite, result);
    sqlite3_finalize(statement);
    return code;
}

static int sqlite_info(lesson_store_instance *instance, lesson_store_info_callback callback, void *context) {
    static const struct {
        const char *name;
        const char *text;
    } values[] = {
        {"journal_mode", "PRAGMA journal_mode"},
        {"page_size", "PRAGMA page_size"},
        {"page_count", "PRAGMA page_count"},
        {"freelist_count", "PRAGMA freelist_count"},
    };
    sqlite_store *sqlite = sqlite_of(instance);
    char engine[32], version[16];
    snprintf(engine, sizeof engine, "SQLite %s", sqlite3_libversion());
    snprintf(version, sizeof version, "%d", sqlite_schema_version());
    callback("engine", engine, context);
    callback("path", sqlite->in_memory ? sqlite->path : sqlite3_db_filename(sqlite->database, "main"), context);
    callback("schema_version", version, context);
    int code = LESSON_STORE_OK;
    for (size_t i = 0; !code && i < sizeof values / sizeof *values; i++)
        code = report_value(sqlite, values[i].name, values[i].text, callback, context);
    return code;
}

const lesson_store_backend lesson_store__sqlite_backend = {
    .size = sizeof(lesson_store_backend),
    .schemes = "sqlite",
    .summary = "one SQLite file, shared by the processes of one machine",
    .operations = LESSON_STORE_OPERATIONS_0_1,
    .flags = LESSON_STORE_FLAGS_0_1,
    .options = options,
    .default_pool = 4,
    .open = sqlite_open,
    .close = sqlite_close,
    .run = sqlite_run,
    .members = sqlite_members,
    .lessons = sqlite_lessons,
    .users = sqlite_users,
    .check = sqlite_check,
    .info = sqlite_info,
    .members_page = sqlite_members_page,
    .lessons_page = sqlite_lessons_page,
    .users_page = sqlite_users_page,
};
