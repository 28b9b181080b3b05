/*
 * Replies of a server that sends random bytes during every kind of call. Whatever comes, every operation gets a code
 * and ids that it may have, every call ends, and the store works again as soon as the server does: no reply is ever
 * taken for the reply to another request.
 *
 * The first three bytes of the input select the call, after how many entries it is stopped, and, if the third is a g,
 * that the input also answers the greeting. The answers follow.
 */
#include <stdlib.h>

#include "answers.h"
#include "hostile_server.h"

/* Contains a |, which no answer of the hostile server can contain. So a message that shows it has it from the location.
 */
static const char password[] = "se|ret";

#define MANY 600 /* operations: three requests, which are under way together */

static lesson_store_operation operation_of(lesson_store_operation_kind kind, const char *uid, const char *lesson_id) {
    lesson_store_operation operation = {.kind = kind};
    operation.uid = lesson_store_id_of(uid);
    operation.lesson_id = lesson_store_id_of(lesson_id);
    return operation;
}

static lesson_store_operation join_of(const char *uid, uint32_t flags, lesson_store_place *place) {
    lesson_store_operation join = operation_of(LESSON_STORE_OPERATION_JOIN, uid, "chess");
    join.course_id = lesson_store_id_of("games");
    join.flags = flags;
    join.place = place;
    return join;
}

static void run(lesson_store *store, lesson_store_operation *operations, size_t count) {
    fuzz_require_answers(lesson_store_batch(store, operations, count), operations, count);
}

/* One operation of each kind, with and without the optional parts. */
static void run_all_kinds(lesson_store *store) {
    lesson_store_place places[4];
    memset(places, 0, sizeof places);
    lesson_store_operation operations[] = {
        operation_of(LESSON_STORE_OPERATION_CREATE, NULL, "chess"),
        operation_of(LESSON_STORE_OPERATION_SET, NULL, "chess"),
        operation_of(LESSON_STORE_OPERATION_GET_LESSON, NULL, "chess"),
        join_of("ann", 0, &places[0]),
        join_of("bob", LESSON_STORE_JOIN_IF_OPEN | LESSON_STORE_JOIN_STAY, &places[1]),
        operation_of(LESSON_STORE_OPERATION_QUIT, "ann", "chess"),
        operation_of(LESSON_STORE_OPERATION_WHERE, "ann", NULL),
        operation_of(LESSON_STORE_OPERATION_COUNT_MEMBERS, NULL, "chess"),
        operation_of(LESSON_STORE_OPERATION_END, NULL, "chess"),
        operation_of(LESSON_STORE_OPERATION_CREATE, NULL, "go"),
    };
    operations[1].given = LESSON_STORE_GIVEN_CHAT_STATUS | LESSON_STORE_GIVEN_IF_COURSE_STATUS;
    operations[1].chat_status = LESSON_STORE_CHAT_BANNED;
    operations[1].if_course_status = LESSON_STORE_COURSE_WAITING;
    operations[5].place = &places[2];
    operations[6].place = &places[3];
    operations[9].flags = LESSON_STORE_CREATE_RESET;
    run(store, operations, sizeof operations / sizeof *operations);
}

static void run_one(lesson_store *store, lesson_store_operation_kind kind) {
    lesson_store_place place;
    bool of_user = kind == LESSON_STORE_OPERATION_WHERE || kind == LESSON_STORE_OPERATION_QUIT;
    lesson_store_operation operation = operation_of(kind, of_user ? "ann" : NULL, of_user ? NULL : "chess");
    if (kind == LESSON_STORE_OPERATION_JOIN)
        operation = join_of("ann", LESSON_STORE_JOIN_IF_EXISTS, &place);
    if (kind == LESSON_STORE_OPERATION_SET)
        operation.given = LESSON_STORE_GIVEN_COURSE_STATUS;
    operation.place = of_user ? &place : operation.place;
    run(store, &operation, 1);
}

/* An operation without a place has a shorter answer. */
static void run_plain(lesson_store *store, uint8_t call) {
    lesson_store_operation operation =
        call == 'J' ? join_of("ann", 0, NULL) : operation_of(LESSON_STORE_OPERATION_QUIT, "ann", NULL);
    run(store, &operation, 1);
}

static void run_moves(lesson_store *store) {
    lesson_store_operation joins[] = {join_of("ann", 0, NULL), join_of("bob", 0, NULL), join_of("cho", 0, NULL)};
    run(store, joins, 3);
}

static void run_many(lesson_store *store, bool writes) {
    static lesson_store_operation operations[MANY];
    for (size_t i = 0; i < MANY; i++)
        operations[i] =
            writes ? join_of("ann", 0, NULL) : operation_of(LESSON_STORE_OPERATION_COUNT_MEMBERS, NULL, "chess");
    run(store, operations, MANY);
}

static void stream(lesson_store *store, uint8_t call, uint8_t stop_after) {
    fuzz_listener listener = {.stop_after = stop_after, .repairs = call == 'r'};
    int code = 0;
    if (call == 'm' || call == 'M')
        code = lesson_store_members(store, "chess", fuzz_hear_member, &listener);
    else if (call == 'l')
        code = lesson_store_lessons(store, fuzz_hear_lesson, &listener);
    else if (call == 'u')
        code = lesson_store_users(store, fuzz_hear_user, &listener);
    else if (call == 'c' || call == 'r')
        code = lesson_store_check(store, call == 'r' ? LESSON_STORE_CHECK_REPAIR : LESSON_STORE_CHECK_ENDED,
                                  fuzz_hear_finding, &listener, NULL, NULL);
    else
        code = lesson_store_info(store, fuzz_hear_fact, NULL);
    REQUIRE(code <= 0);
    fuzz_require_code(code);
    if (stop_after > 0 && listener.heard == stop_after)
        REQUIRE(code == LESSON_STORE_OK);
}

static void call_store(lesson_store *store, uint8_t call, uint8_t stop_after) {
    if (call >= '0' && call <= '7')
        run_one(store, (lesson_store_operation_kind)(call - '0' + LESSON_STORE_OPERATION_CREATE));
    else if (call == 'a')
        run_all_kinds(store);
    else if (call == 'J' || call == 'Q')
        run_plain(store, call);
    else if (call == 'j')
        run_moves(store);
    else if (call == 'p' || call == 'P')
        run_many(store, call == 'p');
    else
        stream(store, call, stop_after);
}

/* If the input answers the greeting, the location has all its parts: a password, and another database. */
static const char *location_of(uint8_t call, bool greeted) {
    if (greeted)
        return "redis+unix://ann:se%7Cret@/hostile?pool=1&timeout_ms=1000&db=3";
    return call == 'M' ? HOSTILE_SERVER_LOCATION "&members_at_once=1" : HOSTILE_SERVER_LOCATION;
}

static void require_works_again(lesson_store *store) {
    hostile_server_reform();
    REQUIRE(lesson_store_where(store, "ann", NULL) == LESSON_STORE_NOT_FOUND);
}

static void judge(uint8_t call, uint8_t stop_after, bool greeted) {
    lesson_store *store;
    int code = lesson_store_open(&store, location_of(call, greeted));
    fuzz_require_code(code);
    REQUIRE(code <= 0 && (store != NULL) == (code == LESSON_STORE_OK));
    REQUIRE(greeted || store); /* the greeting was right */
    REQUIRE(!strstr(lesson_store_message(), password));
    if (!store)
        return;
    call_store(store, call, stop_after);
    if (!greeted) /* the correct server has no password */
        require_works_again(store);
    lesson_store_close(store);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fuzz_input input = {data, size};
    uint8_t call = fuzz_take_byte(&input), stop_after = fuzz_take_byte(&input) & 7;
    bool greeted = fuzz_take_byte(&input) == 'g';
    if (input.size == 0)
        return 0;
    hostile_server_answer(input.data, input.size, !greeted);
    judge(call, stop_after, greeted);
    hostile_server_end();
    return 0;
}
