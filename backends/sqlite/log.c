/* The write-ahead log and its size.
 *
 * SQLite's own checkpoint never waits. If lists overlap, there is always one that still needs the log, so that the log
 * never begins anew and grows without end; and its file never becomes smaller. So where the log has grown to a multiple
 * of its usual size, a checkpoint here waits until the lists of that moment have been read, and cuts the file off.
 * Lists that begin meanwhile do not need the log.
 *
 * A check reads for longer than a commit can wait. If checks of several processes overlap, no commit finds a moment
 * without one. So before a check begins, it waits until a long log has been cut off. */
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
    PAGE_OF_OPTIONS = 4096,
    FRAME_HEADER_SIZE = 24, /* before each page in the log */
    LOG_HEADER_SIZE = 32,
    TRIM_AGAIN_US = 1000000,
    LONGEST_AWAIT_US = 2000000, /* before a check */
    AWAIT_PAUSE_US = 10000,
    LOOKS_PER_TRY = 10,
};

int64_t sqlite_pages_of(const sqlite_store *sqlite, int64_t pages_of_4_kib) {
    int64_t pages = pages_of_4_kib * PAGE_OF_OPTIONS / sqlite->page_size;
    return pages > 0 ? pages : 1;
}

int sqlite_find_page_size(sqlite_store *sqlite) {
    sqlite3_stmt *pragma = NULL;
    int result = sqlite_ask_text(sqlite, "PRAGMA main.page_size", &pragma);
    int code = result == SQLITE_ROW ? LESSON_STORE_OK : sqlite_fail(sqlite, result);
    sqlite->page_size = code ? PAGE_OF_OPTIONS : sqlite3_column_int64(pragma, 0);
    sqlite3_finalize(pragma);
    return code;
}

static int64_t usual_pages(const sqlite_store *sqlite) {
    return sqlite_pages_of(sqlite, sqlite->checkpoint_pages);
}

static int64_t usual_size(const sqlite_store *sqlite) {
    return usual_pages(sqlite) * (sqlite->page_size + FRAME_HEADER_SIZE) + LOG_HEADER_SIZE;
}

static bool is_long(const sqlite_store *sqlite) {
    struct stat facts;
    return sqlite->log >= 0 && fstat(sqlite->log, &facts) == 0 && facts.st_size > LOG_IS_LONG * usual_size(sqlite);
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
    int64_t usual = usual_pages(sqlite);
    if (pages < usual) {
        sqlite->long_at = LOG_IS_LONG * usual;
    } else if (pages < sqlite->long_at) {
        sqlite3_wal_checkpoint_v2(database, name, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    } else {
        bool is_cut = cut_off(sqlite, PATIENCE_US);
        sqlite->long_at = is_cut ? LOG_IS_LONG * usual : pages + usual;
    }
    return SQLITE_OK;
}

void sqlite_trim_log(sqlite_store *sqlite) {
    if (!is_long(sqlite))
        return;
    int64_t now_us = lesson_store_monotonic_us();
    if (now_us < sqlite->trim_again_us)
        return;
    sqlite->trim_again_us = now_us + TRIM_AGAIN_US;
    cut_off(sqlite, PATIENCE_AT_END_US);
}

/* No lock is held during the pauses. cut_off holds the write lock, so it is tried only now and then: another process
 * may cut the log off as well. */
void sqlite_await_short_log(sqlite_store *sqlite) {
    int64_t patience_us = sqlite->wait.patience_us < LONGEST_AWAIT_US ? sqlite->wait.patience_us : LONGEST_AWAIT_US;
    int64_t end_us = lesson_store_monotonic_us() + patience_us;
    for (int i = 0; is_long(sqlite) && lesson_store_monotonic_us() < end_us; i++) {
        if (i % LOOKS_PER_TRY == 0 && !sqlite->read_only_because && cut_off(sqlite, PATIENCE_AT_END_US))
            return;
        sqlite3_sleep(AWAIT_PAUSE_US / 1000);
    }
}

int sqlite_bound_log(sqlite_store *sqlite) {
    char text[64];
    sqlite->long_at = LOG_IS_LONG * usual_pages(sqlite);
    sqlite3_wal_hook(sqlite->database, after_commit, sqlite);
    snprintf(text, sizeof text, "PRAGMA journal_size_limit = %" PRId64, usual_size(sqlite));
    return sqlite_execute_text(sqlite, text);
}
