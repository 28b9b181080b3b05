/* Finding and opening the file, to write or to read. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sqlite.h"

enum { NAME_SIZE = PATH_MAX + LESSON_STORE_LOCATION_MAX };

/* ---- Names */

/* SQLite follows links before it names the other files. Returns an errno if there is no such file. */
static int resolve(const sqlite_store *sqlite, char out[NAME_SIZE]) {
    char resolved[PATH_MAX];
    bool is_there = realpath(sqlite->path, resolved);
    int error = is_there ? 0 : errno;
    snprintf(out, NAME_SIZE, "%s", is_there ? resolved : sqlite->path);
    return error;
}

static bool may(const char *name, const char *ending, int mode) {
    char full[NAME_SIZE + 16];
    snprintf(full, sizeof full, "%s%s", name, ending);
    return faccessat(AT_FDCWD, full, mode, AT_EACCESS) == 0;
}

static bool may_in_directory_of(const char *name, int mode) {
    const char *slash = strrchr(name, '/');
    char directory[NAME_SIZE];
    snprintf(directory, sizeof directory, "%.*s", slash ? (int)(slash - name + 1) : 1, slash ? name : ".");
    return may(directory, "", mode);
}

/* ---- Whether it can be opened and written */

/* A file that is gone by now is no reason: another process may have closed the log meanwhile, and removed it. */
static bool may_not_write(const char *name, const char *ending) {
    return !may(name, ending, W_OK) && errno != ENOENT;
}

/* NULL if it can be written. */
static const char *find_reason_not_to_write(const char *name) {
    if (may_not_write(name, ""))
        return "the file cannot be written";
    if (may_not_write(name, SQLITE_LOG_ENDING) || may_not_write(name, SQLITE_INDEX_ENDING))
        return "its log cannot be written";
    bool has_both = may(name, SQLITE_LOG_ENDING, F_OK) && may(name, SQLITE_INDEX_ENDING, F_OK);
    return has_both || may_in_directory_of(name, W_OK) ? NULL : "no log can be created in its directory";
}

/* SQLite reports only that it could not open a file. This finds the reason. */
static int explain_missing(const sqlite_store *sqlite, const char *name, int error) {
    const char *path = sqlite->path;
    if (error == EACCES)
        return lesson_store_fail(LESSON_STORE_DENIED, "%s: its directory cannot be searched", path);
    if (error == ENOENT && (!sqlite->may_create || sqlite->wants_to_read))
        return lesson_store_fail(LESSON_STORE_UNREACHABLE, "%s: there is no such file, and %s", path,
                                 sqlite->wants_to_read ? "mode=ro" : "create=no");
    if (may_in_directory_of(name, F_OK) && !may_in_directory_of(name, W_OK))
        return lesson_store_fail(LESSON_STORE_READ_ONLY, "%s: cannot be created, because its directory is read-only",
                                 path);
    return lesson_store_fail(LESSON_STORE_UNREACHABLE, "%s: cannot be created: %s", path, strerror(error));
}

static int explain_cantopen(const sqlite_store *sqlite, int error) {
    char name[NAME_SIZE];
    int missing = resolve(sqlite, name);
    if (error == EMFILE || error == ENFILE)
        return lesson_store_fail(LESSON_STORE_UNREACHABLE, "%s: no descriptor is left: %s", sqlite->path,
                                 strerror(error));
    if (error == EDQUOT || error == ENOSPC)
        return lesson_store_fail(LESSON_STORE_FULL, "%s: cannot be created: %s", sqlite->path, strerror(error));
    if (missing)
        return explain_missing(sqlite, name, missing);
    return lesson_store_fail(may(name, "", R_OK) ? LESSON_STORE_UNREACHABLE : LESSON_STORE_DENIED,
                             "%s: cannot be opened", sqlite->path);
}

/* ---- Whether others find the same log */

#ifndef STATX_ATTR_MOUNT_ROOT
#define STATX_ATTR_MOUNT_ROOT 0x00002000
#endif

/* Only since Linux 5.8. Before, it looks as if nothing was mounted. */
static bool is_mounted_alone(const char *name) {
    struct statx facts;
    return statx(AT_FDCWD, name, 0, STATX_TYPE, &facts) == 0 && facts.stx_attributes & STATX_ATTR_MOUNT_ROOT;
}

/* The log is found by the name of the file. If the file has two names, there can be two logs. */
static int judge_names(const sqlite_store *sqlite, const char *name) {
    struct stat facts = sqlite_facts_of(name, "");
    if (!sqlite->wants_to_read && is_mounted_alone(name))
        return lesson_store_fail(
            LESSON_STORE_UNSUPPORTED,
            "%s: is mounted without its directory, so that its log would not be seen outside; mount"
            " the directory",
            sqlite->path);
    if (!sqlite->read_only_because && facts.st_nlink > 1)
        return lesson_store_fail(LESSON_STORE_UNSUPPORTED,
                                 "%s: has %llu names (hard links), and each would have a log of its own", sqlite->path,
                                 (unsigned long long)facts.st_nlink);
    return LESSON_STORE_OK;
}

/* ---- Opening */

static int open_with(sqlite_store *sqlite, const char *name, int flags, const char *vfs) {
    errno = 0;
    int result = sqlite3_open_v2(name, &sqlite->database, flags | SQLITE_OPEN_NOMUTEX, vfs);
    if (!sqlite->database)
        return lesson_store_fail(LESSON_STORE_NO_MEMORY, "%s: no memory for a connection", sqlite->path);
    if ((result & 0xff) == SQLITE_CANTOPEN)
        return explain_cantopen(sqlite, errno);
    if (result != SQLITE_OK)
        return sqlite_fail(sqlite, result);
    sqlite3_extended_result_codes(sqlite->database, 1);
    return LESSON_STORE_OK;
}

static bool is_plain(char byte) {
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') ||
           (byte && strchr("/._-", byte));
}

/* The URI says that nobody changes the file. Then SQLite takes no lock, and looks for no log. */
static void write_uri(char *out, size_t room, const char *name) {
    size_t used = (size_t)snprintf(out, room, "file:");
    for (; *name && used + 4 < room; name++)
        used += (size_t)snprintf(out + used, room - used, is_plain(*name) ? "%c" : "%%%02X", (unsigned char)*name);
    snprintf(out + used, room - used, "?immutable=1");
}

/* Nothing is created beside the file: it would keep the owner of the file from writing. A log that no program has open
 * is read without its shared index, which would be such a file. For that SQLite must believe that it is alone. */
static int open_alone(sqlite_store *sqlite, const char *name) {
    if (sqlite_facts_of(name, "-journal").st_size > 0)
        return lesson_store_fail(LESSON_STORE_READ_ONLY,
                                 "%s: has a rollback journal, which must be applied first; open it where it can be"
                                 " written",
                                 sqlite->path);
    if (sqlite_facts_of(name, SQLITE_LOG_ENDING).st_size == 0) {
        char uri[3 * NAME_SIZE + 32];
        write_uri(uri, sizeof uri, name);
        return open_with(sqlite, uri, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, NULL);
    }
    int code = open_with(sqlite, name, SQLITE_OPEN_READONLY, "unix-none");
    return code ? code : sqlite_execute_text(sqlite, "PRAGMA locking_mode = EXCLUSIVE");
}

static int open_to_read(sqlite_store *sqlite, const char *name) {
    bool is_shared = may(name, SQLITE_LOG_ENDING, F_OK) && may(name, SQLITE_INDEX_ENDING, F_OK);
    sqlite->mode = is_shared ? SQLITE_MODE_READ : SQLITE_MODE_READ_ALONE;
    sqlite_stamp(name, sqlite->stamp);
    int code = is_shared ? open_with(sqlite, name, SQLITE_OPEN_READONLY, NULL) : open_alone(sqlite, name);
    /* It cannot copy the log into the file, so it must not remove the log either. */
    if (!code)
        sqlite3_db_config(sqlite->database, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    return code;
}

static int open_to_write(sqlite_store *sqlite) {
    int code =
        open_with(sqlite, sqlite->path, SQLITE_OPEN_READWRITE | (sqlite->may_create ? SQLITE_OPEN_CREATE : 0), NULL);
    /* SQLite opens a file for reading only if it may not write to it, and it could until now. */
    if (!code && sqlite3_db_readonly(sqlite->database, "main") == 1)
        return lesson_store_fail(LESSON_STORE_READ_ONLY, "%s: is read-only", sqlite->path);
    return code;
}

/* An attacker can hand us a file with triggers or views in it. Our schema has none, so they are switched off. */
static void switch_off_programs(sqlite3 *database) {
    sqlite3_db_config(database, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
    sqlite3_db_config(database, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
    sqlite3_db_config(database, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    sqlite3_db_config(database, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
}

/* Of the first instance. The others open the file in the same way. */
static int choose_mode(sqlite_store *sqlite, const char *name, bool is_first) {
    if (sqlite_facts_of(name, "").st_nlink == 0)
        return LESSON_STORE_OK;
    if (S_ISDIR(sqlite_facts_of(name, "").st_mode))
        return lesson_store_fail(LESSON_STORE_INVALID, "%s: is a directory", sqlite->path);
    if (!is_first)
        return LESSON_STORE_OK;
    sqlite->read_only_because = sqlite->wants_to_read ? "mode=ro" : find_reason_not_to_write(name);
    return judge_names(sqlite, name);
}

int sqlite_open_file(sqlite_store *sqlite, bool is_first) {
    char name[NAME_SIZE];
    int code = LESSON_STORE_OK;
    int missing = sqlite->in_memory ? 0 : resolve(sqlite, name);
    if (!sqlite->in_memory)
        code = sqlite_refuse_inherited(sqlite, name);
    if (!code && !sqlite->in_memory)
        code = choose_mode(sqlite, name, is_first);
    if (!code && missing && sqlite->wants_to_read)
        code = explain_missing(sqlite, name, missing);
    if (!code)
        code = sqlite->read_only_because ? open_to_read(sqlite, name) : open_to_write(sqlite);
    if (code)
        return code;
    sqlite_note_open(sqlite);
    switch_off_programs(sqlite->database);
    sqlite_wait_for_locks(sqlite);
    return LESSON_STORE_OK;
}
