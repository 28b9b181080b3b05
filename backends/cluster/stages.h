/* What the stages of a machine and the reading of its replies share. */
#ifndef LESSON_STORE_CLUSTER_STAGES_H
#define LESSON_STORE_CLUSTER_STAGES_H

#include "machine.h"

static inline bool cluster_machine_is_of(const cluster_machine *machine, lesson_store_operation_kind kind) {
    return machine->operation->kind == (uint32_t)kind;
}

/* Answers the operation. What follows only cleans up. */
static inline void cluster_machine_answer(cluster_machine *machine, int code) {
    lesson_store_answer(machine->operation, code);
    machine->outcome = CLUSTER_OUTCOME_ANSWERED;
}

/* Takes over what a reply says. False if it is malformed. */
bool cluster_machine_read(cluster_machine *machine, size_t i, redis_reply *reply, bool was_lost);

#endif
