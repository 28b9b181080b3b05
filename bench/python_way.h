/* The Python way (python_way.py), as a process that runs commands and is waited for. */
#ifndef LESSON_STORE_BENCH_PYTHON_WAY_H
#define LESSON_STORE_BENCH_PYTHON_WAY_H

#include <sys/types.h>

#include "workload.h"

typedef struct python_way python_way;

python_way *python_way_start(const char *socket, int database);
void python_way_stop(python_way *python);
pid_t python_way_pid(const python_way *python);

/* Sends the joins that the next commands are about. */
void python_way_give(python_way *python, const workload_join *joins, size_t count);

/* Sends a command and waits until it is done. Returns the number that the process replies. */
size_t python_way_do(python_way *python, const char *command);

#endif
