/* What the files of the sqlite backend share. */
#ifndef LESSON_STORE_SQLITE_H
#define LESSON_STORE_SQLITE_H

#include <limits.h>
#include <sys/stat.h>

#include <sqlite3.h>

#include <lessonstore/backend.h>

/* ---- statements.c: the SQL of the operations and lists, prepared once for each instance.
 *
 * X(NAME, TEXT). Ids are the parameters from ?1 on. */
#define SQLITE_RECORD "course_status, chat_status, lessons.course_id, capacity"
#define SQLITE_NEW_RECORD "(lesson_id, course_id, course_status, chat_status, capacity) VALUES(?1, ?2, ?3, ?4, ?5)"
#define SQLITE_STATEMENT_MAP(X)                                                                                   \
    X(BEGIN_READ, "BEGIN")                                                                                        \
    X(BEGIN_WRITE, "BEGIN IMMEDIATE")                                                                             \
    X(COMMIT, "COMMIT")                                                                                           \
    X(ROLLBACK, "ROLLBACK")                                                                                       \
    X(ADD_LESSON, "INSERT INTO lessons" SQLITE_NEW_RECORD)                                                        \
    X(RESET_LESSON,                                                                                               \
      "INSERT INTO lessons" SQLITE_NEW_RECORD " ON CONFLICT(lesson_id) DO UPDATE SET"                             \
      " course_status = excluded.course_status, chat_status = excluded.chat_status,"                              \
      " course_id = ifnull(excluded.course_id, course_id), capacity = ifnull(excluded.capacity, capacity)")       \
    X(SET_LESSON, "UPDATE lessons SET course_status = ?2, chat_status = ?3, capacity = ?4 WHERE lesson_id = ?1")  \
    X(REMOVE_LESSON, "DELETE FROM lessons WHERE lesson_id = ?1")                                                  \
    X(FIND_LESSON, "SELECT " SQLITE_RECORD " FROM lessons WHERE lesson_id = ?1")                                  \
    X(DESCRIBE_LESSON, "SELECT " SQLITE_RECORD ", lessons.lesson_id IS NOT NULL,"                                 \
                       " (SELECT count(*) FROM users WHERE users.lesson_id = ?1)"                                 \
                       " FROM (SELECT 1) LEFT JOIN lessons ON lessons.lesson_id = ?1")                            \
    X(FIND_USER, "SELECT course_id, lesson_id, session, owner, joined_ms FROM users WHERE uid = ?1")              \
    X(ADD_USER,                                                                                                   \
      "INSERT INTO users(uid, course_id, lesson_id, session, owner, joined_ms) VALUES(?1, ?2, ?3, ?4, ?5, ?6)")   \
    X(MOVE_USER,                                                                                                  \
      "UPDATE users SET course_id = ?2, lesson_id = ?3, session = ?4, owner = ?5, joined_ms = ?6 WHERE uid = ?1") \
    X(ADD_UNOWNED, "INSERT INTO users(uid, course_id, lesson_id, session) VALUES(?1, ?2, ?3, ?4)")                \
    X(MOVE_UNOWNED, "UPDATE users SET course_id = ?2, lesson_id = ?3, session = ?4 WHERE uid = ?1")               \
    X(REMOVE_USER, "DELETE FROM users WHERE uid = ?1")                                                            \
    X(REMOVE_MEMBERS, "DELETE FROM users WHERE lesson_id = ?1")                                                   \
    X(COUNT_MEMBERS, "SELECT count(*) FROM users WHERE lesson_id = ?1")                                           \
    X(LIST_MEMBERS, "SELECT uid FROM users WHERE lesson_id = ?1")                                                 \
    X(PAGE_MEMBERS, "SELECT uid FROM users WHERE lesson_id = ?1 AND uid >= ?2 AND (uid > ?2 OR NOT ?3)"           \
                    " ORDER BY uid LIMIT ?4")                                                                     \
    X(PAGE_LESSONS, "SELECT lesson_id, " SQLITE_RECORD ", 1,"                                                     \
                    " (SELECT count(*) FROM users WHERE users.lesson_id = lessons.lesson_id) FROM lessons"        \
                    " WHERE lesson_id >= ?2 AND (lesson_id > ?2 OR NOT ?3)"                                       \
                    " UNION ALL SELECT lesson_id, NULL, NULL, NULL, NULL, 0, count(*) FROM users"                 \
                    " WHERE lesson_id >= ?2 AND (lesson_id > ?2 OR NOT ?3) GROUP BY lesson_id"                    \
                    " HAVING NOT EXISTS (SELECT 1 FROM lessons WHERE lessons.lesson_id = users.lesson_id)"        \
                    " ORDER BY 1 LIMIT ?4")                                                                       \
    X(FIND_LESSONS, "SELECT lesson_id, " SQLITE_RECORD ", 1,"                                                     \
                    " (SELECT count(*) FROM users WHERE users.lesson_id = lessons.lesson_id) FROM lessons"        \
                    " WHERE lesson_id >= ?2 AND (lesson_id > ?2 OR NOT ?3) AND (?5 IS NULL OR course_id = ?5)"    \
                    " AND (?6 IS NULL OR course_status = ?6) AND (?7 IS NULL OR chat_status = ?7)"                \
                    " ORDER BY lesson_id LIMIT ?4")                                                               \
    X(PAGE_USERS, "SELECT uid, course_id, lesson_id, session, owner, joined_ms FROM users"                        \
                  " WHERE uid >= ?2 AND (uid > ?2 OR NOT ?3) ORDER BY uid LIMIT ?4")                              \
    X(FIND_OWNER, "SELECT is_over FROM owners WHERE owner = ?1")                                                  \
    X(LATEST_SWEEP, "SELECT ended_ms FROM sweeps WHERE gap = -1")                                                 \
    X(HOLD, "INSERT INTO owners(owner, lease_ms, until_ms, is_over) VALUES(?1, ?2, ?3, 0)"                        \
            " ON CONFLICT(owner) DO UPDATE SET lease_ms = ?2, until_ms = ?3")                                     \
    X(HAS_LESSON, "SELECT 1 FROM lessons WHERE lesson_id = ?1")                                                   \
    X(FIND_BAN, "SELECT 1 FROM bans WHERE lesson_id = ?1 AND uid = ?2 AND until_ms > ?3")                         \
    X(BAN, "INSERT INTO bans(lesson_id, uid, until_ms) VALUES(?1, ?2, ?3)"                                        \
           " ON CONFLICT(lesson_id, uid) DO UPDATE SET until_ms = ?3")                                            \
    X(UNBAN, "DELETE FROM bans WHERE lesson_id = ?1 AND uid = ?2")                                                \
    X(FORGET_BANS, "DELETE FROM bans WHERE lesson_id = ?1 AND until_ms <= ?2")                                    \
    X(REMOVE_BANS, "DELETE FROM bans WHERE lesson_id = ?1")                                                       \
    X(LIST_BANS, "SELECT uid, until_ms FROM bans WHERE lesson_id = ?1 AND uid > ?2 AND until_ms > ?3"             \
                 " AND EXISTS (SELECT 1 FROM lessons WHERE lessons.lesson_id = ?1) ORDER BY uid")                 \
    X(FIND_FEED, "SELECT kept, incarnation FROM feed")                                                            \
    X(ADD_EVENT, "INSERT INTO events(lesson_id, uid, course_id, from_lesson_id, session, owner, at_ms, kind,"     \
                 " cause, course_status, chat_status, capacity, count)"                                           \
                 " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)")                               \
    X(TRIM_EVENTS, "DELETE FROM events WHERE number <= ?1")                                                       \
    X(FIND_EVENT, "SELECT at_ms FROM events WHERE number = ?1")                                                   \
    X(PAGE_EVENTS, "SELECT number, at_ms, kind, cause, lesson_id, uid, course_id, from_lesson_id, session,"       \
                   " owner, course_status, chat_status, capacity, count FROM events"                              \
                   " WHERE number > ?1 ORDER BY number LIMIT ?2")

typedef enum sqlite_statement {
#define SQLITE_STATEMENT_ENUM(name, text) STATEMENT_##name,
    SQLITE_STATEMENT_MAP(SQLITE_STATEMENT_ENUM)
#undef SQLITE_STATEMENT_ENUM
        STATEMENT_COUNT
} sqlite_statement;

/* How the file is used. READ: beside programs that write, by the shared index of their log. READ_ALONE: no program has
 * it open, so without locks, and nothing is created beside the file. */
typedef enum sqlite_mode { SQLITE_MODE_WRITE, SQLITE_MODE_READ, SQLITE_MODE_READ_ALONE } sqlite_mode;

typedef struct sqlite_identity {
    bool is_there;
    dev_t device;
    ino_t inode;
} sqlite_identity;

/* Differs if a file was changed. */
typedef struct sqlite_mark {
    int64_t device, inode, size, seconds, nanoseconds;
} sqlite_mark;
enum { SQLITE_MARKS = 3 /* the file, its log, and the index of the log */ };

typedef struct sqlite_wait {
    int64_t patience_us; /* after which a lock is BUSY */
    int64_t waited_us;
    int64_t ask_again_us;
    int64_t age;        /* stated to the others; 0: none */
    int64_t passed_age; /* for which the latest call made way */
    int passed;         /* calls in a row before it that made way for the same age */
    bool is_for_turn;   /* it waits for the write lock, to begin a transaction */
} sqlite_wait;

typedef struct sqlite_store {
    lesson_store_instance base;
    lesson_store_observer *observer;
    sqlite3 *database; /* NULL if the file could not be opened again */
    sqlite_mode mode;
    const char *read_only_because; /* NULL: it can be written */
    /* The options. */
    int64_t busy_timeout_ms;
    int64_t checkpoint_pages; /* of 4 KiB */
    int64_t cache_kib;
    int64_t max_pages; /* of 4 KiB */
    char synchronous[8];
    bool may_create;
    bool wants_to_read;
    bool in_memory;
    int64_t events_kept; /* as the latest transaction that writes found it; 0: none */
    int64_t events_incarnation;
    bool failed; /* the engine failed since the batch began, so the batch must be rolled back */
    sqlite_wait wait;
    int log; /* a descriptor of the log for its size and for locks of ours, or -1. SQLite has no locks there */
    int64_t page_size;
    int64_t long_at; /* pages in the log at which a checkpoint waits for readers */
    int64_t trim_again_us;
    sqlite_identity file, log_file, index_file; /* those that were opened */
    size_t note;                                /* of inherited.c, from 1; 0: none */
    int64_t look_again_us;                      /* when a reading call looks again whether they are in their places */
    sqlite_mark stamp[SQLITE_MARKS];            /* of SQLITE_MODE_READ_ALONE: what was opened */
    char log_name[PATH_MAX + 8];
    char index_name[PATH_MAX + 8];
    sqlite3_stmt *statements[STATEMENT_COUNT];
    char path[]; /* absolute, or :memory: */
} sqlite_store;

static inline sqlite_store *sqlite_of(lesson_store_instance *instance) {
    return (sqlite_store *)instance;
}

/* Sets the message of a failure of the engine, sets `failed`, and returns the code. */
int sqlite_fail(sqlite_store *sqlite, int result);

int sqlite_prepare_statements(sqlite_store *sqlite);
void sqlite_finalize_statements(sqlite_store *sqlite);

/* Binds ids to the parameters from ?1 on and makes the first step: SQLITE_ROW, SQLITE_DONE or an error. The ids must
 * stay valid until the statement is reset. The caller resets it in any case, also after an error. */
int sqlite_start(sqlite_store *sqlite, sqlite_statement statement, const lesson_store_id *ids, size_t id_count);

static inline void sqlite_finish(sqlite_store *sqlite, sqlite_statement statement) {
    sqlite3_reset(sqlite->statements[statement]);
}

/* Runs a statement that returns no rows to its end. */
int sqlite_execute(sqlite_store *sqlite, sqlite_statement statement, const lesson_store_id *ids, size_t id_count);

/* Runs a statement for its first row: OK, or NOT_FOUND if there is none. */
int sqlite_find(sqlite_store *sqlite, sqlite_statement statement, const lesson_store_id *ids, size_t id_count);

/* Begins a transaction. A writing one takes the write lock. It is READ_ONLY if the file can only be read, and
 * UNREACHABLE if the path no longer leads to the file that was opened, because nobody would find what it wrote. */
int sqlite_begin(sqlite_store *sqlite, bool writes);

/* Commits the open transaction. UNKNOWN if a writing transaction failed and may still have been committed. */
int sqlite_commit(sqlite_store *sqlite, bool writes);

/* Rolls back the open transaction, if there is one. If memory is lacking even for that, it stays open. */
void sqlite_roll_back(sqlite_store *sqlite);

/* Begins a use of the instance. First rolls back a transaction that an earlier use had to leave open, because nobody
 * must see it. UNREACHABLE if the path leads to another file than the one that was opened. */
int sqlite_enter(sqlite_store *sqlite);

/* SQL that is not worth keeping prepared. The first runs it. The second prepares it and makes the first step:
 * SQLITE_ROW, SQLITE_DONE or an error. The caller finalizes `*out` in any case. */
int sqlite_execute_text(sqlite_store *sqlite, const char *text);
int sqlite_ask_text(sqlite_store *sqlite, const char *text, sqlite3_stmt **out);

/* Read columns. False if the value is malformed. Ids are borrowed until the next step. */
bool sqlite_read_id(sqlite3_stmt *statement, int column, lesson_store_id *out);
bool sqlite_read_optional_id(sqlite3_stmt *statement, int column, lesson_store_id *out);

/* Reads course_id, lesson_id, session, owner and joined_ms, from `column` on. */
bool sqlite_read_place(sqlite3_stmt *statement, int column, lesson_store_user *out);

/* Reads SQLITE_RECORD, from `column` on. An invalid status becomes LESSON_STORE_STATUS_NONE, and any other invalid
 * value as if it was not given. */
#define SQLITE_RECORD_COLUMNS 4
bool sqlite_read_record(sqlite3_stmt *statement, int column, lesson_store_lesson *out);

/* Shows a value to a person: an id as it is, other values as SQL literals, cut to one line. */
#define SQLITE_SHOWN_SIZE (LESSON_STORE_ID_MAX + 1)
void sqlite_show_value(char out[SQLITE_SHOWN_SIZE], int type, const void *bytes, int size);

/* The malformed rows that a list passes over: their number, and a description of the first. */
typedef struct sqlite_malformed {
    uint64_t count;
    char first[SQLITE_SHOWN_SIZE + 64];
} sqlite_malformed;

/* Notes the current row, whose key is the first column. `what` names the row. */
void sqlite_note_malformed(sqlite_malformed *malformed, sqlite3_stmt *row, const char *what);

/* The code at the end of a list: MALFORMED if a row was noted. */
int sqlite_report_malformed(const sqlite_store *sqlite, const sqlite_malformed *malformed);

/* ---- schema.c */

/* Creates, upgrades or refuses the content of the file, and sets WAL mode. */
int sqlite_settle_schema(sqlite_store *sqlite);
int sqlite_schema_version(void);

/* Everything else in a schema makes the file another one than ours: an index, a CHECK or a generated column slows a
 * join down or refuses it, a collation makes ids equal that are not. SQLite keeps the text of each object as it was
 * written, and ALTER TABLE edits that text, so that the texts of a version are always the same. The last columns
 * are the first and the last schema version that have the object. */
#define SQLITE_OWN_OBJECTS                                                                                             \
    "(VALUES('table', 'lessons', 'lessons', 'CREATE TABLE lessons(lesson_id TEXT PRIMARY KEY, course_status INTEGER,"  \
    " chat_status INTEGER) WITHOUT ROWID', 1, 2),"                                                                     \
    " ('table', 'lessons', 'lessons', 'CREATE TABLE lessons(lesson_id TEXT PRIMARY KEY, course_status INTEGER,"        \
    " chat_status INTEGER, course_id TEXT, capacity INTEGER) WITHOUT ROWID', 3, 3),"                                   \
    " ('table', 'users', 'users', 'CREATE TABLE users(uid TEXT PRIMARY KEY, course_id TEXT NOT NULL,"                  \
    " lesson_id TEXT NOT NULL) WITHOUT ROWID', 1, 1),"                                                                 \
    " ('table', 'users', 'users', 'CREATE TABLE users(uid TEXT PRIMARY KEY, course_id TEXT NOT NULL,"                  \
    " lesson_id TEXT NOT NULL, session TEXT) WITHOUT ROWID', 2, 2),"                                                   \
    " ('table', 'users', 'users', 'CREATE TABLE users(uid TEXT PRIMARY KEY, course_id TEXT NOT NULL,"                  \
    " lesson_id TEXT NOT NULL, session TEXT, owner TEXT, joined_ms INTEGER) WITHOUT ROWID', 3, 3),"                    \
    " ('table', 'owners', 'owners', 'CREATE TABLE owners(owner TEXT PRIMARY KEY, lease_ms INTEGER NOT NULL,"           \
    " until_ms INTEGER NOT NULL, is_over INTEGER NOT NULL) WITHOUT ROWID', 3, 3),"                                     \
    " ('table', 'sweeps', 'sweeps', 'CREATE TABLE sweeps(gap INTEGER PRIMARY KEY, ended_ms INTEGER NOT NULL)', 3, 3)," \
    " ('table', 'bans', 'bans', 'CREATE TABLE bans(lesson_id TEXT NOT NULL, uid TEXT NOT NULL,"                        \
    " until_ms INTEGER NOT NULL, PRIMARY KEY(lesson_id, uid)) WITHOUT ROWID', 3, 3),"                                  \
    " ('table', 'feed', 'feed', 'CREATE TABLE feed(incarnation INTEGER NOT NULL, kept INTEGER NOT NULL)', 3, 3),"      \
    " ('table', 'events', 'events', 'CREATE TABLE events(number INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL,"          \
    " kind INTEGER NOT NULL, cause INTEGER NOT NULL, lesson_id TEXT, uid TEXT, course_id TEXT, from_lesson_id TEXT,"   \
    " session TEXT, owner TEXT, course_status INTEGER, chat_status INTEGER, capacity INTEGER, count INTEGER)', 3, 3)," \
    " ('index', 'users_by_lesson', 'users', 'CREATE INDEX users_by_lesson ON users(lesson_id)', 1, 3),"                \
    " ('index', 'users_by_owner', 'users', 'CREATE INDEX users_by_owner ON users(owner) WHERE owner IS NOT NULL', 3, " \
    "3),"                                                                                                              \
    " ('index', 'sqlite_autoindex_lessons_1', 'lessons', NULL, 1, 3),"                                                 \
    " ('index', 'sqlite_autoindex_users_1', 'users', NULL, 1, 3),"                                                     \
    " ('index', 'sqlite_autoindex_owners_1', 'owners', NULL, 3, 3),"                                                   \
    " ('index', 'sqlite_autoindex_bans_1', 'bans', NULL, 3, 3))"

/* The objects in the schema that this library did not create. */
#define SQLITE_FOREIGN_OBJECTS                                                              \
    " FROM main.sqlite_master WHERE NOT EXISTS (SELECT 1 FROM " SQLITE_OWN_OBJECTS          \
    " WHERE column1 IS type AND column2 IS name AND column3 IS tbl_name AND column4 IS sql" \
    " AND (SELECT user_version FROM pragma_user_version) BETWEEN column5 AND column6)"

/* ---- file.c */

#define SQLITE_LOG_ENDING "-wal"
#define SQLITE_INDEX_ENDING "-shm"

/* Opens the file and chooses the mode. Later instances take the mode of the first one. */
int sqlite_open_file(sqlite_store *sqlite, bool is_first);

/* ---- inherited.c */

/* UNSUPPORTED if the parent of a forked process had the file of this name open. */
int sqlite_refuse_inherited(const sqlite_store *sqlite, const char *name);

/* Before SQLite is used: fork() leaves none of its locks locked in the child. */
void sqlite_prepare_forks(void);

/* After the file was opened, and before it is closed. */
void sqlite_note_open(sqlite_store *sqlite);
void sqlite_note_close(sqlite_store *sqlite);

/* ---- sqlite.c */

/* Opens the file anew, after another program has changed it in SQLITE_MODE_READ_ALONE. */
int sqlite_connect_again(sqlite_store *sqlite);

/* ---- identity.c */

/* The facts of the file with this name and ending; no links if there is none. */
struct stat sqlite_facts_of(const char *name, const char *ending);

/* Both belong to opening. Before anything is written, the file must be that of the first instance. */
int sqlite_identify_file(sqlite_store *sqlite, const sqlite_store *first);
int sqlite_identify_log(sqlite_store *sqlite);

/* UNREACHABLE if the file, its log or the index of the log is not the one that was opened. The first looks if it has
 * not for some milliseconds. The second leaves out what takes long: a log that was renamed, which the first finds. */
int sqlite_look_at_times(sqlite_store *sqlite);
int sqlite_look_before_writing(const sqlite_store *sqlite);
int sqlite_look_now(const sqlite_store *sqlite);

/* Before closing. */
void sqlite_keep_log_of_others(sqlite_store *sqlite);

/* In SQLITE_MODE_READ_ALONE: what is opened, whether it has changed since then, and after reading the code of the read,
 * or BUSY if it was changed meanwhile. */
void sqlite_stamp(const char *name, sqlite_mark out[SQLITE_MARKS]);
bool sqlite_was_changed(const sqlite_store *sqlite);
int sqlite_confirm(const sqlite_store *sqlite, int code);

/* ---- wait.c */

void sqlite_wait_for_locks(sqlite_store *sqlite);

/* Begins a writing transaction when it is this call's turn. */
int sqlite_take_turn(sqlite_store *sqlite);

/* ---- log.c */

/* The number of pages of the file that take as much as these of 4 KiB; at least 1. */
int64_t sqlite_pages_of(const sqlite_store *sqlite, int64_t pages_of_4_kib);
int sqlite_find_page_size(sqlite_store *sqlite);

/* Keeps the log to twice its usual size, as far as the readers allow. */
int sqlite_bound_log(sqlite_store *sqlite);

/* After a long read: cuts the log off if it has become long. */
void sqlite_trim_log(sqlite_store *sqlite);

/* Before a long read: waits until a long log has been cut off, but not for ever. */
void sqlite_await_short_log(sqlite_store *sqlite);

/* ---- operations.c, streams.c, check.c, owners.c, bans.c, feed.c: the functions of the backend's table */

int sqlite_run(lesson_store_instance *instance, lesson_store_operation *operations, size_t count);
int sqlite_members(lesson_store_instance *instance, const lesson_store_id *lesson_id,
                   lesson_store_member_callback callback, void *context);
int sqlite_lessons(lesson_store_instance *instance, lesson_store_lesson_callback callback, void *context);
int sqlite_users(lesson_store_instance *instance, lesson_store_user_callback callback, void *context);
int sqlite_members_page(lesson_store_instance *instance, const lesson_store_id *lesson_id, size_t most,
                        lesson_store_position *position, lesson_store_member_callback callback, void *context);
int sqlite_lessons_page(lesson_store_instance *instance, size_t most, lesson_store_position *position,
                        lesson_store_lesson_callback callback, void *context);
int sqlite_find_lessons(lesson_store_instance *instance, const lesson_store_lesson_filter *filter,
                        lesson_store_lesson_callback callback, void *context);
int sqlite_find_lessons_page(lesson_store_instance *instance, const lesson_store_lesson_filter *filter, size_t most,
                             lesson_store_position *position, lesson_store_lesson_callback callback, void *context);
int sqlite_users_page(lesson_store_instance *instance, size_t most, lesson_store_position *position,
                      lesson_store_user_callback callback, void *context);
int sqlite_check(lesson_store_instance *instance, uint32_t flags, lesson_store_finding_callback callback,
                 void *context);
int sqlite_sweep(lesson_store_instance *instance, const lesson_store_id *dropped, lesson_store_user_callback callback,
                 void *context);
int sqlite_owners(lesson_store_instance *instance, lesson_store_owner_callback callback, void *context);
int sqlite_bans(lesson_store_instance *instance, const lesson_store_id *lesson_id,
                lesson_store_banned_callback callback, void *context);
int sqlite_events(lesson_store_instance *instance, lesson_store_event_position *position, size_t most, int64_t wait_ms,
                  lesson_store_event_taker take, void *context);

/* ---- feed.c */

/* In a transaction: finds how many events the store keeps, 0 for none. Each one that writes does this first. */
int sqlite_find_feed(sqlite_store *sqlite);

/* In a transaction that writes: adds the event of a change, if the store keeps events. */
int sqlite_add_event(sqlite_store *sqlite, const lesson_store_event *event);
int sqlite_add_quit_event(sqlite_store *sqlite, lesson_store_id uid, lesson_store_id lesson_id,
                          lesson_store_cause cause);

/* The store keeps so many events from now on, 0 for none. */
int sqlite_turn_feed(sqlite_store *sqlite, int64_t kept);

/* ---- streams.c */

/* The failure that breaks a list off. */
int sqlite_fail_reading(sqlite_store *sqlite, int result);

/* ---- owners.c */

/* In a transaction that writes. The second is NOT_FOUND or CONFLICT (it is over) if the owner cannot have users. */
int sqlite_hold(sqlite_store *sqlite, const lesson_store_operation *hold);
int sqlite_find_holder(sqlite_store *sqlite, lesson_store_id owner);

/* ---- bans.c */

/* Puts a ban, or lifts it. */
int sqlite_put_ban(sqlite_store *sqlite, const lesson_store_operation *ban);

/* OK: the user is banned from this lesson, or was. NOT_FOUND: not. */
int sqlite_find_ban(sqlite_store *sqlite, const lesson_store_operation *join);

/* The SQL functions that check's statements use. */
int sqlite_add_check_functions(sqlite_store *sqlite);

#endif
