/* Long batches, which have several requests under way at a time. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "raw.h"

/* Two clients, while a third flushes the scripts repeatedly. When one client makes the server learn a script again, a
 * later request of the other must not overtake an earlier one. */
struct helper {
    lesson_store *store;
    redisContext *commands;
    atomic_bool ends;
};

static void *keep_teaching(void *context) {
    struct helper *helper = context;
    while (!helper->ends)
        assert_int_equal(lesson_store_count_members(helper->store, "nowhere", NULL), LESSON_STORE_OK);
    return NULL;
}

static void *keep_flushing(void *context) {
    struct helper *helper = context;
    while (!helper->ends)
        freeReplyObject(redisCommand(helper->commands, "SCRIPT FLUSH"));
    return NULL;
}

static void test_scripts_lost_and_learnt_in_the_middle(void **state) {
    raw_server *raw = *state;
    enum { COUNT = 4000 };
    static lesson_store_operation operations[COUNT];
    static lesson_store_place places[COUNT];
    static char lessons[COUNT][16];
    struct helper helper = {.store = raw_open_store(raw, "?pool=1"),
                            .commands = redisConnectUnix(redis_server_socket(raw->server))};
    pthread_t teacher, flusher;
    assert_int_equal(pthread_create(&teacher, NULL, keep_teaching, &helper), 0);
    assert_int_equal(pthread_create(&flusher, NULL, keep_flushing, &helper), 0);
    for (int round = 0; round < 5; round++) {
        for (int i = 0; i < COUNT; i++) {
            snprintf(lessons[i], sizeof lessons[i], "L%d", i);
            operations[i] = raw_operation(LESSON_STORE_OPERATION_JOIN, "ann", lessons[i]);
            operations[i].place = &places[i];
        }
        assert_code(lesson_store_batch(raw->store, operations, COUNT), OK);
        for (int i = 1; i < COUNT; i++)
            assert_string_equal(places[i].lesson_id, lessons[i - 1]);
    }
    helper.ends = true;
    pthread_join(teacher, NULL);
    pthread_join(flusher, NULL);
    redisFree(helper.commands);
    lesson_store_close(helper.store);
}

/* More bytes under way, in both directions, than the buffers on the way hold. Neither side may wait for the other to
 * read first. */
static void test_full_buffers_both_ways(void **state) {
    raw_server *raw = *state;
    enum { COUNT = 8192 };
    static lesson_store_operation operations[COUNT];
    static lesson_store_place places[COUNT];
    static char lesson_id[2][LESSON_STORE_ID_MAX + 1];
    memset(lesson_id[0], 'a', LESSON_STORE_ID_MAX);
    memset(lesson_id[1], 'b', LESSON_STORE_ID_MAX);
    for (int i = 0; i < COUNT; i++) {
        operations[i] = raw_operation(LESSON_STORE_OPERATION_JOIN, lesson_id[0], lesson_id[i % 2]);
        operations[i].course_id = operations[i].session = lesson_store_id_of(lesson_id[0]);
        operations[i].place = &places[i];
    }
    assert_code(lesson_store_batch(raw->store, operations, COUNT), OK);
    for (int i = 1; i < COUNT; i++)
        assert_string_equal(places[i].lesson_id, lesson_id[(i - 1) % 2]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(scripts_lost_and_learnt_in_the_middle),
        TEST(full_buffers_both_ways),
        TEST_BEHIND(full_buffers_both_ways),
    };
    return cmocka_run_group_tests(tests, raw_start, raw_stop);
}
