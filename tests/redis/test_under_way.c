/* Long batches, which have several requests under way at a time. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

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

/* ---- A server that refuses the first request for now, executes those behind it, and knows no WAIT */

#define REQUEST 256

struct moody {
    char directory[64];
    int listener;
    atomic_int asked;
    atomic_int executed;
    pthread_t thread;
};

static const char *reply_of_moody(struct moody *moody, const char *command) {
    static char joined[REQUEST + 16];
    if (strcmp(command, "ROLE") == 0)
        return "*3\r\n$6\r\nmaster\r\n:0\r\n*0\r\n";
    if (strcmp(command, "CLIENT") == 0)
        return "+OK\r\n";
    if (strcmp(command, "EVAL") != 0)
        return "-NOPERM this server has no such command\r\n";
    if (atomic_fetch_add(&moody->asked, 1) == 0)
        return "-LOADING it will be there\r\n";
    atomic_fetch_add(&moody->executed, 1);
    char *end = joined + snprintf(joined, sizeof joined, "$%d\r\n", REQUEST);
    memset(end, 'N', REQUEST);
    strcpy(end + REQUEST, "\r\n");
    return joined;
}

/* Requests have the form of replies, so the parser of hiredis reads them. */
static void serve_moody(struct moody *moody, int socket) {
    char bytes[4096];
    redisReader *requests = redisReaderCreate();
    for (ssize_t count; (count = read(socket, bytes, sizeof bytes)) > 0;) {
        void *request = NULL;
        redisReaderFeed(requests, bytes, (size_t)count);
        while (redisReaderGetReply(requests, &request) == REDIS_OK && request) {
            const char *reply = reply_of_moody(moody, ((redisReply *)request)->element[0]->str);
            freeReplyObject(request);
            if (send(socket, reply, strlen(reply), MSG_NOSIGNAL) < 0)
                break;
        }
    }
    redisReaderFree(requests);
}

static void *run_moody(void *context) {
    struct moody *moody = context;
    for (int socket; (socket = accept(moody->listener, NULL, NULL)) >= 0; close(socket))
        serve_moody(moody, socket);
    return NULL;
}

static void start_moody(struct moody *moody) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    *moody = (struct moody){.directory = "/tmp/lessonstore-moody-XXXXXX"};
    assert_non_null(mkdtemp(moody->directory));
    snprintf(address.sun_path, sizeof address.sun_path, "%s/socket", moody->directory);
    moody->listener = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(moody->listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(moody->listener, 8), 0);
    assert_int_equal(pthread_create(&moody->thread, NULL, run_moody, moody), 0);
}

static void stop_moody(struct moody *moody) {
    char path[96];
    shutdown(moody->listener, SHUT_RDWR);
    pthread_join(moody->thread, NULL);
    close(moody->listener);
    snprintf(path, sizeof path, "%s/socket", moody->directory);
    unlink(path);
    rmdir(moody->directory);
}

/* Each operation has its true code, and nothing is sent behind those that failed for good. */
static void test_refused_before_others_were_executed(void **state) {
    (void)state;
    enum { COUNT = 7 * REQUEST };
    static lesson_store_operation operations[COUNT];
    char location[160];
    struct moody moody;
    lesson_store *store;
    start_moody(&moody);
    for (int wait = 0; wait < 2; wait++) {
        moody.asked = moody.executed = 0;
        snprintf(location, sizeof location, "redis+unix://%s/socket?pool=1&wait_replicas=%d", moody.directory, wait);
        assert_code(lesson_store_open(&store, location), OK);
        for (int i = 0; i < COUNT; i++)
            operations[i] = raw_operation(LESSON_STORE_OPERATION_JOIN, "ann", "L1");
        assert_code(lesson_store_batch(store, operations, COUNT), UNREACHABLE);
        raw_assert_message("LOADING");
        assert_int_equal(moody.executed, 3);
        for (int i = 0; i < COUNT; i++) {
            bool is_executed = i >= REQUEST && i < 4 * REQUEST;
            int executed = wait ? LESSON_STORE_UNKNOWN : LESSON_STORE_OK;
            assert_int_equal(operations[i].code, is_executed ? executed : LESSON_STORE_UNREACHABLE);
        }
        lesson_store_close(store);
    }
    stop_moody(&moody);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(scripts_lost_and_learnt_in_the_middle),
        TEST(full_buffers_both_ways),
        TEST_BEHIND(full_buffers_both_ways),
        cmocka_unit_test(test_refused_before_others_were_executed),
    };
    return cmocka_run_group_tests(tests, raw_start, raw_stop);
}
