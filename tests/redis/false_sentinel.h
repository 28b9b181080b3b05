/* A Sentinel that says what a test wants: which server is the primary of "school", and the epoch of that. It listens on
 * a free port of 127.0.0.1, in a thread. */
#ifndef LESSON_STORE_TESTS_FALSE_SENTINEL_H
#define LESSON_STORE_TESTS_FALSE_SENTINEL_H

#include <stdbool.h>

typedef struct false_sentinel false_sentinel;

false_sentinel *false_sentinel_start(void);
void false_sentinel_stop(false_sentinel *sentinel);
int false_sentinel_port(const false_sentinel *sentinel);

/* From now on it names this port of 127.0.0.1. 0: it knows no such primary. */
void false_sentinel_name(false_sentinel *sentinel, int port, int epoch);

/* From now on it accepts connections and says nothing. */
void false_sentinel_be_silent(false_sentinel *sentinel);

/* How often it was asked. */
int false_sentinel_questions(const false_sentinel *sentinel);

#endif
