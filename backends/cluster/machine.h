/*
 * One operation on its way through the slots: a machine that gives its next requests and takes their replies. It knows
 * nothing of connections, so that tests can run it step by step.
 *
 *   cluster_machine_begin(...);
 *   do {
 *       for each i < machine.ask_count: send what cluster_machine_write(machine, i) has written to
 * cluster_machine_slot(machine, i), and cluster_machine_take(machine, i, reply), or cluster_machine_fail(machine, i,
 * ...) } while (cluster_machine_next(machine));
 *
 * A request that was lost may be sent again if cluster_machine_may_repeat(machine, i), in the same bytes.
 */
#ifndef LESSON_STORE_CLUSTER_MACHINE_H
#define LESSON_STORE_CLUSTER_MACHINE_H

#include "../redis/redis.h"
#include "keys.h"

#define CLUSTER_ASKS_MAX 4

#define CLUSTER_OPERATION_SIZE 48 /* of the id of an operation, and of what INSPECT names as the last one */

/* How long helpers live. A version must outlive every request that is still under way. */
#define CLUSTER_USER_HELPER_MS "86400000"  /* since the user last moved */
#define CLUSTER_LESSON_HELPER_MS "3600000" /* since the lesson lost its last member */

/* A request of a machine. The scripts/ of that name say what each does. */
typedef enum cluster_ask_kind {
    CLUSTER_ASK_PLAIN, /* the operation is one request of the redis backend */
    CLUSTER_ASK_INSPECT,
    CLUSTER_ASK_ADD,
    CLUSTER_ASK_COMMIT,
    CLUSTER_ASK_EVICT,
    CLUSTER_ASK_REMOVE,
    CLUSTER_ASK_RECORD,
    CLUSTER_ASK_COUNT,
    CLUSTER_ASK_OWNER, /* does the owner hold a lease? */
    CLUSTER_ASK_BAN,
    CLUSTER_ASK_UNLINK_RECORD
} cluster_ask_kind;

typedef struct cluster_ask {
    cluster_ask_kind kind;
    char lesson[LESSON_STORE_ID_MAX + 1]; /* of ADD and REMOVE */
} cluster_ask;

typedef enum cluster_stage {
    CLUSTER_STAGE_ONCE, /* the only requests of the operation */
    CLUSTER_STAGE_BAN,
    CLUSTER_STAGE_INSPECT,
    CLUSTER_STAGE_ADD,
    CLUSTER_STAGE_COMMIT,
    CLUSTER_STAGE_REMOVE,
    CLUSTER_STAGE_RECHECK, /* has another program added a user who was just removed? */
    CLUSTER_STAGE_READD,
    CLUSTER_STAGE_OWNER, /* does the owner still hold a lease? */
    CLUSTER_STAGE_EVICT  /* it is not */
} cluster_stage;

typedef enum cluster_outcome {
    CLUSTER_OUTCOME_OPEN,
    CLUSTER_OUTCOME_ANSWERED,
    CLUSTER_OUTCOME_AGAIN /* certainly not applied: the operation begins anew, as another one */
} cluster_outcome;

typedef enum cluster_commit {
    CLUSTER_COMMIT_NONE,
    CLUSTER_COMMIT_DONE,
    CLUSTER_COMMIT_REPEATED,
    CLUSTER_COMMIT_FENCED,
    CLUSTER_COMMIT_LOST,
    CLUSTER_COMMIT_SUPERSEDED
} cluster_commit;

/* What all machines of an instance share. */
typedef struct cluster_workshop {
    redis_store *redis;               /* its settings; its request, which is written; its reply */
    char common[CLUSTER_HELPER_SIZE]; /* the prefix of the keys that the store has once */
    unsigned common_slot;
    char nonce[20];  /* of this instance, in the ids of its operations */
    uint64_t serial; /* of the latest operation */
} cluster_workshop;

typedef struct cluster_machine {
    cluster_workshop *workshop;
    lesson_store_operation *operation;
    cluster_stage stage;
    cluster_outcome outcome;
    cluster_ask asks[CLUSTER_ASKS_MAX];
    size_t ask_count;
    bool has_failed; /* a request; nothing follows */

    char id[CLUSTER_OPERATION_SIZE];
    bool was_lost;      /* COMMIT was sent before, and its reply was lost */
    bool has_intent;    /* ADD has added the user to the members */
    uint64_t committed; /* the version that this operation has made for a join; 0: none */

    /* As INSPECT said: where the user is, since which version, and by which operation. */
    lesson_store_place place;
    bool is_somewhere; /* in a lesson, also if its id is malformed */
    bool is_member;    /* of the lesson that the operation names */
    uint64_t version;
    char last[CLUSTER_OPERATION_SIZE];
    uint64_t floor; /* the version to which INSPECT raises that of the user; 0: it only reads */

    /* As COMMIT said, or EVICT. */
    cluster_commit commit;
    uint64_t version_now;
    char now[LESSON_STORE_ID_MAX + 1];    /* the lesson of the user; "": none */
    char before[LESSON_STORE_ID_MAX + 1]; /* the one before COMMIT */
    char left[LESSON_STORE_ID_MAX + 1];   /* the one that INSPECT had named */
    bool was_somewhere;                   /* before COMMIT */
    bool is_removed;                      /* from members, by REMOVE; false: the user was kept everywhere */

    /* Of the lesson. */
    lesson_store_lesson lesson;
    bool is_valid; /* its record */
    bool is_banned;
    bool is_full;
    bool is_evicted;
    bool holds; /* the owner holds a lease */
} cluster_machine;

/* Returns OK, or FAILED without random numbers. */
int cluster_workshop_open(cluster_workshop *workshop, redis_store *redis);

/* An END that puts members out is no operation of a machine: see end.c. A QUIT with an owner is one of a sweep: it puts
 * the user out if that owner still answers for the user, and holds no lease. */
void cluster_machine_begin(cluster_machine *machine, cluster_workshop *workshop, lesson_store_operation *operation);

unsigned cluster_machine_slot(const cluster_machine *machine, size_t i);
void cluster_machine_write(const cluster_machine *machine, size_t i);
bool cluster_machine_may_repeat(const cluster_machine *machine, size_t i);

/* Takes the reply to a request, which may be an error. `was_lost`: it was sent more than once. */
void cluster_machine_take(cluster_machine *machine, size_t i, redis_reply *reply, bool was_lost);

/* The request was not executed (UNREACHABLE, ...), or nobody knows whether it was (UNKNOWN). The message is set.
 * `was_lost`: it was sent. */
void cluster_machine_fail(cluster_machine *machine, size_t i, int code, bool was_lost);

/* Goes on when every request has its reply. False: the operation is answered. */
bool cluster_machine_next(cluster_machine *machine);

/* True if the operation has its answer already, and what follows only cleans up. */
static inline bool cluster_machine_is_answered(const cluster_machine *machine) {
    return machine->outcome == CLUSTER_OUTCOME_ANSWERED;
}

#endif
