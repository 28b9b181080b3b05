/* The feed: every change is an event, in order, and a list with the events behind it is the store. The stores keep the
 * events of few hundred steps. */
#include <poll.h>
#include <pthread.h>

#include "suite.h"

#define HOUR 3600000
#define MANY 1500 /* steps, more than any of these stores keeps */

/* ---- Helpers. `last` is another store on the same data, if the mode has one. */

static lesson_store *last(const struct fixture *fixture) {
    return fixture->stores[fixture->store_count - 1];
}

/* The feed of the store that reads: opened before the list, so that there is no hole between the two. */
static void begin_feed(struct fixture *fixture, const char *lesson_id, const char *position) {
    need_operation(fixture, LESSON_STORE_OPERATION_CREATE);
    need_operation(fixture, LESSON_STORE_OPERATION_JOIN);
    need_operation(fixture, LESSON_STORE_OPERATION_QUIT);
    need_calls(fixture, LESSON_STORE_CALL_FEED | LESSON_STORE_CALL_LESSONS | LESSON_STORE_CALL_USERS);
    int code = lesson_store_feed_open(&fixture->feed, last(fixture), lesson_id, position);
    if (code == LESSON_STORE_NOT_FOUND)
        skip_test(fixture, "the feed is off");
    expect_code(fixture, "opening the feed", code, LESSON_STORE_OK);
    replica_list(fixture, last(fixture));
}

static void follow(struct fixture *fixture) {
    lines_clear(&fixture->found);
    expect_code(fixture, "drain", replica_follow(fixture, fixture->store, fixture->feed, NULL, &fixture->found),
                LESSON_STORE_OK);
}

static void expect_found_events(struct fixture *fixture, const char *const *expected) {
    lines_clear(&fixture->expected);
    for (size_t i = 0; expected[i]; i++)
        lines_add(&fixture->expected, "%03zu %s", i, expected[i]);
    if (!lines_compare(&fixture->expected, &fixture->found))
        fail_test(fixture, "the events above differ");
}

static void expect_events(struct fixture *fixture, const char *const *expected) {
    follow(fixture);
    expect_found_events(fixture, expected);
}

#define EVENTS(...) ((const char *const[]){__VA_ARGS__, NULL})
#define NO_EVENTS ((const char *const[]){NULL})

static void run(struct fixture *fixture, const struct step *steps) {
    for (const struct step *step = steps; step->kind; step++) {
        lesson_store_operation operation = operation_of_step(step);
        expect_code(fixture, "batch", lesson_store_batch(fixture->store, &operation, 1), LESSON_STORE_OK);
        expect_code(fixture, lesson_store_operation_name(step->kind), operation.code, step->code);
    }
}

#define RUN(fixture, ...) run((fixture), (const struct step[]){__VA_ARGS__, {.kind = 0}})

/* ---- The events */

static void every_change_is_an_event(struct fixture *fixture) {
    need_capability(fixture, LESSON_STORE_CAN_ADMIT);
    need_capability(fixture, LESSON_STORE_CAN_KEEP_SESSIONS);
    begin_feed(fixture, NULL, NULL);
    RUN(fixture, {CREATE("algebra")}, {CREATE("choir"), OF_COURSE("arts"), COURSE_STATUS("online"), CAPACITY("30")},
        {JOIN("ann", "maths", "algebra")}, {JOIN("ann", "arts", "choir"), SESSION("s1")},
        {SET("algebra"), COURSE_STATUS("online")}, {SET("algebra"), CHAT_STATUS("banned"), CAPACITY("2")},
        {CREATE("algebra"), FLAGS(LESSON_STORE_CREATE_RESET)}, {JOIN("bob", "maths", "algebra")},
        {JOIN("cid", "maths", "algebra")}, {QUIT("bob")}, {QUIT("ann"), OF_LESSON("choir"), SESSION("s1")},
        {END("algebra")}, {END("choir"), FLAGS(LESSON_STORE_END_RECORD_ONLY)});
    expect_events(fixture, EVENTS("create/call algebra|||from ||| waiting free",
                                  "create/call choir||arts|from ||| online free capacity 30",
                                  "join/call algebra|ann|maths|from |||", "join/call choir|ann|arts|from algebra|s1||",
                                  "set/call algebra|||from ||| online", "set/call algebra|||from ||| banned capacity 2",
                                  "create/call algebra|||from ||| waiting free", "join/call algebra|bob|maths|from |||",
                                  "join/call algebra|cid|maths|from |||", "quit/call algebra|bob||from |||",
                                  "quit/call choir|ann||from |||", "end/call algebra|||from ||| count 1",
                                  "end_record/call choir|||from |||"));
    replica_compare(fixture, last(fixture));
}

static void what_changes_nothing_is_no_event(struct fixture *fixture) {
    need_operation(fixture, LESSON_STORE_OPERATION_GET_LESSON);
    need_operation(fixture, LESSON_STORE_OPERATION_WHERE);
    need_operation(fixture, LESSON_STORE_OPERATION_COUNT_MEMBERS);
    begin_feed(fixture, NULL, NULL);
    RUN(fixture, {CREATE("algebra")}, {JOIN("ann", "maths", "algebra")});
    follow(fixture);
    RUN(fixture, {CREATE("algebra"), ANSWER(EXISTS)}, {QUIT("bob"), ANSWER(NOT_FOUND)},
        {QUIT("ann"), OF_LESSON("choir"), ANSWER(CONFLICT)}, {END("choir"), ANSWER(NOT_FOUND)},
        {SET("choir"), COURSE_STATUS("online"), ANSWER(NOT_FOUND)},
        {SET("algebra"), COURSE_STATUS("online"), IF_COURSE_STATUS("offline"), ANSWER(CONFLICT)},
        {JOIN("bob", "maths", "choir"), FLAGS(LESSON_STORE_JOIN_IF_EXISTS), ANSWER(REFUSED)},
        {JOIN("ann", "maths", "choir"), FLAGS(LESSON_STORE_JOIN_STAY), ANSWER(REFUSED)}, {GET("algebra")},
        {WHERE("ann")}, {COUNT("algebra")});
    expect_events(fixture, NO_EVENTS);
}

static void sweeps_are_events(struct fixture *fixture) {
    need_operation(fixture, LESSON_STORE_OPERATION_HOLD);
    need_calls(fixture, LESSON_STORE_CALL_SWEEP);
    begin_feed(fixture, NULL, NULL);
    RUN(fixture, {HOLD("w/1", HOUR)}, {JOIN("ann", "maths", "algebra"), BY("w/1")}, {JOIN("bob", "maths", "algebra")});
    expect_code(fixture, "drop", lesson_store_drop(fixture->store, "w/1", NULL, NULL, NULL), LESSON_STORE_OK);
    expect_events(fixture, EVENTS("join/call algebra|ann|maths|from ||w/1|", "join/call algebra|bob|maths|from |||",
                                  "quit/sweep algebra|ann||from |||"));
    replica_compare(fixture, last(fixture));
}

static void kicks_are_events(struct fixture *fixture) {
    need_operation(fixture, LESSON_STORE_OPERATION_BAN);
    begin_feed(fixture, NULL, NULL);
    RUN(fixture, {CREATE("algebra")}, {JOIN("ann", "maths", "algebra")}, {JOIN("bob", "arts", "choir")});
    expect_code(fixture, "kick", lesson_store_kick(fixture->store, "algebra", "ann", HOUR, NULL), LESSON_STORE_OK);
    expect_code(fixture, "kick", lesson_store_kick(fixture->store, "algebra", "bob", HOUR, NULL), LESSON_STORE_OK);
    expect_code(fixture, "ban", lesson_store_ban(fixture->store, "algebra", "bob", HOUR), LESSON_STORE_OK);
    expect_events(fixture, EVENTS("create/call algebra|||from ||| waiting free", "join/call algebra|ann|maths|from |||",
                                  "join/call choir|bob|arts|from |||", "quit/kick algebra|ann||from |||"));
    replica_compare(fixture, last(fixture));
}

static void repairs_are_events(struct fixture *fixture) {
    need_calls(fixture, LESSON_STORE_CALL_CHECK);
    begin_feed(fixture, NULL, NULL);
    RUN(fixture, {JOIN("ann", "maths", "algebra")});
    expect_code(fixture, "check",
                lesson_store_check(fixture->store, LESSON_STORE_CHECK_ENDED | LESSON_STORE_CHECK_REPAIR, NULL, NULL,
                                   NULL, NULL),
                LESSON_STORE_OK);
    expect_events(fixture, EVENTS("join/call algebra|ann|maths|from |||", "quit/repair algebra|ann||from |||"));
    replica_compare(fixture, last(fixture));
}

static void a_lesson_has_a_feed(struct fixture *fixture) {
    begin_feed(fixture, "algebra", NULL);
    RUN(fixture, {CREATE("algebra")}, {CREATE("choir")}, {JOIN("ann", "maths", "algebra")},
        {JOIN("bob", "arts", "choir")}, {JOIN("bob", "maths", "algebra")}, {QUIT("bob")},
        {JOIN("cid", "maths", "algebra ")}, {JOIN("ann", "arts", "choir")}, {QUIT("ann")});
    lines_clear(&fixture->found);
    expect_code(fixture, "drain", replica_follow(fixture, fixture->store, fixture->feed, "algebra", &fixture->found),
                LESSON_STORE_OK);
    expect_found_events(fixture,
                        EVENTS("create/call algebra|||from ||| waiting free", "join/call algebra|ann|maths|from |||",
                               "join/call algebra|bob|maths|from choir|||", "quit/call algebra|bob||from |||",
                               "join/call choir|ann|arts|from algebra|||"));
}

/* ---- Positions */

static void keep_position(struct fixture *fixture, char *position) {
    expect_code(fixture, "position", lesson_store_feed_position(fixture->feed, position), LESSON_STORE_OK);
}

static void open_again(struct fixture *fixture, const char *position) {
    lesson_store_feed_close(fixture->feed);
    fixture->feed = NULL;
    expect_code(fixture, "opening the feed again",
                lesson_store_feed_open(&fixture->feed, last(fixture), NULL, position), LESSON_STORE_OK);
}

static void a_position_goes_on(struct fixture *fixture) {
    char position[LESSON_STORE_POSITION_SIZE], first[LESSON_STORE_POSITION_SIZE];
    begin_feed(fixture, NULL, NULL);
    keep_position(fixture, first);
    RUN(fixture, {CREATE("algebra")}, {JOIN("ann", "maths", "algebra")});
    follow(fixture);
    keep_position(fixture, position);
    RUN(fixture, {JOIN("bob", "maths", "algebra")}, {QUIT("ann")});
    open_again(fixture, position);
    expect_events(fixture, EVENTS("join/call algebra|bob|maths|from |||", "quit/call algebra|ann||from |||"));
    replica_compare(fixture, last(fixture));
    open_again(fixture, first);
    follow(fixture);
    expect_number(fixture, "events from the beginning on", fixture->found.count, 4);
    open_again(fixture, LESSON_STORE_POSITION_OLDEST);
    follow(fixture);
    if (fixture->found.count < 4)
        fail_test(fixture, "a feed from the oldest event on has %zu events", fixture->found.count);
    expect_code(fixture, "no position", lesson_store_feed_open(&(lesson_store_feed *){NULL}, fixture->store, NULL, "7"),
                LESSON_STORE_INVALID);
}

static void make_gap(struct fixture *fixture) {
    for (int i = 0; i < MANY; i++)
        expect_code(fixture, "set", lesson_store_set_course_status(fixture->store, "algebra", i % 4), LESSON_STORE_OK);
}

/* Opens a feed at the oldest event, and keeps where that was. */
static void keep_oldest(struct fixture *fixture, char *position) {
    open_again(fixture, LESSON_STORE_POSITION_OLDEST);
    struct pollfd ready = {.fd = lesson_store_feed_descriptor(fixture->feed), .events = POLLIN};
    while (poll(&ready, 1, 1) == 0 && !lesson_store_feed_is_current(fixture->feed))
        ;
    keep_position(fixture, position);
    if (strcmp(position, LESSON_STORE_POSITION_OLDEST) == 0)
        fail_test(fixture, "a feed that has read is still at the oldest event");
}

static void the_oldest_is_kept_as_a_position(struct fixture *fixture) {
    char before_all[LESSON_STORE_POSITION_SIZE], before_first[LESSON_STORE_POSITION_SIZE];
    begin_feed(fixture, NULL, NULL);
    keep_oldest(fixture, before_all);
    RUN(fixture, {CREATE("algebra")}, {JOIN("ann", "maths", "algebra")});
    keep_oldest(fixture, before_first);
    for (int i = 0; i < 2; i++) {
        open_again(fixture, i ? before_all : before_first);
        expect_events(fixture,
                      EVENTS("create/call algebra|||from ||| waiting free", "join/call algebra|ann|maths|from |||"));
    }
    make_gap(fixture);
    for (int i = 0; i < 2; i++) {
        open_again(fixture, i ? before_all : before_first);
        expect_code(fixture, "drain", replica_follow(fixture, fixture->store, fixture->feed, NULL, NULL),
                    LESSON_STORE_GAP);
    }
}

static void a_gap_is_told(struct fixture *fixture) {
    char position[LESSON_STORE_POSITION_SIZE];
    begin_feed(fixture, NULL, NULL);
    RUN(fixture, {CREATE("algebra")});
    follow(fixture);
    keep_position(fixture, position);
    lesson_store_feed_close(fixture->feed);
    fixture->feed = NULL;
    make_gap(fixture);
    open_again(fixture, position);
    expect_code(fixture, "drain", replica_follow(fixture, fixture->store, fixture->feed, NULL, NULL), LESSON_STORE_GAP);
    replica_list(fixture, last(fixture));
    RUN(fixture, {JOIN("ann", "maths", "algebra")});
    expect_code(fixture, "drain", replica_follow(fixture, fixture->store, fixture->feed, NULL, NULL), LESSON_STORE_OK);
    replica_compare(fixture, last(fixture));
}

/* ---- List, then follow */

static void join_or_quit(struct fixture *fixture, lesson_store *store, unsigned *seed) {
    char uid[16], lesson_id[16];
    snprintf(uid, sizeof uid, "user %u", draw(seed, 20));
    snprintf(lesson_id, sizeof lesson_id, "lesson %u", draw(seed, 4));
    int code;
    switch (draw(seed, 8)) {
    case 0:
        code = lesson_store_quit(store, uid, NULL, NULL, NULL);
        break;
    case 1:
        code = lesson_store_end(store, lesson_id, 0, NULL);
        break;
    case 2:
        code = lesson_store_create(store, lesson_id, draw(seed, 2) ? LESSON_STORE_CREATE_RESET : 0);
        break;
    case 3:
        code = lesson_store_set_course_status(store, lesson_id, (int)draw(seed, 4));
        break;
    default:
        code = lesson_store_join(store, uid, "maths", lesson_id, NULL, 0, NULL);
    }
    if (code < 0)
        expect_code(fixture, "a random step", code, LESSON_STORE_OK);
}

static void a_list_and_its_feed_are_the_store(struct fixture *fixture) {
    unsigned seed = 1;
    begin_feed(fixture, NULL, NULL);
    for (int part = 0; part < 4; part++) {
        for (int i = 0; i < 60; i++)
            join_or_quit(fixture, fixture->stores[draw(&seed, (unsigned)fixture->store_count)], &seed);
        follow(fixture);
        replica_compare(fixture, last(fixture));
    }
}

static void batches_are_events(struct fixture *fixture) {
    begin_feed(fixture, NULL, NULL);
    make_joins(fixture, 300, 7);
    expect_code(fixture, "batch", lesson_store_batch(fixture->store, fixture->operations, 300), LESSON_STORE_OK);
    follow(fixture);
    expect_number(fixture, "events", fixture->found.count, 300);
    for (size_t i = 0; i < 300; i++) {
        char expected[64];
        snprintf(expected, sizeof expected, "%03zu join/call lesson %zu|user %zu|", i, i % 7, i);
        if (strncmp(fixture->found.items[i], expected, strlen(expected)) != 0)
            fail_test(fixture, "event %zu is %s", i, fixture->found.items[i]);
    }
    replica_compare(fixture, last(fixture));
}

/* ---- Threads */

enum { WRITERS = 4, WRITES = 60 };

struct writer {
    struct fixture *fixture;
    unsigned seed;
    int code;
};

static void *write_steps(void *context) {
    struct writer *writer = context;
    for (int i = 0; i < WRITES && writer->code >= 0; i++) {
        char uid[16], lesson_id[16];
        snprintf(uid, sizeof uid, "user %u", draw(&writer->seed, 20));
        snprintf(lesson_id, sizeof lesson_id, "lesson %u", draw(&writer->seed, 3));
        lesson_store *store = writer->fixture->stores[draw(&writer->seed, (unsigned)writer->fixture->store_count)];
        writer->code = draw(&writer->seed, 4) ? lesson_store_join(store, uid, "maths", lesson_id, NULL, 0, NULL)
                                              : lesson_store_quit(store, uid, lesson_id, NULL, NULL);
    }
    return NULL;
}

static void threads_write_in_one_order(struct fixture *fixture) {
    struct writer writers[WRITERS];
    pthread_t threads[WRITERS];
    begin_feed(fixture, NULL, NULL);
    for (unsigned i = 0; i < WRITERS; i++) {
        writers[i] = (struct writer){fixture, i + 1, LESSON_STORE_OK};
        if (pthread_create(&threads[i], NULL, write_steps, &writers[i]) != 0)
            fail_test(fixture, "no thread");
    }
    for (unsigned i = 0; i < WRITERS; i++)
        pthread_join(threads[i], NULL);
    for (unsigned i = 0; i < WRITERS; i++) {
        if (writers[i].code < 0)
            fail_test(fixture, "a thread: %s", lesson_store_code_name(writers[i].code));
    }
    follow(fixture);
    replica_compare(fixture, last(fixture));
}

static const struct test tests[] = {
    {.name = "FEED-1 every change is one event with its content, in order", .function = every_change_is_an_event},
    {.name = "FEED-1 a batch gives its events in order", .function = batches_are_events},
    {.name = "FEED-2 an operation that changes nothing gives no event", .function = what_changes_nothing_is_no_event},
    {.name = "FEED-3 who is put out by a drop is an event", .function = sweeps_are_events},
    {.name = "FEED-3 who is put out by a kick is an event", .function = kicks_are_events},
    {.name = "FEED-3 who is put out by a repair is an event", .function = repairs_are_events},
    {.name = "FEED-4 the feed of a lesson has its events and no others", .function = a_lesson_has_a_feed},
    {.name = "FEED-5 a position goes on where it was", .function = a_position_goes_on},
    {.name = "FEED-6 missing events are a gap, behind which the feed goes on", .function = a_gap_is_told},
    {.name = "FEED-6 also behind the beginning of a feed that began with the oldest event",
     .function = the_oldest_is_kept_as_a_position},
    {.name = "FEED-7 a list and the events behind its beginning are the store",
     .function = a_list_and_its_feed_are_the_store},
    {.name = "FEED-7 also while several threads write", .function = threads_write_in_one_order},
};

const test_list feed_tests = TEST_LIST(tests);
