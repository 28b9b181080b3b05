/*
 * Repairs and damage while threads and processes join, move, quit and end. Each user belongs to one worker, so it is
 * known where the latest successful call has put the user.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmocka_all.h"
#include "engine.h"
#include "round.h"
#include "soak.h"

enum { SHARED = 4, WORKERS = 4, PROCESSES = 2, USERS_EACH = 12, DAMAGED = 8, STEPS = 250, NOWHERE = -1 };
enum { USERS = WORKERS * USERS_EACH, LESSONS = SHARED + WORKERS, NAME_SIZE = 24, TEXT_SIZE = 600 };

/* Shared with the processes. Each lesson from SHARED on belongs to one worker, which ends it. */
typedef struct shared_traffic {
    int places[USERS]; /* by the latest answer; only the user's worker writes it */
    uint64_t seed;
    atomic_uint working;
    atomic_uint calls;
    atomic_uint repairs;
    atomic_uint repaired;
    char problem[TEXT_SIZE];
    atomic_bool failed;
} shared_traffic;

typedef struct worker {
    shared_traffic *traffic;
    int number;
    lesson_store *store;
    dice_state dice;
} traffic_worker;

static const char *uid_of(int user, char name[NAME_SIZE]) {
    snprintf(name, NAME_SIZE, "user %d", user);
    return name;
}

static const char *lesson_of(int lesson, char name[NAME_SIZE]) {
    snprintf(name, NAME_SIZE, lesson < SHARED ? "shared %d" : "own %d", lesson);
    return name;
}

/* The users of the damage, which no worker uses. */
static const char *damaged_of(unsigned number, char name[NAME_SIZE]) {
    snprintf(name, NAME_SIZE, "damaged %u", number);
    return name;
}

static void expect(shared_traffic *traffic, int code, const char *call) {
    if (code == LESSON_STORE_OK || atomic_exchange(&traffic->failed, true))
        return;
    snprintf(traffic->problem, sizeof traffic->problem, "%s: %s %s", call, lesson_store_code_name(code),
             code < 0 ? lesson_store_message() : "");
}

/* SQLite's writers wait for each other's locks, on a slow machine for longer than the default timeout. */
static lesson_store *open_store(void) {
    return engine_open_store(strcmp(engine_name(), "sqlite") == 0 ? "?busy_timeout_ms=120000" : "");
}

/* ---- Workers */

static void end_own_lesson(traffic_worker *worker) {
    char name[NAME_SIZE];
    int own = SHARED + worker->number;
    expect(worker->traffic, lesson_store_end(worker->store, lesson_of(own, name), 0, NULL), "end");
    for (int i = 0; i < USERS_EACH; i++) {
        int *place = &worker->traffic->places[worker->number * USERS_EACH + i];
        *place = *place == own ? NOWHERE : *place;
    }
    expect(worker->traffic, lesson_store_create(worker->store, name, 0), "create");
}

static void step(traffic_worker *worker) {
    char uid[NAME_SIZE], lesson_id[NAME_SIZE];
    int user = worker->number * USERS_EACH + (int)dice_below(&worker->dice, USERS_EACH);
    int *place = &worker->traffic->places[user];
    unsigned drawn = dice_below(&worker->dice, 30);
    atomic_fetch_add(&worker->traffic->calls, 1);
    if (drawn == 0) {
        end_own_lesson(worker);
    } else if (drawn < 10) {
        int code = lesson_store_quit(worker->store, uid_of(user, uid), NULL, NULL, NULL);
        expect(worker->traffic, *place == NOWHERE && code == LESSON_STORE_NOT_FOUND ? LESSON_STORE_OK : code, "quit");
        *place = NOWHERE;
    } else {
        int lesson = (int)dice_below(&worker->dice, SHARED + 1);
        lesson = lesson == SHARED ? SHARED + worker->number : lesson;
        int code = lesson_store_join(worker->store, uid_of(user, uid), "C", lesson_of(lesson, lesson_id), NULL,
                                     LESSON_STORE_JOIN_IF_EXISTS, NULL);
        expect(worker->traffic, code, "join");
        *place = lesson;
    }
}

static void *work(void *context) {
    traffic_worker *worker = context;
    worker->dice = (dice_state){worker->traffic->seed * 100 + (uint64_t)worker->number};
    worker->store = open_store();
    for (int i = 0; i < STEPS && !atomic_load(&worker->traffic->failed); i++)
        step(worker);
    lesson_store_close(worker->store);
    atomic_fetch_sub(&worker->traffic->working, 1);
    return NULL;
}

static void *repair(void *context) {
    shared_traffic *traffic = context;
    lesson_store *store = open_store();
    for (uint32_t flags = 0; atomic_load(&traffic->working) > 0; flags ^= LESSON_STORE_CHECK_ENDED) {
        uint64_t repaired = 0;
        expect(traffic, lesson_store_check(store, flags | LESSON_STORE_CHECK_REPAIR, NULL, NULL, NULL, &repaired),
               "repair");
        atomic_fetch_add(&traffic->repairs, 1);
        atomic_fetch_add(&traffic->repaired, (unsigned)repaired);
    }
    lesson_store_close(store);
    return NULL;
}

static void work_in_process(shared_traffic *traffic, int number) {
    traffic_worker worker = {.traffic = traffic, .number = number};
    work(&worker);
    _exit(0);
}

static pid_t start_process(shared_traffic *traffic, int number) {
    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        if (number < WORKERS)
            work_in_process(traffic, number);
        repair(traffic);
        _exit(0);
    }
    return pid;
}

/* ---- Damage: ghosts also of the workers' users, but no membership or record of theirs is removed. In lessons that are
 * ended, only ghosts of other users, because in SQLite an end goes by the index of members. */

static uint64_t damage(shared_traffic *traffic) {
    dice_state dice = {~traffic->seed};
    uint64_t count = 0;
    char uid[NAME_SIZE], lesson_id[NAME_SIZE];
    for (; atomic_load(&traffic->working) > 0; count++) {
        int lesson = (int)dice_below(&dice, LESSONS);
        if (lesson < SHARED && dice_once_in(&dice, 2))
            round_side()->add_ghost(uid_of((int)dice_below(&dice, USERS), uid), lesson_of(lesson, lesson_id));
        else if (lesson < SHARED && dice_once_in(&dice, 2))
            round_side()->add_missing(damaged_of(dice_below(&dice, DAMAGED), uid), lesson_of(lesson, lesson_id));
        else
            round_side()->add_ghost(damaged_of(DAMAGED + dice_below(&dice, DAMAGED), uid),
                                    lesson_of(lesson, lesson_id));
        usleep(200); /* so that the damage leaves the store to the others */
    }
    return count;
}

/* ---- Judging */

typedef struct roster {
    bool holds[USERS];
} lesson_roster;

static bool note_member(const lesson_store_id *uid, void *context) {
    lesson_roster *roster = context;
    char name[NAME_SIZE];
    for (int i = 0; i < USERS; i++)
        roster->holds[i] |= bytes_are(*uid, uid_of(i, name));
    return true;
}

static bool judge_user(lesson_store *store, int user, int place, char text[TEXT_SIZE]) {
    lesson_store_place found;
    char uid[NAME_SIZE], wanted[NAME_SIZE] = "nowhere";
    int code = lesson_store_where(store, uid_of(user, uid), &found);
    if (place != NOWHERE)
        lesson_of(place, wanted);
    bool sound = place == NOWHERE ? code == LESSON_STORE_NOT_FOUND
                                  : code == LESSON_STORE_OK && strcmp(found.lesson_id, wanted) == 0;
    if (!sound)
        snprintf(text, TEXT_SIZE, "the record of %s: not %s but %s", uid, wanted,
                 code ? lesson_store_code_name(code) : found.lesson_id);
    return sound;
}

/* Every user is in the lesson of the latest answer, and a member there. After the last repair the user is a member of
 * no other lesson. */
static bool judge_users(lesson_store *store, const int *places, bool repaired, char text[TEXT_SIZE]) {
    for (int user = 0; user < USERS; user++) {
        if (!judge_user(store, user, places[user], text))
            return false;
    }
    for (int lesson = 0; lesson < LESSONS; lesson++) {
        lesson_roster roster = {{false}};
        char name[NAME_SIZE];
        assert_int_equal(lesson_store_members(store, lesson_of(lesson, name), note_member, &roster), LESSON_STORE_OK);
        for (int user = 0; user < USERS; user++) {
            bool is_there = places[user] == lesson;
            if (roster.holds[user] == is_there || (roster.holds[user] && !repaired))
                continue;
            snprintf(text, TEXT_SIZE, "user %d is %s %s", user, is_there ? "no member of" : "still a member of", name);
            return false;
        }
    }
    return true;
}

/* ---- Rounds */

static shared_traffic *make_traffic(uint64_t seed) {
    shared_traffic *made = mmap(NULL, sizeof *made, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(made, MAP_FAILED);
    made->seed = seed;
    atomic_store(&made->working, WORKERS);
    for (int i = 0; i < USERS; i++)
        made->places[i] = NOWHERE;
    return made;
}

static void make_lessons(void) {
    char name[NAME_SIZE];
    engine_make();
    lesson_store *store = open_store();
    for (int i = 0; i < LESSONS; i++)
        assert_int_equal(lesson_store_create(store, lesson_of(i, name), 0), LESSON_STORE_OK);
    lesson_store_close(store);
}

/* The processes begin first, because a parent that forks may have no open store and no other threads. */
static uint64_t let_it_run(shared_traffic *traffic) {
    pid_t pids[PROCESSES + 1];
    pthread_t threads[WORKERS - PROCESSES + 1];
    traffic_worker workers[WORKERS];
    for (int i = 0; i < PROCESSES; i++)
        pids[i] = start_process(traffic, i);
    pids[PROCESSES] = start_process(traffic, WORKERS);
    for (int i = PROCESSES; i < WORKERS; i++) {
        workers[i] = (traffic_worker){.traffic = traffic, .number = i};
        assert_int_equal(pthread_create(&threads[i - PROCESSES], NULL, work, &workers[i]), 0);
    }
    assert_int_equal(pthread_create(&threads[WORKERS - PROCESSES], NULL, repair, traffic), 0);
    round_side()->connect();
    uint64_t damages = damage(traffic);
    round_side()->disconnect();
    for (int i = 0; i <= WORKERS - PROCESSES; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i <= PROCESSES; i++) {
        int status;
        assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
        assert_int_equal(status, 0);
    }
    return damages;
}

static bool judge_afterwards(const shared_traffic *traffic, char text[TEXT_SIZE]) {
    uint64_t left[2] = {1, 1};
    lesson_store *store = open_store();
    bool sound = judge_users(store, traffic->places, false, text);
    if (sound) {
        assert_int_equal(lesson_store_check(store, LESSON_STORE_CHECK_REPAIR, NULL, NULL, NULL, NULL), 0);
        assert_int_equal(lesson_store_check(store, LESSON_STORE_CHECK_ENDED, NULL, NULL, &left[0], &left[1]), 0);
        sound = judge_users(store, traffic->places, true, text);
    }
    if (sound && left[0] > 0) {
        snprintf(text, TEXT_SIZE, "%llu findings after the last repair", (unsigned long long)left[0]);
        sound = false;
    }
    lesson_store_close(store);
    return sound;
}

static void test_traffic(void **state) {
    (void)state;
    char text[TEXT_SIZE] = "";
    uint64_t repairs = 0, repaired = 0;
    soak_run soak = soak_begin("damage during traffic", engine_name(), 3);
    while (soak_next(&soak)) {
        shared_traffic *traffic = make_traffic(soak.seed);
        make_lessons();
        soak.faults += let_it_run(traffic);
        if (atomic_load(&traffic->failed))
            fail_msg("%s" SOAK_SEED, traffic->problem, soak.seed);
        if (!judge_afterwards(traffic, text))
            fail_msg("%s" SOAK_SEED, text, soak.seed);
        soak.operations += atomic_load(&traffic->calls);
        repairs += atomic_load(&traffic->repairs);
        repaired += atomic_load(&traffic->repaired);
        engine_remove();
        munmap(traffic, sizeof *traffic);
    }
    soak_end(&soak);
    printf("%" PRIu64 " repairs during the traffic, %" PRIu64 " findings repaired\n", repairs, repaired);
    assert_true(repaired > 0);
}

/* ---- A repair that decides by an old reading: before it acts, the ghost joins and is a true member */

typedef struct stale_reading {
    lesson_store *store;
    shared_traffic *traffic;
} stale_reading;

static bool join_meanwhile(const lesson_store_finding *finding, void *context) {
    stale_reading *reading = context;
    char name[NAME_SIZE];
    assert_int_equal(finding->kind, LESSON_STORE_FINDING_GHOST_MEMBER);
    assert_int_equal(lesson_store_join(reading->store, uid_of(0, name), "C", "shared 0", NULL, 0, NULL), 0);
    reading->traffic->places[0] = 0;
    return true;
}

static void repair_after_old_reading(bool from_old_reading) {
    char text[TEXT_SIZE] = "";
    shared_traffic *traffic = make_traffic(1);
    make_lessons();
    round_side()->connect();
    round_side()->add_ghost("user 0", "shared 0");
    stale_reading reading = {open_store(), traffic};
    lesson_store *repairs = open_store();
    uint64_t found = 0;
    assert_int_equal(lesson_store_check(repairs, 0, join_meanwhile, &reading, &found, NULL), LESSON_STORE_OK);
    assert_int_equal(found, 1);
    if (from_old_reading)
        round_side()->remove_member("user 0", "shared 0");
    else
        assert_int_equal(lesson_store_check(repairs, LESSON_STORE_CHECK_REPAIR, NULL, NULL, NULL, NULL), 0);
    round_side()->disconnect();
    lesson_store_close(repairs);
    lesson_store_close(reading.store);
    bool sound = judge_afterwards(traffic, text);
    if (sound == from_old_reading)
        fail_msg("%s %s", sound ? "not rejected" : "rejected:", text);
    if (from_old_reading)
        assert_string_equal(text, "user 0 is no member of shared 0");
    engine_remove();
    munmap(traffic, sizeof *traffic);
}

static void test_old_reading(void **state) {
    (void)state;
    repair_after_old_reading(false);
    repair_after_old_reading(true);
}

int main(int count, char **arguments) {
    if (count != 2 || !engine_choose(arguments[1]))
        return 2;
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_old_reading), cmocka_unit_test(test_traffic)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
