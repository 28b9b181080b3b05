/* Runs the installed conformance suite on the list backend. */
#include <lessonstore/conformance.h>

#include "list_backend.h"

static int open_list(lesson_store **out, void *context) {
    (void)context;
    return lesson_store_open_with(out, &list_backend, "list:");
}

int main(int argc, char **argv) {
    lesson_store_conformance_backend list = LESSON_STORE_CONFORMANCE_BACKEND_INIT;
    list.name = "list";
    list.operations = LESSON_STORE_OPERATIONS_0_1;
    list.flags = LESSON_STORE_FLAGS_0_1;
    list.calls = LESSON_STORE_CALL_MEMBERS | LESSON_STORE_CALL_LESSONS | LESSON_STORE_CALL_USERS;
    list.open = open_list;
    return lesson_store_conformance_run(&list, argc, argv) == 0 ? 0 : 1;
}
