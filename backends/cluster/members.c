/* The members of a lesson: of everybody in its crowd, those whose user record names the lesson. So a user whom one of
 * our operations has put there, and nobody has moved, is always listed, and nobody else is. */
#include "../redis/cursor.h"
#include "../redis/malformed.h"
#include "crowd.h"

struct giving {
    lesson_store_member_callback callback;
    void *context;
    redis_malformed malformed;
    bool stopped;
};

/* A uid that is none of ours is malformed if it is among the members. The versions keep one that an end has removed. */
static void give(struct giving *giving, const cluster_crowd *crowd) {
    for (size_t i = 0; i < crowd->count && !giving->stopped; i++) {
        const cluster_person *person = &crowd->people[i];
        lesson_store_id uid = cluster_uid_of(crowd, person);
        if (person->is_invalid && person->is_listed)
            redis_malformed_note(&giving->malformed, "member", uid);
        else if (person->is_in)
            giving->stopped = !giving->callback(&uid, giving->context);
    }
}

/* A user record of a wrong type names no lesson. */
static int failure_of(const cluster_crowd *crowd) {
    bool counts = crowd->code && crowd->code != LESSON_STORE_MALFORMED;
    return counts ? lesson_store_fail(crowd->code, "%s", crowd->failure) : LESSON_STORE_OK;
}

static int look_and_give(struct giving *giving, cluster_crowd *crowd) {
    cluster_crowd_leave_out_invalid(crowd);
    int code = cluster_crowd_look(crowd, cluster_is_named);
    if (!code)
        code = failure_of(crowd);
    if (!code)
        give(giving, crowd);
    if (code || giving->stopped)
        return code;
    return redis_malformed_report(&giving->malformed, &crowd->store->redis);
}

int cluster_members(lesson_store_instance *instance, const lesson_store_id *lesson_id,
                    lesson_store_member_callback callback, void *context) {
    struct giving giving = {.callback = callback, .context = context};
    cluster_crowd crowd;
    cluster_crowd_begin(&crowd, cluster_of(instance), *lesson_id);
    int code = cluster_crowd_read(&crowd);
    if (!code)
        code = look_and_give(&giving, &crowd);
    cluster_crowd_free(&crowd);
    return code;
}

int cluster_members_page(lesson_store_instance *instance, const lesson_store_id *lesson_id, size_t most,
                         lesson_store_position *position, lesson_store_member_callback callback, void *context) {
    struct giving giving = {.callback = callback, .context = context};
    lesson_store_position next = *position;
    cluster_crowd crowd;
    cluster_crowd_begin(&crowd, cluster_of(instance), *lesson_id);
    int code = cluster_crowd_read_page(&crowd, most, &next);
    if (!code)
        code = look_and_give(&giving, &crowd);
    if ((!code || code == LESSON_STORE_MALFORMED) && !giving.stopped)
        *position = next;
    cluster_crowd_free(&crowd);
    return code;
}
