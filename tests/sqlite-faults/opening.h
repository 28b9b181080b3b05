/* Opening a file with the library's own backend or a wrong one, and the wrong backends. */
#ifndef LESSON_STORE_TESTS_OPENING_H
#define LESSON_STORE_TESTS_OPENING_H

#include <lessonstore/backend.h>

#include "sqlite_files.h"

/* Like lesson_store_open, with "?option=value" or "" after the location. NULL: the library's own backend. */
int opening_open(lesson_store **out, const lesson_store_backend *backend, const sqlite_files *files,
                 const char *options);

/* Removes the database and the files that SQLite has left next to it. */
void opening_clear(const sqlite_files *files);

/* Names a second database in the same directory. */
void opening_name_image(const sqlite_files *files, sqlite_files *image);

/* Copies the first database to `image`, as another process would find it if this one died now. `*kept`, -1 at first, is
 * a descriptor that must stay open while a store is open on the first: closing it would drop the store's locks. */
bool opening_copy(const sqlite_files *files, const sqlite_files *image, int *kept);

/* Commits each operation of a batch separately. */
lesson_store_backend wrong_commits_each(void);

/* Treats a failed batch as done. */
lesson_store_backend wrong_ignores_errors(void);

/* Treats a list that broke off as complete. */
lesson_store_backend wrong_ends_lists_early(void);

/* Runs a batch as two transactions. If one fails, it reports both as failed. */
lesson_store_backend wrong_keeps_half(void);

#endif
