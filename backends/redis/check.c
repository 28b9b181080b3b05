/* Check and repair. The scripts find disagreements and repair them in the same step. This file reports each finding
 * once. */
#include <stdio.h>

#include "confirm.h"
#include "cursor.h"
#include "keys.h"
#include "texts.h"

#define DETAIL_SIZE 512 /* the scripts cut what they quote to 80 bytes, and may write each byte as four */

#define TO_BE_CHECKED (-1) /* the kind that check_keys.lua uses to name a lesson that has members */

struct check {
    redis_store *store;
    redis_reply members; /* the members to be checked; the store's own reply holds the answers */
    redis_texts lessons; /* of the page of keys, whose members are to be checked */
    lesson_store_seen *seen;
    uint32_t flags;
    lesson_store_finding_callback callback;
    void *context;
    bool stopped;
};

/* A finding as the scripts return it. */
struct answer {
    int64_t kind;
    lesson_store_id lesson_id;
    lesson_store_id uid;
    int64_t repairable;
    int64_t repaired;
    lesson_store_id detail;
};

static bool writes(const struct check *check) {
    return check->flags & LESSON_STORE_CHECK_REPAIR;
}

static bool read_answer(const struct check *check, redis_reply *reply, struct answer *answer) {
    return redis_reply_next_number(reply, &answer->kind) && redis_reply_next_text(reply, &answer->lesson_id) &&
           redis_reply_next_text(reply, &answer->uid) && redis_reply_next_number(reply, &answer->repairable) &&
           redis_reply_next_number(reply, &answer->repaired) && redis_reply_next_text(reply, &answer->detail) &&
           answer->kind >= TO_BE_CHECKED && answer->kind <= LESSON_STORE_FINDING_STALE_BANS && answer->detail.data &&
           redis_text_is_id_or_nil(answer->lesson_id) && redis_text_is_id_or_nil(answer->uid) &&
           (answer->repaired == 0 || (answer->repairable > 0 && writes(check)));
}

/* SCAN and SSCAN may return the same key twice. EXISTS if this finding was already reported. */
static int meet(struct check *check, const struct answer *answer, const char *detail) {
    char text[2 * LESSON_STORE_ID_MAX + 2 * DETAIL_SIZE];
    int size = snprintf(text, sizeof text, "%d\n%.*s\n%.*s\n%s", (int)answer->kind, (int)answer->lesson_id.size,
                        answer->lesson_id.data ? answer->lesson_id.data : "", (int)answer->uid.size,
                        answer->uid.data ? answer->uid.data : "", detail);
    return lesson_store_seen_add(&check->seen, text, (size_t)size < sizeof text ? (size_t)size : sizeof text - 1);
}

static int report(struct check *check, const struct answer *answer) {
    char detail[DETAIL_SIZE];
    snprintf(detail, sizeof detail, "%.*s", (int)answer->detail.size, answer->detail.data);
    lesson_store_make_printable(detail);
    int code = meet(check, answer, detail);
    if (code)
        return code == LESSON_STORE_EXISTS ? LESSON_STORE_OK : code;
    lesson_store_finding finding = {.kind = (uint32_t)answer->kind,
                                    .repairable = answer->repairable > 0,
                                    .repaired = answer->repaired > 0,
                                    .lesson_id = answer->lesson_id,
                                    .uid = answer->uid,
                                    .detail = detail};
    check->stopped = !check->callback(&finding, check->context);
    return LESSON_STORE_OK;
}

/* ---- Steps */

static void begin(struct check *check, const redis_script *script) {
    redis_request *request = &check->store->request;
    redis_ask_begin(check->store, script, NULL);
    redis_request_add_text(request, check->flags & LESSON_STORE_CHECK_REPAIR ? "1" : "");
    redis_request_add_text(request, check->flags & LESSON_STORE_CHECK_ENDED ? "1" : "");
}

static int garbled(struct check *check) {
    return redis_ask_garbled(check->store, writes(check));
}

static int keep_lesson(struct check *check, lesson_store_id lesson_id) {
    return redis_texts_add(&check->lessons, lesson_id)
               ? LESSON_STORE_OK
               : lesson_store_fail(LESSON_STORE_NO_MEMORY, "%s: no memory left for a check",
                                   check->store->settings.shown);
}

/* Reports the findings of a step. */
static int take_answers(struct check *check) {
    int code = LESSON_STORE_OK;
    while (!code && !check->stopped && !redis_reply_at_end(&check->store->reply)) {
        struct answer answer;
        if (!read_answer(check, &check->store->reply, &answer))
            code = garbled(check);
        else
            code = answer.kind == TO_BE_CHECKED ? keep_lesson(check, answer.lesson_id) : report(check, &answer);
    }
    return code;
}

/* Sends a step that checks members. `*checked` becomes the number in its reply. */
static int take_step(struct check *check, int64_t *checked) {
    int code = redis_ask(check->store, &check->store->reply, writes(check));
    if (!code && (!redis_reply_next_number(&check->store->reply, checked) || *checked < 0))
        code = garbled(check);
    return code ? code : take_answers(check);
}

/* ---- The members of a lesson that has too many for one step */

static int ask_members(struct check *check, lesson_store_id lesson_id, redis_cursor *cursor) {
    char key[REDIS_KEY_SIZE];
    redis_key(key, check->store->settings.prefix, REDIS_MEMBERS, lesson_id);
    redis_ask_begin_scan(check->store, key, cursor->text, REDIS_CHECK_PAGE_SIZE);
    int code = redis_ask(check->store, &check->members, false);
    if (code == LESSON_STORE_MALFORMED) { /* no set any more; the page of its key reports it */
        *cursor = redis_cursor_start();
        redis_reply_clear(&check->members);
        return LESSON_STORE_OK;
    }
    return code || redis_cursor_read(cursor, &check->members) ? code : garbled(check);
}

static int check_uids(struct check *check, lesson_store_id lesson_id) {
    const size_t most = strtoul(REDIS_CHECK_PAGE_SIZE, NULL, 10);
    int64_t checked;
    int code = LESSON_STORE_OK;
    while (!code && !check->stopped && !redis_reply_at_end(&check->members)) {
        begin(check, &redis_check_uids_script);
        redis_request_add_id(&check->store->request, lesson_id);
        for (size_t i = 0; i < most && !redis_reply_at_end(&check->members); i++) {
            lesson_store_id uid;
            if (!redis_reply_next_text(&check->members, &uid) || !uid.data)
                return garbled(check);
            redis_request_add_id(&check->store->request, uid);
        }
        code = take_step(check, &checked);
    }
    return code;
}

static int check_large_lesson(struct check *check, lesson_store_id lesson_id) {
    redis_cursor cursor = redis_cursor_start();
    int code;
    do {
        code = ask_members(check, lesson_id, &cursor);
        if (!code)
            code = check_uids(check, lesson_id);
    } while (!code && !check->stopped && !redis_cursor_at_start(&cursor));
    return code;
}

/* ---- The members of the lessons in a page of keys: many small lessons in one step */

static void begin_lessons(struct check *check, size_t at) {
    lesson_store_id lesson_id;
    begin(check, &redis_check_members_script);
    redis_request_add_text(&check->store->request, REDIS_CHECK_PAGE_SIZE);
    while (redis_texts_next(&check->lessons, &at, &lesson_id))
        redis_request_add_id(&check->store->request, lesson_id);
}

static int check_lessons(struct check *check) {
    int code = LESSON_STORE_OK;
    for (size_t at = 0; !code && !check->stopped && at < check->lessons.size;) {
        lesson_store_id lesson_id;
        int64_t checked = 0;
        begin_lessons(check, at);
        code = take_step(check, &checked);
        for (int64_t i = 0; i < checked && redis_texts_next(&check->lessons, &at, &lesson_id); i++)
            ;
        if (!code && checked == 0 && redis_texts_next(&check->lessons, &at, &lesson_id))
            code = check_large_lesson(check, lesson_id);
    }
    return code;
}

/* ---- Pages of keys */

static int ask_keys(struct check *check, redis_cursor *cursor) {
    redis_store *store = check->store;
    begin(check, &redis_check_keys_script);
    redis_request_add_text(&store->request, cursor->text);
    redis_request_add_text(&store->request, REDIS_PAGE_SIZE);
    int code = redis_ask_page(store, &store->reply, writes(check));
    return code || redis_cursor_read(cursor, &store->reply) ? code : garbled(check);
}

/* A cursor is valid only for the server that gave it. A new connection may lead to a restarted server, so after a
 * reconnect the pass begins again. */
static int check_pages(struct check *check) {
    redis_store *store = check->store;
    redis_cursor cursor = redis_cursor_start();
    uint64_t connections = 0;
    do {
        bool first = redis_cursor_at_start(&cursor);
        int code = ask_keys(check, &cursor);
        if (first)
            connections = store->connection.made;
        check->lessons.size = 0;
        if (!code)
            code = take_answers(check);
        if (!code)
            code = check_lessons(check);
        if (!code && connections != store->connection.made)
            code = lesson_store_fail(LESSON_STORE_UNREACHABLE,
                                     "%s: the connection broke during the check; begin the check again",
                                     store->settings.shown);
        if (code || check->stopped)
            return code;
    } while (!redis_cursor_at_start(&cursor));
    return LESSON_STORE_OK;
}

int redis_check(lesson_store_instance *instance, uint32_t flags, lesson_store_finding_callback callback,
                void *context) {
    struct check check = {.store = redis_of(instance),
                          .members = {.flat = true},
                          .flags = flags,
                          .callback = callback,
                          .context = context};
    redis_confirm_begin(check.store);
    int code = check_pages(&check);
    if (!code)
        code = redis_confirm_code(check.store);
    redis_texts_free(&check.lessons);
    lesson_store_seen_free(check.seen);
    redis_reply_free(&check.members);
    return code;
}
