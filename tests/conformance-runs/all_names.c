/* The names of all tests in the suite, which are those of a backend that declares everything. */
#include <lessonstore/conformance.h>

static int open_nothing(lesson_store **out, void *context) {
    (void)out;
    (void)context;
    return LESSON_STORE_UNREACHABLE;
}

int main(void) {
    char program[] = "all_names", list[] = "--list";
    char *argv[] = {program, list, NULL};
    lesson_store_conformance_backend everything = LESSON_STORE_CONFORMANCE_BACKEND_INIT;
    everything.operations = LESSON_STORE_OPERATIONS_0_2;
    everything.flags = LESSON_STORE_FLAGS_0_2;
    everything.calls = LESSON_STORE_CALLS_0_2;
    everything.name = "everything";
    everything.capabilities =
        LESSON_STORE_CAN_KEEP_SESSIONS | LESSON_STORE_CAN_SHARE | LESSON_STORE_CAN_PERSIST | LESSON_STORE_CAN_ADMIT;
    everything.open = open_nothing;
    return lesson_store_conformance_run(&everything, 2, argv);
}
