#include "wrong_backends.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include <hiredis/hiredis.h>

enum { MOVES_UNTIL_DEATH = 3 };

static struct {
    lesson_store_backend table;
    const lesson_store_backend *right;
    wrong_way way;
    int moves;
    char socket[128];
} wrong;

/* ---- Errors that are not reported */

static void ignore_error(lesson_store_operation *operation) {
    bool reads = !lesson_store_operation_writes(operation);
    if (operation->code >= 0)
        return;
    if (wrong.way == ERROR_IS_NOT_FOUND && reads)
        operation->code = LESSON_STORE_NOT_FOUND;
    else if (wrong.way == ERROR_IS_OK || wrong.way == ERROR_OF_ONE_OPERATION_IS_OK)
        operation->code = LESSON_STORE_OK;
    else if (wrong.way == UNKNOWN_IS_UNREACHABLE && !reads)
        operation->code = LESSON_STORE_UNREACHABLE;
    else if (wrong.way == READ_IS_UNKNOWN && reads)
        operation->code = LESSON_STORE_UNKNOWN;
}

static int run_carelessly(lesson_store_instance *instance, lesson_store_operation *operations, size_t count) {
    int code = wrong.right->run(instance, operations, count);
    if (code == LESSON_STORE_UNKNOWN && wrong.way == UNKNOWN_IS_SENT_AGAIN) {
        for (size_t i = 0; i < count; i++)
            operations[i].code = LESSON_STORE_UNANSWERED;
        return wrong.right->run(instance, operations, count);
    }
    for (size_t i = 0; i < count; i++)
        ignore_error(&operations[i]);
    if (wrong.way == UNKNOWN_IS_UNREACHABLE || wrong.way == READ_IS_UNKNOWN)
        return code ? operations[count - 1].code : code;
    return wrong.way == ERROR_IS_NOT_FOUND || wrong.way == ERROR_IS_OK ? LESSON_STORE_OK : code;
}

static int list_carelessly(lesson_store_instance *instance, const lesson_store_id *lesson_id,
                           lesson_store_member_callback callback, void *context) {
    int code = wrong.right->members(instance, lesson_id, callback, context);
    return wrong.way == ERROR_IS_AN_EMPTY_LIST ? LESSON_STORE_OK : code;
}

/* ---- Joins in two steps, without the second one */

static bool is_text(lesson_store_id id, const char *text) {
    return id.size == strlen(text) && memcmp(id.data, text, id.size) == 0;
}

static int run_one(lesson_store_instance *instance, lesson_store_operation operation) {
    operation.code = LESSON_STORE_UNANSWERED;
    wrong.right->run(instance, &operation, 1);
    return operation.code;
}

static bool moves(lesson_store_instance *instance, const lesson_store_operation *join) {
    lesson_store_place place;
    lesson_store_operation where = {.kind = LESSON_STORE_OPERATION_WHERE};
    where.uid = join->uid;
    where.place = &place;
    return join->kind == LESSON_STORE_OPERATION_JOIN && join->flags == 0 &&
           run_one(instance, where) == LESSON_STORE_OK && !is_text(join->lesson_id, place.lesson_id);
}

/* True for a join that moves a user: a single one, or the first two of a batch if their users differ. */
static bool is_time_to_die(lesson_store_instance *instance, const lesson_store_operation *operations, size_t count) {
    bool in_batch = wrong.way == BATCH_IS_ONE_BY_ONE;
    if (in_batch ? count < 2 : count != 1)
        return false;
    if (in_batch && (operations[0].uid.data == operations[1].uid.data || !moves(instance, &operations[1])))
        return false;
    return moves(instance, operations) && ++wrong.moves == MOVES_UNTIL_DEATH;
}

static void quit_first(lesson_store_instance *instance, const lesson_store_operation *join) {
    lesson_store_operation quit = {.kind = LESSON_STORE_OPERATION_QUIT};
    quit.uid = join->uid;
    run_one(instance, quit);
}

static void write_record_first(const lesson_store_operation *join) {
    redisContext *commands = redisConnectUnix(wrong.socket);
    freeReplyObject(redisCommand(commands, "HSET STATUS:IN_LESSON:UID:%b course_id %b lesson_id %b", join->uid.data,
                                 join->uid.size, join->course_id.data, join->course_id.size, join->lesson_id.data,
                                 join->lesson_id.size));
}

static int run_in_steps(lesson_store_instance *instance, lesson_store_operation *operations, size_t count) {
    if (!is_time_to_die(instance, operations, count))
        return wrong.right->run(instance, operations, count);
    if (wrong.way == JOIN_IS_QUIT_AND_JOIN)
        quit_first(instance, operations);
    else if (wrong.way == JOIN_IS_RECORD_AND_MEMBER)
        write_record_first(operations);
    else if (wrong.way == BATCH_IS_ONE_BY_ONE)
        run_one(instance, operations[0]);
    else
        wrong.right->run(instance, operations, count);
    raise(SIGKILL);
    return LESSON_STORE_OK;
}

static int open_and_remember(lesson_store_instance **out, const lesson_store_location *location) {
    const char *path = lesson_store_location_path(location);
    snprintf(wrong.socket, sizeof wrong.socket, "%s", path ? path : "");
    return wrong.right->open(out, location);
}

const lesson_store_backend *wrong_backend(wrong_way way) {
    for (size_t i = 0; !wrong.right || strncmp(wrong.right->schemes, "redis", 5) != 0; i++)
        wrong.right = lesson_store_backend_at(i);
    wrong.table = *wrong.right;
    wrong.way = way;
    wrong.moves = 0;
    wrong.table.run = way >= DIES_BEFORE_IT_HEARS ? run_in_steps : run_carelessly;
    wrong.table.open = open_and_remember;
    wrong.table.members = list_carelessly;
    return &wrong.table;
}
