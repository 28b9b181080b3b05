#include "gate.h"

#include <stdio.h>
#include <stdlib.h>

gate the_gate = {.mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static int gate_open_instance(lesson_store_instance **out, const lesson_store_location *location) {
    (void)location;
    *out = calloc(1, sizeof **out);
    if (!*out)
        return lesson_store_fail(LESSON_STORE_NO_MEMORY, "no memory for a gate");
    (*out)->capabilities = LESSON_STORE_CAN_SHARE | LESSON_STORE_CAN_KEEP_SESSIONS;
    return LESSON_STORE_OK;
}

static void gate_close_instance(lesson_store_instance *instance) {
    free(instance);
}

static void see(const lesson_store_operation *operation) {
    char *text = the_gate.seen[the_gate.seen_count];
    lesson_store_id_copy(text, operation->uid);
    strcat(text, " ");
    lesson_store_id_copy(text + strlen(text), operation->lesson_id);
    the_gate.seen_count = (the_gate.seen_count + 1) % GATE_SEEN_MAX;
}

static void answer_all(lesson_store_operation *operations, size_t count) {
    for (size_t i = 0; i < count; i++) {
        see(&operations[i]);
        operations[i].code = LESSON_STORE_OK;
        if (the_gate.answer)
            the_gate.answer(&operations[i]);
    }
}

/* Called with the mutex held. */
static void pass(void) {
    the_gate.inside++;
    pthread_cond_broadcast(&the_gate.changed);
    while (the_gate.shut)
        pthread_cond_wait(&the_gate.changed, &the_gate.mutex);
    the_gate.inside--;
}

static int gate_run(lesson_store_instance *instance, lesson_store_operation *operations, size_t count) {
    (void)instance;
    pthread_mutex_lock(&the_gate.mutex);
    the_gate.pages_before[the_gate.runs % GATE_RUNS_MAX] = the_gate.pages;
    the_gate.sizes[the_gate.runs++ % GATE_RUNS_MAX] = count;
    pass();
    int code = the_gate.run_code;
    if (!code)
        answer_all(operations, count);
    pthread_mutex_unlock(&the_gate.mutex);
    return code ? lesson_store_fail(code, "the gate fails") : LESSON_STORE_OK;
}

/* words[0] counts the users that were given, and words[1] the empty pages since. */
static void give_users(size_t most, lesson_store_position *position, lesson_store_user_callback callback,
                       void *context) {
    char uid[16];
    lesson_store_user user = {.course_id = lesson_store_id_of("course"), .lesson_id = lesson_store_id_of("l")};
    position->never_repeats = true;
    if (position->words[1] < the_gate.empty_pages) {
        position->words[1]++;
        return;
    }
    position->words[1] = 0;
    bool wanted = true;
    for (size_t i = 0; i < most + the_gate.extra && position->words[0] < the_gate.users && wanted; i++) {
        snprintf(uid, sizeof uid, "u%d", (int)position->words[0]++);
        user.uid = lesson_store_id_of(uid);
        wanted = callback(&user, context);
    }
    position->ended = position->words[0] == the_gate.users;
}

static int gate_users_page(lesson_store_instance *instance, size_t most, lesson_store_position *position,
                           lesson_store_user_callback callback, void *context) {
    (void)instance;
    pthread_mutex_lock(&the_gate.mutex);
    the_gate.pages++;
    pass();
    int code = the_gate.page_code;
    if (!code || code == LESSON_STORE_MALFORMED)
        give_users(most, position, callback, context);
    pthread_mutex_unlock(&the_gate.mutex);
    return code ? lesson_store_fail(code, "the gate fails") : LESSON_STORE_OK;
}

static int gate_sweep(lesson_store_instance *instance, const lesson_store_id *dropped,
                      lesson_store_user_callback callback, void *context) {
    (void)instance;
    (void)dropped;
    const lesson_store_user user = {.uid = lesson_store_id_of("u"), .lesson_id = lesson_store_id_of("l")};
    pthread_mutex_lock(&the_gate.mutex);
    the_gate.is_sweeping = true;
    pthread_cond_broadcast(&the_gate.changed);
    pthread_mutex_unlock(&the_gate.mutex);
    while (callback(&user, context))
        ;
    pthread_mutex_lock(&the_gate.mutex);
    the_gate.sweeps++;
    pthread_mutex_unlock(&the_gate.mutex);
    return LESSON_STORE_OK;
}

static const lesson_store_backend gate_backend = {
    .size = sizeof(lesson_store_backend),
    .schemes = "gate",
    .summary = "waits",
    .operations = LESSON_STORE_OPERATIONS_0_1 & ~(uint64_t)LESSON_STORE_OPERATION_MASK_COUNT_MEMBERS,
    .flags = LESSON_STORE_FLAGS_0_1,
    .default_pool = 8,
    .open = gate_open_instance,
    .close = gate_close_instance,
    .run = gate_run,
    .users_page = gate_users_page,
    .sweep = gate_sweep,
};

struct gated gated_open(uint32_t lanes, uint32_t pending_max, uint32_t batch_max) {
    lesson_store_executor_options options = LESSON_STORE_EXECUTOR_OPTIONS_INIT;
    options.lanes = lanes;
    options.pending_max = pending_max;
    options.batch_max = batch_max;
    return gated_open_with(&options);
}

struct gated gated_open_with(const lesson_store_executor_options *options) {
    struct gated gated;
    the_gate.shut = false;
    the_gate.runs = 0;
    the_gate.seen_count = 0;
    the_gate.run_code = LESSON_STORE_OK;
    the_gate.answer = NULL;
    the_gate.users = 10;
    the_gate.extra = the_gate.empty_pages = the_gate.pages = 0;
    the_gate.page_code = LESSON_STORE_OK;
    the_gate.sweeps = 0;
    the_gate.is_sweeping = false;
    assert_int_equal(lesson_store_open_with(&gated.store, &gate_backend, "gate:"), LESSON_STORE_OK);
    assert_int_equal(lesson_store_executor_open(&gated.executor, gated.store, options), LESSON_STORE_OK);
    return gated;
}

void gated_close(struct gated *gated) {
    lesson_store_executor_close(gated->executor);
    lesson_store_close(gated->store);
}

void gate_shut(void) {
    pthread_mutex_lock(&the_gate.mutex);
    the_gate.shut = true;
    pthread_mutex_unlock(&the_gate.mutex);
}

void gate_open(void) {
    pthread_mutex_lock(&the_gate.mutex);
    the_gate.shut = false;
    pthread_cond_broadcast(&the_gate.changed);
    pthread_mutex_unlock(&the_gate.mutex);
}

void gate_wait_inside(size_t batches) {
    pthread_mutex_lock(&the_gate.mutex);
    while (the_gate.inside < batches)
        pthread_cond_wait(&the_gate.changed, &the_gate.mutex);
    pthread_mutex_unlock(&the_gate.mutex);
}

/* ---- Witnesses */

void witness_see(const lesson_store_operation *operation, void *context) {
    struct witness *witness = context;
    pthread_mutex_lock(&the_gate.mutex);
    witness->calls++;
    witness->code = operation->code;
    witness->thread = pthread_self();
    witness->operation = *operation;
    lesson_store_id_copy(witness->uid, operation->uid);
    snprintf(witness->message, sizeof witness->message, "%s", lesson_store_message());
    witness->place_asked = operation->place;
    if (operation->place)
        witness->place = *operation->place;
    pthread_cond_broadcast(&the_gate.changed);
    pthread_mutex_unlock(&the_gate.mutex);
}

void witness_wait(struct witness *witness) {
    pthread_mutex_lock(&the_gate.mutex);
    while (witness->calls == 0)
        pthread_cond_wait(&the_gate.changed, &the_gate.mutex);
    pthread_mutex_unlock(&the_gate.mutex);
}

size_t witness_calls(struct witness *witness) {
    pthread_mutex_lock(&the_gate.mutex);
    size_t calls = witness->calls;
    pthread_mutex_unlock(&the_gate.mutex);
    return calls;
}

lesson_store_operation gate_join(const char *uid, const char *lesson_id) {
    lesson_store_operation operation = {.kind = LESSON_STORE_OPERATION_JOIN};
    operation.uid = lesson_store_id_of(uid);
    operation.course_id = lesson_store_id_of("course");
    operation.lesson_id = lesson_store_id_of(lesson_id);
    return operation;
}

lesson_store_operation gate_where(const char *uid) {
    lesson_store_operation operation = {.kind = LESSON_STORE_OPERATION_WHERE};
    operation.uid = lesson_store_id_of(uid);
    return operation;
}

uint64_t gate_submit(lesson_store_executor *executor, const lesson_store_operation *operation, int64_t timeout_ms,
                     lesson_store_completion_queue *queue, struct witness *witness) {
    uint64_t ticket = 0;
    assert_int_equal(
        lesson_store_executor_submit(executor, operation, timeout_ms, queue, witness_see, witness, &ticket),
        LESSON_STORE_OK);
    assert_true(ticket != 0);
    return ticket;
}

lesson_store_executor_figures gate_figures(lesson_store_executor *executor) {
    lesson_store_executor_figures figures = LESSON_STORE_EXECUTOR_FIGURES_INIT;
    lesson_store_executor_read_figures(executor, &figures);
    return figures;
}
