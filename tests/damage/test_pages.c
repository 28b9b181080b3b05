/* Random bytes of an SQLite file are overwritten. Check always reports something if SQLite itself finds damage, and
 * repair loses no user whose record could be read before. */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmocka_all.h"
#include "engine.h"
#include "facts.h"
#include "dice.h"
#include "soak.h"

enum { PAGE = 4096 };

static const char *path_of_database(void) {
    return strchr(engine_location(), ':') + 1;
}

/* ---- The file */

static void make_file(dice_state *dice) {
    lesson_store *store = engine_open();
    unsigned users = 50 + dice_below(dice, 800);
    for (unsigned i = 0; i < users;) {
        lesson_store_operation joins[200];
        char uids[200][64], lessons[200][32];
        unsigned count = 0;
        for (; count < 200 && i < users; count++, i++) {
            snprintf(uids[count], sizeof uids[count], "a user of some length, number %u", i);
            snprintf(lessons[count], sizeof lessons[count], "lesson %u", dice_below(dice, 10));
            joins[count] = (lesson_store_operation){.kind = LESSON_STORE_OPERATION_JOIN};
            joins[count].uid = lesson_store_id_of(uids[count]);
            joins[count].course_id = lesson_store_id_of("C");
            joins[count].lesson_id = lesson_store_id_of(lessons[count]);
        }
        assert_int_equal(lesson_store_batch(store, joins, count), LESSON_STORE_OK);
    }
    for (unsigned i = 0; i < users / 3; i++) { /* to make free pages */
        char uid[64];
        snprintf(uid, sizeof uid, "a user of some length, number %u", i * 2);
        assert_int_equal(lesson_store_quit(store, uid, NULL, NULL, NULL), LESSON_STORE_OK);
    }
    lesson_store_close(store);
}

static char *read_file(size_t *size) {
    FILE *file = fopen(path_of_database(), "rb");
    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    *size = (size_t)ftell(file);
    rewind(file);
    char *bytes = malloc(*size);
    assert_non_null(bytes);
    assert_int_equal(fread(bytes, 1, *size, file), *size);
    fclose(file);
    return bytes;
}

static uint32_t root_of_index(void) {
    sqlite3 *database;
    sqlite3_stmt *statement;
    assert_int_equal(sqlite3_open(path_of_database(), &database), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(database, "SELECT rootpage FROM sqlite_master WHERE name = 'users_by_lesson'",
                                        -1, &statement, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    uint32_t root = (uint32_t)sqlite3_column_int(statement, 0);
    sqlite3_finalize(statement);
    sqlite3_close(database);
    return root;
}

static void write_at(size_t offset, const void *bytes, size_t size) {
    FILE *file = fopen(path_of_database(), "r+b");
    assert_non_null(file);
    assert_int_equal(fseek(file, (long)offset, SEEK_SET), 0);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    fclose(file);
}

/* The last child of the index's root becomes a random page, for example one of the users' pages. Clearing the index
 * would then free it. */
static void misdirect_index(dice_state *dice, unsigned pages) {
    unsigned page = 2 + dice_below(dice, pages - 1);
    const unsigned char pointer[4] = {0, 0, (unsigned char)(page >> 8), (unsigned char)page};
    write_at(((size_t)root_of_index() - 1) * PAGE + 8, pointer, sizeof pointer);
}

/* Often in the places that define the structure: the first bytes of a page, and the list of free pages in the header.
 */
static void overwrite(dice_state *dice) {
    size_t size;
    free(read_file(&size));
    unsigned pages = (unsigned)(size / PAGE);
    if (dice_once_in(dice, 4)) {
        misdirect_index(dice, pages);
        return;
    }
    for (unsigned left = 1 + dice_below(dice, 3); left > 0; left--) {
        size_t page = dice_below(dice, pages);
        size_t offset = dice_once_in(dice, 2) ? dice_below(dice, 24) : dice_below(dice, PAGE);
        if (page == 0)
            offset = 28 + dice_below(dice, 12);
        /* A small number may be the number of another page. */
        unsigned char byte = (unsigned char)dice_below(dice, dice_once_in(dice, 2) ? pages + 1 : 256);
        write_at(page * PAGE + offset, &byte, 1);
    }
}

/* ---- The verdict of SQLite itself */

static bool is_sound(void) {
    sqlite3 *database;
    sqlite3_stmt *statement = NULL;
    bool sound = sqlite3_open(path_of_database(), &database) == SQLITE_OK &&
                 sqlite3_prepare_v2(database, "PRAGMA integrity_check", -1, &statement, NULL) == SQLITE_OK &&
                 sqlite3_step(statement) == SQLITE_ROW &&
                 strcmp((const char *)sqlite3_column_text(statement, 0), "ok") == 0;
    sqlite3_finalize(statement);
    sqlite3_close(database);
    return sound;
}

/* The readable records of users who had joined. Damage can invent others. */
static facts read_users(void) {
    facts users = {NULL, 0, 0};
    sqlite3 *database;
    sqlite3_stmt *statement = NULL;
    if (sqlite3_open(path_of_database(), &database) == SQLITE_OK)
        sqlite3_prepare_v2(database, "SELECT uid, lesson_id FROM users INDEXED BY sqlite_autoindex_users_1", -1,
                           &statement, NULL);
    while (statement && sqlite3_step(statement) == SQLITE_ROW) {
        lesson_store_id parts[2];
        for (int i = 0; i < 2; i++) {
            const char *text = (const char *)sqlite3_column_text(statement, i);
            parts[i] = bytes_of(text, (size_t)sqlite3_column_bytes(statement, i));
        }
        if (parts[0].size < 6 || memcmp(parts[0].data, "a user", 6) != 0)
            continue;
        facts_add(&users, parts[0], lesson_store_id_of("user"), parts[1], lesson_store_id_of(""));
    }
    sqlite3_finalize(statement);
    sqlite3_close(database);
    facts_sort(&users);
    return users;
}

/* ---- Rounds */

/* Returns whether anything was reported. */
static bool check(uint32_t flags, uint64_t *repaired) {
    lesson_store *store;
    uint64_t found = 0;
    int code = lesson_store_open(&store, engine_location());
    if (!code)
        code = lesson_store_check(store, flags, NULL, NULL, &found, repaired);
    if (code && code != LESSON_STORE_MALFORMED)
        print_message("%s: %s\n", lesson_store_code_name(code), lesson_store_message());
    lesson_store_close(store);
    return code < 0 || found > 0;
}

static void play(const soak_run *soak) {
    dice_state dice = {soak->seed};
    char text[FACTS_TEXT_SIZE];
    size_t size, size_after;
    uint64_t repaired = 0;
    make_file(&dice);
    overwrite(&dice);
    char *bytes = read_file(&size);
    bool sound = is_sound();
    facts before = read_users();
    bool reported = check(0, &repaired);
    char *bytes_after = read_file(&size_after);
    if (!sound && !reported)
        fail_msg("damage that check does not report" SOAK_SEED, soak->seed);
    if (repaired || size != size_after || memcmp(bytes, bytes_after, size) != 0)
        fail_msg("a check changed the file" SOAK_SEED, soak->seed);
    check(LESSON_STORE_CHECK_REPAIR, &repaired);
    facts after = read_users();
    if (!facts_hold(&before, &after, text))
        fail_msg("%s" SOAK_SEED, text, soak->seed);
    free(bytes);
    free(bytes_after);
    facts_free(&before);
    facts_free(&after);
    engine_remove();
}

static void test_pages(void **state) {
    (void)state;
    soak_run soak = soak_begin("damaged pages", engine_name(), 50);
    while (soak_next(&soak)) {
        play(&soak);
        soak.faults++;
    }
    soak_end(&soak);
}

int main(int count, char **arguments) {
    if (count != 2 || !engine_choose(arguments[1]))
        return 2;
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_pages)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
