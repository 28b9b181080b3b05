/* Yesterday's program, on a store of its own backend and on one of today's. */
#include <stdio.h>
#include <stdlib.h>

#include <lessonstore/executor.h>

#include "backend.h"

#define EXPECT(condition)                                                                   \
    do {                                                                                    \
        if (!(condition)) {                                                                 \
            fprintf(stderr, "%d: %s (%s)\n", __LINE__, #condition, lesson_store_message()); \
            exit(1);                                                                        \
        }                                                                                   \
    } while (0)

static void use_abilities(lesson_store *store, uint64_t operations, uint64_t calls) {
    lesson_store_abilities abilities = LESSON_STORE_ABILITIES_INIT;
    EXPECT(lesson_store_read_abilities(store, &abilities) == LESSON_STORE_OK);
    EXPECT((abilities.operations & operations) == operations);
    EXPECT((abilities.calls & LESSON_STORE_CALLS_0_1) == calls);
    EXPECT(abilities.members_at_once_max == UINT64_MAX);
}

static void use_batch(lesson_store *store) {
    char message[256];
    lesson_store_place place;
    lesson_store_operation *operations = calloc(3, sizeof *operations);
    EXPECT(operations);
    operations[0].kind = LESSON_STORE_OPERATION_JOIN;
    operations[0].uid = lesson_store_id_of("ann");
    operations[0].course_id = lesson_store_id_of("algebra");
    operations[0].lesson_id = lesson_store_id_of("algebra-7");
    operations[1].kind = LESSON_STORE_OPERATION_WHERE;
    operations[1].uid = lesson_store_id_of("ann");
    operations[1].place = &place;
    operations[2].kind = LESSON_STORE_OPERATION_JOIN;
    operations[2].uid = lesson_store_id_of("");
    operations[2].message = message;
    operations[2].message_size = sizeof message;
    EXPECT(lesson_store_batch(store, operations, 3) == LESSON_STORE_OK);
    EXPECT(operations[0].code == LESSON_STORE_OK && operations[0].arrival == LESSON_STORE_ARRIVAL_NEW);
    EXPECT(operations[1].code == LESSON_STORE_OK && strcmp(place.lesson_id, "algebra-7") == 0);
    EXPECT(operations[2].code == LESSON_STORE_INVALID && strcmp(message, "uid is empty") == 0);
    free(operations);
}

static void note_code(const lesson_store_operation *operation, void *context) {
    *(int *)context = operation->code;
}

static void use_executor(lesson_store *store) {
    lesson_store_executor_options options = LESSON_STORE_EXECUTOR_OPTIONS_INIT;
    lesson_store_executor_figures figures = LESSON_STORE_EXECUTOR_FIGURES_INIT;
    lesson_store_executor *executor;
    lesson_store_operation where = {.kind = LESSON_STORE_OPERATION_WHERE, .uid = lesson_store_id_of("ann")};
    int code = 1;
    options.pending_max = 10;
    EXPECT(lesson_store_executor_open(&executor, store, &options) == LESSON_STORE_OK);
    EXPECT(lesson_store_executor_submit(executor, &where, 0, NULL, note_code, &code, NULL) == LESSON_STORE_OK);
    EXPECT(lesson_store_executor_stop(executor, 0) == LESSON_STORE_OK);
    EXPECT(lesson_store_executor_read_figures(executor, &figures) == LESSON_STORE_OK);
    EXPECT(figures.completed == 1 && figures.pending == 0 && figures.largest_batch == 1);
    lesson_store_executor_close(executor);
    EXPECT(code == LESSON_STORE_OK);
}

static bool hear_member(const lesson_store_id *uid, void *context) {
    *(int *)context += lesson_store_id_equal(*uid, lesson_store_id_of("ann"));
    return true;
}

static void use_old_backend(void) {
    lesson_store *store;
    int heard = 0;
    EXPECT(lesson_store_register(&old_backend) == LESSON_STORE_OK);
    EXPECT(lesson_store_open(&store, "old:?token=geheim&word=yes") == LESSON_STORE_OK);
    use_abilities(store, LESSON_STORE_OPERATION_MASK_JOIN, 0);
    use_batch(store);
    EXPECT(lesson_store_join(store, "bob", "algebra", "algebra-7", NULL, 0, NULL) == LESSON_STORE_FULL);
    EXPECT(lesson_store_create(store, "algebra-7", 0) == LESSON_STORE_UNSUPPORTED);
    EXPECT(lesson_store_members(store, "algebra-7", hear_member, &heard) == LESSON_STORE_UNSUPPORTED);
    EXPECT(!strstr(lesson_store_message(), "geheim") && strstr(lesson_store_message(), "word=yes"));
    use_executor(store);
    lesson_store_close(store);
    EXPECT(lesson_store_open(&store, "fault+old:?token=geheim&word=yes") == LESSON_STORE_OK);
    use_abilities(store, LESSON_STORE_OPERATION_MASK_JOIN, 0);
    lesson_store_close(store);
}

static void use_todays_backend(void) {
    lesson_store *store;
    int heard = 0;
    EXPECT(lesson_store_open(&store, "memory:") == LESSON_STORE_OK);
    use_abilities(store, LESSON_STORE_OPERATIONS_0_1, LESSON_STORE_CALLS_0_1);
    use_batch(store);
    EXPECT(lesson_store_members(store, "algebra-7", hear_member, &heard) == LESSON_STORE_OK && heard == 1);
    use_executor(store);
    lesson_store_close(store);
}

int main(void) {
    use_old_backend();
    use_todays_backend();
    puts("yesterday's program and backend run with today's library");
    return 0;
}
