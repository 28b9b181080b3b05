/*
 * Judges a store's answers while faults happen. It keeps every state that the store may be in after the answers so far
 * (a *world*), and rejects an answer that fits none of them:
 *
 *   an answer              the operation was applied, to a state that gives this answer
 *   UNKNOWN                only for writes: the request was applied whole or not at all, and it may still be applied
 *                          later, until settle; those of one batch in their order
 *   any other failure      the operation was not applied, and the current rules allow its code
 *
 * There is one client, so a world without unknown outcomes is exactly the model's state.
 */
#ifndef LESSON_STORE_TESTS_JUDGE_H
#define LESSON_STORE_TESTS_JUDGE_H

#include "vocabulary.h"

/* What may fail now, and how. */
typedef enum judge_verdict { JUDGE_WORKS, JUDGE_MAY_FAIL, JUDGE_FAILS } judge_verdict;

typedef struct judge_rules {
    uint32_t writes; /* the codes by which a write may fail: JUDGE_CODE(...) */
    uint32_t reads;
    bool refuses_late; /* a request that is executed late may be refused, and a later one of its batch accepted */
    /* Whether this call fails in this state. NULL: every call may fail. */
    judge_verdict (*verdict)(const model_state *state, const model_call *call, const void *context);
    const void *context;
} judge_rules;

#define JUDGE_CODE(name) (1u << -LESSON_STORE_##name)

extern const judge_rules judge_nothing_fails;

/* Whether this call can change something. */
bool judge_is_write(const model_call *call);

typedef struct judge_case judge_case;

/* Begins with a store in this state. */
judge_case *judge_begin(const model_state *state);
void judge_free(judge_case *judge);

/* Each of these is false if no world fits. Then `judge_text` gives the reason, and the judge is unusable. */

/* In the place of an answer: it was not asked for. */
enum { JUDGE_UNTOLD = -3 };

/* A batch that returned `code`. `count` is at most JUDGE_BATCH_MAX. */
enum { JUDGE_BATCH_MAX = 8 * 256 };
bool judge_batch(judge_case *judge, const judge_rules *rules, const model_call *calls, const model_answer *answers,
                 size_t count, int code);

/* A batch without known answers, because its client is dead. */
bool judge_batch_unheard(judge_case *judge, const model_call *calls, size_t count);

/* A list or a check that returned `code`. `fits` compares its entries with a state. */
bool judge_reading(judge_case *judge, const judge_rules *rules, bool writes, int code,
                   bool (*fits)(const model_state *state, const void *context), const void *context, const char *what);

/* The store is in this state, and nothing can be applied late any more. */
bool judge_state(judge_case *judge, const model_state *state);

/* What has not been applied by now never will be. */
void judge_settle(judge_case *judge);

/* From judge_may_lose on the store may lose all its data, once. judge_lost: by now it certainly has. */
void judge_may_lose(judge_case *judge);
void judge_lost(judge_case *judge);

/* From judge_remember on each state is kept. judge_fell_back: the store has gone back to one of them. */
void judge_remember(judge_case *judge);
void judge_fell_back(judge_case *judge);

/* The number of possible states, and the reason why the latest answer was rejected. */
size_t judge_worlds(const judge_case *judge);
const char *judge_text(const judge_case *judge);

#endif
