/*
 * Database files that others or a bad disk have changed: opened, read by every call, checked, repaired, written to.
 * Every call refuses them, returns MALFORMED or another failure, or returns valid ids; none crashes.
 *
 * The input is changes to a small valid file that is made here, so that the corpus holds no database. Each change is
 * two bytes of position and one of value. A first byte of c cuts the file instead, at the position that follows. A
 * first byte of s means SQL statements, one a line, which run before.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sqlite3.h>

#include "answers.h"
#include "constant_sql.h"

#define IMAGE_SIZE_MAX 65536
#define STATEMENTS_MAX 8

static struct {
    char directory[64];
    char path[80];
    char location[128];
    uint8_t image[IMAGE_SIZE_MAX];
    size_t image_size;
} files;

/* ---- The valid file */

static void remove_file(void) {
    static const char *const endings[] = {"", "-wal", "-shm", "-journal"};
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        char path[96];
        snprintf(path, sizeof path, "%s%s", files.path, endings[i]);
        unlink(path);
    }
}

static void remove_directory(void) {
    remove_file();
    rmdir(files.directory);
}

static void run_sql(const char *statement) {
    sqlite3 *database;
    REQUIRE(sqlite3_open(files.path, &database) == SQLITE_OK);
    sqlite3_db_config(database, SQLITE_DBCONFIG_DEFENSIVE, 0, NULL);
    constant_sql_is_off = true;
    sqlite3_exec(database, statement, NULL, NULL, NULL);
    constant_sql_is_off = false;
    sqlite3_close(database);
}

static void fill(void) {
    lesson_store *store;
    REQUIRE(lesson_store_open(&store, files.location) == LESSON_STORE_OK);
    for (int i = 0; i < 12; i++) {
        char uid[16], lesson[16];
        snprintf(uid, sizeof uid, "u%d", i);
        snprintf(lesson, sizeof lesson, "l%d", i % 3);
        lesson_store_create(store, lesson, 0);
        REQUIRE(lesson_store_join(store, uid, "c", lesson, i % 2 ? "s" : NULL, 0, NULL) == LESSON_STORE_OK);
    }
    lesson_store_close(store);
}

/* Small pages, so that a few changes reach everything. In a memory file system if there is one. */
static void make_image(void) {
    const char *base = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    snprintf(files.directory, sizeof files.directory, "%s/lessonstore-fuzz-XXXXXX", base);
    REQUIRE(mkdtemp(files.directory));
    atexit(remove_directory);
    snprintf(files.path, sizeof files.path, "%s/store.db", files.directory);
    snprintf(files.location, sizeof files.location, "sqlite:%s?pool=1&synchronous=off&busy_timeout_ms=0", files.path);
    run_sql("PRAGMA page_size = 512; VACUUM");
    fill();
    FILE *file = fopen(files.path, "re");
    REQUIRE(file);
    files.image_size = fread(files.image, 1, sizeof files.image, file);
    fclose(file);
    REQUIRE(files.image_size > 512 && files.image_size < sizeof files.image);
}

/* ---- The changed file */

static size_t take_place(fuzz_input *input) {
    size_t high = fuzz_take_byte(input);
    return (high << 8 | fuzz_take_byte(input)) % files.image_size;
}

static void write_file(const uint8_t *bytes, size_t size) {
    remove_file();
    int file = open(files.path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    REQUIRE(file >= 0 && write(file, bytes, size) == (ssize_t)size);
    close(file);
}

/* No other file, no large file, and nothing that may run forever before the store is opened. */
static bool is_harmless(const char *statement) {
    static const char *const words[] = {"attach", "vacuum", "load_extension", "pragma", "zeroblob"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strcasestr(statement, words[i]))
            return false;
    }
    return !strcasestr(statement, "recursive") || (strncmp(statement, "CREATE ", 7) == 0);
}

static void run_statements(fuzz_input input) {
    for (int i = 0; i < STATEMENTS_MAX && input.size > 0; i++) {
        fuzz_input line = fuzz_take_part(&input, '\n');
        char *statement = fuzz_copy_text(line.data, line.size);
        if (is_harmless(statement))
            run_sql(statement);
        free(statement);
    }
}

static void make_file(fuzz_input input) {
    static uint8_t image[IMAGE_SIZE_MAX];
    size_t size = files.image_size;
    memcpy(image, files.image, size);
    uint8_t how = fuzz_take_byte(&input);
    if (how == 'c')
        size = take_place(&input);
    while (how != 's' && input.size > 0) {
        size_t place = take_place(&input);
        image[place] = fuzz_take_byte(&input);
    }
    write_file(image, size);
    if (how == 's')
        run_statements(input);
}

static void write_all(lesson_store *store) {
    static const uint32_t kinds[] = {LESSON_STORE_OPERATION_CREATE, LESSON_STORE_OPERATION_SET,
                                     LESSON_STORE_OPERATION_JOIN, LESSON_STORE_OPERATION_QUIT,
                                     LESSON_STORE_OPERATION_END};
    lesson_store_place place;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        lesson_store_operation operation = {.kind = kinds[i]};
        operation.lesson_id = lesson_store_id_of(i == 3 ? NULL : "l1");
        if (kinds[i] == LESSON_STORE_OPERATION_SET)
            operation.given = LESSON_STORE_GIVEN_COURSE_STATUS;
        if (kinds[i] == LESSON_STORE_OPERATION_JOIN || kinds[i] == LESSON_STORE_OPERATION_QUIT) {
            operation.uid = lesson_store_id_of("u2");
            operation.place = &place;
        }
        if (kinds[i] == LESSON_STORE_OPERATION_JOIN)
            operation.course_id = lesson_store_id_of("c");
        fuzz_require_answers(lesson_store_batch(store, &operation, 1), &operation, 1);
    }
}

static void repair(lesson_store *store) {
    fuzz_listener listener = {.repairs = true};
    int code = lesson_store_check(store, LESSON_STORE_CHECK_REPAIR, fuzz_hear_finding, &listener, NULL, NULL);
    REQUIRE(code <= 0);
    fuzz_require_code(code);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (files.image_size == 0)
        make_image();
    make_file((fuzz_input){data, size});
    lesson_store *store;
    int code = lesson_store_open(&store, files.location);
    REQUIRE(code <= 0 && (store != NULL) == (code == LESSON_STORE_OK));
    fuzz_require_code(code);
    if (store) {
        fuzz_ask_everything(store, "u1", "l1");
        write_all(store);
        repair(store);
        fuzz_ask_everything(store, "u1", "l1");
    }
    lesson_store_close(store);
    return 0;
}
