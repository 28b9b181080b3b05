/* Programs that the application starts do not inherit descriptors of the library: each has FD_CLOEXEC. */
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>

#include "cmocka_all.h"

#include "engine.h"

#include <lessonstore/executor.h>

enum { DESCRIPTORS_MAX = 256 };

struct descriptors {
    bool open[DESCRIPTORS_MAX];
};

static void read_descriptors(struct descriptors *out) {
    *out = (struct descriptors){{false}};
    DIR *directory = opendir("/proc/self/fd");
    assert_non_null(directory);
    for (struct dirent *entry; (entry = readdir(directory));) {
        long descriptor = strtol(entry->d_name, NULL, 10); /* "." and ".." give 0, which is open */
        assert_in_range(descriptor, 0, DESCRIPTORS_MAX - 1);
        out->open[descriptor] = descriptor != dirfd(directory);
    }
    closedir(directory);
}

static void nothing_is_left_to_programs_that_are_started(void **state) {
    (void)state;
    struct descriptors before, after;
    const char *location = engine_make();
    read_descriptors(&before);
    lesson_store *store;
    lesson_store_executor *executor;
    lesson_store_completion_queue *queue;
    assert_int_equal(lesson_store_open(&store, location), LESSON_STORE_OK);
    assert_int_equal(lesson_store_join(store, "ann", "algebra", "algebra-7", NULL, 0, NULL), LESSON_STORE_OK);
    assert_int_equal(lesson_store_executor_open(&executor, store, NULL), LESSON_STORE_OK);
    assert_int_equal(lesson_store_executor_add_queue(&queue, executor), LESSON_STORE_OK);
    read_descriptors(&after);
    int opened = 0;
    for (int i = 0; i < DESCRIPTORS_MAX; i++) {
        if (!after.open[i] || before.open[i])
            continue;
        opened++;
        if (!(fcntl(i, F_GETFD) & FD_CLOEXEC))
            fail_msg("descriptor %d stays open", i);
    }
    /* One for the queue, and at least one for an engine outside the process. */
    assert_in_range(opened, engine_is_shared() ? 2 : 1, DESCRIPTORS_MAX);
    lesson_store_executor_close(executor);
    lesson_store_close(store);
    read_descriptors(&after);
    assert_memory_equal(&before, &after, sizeof before);
    engine_remove();
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_left_to_programs_that_are_started),
    };
    if (argc != 2 || !engine_choose(argv[1]))
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
