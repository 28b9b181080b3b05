/*
 * The troubles: what systems do to a program that uses a store. Each has a file of its own with one entry of this kind;
 * troubles.c lists them.
 */
#ifndef LESSON_STORE_TESTS_TROUBLE_H
#define LESSON_STORE_TESTS_TROUBLE_H

#include "judge.h"

typedef struct trouble_stage trouble_stage;

enum { TROUBLE_MEMORY = 1, TROUBLE_SQLITE = 2, TROUBLE_REDIS = 4, TROUBLE_EVERYWHERE = 7 };

typedef struct trouble_kind {
    const char *name;
    unsigned engines;    /* TROUBLE_... */
    judge_rules rules;   /* the codes that calls may have while it lasts. Without any, every call works */
    const char *options; /* more options of the location, as "&timeout_ms=150"; NULL: none */
    unsigned strikes;    /* strike is called 1 to this many times, at random moments; 0: not at all */

    unsigned calls; /* each client makes up to this many while it lasts; 0: a few */

    bool refuses_writes; /* while it lasts, no write may be acknowledged */
    bool is_blind; /* it changes the data itself, so that answers cannot be judged. What it has left is read anew */
    bool is_timed; /* timeouts are so short that a busy machine alone may cause the same codes */

    /* Each may be NULL. Clients call the store all the while. A failure is reported by stage_fail. */
    const char *(*cannot)(void);             /* why it cannot be made on this machine; NULL: it can */
    void (*prepare)(trouble_stage *stage);   /* before the store is opened */
    void (*make)(trouble_stage *stage);      /* it begins */
    void (*strike)(trouble_stage *stage);    /* it happens */
    void (*take_back)(trouble_stage *stage); /* it ends; afterwards the store must work again */
} trouble_kind;

/* Returns the trouble with this index among those of an engine, such as "redis". NULL after the last. */
const trouble_kind *trouble_at(const char *engine, size_t index);

/* Codes for rules: of writes, of reads. */
#define TROUBLE_RULES(of_writes, of_reads) \
    { (of_writes), (of_reads), false, NULL, NULL }
#define TROUBLE_BREAKS                                                              \
    TROUBLE_RULES(JUDGE_CODE(UNKNOWN) | JUDGE_CODE(UNREACHABLE) | JUDGE_CODE(BUSY), \
                  JUDGE_CODE(UNREACHABLE) | JUDGE_CODE(BUSY))
#define TROUBLE_ONE(code) TROUBLE_RULES(JUDGE_CODE(code), JUDGE_CODE(code))

#endif
