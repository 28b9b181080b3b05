/* Spoils one reply of a Redis server after the library has read it, and before it looks at it. */
#ifndef LESSON_STORE_TESTS_SPOIL_H
#define LESSON_STORE_TESTS_SPOIL_H

#include <stdbool.h>
#include <stddef.h>

typedef enum spoil_way { NOTHING, NO_ITEMS, ERROR, TOO_SHORT, OTHER_TYPE, OTHER_TEXT, WAYS } spoil_way;

extern const char *const spoil_way_names[WAYS];

struct spoil {
    spoil_way way;
    long reply; /* the number of the reply since spoil_begin; 1 is the next one */
    size_t item;
    long seen;
    bool has_happened;
};
extern struct spoil spoil;

/* From now on, that item of that reply is spoilt, or the whole reply. It ends with the way NOTHING. */
void spoil_begin(spoil_way way, long reply, size_t item);

#endif
