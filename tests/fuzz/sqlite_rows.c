/*
 * Rows that others have written: any values of any type in the tables of a valid database. Reads answer or return
 * MALFORMED, and never return an invalid id or status. Writes leave what they do not understand. Repair repairs what it
 * reports as repaired.
 *
 * The input is rows: l (a lesson, three values) or u (a user, four). A value is a byte for its type (n null, i a number
 * of one digit, r a real, t text, b blob), followed for the last three by the bytes up to a newline.
 */
#include <stdlib.h>

#include "answers.h"
#include "backends/sqlite/sqlite.h"
#include "core/core.h"

#define ROWS_MAX 64

static void bind_bytes(sqlite3_stmt *insert, int parameter, uint8_t type, fuzz_input bytes) {
    const char *data = bytes.size > 0 ? (const char *)bytes.data : "";
    if (type == 't')
        sqlite3_bind_text(insert, parameter, data, (int)bytes.size, SQLITE_TRANSIENT);
    else
        sqlite3_bind_blob(insert, parameter, data, (int)bytes.size, SQLITE_TRANSIENT);
}

static void bind_value(sqlite3_stmt *insert, int parameter, fuzz_input *input) {
    uint8_t type = fuzz_take_byte(input);
    if (type == 't' || type == 'b')
        bind_bytes(insert, parameter, type, fuzz_take_part(input, '\n'));
    else if (type == 'i')
        sqlite3_bind_int64(insert, parameter, (int8_t)fuzz_take_byte(input) - '0');
    else if (type == 'r')
        sqlite3_bind_double(insert, parameter, fuzz_take_byte(input) / 7.0);
    else
        sqlite3_bind_null(insert, parameter);
}

static void insert_row(sqlite3_stmt *insert, fuzz_input *input) {
    sqlite3_reset(insert);
    for (int i = 1; i <= sqlite3_bind_parameter_count(insert); i++)
        bind_value(insert, i, input);
    sqlite3_step(insert); /* may be refused: the key exists, or NULL is not allowed */
}

static void insert_rows(sqlite3 *database, fuzz_input input) {
    sqlite3_stmt *lesson = NULL, *user = NULL;
    REQUIRE(sqlite3_prepare_v2(database, "INSERT INTO lessons VALUES(?, ?, ?, ?, ?)", -1, &lesson, NULL) == SQLITE_OK);
    REQUIRE(sqlite3_prepare_v2(database, "INSERT INTO users VALUES(?, ?, ?, ?, ?, 7)", -1, &user, NULL) == SQLITE_OK);
    for (int i = 0; i < ROWS_MAX && input.size > 0; i++)
        insert_row(fuzz_take_byte(&input) == 'l' ? lesson : user, &input);
    sqlite3_finalize(lesson);
    sqlite3_finalize(user);
}

/* Every write, on names that rows may have. */
static void write_all(lesson_store *store) {
    lesson_store_place place;
    lesson_store_operation operations[] = {{.kind = LESSON_STORE_OPERATION_SET},
                                           {.kind = LESSON_STORE_OPERATION_JOIN},
                                           {.kind = LESSON_STORE_OPERATION_QUIT},
                                           {.kind = LESSON_STORE_OPERATION_CREATE},
                                           {.kind = LESSON_STORE_OPERATION_END}};
    const size_t count = sizeof operations / sizeof *operations;
    for (size_t i = 0; i < count; i++)
        operations[i].lesson_id = lesson_store_id_of("l");
    operations[0].given = LESSON_STORE_GIVEN_CHAT_STATUS | LESSON_STORE_GIVEN_IF_COURSE_STATUS;
    operations[0].chat_status = operations[0].if_course_status = 1;
    operations[1].uid = operations[2].uid = lesson_store_id_of("u");
    operations[1].course_id = lesson_store_id_of("c");
    operations[1].flags = LESSON_STORE_JOIN_IF_OPEN | LESSON_STORE_JOIN_STAY | LESSON_STORE_JOIN_IF_ROOM;
    operations[1].place = operations[2].place = &place;
    fuzz_require_answers(lesson_store_batch(store, operations, count), operations, count);
}

static uint64_t check(lesson_store *store, uint32_t flags, uint64_t *repaired) {
    fuzz_listener listener = {.repairs = flags & LESSON_STORE_CHECK_REPAIR};
    uint64_t found = 0;
    int code = lesson_store_check(store, flags, fuzz_hear_finding, &listener, &found, repaired);
    REQUIRE(code == LESSON_STORE_OK && listener.heard == found);
    return found;
}

/* A repaired finding is not found again. A malformed record also disappears if its user is removed from an ended
 * lesson. */
static void judge_repair(lesson_store *store) {
    uint64_t repaired = 0;
    uint64_t before = check(store, LESSON_STORE_CHECK_ENDED, &repaired);
    REQUIRE(repaired == 0);
    REQUIRE(check(store, LESSON_STORE_CHECK_ENDED | LESSON_STORE_CHECK_REPAIR, &repaired) == before);
    REQUIRE(check(store, LESSON_STORE_CHECK_ENDED, NULL) <= before - repaired);
}

/* Opened once, because opening takes most of the time. */
static lesson_store *opened_store(void) {
    static lesson_store *store;
    if (!store)
        REQUIRE(lesson_store_open(&store, "sqlite::memory:?cache_kib=64") == LESSON_STORE_OK);
    return store;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    lesson_store *store = opened_store();
    sqlite3 *database = sqlite_of(store->pool.slots[0].instance)->database;
    insert_rows(database, (fuzz_input){data, size});
    fuzz_ask_everything(store, "u", "l");
    judge_repair(store);
    write_all(store);
    fuzz_ask_everything(store, "u", "l");
    REQUIRE(sqlite3_exec(database, "DELETE FROM lessons; DELETE FROM users", NULL, NULL, NULL) == SQLITE_OK);
    return 0;
}
