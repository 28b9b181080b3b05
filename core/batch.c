/* The path of every operation: check, borrow an instance, run, give the instance back. */
#include "core.h"

static LESSON_STORE_RARE int fail_unanswered(const lesson_store_backend *backend, lesson_store_operation *operations,
                                             size_t first, size_t count) {
    int code = lesson_store_fail(LESSON_STORE_FAILED, "%s: the backend left operation %zu without an answer",
                                 backend->schemes, first);
    lesson_store_fail_operations(operations, first, count, code);
    return code;
}

static int run(const lesson_store_backend *backend, lesson_store_instance *instance, lesson_store_operation *operations,
               size_t count) {
    int code = backend->run(instance, operations, count);
    if (code > 0)
        code = lesson_store_fail(LESSON_STORE_FAILED, "%s: the backend ended a batch with the code %s",
                                 backend->schemes, lesson_store_code_name(code));
    if (code) {
        lesson_store_fail_operations(operations, 0, count, code);
        return code;
    }
    for (size_t i = 0; i < count; i++) {
        if (operations[i].code == LESSON_STORE_UNANSWERED)
            return fail_unanswered(backend, operations, i, count);
    }
    return LESSON_STORE_OK;
}

static void clear_reserved(lesson_store_operation *operation) {
    operation->reserved_answer = 0;
    memset(operation->reserved_answers, 0, sizeof operation->reserved_answers);
    memset(operation->lesson.reserved, 0, sizeof operation->lesson.reserved);
}

/* Sets the code of an operation that must not run, and leaves every other operation UNANSWERED. Returns true if the
 * operation is to run. */
static bool prepare(const lesson_store *store, lesson_store_operation *operation) {
    clear_reserved(operation);
    int code = lesson_store__operation_check(store, operation);
    if (operation->message && operation->message_size > 0)
        operation->message[0] = '\0';
    bool runs = code == LESSON_STORE_OK && operation->kind != LESSON_STORE_OPERATION_NONE;
    if (runs)
        operation->code = LESSON_STORE_UNANSWERED;
    else
        lesson_store_answer(operation, code);
    return runs;
}

static size_t prepare_all(const lesson_store *store, lesson_store_operation *operations, size_t count) {
    size_t sound = 0;
    for (size_t i = 0; i < count; i++)
        sound += prepare(store, &operations[i]);
    return sound;
}

int lesson_store_run_unanswered(const lesson_store_backend *backend, lesson_store_instance *instance,
                                lesson_store_operation *operations, size_t count) {
    for (size_t first = 0, end; first < count; first = end + 1) {
        for (end = first; end < count && operations[end].code == LESSON_STORE_UNANSWERED; end++)
            ;
        int code = end > first ? run(backend, instance, operations + first, end - first) : LESSON_STORE_OK;
        if (code) {
            lesson_store_fail_operations(operations, end, count, lesson_store_code_of_unsent(code));
            return code;
        }
    }
    return LESSON_STORE_OK;
}

/* ---- Counting */

/* Counts a batch that came to no instance, and returns its code. Its operations have that code too, unless they were
 * answered by themselves. */
static LESSON_STORE_RARE int count_refused(lesson_store *store, const lesson_store_operation *operations, size_t count,
                                           bool are_answered, int code) {
    for (size_t i = 0; i < count; i++) {
        if (lesson_store__is_operation(operations[i].kind))
            lesson_store__count_refused(store, operations[i].kind, are_answered ? operations[i].code : code);
    }
    return count > 1 ? lesson_store__count_refused(store, LESSON_STORE_COUNTED_BATCH, code) : code;
}

static void count_run(const lesson_store__slot *slot, const lesson_store_operation *operations, size_t count,
                      int code) {
    lesson_store__count_operations(slot->observer, operations, count);
    if (count > 1)
        lesson_store__count_call(slot->observer, LESSON_STORE_COUNTED_BATCH, code, slot->since_us);
    else
        lesson_store__count_time(slot->observer, operations->kind, slot->since_us);
}

static void tell_of_lost_leases(const lesson_store__slot *slot, const lesson_store_operation *operations,
                                size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (operations[i].kind == LESSON_STORE_OPERATION_HOLD && operations[i].code == LESSON_STORE_CONFLICT)
            lesson_store_observe_event(slot->observer, LESSON_STORE_LOG_LEASE_LOST,
                                       "the owner \"%.*s\" holds no lease any more: its users may have been put out",
                                       (int)operations[i].owner.size, operations[i].owner.data);
    }
}

/* ---- The call */

int lesson_store_batch(lesson_store *store, lesson_store_operation *operations, size_t count) {
    if (!store || (count > 0 && !operations))
        return lesson_store_fail(LESSON_STORE_INVALID, "no %s is given", store ? "array of operations" : "store");
    if (count > LESSON_STORE_BATCH_MAX)
        return lesson_store_fail(LESSON_STORE_INVALID, "batch: %zu operations are more than %d", count,
                                 LESSON_STORE_BATCH_MAX);
    if (count == 0)
        return LESSON_STORE_OK;
    int code = lesson_store__pool_check_caller(&store->pool);
    if (code)
        return count_refused(store, operations, count, false, code);
    size_t sound = prepare_all(store, operations, count);
    if (sound == 0)
        return count_refused(store, operations, count, true, LESSON_STORE_OK);

    lesson_store__slot *slot = lesson_store__pool_take(&store->pool, &code);
    if (!slot) {
        lesson_store_fail_operations(operations, 0, count, code);
        return count_refused(store, operations, count, true, code);
    }
    if (sound == count)
        code = run(&store->backend, slot->instance, operations, count);
    else
        code = lesson_store_run_unanswered(&store->backend, slot->instance, operations, count);
    count_run(slot, operations, count, code);
    if (store->log.callback)
        tell_of_lost_leases(slot, operations, count);
    lesson_store__pool_give(&store->pool, slot);
    lesson_store__reader_note(&store->reader);
    return code;
}
