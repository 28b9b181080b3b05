/*
 * Replaces malloc and its relatives, so that each allocation in turn can fail, and blocks that were never freed are
 * seen. The linker inserts it into the objects of the library and of hiredis, which such a program contains; SQLite can
 * also be given it. Creating a thread or a descriptor counts as an allocation.
 */
#ifndef LESSON_STORE_TESTS_ALLOCATOR_H
#define LESSON_STORE_TESTS_ALLOCATOR_H

#include <stdbool.h>
#include <stdlib.h>

/* From now on the nth allocation of any thread fails; 1 is the next one. With `for_good`, all later ones fail too. 0:
 * none fails, and allocations are only counted. */
void allocator_begin(long nth, bool for_good);

/* Ends this. Returns the number of allocations that failed. */
long allocator_end(void);

/* Returns the number of allocations between begin and end. */
long allocator_asked(void);

/* Returns the number of blocks that are allocated now. */
long allocator_live(void);

/* For libraries with an allocator of their own: counts an allocation. True if it is to fail. */
bool allocator_refuses(void);

#endif
