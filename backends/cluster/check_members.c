/* The check of the members of a lesson. */
#include "check.h"
#include "crowd.h"

static const lesson_store_id none = {NULL, 0};

/* A member whom another program has put there has no version yet. */
static bool has_to_be_added(const cluster_crowd *crowd, const cluster_person *person) {
    (void)crowd;
    return person->is_in && !(person->is_listed && person->is_added);
}

static int mend_members(cluster_crowd *crowd) {
    int code = cluster_crowd_inspect(crowd, cluster_is_named);
    if (!code)
        code = cluster_crowd_fence(crowd, NULL);
    if (!code)
        code = cluster_crowd_add(crowd, has_to_be_added);
    return code ? code : cluster_crowd_remove(crowd, cluster_is_out);
}

static void report_members(cluster_inspection *check, const cluster_crowd *crowd) {
    for (size_t i = 0; i < crowd->count && !check->stopped; i++) {
        const cluster_person *person = &crowd->people[i];
        lesson_store_id uid = cluster_uid_of(crowd, person);
        if (!lesson_store_id_valid(uid.data, uid.size) && person->is_listed)
            cluster_report(check, LESSON_STORE_FINDING_MALFORMED, crowd->lesson_id, none, false,
                           "the members hold the uid %s", cluster_show(uid).text);
        else if (person->is_listed && !person->is_failed && !person->is_in)
            cluster_report_repair(check, LESSON_STORE_FINDING_GHOST_MEMBER, crowd->lesson_id, uid, person->is_removed,
                                  "the user record names another lesson, or none");
    }
}

int cluster_check_members(cluster_inspection *check, lesson_store_id lesson_id) {
    cluster_crowd crowd;
    cluster_crowd_begin(&crowd, check->store, lesson_id);
    int code = cluster_crowd_read(&crowd);
    cluster_crowd_leave_out_invalid(&crowd);
    if (code == LESSON_STORE_MALFORMED) {
        cluster_report(check, LESSON_STORE_FINDING_MALFORMED, lesson_id, none, false, "the members are not a set");
        code = LESSON_STORE_OK;
    } else if (!code) {
        code = cluster_check_repairs(check) ? mend_members(&crowd) : cluster_crowd_look(&crowd, cluster_is_named);
    }
    if (!code)
        report_members(check, &crowd);
    if (!code && !check->stopped && crowd.code && crowd.code != LESSON_STORE_MALFORMED)
        code = lesson_store_fail(crowd.code, "%s", crowd.failure);
    cluster_crowd_free(&crowd);
    return code;
}
