/* What all backends of this library declare: every operation, flag and call. */
#ifndef LESSON_STORE_TESTS_WHOLE_H
#define LESSON_STORE_TESTS_WHOLE_H

#include <lessonstore/conformance.h>

/* The name is borrowed. */
static inline lesson_store_conformance_backend whole_backend(const char *name) {
    lesson_store_conformance_backend backend = LESSON_STORE_CONFORMANCE_BACKEND_INIT;
    backend.operations = LESSON_STORE_OPERATIONS_0_2;
    backend.flags = LESSON_STORE_FLAGS_0_2;
    backend.calls = LESSON_STORE_CALLS_0_2;
    backend.name = name;
    backend.capabilities = LESSON_STORE_CAN_KEEP_SESSIONS | LESSON_STORE_CAN_ADMIT;
    return backend;
}

#endif
