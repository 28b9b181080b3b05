/*
 * Check and repair, over the keys of all masters: the users first, which finds those who are missing among the members,
 * then the lessons with their members, then bans that were left behind. A repair uses the steps of the protocol, so it
 * takes nobody out who is there, also while others join and quit.
 */
#include <stdarg.h>
#include <stdio.h>

#include "check.h"
#include "scan.h"

/* ---- Findings */

/* EXISTS if this finding was reported already. */
static int meet(cluster_inspection *check, const lesson_store_finding *finding) {
    char text[2 * LESSON_STORE_ID_MAX + CLUSTER_DETAIL_SIZE + 32];
    int size = snprintf(text, sizeof text, "%d\n%.*s\n%.*s\n%s", (int)finding->kind, (int)finding->lesson_id.size,
                        finding->lesson_id.data ? finding->lesson_id.data : "", (int)finding->uid.size,
                        finding->uid.data ? finding->uid.data : "", finding->detail);
    return lesson_store_seen_add(&check->seen, text, (size_t)size < sizeof text ? (size_t)size : sizeof text - 1);
}

/* A finding is held as it is, and then its texts. */
static int hold(cluster_inspection *check, const lesson_store_finding *finding) {
    bool is_held = redis_texts_add(&check->held, (lesson_store_id){(const char *)finding, sizeof *finding}) &&
                   redis_texts_add(&check->held, finding->lesson_id) && redis_texts_add(&check->held, finding->uid) &&
                   redis_texts_add(&check->held, lesson_store_id_of(finding->detail));
    return is_held ? LESSON_STORE_EXISTS
                   : lesson_store_fail(LESSON_STORE_NO_MEMORY, "%s: no memory left for a check",
                                       check->store->redis.settings.shown);
}

static void tell(cluster_inspection *check, const lesson_store_finding *finding) {
    int code = check->stopped ? LESSON_STORE_EXISTS : check->is_asking ? hold(check, finding) : meet(check, finding);
    if (code < 0 && !check->code)
        check->code = code;
    if (!code)
        check->stopped = !check->callback(finding, check->context);
}

int cluster_report_held(cluster_inspection *check, int code) {
    char message[LESSON_STORE_MESSAGE_SIZE], detail[CLUSTER_DETAIL_SIZE];
    lesson_store_id bytes, lesson_id, uid, text;
    snprintf(message, sizeof message, "%s", lesson_store_message());
    for (size_t at = 0; redis_texts_next(&check->held, &at, &bytes) &&
                        redis_texts_next(&check->held, &at, &lesson_id) && redis_texts_next(&check->held, &at, &uid) &&
                        redis_texts_next(&check->held, &at, &text);) {
        lesson_store_finding finding;
        memcpy(&finding, bytes.data, sizeof finding);
        snprintf(detail, sizeof detail, "%.*s", (int)text.size, text.data);
        finding.lesson_id = redis_given(lesson_id);
        finding.uid = redis_given(uid);
        finding.detail = detail;
        tell(check, &finding);
    }
    check->held.size = 0;
    return code ? lesson_store_fail(code, "%s", message) : LESSON_STORE_OK;
}

void cluster_report_repair(cluster_inspection *check, lesson_store_finding_kind kind, lesson_store_id lesson_id,
                           lesson_store_id uid, bool is_repaired, const char *detail) {
    const lesson_store_finding finding = {.kind = kind,
                                          .repairable = true,
                                          .repaired = is_repaired,
                                          .lesson_id = lesson_id,
                                          .uid = uid,
                                          .detail = detail};
    tell(check, &finding);
}

void cluster_report(cluster_inspection *check, lesson_store_finding_kind kind, lesson_store_id lesson_id,
                    lesson_store_id uid, bool is_repairable, const char *format, ...) {
    char detail[CLUSTER_DETAIL_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(detail, sizeof detail, format, arguments);
    va_end(arguments);
    const lesson_store_finding finding = {.kind = kind,
                                          .repairable = is_repairable,
                                          .repaired = is_repairable && cluster_check_repairs(check),
                                          .lesson_id = lesson_id,
                                          .uid = uid,
                                          .detail = detail};
    tell(check, &finding);
}

cluster_shown cluster_show(lesson_store_id text) {
    enum { SHOWN_MAX = 80 };
    cluster_shown shown;
    bool is_cut = text.size > SHOWN_MAX;
    snprintf(shown.text, sizeof shown.text, "%.*s%s", (int)(is_cut ? SHOWN_MAX : text.size), text.data ? text.data : "",
             is_cut ? "..." : "");
    lesson_store_make_printable(shown.text);
    return shown;
}

/* ---- Passes over the keys */

typedef int (*page_function)(cluster_inspection *check);

static int check_all(cluster_inspection *check, const char *front, const char *rest, page_function check_page) {
    lesson_store_position position = {.ended = false};
    int code = LESSON_STORE_OK;
    while (!code && !check->code && !check->stopped && !position.ended) {
        check->keys.size = 0;
        code = cluster_scan_page(check->store, front, rest, SIZE_MAX, &position, &check->keys);
        if (!code && check->keys.size > 0)
            code = check_page(check);
    }
    return code ? code : check->code;
}

/* A page of lessons: what their records say, then their members. */
static int check_lessons(cluster_inspection *check) {
    lesson_store_id key;
    int code = cluster_check_records(check);
    for (size_t at = 0; !code && !check->stopped && redis_texts_next(&check->keys, &at, &key);) {
        lesson_store_id lesson_id = cluster_id_in(check->store, key, REDIS_MEMBERS);
        if (!lesson_id.data)
            continue;
        if (lesson_store_id_valid(lesson_id.data, lesson_id.size))
            code = cluster_check_members(check, lesson_id);
        else
            cluster_report(check, LESSON_STORE_FINDING_MALFORMED, (lesson_store_id){NULL, 0},
                           (lesson_store_id){NULL, 0}, false, "the key %s names no valid lesson_id",
                           cluster_show(key).text);
    }
    return code;
}

/* The key of the record that these bans belong to: {K}:bans, or {t}K:bans. */
static lesson_store_id record_of(lesson_store_id key) {
    const size_t end_size = strlen(CLUSTER_BANS);
    const char *brace = memchr(key.data, '}', key.size);
    size_t left = brace ? (size_t)(key.data + key.size - brace - 1) : 0;
    if (left < end_size)
        return (lesson_store_id){NULL, 0};
    return left == end_size ? (lesson_store_id){key.data + 1, (size_t)(brace - key.data) - 1}
                            : (lesson_store_id){brace + 1, left - end_size};
}

/* A page of bans: their records may be gone. */
static int check_bans(cluster_inspection *check) {
    redis_texts bans = check->keys;
    lesson_store_id key;
    int code = LESSON_STORE_OK;
    check->keys = (redis_texts){.bytes = NULL};
    for (size_t at = 0; !code && redis_texts_next(&bans, &at, &key);) {
        lesson_store_id record = record_of(key);
        if (record.data && !redis_texts_add(&check->keys, record))
            code = lesson_store_fail(LESSON_STORE_NO_MEMORY, "%s: no memory left for a check",
                                     check->store->redis.settings.shown);
    }
    if (!code && check->keys.size > 0)
        code = cluster_check_records(check);
    redis_texts_free(&bans);
    return code;
}

int cluster_check(lesson_store_instance *instance, uint32_t flags, lesson_store_finding_callback callback,
                  void *context) {
    cluster_inspection check = {
        .store = cluster_of(instance), .flags = flags, .callback = callback, .context = context};
    int code = check_all(&check, "", REDIS_USER, cluster_check_users);
    if (!code && !check.stopped)
        code = check_all(&check, "", ":LESSON_", check_lessons);
    if (!code && !check.stopped)
        code = check_all(&check, "{*", REDIS_RECORD, check_bans);
    redis_texts_free(&check.keys);
    redis_texts_free(&check.held);
    lesson_store_seen_free(check.seen);
    return code;
}
