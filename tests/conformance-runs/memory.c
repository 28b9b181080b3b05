/* The suite on the memory backend. */
#include <lessonstore/conformance.h>

static int open_memory(lesson_store **out, void *context) {
    (void)context;
    return lesson_store_open(out, "memory:");
}

int main(int argc, char **argv) {
    lesson_store_conformance_backend memory = LESSON_STORE_CONFORMANCE_BACKEND_INIT;
    memory.name = "memory";
    memory.capabilities = LESSON_STORE_CAN_KEEP_SESSIONS;
    memory.open = open_memory;
    return lesson_store_conformance_run(&memory, argc, argv) == 0 ? 0 : 1;
}
