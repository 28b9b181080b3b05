/* No step takes the server long, whatever is stored, and what is in steps always ends. The size of a step is counted in
 * calls of the server here, because times depend on the machine. */
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "raw.h"

static long long scripts(raw_server *raw) {
    return raw_calls(raw, "evalsha") + raw_calls(raw, "eval") + raw_calls(raw, "evalsha_ro") +
           raw_calls(raw, "eval_ro");
}

/* ---- Many ends in one batch */

static void test_ends_in_a_batch(void **state) {
    raw_server *raw = *state;
    enum { LESSONS = 40, MEMBERS_OF_EACH = 300, AT_ONCE = 1000 };
    static lesson_store_operation operations[2 * LESSONS];
    static char lessons[LESSONS][16];
    for (int i = 0; i < LESSONS; i++) {
        snprintf(lessons[i], sizeof lessons[i], "L%d", i);
        raw_make_lesson(raw, lessons[i], "1", 0);
        raw_do(raw, "EVAL %s 0 %s %d",
               "for i = 1, tonumber(ARGV[2]) do local uid = ARGV[1] .. '-' .. i\n"
               "redis.call('HSET', 'STATUS:IN_LESSON:UID:' .. uid, 'uid', uid, 'lesson_id', ARGV[1])\n"
               "redis.call('SADD', 'STATUS:LESSON_USER:LESSON_ID:' .. ARGV[1], uid) end",
               lessons[i], MEMBERS_OF_EACH);
        operations[2 * i] = raw_operation(LESSON_STORE_OPERATION_END, NULL, lessons[i]);
        operations[2 * i + 1] = raw_operation(LESSON_STORE_OPERATION_CREATE, NULL, lessons[i]);
    }
    long long before = scripts(raw);
    assert_code(lesson_store_batch(raw->store, operations, 2 * LESSONS), OK);
    assert_in_range(scripts(raw) - before, LESSONS * MEMBERS_OF_EACH / AT_ONCE, LESSONS);
    for (int i = 0; i < LESSONS; i++) {
        assert_int_equal(operations[2 * i].code, LESSON_STORE_OK);
        assert_int_equal(operations[2 * i].count, MEMBERS_OF_EACH);
        assert_int_equal(operations[2 * i + 1].code, LESSON_STORE_OK); /* in order: the old record is gone */
    }
    assert_int_equal(raw_number(raw, "DBSIZE"), LESSONS);
}

/* ---- An end beside clients that keep joining */

struct joiner {
    lesson_store *store;
    atomic_bool ends;
    atomic_int batches;
    int number;
};

static void *keep_joining(void *context) {
    enum { COUNT = 1000 };
    struct joiner *joiner = context;
    lesson_store_operation *operations = calloc(COUNT, sizeof *operations);
    char(*uids)[32] = calloc(COUNT, sizeof *uids);
    for (unsigned turn = 0; !joiner->ends && operations && uids; turn++) {
        for (int i = 0; i < COUNT; i++) {
            snprintf(uids[i], sizeof uids[i], "j%d-%u", joiner->number, turn * COUNT + (unsigned)i);
            operations[i] = raw_operation(LESSON_STORE_OPERATION_JOIN, uids[i], "L1");
            operations[i].course_id = lesson_store_id_of("C");
        }
        lesson_store_batch(joiner->store, operations, COUNT);
        joiner->batches++;
    }
    free(operations);
    free(uids);
    return NULL;
}

static void test_an_end_beside_joins(void **state) {
    raw_server *raw = *state;
    enum { JOINERS = 2 };
    struct joiner joiners[JOINERS] = {{0}};
    pthread_t threads[JOINERS];
    uint64_t left, found;
    raw_make_lesson(raw, "L1", "1", 3000);
    for (int i = 0; i < JOINERS; i++) {
        joiners[i].store = raw_open_store(raw, "?pool=1&timeout_ms=60000");
        joiners[i].number = i;
        assert_int_equal(pthread_create(&threads[i], NULL, keep_joining, &joiners[i]), 0);
        while (joiners[i].batches < 2)
            poll(NULL, 0, 1);
    }
    assert_code(lesson_store_end(raw->store, "L1", 0, &left), OK); /* would never return otherwise */
    for (int i = 0; i < JOINERS; i++)
        joiners[i].ends = true;
    for (int i = 0; i < JOINERS; i++) {
        pthread_join(threads[i], NULL);
        lesson_store_close(joiners[i].store);
    }
    assert_true(left >= 3000);
    for (int i = 0; i < 3000; i += 299) { /* who was there at first is out */
        char uid[16];
        snprintf(uid, sizeof uid, "u-%d", i);
        assert_code(lesson_store_where(raw->store, uid, NULL), NOT_FOUND);
    }
    assert_int_equal(raw_number(raw, "EXISTS " RECORD("L1")), 0);
    assert_code(lesson_store_check(raw->store, 0, NULL, NULL, &found, NULL), OK);
    assert_int_equal(found, 0);
}

/* ---- A set that the server keeps in one piece, so that SSCAN returns all of it */

static void test_members_in_one_piece(void **state) {
    raw_server *raw = *state;
    enum { COUNT = 20000, MOST = 500 };
    uint64_t left, found, repaired;
    raw_do(raw, "CONFIG SET set-max-intset-entries 100000");
    raw_do(raw, "EVAL %s 0 %d",
           "for i = 1, tonumber(ARGV[1]) do\n"
           "if i % 2 == 0 then redis.call('HSET', 'STATUS:IN_LESSON:UID:' .. i, 'uid', i,\n"
           "    'course_id', 'C', 'lesson_id', 'L1') end\n"
           "redis.call('SADD', 'STATUS:LESSON_USER:LESSON_ID:L1', i) end",
           COUNT);
    long long before = scripts(raw);
    assert_code(lesson_store_check(raw->store, 0, NULL, NULL, &found, NULL), OK);
    assert_int_equal(found, COUNT / 2);
    assert_true(scripts(raw) - before >= COUNT / MOST);
    before = scripts(raw);
    assert_code(lesson_store_check(raw->store, LESSON_STORE_CHECK_REPAIR, NULL, NULL, &found, &repaired), OK);
    assert_int_equal(repaired, COUNT / 2);
    assert_true(scripts(raw) - before >= COUNT / MOST);
    before = scripts(raw);
    assert_code(lesson_store_end(raw->store, "L1", 0, &left), OK);
    assert_int_equal(left, COUNT / 2);
    assert_true(scripts(raw) - before >= COUNT / 2 / MOST);
    raw_do(raw, "CONFIG SET set-max-intset-entries 512");
    raw_expect(raw, "");
}

/* ---- A check asks for many small lessons at once */

static void test_calls_of_a_check(void **state) {
    raw_server *raw = *state;
    enum { LESSONS = 2000, KEYS_AT_ONCE = 200 };
    uint64_t found;
    raw_do(raw, "EVAL %s 0 %d",
           "for i = 1, tonumber(ARGV[1]) do\n"
           "redis.call('HSET', 'STATUS:LESSON_STATUS:LESSON_ID:' .. i, 'lesson_id', i, 'course_status', 1,\n"
           "    'chat_status', 0)\n"
           "redis.call('HSET', 'STATUS:IN_LESSON:UID:' .. i, 'uid', i, 'course_id', 'C', 'lesson_id', i)\n"
           "redis.call('SADD', 'STATUS:LESSON_USER:LESSON_ID:' .. i, i) end",
           LESSONS);
    long long before = scripts(raw);
    assert_code(lesson_store_check(raw->store, 0, NULL, NULL, &found, NULL), OK);
    assert_int_equal(found, 0);
    /* A page of keys, and the members of the lessons in it. */
    assert_in_range(scripts(raw) - before, 1, 2 * (3 * LESSONS / KEYS_AT_ONCE + 2));
}

/* ---- What only reads is served while the server's writes are paused, as during a failover */

static bool ignore_lesson(const lesson_store_lesson *lesson, void *context) {
    *(int *)context += lesson->has_record;
    return true;
}

static bool ignore_user(const lesson_store_user *user, void *context) {
    *(int *)context += user->uid.size > 0;
    return true;
}

static bool ignore_member(const lesson_store_id *uid, void *context) {
    *(int *)context += uid->size > 0;
    return true;
}

static void test_reads_while_writes_are_paused(void **state) {
    raw_server *raw = *state;
    enum { READS = 700 };
    static lesson_store_operation reads[READS];
    lesson_store_lesson lesson;
    uint64_t count;
    int met = 0;
    raw_make_lesson(raw, "L1", "1", 600);
    assert_code(lesson_store_get_lesson(raw->store, "L1", &lesson), OK);
    if (raw_calls(raw, "evalsha_ro") + raw_calls(raw, "eval_ro") == 0)
        return; /* a server before Redis 7 */
    raw_do(raw, "CLIENT PAUSE 600000 WRITE");
    assert_code(lesson_store_where(raw->store, "u-1", NULL), OK);
    assert_code(lesson_store_count_members(raw->store, "L1", &count), OK);
    assert_code(lesson_store_get_lesson(raw->store, "L1", &lesson), OK);
    assert_code(lesson_store_members(raw->store, "L1", ignore_member, &met), OK);
    assert_code(lesson_store_lessons(raw->store, ignore_lesson, &met), OK);
    assert_code(lesson_store_users(raw->store, ignore_user, &met), OK);
    assert_code(lesson_store_check(raw->store, 0, NULL, NULL, NULL, NULL), OK);
    for (int i = 0; i < READS; i++)
        reads[i] = raw_operation(LESSON_STORE_OPERATION_WHERE, "u-1", NULL);
    assert_code(lesson_store_batch(raw->store, reads, READS), OK);
    raw_do(raw, "CLIENT UNPAUSE");
    assert_int_equal(met, 600 + 1 + 600);
}

/* ---- A server that closes idle connections, beside a callback that takes its time */

struct slow_reader {
    raw_server *raw;
    int met;
    int after; /* entries after which the connection is closed */
};

static bool be_slow(struct slow_reader *reader) {
    if (++reader->met % reader->after == 0)
        raw_do(reader->raw, "CLIENT KILL TYPE normal SKIPME yes");
    return true;
}

static bool slow_user(const lesson_store_user *user, void *context) {
    return user->uid.size > 0 && be_slow(context);
}

static bool slow_member(const lesson_store_id *uid, void *context) {
    return uid->size > 0 && be_slow(context);
}

static void test_slow_readers(void **state) {
    raw_server *raw = *state;
    enum { COUNT = 3000 };
    struct slow_reader reader = {.raw = raw, .after = 100};
    lesson_store *store = raw_open_store(raw, "?pool=1&members_at_once=10");
    raw_make_lesson(raw, "L1", "1", COUNT);
    assert_code(lesson_store_users(store, slow_user, &reader), OK);
    assert_int_equal(reader.met, COUNT);
    reader.met = 0;
    assert_code(lesson_store_members(store, "L1", slow_member, &reader), OK);
    assert_int_equal(reader.met, COUNT);
    lesson_store_close(store);
}

/* ---- A callback that forks, and returns in the child too. The rest of the reply is the parent's. */

struct forked_list {
    int met;
    int fork_at;
    pid_t child;
};

static bool fork_once(const lesson_store_id *uid, void *context) {
    struct forked_list *list = context;
    (void)uid;
    if (++list->met == list->fork_at)
        list->child = fork();
    return true;
}

static void test_fork_in_a_callback(void **state) {
    raw_server *raw = *state;
    enum { COUNT = 5000 };
    static const char *const options[] = {"?pool=1", "?pool=1&members_at_once=300"};
    raw_make_lesson(raw, "L1", "1", COUNT);
    for (size_t i = 0; i < 2; i++) {
        lesson_store *store = raw_open_store(raw, options[i]);
        struct forked_list list = {0, COUNT / 4, -1};
        int code = lesson_store_members(store, "L1", fork_once, &list);
        if (list.child == 0)
            _exit(code == LESSON_STORE_CLOSED && list.met == list.fork_at ? 0 : 1);
        int status;
        assert_int_equal(waitpid(list.child, &status, 0), list.child);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
        assert_int_equal(code, LESSON_STORE_OK);
        assert_int_equal(list.met, COUNT);
        assert_code(lesson_store_where(store, "u-1", NULL), OK);
        lesson_store_close(store);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(ends_in_a_batch),    TEST(an_end_beside_joins),           TEST(members_in_one_piece),
        TEST(calls_of_a_check),   TEST(reads_while_writes_are_paused), TEST(slow_readers),
        TEST(fork_in_a_callback),
    };
    return cmocka_run_group_tests(tests, raw_start, raw_stop);
}
