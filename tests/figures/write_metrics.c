/*
 * Writes metrics for read_metrics.py to judge, in a mode each:
 *
 *   write_metrics LOCATION          two stores at this location and an executor, after some calls
 *   write_metrics LOCATION part     the same without the end
 *   write_metrics LOCATION empty    of no source
 */
#include <locale.h>
#include <stdio.h>
#include <string.h>

#include <lessonstore/figures.h>

static bool print(const char *text, size_t size, void *context) {
    (void)context;
    return fwrite(text, 1, size, stdout) == size;
}

static bool call(lesson_store *store, lesson_store_executor *executor) {
    lesson_store_operation where = {.kind = LESSON_STORE_OPERATION_WHERE, .uid = lesson_store_id_of("ann")};
    lesson_store_operation both[2] = {where, where};
    return lesson_store_create(store, "algebra", 0) == LESSON_STORE_OK &&
           lesson_store_create(store, "algebra", 0) == LESSON_STORE_EXISTS &&
           lesson_store_join(store, "ann", "maths", "algebra", NULL, 0, NULL) == LESSON_STORE_OK &&
           lesson_store_join(store, "", "maths", "algebra", NULL, 0, NULL) == LESSON_STORE_INVALID &&
           lesson_store_batch(store, both, 2) == LESSON_STORE_OK &&
           lesson_store_executor_run(executor, &where, 0) == LESSON_STORE_OK;
}

int main(int argc, char **argv) {
    lesson_store *store, *other;
    lesson_store_executor *executor;
    setlocale(LC_ALL, "");
    if (argc < 2 || lesson_store_open(&store, argv[1]) || lesson_store_open(&other, argv[1]) ||
        lesson_store_executor_open(&executor, store, NULL) || (argc == 2 && !call(store, executor))) {
        fprintf(stderr, "write_metrics: %s\n", lesson_store_message());
        return 1;
    }
    const lesson_store_metrics_source sources[] = {
        {.name = "main \"\\ \xc3\xa9", .store = store, .executor = executor},
        {.store = other},
    };
    const char *mode = argc > 2 ? argv[2] : "";
    size_t count = strcmp(mode, "empty") == 0 ? 0 : 2;
    uint32_t flags = strcmp(mode, "part") == 0 ? LESSON_STORE_METRICS_PART : 0;
    lesson_store_executor_stop(executor, 0); /* so that its callbacks have returned */
    int code = lesson_store_write_metrics(sources, count, flags, print, NULL);
    if (code)
        fprintf(stderr, "write_metrics: %s\n", lesson_store_message());
    lesson_store_executor_close(executor);
    lesson_store_close(other);
    lesson_store_close(store);
    return code ? 1 : 0;
}
