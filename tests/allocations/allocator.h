/*
 * Stands in for malloc and its like, so that each allocation in turn can fail, and blocks that were never freed are
 * seen. The linker puts it in their place, in the objects of the library and of hiredis, which such a program holds
 * itself; and SQLite can be given it. A thread or a descriptor that is made counts as an allocation.
 */
#ifndef LESSON_STORE_TESTS_ALLOCATOR_H
#define LESSON_STORE_TESTS_ALLOCATOR_H

#include <stdbool.h>
#include <stdlib.h>

/* From now on the nth allocation fails, 1 being the next one, and with `for_good` all behind it too. 0: none does, and
 * they are only counted. Any thread's. */
void allocator_begin(long nth, bool for_good);

/* Ends that; how many have failed. */
long allocator_end(void);

/* How many were asked for between begin and end. */
long allocator_asked(void);

/* Blocks that are allocated now. */
long allocator_live(void);

/* Asks for an allocation, for libraries with an allocator of their own: true if it is to fail. */
bool allocator_refuses(void);

#endif
