/*
 * The crowd of a lesson: everybody who is among its members, or of whom the versions of the members say so. It is read
 * page by page, and then the same is asked of everyone in it, many together.
 */
#ifndef LESSON_STORE_CLUSTER_CROWD_H
#define LESSON_STORE_CLUSTER_CROWD_H

#include "cluster.h"

typedef struct cluster_person {
    size_t uid; /* where it begins in the texts of the crowd */
    uint32_t uid_size;
    bool is_invalid; /* the uid is none, so it has no user record, and no key of ours could name one */
    bool is_listed;  /* among the members */
    bool is_added;  /* the version is one at which somebody was added; false: none, or one of somebody seen elsewhere */
    uint64_t known; /* that version; 0: none */
    bool is_in;     /* the user record names this lesson */
    bool is_evicted;                   /* by cluster_crowd_evict */
    bool is_removed;                   /* from the members, and was not kept */
    uint64_t version;                  /* of the user */
    char last[CLUSTER_OPERATION_SIZE]; /* the last operation on the user */
    bool is_stale;                     /* the latest ADD was refused: the known version is not lower */
    bool is_failed;                    /* nobody could say, as with a user record of a wrong type */
} cluster_person;

typedef struct cluster_crowd {
    cluster_store *store;
    lesson_store_id lesson_id;
    cluster_person *people;
    size_t count;
    size_t room;
    char *uids;
    size_t uids_size;
    size_t uids_room;
    size_t *index; /* a hash table: the person, plus 1; 0: none */
    size_t index_size;
    size_t *asked; /* who the requests under way are about */
    cluster_request *requests;
    int code; /* of the first failure; its message is in `failure` */
    char failure[LESSON_STORE_MESSAGE_SIZE];
} cluster_crowd;

/* Which people are meant. */
typedef bool (*cluster_person_filter)(const cluster_crowd *crowd, const cluster_person *person);

/* Everybody who is among the members, or was added to them. */
bool cluster_is_named(const cluster_crowd *crowd, const cluster_person *person);
bool cluster_is_in(const cluster_crowd *crowd, const cluster_person *person);
bool cluster_is_out(const cluster_crowd *crowd, const cluster_person *person); /* named, but not in */

void cluster_crowd_begin(cluster_crowd *crowd, cluster_store *store, lesson_store_id lesson_id);
void cluster_crowd_free(cluster_crowd *crowd);

static inline lesson_store_id cluster_uid_of(const cluster_crowd *crowd, const cluster_person *person) {
    return (lesson_store_id){crowd->uids + person->uid, person->uid_size};
}

/* Returns the person with this uid, who is added if need be. NULL: no memory. */
cluster_person *cluster_crowd_find(cluster_crowd *crowd, lesson_store_id uid);

int cluster_crowd_no_memory(const cluster_crowd *crowd);

/* The functions below return OK, or a code with its message set. */

/* Reads the members and their versions. */
int cluster_crowd_read(cluster_crowd *crowd);

/* The same for one page, of about `most`. */
int cluster_crowd_read_page(cluster_crowd *crowd, size_t most, lesson_store_position *position);

/* From now on, nobody is meant whose uid is none. (Otherwise they only can be removed.) */
void cluster_crowd_leave_out_invalid(cluster_crowd *crowd);

/* Reads which lesson the user records name, without writing anything. */
int cluster_crowd_look(cluster_crowd *crowd, cluster_person_filter filter);

/* The steps of the protocol, for those who are meant. */
int cluster_crowd_inspect(cluster_crowd *crowd, cluster_person_filter filter);
int cluster_crowd_evict(cluster_crowd *crowd, cluster_person_filter filter);
int cluster_crowd_fence(cluster_crowd *crowd, cluster_person_filter filter); /* NULL: who needs it */
int cluster_crowd_add(cluster_crowd *crowd, cluster_person_filter filter);

/* Removes those who are meant from the members, and adds those again whom another program has put into the lesson
 * meanwhile. */
int cluster_crowd_remove(cluster_crowd *crowd, cluster_person_filter filter);

#endif
