/* Opening and closing a database, its options, and facts about it. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "sqlite.h"

extern const lesson_store_backend lesson_store__sqlite_backend;

#define EVENTS_POLL_MS 10 /* for those of other processes */

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
     .summary = "pages of 4 KiB in the write-ahead log before they are copied into the file",
     .number_default = 10000,
     .minimum = 1,
     .maximum = 1000000},
    {.name = "mode",
     .summary = "rw: also writes, where the file can be written; ro: only reads, and creates nothing",
     .choices = "rw|ro",
     .text_default = "rw"},
    {.name = "create", .summary = "whether a missing file is created", .choices = "yes|no", .text_default = "yes"},
    {.name = "cache_kib",
     .summary = "the most memory for pages, in each instance",
     .number_default = 8192,
     .minimum = 64,
     .maximum = 4194304},
    {.name = "max_pages",
     .summary = "the largest size of the file in pages of 4 KiB before FULL; 0: as large as the disk allows",
     .number_default = 0,
     .minimum = 0,
     .maximum = 4294967294},
    {.name = "feed",
     .summary = "the events that the file keeps from now on, for all programs; 0: none",
     .minimum = 0,
     .maximum = LESSON_STORE_FEED_KEPT_MAX},
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

/* A pragma takes no parameters, so its text is built here, from numbers only. Temporary tables and the like are kept in
 * memory, because there may be no directory that can be written. */
static int apply_numbers(sqlite_store *sqlite) {
    char text[256];
    snprintf(text, sizeof text,
             "PRAGMA cache_size = -%" PRId64 "; PRAGMA max_page_count = %" PRId64 "; PRAGMA temp_store = 2",
             sqlite->cache_kib, sqlite->max_pages > 0 ? sqlite_pages_of(sqlite, sqlite->max_pages) : 0);
    return sqlite_execute_text(sqlite, text);
}

static int apply_synchronous(sqlite_store *sqlite, const char *choice) {
    if (strcmp(choice, "full") == 0)
        return sqlite_execute_text(sqlite, "PRAGMA synchronous = FULL");
    if (strcmp(choice, "off") == 0)
        return sqlite_execute_text(sqlite, "PRAGMA synchronous = OFF");
    return sqlite_execute_text(sqlite, "PRAGMA synchronous = NORMAL");
}

static int settle(sqlite_store *sqlite) {
    int code = apply_synchronous(sqlite, sqlite->synchronous);
    if (!code)
        code = sqlite_find_page_size(sqlite);
    if (!code)
        code = apply_numbers(sqlite);
    if (!code)
        code = sqlite_bound_log(sqlite);
    if (!code)
        code = sqlite_add_check_functions(sqlite);
    if (!code)
        code = sqlite_prepare_statements(sqlite);
    return code;
}

/* Until the schema is settled, the file may belong to another program. So nothing else comes before that. */
static int connect(sqlite_store *sqlite, const sqlite_store *first) {
    int code = sqlite_open_file(sqlite, !first);
    if (!code)
        code = sqlite_identify_file(sqlite, first);
    if (!code)
        code = sqlite_settle_schema(sqlite);
    if (!code)
        code = sqlite_identify_log(sqlite);
    return code ? code : settle(sqlite);
}

static void disconnect(sqlite_store *sqlite) {
    sqlite_finalize_statements(sqlite);
    sqlite_keep_log_of_others(sqlite);
    if (sqlite->log >= 0)
        close(sqlite->log);
    sqlite3_close(sqlite->database);
    sqlite_note_close(sqlite);
    sqlite->log = -1;
    sqlite->database = NULL;
}

int sqlite_connect_again(sqlite_store *sqlite) {
    disconnect(sqlite);
    int code = connect(sqlite, sqlite);
    if (code)
        disconnect(sqlite);
    return code;
}

static void sqlite_close(lesson_store_instance *instance) {
    sqlite_store *sqlite = sqlite_of(instance);
    disconnect(sqlite);
    free(sqlite);
}

static void read_options(sqlite_store *sqlite, const lesson_store_location *location, const sqlite_store *first) {
    sqlite->observer = lesson_store_location_observer(location);
    sqlite->busy_timeout_ms = lesson_store_location_number(location, "busy_timeout_ms");
    sqlite->checkpoint_pages = lesson_store_location_number(location, "wal_autocheckpoint_pages");
    sqlite->cache_kib = lesson_store_location_number(location, "cache_kib");
    sqlite->max_pages = lesson_store_location_number(location, "max_pages");
    snprintf(sqlite->synchronous, sizeof sqlite->synchronous, "%s",
             lesson_store_location_text(location, "synchronous"));
    sqlite->may_create = !first && strcmp(lesson_store_location_text(location, "create"), "yes") == 0;
    sqlite->wants_to_read = !sqlite->in_memory && strcmp(lesson_store_location_text(location, "mode"), "ro") == 0;
    sqlite->read_only_because = first ? first->read_only_because : NULL;
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
    sqlite->log = -1;
    sqlite->base.capabilities = LESSON_STORE_CAN_KEEP_SESSIONS | LESSON_STORE_CAN_ADMIT;
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
    sqlite_prepare_forks();
    sqlite_store *sqlite = make_instance(location);
    if (!sqlite)
        return lesson_store_fail(LESSON_STORE_NO_MEMORY, "sqlite: no memory for an instance");
    const sqlite_store *first = (const sqlite_store *)lesson_store_location_first(location);
    read_options(sqlite, location, first);
    sqlite->base.events_poll_ms = sqlite->in_memory ? 1000 : EVENTS_POLL_MS;
    if (!sqlite->in_memory)
        sqlite->base.call_timeout_ms = (uint64_t)sqlite->busy_timeout_ms;
    code = connect(sqlite, first);
    if (!code && !first && lesson_store_location_has(location, "feed"))
        code = sqlite_turn_feed(sqlite, lesson_store_location_number(location, "feed"));
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
    int code = sqlite_enter(sqlite);
    if (code)
        return code;
    char engine[32], version[16], mode[80] = "rw";
    snprintf(engine, sizeof engine, "SQLite %s", sqlite3_libversion());
    snprintf(version, sizeof version, "%d", sqlite_schema_version());
    callback("engine", engine, context);
    callback("path", sqlite->in_memory ? sqlite->path : sqlite3_db_filename(sqlite->database, "main"), context);
    if (sqlite->read_only_because)
        snprintf(mode, sizeof mode, "ro (%s)", sqlite->read_only_because);
    callback("mode", mode, context);
    callback("schema_version", version, context);
    for (size_t i = 0; !code && i < sizeof values / sizeof *values; i++)
        code = report_value(sqlite, values[i].name, values[i].text, callback, context);
    return code;
}

const lesson_store_backend lesson_store__sqlite_backend = {
    .size = sizeof(lesson_store_backend),
    .schemes = "sqlite",
    .summary = "one SQLite file, shared by the processes of one machine",
    .operations = LESSON_STORE_OPERATIONS_0_2,
    .flags = LESSON_STORE_FLAGS_0_2,
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
    .sweep = sqlite_sweep,
    .owners = sqlite_owners,
    .bans = sqlite_bans,
    .find_lessons = sqlite_find_lessons,
    .find_lessons_page = sqlite_find_lessons_page,
    .events = sqlite_events,
};
