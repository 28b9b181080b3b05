/* Scripts that lack a part of the protocol. p3.pml has the same mutants. A test that finds none of them is no test. */
#ifndef LESSON_STORE_TESTS_PROTOCOL_MUTANTS_H
#define LESSON_STORE_TESTS_PROTOCOL_MUTANTS_H

#include "stage.h"

typedef struct test_mutant {
    const char *name; /* NULL: the end of the list */
    stage_edit edits[5];
    bool has_legacy; /* it is found where others write beside */
    bool has_losses; /* or where helpers are lost */
} test_mutant;

extern const test_mutant mutants[];

#endif
