/* What a test that forks must know of the program that it is built into. */
#ifndef LESSON_STORE_TESTS_FORKS_H
#define LESSON_STORE_TESTS_FORKS_H

#include <stddef.h>

/* Why a child must not be born while other threads call the store; NULL: it may. The locks of the address sanitizer's
 * allocator may be held at the fork by threads that the child does not have, and it would wait for them for ever. (The
 * C library's allocator takes care of its own.) */
static inline const char *forks_cannot_be_beside_threads(void) {
#ifdef __SANITIZE_ADDRESS__
    return "a child of threads waits for locks of the address sanitizer";
#else
    return NULL;
#endif
}

#endif
