/*
 * Writers that are killed while they write, and one who follows: a list taken at the beginning, and the events since
 * then, are the store at every quiet point. The follower goes on over connections that break, from one store to the
 * next by its position, and over gaps by another list.
 *
 * All of them are processes, because a child cannot open an SQLite file that its parent has open.
 */
#include <poll.h>
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

#include <lessonstore/feed.h>

#include "dice.h"
#include "engine.h"
#include "soak.h"

enum { WRITERS = 3, USERS = 24, LESSONS = 5, NOWHERE = -1, WRITING_MS = 40, PATIENCE_S = 60 };

/* What the test and the follower tell each other, in shared memory. */
struct shared {
    atomic_uint asked;    /* quiet points that the follower has to compare at */
    atomic_uint compared; /* and those where it has */
    atomic_uint writes;
    atomic_uint gaps;
    atomic_uint events;
    atomic_bool is_wrong;
    char what[512];
};

static struct shared *shared;

_Noreturn static void accuse(const char *who, const char *what, int code) {
    snprintf(shared->what, sizeof shared->what, "%s: %s: %s %s", who, what, lesson_store_code_name(code),
             code < 0 ? lesson_store_message() : "");
    atomic_store(&shared->is_wrong, true);
    _exit(1);
}

static lesson_store *open_store(const char *who, const char *options) {
    char location[1024];
    lesson_store *store;
    engine_add_options(location, sizeof location, engine_location(), options);
    int code = lesson_store_open(&store, location);
    if (code)
        accuse(who, "open", code);
    return store;
}

/* ---- A writer */

static int write_batch(lesson_store *store, dice_state *dice) {
    enum { SIZE = 20 };
    lesson_store_operation operations[SIZE] = {{.kind = 0}};
    char texts[SIZE][2][8];
    for (int i = 0; i < SIZE; i++) {
        snprintf(texts[i][0], sizeof texts[i][0], "u%u", dice_below(dice, USERS));
        snprintf(texts[i][1], sizeof texts[i][1], "l%u", dice_below(dice, LESSONS));
        operations[i].kind = dice_once_in(dice, 3) ? LESSON_STORE_OPERATION_QUIT : LESSON_STORE_OPERATION_JOIN;
        operations[i].uid = lesson_store_id_of(texts[i][0]);
        if (operations[i].kind == LESSON_STORE_OPERATION_JOIN) {
            operations[i].course_id = lesson_store_id_of("c");
            operations[i].lesson_id = lesson_store_id_of(texts[i][1]);
        }
    }
    return lesson_store_batch(store, operations, SIZE);
}

static int write_once(lesson_store *store, dice_state *dice) {
    char uid[8], lesson_id[8];
    snprintf(uid, sizeof uid, "u%u", dice_below(dice, USERS));
    snprintf(lesson_id, sizeof lesson_id, "l%u", dice_below(dice, LESSONS));
    switch (dice_below(dice, 12)) {
    case 0:
        return lesson_store_end(store, lesson_id, dice_once_in(dice, 3) ? LESSON_STORE_END_RECORD_ONLY : 0, NULL);
    case 1:
        return lesson_store_create(store, lesson_id, dice_once_in(dice, 2) ? LESSON_STORE_CREATE_RESET : 0);
    case 2:
        return lesson_store_set_course_status(store, lesson_id, (int)dice_below(dice, 4));
    case 3:
        return lesson_store_quit(store, uid, dice_once_in(dice, 2) ? lesson_id : NULL, NULL, NULL);
    case 4:
        return write_batch(store, dice);
    default:
        return lesson_store_join(store, uid, "c", lesson_id, dice_once_in(dice, 4) ? "s" : NULL, 0, NULL);
    }
}

_Noreturn static void write_for_ever(uint64_t seed) {
    dice_state dice = {seed};
    lesson_store *store = open_store("a writer", "");
    for (;;) {
        int code = write_once(store, &dice);
        if (code < 0)
            accuse("a writer", "a write", code);
        atomic_fetch_add(&shared->writes, 1);
    }
}

/* ---- The follower */

struct state {
    int lesson_of[USERS];
    int status_of[LESSONS]; /* LESSON_STORE_STATUS_NONE: no record */
};

struct follower {
    lesson_store *store;
    lesson_store_feed *feed;
    struct state state;
};

static int number_of(lesson_store_id id) {
    char digits[8] = "";
    if (id.size > 1 && id.size < sizeof digits)
        memcpy(digits, id.data + 1, id.size - 1);
    return digits[0] ? atoi(digits) : NOWHERE;
}

static void take_record(struct state *state, const lesson_store_event *event) {
    if (event->given & LESSON_STORE_GIVEN_COURSE_STATUS)
        state->status_of[number_of(event->lesson_id)] = event->course_status;
}

static void end_lesson(struct state *state, int lesson) {
    for (int i = 0; i < USERS; i++) {
        if (state->lesson_of[i] == lesson)
            state->lesson_of[i] = NOWHERE;
    }
}

static bool take_event(const lesson_store_event *event, void *context) {
    struct state *state = context;
    int user = number_of(event->uid), lesson = number_of(event->lesson_id);
    atomic_fetch_add(&shared->events, 1);
    switch ((lesson_store_event_kind)event->kind) {
    case LESSON_STORE_EVENT_CREATE:
    case LESSON_STORE_EVENT_SET:
        take_record(state, event);
        break;
    case LESSON_STORE_EVENT_END:
        end_lesson(state, lesson);
        state->status_of[lesson] = LESSON_STORE_STATUS_NONE;
        break;
    case LESSON_STORE_EVENT_END_RECORD:
        state->status_of[lesson] = LESSON_STORE_STATUS_NONE;
        break;
    case LESSON_STORE_EVENT_JOIN:
        state->lesson_of[user] = lesson;
        break;
    case LESSON_STORE_EVENT_QUIT:
        if (state->lesson_of[user] == lesson)
            state->lesson_of[user] = NOWHERE;
        break;
    }
    return true;
}

static bool list_user(const lesson_store_user *user, void *context) {
    struct state *state = context;
    state->lesson_of[number_of(user->uid)] = number_of(user->lesson_id);
    return true;
}

static bool list_lesson(const lesson_store_lesson *lesson, void *context) {
    struct state *state = context;
    if (lesson->has_record)
        state->status_of[number_of(lesson->lesson_id)] = lesson->course_status;
    return true;
}

static void list(lesson_store *store, struct state *state) {
    for (int i = 0; i < USERS; i++)
        state->lesson_of[i] = NOWHERE;
    for (int i = 0; i < LESSONS; i++)
        state->status_of[i] = LESSON_STORE_STATUS_NONE;
    int code = lesson_store_lessons(store, list_lesson, state);
    if (!code)
        code = lesson_store_users(store, list_user, state);
    if (code)
        accuse("the follower", "a list", code);
}

/* Failures of the feed are those of connections that break, and it goes on after them. */
static void drain(struct follower *follower) {
    struct pollfd ready = {.fd = lesson_store_feed_descriptor(follower->feed), .events = POLLIN};
    poll(&ready, 1, 5);
    int code = lesson_store_feed_drain(follower->feed, 0, take_event, &follower->state, NULL);
    if (code == LESSON_STORE_NOT_FOUND)
        accuse("the follower", "drain", code);
    if (code != LESSON_STORE_GAP)
        return;
    atomic_fetch_add(&shared->gaps, 1);
    list(follower->store, &follower->state);
}

static void compare(struct follower *follower) {
    struct state listed;
    time_t until = time(NULL) + PATIENCE_S;
    for (;;) {
        drain(follower);
        list(follower->store, &listed);
        if (memcmp(&listed, &follower->state, sizeof listed) == 0)
            return;
        if (time(NULL) > until)
            accuse("the follower", "the events do not give what the store lists", 0);
    }
}

/* Another store goes on where this one was. */
static void move_on(struct follower *follower, const char *options) {
    char position[LESSON_STORE_POSITION_SIZE];
    int code = lesson_store_feed_position(follower->feed, position);
    lesson_store_feed_close(follower->feed);
    lesson_store_close(follower->store);
    follower->store = open_store("the follower", options);
    if (!code)
        code = lesson_store_feed_open(&follower->feed, follower->store, NULL, position);
    if (code)
        accuse("the follower", "opening the feed again", code);
}

_Noreturn static void follow_for_ever(const char *options) {
    struct follower follower = {.store = open_store("the follower", options)};
    int code = lesson_store_feed_open(&follower.feed, follower.store, NULL, NULL);
    if (code)
        accuse("the follower", "opening the feed", code);
    list(follower.store, &follower.state);
    for (unsigned seen = 0;; drain(&follower)) {
        unsigned asked = atomic_load(&shared->asked);
        if (seen == asked)
            continue;
        compare(&follower);
        if (asked % 3 == 0)
            move_on(&follower, options);
        atomic_store(&shared->compared, asked);
        seen = asked;
    }
}

/* ---- The test */

static pid_t fork_tied(void) {
    pid_t process = fork();
    assert_true(process >= 0);
    if (process == 0)
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that fails stops nobody */
    return process;
}

static void stop(pid_t process) {
    kill(process, SIGKILL);
    waitpid(process, NULL, 0);
}

static void rest(int ms) {
    const struct timespec pause = {.tv_nsec = ms * 1000000L};
    nanosleep(&pause, NULL);
}

static void expect_no_wrong(const soak_run *soak) {
    if (atomic_load(&shared->is_wrong))
        fail_msg("%s" SOAK_SEED, shared->what, soak->seed);
}

static void ask_to_compare(const soak_run *soak) {
    unsigned number = atomic_fetch_add(&shared->asked, 1) + 1;
    time_t until = time(NULL) + 2 * PATIENCE_S;
    while (atomic_load(&shared->compared) != number) {
        expect_no_wrong(soak);
        assert_true(time(NULL) < until);
        rest(1);
    }
}

static void write_and_kill(soak_run *soak) {
    pid_t writers[WRITERS];
    dice_state dice = {soak->seed};
    unsigned before = atomic_load(&shared->writes);
    time_t until = time(NULL) + PATIENCE_S;
    for (int i = 0; i < WRITERS; i++) {
        uint64_t seed = dice_bits(&dice);
        writers[i] = fork_tied();
        if (writers[i] == 0)
            write_for_ever(seed);
    }
    while (atomic_load(&shared->writes) - before < 20 && !atomic_load(&shared->is_wrong) && time(NULL) < until)
        rest(1);
    rest((int)dice_below(&dice, WRITING_MS));
    for (int i = 0; i < WRITERS; i++)
        stop(writers[i]);
    soak->kills += WRITERS;
}

static void follow_killed_writers(const char *part, const char *options, bool wants_gaps) {
    if (!engine_is_shared()) {
        print_message("its data belongs to one process\n");
        skip();
    }
    soak_run soak = soak_begin(part, engine_name(), 12);
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(shared != MAP_FAILED);
    engine_make();
    pid_t follower = fork_tied();
    if (follower == 0)
        follow_for_ever(options);
    ask_to_compare(&soak);
    while (soak_next(&soak)) {
        write_and_kill(&soak);
        ask_to_compare(&soak);
    }
    stop(follower);
    soak.operations = atomic_load(&shared->writes);
    assert_true(atomic_load(&shared->events) > 0);
    if (!wants_gaps && atomic_load(&shared->gaps) > 0)
        fail_msg("%u gaps", atomic_load(&shared->gaps));
    engine_remove();
    munmap(shared, sizeof *shared);
    soak_end(&soak);
}

static void test_killed_writers(void **state) {
    (void)state;
    follow_killed_writers("followers of killed writers", "?feed=100000", false);
}

/* So few events are kept that the follower falls behind. */
static void test_trimmed_events(void **state) {
    (void)state;
    follow_killed_writers("followers of few events", "?feed=1", true);
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_killed_writers), cmocka_unit_test(test_trimmed_events)};
    if (argc != 2 || !engine_choose(argv[1]))
        return 2;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
