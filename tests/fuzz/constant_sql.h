/* Checks that every SQL text given to SQLite is either a constant of the program or consists of words and numbers only.
 */
#ifndef LESSON_STORE_FUZZ_CONSTANT_SQL_H
#define LESSON_STORE_FUZZ_CONSTANT_SQL_H

#include <stdbool.h>

/* While this is true, the texts are the test's own. */
extern bool constant_sql_is_off;

#endif
