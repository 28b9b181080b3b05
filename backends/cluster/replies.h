/* Reading the replies of the protocol. False: the reply is malformed. */
#ifndef LESSON_STORE_CLUSTER_REPLIES_H
#define LESSON_STORE_CLUSTER_REPLIES_H

#include "machine.h"

/* Where a user is, and since which version. The ids are borrowed from the reply. */
typedef struct cluster_whereabouts {
    lesson_store_id lesson; /* "": none */
    uint64_t version;
    lesson_store_id last;
    lesson_store_user user; /* with details: the rest of the record; session and owner as they count in that lesson */
} cluster_whereabouts;

bool cluster_read_inspect(redis_reply *reply, cluster_whereabouts *whereabouts);

/* A version as the scripts write it. */
bool cluster_read_version(lesson_store_id text, uint64_t *version);

/* The next item of a reply is such a version. */
bool cluster_next_version(redis_reply *reply, uint64_t *version);

typedef struct cluster_committed {
    cluster_commit commit;
    lesson_store_id now; /* "": none */
    uint64_t version;
    lesson_store_id before;
} cluster_committed;

bool cluster_read_commit(redis_reply *reply, cluster_committed *committed);

typedef struct cluster_evicted {
    lesson_store_id now; /* "": none */
    uint64_t version;
    int64_t done;
} cluster_evicted;

bool cluster_read_evict(redis_reply *reply, cluster_evicted *evicted);

typedef struct cluster_added {
    bool is_added;
    bool is_full;
    uint64_t version; /* that is not lower, if the ADD is stale */
    uint64_t count;   /* of members, if the lesson is full */
} cluster_added;

bool cluster_read_add(redis_reply *reply, cluster_added *added);

typedef struct cluster_record {
    lesson_store_lesson lesson; /* without member_count */
    bool is_valid;              /* the statuses, the course and the capacity are such as create writes */
    bool is_banned;
} cluster_record;

bool cluster_read_record(redis_reply *reply, cluster_record *record);

#endif
