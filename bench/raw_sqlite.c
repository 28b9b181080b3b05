#include "raw_sqlite.h"

#include <sqlite3.h>
#include <stdlib.h>

#include "measure.h"

typedef enum statement { BEGIN_WRITE, BEGIN_READ, COMMIT, FIND, ADD, MOVE, LIST, STATEMENT_COUNT } statement;

static const char *const texts[STATEMENT_COUNT] = {
    [BEGIN_WRITE] = "BEGIN IMMEDIATE",
    [BEGIN_READ] = "BEGIN",
    [COMMIT] = "COMMIT",
    [FIND] = "SELECT course_id, lesson_id, session FROM users WHERE uid = ?1",
    [ADD] = "INSERT INTO users(uid, course_id, lesson_id) VALUES(?1, ?2, ?3)",
    [MOVE] = "UPDATE users SET course_id = ?2, lesson_id = ?3, session = NULL WHERE uid = ?1",
    [LIST] = "SELECT uid FROM users WHERE lesson_id = ?1",
};

struct raw_sqlite {
    sqlite3 *database;
    sqlite3_stmt *statements[STATEMENT_COUNT];
};

static void must_be(sqlite3 *database, int result, int wanted) {
    measure_must(result == wanted, "sqlite: %s", sqlite3_errmsg(database));
}

static sqlite3 *open_database(const char *path) {
    sqlite3 *database = NULL;
    must_be(database, sqlite3_open_v2(path, &database, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL), SQLITE_OK);
    sqlite3_busy_timeout(database, 5000);
    return database;
}

raw_sqlite *raw_sqlite_open(const char *path, const char *pragmas) {
    raw_sqlite *raw = calloc(1, sizeof *raw);
    measure_must(raw, "no memory for a connection");
    raw->database = open_database(path);
    must_be(raw->database, sqlite3_exec(raw->database, pragmas, NULL, NULL, NULL), SQLITE_OK);
    for (int i = 0; i < STATEMENT_COUNT; i++)
        must_be(raw->database,
                sqlite3_prepare_v3(raw->database, texts[i], -1, SQLITE_PREPARE_PERSISTENT, &raw->statements[i], NULL),
                SQLITE_OK);
    return raw;
}

void raw_sqlite_close(raw_sqlite *raw) {
    for (int i = 0; i < STATEMENT_COUNT; i++)
        sqlite3_finalize(raw->statements[i]);
    sqlite3_close(raw->database);
    free(raw);
}

void raw_sqlite_execute(const char *path, const char *sql) {
    sqlite3 *database = open_database(path);
    must_be(database, sqlite3_exec(database, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(database);
}

static void bind(raw_sqlite *raw, statement which, int parameter, lesson_store_id id) {
    must_be(raw->database, sqlite3_bind_text(raw->statements[which], parameter, id.data, (int)id.size, SQLITE_STATIC),
            SQLITE_OK);
}

static void finish(raw_sqlite *raw, statement which) {
    must_be(raw->database, sqlite3_step(raw->statements[which]), SQLITE_DONE);
    sqlite3_reset(raw->statements[which]);
}

static bool find(raw_sqlite *raw, lesson_store_id uid) {
    bind(raw, FIND, 1, uid);
    int result = sqlite3_step(raw->statements[FIND]);
    measure_must(result == SQLITE_ROW || result == SQLITE_DONE, "sqlite: %s", sqlite3_errmsg(raw->database));
    return result == SQLITE_ROW;
}

/* Valid until the statement is reset. */
static lesson_store_id read_text(raw_sqlite *raw, statement which, int column) {
    const unsigned char *text = sqlite3_column_text(raw->statements[which], column);
    return (lesson_store_id){(const char *)text, (size_t)sqlite3_column_bytes(raw->statements[which], column)};
}

/* ---- Joining */

/* Returns NEW, MOVED or ALREADY_THERE, as the library does. */
static lesson_store_arrival find_arrival(raw_sqlite *raw, const workload_join *join) {
    lesson_store_arrival arrival = LESSON_STORE_ARRIVAL_NEW;
    if (find(raw, join->uid)) {
        lesson_store_id before = read_text(raw, FIND, 1);
        bool same = before.size == join->lesson_id.size && memcmp(before.data, join->lesson_id.data, before.size) == 0;
        arrival = same ? LESSON_STORE_ARRIVAL_ALREADY_THERE : LESSON_STORE_ARRIVAL_MOVED;
    }
    sqlite3_reset(raw->statements[FIND]);
    return arrival;
}

static bool join_one(raw_sqlite *raw, const workload_join *join) {
    lesson_store_arrival arrival = find_arrival(raw, join);
    if (arrival == LESSON_STORE_ARRIVAL_ALREADY_THERE)
        return false;
    statement put = arrival == LESSON_STORE_ARRIVAL_NEW ? ADD : MOVE;
    bind(raw, put, 1, join->uid);
    bind(raw, put, 2, join->course_id);
    bind(raw, put, 3, join->lesson_id);
    finish(raw, put);
    return arrival == LESSON_STORE_ARRIVAL_MOVED;
}

size_t raw_sqlite_join(raw_sqlite *raw, const workload_join *joins, size_t count) {
    size_t moved = 0;
    finish(raw, BEGIN_WRITE);
    for (size_t i = 0; i < count; i++)
        moved += join_one(raw, &joins[i]);
    finish(raw, COMMIT);
    return moved;
}

/* ---- Asking */

static void copy_text(char *out, lesson_store_id text) {
    if (text.size)
        memcpy(out, text.data, text.size);
    out[text.size] = '\0';
}

bool raw_sqlite_where(raw_sqlite *raw, lesson_store_id uid, lesson_store_place *place) {
    bool found = find(raw, uid);
    if (found) {
        copy_text(place->course_id, read_text(raw, FIND, 0));
        copy_text(place->lesson_id, read_text(raw, FIND, 1));
        copy_text(place->session, read_text(raw, FIND, 2));
    }
    sqlite3_reset(raw->statements[FIND]);
    return found;
}

size_t raw_sqlite_where_all(raw_sqlite *raw, const lesson_store_id *uids, size_t count) {
    lesson_store_place place;
    size_t found = 0;
    finish(raw, BEGIN_READ);
    for (size_t i = 0; i < count; i++)
        found += raw_sqlite_where(raw, uids[i], &place);
    finish(raw, COMMIT);
    return found;
}

size_t raw_sqlite_members(raw_sqlite *raw, lesson_store_id lesson_id) {
    size_t sum = 0;
    int result;
    bind(raw, LIST, 1, lesson_id);
    while ((result = sqlite3_step(raw->statements[LIST])) == SQLITE_ROW)
        sum += read_text(raw, LIST, 0).size;
    must_be(raw->database, result, SQLITE_DONE);
    sqlite3_reset(raw->statements[LIST]);
    return sum;
}
