/* Many threads at the same time: which of them succeed, and what they see of each other's operations. */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <time.h>

#include "suite.h"

#define THREADS 4
#define ROUNDS 40
#define RACES 12

struct worker {
    pthread_t thread;
    void (*work)(struct worker *worker);
    lesson_store *store;
    atomic_bool *go;
    atomic_bool *is_over; /* what the others look at */
    unsigned number;
    unsigned round;
    uint64_t calls; /* that the backend declares */
    int code;       /* of the call that a race is about */
    const char *failed_call;
    int failure;
    char message[LESSON_STORE_MESSAGE_SIZE];
};

static void expect_in_thread(struct worker *worker, const char *call, int code, bool expected) {
    if (expected || worker->failed_call)
        return;
    worker->failed_call = call;
    worker->failure = code;
    snprintf(worker->message, sizeof worker->message, "%s", code < 0 ? lesson_store_message() : "");
}

static void expect_ok(struct worker *worker, const char *call, int code) {
    expect_in_thread(worker, call, code, code == LESSON_STORE_OK);
}

static void *begin_work(void *context) {
    struct worker *worker = context;
    while (!atomic_load(worker->go))
        sched_yield();
    worker->work(worker);
    return NULL;
}

struct team {
    struct worker workers[THREADS];
    atomic_bool go;
    atomic_bool is_over;
    size_t started;
};

/* Starts the threads; each does the work of its number. They begin together. */
static void start_team(struct fixture *fixture, struct team *team, unsigned round,
                       void (*const work[THREADS])(struct worker *)) {
    memset(team, 0, sizeof *team);
    for (size_t i = 0; i < THREADS; i++) {
        struct worker *worker = &team->workers[i];
        *worker = (struct worker){
            .work = work[i], .go = &team->go, .is_over = &team->is_over, .number = (unsigned)i, .round = round};
        worker->store = fixture->stores[i % fixture->store_count];
        worker->calls = fixture->backend->calls;
        if (pthread_create(&worker->thread, NULL, begin_work, worker) != 0)
            break;
        team->started++;
    }
    atomic_store(&team->go, true);
}

static void end_team(struct fixture *fixture, struct team *team) {
    for (size_t i = 0; i < team->started; i++)
        pthread_join(team->workers[i].thread, NULL);
    expect_number(fixture, "threads that could be started", team->started, THREADS);
    for (size_t i = 0; i < THREADS; i++) {
        const struct worker *worker = &team->workers[i];
        if (worker->failed_call)
            fail_test(fixture, "thread %zu: %s: found %s %s", i + 1, worker->failed_call,
                      lesson_store_code_name(worker->failure), worker->message);
    }
}

static void run_team(struct fixture *fixture, struct team *team, unsigned round,
                     void (*const work[THREADS])(struct worker *)) {
    start_team(fixture, team, round, work);
    end_team(fixture, team);
}

static size_t count_codes(const struct team *team, int code) {
    size_t count = 0;
    for (size_t i = 0; i < THREADS; i++)
        count += team->workers[i].code == code;
    return count;
}

/* ---- Races for what only one can have */

static void join_and_stay(struct worker *worker) {
    char lesson_id[16];
    snprintf(lesson_id, sizeof lesson_id, "room %u", worker->number);
    worker->code = lesson_store_join(worker->store, "ann", "maths", lesson_id, NULL, LESSON_STORE_JOIN_STAY, NULL);
    expect_in_thread(worker, "join, which must not move the user", worker->code,
                     worker->code == LESSON_STORE_OK || worker->code == LESSON_STORE_REFUSED);
}

static void one_of_many_joins_stays(struct fixture *fixture) {
    static void (*const work[THREADS])(struct worker *) = {join_and_stay, join_and_stay, join_and_stay, join_and_stay};
    need_operation(fixture, LESSON_STORE_OPERATION_JOIN);
    need_operation(fixture, LESSON_STORE_OPERATION_QUIT);
    need_flags(fixture, LESSON_STORE_JOIN_STAY);
    for (unsigned round = 0; round < RACES; round++) {
        struct team team;
        lesson_store_place left;
        run_team(fixture, &team, round, work);
        expect_number(fixture, "joins of one user that were not refused", count_codes(&team, LESSON_STORE_OK), 1);
        expect_code(fixture, "quit", lesson_store_quit(fixture->store, "ann", NULL, NULL, &left), LESSON_STORE_OK);
        const char *digit = strrchr(left.lesson_id, ' ');
        if (!digit || team.workers[(digit[1] - '0') % THREADS].code != LESSON_STORE_OK)
            fail_test(fixture, "the user is in \"%s\", whose join was refused", left.lesson_id);
    }
}

static void resume(struct worker *worker) {
    char session[16];
    snprintf(session, sizeof session, "tab %u", worker->number);
    worker->code = lesson_store_resume(worker->store, "ann", "maths", "algebra", "old", session, 0, NULL);
    expect_in_thread(worker, "resume of a session", worker->code,
                     worker->code == LESSON_STORE_OK || worker->code == LESSON_STORE_CONFLICT);
}

static void quit_by_session(struct worker *worker) {
    worker->code = lesson_store_quit(worker->store, "ann", NULL, "old", NULL);
    expect_in_thread(worker, "quit with a session", worker->code,
                     worker->code == LESSON_STORE_OK || worker->code == LESSON_STORE_CONFLICT);
}

static void one_of_many_has_the_session(struct fixture *fixture) {
    static void (*const work[THREADS])(struct worker *) = {resume, resume, quit_by_session, resume};
    need_operation(fixture, LESSON_STORE_OPERATION_JOIN);
    need_operation(fixture, LESSON_STORE_OPERATION_QUIT);
    need_operation(fixture, LESSON_STORE_OPERATION_WHERE);
    need_capability(fixture, LESSON_STORE_CAN_KEEP_SESSIONS);
    need_capability(fixture, LESSON_STORE_CAN_ADMIT);
    for (unsigned round = 0; round < RACES; round++) {
        struct team team;
        lesson_store_place place = {.session = ""};
        expect_code(fixture, "join", lesson_store_join(fixture->store, "ann", "maths", "algebra", "old", 0, NULL),
                    LESSON_STORE_OK);
        run_team(fixture, &team, round, work);
        expect_number(fixture, "calls that found the session", count_codes(&team, LESSON_STORE_OK), 1);
        bool has_quit = team.workers[2].code == LESSON_STORE_OK;
        expect_code(fixture, "where", lesson_store_where(fixture->store, "ann", &place),
                    has_quit ? LESSON_STORE_NOT_FOUND : LESSON_STORE_OK);
        for (size_t i = 0; !has_quit && i < THREADS; i++) {
            char session[16];
            snprintf(session, sizeof session, "tab %zu", i);
            if (team.workers[i].code == LESSON_STORE_OK && strcmp(place.session, session) != 0)
                fail_test(fixture, "\"%s\" was resumed, and the session is \"%s\"", session, place.session);
        }
    }
}

/* Joins users of its own until one is refused. */
static void join_if_room(struct worker *worker) {
    for (unsigned i = 0; i < 3; i++) {
        char uid[32], lesson_id[16];
        snprintf(uid, sizeof uid, "user %u of %u", i, worker->number);
        snprintf(lesson_id, sizeof lesson_id, "room %u", worker->round);
        int code = lesson_store_join(worker->store, uid, "maths", lesson_id, NULL, LESSON_STORE_JOIN_IF_ROOM, NULL);
        expect_in_thread(worker, "join if there is room", code,
                         code == LESSON_STORE_OK || code == LESSON_STORE_REFUSED);
        worker->code += code == LESSON_STORE_OK; /* here it counts them */
    }
}

/* In steps a join may be refused because of one that is under way. So what is left of the room is filled afterwards. */
static uint64_t fill_room(struct fixture *fixture, const char *lesson_id, uint64_t capacity) {
    uint64_t filled = 0;
    for (uint64_t i = 0; i < capacity; i++) {
        char uid[32];
        snprintf(uid, sizeof uid, "late user %" PRIu64, i);
        int code = lesson_store_join(fixture->store, uid, "maths", lesson_id, NULL, LESSON_STORE_JOIN_IF_ROOM, NULL);
        if (code != LESSON_STORE_REFUSED)
            expect_code(fixture, "a late join", code, LESSON_STORE_OK);
        filled += code == LESSON_STORE_OK;
    }
    return filled;
}

static void no_more_than_there_is_room_for(struct fixture *fixture) {
    enum { CAPACITY = 5 };
    static void (*const work[THREADS])(struct worker *) = {join_if_room, join_if_room, join_if_room, join_if_room};
    need_operation(fixture, LESSON_STORE_OPERATION_CREATE);
    need_operation(fixture, LESSON_STORE_OPERATION_JOIN);
    need_operation(fixture, LESSON_STORE_OPERATION_COUNT_MEMBERS);
    need_flags(fixture, LESSON_STORE_JOIN_IF_ROOM);
    need_capability(fixture, LESSON_STORE_CAN_ADMIT);
    for (unsigned round = 0; round < RACES; round++) {
        struct team team;
        char lesson_id[16];
        uint64_t joined = 0, count = 0;
        snprintf(lesson_id, sizeof lesson_id, "room %u", round);
        expect_code(fixture, "create", lesson_store_create(fixture->store, lesson_id, 0), LESSON_STORE_OK);
        expect_code(fixture, "set_capacity", lesson_store_set_capacity(fixture->store, lesson_id, CAPACITY),
                    LESSON_STORE_OK);
        run_team(fixture, &team, round, work);
        for (size_t i = 0; i < THREADS; i++)
            joined += (uint64_t)team.workers[i].code;
        if (has_exception(fixture, LESSON_STORE_EXCEPT_STEPS))
            joined += fill_room(fixture, lesson_id, CAPACITY);
        expect_number(fixture, "joins that found room", joined, CAPACITY);
        expect_code(fixture, "count", lesson_store_count_members(fixture->store, lesson_id, &count), LESSON_STORE_OK);
        expect_number(fixture, "members", count, CAPACITY);
    }
}

/* ---- A member who stays, among others who come and go */

static void come_and_go(struct worker *worker) {
    char own[16];
    snprintf(own, sizeof own, "user %u", worker->number);
    for (unsigned i = 0; i < ROUNDS; i++) {
        const char *uid = i % 3 ? own : "ann"; /* ann is everybody's */
        const char *lesson_id = i % 2 ? "algebra" : "choir";
        expect_ok(worker, "join", lesson_store_join(worker->store, uid, "maths", lesson_id, NULL, 0, NULL));
        int code = i % 5 ? LESSON_STORE_OK : lesson_store_quit(worker->store, uid, NULL, NULL, NULL);
        expect_in_thread(worker, "quit", code, code == LESSON_STORE_OK || code == LESSON_STORE_NOT_FOUND);
    }
}

/* Joins the lesson that the user is in, again and again, and repairs what there is to repair: nothing of this user. */
static void stay_and_repair(struct worker *worker) {
    for (unsigned i = 0; i < ROUNDS; i++) {
        expect_ok(worker, "join", lesson_store_join(worker->store, "bob", "maths", "algebra", NULL, 0, NULL));
        if (i % 4 == 0 && worker->calls & LESSON_STORE_CALL_CHECK)
            expect_ok(worker, "repair",
                      lesson_store_check(worker->store, LESSON_STORE_CHECK_REPAIR, NULL, NULL, NULL, NULL));
    }
}

static bool count_bob(const lesson_store_id *uid, void *context) {
    *(unsigned *)context += uid->size == 3 && memcmp(uid->data, "bob", 3) == 0;
    return true;
}

static void look_for_bob(struct worker *worker) {
    for (unsigned i = 0; i < ROUNDS; i++) {
        lesson_store_place place = {.lesson_id = ""};
        unsigned times = 0;
        uint64_t count = 0;
        expect_ok(worker, "where", lesson_store_where(worker->store, "bob", &place));
        expect_in_thread(worker, "where, of a user who stays", 0, strcmp(place.lesson_id, "algebra") == 0);
        expect_ok(worker, "members", lesson_store_members(worker->store, "algebra", count_bob, &times));
        expect_in_thread(worker, "members, which must have a user who stays once", 0, times == 1);
        expect_ok(worker, "count", lesson_store_count_members(worker->store, "algebra", &count));
        expect_in_thread(worker, "a count of none of a lesson with a member", 0, count > 0);
    }
}

static void who_stays_is_listed(struct fixture *fixture) {
    static void (*const work[THREADS])(struct worker *) = {come_and_go, stay_and_repair, look_for_bob, come_and_go};
    struct team team;
    need_operation(fixture, LESSON_STORE_OPERATION_JOIN);
    need_operation(fixture, LESSON_STORE_OPERATION_QUIT);
    need_operation(fixture, LESSON_STORE_OPERATION_WHERE);
    need_operation(fixture, LESSON_STORE_OPERATION_COUNT_MEMBERS);
    need_calls(fixture, ALL_STREAMS);
    expect_code(fixture, "join", lesson_store_join(fixture->store, "bob", "maths", "algebra", NULL, 0, NULL),
                LESSON_STORE_OK);
    run_team(fixture, &team, 0, work);
    expect_agreement(fixture);
}

/* ---- An end that nobody sees half done */

static void open_and_end(struct worker *worker) {
    for (unsigned i = 0; i < ROUNDS; i++) {
        expect_ok(worker, "create", lesson_store_create(worker->store, "algebra", 0));
        expect_ok(worker, "join", lesson_store_join(worker->store, "ann", "maths", "algebra", NULL, 0, NULL));
        expect_ok(worker, "join", lesson_store_join(worker->store, "bob", "maths", "algebra", NULL, 0, NULL));
        expect_ok(worker, "end", lesson_store_end(worker->store, "algebra", 0, NULL));
    }
    atomic_store(worker->is_over, true);
}

static void look_at_lesson(struct worker *worker) {
    while (!atomic_load(worker->is_over)) {
        lesson_store_lesson lesson = {.has_record = false};
        int code = lesson_store_get_lesson(worker->store, "algebra", &lesson);
        expect_in_thread(worker, "get_lesson", code, code == LESSON_STORE_OK || code == LESSON_STORE_NOT_FOUND);
        expect_in_thread(worker, "get_lesson: the record has gone, and members are still there", code,
                         code != LESSON_STORE_OK || lesson.has_record);
        /* Under valgrind one thread runs at a time, and three readers would hardly let the writer run. */
        sched_yield();
    }
}

static void an_end_is_one_step(struct fixture *fixture) {
    static void (*const work[THREADS])(struct worker *) = {open_and_end, look_at_lesson, look_at_lesson,
                                                           look_at_lesson};
    struct team team;
    need_kept(fixture, LESSON_STORE_EXCEPT_STEPS);
    need_operation(fixture, LESSON_STORE_OPERATION_CREATE);
    need_operation(fixture, LESSON_STORE_OPERATION_JOIN);
    need_operation(fixture, LESSON_STORE_OPERATION_END);
    need_operation(fixture, LESSON_STORE_OPERATION_GET_LESSON);
    run_team(fixture, &team, 0, work);
}

/* ---- A lesson that is closed while users join it */

static void join_until_refused(struct worker *worker) {
    enum { PATIENCE = 100000 };
    char lesson_id[16];
    int code = LESSON_STORE_OK;
    snprintf(lesson_id, sizeof lesson_id, "room %u", worker->round);
    for (unsigned i = 0; code == LESSON_STORE_OK && i < PATIENCE; i++) {
        char uid[48];
        snprintf(uid, sizeof uid, "user %u of %u in %u", i % 8, worker->number, worker->round);
        code = lesson_store_join(worker->store, uid, "maths", lesson_id, NULL, LESSON_STORE_JOIN_IF_OPEN, NULL);
        if (code == LESSON_STORE_OK && i % 8 == 7)
            code = lesson_store_quit(worker->store, uid, NULL, NULL, NULL);
    }
    expect_in_thread(worker, "join of a lesson that was closed", code, code == LESSON_STORE_REFUSED);
}

/* Only quits may follow a close. */
static void nobody_gets_in_afterwards(struct fixture *fixture) {
    static void (*const work[THREADS])(struct worker *) = {join_until_refused, join_until_refused, join_until_refused,
                                                           join_until_refused};
    const struct timespec pause = {.tv_nsec = 3000000};
    need_kept(fixture, LESSON_STORE_EXCEPT_ADMISSION);
    need_operation(fixture, LESSON_STORE_OPERATION_CREATE);
    need_operation(fixture, LESSON_STORE_OPERATION_SET);
    need_operation(fixture, LESSON_STORE_OPERATION_JOIN);
    need_operation(fixture, LESSON_STORE_OPERATION_QUIT);
    need_operation(fixture, LESSON_STORE_OPERATION_COUNT_MEMBERS);
    need_flags(fixture, LESSON_STORE_JOIN_IF_OPEN);
    for (unsigned round = 0; round < RACES; round++) {
        struct team team;
        char lesson_id[16];
        uint64_t at_close = 0, afterwards = 0;
        snprintf(lesson_id, sizeof lesson_id, "room %u", round);
        expect_code(fixture, "create", lesson_store_create(fixture->store, lesson_id, 0), LESSON_STORE_OK);
        start_team(fixture, &team, round, work);
        nanosleep(&pause, NULL);
        int code = lesson_store_set_course_status(fixture->store, lesson_id, LESSON_STORE_COURSE_CANT_JOIN_IN);
        int count_code = lesson_store_count_members(fixture->store, lesson_id, &at_close);
        end_team(fixture, &team);
        expect_code(fixture, "set_course_status", code, LESSON_STORE_OK);
        expect_code(fixture, "count", count_code, LESSON_STORE_OK);
        expect_code(fixture, "count", lesson_store_count_members(fixture->store, lesson_id, &afterwards),
                    LESSON_STORE_OK);
        if (afterwards > at_close)
            fail_test(fixture, "the closed lesson had %" PRIu64 " members, and now it has %" PRIu64, at_close,
                      afterwards);
    }
}

#define AT_ONCE .modes = IN_MODE(SINGLE) | IN_MODE(TWO_STORES)

static const struct test tests[] = {
    {.name = "THREAD-3 JOIN-10 of many joins of one user that must not move, one succeeds",
     .function = one_of_many_joins_stays,
     AT_ONCE},
    {.name = "THREAD-3 JOIN-15 QUIT-4 of many calls with one session, one finds it",
     .function = one_of_many_has_the_session,
     AT_ONCE},
    {.name = "THREAD-3 JOIN-13 however many join at the same time, the capacity is not exceeded",
     .function = no_more_than_there_is_room_for,
     AT_ONCE},
    {.name = "THREAD-4 a member who stays is listed at every moment, while others come, go and repair",
     .function = who_stays_is_listed,
     AT_ONCE},
    {.name = "THREAD-5 END-1 nobody sees a lesson that has ended and has members",
     .function = an_end_is_one_step,
     AT_ONCE},
    {.name = "THREAD-6 JOIN-9 once a lesson is closed, nobody gets in who asks whether it is open",
     .function = nobody_gets_in_afterwards,
     AT_ONCE},
};

const test_list thread_tests = TEST_LIST(tests);
