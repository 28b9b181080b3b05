/* The people of a crowd, in memory. */
#include <stdlib.h>

#include "crowd.h"

void cluster_crowd_begin(cluster_crowd *crowd, cluster_store *store, lesson_store_id lesson_id) {
    *crowd = (cluster_crowd){.store = store, .lesson_id = lesson_id};
}

void cluster_crowd_free(cluster_crowd *crowd) {
    free(crowd->people);
    free(crowd->uids);
    free(crowd->index);
    free(crowd->asked);
    free(crowd->requests);
}

int cluster_crowd_no_memory(const cluster_crowd *crowd) {
    return lesson_store_fail(LESSON_STORE_NO_MEMORY, "%s: no memory left for the users of a lesson",
                             crowd->store->redis.settings.shown);
}

bool cluster_is_named(const cluster_crowd *crowd, const cluster_person *person) {
    (void)crowd;
    return person->is_listed || person->is_added;
}

bool cluster_is_in(const cluster_crowd *crowd, const cluster_person *person) {
    (void)crowd;
    return person->is_in;
}

bool cluster_is_out(const cluster_crowd *crowd, const cluster_person *person) {
    return cluster_is_named(crowd, person) && !person->is_in;
}

void cluster_crowd_leave_out_invalid(cluster_crowd *crowd) {
    for (size_t i = 0; i < crowd->count; i++)
        crowd->people[i].is_failed = crowd->people[i].is_invalid;
}

/* ---- Finding people */

static size_t hash_of(lesson_store_id uid) {
    uint64_t hash = UINT64_C(14695981039346656037);
    for (size_t i = 0; i < uid.size; i++)
        hash = (hash ^ (unsigned char)uid.data[i]) * UINT64_C(1099511628211);
    return (size_t)(hash ^ hash >> 32);
}

/* Where the person is in the index, or would be. */
static size_t place_of(const cluster_crowd *crowd, lesson_store_id uid) {
    size_t at = hash_of(uid) & (crowd->index_size - 1);
    while (crowd->index[at] && !lesson_store_id_equal(cluster_uid_of(crowd, &crowd->people[crowd->index[at] - 1]), uid))
        at = (at + 1) & (crowd->index_size - 1);
    return at;
}

static bool grow_index(cluster_crowd *crowd) {
    size_t size = crowd->index_size ? 2 * crowd->index_size : 64;
    size_t *index = calloc(size, sizeof *index);
    if (!index)
        return false;
    free(crowd->index);
    crowd->index = index;
    crowd->index_size = size;
    for (size_t i = 0; i < crowd->count; i++)
        index[place_of(crowd, cluster_uid_of(crowd, &crowd->people[i]))] = i + 1;
    return true;
}

static bool make_room(cluster_crowd *crowd, size_t uid_size) {
    if (crowd->count == crowd->room) {
        size_t room = crowd->room ? 2 * crowd->room : 32;
        cluster_person *people = realloc(crowd->people, room * sizeof *people);
        if (!people)
            return false;
        crowd->people = people;
        crowd->room = room;
    }
    if (crowd->uids_size + uid_size > crowd->uids_room) {
        size_t room = 2 * (crowd->uids_room + uid_size);
        char *uids = realloc(crowd->uids, room);
        if (!uids)
            return false;
        crowd->uids = uids;
        crowd->uids_room = room;
    }
    return true;
}

cluster_person *cluster_crowd_find(cluster_crowd *crowd, lesson_store_id uid) {
    if (2 * crowd->count >= crowd->index_size && !grow_index(crowd))
        return NULL;
    size_t at = place_of(crowd, uid);
    if (crowd->index[at])
        return &crowd->people[crowd->index[at] - 1];
    if (!make_room(crowd, uid.size))
        return NULL;
    crowd->people[crowd->count] = (cluster_person){.uid = crowd->uids_size,
                                                   .uid_size = (uint32_t)uid.size,
                                                   .is_invalid = !lesson_store_id_valid(uid.data, uid.size)};
    if (uid.size > 0)
        memcpy(crowd->uids + crowd->uids_size, uid.data, uid.size);
    crowd->uids_size += uid.size;
    crowd->index[at] = ++crowd->count;
    return &crowd->people[crowd->count - 1];
}
