/*
 * The members of one lesson: an array of seats. A user knows its own seat; who leaves only frees it, and the next who
 * enters takes the seat that was freed last. So moving a user touches one seat of each lesson and no other user, where
 * moving the last member into the gap would cost two more visits to memory that is in no cache.
 *
 * Free seats are passed over by who lists the members, who also closes the gaps when most seats are free.
 */
#ifndef LESSON_STORE_MEMORY_ROSTER_H
#define LESSON_STORE_MEMORY_ROSTER_H

#include <stdbool.h>
#include <stdint.h>

#include "index.h"

/* The number of a user's block, or MEMORY_SEAT_FREE and the next free seat. */
typedef uint32_t memory_seat;

#define MEMORY_SEAT_FREE (UINT32_C(1) << 31)
#define MEMORY_NO_SEAT (MEMORY_SEAT_FREE - 1)

typedef struct memory_roster {
    memory_seat *seats;
    uint32_t members;
    uint32_t seats_used; /* the seats from here on have never been taken */
    uint32_t capacity;
    uint32_t free_seat; /* MEMORY_NO_SEAT: none below seats_used */
} memory_roster;

void memory_roster_open(memory_roster *roster);
void memory_roster_close(memory_roster *roster);

/* Makes sure of a free seat; false, and nothing is changed, if there is no memory. */
bool memory_roster_grow(memory_roster *roster);

static inline bool memory_roster_has_room(const memory_roster *roster) {
    return roster->free_seat != MEMORY_NO_SEAT || roster->seats_used < roster->capacity;
}

/* Takes a seat, for which there must be room. */
static inline uint32_t memory_roster_enter(memory_roster *roster, const memory_user *user) {
    uint32_t seat = roster->free_seat;
    if (seat == MEMORY_NO_SEAT)
        seat = roster->seats_used++;
    else
        roster->free_seat = roster->seats[seat] & ~MEMORY_SEAT_FREE;
    roster->seats[seat] = memory_slab_number(user);
    roster->members++;
    return seat;
}

static inline void memory_roster_leave(memory_roster *roster, uint32_t seat) {
    roster->seats[seat] = MEMORY_SEAT_FREE | roster->free_seat;
    roster->free_seat = seat;
    roster->members--;
}

#define MEMORY_SEATS_AHEAD 8 /* whose users are fetched while earlier ones are given */

/* The next member from `*position` on, which begins at 0; NULL after the last. Whom it has given may leave. */
static inline memory_user *memory_roster_next(const memory_roster *roster, const memory_slab *slab,
                                              uint32_t *position) {
    while (*position < roster->seats_used) {
        uint32_t at = (*position)++;
        uint32_t ahead = at + MEMORY_SEATS_AHEAD;
        if (ahead < roster->seats_used && !(roster->seats[ahead] & MEMORY_SEAT_FREE))
            __builtin_prefetch(memory_slab_block_at(slab, roster->seats[ahead]));
        if (!(roster->seats[at] & MEMORY_SEAT_FREE))
            return memory_slab_block_at(slab, roster->seats[at]);
    }
    return NULL;
}

/* Before a listing: closes the gaps if they would cost more than that does. */
void memory_roster_tidy(memory_roster *roster, const memory_slab *slab);

#endif
