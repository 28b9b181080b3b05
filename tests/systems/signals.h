/* A signal arrives a hundred times a second, in the threads that do not block it. Its handler is installed without
 * SA_RESTART, so system calls that wait fail with EINTR. */
#ifndef LESSON_STORE_TESTS_SIGNALS_H
#define LESSON_STORE_TESTS_SIGNALS_H

#include <stdint.h>

/* Blocks the signal in the calling thread, and begins. */
void signals_begin(void);
void signals_end(void);
uint64_t signals_count(void);

#endif
