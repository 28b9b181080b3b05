#include "clients.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cmocka_all.h"
#include "engine.h"

#define LOOK_AFTER_S 1 /* after this time, looks whether an awaited process has died */

/* ---- In a client */

/* All begin at the same moment. They spin, because waking a thread takes longer than a history. */
static void arrive(clients_shared *shared) {
    atomic_fetch_add(&shared->arrived, 1);
    while (atomic_load(&shared->arrived) < shared->expected)
        sched_yield();
}

static bool is_wanted(const client_seat *seat) {
    while (sem_wait(&seat->self->start) != 0) {
    }
    return !seat->shared->is_over;
}

static void *serve(void *context) {
    client_seat *seat = context;
    preempt_begin(&seat->preempt);
    while (is_wanted(seat)) {
        arrive(seat->shared);
        if (seat->store)
            client_work(seat);
        atomic_store(&seat->self->is_done, true);
        sem_post(&seat->shared->done);
    }
    preempt_end(&seat->preempt);
    return NULL;
}

static int open_here(const client_group *clients, lesson_store **out) {
    if (clients->mode->backend)
        return lesson_store_open_with(out, clients->mode->backend, clients->location);
    return lesson_store_open(out, clients->location);
}

static void note_failure(client *self, int code) {
    snprintf(self->message, sizeof self->message, "%s", lesson_store_message());
    atomic_store(&self->failure, code);
}

static _Noreturn void live_as_process(const client_group *clients, client_seat *seat) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    int code = open_here(clients, &seat->store);
    if (code)
        note_failure(seat->self, code);
    serve(seat);
    lesson_store_close(seat->store);
    _exit(0);
}

/* ---- Opening and closing */

static lesson_store *open_store(const client_group *clients) {
    lesson_store *store;
    if (open_here(clients, &store) != LESSON_STORE_OK)
        fail_msg("%s: %s", clients->location, lesson_store_message());
    return store;
}

static void make_shared(client_group *clients) {
    void *shared = mmap(NULL, sizeof *clients->shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(shared != MAP_FAILED);
    clients->shared = shared;
    assert_int_equal(sem_init(&clients->shared->done, 1, 0), 0);
    for (uint32_t i = 0; i < clients->count; i++) {
        client *self = &clients->shared->clients[i];
        self->number = (uint8_t)i;
        assert_int_equal(sem_init(&self->start, 1, 0), 0);
        clients->seats[i] = (client_seat){.mode = clients->mode,
                                          .shared = clients->shared,
                                          .self = self,
                                          .is_other = i + clients->mode->others >= clients->count};
    }
}

static void start_processes(client_group *clients) {
    fflush(NULL);
    for (uint32_t i = 0; i < clients->count; i++) {
        clients->processes[i] = fork();
        assert_true(clients->processes[i] >= 0);
        if (clients->processes[i] == 0)
            live_as_process(clients, &clients->seats[i]);
    }
}

static void start_threads(client_group *clients) {
    for (uint32_t i = 0; i < clients->count; i++) {
        clients->seats[i].store = clients->mode->have_own_store ? open_store(clients) : clients->store;
        assert_int_equal(pthread_create(&clients->threads[i], NULL, serve, &clients->seats[i]), 0);
    }
}

void clients_open(client_group *clients, const clients_mode *mode, const char *location, uint32_t count) {
    memset(clients, 0, sizeof *clients);
    clients->mode = mode;
    clients->count = count;
    engine_add_options(clients->location, sizeof clients->location, location, mode->options);
    model_begin(&clients->state);
    make_shared(clients);
    if (mode->are_processes)
        start_processes(clients);
    clients->store = open_store(clients);
    if (!mode->are_processes)
        start_threads(clients);
}

static void end_client(client_group *clients, uint32_t index) {
    sem_post(&clients->shared->clients[index].start);
    if (!clients->mode->are_processes) {
        pthread_join(clients->threads[index], NULL);
        if (clients->mode->have_own_store)
            lesson_store_close(clients->seats[index].store);
    } else if (clients->processes[index]) {
        int status = -1;
        assert_int_equal(waitpid(clients->processes[index], &status, 0), clients->processes[index]);
        assert_int_equal(status, 0);
    }
}

void clients_close(client_group *clients) {
    clients->shared->is_over = true;
    for (uint32_t i = 0; i < clients->count; i++)
        end_client(clients, i);
    lesson_store_close(clients->store);
    munmap(clients->shared, sizeof *clients->shared);
}

/* ---- Drawing */

static history_call draw_read(dice_state *dice, const draw_range *range, bool excepts) {
    int8_t user = (int8_t)dice_below(dice, range->users), lesson = (int8_t)dice_below(dice, range->lessons);
    switch (excepts ? 3 : dice_below(dice, 5)) {
    case 0:
        return history_call_of(HISTORY_OPERATION, (model_call)MODEL_GET_LESSON(lesson, false, 0));
    case 1:
    case 2:
        return history_call_of(HISTORY_MEMBERS, (model_call)MODEL_COUNT(lesson, false, 0));
    default:
        return history_call_of(HISTORY_OPERATION, (model_call)MODEL_WHERE(user, false, 0));
    }
}

static bool is_about_lessons(const model_call *call) {
    return call->kind <= LESSON_STORE_OPERATION_GET_LESSON;
}

/* True for a call that has one step at which it takes effect, also in a store that excepts promises: it asks and
 * changes the place of one user, or one record. */
static bool is_exact(const model_call *call) {
    const unsigned of_user = LESSON_STORE_JOIN_STAY | LESSON_STORE_JOIN_OR_NOWHERE;
    switch ((lesson_store_operation_kind)call->kind) {
    case LESSON_STORE_OPERATION_JOIN:
        return call->owner == MODEL_NONE && !(call->flags & ~of_user);
    case LESSON_STORE_OPERATION_CREATE:
    case LESSON_STORE_OPERATION_SET:
    case LESSON_STORE_OPERATION_QUIT:
    case LESSON_STORE_OPERATION_WHERE:
        return true;
    default:
        return false;
    }
}

/* One history in some has only lesson records, because otherwise races on them would be rare. */
static model_call draw_operation(dice_state *dice, const draw_range *range, bool excepts) {
    model_call call = draw_call(dice, range);
    while ((range->lessons == 1 && !is_about_lessons(&call)) || (excepts && !is_exact(&call)))
        call = draw_call(dice, range);
    return call;
}

/* Each client lists all users or all lessons at most once, so that a history is never too long (add_reads). */
static void draw_calls(client *self, dice_state *dice, const draw_range *range, bool excepts) {
    bool has_listed = false;
    self->count = 4 + dice_below(dice, CLIENT_CALLS_MAX - 3);
    for (size_t i = 0; i < self->count; i++) {
        self->calls[i] = history_call_of(HISTORY_OPERATION, draw_operation(dice, range, excepts));
        if (dice_once_in(dice, 4))
            self->calls[i] = draw_read(dice, range, excepts);
        if (!has_listed && dice_once_in(dice, 16)) {
            has_listed = true;
            self->calls[i] = history_call_of(excepts || dice_once_in(dice, 2) ? HISTORY_USERS : HISTORY_LESSONS,
                                             (model_call)MODEL_WHERE(MODEL_NONE, false, 0));
        }
        self->calls[i].client = self->number;
    }
}

void clients_draw(client_group *clients, dice_state *dice) {
    clients->range = (draw_range){.users = 1 + dice_below(dice, 3),
                                  .lessons = dice_once_in(dice, 4) ? 1 : 2,
                                  .courses = 2,
                                  .sessions = dice_below(dice, 3),
                                  .wrong_in = 0,
                                  .leaves_out = clients->mode->leaves_out};
    for (uint32_t i = 0; i < clients->count; i++) {
        client *self = &clients->shared->clients[i];
        self->count = 0;
        if (!clients->seats[i].is_other)
            draw_calls(self, dice, &clients->range, clients->mode->excepts);
        self->dice.state = dice_bits(dice);
    }
}

/* ---- Playing */

static void start_all(client_group *clients) {
    atomic_store(&clients->shared->clock, 0);
    atomic_store(&clients->shared->arrived, 0);
    clients->shared->expected = clients->count;
    for (uint32_t i = 0; i < clients->count; i++)
        atomic_store(&clients->shared->clients[i].is_done, false);
    for (uint32_t i = 0; i < clients->count; i++)
        sem_post(&clients->shared->clients[i].start);
}

static bool all_are_done(const client_group *clients) {
    for (uint32_t i = 0; i < clients->count; i++) {
        bool is_there = !clients->mode->are_processes || clients->processes[i];
        if (is_there && !atomic_load(&clients->shared->clients[i].is_done))
            return false;
    }
    return true;
}

static void look_for_dead(const client_group *clients) {
    for (uint32_t i = 0; i < clients->count; i++) {
        if (clients->processes[i] && waitpid(clients->processes[i], NULL, WNOHANG) != 0)
            fail_msg("client %u of %s has died", (unsigned)i, clients->mode->name);
    }
}

static void wait_for_all(client_group *clients) {
    while (!all_are_done(clients)) {
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec += LOOK_AFTER_S;
        if (sem_timedwait(&clients->shared->done, &until) != 0 && errno == ETIMEDOUT)
            look_for_dead(clients);
    }
    while (sem_trywait(&clients->shared->done) == 0) {
    }
}

/* Each history has its own executor, because only a stopped executor has nothing left on its way. */
static void open_executor(client_group *clients) {
    lesson_store_executor *executor;
    lesson_store_executor_options options = LESSON_STORE_EXECUTOR_OPTIONS_INIT;
    options.lanes = clients->mode->lanes;
    options.pending_max = CLIENTS_MAX * CLIENT_CALLS_MAX;
    options.batch_max = 4;
    assert_int_equal(lesson_store_executor_open(&executor, clients->store, &options), LESSON_STORE_OK);
    for (uint32_t i = 0; i < clients->count; i++)
        clients->seats[i].executor = executor;
}

void clients_play(client_group *clients) {
    bool has_executor = clients->mode->way == CLIENTS_BY_EXECUTOR;
    if (has_executor)
        open_executor(clients);
    start_all(clients);
    wait_for_all(clients);
    if (has_executor)
        lesson_store_executor_close(clients->seats[0].executor);
}

/* Not before all have arrived, because the others would wait for a victim that has not. */
static bool is_time(const client_group *clients, uint32_t after) {
    const clients_shared *shared = clients->shared;
    return all_are_done(clients) ||
           (atomic_load(&shared->arrived) == shared->expected && atomic_load(&shared->clock) >= after);
}

void clients_play_and_kill(client_group *clients, uint32_t victim, uint32_t after) {
    start_all(clients);
    while (!is_time(clients, after))
        sched_yield();
    assert_int_equal(kill(clients->processes[victim], SIGKILL), 0);
    assert_int_equal(waitpid(clients->processes[victim], NULL, 0), clients->processes[victim]);
    clients->processes[victim] = 0;
    clients->has_killed = true;
    wait_for_all(clients);
}

/* ---- Collecting */

static void add_call(history *out, history_call call) {
    assert_true(out->count < HISTORY_CALLS_MAX);
    out->calls[out->count++] = call;
}

/* A list that is read in parts gives each part as of an instant of its own. What it does not list did not exist at some
 * instant. So it counts as one read for each user or lesson. */
static void add_reads(history *out, const client_group *clients, const history_call *listing) {
    bool lists_users = listing->kind == HISTORY_USERS;
    unsigned count = lists_users ? clients->range.users : clients->range.lessons;
    for (unsigned i = 0; i < count; i++) {
        history_call read = *listing;
        model_state listed = listing->answer.listed;
        int8_t number = (int8_t)i;
        read.kind = HISTORY_OPERATION;
        read.call =
            lists_users ? (model_call)MODEL_WHERE(number, false, 0) : (model_call)MODEL_GET_LESSON(number, false, 0);
        read.answer.operation = model_run(&listed, &read.call);
        read.answer.operation.count = listing->answer.counts[i];
        if (!lists_users && listing->answer.counts[i])
            read.answer.operation.code = LESSON_STORE_OK;
        add_call(out, read);
    }
}

static void add_calls(history *out, const client_group *clients, const client *self) {
    bool by_parts = strncmp(clients->location, "redis", 5) == 0;
    for (size_t i = 0; i < self->count; i++) {
        const history_call *call = &self->calls[i];
        bool lists_all = call->kind == HISTORY_USERS || call->kind == HISTORY_LESSONS;
        if (call->invoked == HISTORY_NEVER)
            continue;
        if (by_parts && lists_all && call->outcome == HISTORY_ANSWERED)
            add_reads(out, clients, call);
        else
            add_call(out, *call);
    }
}

/* Requests that a killed client had sent may be executed while the state is read, which then looks half done. */
static int read_state(client_group *clients, char *text) {
    int code = LESSON_STORE_MALFORMED;
    for (int i = clients->has_killed ? 100 : 1; i > 0 && code == LESSON_STORE_MALFORMED; i--)
        code = vocabulary_read_state(&awkward_vocabulary, clients->store, &clients->state, text);
    return code;
}

bool clients_gather(const client_group *clients, history *out, char *text) {
    out->begin = clients->state;
    out->has_others = false;
    out->count = 0;
    for (uint32_t i = 0; i < clients->count; i++) {
        const client *self = &clients->shared->clients[i];
        int failure = atomic_load(&self->failure);
        add_calls(out, clients, self);
        if (!failure)
            continue;
        snprintf(text, VOCABULARY_TEXT_SIZE, "client %u: %s: %s", (unsigned)i, lesson_store_code_name(failure),
                 self->message);
        return false;
    }
    history_sort(out);
    return true;
}

bool clients_collect(client_group *clients, history *out, char *text) {
    if (!clients_gather(clients, out, text) || read_state(clients, text))
        return false;
    history_call end = history_call_of(HISTORY_STATE, (model_call)MODEL_WHERE(MODEL_NONE, false, 0));
    end.outcome = HISTORY_ANSWERED;
    end.client = CLIENTS_MAX;
    end.invoked = atomic_fetch_add(&clients->shared->clock, 1);
    end.settled = atomic_fetch_add(&clients->shared->clock, 1);
    end.answer.listed = clients->state;
    add_call(out, end);
    return true;
}
