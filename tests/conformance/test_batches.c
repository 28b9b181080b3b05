/* Batches: order, a code for each operation, and sizes from 0 to the limit. */
#include "suite.h"

/* ---- Small ones */

static void batch_invalid_inside(struct fixture *fixture) {
    static const struct step sound[] = {
        {CREATE("algebra")}, {JOIN("ann", "maths", "algebra")}, {JOIN("bob", "maths", "algebra")}, {.lesson_id = NULL}};
    need_steps(fixture, sound);
    make_room_for_batch(fixture, 7);
    lesson_store_operation *operations = fixture->operations;
    /* valid operations at 1, 3 and 5, and invalid ones before, between and after them */
    for (size_t i = 0; i < 7; i++)
        operations[i] = operation_of_step(&sound[i / 2 < 3 ? i / 2 : 0]);
    operations[0].lesson_id = lesson_store_id_of("");
    operations[2].flags = LESSON_STORE_CREATE_RESET;
    operations[4].uid = lesson_store_id_of("a\nb");
    operations[6].kind = 4711;
    expect_code(fixture, "the batch", lesson_store_batch(fixture->store, operations, 7), LESSON_STORE_OK);
    for (size_t i = 0; i < 7; i++) {
        fixture->step_number = i + 1;
        expect_code(fixture, i % 2 ? "a sound operation" : "an invalid operation", operations[i].code,
                    i % 2 ? LESSON_STORE_OK : LESSON_STORE_INVALID);
    }
    expect_state(
        fixture, (const struct record[]){{"algebra", "waiting", "free"}, {.lesson_id = NULL}},
        (const struct user[]){{IS_IN("ann", "maths", "algebra")}, {IS_IN("bob", "maths", "algebra")}, {.uid = NULL}});
}

static void batch_empty(struct fixture *fixture) {
    expect_code(fixture, "no operations at NULL", lesson_store_batch(fixture->store, NULL, 0), LESSON_STORE_OK);
    lesson_store_operation untouched = {.kind = LESSON_STORE_OPERATION_CREATE};
    untouched.lesson_id = lesson_store_id_of("algebra");
    untouched.code = 4711;
    expect_code(fixture, "no operations", lesson_store_batch(fixture->store, &untouched, 0), LESSON_STORE_OK);
    expect_number(fixture, "the code of an operation outside of the batch", (uint64_t)untouched.code, 4711);
    know_lesson(fixture, "algebra");
    expect_state(fixture, NULL, NULL);
}

static void batch_only_invalid(struct fixture *fixture) {
    lesson_store_operation operations[2] = {{.kind = LESSON_STORE_OPERATION_CREATE},
                                            {.kind = LESSON_STORE_OPERATION_WHERE}};
    expect_code(fixture, "the batch", lesson_store_batch(fixture->store, operations, 2), LESSON_STORE_OK);
    expect_code(fixture, "create without a lesson", operations[0].code, LESSON_STORE_INVALID);
    expect_code(fixture, "where without a uid", operations[1].code, LESSON_STORE_INVALID);
    expect_state(fixture, NULL, NULL);
}

static void batch_without_places(struct fixture *fixture) {
    need_operation(fixture, LESSON_STORE_OPERATION_JOIN);
    need_operation(fixture, LESSON_STORE_OPERATION_QUIT);
    need_operation(fixture, LESSON_STORE_OPERATION_WHERE);
    static const struct step steps[] = {{JOIN("ann", "maths", "algebra")},
                                        {JOIN("ann", "maths", "biology")},
                                        {WHERE("ann")},
                                        {QUIT("ann"), OF_LESSON("algebra")},
                                        {QUIT("ann")}};
    static const int codes[] = {LESSON_STORE_OK, LESSON_STORE_OK, LESSON_STORE_OK, LESSON_STORE_CONFLICT,
                                LESSON_STORE_OK};
    enum { COUNT_OF_STEPS = sizeof steps / sizeof *steps };
    lesson_store_operation operations[COUNT_OF_STEPS];
    for (size_t i = 0; i < COUNT_OF_STEPS; i++)
        operations[i] = operation_of_step(&steps[i]);
    expect_code(fixture, "the batch", lesson_store_batch(fixture->store, operations, COUNT_OF_STEPS), LESSON_STORE_OK);
    for (size_t i = 0; i < COUNT_OF_STEPS; i++) {
        fixture->step_number = i + 1;
        expect_code(fixture, "without a place", operations[i].code, codes[i]);
    }
}

/* ---- Large ones */

#define LARGE 6000 /* operations: more than any backend sends in one request */
#define LARGE_LESSONS 7

/* "prefix" and a number, in the fixture's memory. LARGE * LARGE_ID_SIZE bytes hold all of them. */
#define LARGE_ID_SIZE 24

static lesson_store_id numbered(struct fixture *fixture, size_t slot, const char *prefix, size_t number) {
    char *text = fixture->text + slot * LARGE_ID_SIZE;
    int size = snprintf(text, LARGE_ID_SIZE, "%s %zu", prefix, number);
    return (lesson_store_id){text, (size_t)size};
}

static void make_room_for_texts(struct fixture *fixture, size_t count) {
    free(fixture->text);
    fixture->text = calloc(count, LARGE_ID_SIZE);
    if (!fixture->text)
        fail_test(fixture, "no memory for %zu ids", count);
}

static lesson_store_operation large_join(struct fixture *fixture, size_t i, size_t lesson) {
    lesson_store_operation join = {.kind = LESSON_STORE_OPERATION_JOIN};
    join.uid = numbered(fixture, 2 * i, "user", i);
    join.course_id = lesson_store_id_of("maths");
    join.lesson_id = numbered(fixture, 2 * i + 1, "lesson", lesson);
    return join;
}

static void run_large(struct fixture *fixture, const char *what) {
    expect_code(fixture, what, lesson_store_batch(fixture->store, fixture->operations, LARGE), LESSON_STORE_OK);
    for (size_t i = 0; i < LARGE; i++) {
        fixture->step_number = i + 1;
        expect_code(fixture, what, fixture->operations[i].code, LESSON_STORE_OK);
    }
}

/* Every user joins the lesson of its number. In a second batch every user moves to the next lesson. */
static void batch_large(struct fixture *fixture) {
    need_operation(fixture, LESSON_STORE_OPERATION_JOIN);
    need_calls(fixture, ALL_STREAMS);
    make_room_for_texts(fixture, 2 * (size_t)LARGE);
    make_room_for_batch(fixture, LARGE);
    for (size_t round = 0; round < 2; round++) {
        for (size_t i = 0; i < LARGE; i++) {
            fixture->operations[i] = large_join(fixture, i, (i + round) % LARGE_LESSONS);
            fixture->operations[i].place = &fixture->places[i];
        }
        run_large(fixture, "join");
    }
    for (size_t i = 0; i < LARGE; i++) {
        char expected[LARGE_ID_SIZE];
        snprintf(expected, sizeof expected, "lesson %zu", i % LARGE_LESSONS);
        if (strcmp(fixture->places[i].lesson_id, expected) != 0)
            fail_test(fixture, "user %zu: expected to be moved from \"%s\", found \"%s\"", i, expected,
                      fixture->places[i].lesson_id);
        expect_number(fixture, "arrival", fixture->operations[i].arrival, LESSON_STORE_ARRIVAL_MOVED);
    }
    expect_agreement(fixture);
    expect_number(fixture, "users", fixture->expected.count, LARGE);
}

/* One user moves through lessons, so that two operations out of order change an answer. */
static void batch_order(struct fixture *fixture) {
    need_operation(fixture, LESSON_STORE_OPERATION_JOIN);
    need_operation(fixture, LESSON_STORE_OPERATION_QUIT);
    make_room_for_texts(fixture, LARGE);
    make_room_for_batch(fixture, LARGE);
    for (size_t i = 0; i < LARGE; i++) {
        bool quits = i % 10 == 9;
        lesson_store_operation *operation = &fixture->operations[i];
        *operation =
            (lesson_store_operation){.kind = quits ? LESSON_STORE_OPERATION_QUIT : LESSON_STORE_OPERATION_JOIN};
        operation->uid = lesson_store_id_of("ann");
        operation->place = &fixture->places[i];
        if (quits)
            continue;
        operation->course_id = lesson_store_id_of("maths");
        operation->lesson_id = numbered(fixture, i, "lesson", i);
    }
    run_large(fixture, "a step of the way");
    for (size_t i = 0; i < LARGE; i++) {
        char expected[LARGE_ID_SIZE] = "";
        if (i % 10 != 0)
            snprintf(expected, sizeof expected, "lesson %zu", i - 1);
        if (strcmp(fixture->places[i].lesson_id, expected) != 0)
            fail_test(fixture, "operation %zu: expected to come from \"%s\", found \"%s\"", i, expected,
                      fixture->places[i].lesson_id);
    }
    know_user(fixture, "ann");
    expect_state(fixture, NULL, NULL);
}

/* A lesson with thousands of members ends in one step. A user of another lesson is not affected. */
static void end_large(struct fixture *fixture) {
    need_operation(fixture, LESSON_STORE_OPERATION_JOIN);
    need_operation(fixture, LESSON_STORE_OPERATION_END);
    make_room_for_texts(fixture, 2 * (size_t)LARGE);
    make_room_for_batch(fixture, LARGE);
    for (size_t i = 0; i < LARGE; i++)
        fixture->operations[i] = large_join(fixture, i, i == 0);
    run_large(fixture, "join");
    know_lesson(fixture, "lesson 0");
    know_user(fixture, "user 1");
    know_user(fixture, "user 5999");
    uint64_t left = 0;
    expect_code(fixture, "end", lesson_store_end(fixture->store, "lesson 0", 0, &left), LESSON_STORE_OK);
    expect_number(fixture, "users put out", left, LARGE - 1);
    expect_state(fixture, NULL, (const struct user[]){{IS_IN("user 0", "maths", "lesson 1")}, {.uid = NULL}});
}

static void batch_limit(struct fixture *fixture) {
    need_operation(fixture, LESSON_STORE_OPERATION_CREATE);
    need_operation(fixture, LESSON_STORE_OPERATION_COUNT_MEMBERS);
    const size_t most = LESSON_STORE_BATCH_MAX;
    make_room_for_batch(fixture, most + 1);
    for (size_t i = 0; i <= most; i++) {
        fixture->operations[i] = (lesson_store_operation){.kind = i == 0 ? LESSON_STORE_OPERATION_CREATE
                                                                         : LESSON_STORE_OPERATION_COUNT_MEMBERS};
        fixture->operations[i].lesson_id = lesson_store_id_of("algebra");
        fixture->operations[i].code = 4711;
    }
    expect_code(fixture, "one more than the limit", lesson_store_batch(fixture->store, fixture->operations, most + 1),
                LESSON_STORE_INVALID);
    expect_number(fixture, "the code of an operation that was not run", (uint64_t)fixture->operations[0].code, 4711);
    know_lesson(fixture, "algebra");
    expect_state(fixture, NULL, NULL);
    expect_code(fixture, "as many as the limit", lesson_store_batch(fixture->store, fixture->operations, most),
                LESSON_STORE_OK);
    expect_code(fixture, "the last of them", fixture->operations[most - 1].code, LESSON_STORE_OK);
    expect_state(fixture, (const struct record[]){{"algebra", "waiting", "free"}, {.lesson_id = NULL}}, NULL);
}

/* An engine that splits a batch may be left with a single operation, and may treat that in another way. */
static void batch_that_ends_with_a_question(struct fixture *fixture) {
    enum { SHORTEST = 254, PAUSE = 260, AGAIN = 512, LONGEST = 514 };
    need_operation(fixture, LESSON_STORE_OPERATION_JOIN);
    need_operation(fixture, LESSON_STORE_OPERATION_WHERE);
    need_operation(fixture, LESSON_STORE_OPERATION_COUNT_MEMBERS);
    for (size_t size = SHORTEST; size <= LONGEST; size += size == PAUSE ? AGAIN - PAUSE : 1) {
        make_joins(fixture, size, 1);
        lesson_store_operation *last = &fixture->operations[size - 1];
        last->kind = LESSON_STORE_OPERATION_WHERE;
        last->course_id = last->lesson_id = (lesson_store_id){NULL, 0};
        expect_code(fixture, "a batch", lesson_store_batch(fixture->store, fixture->operations, size), LESSON_STORE_OK);
        expect_code(fixture, "where", last->code, LESSON_STORE_NOT_FOUND);
        last->kind = LESSON_STORE_OPERATION_COUNT_MEMBERS;
        last->uid = (lesson_store_id){NULL, 0};
        last->lesson_id = fixture->operations[0].lesson_id;
        expect_code(fixture, "a batch", lesson_store_batch(fixture->store, fixture->operations, size), LESSON_STORE_OK);
        expect_code(fixture, "count", last->code, LESSON_STORE_OK);
        expect_number(fixture, "members", last->count, size - 1);
    }
}

/* Each operation names the user or the lesson of an earlier one whose order matters, so it is one batch on every store.
 */
static void batch_order_by_names(struct fixture *fixture) {
    static const struct step steps[] = {{COUNT("a"), NUMBER(0)},
                                        {JOIN("ann", "c", "a")},
                                        {COUNT("a"), NUMBER(1)},
                                        {JOIN("bob", "c", "a")},
                                        {COUNT("a"), NUMBER(2)},
                                        {QUIT("ann"), OF_LESSON("a"), IN("c", "a")},
                                        {WHERE("ann"), ANSWER(NOT_FOUND)},
                                        {COUNT("a"), NUMBER(1)},
                                        {JOIN("bob", "c", "a"), ALREADY_IN("c", "a")},
                                        {JOIN("bob", "c", "b"), MOVED_FROM("c", "a")},
                                        {WHERE("bob"), IN("c", "b")},
                                        {COUNT("b"), NUMBER(1)},
                                        {JOIN("ann", "c", "b")},
                                        {COUNT("b"), NUMBER(2)},
                                        {.lesson_id = NULL}};
    const size_t count = sizeof steps / sizeof *steps - 1;
    expect_number(fixture, "steps in one batch", count_in_order(fixture, steps, count), count);
    play(fixture, steps);
    expect_state(fixture, NULL,
                 (const struct user[]){{IS_IN("ann", "c", "b")}, {IS_IN("bob", "c", "b")}, {.uid = NULL}});
}

/* Each operation touches what the one before it does not name. */
static void batch_order_of_others(struct fixture *fixture) {
    static const struct step steps[] = {{JOIN("ann", "c", "a")},     {JOIN("ann", "c", "b"), MOVED_FROM("c", "a")},
                                        {COUNT("a"), NUMBER(0)},     {JOIN("bob", "c", "b")},
                                        {QUIT("ann"), IN("c", "b")}, {COUNT("b"), NUMBER(1)},
                                        {END("b"), NUMBER(1)},       {WHERE("bob"), ANSWER(NOT_FOUND)},
                                        {JOIN("bob", "c", "a")},     {.lesson_id = NULL}};
    need_kept(fixture, LESSON_STORE_EXCEPT_ORDER);
    play(fixture, steps);
    expect_state(fixture, NULL, (const struct user[]){{IS_IN("bob", "c", "a")}, {.uid = NULL}});
}

static const struct test tests[] = {
    {.name = "BATCH-1 operations that name the same user, or the same lesson, take effect in order",
     .function = batch_order_by_names,
     .modes = IN_MODE(BATCH)},

    {.name = "BATCH-7 an operation sees what earlier ones did, also if they name neither its user nor its lesson",
     .function = batch_order_of_others,
     .modes = IN_MODE(BATCH)},

    {.name = "BATCH-1 operations take effect in order",
     STEPS({CREATE("a")}, {JOIN("ann", "c", "a")}, {WHERE("ann"), IN("c", "a")},
           {JOIN("ann", "c", "b"), MOVED_FROM("c", "a")}, {WHERE("ann"), IN("c", "b")},
           {QUIT("ann"), OF_LESSON("a"), ANSWER(CONFLICT), IN("c", "b")}, {QUIT("ann"), IN("c", "b")},
           {WHERE("ann"), ANSWER(NOT_FOUND)}, {END("a"), NUMBER(0)}, {GET("a"), ANSWER(NOT_FOUND)}, {CREATE("a")},
           {SET("a"), COURSE_STATUS("online"), IF_COURSE_STATUS("waiting")}, {CREATE("a"), ANSWER(EXISTS)},
           {GET("a"), HAS("online", "free")}),
     RECORDS({"a", "online", "free"})},

    {.name = "BATCH-1 BATCH-5 one user's way through thousands of lessons is in order",
     .function = batch_order,
     .modes = IN_MODE(BATCH)},

    {.name = "BATCH-2 each operation has its own answer, and a refused one does not stop the others",
     STEPS({QUIT("ann"), ANSWER(NOT_FOUND)}, {CREATE("a")}, {CREATE("a"), ANSWER(EXISTS)},
           {SET("a"), COURSE_STATUS("online"), IF_COURSE_STATUS("offline"), ANSWER(CONFLICT), HAS("waiting", "free")},
           {JOIN("ann", "c", "a")}, {END("b"), ANSWER(NOT_FOUND)},
           {QUIT("ann"), OF_LESSON("b"), ANSWER(CONFLICT), IN("c", "a")}, {COUNT("b"), NUMBER(0)},
           {JOIN("bob", "c", "a")}),
     RECORDS({"a", "waiting", "free"}),
     USERS({IS_IN("ann", "c", "a")}, {IS_IN("bob", "c", "a")})},

    {.name = "BATCH-3 an INVALID operation is answered so and the others run",
     .function = batch_invalid_inside,
     .modes = IN_MODE(BATCH)},
    {.name = "BATCH-3 a batch of nothing but INVALID operations is answered",
     .function = batch_only_invalid,
     .modes = IN_MODE(BATCH)},
    {.name = "BATCH-4 a batch of none is OK", .function = batch_empty, .modes = IN_MODE(BATCH)},
    {.name = "BATCH-5 JOIN-2 thousands of operations in one batch", .function = batch_large, .modes = IN_MODE(BATCH)},
    {.name = "BATCH-5 a batch of any size may end with where or count",
     .function = batch_that_ends_with_a_question,
     .modes = IN_MODE(BATCH)},
    {.name = "BATCH-5 END-1 a lesson of thousands ends in one step", .function = end_large, .modes = IN_MODE(BATCH)},
    {.name = "BATCH-6 a batch may be as large as the limit and no larger",
     .function = batch_limit,
     .modes = IN_MODE(BATCH)},
    {.name = "OUTPUT-1 operations without a place are answered all the same",
     .function = batch_without_places,
     .modes = IN_MODE(BATCH)},
};

const test_list batch_tests = TEST_LIST(tests);
