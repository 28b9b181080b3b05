/* Where the store of a stage lies: in memory, in a file, or on a server. */
#ifndef LESSON_STORE_TESTS_GROUND_H
#define LESSON_STORE_TESTS_GROUND_H

#include <stdbool.h>
#include <stddef.h>

#include "trouble.h"

typedef struct ground_kind {
    const char *engine;
    /* For the whole program. Each is false, with a message on stderr, if it cannot. */
    bool (*begin)(void);
    void (*end)(void);
    /* For each round: an empty place. */
    void (*clear)(trouble_stage *stage);
    /* Writes the location of the store, with its first option. */
    void (*locate)(trouble_stage *stage, char *out, size_t size);
    /* Writes a location that a forked child may open, which has nothing in common with the data of the store. */
    void (*locate_for_child)(char *out, size_t size);
    /* Clients are paused: waits until all that they have sent was executed. NULL: it always is. */
    void (*drain)(trouble_stage *stage);
} ground_kind;

/* The ground of the engine that was chosen (engine.h). */
const ground_kind *ground_chosen(void);

#endif
