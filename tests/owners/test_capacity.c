/*
 * Two hundred threads, in several processes where the engine is shared, join and quit one lesson of thirty. It never
 * has thirty-one members, and a join is refused only for a count of thirty in its own step.
 */
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <lessonstore/lessonstore.h>

#include "dice.h"
#include "engine.h"
#include "soak.h"

enum { THREADS = 200, CAPACITY = 30, CALLS = 20, PROCESSES_MAX = 4 };

/* What the processes tell the test, in shared memory. */
struct shared {
    atomic_uint joined;
    atomic_uint refused;
    atomic_bool is_wrong;
    char what[256];
};

static struct shared *shared;

static void accuse(const char *what, int code, uint64_t count) {
    if (!atomic_exchange(&shared->is_wrong, true))
        snprintf(shared->what, sizeof shared->what, "%s: %s, count %llu: %s", what, lesson_store_code_name(code),
                 (unsigned long long)count, code < 0 ? lesson_store_message() : "");
}

/* ---- A thread is one user. */

struct person {
    lesson_store *store;
    uint64_t seed;
    int number;
};

static void join(struct person *person, const char *uid) {
    lesson_store_operation join = {.kind = LESSON_STORE_OPERATION_JOIN,
                                   .flags = LESSON_STORE_JOIN_IF_ROOM,
                                   .uid = lesson_store_id_of(uid),
                                   .course_id = lesson_store_id_of("course"),
                                   .lesson_id = lesson_store_id_of("full")};
    int code = lesson_store_batch(person->store, &join, 1);
    code = code ? code : join.code;
    if (code == LESSON_STORE_OK)
        atomic_fetch_add(&shared->joined, 1);
    else if (code == LESSON_STORE_REFUSED && join.count == CAPACITY)
        atomic_fetch_add(&shared->refused, 1);
    else
        accuse("a join", code, join.count);
}

static void count(struct person *person) {
    uint64_t count = 0;
    int code = lesson_store_count_members(person->store, "full", &count);
    if (code || count > CAPACITY)
        accuse("the count", code, count);
}

static void *come_and_go(void *context) {
    struct person *person = context;
    dice_state dice = {person->seed};
    char uid[32];
    snprintf(uid, sizeof uid, "user %d", person->number);
    for (int i = 0; i < CALLS && !atomic_load(&shared->is_wrong); i++) {
        join(person, uid);
        count(person);
        int code = dice_once_in(&dice, 2) ? lesson_store_quit(person->store, uid, NULL, NULL, NULL) : LESSON_STORE_OK;
        if (code < 0)
            accuse("a quit", code, 0);
    }
    return NULL;
}

static void run_threads(lesson_store *store, int first, int count_of_threads, uint64_t seed) {
    pthread_t threads[THREADS];
    struct person people[THREADS];
    dice_state dice = {seed};
    int started = 0;
    for (; started < count_of_threads; started++) {
        people[started] = (struct person){store, dice_bits(&dice), first + started};
        if (pthread_create(&threads[started], NULL, come_and_go, &people[started]) != 0)
            break;
    }
    if (started < count_of_threads)
        accuse("a thread could not be made", 0, (uint64_t)started);
    for (int i = 0; i < started; i++)
        pthread_join(threads[i], NULL);
}

/* ---- The test */

static void make_lesson(lesson_store *store) {
    lesson_store_operation create = {.kind = LESSON_STORE_OPERATION_CREATE,
                                     .lesson_id = lesson_store_id_of("full"),
                                     .given = LESSON_STORE_GIVEN_CAPACITY,
                                     .capacity = CAPACITY};
    assert_int_equal(lesson_store_batch(store, &create, 1), LESSON_STORE_OK);
    assert_int_equal(create.code, LESSON_STORE_OK);
}

static void run_in_processes(uint64_t seed) {
    pid_t processes[PROCESSES_MAX];
    for (int i = 0; i < PROCESSES_MAX; i++) {
        processes[i] = fork();
        assert_true(processes[i] >= 0);
        if (processes[i] > 0)
            continue;
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        lesson_store *store;
        int code = lesson_store_open(&store, engine_location());
        if (code)
            accuse("open", code, 0);
        else
            run_threads(store, i * THREADS / PROCESSES_MAX, THREADS / PROCESSES_MAX, seed + (uint64_t)i);
        if (!code)
            lesson_store_close(store);
        _exit(0);
    }
    for (int i = 0; i < PROCESSES_MAX; i++)
        waitpid(processes[i], NULL, 0);
}

static void test_capacity(void **state) {
    (void)state;
    soak_run soak = soak_begin("200 threads at a full lesson", engine_name(), 2);
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(shared != MAP_FAILED);
    while (soak_next(&soak)) {
        uint64_t members = 0;
        engine_make();
        lesson_store *store = engine_open_store("");
        make_lesson(store);
        if (engine_is_shared()) {
            lesson_store_close(store);
            run_in_processes(soak.seed);
            store = engine_open_store("");
        } else {
            run_threads(store, 0, THREADS, soak.seed);
        }
        if (atomic_load(&shared->is_wrong))
            fail_msg("%s" SOAK_SEED, shared->what, soak.seed);
        assert_int_equal(lesson_store_count_members(store, "full", &members), LESSON_STORE_OK);
        assert_in_range(members, 0, CAPACITY);
        lesson_store_close(store);
        engine_remove();
    }
    assert_true(atomic_load(&shared->joined) > 0);
    assert_true(atomic_load(&shared->refused) > 0);
    soak.operations = atomic_load(&shared->joined) + atomic_load(&shared->refused);
    munmap(shared, sizeof *shared);
    soak_end(&soak);
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_capacity)};
    if (argc != 2 || !engine_choose(argv[1]))
        return 2;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
