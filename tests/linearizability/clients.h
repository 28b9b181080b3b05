/*
 * Several clients, threads or processes, that make their calls on the same data at the same time. They record their
 * calls and answers in shared memory.
 *
 *     clients_open(&clients, &mode, location, 4);
 *     for (...) {
 *         clients_draw(&clients, &dice);
 *         clients_play(&clients);
 *         clients_collect(&clients, &history);
 *     }
 *     clients_close(&clients);
 */
#ifndef LESSON_STORE_TESTS_CLIENTS_H
#define LESSON_STORE_TESTS_CLIENTS_H

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <sys/types.h>

#include <lessonstore/backend.h>
#include <lessonstore/executor.h>

#include "draw.h"
#include "history.h"
#include "preempt.h"
#include "vocabulary.h"

enum { CLIENTS_MAX = 5, CLIENT_CALLS_MAX = 8 };

/* How a client submits its operations. */
typedef enum clients_way { CLIENTS_ONE_BY_ONE, CLIENTS_IN_BATCHES, CLIENTS_BY_EXECUTOR } clients_way;

typedef struct client_seat client_seat;

typedef struct clients_mode {
    const char *name;
    const char *options; /* of the location */
    bool are_processes;  /* each then has a store of its own */
    bool have_own_store;
    bool may_fail; /* a call may be UNKNOWN, or fail without a change */
    uint8_t way;
    uint32_t lanes;                      /* only for BY_EXECUTOR */
    const lesson_store_backend *backend; /* NULL: the backend of the location */

    /* The last `others` clients do this instead, and record it in their calls. Only their dice are drawn. */
    uint32_t others;
    void (*work_of_others)(const client_seat *seat);
    void *context_of_others;
    uint32_t users;      /* 0: drawn too */
    unsigned leaves_out; /* see draw_range */
    bool excepts;        /* the store excepts promises: only calls are drawn that keep all of them */
} clients_mode;

/* What one client shares with the test. */
typedef struct client {
    sem_t start;
    atomic_bool is_done;
    uint8_t number;
    dice_state dice;
    size_t count;
    history_call calls[CLIENT_CALLS_MAX];
    atomic_int failure; /* a failure that is not allowed; 0: none */
    char message[LESSON_STORE_MESSAGE_SIZE];
} client;

typedef struct clients_shared {
    atomic_uint clock;   /* the next position in the sequence of invocations and returns */
    atomic_uint arrived; /* clients that are ready to begin */
    uint32_t expected;   /* clients that must be ready before any begins */
    sem_t done;
    bool is_over;
    client clients[CLIENTS_MAX];
} clients_shared;

/* A client's own view. */
struct client_seat {
    const clients_mode *mode;
    clients_shared *shared;
    client *self;
    lesson_store *store;
    lesson_store_executor *executor;
    preempt_timer preempt;
    bool is_other;
};

typedef struct client_group {
    const clients_mode *mode;
    char location[512];
    uint32_t count;
    clients_shared *shared;
    client_seat seats[CLIENTS_MAX];
    pthread_t threads[CLIENTS_MAX];
    pid_t processes[CLIENTS_MAX]; /* 0: it has ended */
    lesson_store *store;          /* the test's own store, or that of all threads */
    model_state state;            /* at the end of the latest history */
    draw_range range;             /* what the current calls are drawn from */
    bool has_killed;
} client_group;

/* Starts the clients, which then wait. The data at `location` must be empty, and no store may be open. */
void clients_open(client_group *clients, const clients_mode *mode, const char *location, uint32_t count);
void clients_close(client_group *clients);

/* Draws the calls of each client. */
void clients_draw(client_group *clients, dice_state *dice);

/* Lets all clients make their calls, and waits until they have. */
void clients_play(client_group *clients);

/* The same, but kills one of the clients, which must be processes, after this number of invocations and returns. This
 * is the last history of these clients. */
void clients_play_and_kill(client_group *clients, uint32_t victim, uint32_t after);

/* Collects the calls into a history, and appends the state at the end. False, with `text` (VOCABULARY_TEXT_SIZE), if a
 * client or the reading of the state had a failure that is not allowed. */
bool clients_collect(client_group *clients, history *out, char *text);

/* The same without the state at the end, in which others may have left disagreement. */
bool clients_gather(const client_group *clients, history *out, char *text);

/* ---- For the clients (clients_record.c) */

/* Takes the next position in the sequence. */
uint32_t client_now(const client_seat *seat);

/* Makes all calls of the client. */
void client_work(const client_seat *seat);

#endif
