#include "constant_sql.h"

#include <sqlite3.h>

#include "fuzz.h"

bool constant_sql_is_off;

/* From the linker: where the program begins, and where its writable part begins. */
extern const char __executable_start[], __data_start[];

static bool is_constant(const char *text) {
    return (uintptr_t)text >= (uintptr_t)__executable_start && (uintptr_t)text < (uintptr_t)__data_start;
}

/* Pragmas with numbers, for which SQL has no parameters. */
static bool is_of_numbers(const char *text) {
    return strncmp(text, "PRAGMA ", 7) == 0 &&
           text[strspn(text, "PRAGM abcdefghijklmnopqrstuvwxyz_0123456789=-;")] == '\0';
}

static void judge(const char *text) {
    REQUIRE(constant_sql_is_off || is_constant(text) || is_of_numbers(text));
}

int __real_sqlite3_prepare_v2(sqlite3 *database, const char *text, int size, sqlite3_stmt **out, const char **rest);
int __wrap_sqlite3_prepare_v2(sqlite3 *database, const char *text, int size, sqlite3_stmt **out, const char **rest);
int __wrap_sqlite3_prepare_v2(sqlite3 *database, const char *text, int size, sqlite3_stmt **out, const char **rest) {
    judge(text);
    return __real_sqlite3_prepare_v2(database, text, size, out, rest);
}

int __real_sqlite3_prepare_v3(sqlite3 *database, const char *text, int size, unsigned flags, sqlite3_stmt **out,
                              const char **rest);
int __wrap_sqlite3_prepare_v3(sqlite3 *database, const char *text, int size, unsigned flags, sqlite3_stmt **out,
                              const char **rest);
int __wrap_sqlite3_prepare_v3(sqlite3 *database, const char *text, int size, unsigned flags, sqlite3_stmt **out,
                              const char **rest) {
    judge(text);
    return __real_sqlite3_prepare_v3(database, text, size, flags, out, rest);
}

typedef int row_callback(void *context, int count, char **values, char **names);
int __real_sqlite3_exec(sqlite3 *database, const char *text, row_callback *callback, void *context, char **error);
int __wrap_sqlite3_exec(sqlite3 *database, const char *text, row_callback *callback, void *context, char **error);
int __wrap_sqlite3_exec(sqlite3 *database, const char *text, row_callback *callback, void *context, char **error) {
    judge(text);
    return __real_sqlite3_exec(database, text, callback, context, error);
}
