/* Holds every SQL text that SQLite is given to what it may be: a constant of the program, or words and numbers alone.
 */
#ifndef LESSON_STORE_FUZZ_CONSTANT_SQL_H
#define LESSON_STORE_FUZZ_CONSTANT_SQL_H

#include <stdbool.h>

/* While this is true the texts are the test's own. */
extern bool constant_sql_is_off;

#endif
