/*
 * What one would write without the library, and as well as one can: prepared statements on the schema of the sqlite
 * backend, the old place read before the new one is written, many joins in a transaction that takes the write lock at
 * its beginning. Whatever fails ends the program.
 */
#ifndef LESSON_STORE_BENCH_RAW_SQLITE_H
#define LESSON_STORE_BENCH_RAW_SQLITE_H

#include "workload.h"

typedef struct raw_sqlite raw_sqlite;

/* Opens a file that the library has made, with these pragmas. */
raw_sqlite *raw_sqlite_open(const char *path, const char *pragmas);
void raw_sqlite_close(raw_sqlite *raw);

/* One transaction. Returns how many of the users came from another lesson. */
size_t raw_sqlite_join(raw_sqlite *raw, const workload_join *joins, size_t count);

/* Where one user is; false: nowhere. */
bool raw_sqlite_where(raw_sqlite *raw, lesson_store_id uid, lesson_store_place *place);

/* The same for many in one transaction. Returns how many were found. */
size_t raw_sqlite_where_all(raw_sqlite *raw, const lesson_store_id *uids, size_t count);

/* Steps through the members. Returns the sum of the sizes of their ids. */
size_t raw_sqlite_members(raw_sqlite *raw, lesson_store_id lesson_id);

/* Runs SQL on a file by a connection of its own. */
void raw_sqlite_execute(const char *path, const char *sql);

#endif
