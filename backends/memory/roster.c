#include <stdlib.h>

#include "table.h"

#define FIRST_CAPACITY 4
#define SPARSE_FROM 64 /* seats; fewer are passed over in no time */

void memory_roster_open(memory_roster *roster) {
    *roster = (memory_roster){.free_seat = MEMORY_NO_SEAT};
}

void memory_roster_close(memory_roster *roster) {
    free(roster->seats);
}

bool memory_roster_grow(memory_roster *roster) {
    if (roster->capacity > MEMORY_NO_SEAT / 2)
        return false;
    uint32_t capacity = roster->capacity ? roster->capacity * 2 : FIRST_CAPACITY;
    memory_seat *seats = realloc(roster->seats, capacity * sizeof *seats);
    if (!seats)
        return false;
    roster->seats = seats;
    roster->capacity = capacity;
    return true;
}

void memory_roster_tidy(memory_roster *roster, const memory_slab *slab) {
    if (roster->seats_used < SPARSE_FROM || roster->members > roster->seats_used / 2)
        return;
    uint32_t position = 0, seat = 0;
    memory_user *user;
    for (; (user = memory_roster_next(roster, slab, &position)); seat++) {
        roster->seats[seat] = roster->seats[position - 1];
        user->seat = seat;
    }
    roster->seats_used = seat;
    roster->free_seat = MEMORY_NO_SEAT;
}
