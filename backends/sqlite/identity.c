/* Whether the file, its log and the shared index of the log are still those that were opened.
 *
 * SQLite opens each of them by its name once. If a link is turned, a directory moved or a file removed afterwards, it
 * goes on with what it has open, and others open what has the name now. What is written then is lost, or never seen. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "sqlite.h"

#define LOOK_AGAIN_US 10000 /* how often each instance looks at all names: a look takes as long as half a read */

static struct stat facts_of(const char *name) {
    struct stat facts;
    if (stat(name, &facts) != 0)
        facts = (struct stat){.st_nlink = 0};
    return facts;
}

struct stat sqlite_facts_of(const char *name, const char *ending) {
    char full[2 * PATH_MAX];
    snprintf(full, sizeof full, "%s%s", name, ending);
    return facts_of(full);
}

/* ---- What was opened */

static sqlite_identity look_at(const char *name) {
    struct stat facts = facts_of(name);
    return (sqlite_identity){.is_there = facts.st_nlink > 0, .device = facts.st_dev, .inode = facts.st_ino};
}

static bool is_same(sqlite_identity one, sqlite_identity other) {
    return one.is_there == other.is_there && one.device == other.device && one.inode == other.inode;
}

static int fail_replaced(const sqlite_store *sqlite, const char *what) {
    return lesson_store_fail(LESSON_STORE_UNREACHABLE,
                             "%s: %s that was opened is no longer in its place, so that others would not see what is"
                             " written; open the store again",
                             sqlite->path, what);
}

static int compare_file(const sqlite_store *sqlite) {
    return is_same(look_at(sqlite->path), sqlite->file) ? LESSON_STORE_OK : fail_replaced(sqlite, "the file");
}

/* By its descriptor, which takes a third of the time. It does not show that the log has another name now. */
static bool is_log_removed(const sqlite_store *sqlite) {
    struct stat facts;
    return fstat(sqlite->log, &facts) != 0 || facts.st_nlink == 0;
}

static int compare_log(const sqlite_store *sqlite, bool by_name) {
    if (by_name ? !is_same(look_at(sqlite->log_name), sqlite->log_file) : is_log_removed(sqlite))
        return fail_replaced(sqlite, "the log (-wal)");
    return is_same(look_at(sqlite->index_name), sqlite->index_file)
               ? LESSON_STORE_OK
               : fail_replaced(sqlite, "the index (-shm) of the log");
}

/* ---- Opening */

int sqlite_identify_file(sqlite_store *sqlite, const sqlite_store *first) {
    int moved = 0;
    if (sqlite->in_memory)
        return LESSON_STORE_OK;
    sqlite3_file_control(sqlite->database, "main", SQLITE_FCNTL_HAS_MOVED, &moved);
    if (!first)
        sqlite->file = look_at(sqlite->path);
    else if (first != sqlite)
        sqlite->file = first->file;
    if (moved || !sqlite->file.is_there)
        return fail_replaced(sqlite, "the file");
    int code = compare_file(sqlite);
    return code || !first || first->read_only_because ? code : compare_log(first, true);
}

/* If another store of this process has the file open, and its log was removed, SQLite uses the index of that store in
 * memory with a new log that does not belong to it. */
static bool lacks_index(const sqlite_store *sqlite) {
    const sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);
    return !sqlite->index_file.is_there && strcmp(vfs->zName, "unix") == 0;
}

int sqlite_identify_log(sqlite_store *sqlite) {
    if (sqlite->in_memory || sqlite->mode == SQLITE_MODE_READ_ALONE)
        return LESSON_STORE_OK;
    /* The first read opens the log. */
    int code = sqlite_execute_text(sqlite, "SELECT count(*) FROM main.sqlite_master");
    if (code)
        return code;
    const char *name = sqlite3_db_filename(sqlite->database, "main");
    snprintf(sqlite->log_name, sizeof sqlite->log_name, "%s" SQLITE_LOG_ENDING, name);
    snprintf(sqlite->index_name, sizeof sqlite->index_name, "%s" SQLITE_INDEX_ENDING, name);
    sqlite->log_file = look_at(sqlite->log_name);
    sqlite->index_file = look_at(sqlite->index_name);
    if (lacks_index(sqlite))
        return fail_replaced(sqlite, "the index (-shm) of the log");
    sqlite->log = open(sqlite->log_name, O_RDONLY | O_CLOEXEC);
    /* After some failures of the disk, SQLite reports that the file has a log although it has none. */
    if (sqlite->log < 0)
        return lesson_store_fail(errno == ENOENT ? LESSON_STORE_FAILED : LESSON_STORE_UNREACHABLE,
                                 "%s: its log cannot be opened: %s", sqlite->path, strerror(errno));
    return LESSON_STORE_OK;
}

/* ---- Calls */

static int look(const sqlite_store *sqlite, bool by_name) {
    if (sqlite->in_memory)
        return LESSON_STORE_OK;
    int code = compare_file(sqlite);
    return code || sqlite->mode == SQLITE_MODE_READ_ALONE ? code : compare_log(sqlite, by_name);
}

int sqlite_look_before_writing(const sqlite_store *sqlite) {
    return look(sqlite, false);
}

int sqlite_look_at_times(sqlite_store *sqlite) {
    int64_t now_us = lesson_store_monotonic_us();
    if (now_us < sqlite->look_again_us)
        return LESSON_STORE_OK;
    int code = look(sqlite, true);
    if (!code)
        sqlite->look_again_us = now_us + LOOK_AGAIN_US;
    return code;
}

int sqlite_look_now(const sqlite_store *sqlite) {
    return look(sqlite, true);
}

/* The log that this connection has open may be copied into the file if no other has its name. If one has, others wrote
 * to that one, and SQLite would overwrite what they wrote and remove their log. */
void sqlite_keep_log_of_others(sqlite_store *sqlite) {
    if (sqlite->log < 0)
        return;
    sqlite_identity log = look_at(sqlite->log_name), index = look_at(sqlite->index_name);
    if ((log.is_there && !is_same(log, sqlite->log_file)) || (index.is_there && !is_same(index, sqlite->index_file)))
        sqlite3_db_config(sqlite->database, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
}

/* ---- A file that is read without locks */

static void mark(sqlite_mark *out, const char *name, const char *ending) {
    struct stat facts = sqlite_facts_of(name, ending);
    *out = (sqlite_mark){.device = (int64_t)facts.st_dev,
                         .inode = (int64_t)facts.st_ino,
                         .size = facts.st_size,
                         .seconds = facts.st_mtim.tv_sec,
                         .nanoseconds = facts.st_mtim.tv_nsec};
}

void sqlite_stamp(const char *name, sqlite_mark out[SQLITE_MARKS]) {
    static const char *const endings[SQLITE_MARKS] = {"", SQLITE_LOG_ENDING, SQLITE_INDEX_ENDING};
    for (int i = 0; i < SQLITE_MARKS; i++)
        mark(&out[i], name, endings[i]);
}

bool sqlite_was_changed(const sqlite_store *sqlite) {
    sqlite_mark now[SQLITE_MARKS];
    if (sqlite->mode != SQLITE_MODE_READ_ALONE)
        return false;
    memset(now, 0, sizeof now);
    sqlite_stamp(sqlite3_db_filename(sqlite->database, "main"), now);
    return memcmp(now, sqlite->stamp, sizeof now) != 0;
}

int sqlite_confirm(const sqlite_store *sqlite, int code) {
    if (!sqlite_was_changed(sqlite))
        return code;
    return lesson_store_fail(LESSON_STORE_BUSY, "%s: another program changed the file while it was read", sqlite->path);
}
