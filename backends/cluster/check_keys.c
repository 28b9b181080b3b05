/* The checks of user records and lesson records: a page of keys, all requests together. */
#include <stdlib.h>

#include "asks.h"
#include "check.h"
#include "crowd.h"
#include "replies.h"
#include "scan.h"
#include "script.h"

static const lesson_store_id none = {NULL, 0};

/* A record, and what was read of it. */
struct subject {
    lesson_store_id id;                   /* in the keys of the page */
    char lesson[LESSON_STORE_ID_MAX + 1]; /* of a user; "": none that a repair could use */
    int64_t is_listed;                    /* among the members */
    int64_t has_record;                   /* the lesson */
    bool is_unclear;                      /* nobody can be among these members */
};

struct subjects {
    cluster_inspection *check;
    struct subject *all;
    size_t count;
    const char *middle;
};

static bool is_valid(lesson_store_id id) {
    return lesson_store_id_valid(id.data, id.size);
}

/* Names those that the keys of the page are of. */
static int begin(struct subjects *subjects) {
    cluster_inspection *check = subjects->check;
    lesson_store_id key;
    size_t keys = 0;
    for (size_t at = 0; redis_texts_next(&check->keys, &at, &key);)
        keys++;
    subjects->all = calloc(keys + 1, sizeof *subjects->all);
    if (!subjects->all)
        return lesson_store_fail(LESSON_STORE_NO_MEMORY, "%s: no memory left for a check",
                                 check->store->redis.settings.shown);
    for (size_t at = 0; redis_texts_next(&check->keys, &at, &key);) {
        lesson_store_id id = cluster_id_in(check->store, key, subjects->middle);
        if (id.data && is_valid(id))
            subjects->all[subjects->count++].id = id;
        else if (id.data)
            cluster_report(check, LESSON_STORE_FINDING_MALFORMED, none, none, false, "the key %s names no valid %s",
                           cluster_show(key).text, strcmp(subjects->middle, REDIS_USER) == 0 ? "uid" : "lesson_id");
    }
    return LESSON_STORE_OK;
}

static int ask(struct subjects *subjects, size_t count, cluster_request *requests,
               void (*write)(size_t index, void *context),
               void (*take)(size_t index, redis_reply *reply, void *context)) {
    cluster_inspection *check = subjects->check;
    const cluster_exchange exchange = {requests, count, write, take, subjects, .writes = cluster_check_repairs(check)};
    check->is_asking = true;
    int code = cluster_exchange_all(check->store, &exchange);
    check->is_asking = false;
    code = cluster_report_held(check, code ? code : check->code);
    return code ? code : check->code;
}

/* An error that is not about this key ends the check. */
static bool is_of_wrong_type(cluster_inspection *check, const redis_reply *reply) {
    int code = cluster_error(check->store, reply);
    if (code != LESSON_STORE_MALFORMED && !check->code)
        check->code = code;
    return code == LESSON_STORE_MALFORMED;
}

static void garbled(cluster_inspection *check) {
    if (!check->code)
        check->code = cluster_garbled(check->store);
}

/* ---- User records */

static void write_user(size_t index, void *context) {
    const struct subjects *subjects = context;
    redis_store *redis = &subjects->check->store->redis;
    lesson_store_id uid = subjects->all[index].id;
    cluster_begin_script(redis, &redis_check_user_script, REDIS_USER, uid, CLUSTER_VERSION);
    redis_request_add_id(&redis->request, uid);
    redis_request_add_text(&redis->request, cluster_check_repairs(subjects->check) ? "1" : "");
}

struct user_record {
    int64_t size;
    lesson_store_id lesson, uid, course, session, session_lesson, owner;
};

static bool read_user(redis_reply *reply, struct user_record *found) {
    return redis_reply_next_number(reply, &found->size) && redis_reply_next_text(reply, &found->lesson) &&
           redis_reply_next_text(reply, &found->uid) && redis_reply_next_text(reply, &found->course) &&
           redis_reply_next_text(reply, &found->session) && redis_reply_next_text(reply, &found->session_lesson) &&
           redis_reply_next_text(reply, &found->owner) && redis_reply_at_end(reply);
}

static void report_malformed(cluster_inspection *check, lesson_store_id lesson, lesson_store_id uid, const char *what,
                             lesson_store_id text) {
    if (text.data && text.size > 0 && !is_valid(text))
        cluster_report(check, LESSON_STORE_FINDING_MALFORMED, lesson, uid, false, "the user record holds the %s %s",
                       what, cluster_show(text).text);
}

static void check_fields(cluster_inspection *check, lesson_store_id uid, const struct user_record *found) {
    if (!found->uid.data)
        cluster_report(check, LESSON_STORE_FINDING_INCOMPLETE_USER, found->lesson, uid, true,
                       "the user record lacks the uid");
    else if (!lesson_store_id_equal(found->uid, uid))
        cluster_report(check, LESSON_STORE_FINDING_MALFORMED, found->lesson, uid, false,
                       "the user record holds the uid %s", cluster_show(found->uid).text);
    if (!found->course.data)
        cluster_report(check, LESSON_STORE_FINDING_INCOMPLETE_USER, found->lesson, uid, false,
                       "the user record names no course");
    else if (!is_valid(found->course))
        cluster_report(check, LESSON_STORE_FINDING_MALFORMED, found->lesson, uid, false,
                       "the user record holds the course_id %s", cluster_show(found->course).text);
    report_malformed(check, found->lesson, uid, "owner", found->owner);
    report_malformed(check, found->lesson, uid, "session",
                     redis_if_valid(found->session, found->lesson, found->session_lesson));
}

static void take_user(size_t index, redis_reply *reply, void *context) {
    struct subjects *subjects = context;
    cluster_inspection *check = subjects->check;
    struct subject *user = &subjects->all[index];
    struct user_record found;
    if (reply->is_error) {
        if (is_of_wrong_type(check, reply))
            cluster_report(check, LESSON_STORE_FINDING_MALFORMED, none, user->id, false,
                           "the user record is not a hash");
    } else if (!read_user(reply, &found)) {
        garbled(check);
    } else if (found.size > 0 && !found.lesson.data) {
        cluster_report(check, LESSON_STORE_FINDING_INCOMPLETE_USER, none, user->id, true,
                       "the user record names no lesson");
    } else if (found.size > 0 && !is_valid(found.lesson)) {
        cluster_report(check, LESSON_STORE_FINDING_MALFORMED, none, user->id, false,
                       "the user record holds the lesson_id %s", cluster_show(found.lesson).text);
    } else if (found.size > 0) {
        check_fields(check, user->id, &found);
        lesson_store_id_copy(user->lesson, found.lesson);
    }
}

/* ---- Whether they are where they say: two requests for each */

/* Begins a command about a key of this lesson. */
static void begin_command(redis_store *redis, const char *command, const char *middle, lesson_store_id lesson_id) {
    cluster_key key;
    cluster_key_write(&key, redis->settings.prefix, middle, lesson_id);
    redis_request_begin(&redis->request);
    redis_request_add_text(&redis->request, command);
    redis_request_add(&redis->request, key.text, key.size);
}

static void write_whereabouts(size_t index, void *context) {
    const struct subjects *subjects = context;
    const struct subject *user = &subjects->all[index / 2];
    redis_store *redis = &subjects->check->store->redis;
    lesson_store_id lesson_id = lesson_store_id_of(user->lesson);
    if (index % 2 == 1) {
        begin_command(redis, "EXISTS", REDIS_RECORD, lesson_id);
        return;
    }
    begin_command(redis, "SISMEMBER", REDIS_MEMBERS, lesson_id);
    redis_request_add_id(&redis->request, user->id);
}

/* Members of a wrong type are reported where the lessons are checked, and nothing else follows from them. */
static void take_whereabouts(size_t index, redis_reply *reply, void *context) {
    struct subjects *subjects = context;
    struct subject *user = &subjects->all[index / 2];
    int64_t *number = index % 2 == 0 ? &user->is_listed : &user->has_record;
    if (reply->is_error && is_of_wrong_type(subjects->check, reply))
        user->is_unclear = true;
    else if (!reply->is_error && !redis_reply_next_number(reply, number))
        garbled(subjects->check);
}

static int ask_whereabouts(struct subjects *subjects) {
    const char *prefix = subjects->check->store->redis.settings.prefix;
    size_t kept = 0;
    for (size_t i = 0; i < subjects->count; i++) {
        if (subjects->all[i].lesson[0])
            subjects->all[kept++] = subjects->all[i];
    }
    subjects->count = kept;
    cluster_request *requests = kept > 0 ? calloc(2 * kept, sizeof *requests) : NULL;
    if (!requests)
        return kept == 0 ? LESSON_STORE_OK
                         : lesson_store_fail(LESSON_STORE_NO_MEMORY, "%s: no memory left for a check",
                                             subjects->check->store->redis.settings.shown);
    for (size_t i = 0; i < 2 * kept; i++)
        requests[i] = (cluster_request){.slot = cluster_slot_of(prefix, i % 2 == 0 ? REDIS_MEMBERS : REDIS_RECORD,
                                                                lesson_store_id_of(subjects->all[i / 2].lesson)),
                                        .may_repeat = true};
    int code = ask(subjects, 2 * kept, requests, write_whereabouts, take_whereabouts);
    free(requests);
    return code;
}

static bool is_anybody(const cluster_crowd *crowd, const cluster_person *person) {
    (void)crowd;
    (void)person;
    return true;
}

static bool is_out(const cluster_crowd *crowd, const cluster_person *person) {
    (void)crowd;
    return !person->is_in;
}

static int ask_for_record(cluster_store *store, lesson_store_id lesson_id, int64_t *has_record) {
    begin_command(&store->redis, "EXISTS", REDIS_RECORD, lesson_id);
    int code = cluster_ask_slot(store, cluster_slot_of(store->redis.settings.prefix, REDIS_RECORD, lesson_id));
    if (!code && !redis_reply_next_number(&store->redis.reply, has_record))
        code = cluster_garbled(store);
    return code;
}

/* Puts the user out of a lesson without a record. A page ago there was none, but it may have been created since then.
 * EVICT takes only a user out who has not joined again since INSPECT, so the record is looked for between the two:
 * users who are let in by a later record stay. */
static int put_out(cluster_crowd *crowd) {
    int64_t has_record = 0;
    int code = cluster_crowd_inspect(crowd, is_anybody);
    if (!code)
        code = ask_for_record(crowd->store, crowd->lesson_id, &has_record);
    if (code || has_record)
        return code;
    code = cluster_crowd_evict(crowd, cluster_is_in);
    return code ? code : cluster_crowd_remove(crowd, is_out);
}

static int add_missing(cluster_crowd *crowd) {
    int code = cluster_crowd_inspect(crowd, is_anybody);
    return code ? code : cluster_crowd_add(crowd, cluster_is_in);
}

/* Adds a user who is missing, or puts one out of a lesson without a record. `*is_done`: it was necessary. */
static int mend(struct subjects *subjects, const struct subject *user, bool ends, bool *is_done) {
    cluster_crowd crowd;
    cluster_crowd_begin(&crowd, subjects->check->store, lesson_store_id_of(user->lesson));
    const cluster_person *person = cluster_crowd_find(&crowd, user->id);
    int code = person ? LESSON_STORE_OK : cluster_crowd_no_memory(&crowd);
    if (!code)
        code = ends ? put_out(&crowd) : add_missing(&crowd);
    if (!code && crowd.code)
        code = lesson_store_fail(crowd.code, "%s", crowd.failure);
    *is_done = person && (ends ? person->is_evicted : person->is_in);
    cluster_crowd_free(&crowd);
    return code;
}

static int check_whereabouts(struct subjects *subjects, const struct subject *user) {
    cluster_inspection *check = subjects->check;
    bool ends = check->flags & LESSON_STORE_CHECK_ENDED && !user->has_record;
    bool is_done = false;
    if (user->is_listed && !ends)
        return LESSON_STORE_OK;
    int code = cluster_check_repairs(check) ? mend(subjects, user, ends, &is_done) : LESSON_STORE_OK;
    if (!code && (is_done || !cluster_check_repairs(check)))
        cluster_report_repair(check, ends ? LESSON_STORE_FINDING_ENDED_LESSON : LESSON_STORE_FINDING_MISSING_MEMBER,
                              lesson_store_id_of(user->lesson), user->id, is_done,
                              ends ? "the lesson has no record" : "the user record names the lesson");
    return code;
}

static int ask_records(struct subjects *subjects, void (*write)(size_t index, void *context),
                       void (*take)(size_t index, redis_reply *reply, void *context)) {
    const char *prefix = subjects->check->store->redis.settings.prefix;
    cluster_request *requests = calloc(subjects->count + 1, sizeof *requests);
    if (!requests)
        return lesson_store_fail(LESSON_STORE_NO_MEMORY, "%s: no memory left for a check",
                                 subjects->check->store->redis.settings.shown);
    for (size_t i = 0; i < subjects->count; i++)
        requests[i] = (cluster_request){.slot = cluster_slot_of(prefix, subjects->middle, subjects->all[i].id),
                                        .may_repeat = true};
    int code = ask(subjects, subjects->count, requests, write, take);
    free(requests);
    return code;
}

int cluster_check_users(cluster_inspection *check) {
    struct subjects subjects = {.check = check, .middle = REDIS_USER};
    int code = begin(&subjects);
    if (!code && !check->stopped)
        code = ask_records(&subjects, write_user, take_user);
    if (!code && !check->stopped)
        code = ask_whereabouts(&subjects);
    for (size_t i = 0; !code && !check->stopped && i < subjects.count; i++) {
        if (!subjects.all[i].is_unclear)
            code = check_whereabouts(&subjects, &subjects.all[i]);
    }
    free(subjects.all);
    return code;
}

/* ---- Lesson records */

static void write_record(size_t index, void *context) {
    const struct subjects *subjects = context;
    redis_store *redis = &subjects->check->store->redis;
    lesson_store_id lesson_id = subjects->all[index].id;
    cluster_begin_script(redis, &redis_check_record_script, REDIS_RECORD, lesson_id, CLUSTER_BANS);
    redis_request_add_id(&redis->request, lesson_id);
    redis_request_add_text(&redis->request, cluster_check_repairs(subjects->check) ? "1" : "");
}

struct lesson_record {
    int64_t size, has_stale_bans;
    lesson_store_id fields[3]; /* lesson_id, course_status, chat_status */
    lesson_store_id course, capacity;
};

static bool read_record(redis_reply *reply, struct lesson_record *found) {
    return redis_reply_next_number(reply, &found->size) && redis_reply_next_text(reply, &found->fields[0]) &&
           redis_reply_next_text(reply, &found->fields[1]) && redis_reply_next_text(reply, &found->fields[2]) &&
           redis_reply_next_text(reply, &found->course) && redis_reply_next_text(reply, &found->capacity) &&
           redis_reply_next_number(reply, &found->has_stale_bans) && redis_reply_at_end(reply);
}

static void check_values(cluster_inspection *check, lesson_store_id lesson_id, const struct lesson_record *found) {
    const lesson_store_finding_kind kind = LESSON_STORE_FINDING_MALFORMED;
    uint64_t capacity;
    if (found->fields[0].data && !lesson_store_id_equal(found->fields[0], lesson_id))
        cluster_report(check, kind, lesson_id, none, false, "the lesson record holds the lesson_id %s",
                       cluster_show(found->fields[0]).text);
    if (redis_status_of(found->fields[1], LESSON_STORE_COURSE_WAITING) == LESSON_STORE_MALFORMED)
        cluster_report(check, kind, lesson_id, none, false, "the course_status is %s",
                       cluster_show(found->fields[1]).text);
    if (redis_status_of(found->fields[2], LESSON_STORE_CHAT_BANNED) == LESSON_STORE_MALFORMED)
        cluster_report(check, kind, lesson_id, none, false, "the chat_status is %s",
                       cluster_show(found->fields[2]).text);
    if (found->course.data && !is_valid(found->course))
        cluster_report(check, kind, lesson_id, none, false, "the course_id is %s", cluster_show(found->course).text);
    if (!redis_read_capacity(found->capacity, &capacity))
        cluster_report(check, kind, lesson_id, none, false, "the capacity is %s", cluster_show(found->capacity).text);
}

static void check_missing(cluster_inspection *check, lesson_store_id lesson_id, const struct lesson_record *found) {
    static const char *const names[] = {"lesson_id", "course_status", "chat_status"};
    char missing[64] = "";
    for (size_t i = 0; i < 3; i++) {
        if (!found->fields[i].data)
            snprintf(missing + strlen(missing), sizeof missing - strlen(missing), "%s%s", *missing ? ", " : "",
                     names[i]);
    }
    if (*missing)
        cluster_report(check, LESSON_STORE_FINDING_INCOMPLETE_LESSON, lesson_id, none, true,
                       "the lesson record lacks %s", missing);
}

static void take_record(size_t index, redis_reply *reply, void *context) {
    struct subjects *subjects = context;
    cluster_inspection *check = subjects->check;
    lesson_store_id lesson_id = subjects->all[index].id;
    struct lesson_record found;
    if (reply->is_error) {
        if (is_of_wrong_type(check, reply))
            cluster_report(check, LESSON_STORE_FINDING_MALFORMED, lesson_id, none, false,
                           "the lesson record is not a hash");
        return;
    }
    if (!read_record(reply, &found)) {
        garbled(check);
        return;
    }
    if (found.size > 0) {
        check_values(check, lesson_id, &found);
        check_missing(check, lesson_id, &found);
    }
    if (found.has_stale_bans > 0)
        cluster_report(check, LESSON_STORE_FINDING_STALE_BANS, lesson_id, none, true,
                       "the lesson that they were of has ended");
}

int cluster_check_records(cluster_inspection *check) {
    struct subjects subjects = {.check = check, .middle = REDIS_RECORD};
    int code = begin(&subjects);
    if (!code && !check->stopped)
        code = ask_records(&subjects, write_record, take_record);
    free(subjects.all);
    return code;
}
