/* Files that have changed since they were closed: cut short, overwritten, removed or replaced; and a disk that is
 * really full. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "history.h"
#include "opening.h"
#include "shim.h"
#include "soak.h"

enum {
    ROUNDS = 8,
    BATCHES = 20,
    RANDOM_CUTS = 20,
    OVERWRITTEN_MAX = 64,
    OVERWRITTEN_IN_ROUND = 5,
    PAGE_SIZE = 4096,
    DISK_KIB = 512
};

static const vocabulary *const words = &awkward_vocabulary;
static drawn_history history = {.share = {0, 1}}; /* static because it is large */

typedef struct file_content {
    unsigned char *bytes;
    size_t size;
} file_content;

static file_content read_content(const char *path) {
    file_content content;
    content.bytes = sqlite_files_bytes(path, &content.size);
    return content;
}

static void write_content(const char *path, const unsigned char *bytes, size_t size) {
    int to = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(to >= 0);
    assert_int_equal(write(to, bytes, size), size);
    close(to);
}

static void run_history(lesson_store *store) {
    char text[VOCABULARY_TEXT_SIZE];
    for (size_t i = 0; i < history.batch_count; i++) {
        if (!history_run(&history, i, store, text))
            fail_msg("%s", text);
    }
}

/* The content of the database of a drawn history; if the store was not closed, also its log. */
static void make_contents(const sqlite_files *files, dice_state *dice, file_content *database, file_content *log) {
    sqlite_files image;
    int kept = -1;
    char path[400];
    history_draw(&history, dice, BATCHES);
    opening_clear(files);
    opening_name_image(files, &image);
    lesson_store *store = sqlite_files_open(files, "?wal_autocheckpoint_pages=1000");
    run_history(store);
    if (log) {
        assert_true(opening_copy(files, &image, &kept));
        snprintf(path, sizeof path, "%s-wal", image.database);
        *database = read_content(image.database);
        *log = read_content(path);
    }
    lesson_store_close(store);
    if (kept >= 0)
        close(kept);
    if (!log)
        *database = read_content(files->database);
}

/* ---- Cut short */

static void assert_refused_untouched(const sqlite_files *files, const file_content *whole, size_t size) {
    opening_clear(files);
    write_content(files->database, whole->bytes, size);
    sqlite_files_refuse(files, "", LESSON_STORE_MALFORMED, files->database);
    file_content after = read_content(files->database);
    assert_int_equal(after.size, size);
    assert_memory_equal(after.bytes, whole->bytes, size);
    free(after.bytes);
}

/* If the cut is within the last page, SQLite does not notice it at opening. Then either the page did not matter, or
 * check must find the damage. */
static void judge_last_page(const sqlite_files *files, const file_content *whole, size_t size, uint64_t seed) {
    lesson_store *store;
    uint64_t found = 0;
    char text[VOCABULARY_TEXT_SIZE];
    opening_clear(files);
    write_content(files->database, whole->bytes, size);
    if (opening_open(&store, NULL, files, "") == LESSON_STORE_MALFORMED)
        return;
    int code = lesson_store_check(store, 0, NULL, NULL, &found, NULL);
    if (code != LESSON_STORE_MALFORMED && found == 0 &&
        !history_judge(&history, store, history.batch_count, history.batch_count, text))
        fail_msg("check finds nothing in %zu bytes of %zu: %s" SOAK_SEED, size, whole->size, text, seed);
    lesson_store_close(store);
}

/* A cut database is not opened, because it is not just a store that has lost some users. */
static void cut_database(const sqlite_files *files, dice_state *dice, soak_run *soak) {
    file_content whole;
    make_contents(files, dice, &whole, NULL);
    for (size_t size = PAGE_SIZE; size < whole.size; size += PAGE_SIZE, soak->faults++)
        assert_refused_untouched(files, &whole, size);
    for (int i = 0; i < RANDOM_CUTS; i++, soak->faults += 2) {
        assert_refused_untouched(files, &whole, 1 + dice_below(dice, (unsigned)whole.size - PAGE_SIZE));
        judge_last_page(files, &whole, whole.size - 1 - dice_below(dice, PAGE_SIZE - 1), soak->seed);
    }
    free(whole.bytes);
}

/* A log that is cut, or has a wrong byte, is valid up to there. So the store is in some whole state of the history. */
static void judge_log(const sqlite_files *files, const file_content *database, const file_content *log, size_t size,
                      uint64_t seed) {
    char path[400], text[VOCABULARY_TEXT_SIZE];
    opening_clear(files);
    snprintf(path, sizeof path, "%s-wal", files->database);
    write_content(files->database, database->bytes, database->size);
    write_content(path, log->bytes, size);
    lesson_store *store = sqlite_files_open(files, "");
    if (!history_judge(&history, store, 0, history.batch_count, text))
        fail_msg("of a log of %zu bytes %zu: %s" SOAK_SEED, log->size, size, text, seed);
    lesson_store_close(store);
}

static void damage_log(const sqlite_files *files, dice_state *dice, soak_run *soak) {
    file_content database, log;
    make_contents(files, dice, &database, &log);
    for (int i = 0; i < RANDOM_CUTS; i++, soak->faults += 2) {
        unsigned char *byte = &log.bytes[dice_below(dice, (unsigned)log.size)], before = *byte;
        judge_log(files, &database, &log, dice_below(dice, (unsigned)log.size + 1), soak->seed);
        *byte ^= (unsigned char)(1 + dice_below(dice, 255));
        judge_log(files, &database, &log, log.size, soak->seed);
        *byte = before;
    }
    free(database.bytes);
    free(log.bytes);
}

/* ---- Overwritten */

static void assert_reports(int code, const sqlite_files *files, uint64_t seed) {
    if (code >= 0 || (code == LESSON_STORE_MALFORMED && strstr(lesson_store_message(), files->database)))
        return;
    fail_msg("%s: %s" SOAK_SEED, lesson_store_code_name(code), lesson_store_message(), seed);
}

static void use_damaged(const sqlite_files *files, uint64_t seed) {
    lesson_store *store;
    model_state found;
    char text[VOCABULARY_TEXT_SIZE];
    model_answer answers[HISTORY_CALLS];
    int code = opening_open(&store, NULL, files, "");
    assert_reports(code, files, seed);
    if (code)
        return;
    lesson_store_fail(LESSON_STORE_MALFORMED, "%s", files->database); /* for contradictions that the reading itself
                                                                       * finds */
    code = vocabulary_read_state(words, store, &found, text);
    if (code != LESSON_STORE_FAILED) /* a list that the damage has broken off */
        assert_reports(code, files, seed);
    for (size_t i = 0; i < history.batch_count; i++) {
        code = vocabulary_run(words, store, history.calls[i], history.call_counts[i], answers);
        assert_reports(code, files, seed);
    }
    assert_reports(lesson_store_check(store, LESSON_STORE_CHECK_REPAIR, NULL, NULL, NULL, NULL), files, seed);
    lesson_store_close(store);
}

/* Overwritten bytes may be anything, even an id, so answers may be wrong. But no call hangs, crashes, or returns a
 * misleading code. */
static void overwrite(const sqlite_files *files, dice_state *dice, soak_run *soak) {
    file_content whole;
    make_contents(files, dice, &whole, NULL);
    for (unsigned places = 1 + dice_below(dice, 4); places > 0; places--, soak->faults++) {
        size_t size = 1 + dice_below(dice, OVERWRITTEN_MAX);
        size_t offset = dice_below(dice, (unsigned)(whole.size - size));
        for (size_t i = 0; i < size; i++)
            whole.bytes[offset + i] = (unsigned char)dice_bits(dice);
    }
    opening_clear(files);
    write_content(files->database, whole.bytes, whole.size);
    free(whole.bytes);
    use_damaged(files, soak->seed);
}

static void test_damaged(void **state) {
    soak_run soak = soak_begin("damaged files", "sqlite", ROUNDS);
    while (soak_next(&soak)) {
        dice_state dice = {soak.seed};
        cut_database(*state, &dice, &soak);
        damage_log(*state, &dice, &soak);
        for (int i = 0; i < OVERWRITTEN_IN_ROUND; i++)
            overwrite(*state, &dice, &soak);
        soak.histories += 2 + OVERWRITTEN_IN_ROUND;
    }
    soak_end(&soak);
}

/* Random tests found one of these; SQLite has no result code of its own for it. */
static void test_unknown_format(void **state) {
    const sqlite_files *files = *state;
    enum { FORMAT_OFFSET = 47 }; /* the schema format number in SQLite's header, which is 1 to 4 */
    lesson_store_close(sqlite_files_open(files, ""));
    file_content whole = read_content(files->database);
    whole.bytes[FORMAT_OFFSET] = 9;
    write_content(files->database, whole.bytes, whole.size);
    free(whole.bytes);
    sqlite_files_refuse(files, "", LESSON_STORE_MALFORMED, "unsupported file format");
}

/* ---- Removed or replaced while it is open */

/* Nothing is written any more. Reads notice it a little later, and answer from the old file until then. */
static void assert_notices(lesson_store *store) {
    int code;
    assert_int_equal(lesson_store_join(store, "bob", "maths", "algebra", NULL, 0, NULL), LESSON_STORE_UNREACHABLE);
    while ((code = lesson_store_where(store, "ann", NULL)) == LESSON_STORE_OK)
        ;
    assert_int_equal(code, LESSON_STORE_UNREACHABLE);
}

static void test_removed_and_replaced(void **state) {
    const sqlite_files *files = *state;
    lesson_store *store = sqlite_files_open(files, ""), *other;
    assert_int_equal(lesson_store_join(store, "ann", "maths", "algebra", NULL, 0, NULL), LESSON_STORE_OK);
    opening_clear(files);
    assert_notices(store);
    assert_int_equal(access(files->database, F_OK), -1);
    other = sqlite_files_open(files, "");
    assert_int_equal(lesson_store_where(other, "ann", NULL), LESSON_STORE_NOT_FOUND);
    assert_notices(store);
    assert_int_equal(lesson_store_join(other, "cy", "maths", "algebra", NULL, 0, NULL), LESSON_STORE_OK);
    lesson_store_close(store);
    assert_int_equal(lesson_store_where(other, "cy", NULL), LESSON_STORE_OK);
    lesson_store_close(other);
    store = sqlite_files_open(files, "");
    assert_int_equal(lesson_store_where(store, "cy", NULL), LESSON_STORE_OK);
    lesson_store_close(store);
}

/* ---- A full disk */

enum { DISK_DONE, DISK_WRONG, DISK_NOT_TO_BE_HAD };

/* Mounts a disk for this process alone, if that is allowed. */
static bool mount_disk(const char *directory) {
    char options[32];
    snprintf(options, sizeof options, "size=%dk", DISK_KIB);
    if (unshare(CLONE_NEWNS) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0)
        return false;
    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
    return mount("lessons", directory, "tmpfs", 0, options) == 0;
}

/* Leaves room for this many pages. */
static void fill_disk(const char *path, int pages) {
    static const unsigned char zeros[PAGE_SIZE];
    int to = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    off_t size = 0;
    while (write(to, zeros, sizeof zeros) == (ssize_t)sizeof zeros)
        size += PAGE_SIZE;
    size = size > pages * PAGE_SIZE ? size - pages * PAGE_SIZE : 0;
    if (ftruncate(to, size) != 0)
        perror("ftruncate");
    close(to);
}

static bool is_full(int code, const sqlite_files *files) {
    return code == LESSON_STORE_FULL && strstr(lesson_store_message(), files->database);
}

/* Runs batches until one does not fit. None of it is there then, and all of it once there is room. */
static bool use_full_disk(const sqlite_files *files, const char *filler, int pages, char text[VOCABULARY_TEXT_SIZE]) {
    lesson_store *store;
    model_answer answers[HISTORY_CALLS];
    size_t i = 0;
    int code;
    fill_disk(filler, pages);
    code = opening_open(&store, NULL, files, "?wal_autocheckpoint_pages=1000");
    if (code) {
        snprintf(text, VOCABULARY_TEXT_SIZE, "opening: %s", lesson_store_message());
        unlink(filler);
        return is_full(code, files);
    }
    for (; !code && i < history.batch_count; i++)
        code = vocabulary_run(words, store, history.calls[i], history.call_counts[i], answers);
    snprintf(text, VOCABULARY_TEXT_SIZE, "%s", lesson_store_message());
    if (code && !is_full(code, files))
        return false;
    i -= code != LESSON_STORE_OK;
    if (!history_judge(&history, store, i, i, text))
        return false;
    unlink(filler);
    for (; i < history.batch_count; i++) {
        if (!history_run(&history, i, store, text))
            return false;
    }
    bool is_right = history_judge(&history, store, i, i, text);
    lesson_store_close(store);
    return is_right;
}

static int fill_disks(const sqlite_files *files) {
    char filler[400], text[VOCABULARY_TEXT_SIZE];
    dice_state dice = {1};
    if (!mount_disk(files->directory))
        return DISK_NOT_TO_BE_HAD;
    snprintf(filler, sizeof filler, "%s/filler", files->directory);
    for (int pages = 0; pages < DISK_KIB * 1024 / PAGE_SIZE; pages++) {
        history_draw(&history, &dice, BATCHES);
        opening_clear(files);
        if (use_full_disk(files, filler, pages, text))
            continue;
        fprintf(stderr, "with room for %d pages: %s\n", pages, text);
        return DISK_WRONG;
    }
    return DISK_DONE;
}

/* If no disk can be mounted, as in some containers, only the shim's FULL (test_faults.c) tests this. */
static void test_full_disk(void **state) {
    const sqlite_files *files = *state;
    int status;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        _exit(fill_disks(files));
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == DISK_NOT_TO_BE_HAD)
        skip();
    assert_int_equal(WEXITSTATUS(status), DISK_DONE);
}

int main(void) {
    shim_install(); /* it does not wait for the disk */
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, sqlite_files_make, sqlite_files_remove)
        TEST(test_damaged),
        TEST(test_unknown_format),
        TEST(test_removed_and_replaced),
        TEST(test_full_disk),
#undef TEST
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
