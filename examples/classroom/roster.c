/* The users in a lesson, as one client that watches it knows them: an array, sorted by uid. */
#include "classroom.h"

#include <stdio.h>
#include <stdlib.h>

static int compare(const struct seat *seat, lesson_store_id uid) {
    int order = memcmp(seat->uid, uid.data, seat->size < uid.size ? seat->size : uid.size);
    return order ? order : (seat->size > uid.size) - (seat->size < uid.size);
}

/* Where the seat of this user is, or belongs. */
static size_t find(const struct roster *roster, lesson_store_id uid) {
    size_t begin = 0;
    size_t end = roster->count;
    while (begin < end) {
        size_t middle = begin + (end - begin) / 2;
        if (compare(roster->seats[middle], uid) < 0)
            begin = middle + 1;
        else
            end = middle;
    }
    return begin;
}

static bool has(const struct roster *roster, size_t at, lesson_store_id uid) {
    return at < roster->count && compare(roster->seats[at], uid) == 0;
}

static struct seat *add(struct roster *roster, size_t at, lesson_store_id uid) {
    if (roster->count == roster->room) {
        size_t room = roster->room ? 2 * roster->room : 16;
        struct seat **seats = realloc(roster->seats, room * sizeof *seats);
        if (!seats)
            return NULL;
        roster->seats = seats;
        roster->room = room;
    }
    struct seat *seat = calloc(1, sizeof *seat);
    if (!seat)
        return NULL;
    id_copy(seat->uid, uid);
    seat->size = uid.size;
    memmove(roster->seats + at + 1, roster->seats + at, (roster->count - at) * sizeof *roster->seats);
    roster->seats[at] = seat;
    roster->count++;
    return seat;
}

bool roster_set(struct roster *roster, lesson_store_id uid, bool is_taken, bool is_by_event, bool *changed) {
    size_t at = find(roster, uid);
    struct seat *seat = has(roster, at, uid) ? roster->seats[at] : add(roster, at, uid);
    *changed = false;
    if (!seat)
        return false;
    if (seat->is_by_event && !is_by_event)
        return true;
    *changed = seat->is_taken != is_taken;
    seat->is_taken = is_taken;
    seat->is_by_event = is_by_event;
    return true;
}

bool roster_remove(struct roster *roster, lesson_store_id uid) {
    size_t at = find(roster, uid);
    if (!has(roster, at, uid))
        return false;
    free(roster->seats[at]);
    roster->count--;
    memmove(roster->seats + at, roster->seats + at + 1, (roster->count - at) * sizeof *roster->seats);
    return true;
}

void roster_remove_empty(struct roster *roster) {
    size_t kept = 0;
    for (size_t i = 0; i < roster->count; i++) {
        if (roster->seats[i]->is_taken)
            roster->seats[kept++] = roster->seats[i];
        else
            free(roster->seats[i]);
    }
    roster->count = kept;
}

/* All of it is one message: it counts as backlog only when the client does not read it. */
struct message *roster_print(const struct roster *roster, const char *head, const char *front, const char *tail) {
    size_t room = strlen(head) + 1;
    for (size_t i = 0; i < roster->count; i++)
        room += strlen(front) + roster->seats[i]->size + strlen(tail);
    struct message *message = malloc(sizeof *message + room);
    if (!message)
        return NULL;
    message->size = (size_t)snprintf(message->text, room, "%s", head);
    for (size_t i = 0; i < roster->count; i++)
        message->size += (size_t)snprintf(message->text + message->size, room - message->size, "%s%s%s", front,
                                          roster->seats[i]->uid, tail);
    return message;
}

void roster_clear(struct roster *roster) {
    for (size_t i = 0; i < roster->count; i++)
        free(roster->seats[i]);
    free(roster->seats);
    memset(roster, 0, sizeof *roster);
}
