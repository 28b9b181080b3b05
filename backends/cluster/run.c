/*
 * Batches. Operations that name the same user or the same lesson take effect in order, unless their order cannot be
 * seen, as that of two joins of the same lesson. So each operation has a rank: one more than those of the operations
 * before it that it must not overtake. The operations of a rank go together, in waves: each wave is one request, or a
 * few, of each operation that is under way. So a rank takes as many round trips as its longest operation.
 */
#include <stdlib.h>

#include "cluster.h"

#define UNDER_WAY_MAX 512 /* operations in a wave: more would only take memory */

/* ---- Ranks */

/* What an operation does with a user, a lesson or an owner. Of two that do the same the order cannot be seen, unless
 * they CHANGE. */
enum touch { TOUCH_READ, TOUCH_MOVE, TOUCH_CHANGE, TOUCHES };

/* For a user, a lesson or an owner, by what was done with it: one more than the highest rank so far. */
struct thing {
    char type; /* 'u', 'l', 'o'; 0: none */
    lesson_store_id id;
    uint32_t next[TOUCHES];
};

struct ranks {
    struct thing *things;
    size_t mask;
};

static struct thing *find(struct ranks *ranks, char type, lesson_store_id id) {
    uint64_t hash = UINT64_C(14695981039346656037) ^ (unsigned char)type;
    for (size_t i = 0; i < id.size; i++)
        hash = (hash ^ (unsigned char)id.data[i]) * UINT64_C(1099511628211);
    size_t at = (size_t)(hash ^ hash >> 32) & ranks->mask;
    while (ranks->things[at].type &&
           (ranks->things[at].type != type || !lesson_store_id_equal(ranks->things[at].id, id)))
        at = (at + 1) & ranks->mask;
    ranks->things[at].type = type;
    ranks->things[at].id = id;
    return &ranks->things[at];
}

static uint32_t rank_behind(const struct thing *thing, enum touch touch) {
    uint32_t rank = 0;
    for (int other = 0; other < TOUCHES; other++) {
        bool counts = other != (int)touch || touch == TOUCH_CHANGE;
        rank = counts && thing->next[other] > rank ? thing->next[other] : rank;
    }
    return rank;
}

static enum touch touch_of_lesson(const lesson_store_operation *operation) {
    switch ((lesson_store_operation_kind)operation->kind) {
    case LESSON_STORE_OPERATION_GET_LESSON:
    case LESSON_STORE_OPERATION_COUNT_MEMBERS:
        return TOUCH_READ;
    case LESSON_STORE_OPERATION_JOIN:
        return operation->flags & LESSON_STORE_JOIN_IF_ROOM ? TOUCH_CHANGE : TOUCH_MOVE;
    case LESSON_STORE_OPERATION_QUIT:
        return TOUCH_MOVE;
    default:
        return TOUCH_CHANGE;
    }
}

static enum touch touch_of_user(const lesson_store_operation *operation) {
    return operation->kind == LESSON_STORE_OPERATION_WHERE ? TOUCH_READ : TOUCH_CHANGE;
}

static enum touch touch_of_owner(const lesson_store_operation *operation) {
    return operation->kind == LESSON_STORE_OPERATION_HOLD ? TOUCH_CHANGE : TOUCH_READ;
}

static uint32_t rank_of(struct ranks *ranks, const lesson_store_operation *operation) {
    const struct {
        char type;
        lesson_store_id id;
        enum touch touch;
    } touched[] = {{'u', operation->uid, touch_of_user(operation)},
                   {'l', operation->lesson_id, touch_of_lesson(operation)},
                   {'o', operation->owner, touch_of_owner(operation)}};
    struct thing *things[3];
    uint32_t rank = 0;
    for (int i = 0; i < 3; i++) {
        things[i] = touched[i].id.data ? find(ranks, touched[i].type, touched[i].id) : NULL;
        uint32_t behind = things[i] ? rank_behind(things[i], touched[i].touch) : 0;
        rank = behind > rank ? behind : rank;
    }
    for (int i = 0; i < 3; i++) {
        if (things[i] && things[i]->next[touched[i].touch] <= rank)
            things[i]->next[touched[i].touch] = rank + 1;
    }
    return rank;
}

/* Writes the rank of each operation. False if there is no memory. */
static bool rank_all(const lesson_store_operation *operations, size_t count, uint32_t *ranked) {
    size_t size = 8;
    while (size < 6 * count)
        size *= 2;
    struct ranks ranks = {.things = calloc(size, sizeof *ranks.things), .mask = size - 1};
    if (!ranks.things)
        return false;
    for (size_t i = 0; i < count; i++)
        ranked[i] = rank_of(&ranks, &operations[i]);
    free(ranks.things);
    return true;
}

/* ---- Waves */

/* The machines that are under way. Each has the place for CLUSTER_ASKS_MAX requests. */
struct wave {
    cluster_store *store;
    size_t machines;
};

static void write_request(size_t index, void *context) {
    const struct wave *wave = context;
    cluster_machine_write(&wave->store->machines[index / CLUSTER_ASKS_MAX], index % CLUSTER_ASKS_MAX);
}

static void take_reply(size_t index, redis_reply *reply, void *context) {
    const struct wave *wave = context;
    cluster_machine_take(&wave->store->machines[index / CLUSTER_ASKS_MAX], index % CLUSTER_ASKS_MAX, reply,
                         wave->store->requests[index].was_lost);
}

static void begin_requests(cluster_store *store, size_t at) {
    const cluster_machine *machine = &store->machines[at];
    cluster_request *requests = &store->requests[at * CLUSTER_ASKS_MAX];
    for (size_t ask = 0; ask < CLUSTER_ASKS_MAX; ask++) {
        if (ask < machine->ask_count)
            cluster_request_begin(&requests[ask], cluster_machine_slot(machine, ask),
                                  cluster_machine_may_repeat(machine, ask));
        else
            requests[ask].end = CLUSTER_ANSWERED;
    }
}

static bool waits(const cluster_store *store, size_t at) {
    const cluster_request *requests = &store->requests[at * CLUSTER_ASKS_MAX];
    size_t ask = 0;
    while (ask < CLUSTER_ASKS_MAX && requests[ask].end != CLUSTER_WAITS)
        ask++;
    return ask < CLUSTER_ASKS_MAX;
}

/* Tells a machine which of its requests have no answer. Returns the code of its operation if that has failed. */
static int fail_unanswered(cluster_store *store, size_t at) {
    cluster_machine *machine = &store->machines[at];
    bool is_failed = false;
    for (size_t ask = 0; ask < machine->ask_count; ask++) {
        const cluster_request *request = &store->requests[at * CLUSTER_ASKS_MAX + ask];
        if (request->end == CLUSTER_ANSWERED)
            continue;
        is_failed = true;
        lesson_store_fail(request->code, "%s", store->router.failure);
        cluster_machine_fail(machine, ask, request->code, request->end == CLUSTER_LOST || request->was_lost);
    }
    return is_failed && machine->operation->code < 0 ? machine->operation->code : LESSON_STORE_OK;
}

/* Moves machines on whose requests have all ended, and drops those that are done. Returns the code of one that has
 * failed, or OK. */
static int advance(struct wave *wave) {
    cluster_store *store = wave->store;
    size_t kept = 0;
    int failure = LESSON_STORE_OK;
    for (size_t i = 0; i < wave->machines; i++) {
        bool stays = waits(store, i);
        int code = stays ? LESSON_STORE_OK : fail_unanswered(store, i);
        failure = code ? code : failure;
        bool goes_on = !stays && cluster_machine_next(&store->machines[i]);
        if (!stays && !goes_on)
            continue;
        if (kept != i) {
            store->machines[kept] = store->machines[i];
            memcpy(&store->requests[kept * CLUSTER_ASKS_MAX], &store->requests[i * CLUSTER_ASKS_MAX],
                   CLUSTER_ASKS_MAX * sizeof *store->requests);
        }
        if (goes_on)
            begin_requests(store, kept);
        kept++;
    }
    wave->machines = kept;
    return failure;
}

/* Runs the machines until all are done, or the time is over. One whose request has to wait, as while a slot is being
 * moved, does not hold up the others. What a failure leaves to clean up is left to a repair. */
static int run_wave(struct wave *wave) {
    cluster_store *store = wave->store;
    int64_t until_us = cluster_until_us(store);
    int failure = LESSON_STORE_OK;
    store->router.failure[0] = '\0';
    for (size_t i = 0; i < wave->machines; i++)
        begin_requests(store, i);
    while (wave->machines > 0) {
        const cluster_exchange exchange = {
            store->requests, wave->machines * CLUSTER_ASKS_MAX, write_request, take_reply, wave, .writes = false};
        cluster_router_round(&store->router, &exchange, until_us);
        int code = advance(wave);
        failure = code ? code : failure;
    }
    return failure;
}

/* ---- The whole */

static bool is_end(const lesson_store_operation *operation) {
    return operation->kind == LESSON_STORE_OPERATION_END && !(operation->flags & LESSON_STORE_END_RECORD_ONLY);
}

static bool make_room(cluster_store *store, size_t count) {
    size_t room = count < UNDER_WAY_MAX ? count : UNDER_WAY_MAX;
    if (store->room >= room)
        return true;
    free(store->machines);
    free(store->requests);
    store->machines = calloc(room, sizeof *store->machines);
    store->requests = calloc(room * CLUSTER_ASKS_MAX, sizeof *store->requests);
    bool has_room = store->machines && store->requests;
    store->room = has_room ? room : 0;
    return has_room;
}

/* Runs operations of one rank, as many as go together. Returns how many. */
static size_t run_some(cluster_store *store, lesson_store_operation *operations, const size_t *order, size_t count,
                       int *code) {
    struct wave wave = {.store = store, .machines = 0};
    if (is_end(&operations[order[0]])) {
        *code = cluster_end(store, &operations[order[0]]);
        return 1;
    }
    while (wave.machines < count && wave.machines < UNDER_WAY_MAX && !is_end(&operations[order[wave.machines]])) {
        cluster_machine_begin(&store->machines[wave.machines], &store->workshop, &operations[order[wave.machines]]);
        wave.machines++;
    }
    size_t begun = wave.machines;
    *code = run_wave(&wave);
    return begun;
}

/* `order`: the operations by rank, and those of one rank as they come. */
static int run_all(cluster_store *store, lesson_store_operation *operations, const size_t *order,
                   const uint32_t *ranked, size_t count) {
    int code = LESSON_STORE_OK;
    for (size_t first = 0; !code && first < count;) {
        size_t end = first + 1;
        while (end < count && ranked[order[end]] == ranked[order[first]])
            end++;
        first += run_some(store, operations, order + first, end - first, &code);
    }
    return code;
}

/* Sorts by counting. False if there is no memory. */
static bool sort(size_t *order, const uint32_t *ranked, size_t count) {
    size_t *starts = calloc(count + 1, sizeof *starts); /* no rank is as high as the count */
    if (!starts)
        return false;
    for (size_t i = 0; i < count; i++)
        starts[ranked[i] + 1]++;
    for (size_t rank = 0; rank < count; rank++)
        starts[rank + 1] += starts[rank];
    for (size_t i = 0; i < count; i++)
        order[starts[ranked[i]]++] = i;
    free(starts);
    return true;
}

static int run_batch(cluster_store *store, lesson_store_operation *operations, size_t count) {
    uint32_t *ranked = malloc(count * sizeof *ranked);
    size_t *order = malloc(count * sizeof *order);
    bool has_memory = ranked && order && rank_all(operations, count, ranked) && sort(order, ranked, count);
    int code = has_memory ? run_all(store, operations, order, ranked, count)
                          : lesson_store_fail(LESSON_STORE_NO_MEMORY, "%s: no memory left for a batch",
                                              store->redis.settings.shown);
    free(ranked);
    free(order);
    return code;
}

int cluster_run(lesson_store_instance *instance, lesson_store_operation *operations, size_t count) {
    cluster_store *store = cluster_of(instance);
    static const size_t only = 0;
    int code = LESSON_STORE_OK;
    if (!make_room(store, count))
        code = lesson_store_fail(LESSON_STORE_NO_MEMORY, "%s: no memory left for a batch", store->redis.settings.shown);
    else if (count == 1)
        run_some(store, operations, &only, 1, &code);
    else
        code = run_batch(store, operations, count);
    if (code)
        lesson_store_fail_operations(operations, 0, count, lesson_store_code_of_unsent(code));
    return code;
}
