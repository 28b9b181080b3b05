/* Opening a file by the library's own backend or by a wrong one, and the wrong ones. */
#ifndef LESSON_STORE_TESTS_OPENING_H
#define LESSON_STORE_TESTS_OPENING_H

#include <lessonstore/backend.h>

#include "sqlite_files.h"

/* As lesson_store_open, with "?option=value" or "" behind the location. NULL: the library's own. */
int opening_open(lesson_store **out, const lesson_store_backend *backend, const sqlite_files *files,
                 const char *options);

/* Removes the database and what SQLite has left beside it. */
void opening_clear(const sqlite_files *files);

/* Names a second database in the same folder. */
void opening_name_image(const sqlite_files *files, sqlite_files *image);

/* Makes it a copy of the first one, as another process would find it if this one died now. `*kept`, -1 at first, is a
 * descriptor that must stay open as long as a store is open on the first: closing it would drop the store's locks. */
bool opening_copy(const sqlite_files *files, const sqlite_files *image, int *kept);

/* Commits each operation of a batch by itself. */
lesson_store_backend wrong_commits_each(void);

/* Takes a batch that failed for one that was done. */
lesson_store_backend wrong_ignores_errors(void);

/* Takes a list that broke off for a list. */
lesson_store_backend wrong_ends_lists_early(void);

/* Makes two transactions of a batch, and tells of the failure of one as if both had failed. */
lesson_store_backend wrong_keeps_half(void);

#endif
