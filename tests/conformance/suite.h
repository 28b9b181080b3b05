/*
 * What the files of the suite share.
 *
 *   conformance.c   the entry: tests, modes, and the verdict
 *   abilities.c     what can be declared, and whether description and store agree
 *   fixture.c       opens the stores of a test; gates; failures
 *   order.c         which steps may travel in one batch
 *   player.c        plays the steps of a test in the mode of the fixture, and judges every answer
 *   state.c         the whole state as lines of text, as found in a store and as expected
 *   lines.c         lists of such lines
 *   replica.c       a copy of a store that its feed keeps up to date
 *   test_*.c        the tests
 */
#ifndef LESSON_STORE_CONFORMANCE_SUITE_H
#define LESSON_STORE_CONFORMANCE_SUITE_H

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <lessonstore/conformance.h>

/* ---- lines.c */

typedef struct lines {
    char **items;
    size_t count;
    size_t capacity;
} lines;

void lines_add(lines *list, const char *format, ...) LESSON_STORE_PRINTF(2, 3);
void lines_add_once(lines *list, const char *text);
void lines_sort(lines *list);
void lines_clear(lines *list);
void lines_free(lines *list);

/* True if both hold the same lines, after sorting. Otherwise prints the lines that only one of them has. */
bool lines_compare(lines *expected, lines *found);

/* An id for a person: in quotes, with every byte other than printable ASCII as \xNN, so that two ids never look alike.
 */
typedef struct quoted {
    char text[4 * LESSON_STORE_ID_MAX + 32];
} quoted;

quoted quote(lesson_store_id id);
quoted quote_text(const char *text);

/* ---- The steps of a test */

/* One operation and its expected answer. Statuses are words, NULL for none. The macros below make steps. */
struct step {
    uint32_t kind;
    uint32_t flags;
    const char *uid;
    const char *course_id;
    const char *lesson_id;
    const char *session;
    const char *course_status;
    const char *chat_status;
    const char *if_course_status;
    const char *if_chat_status;
    const char *capacity; /* digits */
    const char *if_session;
    const char *owner;
    int64_t lease_ms;
    int64_t ban_ms;

    int code;
    uint32_t arrival;
    uint32_t refused_by; /* all flags that refuse it; the answer is the first of them */
    uint64_t count;
    struct {
        const char *course_id;
        const char *lesson_id;
        const char *session;
        const char *owner;
    } place;
    struct {
        const char *course_status; /* NULL: no record */
        const char *chat_status;
        const char *course_id;
        uint64_t capacity;
    } lesson;
};

#define STEPS(...)                   \
    .steps = (const struct step[]) { \
        __VA_ARGS__, {               \
            .lesson_id = NULL        \
        }                            \
    }

#define CREATE(lesson) .kind = LESSON_STORE_OPERATION_CREATE, .lesson_id = (lesson)
#define END(lesson) .kind = LESSON_STORE_OPERATION_END, .lesson_id = (lesson)
#define SET(lesson) .kind = LESSON_STORE_OPERATION_SET, .lesson_id = (lesson)
#define COURSE_STATUS(word) .course_status = (word)
#define CHAT_STATUS(word) .chat_status = (word)
#define IF_COURSE_STATUS(word) .if_course_status = (word)
#define IF_CHAT_STATUS(word) .if_chat_status = (word)
#define OF_COURSE(course) .course_id = (course)
#define CAPACITY(digits) .capacity = (digits)
#define GET(lesson) .kind = LESSON_STORE_OPERATION_GET_LESSON, .lesson_id = (lesson)
#define COUNT(lesson) .kind = LESSON_STORE_OPERATION_COUNT_MEMBERS, .lesson_id = (lesson)
#define JOIN(user, course, lesson) \
    .kind = LESSON_STORE_OPERATION_JOIN, .uid = (user), .course_id = (course), .lesson_id = (lesson)
#define QUIT(user) .kind = LESSON_STORE_OPERATION_QUIT, .uid = (user)
#define OF_LESSON(lesson) .lesson_id = (lesson)
#define WHERE(user) .kind = LESSON_STORE_OPERATION_WHERE, .uid = (user)
#define FLAGS(set) .flags = (set)
#define SESSION(token) .session = (token)
#define IF_SESSION(token) .if_session = (token)
#define HOLD(name, ms) .kind = LESSON_STORE_OPERATION_HOLD, .owner = (name), .lease_ms = (ms)
#define BY(name) .owner = (name)
#define BAN(lesson, user, ms) .kind = LESSON_STORE_OPERATION_BAN, .lesson_id = (lesson), .uid = (user), .ban_ms = (ms)
#define KICK(lesson, user, ms) BAN(lesson, user, ms), .flags = LESSON_STORE_BAN_KICK

#define ANSWER(name) .code = LESSON_STORE_##name
#define HAS(course_word, chat_word) HAS_ALL(course_word, chat_word, NULL, 0)
#define HAS_ALL(course_word, chat_word, course, most) .lesson = {(course_word), (chat_word), (course), (most)}
#define NUMBER(figure) .count = (figure)
#define IN(course, lesson) .place.course_id = (course), .place.lesson_id = (lesson)
#define PLACE_SESSION(token) .place.session = (token)
#define PLACE_OWNER(name) .place.owner = (name)
#define MOVED_FROM(course, lesson) .arrival = LESSON_STORE_ARRIVAL_MOVED, IN(course, lesson)
#define ALREADY_IN(course, lesson) .arrival = LESSON_STORE_ARRIVAL_ALREADY_THERE, IN(course, lesson)
#define REFUSED_BY(set) ANSWER(REFUSED), .refused_by = (set)

/* The state after the steps: the lesson records and the user records. The members follow from the user records. */
struct record {
    const char *lesson_id;
    const char *course_status;
    const char *chat_status;
};

/* What few records have. */
struct extra {
    const char *lesson_id;
    const char *course_id;
    uint64_t capacity;
};

/* A user who is banned from a lesson. */
struct ban {
    const char *lesson_id;
    const char *uid;
};

struct user {
    const char *uid;
    const char *course_id;
    const char *lesson_id;
    const char *session;
    const char *owner;
};

#define IS_IN(user, course, lesson) .uid = (user), .course_id = (course), .lesson_id = (lesson)
#define RECORDS(...)                     \
    .records = (const struct record[]) { \
        __VA_ARGS__, {                   \
            .lesson_id = NULL            \
        }                                \
    }
#define EXTRAS(...)                    \
    .extras = (const struct extra[]) { \
        __VA_ARGS__, {                 \
            .lesson_id = NULL          \
        }                              \
    }
#define BANS(...)                  \
    .bans = (const struct ban[]) { \
        __VA_ARGS__, {             \
            .lesson_id = NULL      \
        }                          \
    }
#define USERS(...)                   \
    .users = (const struct user[]) { \
        __VA_ARGS__, {               \
            .uid = NULL              \
        }                            \
    }

/* ---- Tests */

enum mode { MODE_SINGLE, MODE_BATCH, MODE_TWO_STORES, MODE_COUNT };

extern const char *const mode_names[MODE_COUNT];

#define IN_MODE(name) (1u << MODE_##name)

struct fixture;

/* Either steps and the state that must follow, or a function. */
struct test {
    const char *name; /* "CLAUSE-1 CLAUSE-2 what is tested" */
    const struct step *steps;
    const struct record *records;
    const struct extra *extras;
    const struct ban *bans;
    const struct user *users;
    void (*function)(struct fixture *fixture);
    unsigned modes;        /* IN_MODE bits; 0: all */
    bool judges_unwritten; /* the operations must not write outputs that do not belong to their answers */
};

typedef struct test_list {
    const struct test *tests;
    size_t count;
} test_list;

#define TEST_LIST(array) \
    { (array), sizeof(array) / sizeof *(array) }

/* ---- abilities.c */

/* Something that a description may declare: an operation, a flag, a call, a capability or an exception. */
struct ability {
    const char *name;
    uint64_t bit;
    struct step probe; /* for operations and flags: an operation that is UNSUPPORTED if the ability is missing */
};

/* Each list is ended by an entry without a name. */
extern const struct ability operation_abilities[], flag_abilities[], call_abilities[], excepted[];

/* Makes the call of this bit, and ignores what it returns. */
int make_call(lesson_store *store, uint64_t call);

/* The facts that info reports for every store. */
struct facts {
    bool has_version;
    bool has_location;
};

int learn_facts(lesson_store *store, struct facts *facts);

/* Compares the description with an open, empty store. Prints a line for each difference. False if there is any. */
bool expect_description(const lesson_store_conformance_backend *backend, const lesson_store *store);

/* ---- The lists of tests */

extern const test_list lesson_tests, user_tests, join_flag_tests, admission_tests, owner_tests, id_tests, batch_tests,
    stream_tests, argument_tests, check_tests, page_tests, filter_tests, sharing_tests, walk_tests, callback_tests,
    feed_tests, ban_tests, thread_tests;

/* ---- fixture.c */

#define STORES_MAX 2

struct fixture {
    const lesson_store_conformance_backend *backend;
    const struct test *test;
    enum mode mode;
    lesson_store *stores[STORES_MAX];
    size_t store_count;
    lesson_store *store;     /* the first store */
    const struct step *step; /* the current step, for messages */
    size_t step_number;
    bool passed;
    bool skipped;

    /* Ids that the state is asked about, even if the store does not list them. */
    lines known_uids;
    lines known_lessons;

    /* Memory of the helpers. It is kept here because a failure leaves their frames without returning. */
    lines expected;
    lines found;
    lesson_store_operation *operations;
    lesson_store_place *places;
    char *text;
    bool *before; /* of order.c */
    struct joining *joinings;
    struct replica *replica;
    lesson_store_feed *feed;
};

int fixture_set_up(void **state);
int fixture_tear_down(void **state);
void fixture_open(struct fixture *fixture);
void fixture_close(struct fixture *fixture);

/* Fails the test with the mode, the step and this message. Only in the thread of the test. */
void fail_test(struct fixture *fixture, const char *format, ...) LESSON_STORE_PRINTF(2, 3);
#define expect_code(fixture, what, found_code, expected_code) \
    expect_code_at((fixture), (what), (found_code), (expected_code), __FILE__, __LINE__)
void expect_code_at(struct fixture *fixture, const char *what, int found, int expected, const char *file, int line);
void expect_number(struct fixture *fixture, const char *what, uint64_t found, uint64_t expected);

/* Skip the test, visibly, if the description does not declare these. */
void need_operation(struct fixture *fixture, uint32_t kind);
void need_flags(struct fixture *fixture, uint64_t flags);
void need_capability(struct fixture *fixture, uint64_t capability);
#define ALL_STREAMS (LESSON_STORE_CALL_MEMBERS | LESSON_STORE_CALL_LESSONS | LESSON_STORE_CALL_USERS)
void need_calls(struct fixture *fixture, uint64_t calls);
void skip_test(struct fixture *fixture, const char *why);

/* Skips the test if the description says that the store does not keep this promise: one LESSON_STORE_EXCEPT_... */
void need_kept(struct fixture *fixture, uint64_t exception);
bool has_exception(const struct fixture *fixture, uint64_t exception);

bool has_operation(const struct fixture *fixture, uint32_t kind);
bool has_call(const struct fixture *fixture, uint64_t call);
bool has_capability(const struct fixture *fixture, uint64_t capability);

/* Room for a batch, all zero. Valid until the next call. */
void make_room_for_batch(struct fixture *fixture, size_t count);

/* Makes a batch of `count` joins, each of "user N" in "lesson N". The N of lessons starts again after every `lessons`.
 */
void make_joins(struct fixture *fixture, size_t count, size_t lessons);

/* A random number below `below`, the same in every run. */
unsigned draw(unsigned *seed, unsigned below);

/* ---- order.c */

/* Returns how many of the steps, from the first on, can travel in one batch of a store in which only operations that
 * name the same user or the same lesson take effect in order. At least 1. */
size_t count_in_order(struct fixture *fixture, const struct step *steps, size_t count);

/* ---- player.c */

/* Plays steps and judges the answers. In single mode, every step except a successful write must leave the state
 * unchanged. */
void play(struct fixture *fixture, const struct step *steps);
lesson_store_operation operation_of_step(const struct step *step);

/* Adds a status to a set. LESSON_STORE_STATUS_NONE adds none. */
void give_status(lesson_store_operation *operation, int32_t *status, uint32_t bit, int32_t wanted);
void need_steps(struct fixture *fixture, const struct step *steps);

/* ---- state.c */

void know_user(struct fixture *fixture, const char *uid);
void know_lesson(struct fixture *fixture, const char *lesson_id);

/* Compares what every store of the fixture reports with the expected state, for all known and listed ids. */
void expect_state(struct fixture *fixture, const struct record *records, const struct user *users);
void expect_state_with(struct fixture *fixture, const struct record *records, const struct extra *extras,
                       const struct ban *bans, const struct user *users);

/* Adds the state that a store reports to `out`. */
void take_snapshot(struct fixture *fixture, lesson_store *store, lines *out);

/* The list of users and the members of all lessons must be the same facts. Both lists and the number of users stay in
 * the fixture for the caller. */
void expect_agreement(struct fixture *fixture);

/* ---- replica.c */

/* Makes the fixture's replica from the lists of a store. */
void replica_list(struct fixture *fixture, lesson_store *store);

/* Applies the events up to now, which `writer` marks by events of its own. `lesson_id` is the lesson of the feed, NULL
 * for all. Adds them to `events`, if it is not NULL. Returns OK, or what drain has returned. */
int replica_follow(struct fixture *fixture, lesson_store *writer, lesson_store_feed *feed, const char *lesson_id,
                   lines *events);

/* The replica must be what the store lists. */
void replica_compare(struct fixture *fixture, lesson_store *store);

#endif
