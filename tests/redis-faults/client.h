/*
 * A client of its own process, which works until it is killed, and reports each batch before it runs it, and each
 * answer when it has it. So whoever reads the report knows what was acknowledged and what was under way.
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
    size_t batches;    /* of which it has heard the answer, by what was read so far */
    size_t operations; /* of these */
} client_process;

/* Starts one, which draws calls from the seed: in batches of many sizes, or, with a backend of its own, of up to six.
 */
void client_start(client_process *client, const lesson_store_backend *backend, const char *location, uint64_t seed);

/* Reads the report until the client has heard the answers to so many batches, or has died. */
void client_wait(client_process *client, size_t batches);

/* Kills it, unless it has done so itself, and reads the rest. False if it had ended otherwise. */
bool client_kill(client_process *client);

/* Compares what it reported with the worlds of the judge: false if that does not fit. */
bool client_judge(const client_process *client, judge_case *judge);
void client_free(client_process *client);

/* Forks; the child ends with its parent. */
pid_t client_fork(void);

#endif
