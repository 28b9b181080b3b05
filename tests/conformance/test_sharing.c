/* What outlives a store, what two stores see of each other, and many threads on one store. */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "suite.h"

/* ---- Data that persists */

static void persist(struct fixture *fixture) {
    need_capability(fixture, LESSON_STORE_CAN_PERSIST);
    static const struct step steps[] = {{CREATE("algebra")},
                                        {SET("algebra"), COURSE_STATUS("online"), CHAT_STATUS("banned")},
                                        {JOIN("ann", "maths", "algebra")},
                                        {JOIN("bob", "arts", "choir")},
                                        {.lesson_id = NULL}};
    static const struct record records[] = {{"algebra", "online", "banned"}, {.lesson_id = NULL}};
    static const struct user users[] = {
        {IS_IN("ann", "maths", "algebra")}, {IS_IN("bob", "arts", "choir")}, {.uid = NULL}};
    play(fixture, steps);
    fixture_close(fixture);
    fixture_open(fixture);
    expect_state(fixture, records, users);
}

static void persist_sessions(struct fixture *fixture) {
    need_capability(fixture, LESSON_STORE_CAN_PERSIST);
    static const struct step joins[] = {{JOIN("ann", "maths", "algebra"), SESSION("s1")}, {.lesson_id = NULL}};
    static const struct step quits[] = {
        {QUIT("ann"), SESSION("s2"), ANSWER(CONFLICT), IN("maths", "algebra"), PLACE_SESSION("s1")},
        {.lesson_id = NULL}};
    play(fixture, joins);
    fixture_close(fixture);
    fixture_open(fixture);
    play(fixture, quits);
    expect_state(fixture, NULL,
                 (const struct user[]){{IS_IN("ann", "maths", "algebra"), SESSION("s1")}, {.uid = NULL}});
}

/* ---- Threads
 *
 * Each thread moves the same few users through the same few lessons, removes them and ends lessons. In any order, every
 * code is one that the call may return, and afterwards user records and members agree. */

#define THREADS 4
#define ROUNDS 150
#define HAMMER_USERS 5
#define HAMMER_LESSONS 3

struct hammer {
    pthread_t thread;
    lesson_store *store;
    unsigned seed;
    int failure; /* the first code that the call must not return */
    const char *failed_call;
    char message[LESSON_STORE_MESSAGE_SIZE];
};

static void note(struct hammer *hammer, const char *call, int code, bool expected) {
    if (expected || hammer->failed_call)
        return;
    hammer->failure = code;
    hammer->failed_call = call;
    snprintf(hammer->message, sizeof hammer->message, "%s", code < 0 ? lesson_store_message() : "");
}

static bool is_one_of(const char *text, const char *const *texts, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (strcmp(text, texts[i]) == 0)
            return true;
    }
    return false;
}

static const char *const hammer_uids[HAMMER_USERS] = {"ann", "bob", "cid", "dot", "eve"};
static const char *const hammer_lessons[HAMMER_LESSONS] = {"algebra", "biology", "choir"};

static void hammer_once(struct hammer *hammer) {
    const char *uid = hammer_uids[draw(&hammer->seed, HAMMER_USERS)];
    const char *lesson_id = hammer_lessons[draw(&hammer->seed, HAMMER_LESSONS)];
    lesson_store_place place = {.lesson_id = ""};
    int code;
    switch (draw(&hammer->seed, 8)) {
    case 0:
        code = lesson_store_quit(hammer->store, uid, lesson_id, NULL, &place);
        note(hammer, "quit", code,
             code == LESSON_STORE_OK || code == LESSON_STORE_CONFLICT || code == LESSON_STORE_NOT_FOUND);
        break;
    case 1:
        code = lesson_store_end(hammer->store, lesson_id, 0, NULL);
        note(hammer, "end", code, code == LESSON_STORE_OK || code == LESSON_STORE_NOT_FOUND);
        break;
    case 2:
        code = lesson_store_where(hammer->store, uid, &place);
        note(hammer, "where", code, code == LESSON_STORE_OK || code == LESSON_STORE_NOT_FOUND);
        break;
    default:
        code = lesson_store_join(hammer->store, uid, "maths", lesson_id, NULL, 0, &place);
        note(hammer, "join", code, code == LESSON_STORE_OK);
    }
    bool place_is_sane = !*place.lesson_id || is_one_of(place.lesson_id, hammer_lessons, HAMMER_LESSONS);
    note(hammer, "a place that nobody was ever in", code, place_is_sane);
}

static void *hammer_on(void *context) {
    struct hammer *hammer = context;
    for (int i = 0; i < ROUNDS; i++)
        hammer_once(hammer);
    return NULL;
}

/* One half of the threads runs `work`, the other half `other_work`. */
static void run_threads(struct fixture *fixture, struct hammer hammers[THREADS], void *(*work)(void *),
                        void *(*other_work)(void *)) {
    size_t started = 0;
    for (; started < THREADS; started++) {
        hammers[started] =
            (struct hammer){.store = fixture->stores[started % fixture->store_count], .seed = (unsigned)started + 1};
        if (pthread_create(&hammers[started].thread, NULL, started < THREADS / 2 ? work : other_work,
                           &hammers[started]) != 0)
            break;
    }
    for (size_t i = 0; i < started; i++)
        pthread_join(hammers[i].thread, NULL);
    expect_number(fixture, "threads that could be started", started, THREADS);
}

static void expect_no_failure(struct fixture *fixture, const struct hammer hammers[THREADS]) {
    for (size_t i = 0; i < THREADS; i++) {
        if (hammers[i].failed_call)
            fail_test(fixture, "thread %zu: %s: found %s %s", i + 1, hammers[i].failed_call,
                      lesson_store_code_name(hammers[i].failure), hammers[i].message);
    }
}

static void hammering(struct fixture *fixture) {
    need_operation(fixture, LESSON_STORE_OPERATION_JOIN);
    need_operation(fixture, LESSON_STORE_OPERATION_QUIT);
    need_operation(fixture, LESSON_STORE_OPERATION_END);
    need_operation(fixture, LESSON_STORE_OPERATION_WHERE);
    need_calls(fixture, ALL_STREAMS);
    struct hammer hammers[THREADS];
    run_threads(fixture, hammers, hammer_on, hammer_on);
    expect_no_failure(fixture, hammers);
    expect_agreement(fixture);
    /* The remaining users may be in any lesson. Joining all of them makes the outcome of the end known. */
    struct step steps[HAMMER_USERS + 1];
    for (size_t i = 0; i < HAMMER_USERS; i++)
        expect_code(fixture, "join",
                    lesson_store_join(fixture->store, hammer_uids[i], "maths", "the end", NULL, 0, NULL),
                    LESSON_STORE_OK);
    for (size_t i = 0; i < HAMMER_USERS; i++)
        steps[i] = (struct step){WHERE(hammer_uids[i]), IN("maths", "the end")};
    steps[HAMMER_USERS] = (struct step){.lesson_id = NULL};
    play(fixture, steps);
    for (size_t i = 0; i < HAMMER_LESSONS; i++)
        know_lesson(fixture, hammer_lessons[i]);
    expect_state(fixture, NULL,
                 (const struct user[]){{IS_IN("ann", "maths", "the end")},
                                       {IS_IN("bob", "maths", "the end")},
                                       {IS_IN("cid", "maths", "the end")},
                                       {IS_IN("dot", "maths", "the end")},
                                       {IS_IN("eve", "maths", "the end")},
                                       {.uid = NULL}});
}

/* ---- A user who is only ever moved is never seen in no lesson */

static void *move_on(void *context) {
    struct hammer *hammer = context;
    for (int i = 0; i < ROUNDS; i++) {
        const char *lesson_id = hammer_lessons[draw(&hammer->seed, HAMMER_LESSONS)];
        int code = lesson_store_join(hammer->store, "ann", "maths", lesson_id, NULL, 0, NULL);
        note(hammer, "join", code, code == LESSON_STORE_OK);
    }
    return NULL;
}

static void *look_on(void *context) {
    struct hammer *hammer = context;
    for (int i = 0; i < 2 * ROUNDS; i++) {
        lesson_store_place place = {.lesson_id = ""};
        int code = lesson_store_where(hammer->store, "ann", &place);
        bool somewhere = code == LESSON_STORE_OK && is_one_of(place.lesson_id, hammer_lessons, HAMMER_LESSONS);
        note(hammer, "where, of a user who is being moved", code, somewhere);
    }
    return NULL;
}

static void moving(struct fixture *fixture) {
    need_operation(fixture, LESSON_STORE_OPERATION_JOIN);
    need_operation(fixture, LESSON_STORE_OPERATION_WHERE);
    expect_code(fixture, "join", lesson_store_join(fixture->store, "ann", "maths", "algebra", NULL, 0, NULL),
                LESSON_STORE_OK);
    struct hammer hammers[THREADS];
    run_threads(fixture, hammers, move_on, look_on);
    expect_no_failure(fixture, hammers);
}

/* Many threads create the same lesson at the same time: exactly one of them succeeds. */
struct racer {
    pthread_t thread;
    lesson_store *store;
    atomic_bool *go;
    int code;
};

static void *race(void *context) {
    struct racer *racer = context;
    while (!atomic_load(racer->go))
        sched_yield();
    racer->code = lesson_store_create(racer->store, "algebra", 0);
    return NULL;
}

static void racing(struct fixture *fixture) {
    need_operation(fixture, LESSON_STORE_OPERATION_CREATE);
    struct racer racers[THREADS];
    atomic_bool go = false;
    size_t started = 0;
    for (; started < THREADS; started++) {
        racers[started] = (struct racer){.store = fixture->stores[started % fixture->store_count], .go = &go};
        if (pthread_create(&racers[started].thread, NULL, race, &racers[started]) != 0)
            break;
    }
    atomic_store(&go, true);
    size_t made = 0, existing = 0;
    for (size_t i = 0; i < started; i++) {
        pthread_join(racers[i].thread, NULL);
        made += racers[i].code == LESSON_STORE_OK;
        existing += racers[i].code == LESSON_STORE_EXISTS;
    }
    expect_number(fixture, "threads that could be started", started, THREADS);
    expect_number(fixture, "creates that made the lesson", made, 1);
    expect_number(fixture, "creates that found it", existing, THREADS - 1);
    expect_state(fixture, (const struct record[]){{"algebra", "waiting", "free"}, {.lesson_id = NULL}}, NULL);
}

static const struct test tests[] = {
    {.name = "PERSIST-1 what was stored is there when a store is opened again",
     .function = persist,
     .modes = IN_MODE(SINGLE) | IN_MODE(BATCH)},
    {.name = "PERSIST-1 JOIN-5 sessions are there when a store is opened again",
     .function = persist_sessions,
     .modes = IN_MODE(SINGLE)},

    {.name = "SHARE-1 two stores on the same data see each other's writes at once",
     STEPS({CREATE("algebra")}, {CREATE("algebra"), ANSWER(EXISTS)}, {JOIN("ann", "maths", "algebra")},
           {JOIN("ann", "arts", "choir"), MOVED_FROM("maths", "algebra")}, {WHERE("ann"), IN("arts", "choir")},
           {QUIT("ann"), OF_LESSON("algebra"), ANSWER(CONFLICT), IN("arts", "choir")},
           {SET("algebra"), COURSE_STATUS("online")},
           {SET("algebra"), COURSE_STATUS("offline"), IF_COURSE_STATUS("waiting"), ANSWER(CONFLICT),
            HAS("online", "free")},
           {JOIN("bob", "maths", "algebra")}, {END("algebra"), NUMBER(1)}, {WHERE("bob"), ANSWER(NOT_FOUND)}),
     USERS({IS_IN("ann", "arts", "choir")}),
     .modes = IN_MODE(TWO_STORES)},

    {.name = "THREAD-1 after many threads have moved the same users, records and members agree",
     .function = hammering,
     .modes = IN_MODE(SINGLE) | IN_MODE(TWO_STORES)},
    {.name = "THREAD-1 a user who is being moved is in a lesson at every moment",
     .function = moving,
     .modes = IN_MODE(SINGLE) | IN_MODE(TWO_STORES)},
    {.name = "THREAD-2 if many threads create one lesson, one of them makes it",
     .function = racing,
     .modes = IN_MODE(SINGLE) | IN_MODE(TWO_STORES)},
};

const test_list sharing_tests = TEST_LIST(tests);
