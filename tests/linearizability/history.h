/*
 * What several clients did at the same time, and their answers: the calls of a history.
 *
 * Time is the position in one sequence that all clients share, threads and processes alike, because the clocks of two
 * processors cannot decide which of two calls came first. A call takes effect at one instant between its invocation and
 * the time when it is settled. Most calls are settled when they return.
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
    HISTORY_STATE /* lessons and users, when no client is active */
} history_kind;

typedef enum history_outcome {
    HISTORY_PENDING,  /* it may take effect at any time after its invocation, or never */
    HISTORY_ANSWERED, /* it took effect, and `answer` is its answer */
    HISTORY_SILENT,   /* it took effect, and has no answer */
    HISTORY_VOID      /* it failed without a change */
} history_outcome;

/* What does not belong to the answer is as in a new model, or 0. */
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
    uint16_t order; /* not 0: this client's calls with the same number take effect in their order: a batch */
    uint32_t invoked;
    uint32_t settled;
    uint32_t queued; /* when it took its place in a queue that all such calls share, else HISTORY_NEVER */
    model_call call;
    history_answer answer;
} history_call;

typedef struct history {
    model_state begin;
    bool has_others; /* users outside the model are in the lessons, and are counted there */
    size_t count;
    history_call calls[HISTORY_CALLS_MAX];
} history;

/* A call that is not invoked yet, and an empty answer. */
history_call history_call_of(history_kind kind, model_call call);
history_answer history_answer_none(void);

/* Sorts the calls by the time when they were settled. In this order a search finds a correct order soonest. */
void history_sort(history *calls);

/* The calls, as bits, that must take effect before this one. */
uint64_t history_before(const history *calls, size_t index);

/* Runs the call on the model. Returns whether its answer is correct. */
bool history_step(const history *calls, const history_call *call, model_state *model);

/* False for reads, and for an operation whose answer means that it changed nothing. */
bool history_may_change(const history_call *call);

/* True if calls of two clients on the same user or lesson, one of which changed something, overlapped in time. Only
 * such a history can show a defect. */
bool history_overlaps(const history *calls);

/* The history as a time line. */
void history_print(FILE *out, const history *calls);
void history_print_call(FILE *out, const history_call *call);

#endif
