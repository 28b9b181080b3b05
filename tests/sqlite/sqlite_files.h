/* A database file in its own temporary directory, its content, and processes that use it. */
#ifndef LESSON_STORE_TESTS_SQLITE_FILES_H
#define LESSON_STORE_TESTS_SQLITE_FILES_H

#include <sqlite3.h>

#include "cmocka_all.h"

#include <lessonstore/lessonstore.h>

/* The schema version of the library. */
#define SQLITE_FILES_NEWEST 3

typedef struct sqlite_files {
    char directory[256];
    char database[300];
    char location[320];
} sqlite_files;

/* cmocka's set-up and tear-down. `*state` is a sqlite_files whose database does not exist yet. */
int sqlite_files_make(void **state);
int sqlite_files_remove(void **state);

/* Opens the database as a store, with "?option=value" or "" after the location. The test fails if it cannot. */
lesson_store *sqlite_files_open(const sqlite_files *files, const char *options);

/* Opening must fail with `code`, and the message must contain `part`. */
void sqlite_files_refuse(const sqlite_files *files, const char *options, int code, const char *part);

/* SQL over a connection of its own, without the library. */
sqlite3 *sqlite_files_connect(const sqlite_files *files);
void sqlite_files_execute(const sqlite_files *files, const char *text);
int64_t sqlite_files_number(const sqlite_files *files, const char *text);

/* Returns the bytes of a file, which the caller frees. The test fails if the file cannot be read. */
unsigned char *sqlite_files_bytes(const char *path, size_t *size);

/* Runs `work` in `count` processes, numbered from 0, which begin at the same moment. Each exits with the result of
 * `work`. The test fails unless all return `expected`. */
typedef int (*sqlite_files_work)(const sqlite_files *files, int number);
void sqlite_files_run(const sqlite_files *files, int count, sqlite_files_work work, int expected);

/* For processes that go on after one another: one sets a mark, the other waits for it. */
void sqlite_files_mark(const sqlite_files *files, const char *mark);
void sqlite_files_await(const sqlite_files *files, const char *mark);

/* A file of schema version 1 with two lessons and two users, as the first version created it. */
void sqlite_files_make_version_1(const sqlite_files *files);

/* Damages the index of members: runs `change`, which is SQL, while the schema lacks the index, so that the index misses
 * the change. */
void sqlite_files_change_behind_the_index(const sqlite_files *files, const char *change);

#endif
