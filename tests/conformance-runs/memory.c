/* The suite on the memory backend: alone, and behind the backend that makes faults, with no fault set. */
#include "whole.h"

static int open_at(lesson_store **out, void *context) {
    return lesson_store_open(out, context);
}

static int run_at(const char *name, char *location, int argc, char **argv) {
    lesson_store_conformance_backend memory = whole_backend(name);
    memory.context = location;
    memory.open = open_at;
    return lesson_store_conformance_run(&memory, argc, argv);
}

int main(int argc, char **argv) {
    char plain[] = "memory:", faulty[] = "fault+memory:?feed=600";
    int failed = run_at("memory", plain, argc, argv);
    int failed_beneath = run_at("fault-memory", faulty, argc, argv);
    return failed || failed_beneath ? 1 : 0;
}
