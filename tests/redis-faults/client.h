/*
 * A client in its own process, which works until it is killed. It reports each batch before it runs it, and each answer
 * when it has it. So the report shows what was acknowledged and what was under way.
 */
#ifndef LESSON_STORE_TESTS_CLIENT_H
#define LESSON_STORE_TESTS_CLIENT_H

#include <sys/types.h>

#include "bench.h"

typedef struct client_process {
    pid_t pid;
    int report;
    char *bytes;
    size_t size;
    size_t capacity;
    size_t batches;    /* batches whose answers it has received, by the report so far */
    size_t operations; /* operations of these batches */
} client_process;

/* Starts a client that draws calls from the seed: in batches of many sizes, or of up to six if `backend` is given. */
void client_start(client_process *client, const lesson_store_backend *backend, const char *location, uint64_t seed);

/* Reads the report until the client has the answers to this number of batches, or has died. */
void client_wait(client_process *client, size_t batches);

/* Kills the client, unless it has killed itself, and reads the rest. False if it ended in another way. */
bool client_kill(client_process *client);

/* Compares the report with the worlds of the judge. False if they disagree. */
bool client_judge(const client_process *client, judge_case *judge);
void client_free(client_process *client);

/* Forks. The child ends with its parent. */
pid_t client_fork(void);

#endif
