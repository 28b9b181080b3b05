/* One round: a random correct state, damage, and a verdict on what check and repair made of it. */
#ifndef LESSON_STORE_TESTS_ROUND_H
#define LESSON_STORE_TESTS_ROUND_H

#include <lessonstore/backend.h>

#include "side.h"

enum { ROUND_TEXT_SIZE = FACTS_TEXT_SIZE + 400, DAMAGE_KINDS_MAX = 32 };

/* What the rounds have done. */
typedef struct damage_tally {
    uint64_t operations; /* calls of the library, including those of lessonctl */
    uint64_t damages;
    uint64_t compared; /* findings that were compared one by one */
    uint64_t repaired;
    struct {
        const char *name;
        uint64_t count;
    } kinds[DAMAGE_KINDS_MAX];
} damage_tally;

/* Findings that a check reported, as facts. */
typedef struct check_hearing {
    facts findings;
    uint64_t reported, repaired;
    uint64_t stop_after; /* 0: never */
    bool repairs;
} check_hearing;

bool hear_finding(const lesson_store_finding *finding, void *context);

/* The engine of engine.h, seen without the library. */
const side *round_side(void);

/* Plays a round on a store of this backend (NULL: the engine's own). False: `text` explains what was wrong. */
bool play_round(uint64_t seed, const lesson_store_backend *backend, damage_tally *tally, char text[ROUND_TEXT_SIZE]);

/* Reads what `lessonctl repair --dry-run [--ended]` prints, as facts. False if its exit status is wrong. */
bool ask_lessonctl(const char *location, bool ended, facts *findings, char text[FACTS_TEXT_SIZE]);

#endif
