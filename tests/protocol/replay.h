/* The replay of a schedule of the model by the shipped operations and scripts, step by step. */
#ifndef LESSON_STORE_TESTS_PROTOCOL_REPLAY_H
#define LESSON_STORE_TESTS_PROTOCOL_REPLAY_H

#include "schedule.h"

typedef struct replay_options {
    bool has_refusals; /* a join asks for a record, so that it can be refused */
    bool has_capacity; /* of 1; a join asks for room */
    bool has_legacy;
} replay_options;

typedef struct replay_difference {
    size_t at; /* the event */
    char text[400];
} replay_difference;

/* False if the operations ask for something else than the model, or if a reply or what is stored is not that of the
 * model, or if a repair does not restore agreement. */
bool replay_schedule(test_stage *stage, const test_schedule *schedule, const replay_options *options,
                     replay_difference *difference);

#endif
