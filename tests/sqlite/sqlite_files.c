#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sqlite_files.h"

#define PROCESSES_MAX 8

int sqlite_files_make(void **state) {
    sqlite_files *files = calloc(1, sizeof *files);
    const char *temporary = getenv("TMPDIR");
    assert_non_null(files);
    snprintf(files->directory, sizeof files->directory, "%s/lessonstore-sqlite.XXXXXX", temporary ? temporary : "/tmp");
    assert_non_null(mkdtemp(files->directory));
    snprintf(files->database, sizeof files->database, "%s/lessons.db", files->directory);
    snprintf(files->location, sizeof files->location, "sqlite:%s", files->database);
    *state = files;
    return 0;
}

static int remove_one(const char *path, const struct stat *facts, int type, struct FTW *walk) {
    (void)facts, (void)type, (void)walk;
    return remove(path);
}

int sqlite_files_remove(void **state) {
    sqlite_files *files = *state;
    int result = nftw(files->directory, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    free(files);
    return result;
}

static int open_code(const sqlite_files *files, const char *options, lesson_store **store) {
    char location[512];
    snprintf(location, sizeof location, "%s%s", files->location, options);
    return lesson_store_open(store, location);
}

lesson_store *sqlite_files_open(const sqlite_files *files, const char *options) {
    lesson_store *store;
    if (open_code(files, options, &store) != LESSON_STORE_OK)
        fail_msg("%s", lesson_store_message());
    return store;
}

void sqlite_files_refuse(const sqlite_files *files, const char *options, int code, const char *part) {
    lesson_store *store;
    assert_int_equal(open_code(files, options, &store), code);
    assert_null(store);
    if (!strstr(lesson_store_message(), part))
        fail_msg("\"%s\" does not say \"%s\"", lesson_store_message(), part);
}

sqlite3 *sqlite_files_connect(const sqlite_files *files) {
    sqlite3 *database;
    assert_int_equal(sqlite3_open(files->database, &database), SQLITE_OK);
    sqlite3_busy_timeout(database, 5000);
    return database;
}

void sqlite_files_execute(const sqlite_files *files, const char *text) {
    sqlite3 *database = sqlite_files_connect(files);
    if (sqlite3_exec(database, text, NULL, NULL, NULL) != SQLITE_OK)
        fail_msg("%s: %s", text, sqlite3_errmsg(database));
    assert_int_equal(sqlite3_close(database), SQLITE_OK);
}

int64_t sqlite_files_number(const sqlite_files *files, const char *text) {
    sqlite3 *database = sqlite_files_connect(files);
    sqlite3_stmt *statement;
    assert_int_equal(sqlite3_prepare_v2(database, text, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    int64_t number = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    assert_int_equal(sqlite3_close(database), SQLITE_OK);
    return number;
}

unsigned char *sqlite_files_bytes(const char *path, size_t *size) {
    FILE *file = fopen(path, "rb");
    struct stat facts;
    assert_non_null(file);
    assert_int_equal(fstat(fileno(file), &facts), 0);
    *size = (size_t)facts.st_size;
    unsigned char *bytes = malloc(*size + 1);
    assert_non_null(bytes);
    assert_int_equal(fread(bytes, 1, *size, file), *size);
    fclose(file);
    return bytes;
}

static _Noreturn void be_a_process(const sqlite_files *files, int number, sqlite_files_work work, int start) {
    char byte;
    /* The other end is closed when all processes have started. */
    while (read(start, &byte, 1) > 0)
        ;
    _exit(work(files, number));
}

void sqlite_files_run(const sqlite_files *files, int count, sqlite_files_work work, int expected) {
    pid_t processes[PROCESSES_MAX];
    int start[2];
    assert_true(count <= PROCESSES_MAX);
    assert_int_equal(pipe(start), 0);
    for (int i = 0; i < count; i++) {
        processes[i] = fork();
        assert_true(processes[i] >= 0);
        if (processes[i] == 0) {
            close(start[1]);
            be_a_process(files, i, work, start[0]);
        }
    }
    close(start[0]);
    close(start[1]);
    for (int i = 0; i < count; i++) {
        int status;
        assert_int_equal(waitpid(processes[i], &status, 0), processes[i]);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), expected & 0xff);
    }
}

void sqlite_files_mark(const sqlite_files *files, const char *mark) {
    char path[320];
    snprintf(path, sizeof path, "%s/%s", files->directory, mark);
    fclose(fopen(path, "w"));
}

void sqlite_files_await(const sqlite_files *files, const char *mark) {
    char path[320];
    snprintf(path, sizeof path, "%s/%s", files->directory, mark);
    while (access(path, F_OK) != 0)
        usleep(1000);
}

void sqlite_files_make_version_1(const sqlite_files *files) {
    sqlite_files_execute(files,
                         "CREATE TABLE lessons(lesson_id TEXT PRIMARY KEY, course_status INTEGER, chat_status INTEGER)"
                         " WITHOUT ROWID;"
                         "CREATE TABLE users(uid TEXT PRIMARY KEY, course_id TEXT NOT NULL, lesson_id TEXT NOT NULL)"
                         " WITHOUT ROWID;"
                         "CREATE INDEX users_by_lesson ON users(lesson_id);"
                         "PRAGMA application_id = 0x4c455353; PRAGMA user_version = 1;"
                         "INSERT INTO lessons VALUES('algebra', 1, 1), ('painting', 3, 0);"
                         "INSERT INTO users VALUES('ann', 'maths', 'algebra'), "
                         "('bob', 'arts', 'painting')");
}

void sqlite_files_change_behind_the_index(const sqlite_files *files, const char *change) {
    sqlite_files_execute(files,
                         "CREATE TABLE kept AS SELECT * FROM sqlite_master WHERE name = 'users_by_lesson';"
                         "PRAGMA writable_schema = ON; DELETE FROM sqlite_master WHERE name = 'users_by_lesson'");
    sqlite_files_execute(files, change);
    sqlite_files_execute(files, "PRAGMA writable_schema = ON; INSERT INTO sqlite_master SELECT * FROM kept");
    sqlite_files_execute(files, "DROP TABLE kept");
}
