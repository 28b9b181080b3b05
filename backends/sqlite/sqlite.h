/* What the files of the sqlite backend share. */
#ifndef LESSON_STORE_SQLITE_H
#define LESSON_STORE_SQLITE_H

#include <sys/types.h>

#include <sqlite3.h>

#include <lessonstore/backend.h>

/* ---- statements.c: the SQL of the operations and lists, prepared once for each instance.
 *
 * X(NAME, TEXT). Ids are the parameters from ?1 on. 3 and 0 are Waiting and Free, which create writes. */
#define SQLITE_STATEMENT_MAP(X)                                                                             \
    X(BEGIN_READ, "BEGIN")                                                                                  \
    X(BEGIN_WRITE, "BEGIN IMMEDIATE")                                                                       \
    X(COMMIT, "COMMIT")                                                                                     \
    X(ROLLBACK, "ROLLBACK")                                                                                 \
    X(ADD_LESSON, "INSERT INTO lessons(lesson_id, course_status, chat_status) VALUES(?1, 3, 0)"             \
                  " ON CONFLICT(lesson_id) DO NOTHING")                                                     \
    X(RESET_LESSON, "INSERT INTO lessons(lesson_id, course_status, chat_status) VALUES(?1, 3, 0)"           \
                    " ON CONFLICT(lesson_id) DO UPDATE SET course_status = 3, chat_status = 0")             \
    X(SET_LESSON, "UPDATE lessons SET course_status = ?2, chat_status = ?3 WHERE lesson_id = ?1")           \
    X(REMOVE_LESSON, "DELETE FROM lessons WHERE lesson_id = ?1")                                            \
    X(FIND_LESSON, "SELECT course_status, chat_status FROM lessons WHERE lesson_id = ?1")                   \
    X(DESCRIBE_LESSON, "SELECT course_status, chat_status, lessons.lesson_id IS NOT NULL,"                  \
                       " (SELECT count(*) FROM users WHERE users.lesson_id = ?1)"                           \
                       " FROM (SELECT 1) LEFT JOIN lessons ON lessons.lesson_id = ?1")                      \
    X(FIND_USER, "SELECT course_id, lesson_id, session FROM users WHERE uid = ?1")                          \
    X(ADD_USER, "INSERT INTO users(uid, course_id, lesson_id, session) VALUES(?1, ?2, ?3, ?4)")             \
    X(MOVE_USER, "UPDATE users SET course_id = ?2, lesson_id = ?3, session = ?4 WHERE uid = ?1")            \
    X(REMOVE_USER, "DELETE FROM users WHERE uid = ?1")                                                      \
    X(REMOVE_MEMBERS, "DELETE FROM users WHERE lesson_id = ?1")                                             \
    X(COUNT_MEMBERS, "SELECT count(*) FROM users WHERE lesson_id = ?1")                                     \
    X(LIST_MEMBERS, "SELECT uid FROM users WHERE lesson_id = ?1")                                           \
    X(LIST_LESSONS, "SELECT lesson_id, course_status, chat_status, 1,"                                      \
                    " (SELECT count(*) FROM users WHERE users.lesson_id = lessons.lesson_id) FROM lessons"  \
                    " UNION ALL SELECT lesson_id, NULL, NULL, 0, count(*) FROM users GROUP BY lesson_id"    \
                    " HAVING NOT EXISTS (SELECT 1 FROM lessons WHERE lessons.lesson_id = users.lesson_id)") \
    X(LIST_USERS, "SELECT uid, course_id, lesson_id, session FROM users")                                   \
    X(PAGE_MEMBERS, "SELECT uid FROM users WHERE lesson_id = ?1 AND uid >= ?2 AND (uid > ?2 OR NOT ?3)"     \
                    " ORDER BY uid LIMIT ?4")                                                               \
    X(PAGE_LESSONS, "SELECT lesson_id, course_status, chat_status, 1,"                                      \
                    " (SELECT count(*) FROM users WHERE users.lesson_id = lessons.lesson_id) FROM lessons"  \
                    " WHERE lesson_id >= ?2 AND (lesson_id > ?2 OR NOT ?3)"                                 \
                    " UNION ALL SELECT lesson_id, NULL, NULL, 0, count(*) FROM users"                       \
                    " WHERE lesson_id >= ?2 AND (lesson_id > ?2 OR NOT ?3) GROUP BY lesson_id"              \
                    " HAVING NOT EXISTS (SELECT 1 FROM lessons WHERE lessons.lesson_id = users.lesson_id)"  \
                    " ORDER BY 1 LIMIT ?4")                                                                 \
    X(PAGE_USERS, "SELECT uid, course_id, lesson_id, session FROM users"                                    \
                  " WHERE uid >= ?2 AND (uid > ?2 OR NOT ?3) ORDER BY uid LIMIT ?4")

typedef enum sqlite_statement {
#define SQLITE_STATEMENT_ENUM(name, text) STATEMENT_##name,
    SQLITE_STATEMENT_MAP(SQLITE_STATEMENT_ENUM)
#undef SQLITE_STATEMENT_ENUM
        STATEMENT_COUNT
} sqlite_statement;

typedef struct sqlite_store {
    lesson_store_instance base;
    sqlite3 *database;
    int64_t busy_timeout_ms;
    bool in_memory;
    dev_t device; /* with the inode: identifies the file that was opened */
    ino_t inode;
    bool failed; /* the engine failed since the batch began, so the batch must be rolled back */
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

/* Begins a transaction. A writing one takes the write lock. If the path no longer leads to the file that was opened, a
 * writing transaction is UNREACHABLE, because nobody would find what it wrote. */
int sqlite_begin(sqlite_store *sqlite, bool writes);

/* Commits the open transaction. UNKNOWN if a writing transaction failed and may still have been committed. */
int sqlite_commit(sqlite_store *sqlite, bool writes);

/* Rolls back the open transaction, if there is one. If memory is lacking even for that, it stays open. */
void sqlite_roll_back(sqlite_store *sqlite);

/* Begins a use of the instance. First rolls back a transaction that an earlier use had to leave open, because nobody
 * must see it. */
int sqlite_enter(sqlite_store *sqlite);

/* SQL that is not worth keeping prepared. The first runs it. The second prepares it and makes the first step:
 * SQLITE_ROW, SQLITE_DONE or an error. The caller finalizes `*out` in any case. */
int sqlite_execute_text(sqlite_store *sqlite, const char *text);
int sqlite_ask_text(sqlite_store *sqlite, const char *text, sqlite3_stmt **out);

/* Read columns. False if the value is malformed. Ids are borrowed until the next step. */
bool sqlite_read_id(sqlite3_stmt *statement, int column, lesson_store_id *out);
bool sqlite_read_optional_id(sqlite3_stmt *statement, int column, lesson_store_id *out);

/* Reads course_id, lesson_id and session, from `column` on. */
bool sqlite_read_place(sqlite3_stmt *statement, int column, lesson_store_user *out);

/* Reads course_status and chat_status, from `column` on. An invalid status becomes LESSON_STORE_STATUS_NONE. */
bool sqlite_read_statuses(sqlite3_stmt *statement, int column, lesson_store_lesson *out);

/* Shows a value to a person: an id as it is, other values as SQL literals, cut to one line. */
#define SQLITE_SHOWN_SIZE (LESSON_STORE_ID_MAX + 1)
void sqlite_show_value(char out[SQLITE_SHOWN_SIZE], int type, const void *bytes, int size);

/* ---- schema.c */

/* Creates, upgrades or refuses the content of the file, and sets WAL mode. */
int sqlite_settle_schema(sqlite_store *sqlite);
int sqlite_schema_version(void);

/* Everything else in a schema makes the file another one than ours: an index, a CHECK or a generated column slows a
 * join down or refuses it, a collation makes ids equal that are not. SQLite keeps the text of each object as it was
 * written, and ALTER TABLE edits that text, so that the texts of a version are always the same. */
#define SQLITE_OWN_OBJECTS                                                                                            \
    "(VALUES('table', 'lessons', 'lessons', 'CREATE TABLE lessons(lesson_id TEXT PRIMARY KEY, course_status INTEGER," \
    " chat_status INTEGER) WITHOUT ROWID'),"                                                                          \
    " ('table', 'users', 'users', 'CREATE TABLE users(uid TEXT PRIMARY KEY, course_id TEXT NOT NULL,"                 \
    " lesson_id TEXT NOT NULL) WITHOUT ROWID'),"                                                                      \
    " ('table', 'users', 'users', 'CREATE TABLE users(uid TEXT PRIMARY KEY, course_id TEXT NOT NULL,"                 \
    " lesson_id TEXT NOT NULL, session TEXT) WITHOUT ROWID'),"                                                        \
    " ('index', 'users_by_lesson', 'users', 'CREATE INDEX users_by_lesson ON users(lesson_id)'),"                     \
    " ('index', 'sqlite_autoindex_lessons_1', 'lessons', NULL),"                                                      \
    " ('index', 'sqlite_autoindex_users_1', 'users', NULL))"

/* The objects in the schema that this library did not create. */
#define SQLITE_FOREIGN_OBJECTS                                                     \
    " FROM main.sqlite_master WHERE NOT EXISTS (SELECT 1 FROM " SQLITE_OWN_OBJECTS \
    " WHERE column1 IS type AND column2 IS name AND column3 IS tbl_name AND column4 IS sql)"

/* ---- operations.c, streams.c, check.c: the functions of the backend's table */

int sqlite_run(lesson_store_instance *instance, lesson_store_operation *operations, size_t count);
int sqlite_members(lesson_store_instance *instance, const lesson_store_id *lesson_id,
                   lesson_store_member_callback callback, void *context);
int sqlite_lessons(lesson_store_instance *instance, lesson_store_lesson_callback callback, void *context);
int sqlite_users(lesson_store_instance *instance, lesson_store_user_callback callback, void *context);
int sqlite_members_page(lesson_store_instance *instance, const lesson_store_id *lesson_id, size_t most,
                        lesson_store_position *position, lesson_store_member_callback callback, void *context);
int sqlite_lessons_page(lesson_store_instance *instance, size_t most, lesson_store_position *position,
                        lesson_store_lesson_callback callback, void *context);
int sqlite_users_page(lesson_store_instance *instance, size_t most, lesson_store_position *position,
                      lesson_store_user_callback callback, void *context);
int sqlite_check(lesson_store_instance *instance, uint32_t flags, lesson_store_finding_callback callback,
                 void *context);

/* The SQL functions that check's statements use. */
int sqlite_add_check_functions(sqlite_store *sqlite);

#endif
