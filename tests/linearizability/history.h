/*
 * What several clients did at the same time, and what they were answered: the calls of a history.
 *
 * Time is the position in one sequence that all clients share, threads and processes alike, because clocks of two
 * processors cannot say which of two calls came first. A call takes effect at one instant between its invocation and
 * the time when it is settled, which for most is when it has returned.
 */
#ifndef LESSON_STORE_TESTS_HISTORY_H
#define LESSON_STORE_TESTS_HISTORY_H

#include <stdio.h>

#include "model.h"

enum { HISTORY_CALLS_MAX = 64 };

#define HISTORY_NEVER UINT32_MAX

/* The operations of the model, and the calls that read many things as of one instant. */
typedef enum history_kind {
    HISTORY_OPERATION,
    HISTORY_MEMBERS, /* of the lesson of `call` */
    HISTORY_LESSONS,
    HISTORY_USERS,
    HISTORY_STATE /* lessons and users, when all is quiet */
} history_kind;

typedef enum history_outcome {
    HISTORY_PENDING,  /* it may take effect at any time after its invocation, or never */
    HISTORY_ANSWERED, /* it took effect, and `answer` is what was told */
    HISTORY_SILENT,   /* it took effect, and told nothing */
    HISTORY_VOID      /* it failed in a way that says that nothing was changed */
} history_outcome;

/* What is not spoken of is as in a model that has just begun, or 0. */
typedef struct history_answer {
    model_answer operation;
    uint32_t members;              /* MEMBERS: a bit for each user */
    uint8_t counts[MODEL_LESSONS]; /* LESSONS */
    model_state listed;            /* LESSONS, USERS, STATE */
} history_answer;

typedef struct history_call {
    uint8_t kind;
    uint8_t outcome;
    uint8_t client;
    uint16_t order; /* not 0: the calls of this client that have the same take effect as they stand: a batch */
    uint32_t invoked;
    uint32_t settled;
    uint32_t queued; /* when it had its place in a queue that all such calls share, else HISTORY_NEVER */
    model_call call;
    history_answer answer;
} history_call;

typedef struct history {
    model_state begin;
    bool has_others; /* users beside those of the model are in the lessons, and counted there */
    size_t count;
    history_call calls[HISTORY_CALLS_MAX];
} history;

/* A call that is not invoked yet, and an empty answer. */
history_call history_call_of(history_kind kind, model_call call);
history_answer history_answer_none(void);

/* Puts the calls into the order in which they were settled, in which a search finds soonest what is right. */
void history_sort(history *calls);

/* The calls, as bits, that must take effect before this one. */
uint64_t history_before(const history *calls, size_t index);

/* Does the call on the model, and says whether its answer is the right one. */
bool history_step(const history *calls, const history_call *call, model_state *model);

/* False for what reads, and for an operation whose answer says that it changed nothing. */
bool history_may_change(const history_call *call);

/* True if two clients' calls on the same user or lesson, of which one changed something, were under way at the same
 * time: only such a history can show anything. */
bool history_overlaps(const history *calls);

/* The history as a time line. */
void history_print(FILE *out, const history *calls);
void history_print_call(FILE *out, const history_call *call);

#endif
