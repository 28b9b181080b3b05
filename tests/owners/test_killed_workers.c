/*
 * Workers that join users as owners, and are killed while they do. A sweep puts the users of the killed out, and never
 * anybody else's: not those of workers that live, and not those of the next worker that joins the same users.
 *
 * A worker that the machine keeps from running for a lease is presumed dead, and that is right. It learns of it when it
 * renews: then, and only then, its users may be out.
 */
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
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include <lessonstore/backend.h>

#include "dice.h"
#include "engine.h"
#include "soak.h"

enum {
    WORKERS = 3,
    SWEEPER = WORKERS,
    WATCHER,
    PROCESSES,
    USERS = 12, /* of each worker */
    LESSONS = 5,
    LEASE_MS = 400,
    RENEW_MS = LEASE_MS / 8,
    SWEEP_MS = LEASE_MS / 20,
    PATIENCE_MS = 60000
};

/* What a worker tells the test, in shared memory. */
typedef struct account {
    _Atomic int64_t renewed_ms;    /* when it last began to renew */
    atomic_bool has_joined[USERS]; /* in this life. Those of an earlier one may be put out at any time */
    atomic_uint calls;
    atomic_uint presumed_dead;
    atomic_bool is_wrong;
    char what[256];
} account;

static account *accounts;

static int64_t now_ms(void) {
    return lesson_store_monotonic_us() / 1000;
}

static void rest(int ms) {
    const struct timespec pause = {.tv_nsec = ms * 1000000L};
    nanosleep(&pause, NULL);
}

static void name_user(char uid[32], int worker, int user) {
    snprintf(uid, 32, "worker %d user %d", worker, user);
}

/* ---- The worker, a process of its own */

typedef struct worker {
    int number;
    account *told;
    lesson_store *store;
    char owner[LESSON_STORE_ID_MAX + 1];
    dice_state dice;
} worker;

_Noreturn static void accuse(worker *self, const char *what, int code) {
    snprintf(self->told->what, sizeof self->told->what, "process %d: %s: %s %s", self->number, what,
             lesson_store_code_name(code), code < 0 ? lesson_store_message() : "");
    atomic_store(&self->told->is_wrong, true);
    _exit(1);
}

static void begin_life(worker *self) {
    int code = lesson_store_make_owner(self->owner, "worker");
    for (int i = 0; i < USERS; i++)
        atomic_store(&self->told->has_joined[i], false);
    atomic_store(&self->told->renewed_ms, now_ms());
    if (!code)
        code = lesson_store_hold(self->store, self->owner, LEASE_MS, 0);
    if (code)
        accuse(self, "hold", code);
}

/* False if it was presumed dead, and has begun another life. */
static bool renew(worker *self) {
    int64_t began_ms = now_ms();
    int code = lesson_store_hold(self->store, self->owner, LEASE_MS, LESSON_STORE_HOLD_RENEW);
    if (code != LESSON_STORE_OK && code != LESSON_STORE_CONFLICT)
        accuse(self, "renew", code);
    if (code == LESSON_STORE_OK) {
        atomic_store(&self->told->renewed_ms, began_ms);
        return true;
    }
    atomic_fetch_add(&self->told->presumed_dead, 1);
    begin_life(self);
    return false;
}

static void join(worker *self, int user) {
    char uid[32], lesson_id[16];
    name_user(uid, self->number, user);
    snprintf(lesson_id, sizeof lesson_id, "lesson %u", dice_below(&self->dice, LESSONS));
    int code = lesson_store_join_for(self->store, self->owner, uid, "course", lesson_id,
                                     dice_once_in(&self->dice, 2) ? "session" : NULL, 0, NULL);
    if (code == LESSON_STORE_OK)
        atomic_store(&self->told->has_joined[user], true);
    else if (code != LESSON_STORE_REFUSED || renew(self))
        accuse(self, "a join was refused to an owner that holds a lease", code);
}

static void look(worker *self, int user) {
    char uid[32];
    name_user(uid, self->number, user);
    int code = lesson_store_where(self->store, uid, NULL);
    if (code == LESSON_STORE_NOT_FOUND && atomic_load(&self->told->has_joined[user]) && renew(self))
        accuse(self, "a user was put out although the owner holds its lease", code);
    if (code < 0)
        accuse(self, "where", code);
}

_Noreturn static void work(int number, uint64_t seed) {
    worker self = {.number = number, .told = &accounts[number], .dice = {seed}};
    int code = lesson_store_open(&self.store, engine_location());
    if (code)
        accuse(&self, "open", code);
    begin_life(&self);
    for (;;) {
        int user = (int)dice_below(&self.dice, USERS);
        if (now_ms() - atomic_load(&self.told->renewed_ms) >= RENEW_MS)
            renew(&self);
        if (dice_once_in(&self.dice, 3))
            join(&self, user);
        else
            look(&self, user);
        atomic_fetch_add(&self.told->calls, 1);
        rest(1);
    }
}

/* ---- The sweeper, and one who watches the users of a killed worker: processes too, because a child cannot open an
 * SQLite file that its parent has open. */

static lesson_store *open_store(account *told) {
    worker self = {.told = told};
    int code = lesson_store_open(&self.store, engine_location());
    if (code)
        accuse(&self, "open", code);
    return self.store;
}

_Noreturn static void sweep_for_ever(account *told) {
    worker self = {.number = SWEEPER, .told = told, .store = open_store(told)};
    for (;; rest(SWEEP_MS)) {
        int code = lesson_store_sweep(self.store, NULL, NULL, NULL);
        if (code)
            accuse(&self, "sweep", code);
        atomic_fetch_add(&told->calls, 1);
    }
}

/* Counts the users of a worker who are there, and those among them who have joined in its last life. */
static int count_users(worker *self, int number, int *of_life) {
    int count = 0;
    *of_life = 0;
    for (int i = 0; i < USERS; i++) {
        char uid[32];
        name_user(uid, number, i);
        int code = lesson_store_where(self->store, uid, NULL);
        if (code < 0)
            accuse(self, "where", code);
        count += code == LESSON_STORE_OK;
        *of_life += code == LESSON_STORE_OK && atomic_load(&accounts[number].has_joined[i]);
    }
    return count;
}

/* Its users are out as soon as the lease has run out, and not before. */
_Noreturn static void watch(int number) {
    account *told = &accounts[WATCHER];
    worker self = {.number = WATCHER, .told = told, .store = open_store(told)};
    int64_t began_ms = now_ms(), renewed_ms = atomic_load(&accounts[number].renewed_ms);
    int there, left;
    count_users(&self, number, &there);
    for (int all = USERS; all > 0; rest(2)) {
        int64_t counted_ms = now_ms();
        all = count_users(&self, number, &left);
        if (left < there && counted_ms - renewed_ms < LEASE_MS - SWEEP_MS)
            accuse(&self, "users were put out before the lease had run out", 0);
        if (now_ms() - began_ms > PATIENCE_MS)
            accuse(&self, "users stay for ever", 0);
        there = left;
    }
    lesson_store_close(self.store);
    _exit(0);
}

/* A worker that was killed between two steps leaves something to repair (EXCEPT_STEPS). */
static void repair_steps(lesson_store *store) {
    lesson_store_abilities abilities = LESSON_STORE_ABILITIES_INIT;
    assert_int_equal(lesson_store_read_abilities(store, &abilities), LESSON_STORE_OK);
    if (abilities.exceptions & LESSON_STORE_EXCEPT_STEPS)
        assert_int_equal(lesson_store_check(store, LESSON_STORE_CHECK_REPAIR, NULL, NULL, NULL, NULL), LESSON_STORE_OK);
}

static void expect_sound(void) {
    lesson_store *store = engine_open_store("");
    uint64_t found = 1;
    repair_steps(store);
    assert_int_equal(lesson_store_check(store, 0, NULL, NULL, &found, NULL), LESSON_STORE_OK);
    assert_int_equal(found, 0);
    lesson_store_close(store);
}

/* ---- The test */

static pid_t processes[PROCESSES];

static pid_t fork_tied(void) {
    pid_t process = fork();
    assert_true(process >= 0);
    if (process == 0)
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that fails stops nobody */
    return process;
}

static void start_worker(int number, uint64_t seed) {
    atomic_store(&accounts[number].calls, 0);
    processes[number] = fork_tied();
    if (processes[number] == 0)
        work(number, seed);
}

static void stop(int number) {
    kill(processes[number], SIGKILL);
    waitpid(processes[number], NULL, 0);
}

static void expect_no_wrong(void) {
    for (int i = 0; i < PROCESSES; i++) {
        if (atomic_load(&accounts[i].is_wrong))
            fail_msg("%s", accounts[i].what);
    }
}

static void go_on_for(int ms) {
    for (int64_t until_ms = now_ms() + ms; now_ms() < until_ms; rest(2))
        expect_no_wrong();
}

static void wait_until_at_work(int number) {
    for (int64_t began_ms = now_ms(); atomic_load(&accounts[number].calls) < 2 * USERS; rest(2)) {
        expect_no_wrong();
        assert_true(now_ms() - began_ms < PATIENCE_MS);
    }
}

static void expect_swept(int number) {
    processes[WATCHER] = fork_tied();
    if (processes[WATCHER] == 0)
        watch(number);
    waitpid(processes[WATCHER], NULL, 0);
    expect_no_wrong();
}

/* The next life joins the same users before those of the last life were swept. It finds out itself whether they stay.
 */
static void kill_one(dice_state *dice) {
    int number = (int)dice_below(dice, WORKERS);
    wait_until_at_work(number);
    stop(number);
    if (dice_once_in(dice, 2))
        expect_swept(number);
    start_worker(number, dice_bits(dice));
    go_on_for((int)dice_below(dice, LEASE_MS));
}

static void start_all(uint64_t seed) {
    dice_state dice = {seed};
    for (int i = 0; i < WORKERS; i++)
        start_worker(i, dice_bits(&dice));
    processes[SWEEPER] = fork_tied();
    if (processes[SWEEPER] == 0)
        sweep_for_ever(&accounts[SWEEPER]);
}

static void test_killed_workers(void **state) {
    (void)state;
    if (!engine_is_shared()) {
        print_message("its data belongs to one process\n");
        skip();
    }
    soak_run soak = soak_begin("killed workers", engine_name(), 6);
    accounts = mmap(NULL, PROCESSES * sizeof *accounts, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(accounts != MAP_FAILED);
    engine_make();
    start_all(soak.seed);
    while (soak_next(&soak)) {
        dice_state dice = {soak.seed};
        kill_one(&dice);
        soak.kills++;
    }
    for (int i = 0; i <= SWEEPER; i++) {
        soak.operations += atomic_load(&accounts[i].calls);
        stop(i);
    }
    expect_sound();
    engine_remove();
    munmap(accounts, PROCESSES * sizeof *accounts);
    soak_end(&soak);
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_killed_workers)};
    if (argc != 2 || !engine_choose(argv[1]))
        return 2;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
