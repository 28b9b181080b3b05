/* A check on its way, and what its parts share. */
#ifndef LESSON_STORE_CLUSTER_CHECK_H
#define LESSON_STORE_CLUSTER_CHECK_H

#include "../redis/texts.h"
#include "cluster.h"

#define CLUSTER_DETAIL_SIZE 512

typedef struct cluster_inspection {
    cluster_store *store;
    uint32_t flags;
    lesson_store_finding_callback callback;
    void *context;
    lesson_store_seen *seen; /* findings: a key can come twice */
    redis_texts keys;        /* of a page */
    bool is_asking;          /* requests are under way, so the callback has to wait */
    redis_texts held;        /* findings, until all is answered */
    bool stopped;
    int code; /* of the first failure while replies were taken */
} cluster_inspection;

static inline bool cluster_check_repairs(const cluster_inspection *check) {
    return check->flags & LESSON_STORE_CHECK_REPAIR;
}

/* Reports a finding, unless it was reported already. `is_repairable`: this check has repaired it if it repairs. */
void cluster_report(cluster_inspection *check, lesson_store_finding_kind kind, lesson_store_id lesson_id,
                    lesson_store_id uid, bool is_repairable, const char *format, ...) LESSON_STORE_PRINTF(6, 7);

/* The same for a repair that may have come to nothing. */
void cluster_report_repair(cluster_inspection *check, lesson_store_finding_kind kind, lesson_store_id lesson_id,
                           lesson_store_id uid, bool is_repaired, const char *detail);

/* Findings in replies are held back until the nodes have answered everything, because the callback can take its time,
 * or fork. This gives them. Returns the code, and keeps its message. */
int cluster_report_held(cluster_inspection *check, int code);

/* A text as a message shows it. */
typedef struct cluster_shown {
    char text[128];
} cluster_shown;
cluster_shown cluster_show(lesson_store_id text);

/* Every step of a check: the members of a lesson. */
int cluster_check_members(cluster_inspection *check, lesson_store_id lesson_id);

/* The users and the lesson records that these keys name. */
int cluster_check_users(cluster_inspection *check);
int cluster_check_records(cluster_inspection *check);

#endif
