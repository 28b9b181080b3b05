/* Arguments: invalid ones, what the backend does not support, what may be NULL, and the messages. */
#include "suite.h"

static const struct step one_user[] = {{CREATE("algebra")}, {JOIN("ann", "maths", "algebra")}, {.lesson_id = NULL}};

static void expect_one_user(struct fixture *fixture) {
    expect_state(fixture, (const struct record[]){{"algebra", "waiting", "free"}, {.lesson_id = NULL}},
                 (const struct user[]){{IS_IN("ann", "maths", "algebra")}, {.uid = NULL}});
}

/* ---- Invalid arguments */

static void expect_refused(struct fixture *fixture, const char *what, lesson_store_operation operation, int expected) {
    lesson_store_fail(LESSON_STORE_FAILED, "no message yet");
    expect_code(fixture, what, lesson_store_batch(fixture->store, &operation, 1), LESSON_STORE_OK);
    expect_code(fixture, what, operation.code, expected);
    const char *message = lesson_store_message();
    if (!*message || strcmp(message, "no message yet") == 0 || strchr(message, '\n'))
        fail_test(fixture, "%s: expected a message of one line, found %s", what, quote_text(message).text);
}

static void wrong_ids(struct fixture *fixture) {
    lesson_store_operation operation = operation_of_step(&(struct step){CREATE("algebra")});
    operation.uid = lesson_store_id_of("ann");
    expect_refused(fixture, "create with a uid", operation, LESSON_STORE_INVALID);
    operation = operation_of_step(&(struct step){QUIT("ann")});
    operation.course_id = lesson_store_id_of("maths");
    expect_refused(fixture, "quit with a course", operation, LESSON_STORE_INVALID);
    operation = operation_of_step(&(struct step){WHERE("ann"), OF_LESSON("algebra")});
    expect_refused(fixture, "where with a lesson", operation, LESSON_STORE_INVALID);
    operation = operation_of_step(&(struct step){END("algebra"), SESSION("s1")});
    expect_refused(fixture, "end with a session", operation, LESSON_STORE_INVALID);
}

static void wrong_flags(struct fixture *fixture) {
    static const struct step wrong[] = {{CREATE("algebra"), FLAGS(LESSON_STORE_END_RECORD_ONLY)},
                                        {END("algebra"), FLAGS(LESSON_STORE_CREATE_RESET)},
                                        {SET("algebra"), COURSE_STATUS("online"), FLAGS(LESSON_STORE_JOIN_IF_EXISTS)},
                                        {JOIN("ann", "maths", "biology"), FLAGS(LESSON_STORE_CREATE_RESET)},
                                        {JOIN("ann", "maths", "biology"), FLAGS(1u << 30)},
                                        {QUIT("ann"), FLAGS(LESSON_STORE_JOIN_STAY)},
                                        {WHERE("ann"), FLAGS(LESSON_STORE_JOIN_STAY)},
                                        {GET("algebra"), FLAGS(1u << 31)},
                                        {COUNT("algebra"), FLAGS(LESSON_STORE_JOIN_IF_OPEN)}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        fixture->step = &wrong[i];
        fixture->step_number = i + 1;
        expect_refused(fixture, "a flag of another operation", operation_of_step(&wrong[i]), LESSON_STORE_INVALID);
    }
    fixture->step = NULL;
}

static void wrong_statuses(struct fixture *fixture) {
    static const struct {
        const char *what;
        int32_t course_status, chat_status, if_course_status, if_chat_status;
    } wrong[] = {
        {"nothing to set", -1, -1, -1, -1},    {"nothing to set but expectations", -1, -1, 3, 0},
        {"course_status 4", 4, -1, -1, -1},    {"course_status -2", -2, -1, -1, -1},
        {"chat_status 2", -1, 2, -1, -1},      {"chat_status INT32_MAX", -1, INT32_MAX, -1, -1},
        {"expected 4", 1, -1, 4, -1},          {"expected chat 2", 1, -1, -1, 2},
        {"one of two is wrong", 1, 2, -1, -1}, {"expected INT32_MIN", 1, -1, INT32_MIN, -1},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        lesson_store_operation set = operation_of_step(&(struct step){SET("algebra")});
        give_status(&set, &set.course_status, LESSON_STORE_GIVEN_COURSE_STATUS, wrong[i].course_status);
        give_status(&set, &set.chat_status, LESSON_STORE_GIVEN_CHAT_STATUS, wrong[i].chat_status);
        give_status(&set, &set.if_course_status, LESSON_STORE_GIVEN_IF_COURSE_STATUS, wrong[i].if_course_status);
        give_status(&set, &set.if_chat_status, LESSON_STORE_GIVEN_IF_CHAT_STATUS, wrong[i].if_chat_status);
        expect_refused(fixture, wrong[i].what, set, LESSON_STORE_INVALID);
    }
    lesson_store_operation create = operation_of_step(&(struct step){CREATE("biology")});
    create.course_status = LESSON_STORE_COURSE_ONLINE;
    expect_refused(fixture, "a status without its bit in given", create, LESSON_STORE_INVALID);
    create.given = LESSON_STORE_GIVEN_COURSE_STATUS | LESSON_STORE_GIVEN_IF_COURSE_STATUS;
    expect_refused(fixture, "create with an expected status", create, LESSON_STORE_INVALID);
    lesson_store_operation end = operation_of_step(&(struct step){END("algebra")});
    end.given = LESSON_STORE_GIVEN_CAPACITY;
    expect_refused(fixture, "end with a capacity", end, LESSON_STORE_INVALID);
    lesson_store_operation set = operation_of_step(&(struct step){SET("algebra"), COURSE_STATUS("online")});
    set.given |= 1u << 31;
    expect_refused(fixture, "an unknown bit in given", set, LESSON_STORE_INVALID);
    set.given = 0;
    set.course_status = 0;
    set.capacity = 1;
    expect_refused(fixture, "a capacity without its bit in given", set, LESSON_STORE_INVALID);
    set.given = LESSON_STORE_GIVEN_CAPACITY;
    set.capacity = LESSON_STORE_CAPACITY_MAX + UINT64_C(1);
    expect_refused(fixture, "a capacity beyond the highest", set, LESSON_STORE_INVALID);
}

static void wrong_kinds(struct fixture *fixture) {
    lesson_store_operation operation = operation_of_step(&(struct step){CREATE("biology")});
    operation.kind = LESSON_STORE_OPERATION_BAN + 1;
    expect_refused(fixture, "the kind after the last", operation, LESSON_STORE_INVALID);
    operation.kind = UINT32_MAX;
    expect_refused(fixture, "the kind UINT32_MAX", operation, LESSON_STORE_INVALID);
    operation.kind = LESSON_STORE_OPERATION_CREATE;
    operation.reserved[1] = 1;
    expect_refused(fixture, "a reserved field that is not 0", operation, LESSON_STORE_INVALID);
    lesson_store_operation join = operation_of_step(&(struct step){JOIN("ann", "maths", "algebra")});
    join.flags = LESSON_STORE_JOIN_OR_NOWHERE;
    expect_refused(fixture, "or nowhere, without a session", join, LESSON_STORE_INVALID);
}

static void argument_nonsense(struct fixture *fixture) {
    play(fixture, one_user);
    wrong_ids(fixture);
    wrong_flags(fixture);
    wrong_statuses(fixture);
    wrong_kinds(fixture);
    know_lesson(fixture, "biology");
    expect_one_user(fixture);
}

static void argument_nulls(struct fixture *fixture) {
    lesson_store *store = fixture->store;
    expect_code(fixture, "no store", lesson_store_create(NULL, "algebra", 0), LESSON_STORE_INVALID);
    expect_code(fixture, "no operations", lesson_store_batch(store, NULL, 1), LESSON_STORE_INVALID);
    expect_code(fixture, "no callback", lesson_store_members(store, "algebra", NULL, NULL), LESSON_STORE_INVALID);
    expect_code(fixture, "no callback", lesson_store_lessons(store, NULL, NULL), LESSON_STORE_INVALID);
    expect_code(fixture, "no callback", lesson_store_users(store, NULL, NULL), LESSON_STORE_INVALID);
    expect_code(fixture, "no callback", lesson_store_info(store, NULL, NULL), LESSON_STORE_INVALID);
    expect_code(fixture, "check with an invalid flag", lesson_store_check(store, 4, NULL, NULL, NULL, NULL),
                LESSON_STORE_INVALID);
}

/* ---- Outputs that are NULL */

static void output_nulls(struct fixture *fixture) {
    lesson_store *store = fixture->store;
    for (uint32_t kind = LESSON_STORE_OPERATION_CREATE; kind <= LESSON_STORE_OPERATION_COUNT_MEMBERS; kind++)
        need_operation(fixture, kind);
    play(fixture, one_user);
    expect_code(fixture, "join", lesson_store_join(store, "ann", "maths", "algebra", NULL, 0, NULL), LESSON_STORE_OK);
    expect_code(fixture, "where", lesson_store_where(store, "ann", NULL), LESSON_STORE_OK);
    expect_code(fixture, "count", lesson_store_count_members(store, "algebra", NULL), LESSON_STORE_OK);
    expect_code(fixture, "get_lesson", lesson_store_get_lesson(store, "algebra", NULL), LESSON_STORE_OK);
    expect_code(fixture, "set", lesson_store_replace_course_status(store, "algebra", 2, 1, NULL),
                LESSON_STORE_CONFLICT);
    expect_code(fixture, "set", lesson_store_replace_chat_status(store, "algebra", 1, 1, NULL), LESSON_STORE_CONFLICT);
    expect_code(fixture, "quit", lesson_store_quit(store, "ann", "biology", NULL, NULL), LESSON_STORE_CONFLICT);
    if (has_call(fixture, LESSON_STORE_CALL_CHECK))
        expect_code(fixture, "check", lesson_store_check(store, 0, NULL, NULL, NULL, NULL), LESSON_STORE_OK);
    expect_one_user(fixture);
    expect_code(fixture, "quit", lesson_store_quit(store, "ann", NULL, NULL, NULL), LESSON_STORE_OK);
    expect_code(fixture, "end", lesson_store_end(store, "algebra", 0, NULL), LESSON_STORE_OK);
}

static void expect_place(struct fixture *fixture, const lesson_store_place *place, const char *course_id,
                         const char *lesson_id) {
    if (strcmp(place->course_id, course_id) != 0 || strcmp(place->lesson_id, lesson_id) != 0)
        fail_test(fixture, "the place: expected %s of %s, found %s of %s", lesson_id, course_id, place->lesson_id,
                  place->course_id);
}

/* The ids lie in the place that receives the answer. */
static void output_of_inputs(struct fixture *fixture) {
    lesson_store *store = fixture->store;
    lesson_store_place place;
    need_operation(fixture, LESSON_STORE_OPERATION_JOIN);
    need_operation(fixture, LESSON_STORE_OPERATION_QUIT);
    need_operation(fixture, LESSON_STORE_OPERATION_WHERE);
    lesson_store_join(store, "ann", "maths", "algebra", NULL, 0, NULL);
    lesson_store_join(store, "bob", "nature", "biology", NULL, 0, NULL);
    lesson_store_where(store, "ann", &place);
    lesson_store_join(store, "ann", "nature", "botany", NULL, 0, NULL);

    expect_code(fixture, "a late quit of the place that was returned",
                lesson_store_quit(store, "ann", place.lesson_id, NULL, &place), LESSON_STORE_CONFLICT);
    expect_place(fixture, &place, "nature", "botany");
    expect_code(fixture, "a join of that place",
                lesson_store_join(store, "cy", place.course_id, place.lesson_id, NULL, 0, &place), LESSON_STORE_OK);
    expect_place(fixture, &place, "", "");
    lesson_store_where(store, "cy", &place);
    expect_place(fixture, &place, "nature", "botany");
    expect_code(fixture, "a move to that place",
                lesson_store_join(store, "bob", place.course_id, place.lesson_id, NULL, 0, &place), LESSON_STORE_OK);
    expect_place(fixture, &place, "nature", "biology");
    expect_code(fixture, "a question about a uid that lies there",
                lesson_store_where(store, strcpy(place.session, "bob"), &place), LESSON_STORE_OK);
    expect_place(fixture, &place, "nature", "botany");
}

/* ---- What the description does not declare */

static void unsupported_operations(struct fixture *fixture) {
    for (const struct ability *ability = operation_abilities; ability->name; ability++) {
        if (ability->bit & ~fixture->backend->operations)
            expect_refused(fixture, "an operation that is not declared", operation_of_step(&ability->probe),
                           LESSON_STORE_UNSUPPORTED);
    }
}

static void unsupported_flags(struct fixture *fixture) {
    for (const struct ability *ability = flag_abilities; ability->name; ability++) {
        if (ability->bit & ~fixture->backend->flags)
            expect_refused(fixture, "a flag that is not declared", operation_of_step(&ability->probe),
                           LESSON_STORE_UNSUPPORTED);
    }
}

static void unsupported_sessions(struct fixture *fixture) {
    if (has_capability(fixture, LESSON_STORE_CAN_KEEP_SESSIONS))
        return;
    static const struct step join = {JOIN("ann", "exams", "biology"), SESSION("s1")};
    static const struct step quit = {QUIT("ann"), SESSION("s1")};
    if (has_operation(fixture, join.kind))
        expect_refused(fixture, "join with a session", operation_of_step(&join), LESSON_STORE_UNSUPPORTED);
    if (has_operation(fixture, quit.kind))
        expect_refused(fixture, "quit with a session", operation_of_step(&quit), LESSON_STORE_UNSUPPORTED);
}

static void unsupported_calls(struct fixture *fixture) {
    for (const struct ability *ability = call_abilities; ability->name; ability++) {
        if (!has_call(fixture, ability->bit))
            expect_code(fixture, ability->name, make_call(fixture->store, ability->bit), LESSON_STORE_UNSUPPORTED);
    }
}

static void support(struct fixture *fixture) {
    unsupported_operations(fixture);
    unsupported_flags(fixture);
    unsupported_sessions(fixture);
    unsupported_calls(fixture);
    know_user(fixture, "ann");
    know_lesson(fixture, "algebra");
    know_lesson(fixture, "biology");
    expect_state(fixture, NULL, NULL);
}

/* ---- An engine that fails */

static void expect_failure(struct fixture *fixture, const char *what, int code) {
    if (code >= 0)
        fail_test(fixture, "%s, while the engine fails: expected a failure, found %s", what,
                  lesson_store_code_name(code));
    if (code == LESSON_STORE_INVALID || code == LESSON_STORE_UNSUPPORTED || code == LESSON_STORE_REENTERED)
        fail_test(fixture, "%s, while the engine fails: expected a failure of the store, found %s", what,
                  lesson_store_code_name(code));
}

static void expect_operations_fail(struct fixture *fixture) {
    static const struct step every[] = {{WHERE("ann")},
                                        {COUNT("algebra")},
                                        {GET("algebra")},
                                        {CREATE("biology")},
                                        {END("biology")},
                                        {SET("biology"), COURSE_STATUS("online")},
                                        {JOIN("bob", "maths", "biology")},
                                        {QUIT("bob")}};
    for (size_t i = 0; i < sizeof every / sizeof *every; i++) {
        if (!has_operation(fixture, every[i].kind))
            continue;
        fixture->step = &every[i];
        fixture->step_number = i + 1;
        lesson_store_operation operation = operation_of_step(&every[i]);
        expect_failure(fixture, "the batch", lesson_store_batch(fixture->store, &operation, 1));
        expect_failure(fixture, "the operation", operation.code);
        if (operation.code == LESSON_STORE_UNKNOWN && !lesson_store_operation_writes(&operation))
            fail_test(fixture, "an operation that only reads cannot have an unknown outcome");
    }
    fixture->step = NULL;
}

static void expect_calls_fail(struct fixture *fixture) {
    for (const struct ability *ability = call_abilities; ability->name; ability++) {
        if (has_call(fixture, ability->bit))
            expect_failure(fixture, ability->name, make_call(fixture->store, ability->bit));
    }
}

static void break_engine(struct fixture *fixture) {
    const lesson_store_conformance_backend *backend = fixture->backend;
    if (!backend->break_engine || !backend->restore_engine)
        skip_test(fixture, "it describes no way to make its engine fail");
    play(fixture, one_user);
    expect_code(fixture, "break_engine", backend->break_engine(backend->context), 0);
}

static void restore_engine(struct fixture *fixture) {
    expect_code(fixture, "restore_engine", fixture->backend->restore_engine(fixture->backend->context), 0);
}

static void failing_engine(struct fixture *fixture) {
    break_engine(fixture);
    expect_operations_fail(fixture);
    expect_calls_fail(fixture);
    restore_engine(fixture);
}

/* The first calls after a failure may still meet the broken connection. A store that never recovers fails the test. */
#define RECOVERY_TRIES 10

static void recovering_engine(struct fixture *fixture) {
    need_operation(fixture, LESSON_STORE_OPERATION_WHERE);
    break_engine(fixture);
    lesson_store_where(fixture->store, "ann", NULL);
    restore_engine(fixture);
    int code = LESSON_STORE_FAILED;
    for (int i = 0; i < RECOVERY_TRIES && code < 0; i++)
        code = lesson_store_where(fixture->store, "ann", NULL);
    if (code < 0)
        fail_test(fixture, "where, after the engine was repaired: found %s: %s", lesson_store_code_name(code),
                  lesson_store_message());
    expect_code(fixture, "join", lesson_store_join(fixture->store, "ann", "exams", "algebra", NULL, 0, NULL),
                LESSON_STORE_OK);
    expect_code(fixture, "where", lesson_store_where(fixture->store, "ann", NULL), LESSON_STORE_OK);
}

static const struct test tests[] = {
    {.name = "ERROR-1 ERROR-2 nonsense is INVALID with a message, and nothing is changed",
     .function = argument_nonsense,
     .modes = IN_MODE(BATCH)},
    {.name = "ERROR-1 what must not be NULL is INVALID", .function = argument_nulls, .modes = IN_MODE(SINGLE)},
    {.name = "ERROR-3 while the engine fails no call has an answer",
     .function = failing_engine,
     .modes = IN_MODE(SINGLE)},
    {.name = "ERROR-4 a store recovers when its engine does", .function = recovering_engine, .modes = IN_MODE(SINGLE)},
    {.name = "SUPPORT-1 what is not declared is UNSUPPORTED, and nothing is changed",
     .function = support,
     .modes = IN_MODE(SINGLE)},
    {.name = "OUTPUT-1 every output may be NULL", .function = output_nulls, .modes = IN_MODE(SINGLE)},
    {.name = "OUTPUT-3 an id may lie in the place for the answer",
     .function = output_of_inputs,
     .modes = IN_MODE(SINGLE)},
    {.name = "OUTPUT-2 an output is written only when the call says so",
     STEPS({WHERE("ann"), ANSWER(NOT_FOUND)}, {QUIT("ann"), ANSWER(NOT_FOUND)}, {GET("algebra"), ANSWER(NOT_FOUND)},
           {END("algebra"), ANSWER(NOT_FOUND)}, {SET("algebra"), COURSE_STATUS("online"), ANSWER(NOT_FOUND)},
           {CREATE("algebra")}, {SET("algebra"), COURSE_STATUS("online"), IF_COURSE_STATUS("waiting")},
           {SET("algebra"), CHAT_STATUS("banned"), IF_CHAT_STATUS("free")}),
     RECORDS({"algebra", "online", "banned"}),
     .judges_unwritten = true},
    {.name = "OUTPUT-2 what an answer of a user's operation does not speak of is left alone",
     STEPS({CREATE("algebra")}, {CREATE("algebra"), ANSWER(EXISTS)},
           {JOIN("ann", "maths", "algebra"), FLAGS(LESSON_STORE_JOIN_IF_EXISTS)},
           {JOIN("ann", "maths", "botany"), FLAGS(LESSON_STORE_JOIN_IF_EXISTS), REFUSED_BY(LESSON_STORE_JOIN_IF_EXISTS),
            IN("maths", "algebra")},
           {JOIN("ann", "maths", "algebra"), ALREADY_IN("maths", "algebra")}, {WHERE("ann"), IN("maths", "algebra")},
           {QUIT("ann"), OF_LESSON("botany"), ANSWER(CONFLICT), IN("maths", "algebra")}, {COUNT("algebra"), NUMBER(1)},
           {QUIT("ann"), IN("maths", "algebra")}, {END("algebra")}, {END("algebra"), ANSWER(NOT_FOUND)}),
     .judges_unwritten = true},
};

const test_list argument_tests = TEST_LIST(tests);
