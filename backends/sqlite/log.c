/* The write-ahead log and its size.
 *
 * SQLite's own checkpoint never waits. If lists overlap, there is always one that still needs the log, so that the log
 * never begins anew and grows without end; and its file never becomes smaller. So where the log has grown to a multiple
 * of its usual size, a checkpoint here waits until the lists of that moment have been read, and cuts the file off.
 * Lists that begin meanwhile do not need the log. */
#include <inttypes.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sqlite.h"

enum {
    LOG_IS_LONG = 2,      /* times the pages from which on it is copied */
    PATIENCE_US = 100000, /* with the readers, at a commit */
    PATIENCE_AT_END_US = 20000,
    FRAME_SIZE = 4096 + 24, /* a page in the log */
    LOG_HEADER_SIZE = 32,
    TRIM_AGAIN_US = 1000000,
};

static int64_t usual_size(const sqlite_store *sqlite) {
    return (int64_t)sqlite->checkpoint_pages * FRAME_SIZE + LOG_HEADER_SIZE;
}

/* True if the log was cut off. A failure of the disk stays in the log: the next commit or checkpoint meets it. */
static bool cut_off(sqlite_store *sqlite, int64_t patience_us) {
    int64_t usual_us = sqlite->wait.patience_us;
    sqlite->wait.patience_us = patience_us < usual_us ? patience_us : usual_us;
    int result = sqlite3_wal_checkpoint_v2(sqlite->database, "main", SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    sqlite->wait.patience_us = usual_us;
    return result == SQLITE_OK;
}

/* Called by SQLite after each commit, with the length of the log. */
static int after_commit(void *context, sqlite3 *database, const char *name, int pages) {
    sqlite_store *sqlite = context;
    if (pages < sqlite->checkpoint_pages) {
        sqlite->long_at = LOG_IS_LONG * sqlite->checkpoint_pages;
    } else if (pages < sqlite->long_at) {
        sqlite3_wal_checkpoint_v2(database, name, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    } else {
        bool is_cut = cut_off(sqlite, PATIENCE_US);
        sqlite->long_at = is_cut ? LOG_IS_LONG * sqlite->checkpoint_pages : pages + sqlite->checkpoint_pages;
    }
    return SQLITE_OK;
}

void sqlite_trim_log(sqlite_store *sqlite) {
    struct stat facts;
    if (sqlite->log < 0 || fstat(sqlite->log, &facts) != 0 || facts.st_size <= LOG_IS_LONG * usual_size(sqlite))
        return;
    int64_t now_us = lesson_store_monotonic_us();
    if (now_us < sqlite->trim_again_us)
        return;
    sqlite->trim_again_us = now_us + TRIM_AGAIN_US;
    cut_off(sqlite, PATIENCE_AT_END_US);
}

int sqlite_bound_log(sqlite_store *sqlite) {
    char text[64];
    sqlite->long_at = LOG_IS_LONG * sqlite->checkpoint_pages;
    sqlite3_wal_hook(sqlite->database, after_commit, sqlite);
    snprintf(text, sizeof text, "PRAGMA journal_size_limit = %" PRId64, usual_size(sqlite));
    return sqlite_execute_text(sqlite, text);
}
