/*
 * What an application would write for SQLite without the library, as well as possible: prepared statements on the
 * schema of the sqlite backend. The old place is read before the new one is written, and many joins share a transaction
 * that takes the write lock at its beginning. Any failure ends the program.
 */
#ifndef LESSON_STORE_BENCH_RAW_SQLITE_H
#define LESSON_STORE_BENCH_RAW_SQLITE_H

#include "workload.h"

typedef struct raw_sqlite raw_sqlite;

/* Opens a file that the library has created, with these pragmas. */
raw_sqlite *raw_sqlite_open(const char *path, const char *pragmas);
void raw_sqlite_close(raw_sqlite *raw);

/* One transaction. Returns the number of users who came from another lesson. */
size_t raw_sqlite_join(raw_sqlite *raw, const workload_join *joins, size_t count);

/* Finds where one user is. False: in no lesson. */
bool raw_sqlite_where(raw_sqlite *raw, lesson_store_id uid, lesson_store_place *place);

/* The same for many users in one transaction. Returns the number that were found. */
size_t raw_sqlite_where_all(raw_sqlite *raw, const lesson_store_id *uids, size_t count);

/* Steps through the members. Returns the sum of the sizes of their ids. */
size_t raw_sqlite_members(raw_sqlite *raw, lesson_store_id lesson_id);

/* Runs SQL on a file over a connection of its own. */
void raw_sqlite_execute(const char *path, const char *sql);

#endif
