/* Check and repair. The scripts find disagreements and repair them in the same step. This file reports each finding
 * once. */
#include <stdio.h>

#include "cursor.h"
#include "redis.h"

#define DETAIL_SIZE 512 /* the scripts cut what they quote to 80 bytes, and may write each byte as four */

#define TO_BE_CHECKED (-1) /* the kind that check_keys.lua uses to name a lesson that has members */

struct check {
    redis_store *store;
    redis_reply members; /* a second reply, because the store's own holds the page of keys */
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
           answer->kind >= TO_BE_CHECKED && answer->kind <= LESSON_STORE_FINDING_MALFORMED && answer->detail.data &&
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

static int ask_page(struct check *check, const redis_script *script, redis_cursor *cursor, lesson_store_id lesson_id,
                    redis_reply *reply) {
    redis_request *request = &check->store->request;
    redis_ask_begin(check->store, script);
    redis_request_add_text(request, cursor->text);
    redis_request_add_text(request, REDIS_PAGE_SIZE);
    redis_request_add_text(request, check->flags & LESSON_STORE_CHECK_REPAIR ? "1" : "");
    redis_request_add_text(request, check->flags & LESSON_STORE_CHECK_ENDED ? "1" : "");
    redis_request_add_id(request, lesson_id);
    int code = redis_ask(check->store, reply, writes(check));
    if (!code && !redis_cursor_read(cursor, reply))
        code = redis_ask_garbled(check->store, writes(check));
    return code;
}

static int check_members(struct check *check, lesson_store_id lesson_id) {
    redis_reply *reply = &check->members;
    redis_cursor cursor = redis_cursor_start();
    int code;
    do {
        code = ask_page(check, &redis_check_members_script, &cursor, lesson_id, reply);
        while (!code && !check->stopped && !redis_reply_at_end(reply)) {
            struct answer answer;
            bool ours = read_answer(check, reply, &answer) && answer.kind != TO_BE_CHECKED;
            code = ours ? report(check, &answer) : redis_ask_garbled(check->store, writes(check));
        }
    } while (!code && !check->stopped && !redis_cursor_at_start(&cursor));
    return code;
}

static int check_answer(struct check *check) {
    struct answer answer;
    if (!read_answer(check, &check->store->reply, &answer))
        return redis_ask_garbled(check->store, writes(check));
    return answer.kind == TO_BE_CHECKED ? check_members(check, answer.lesson_id) : report(check, &answer);
}

/* A cursor is valid only for the server that gave it. A new connection may lead to a restarted server, so after a
 * reconnect the pass begins again. */
static int check_pages(struct check *check) {
    redis_store *store = check->store;
    redis_cursor cursor = redis_cursor_start();
    uint64_t connections = 0;
    do {
        bool first = redis_cursor_at_start(&cursor);
        int code = ask_page(check, &redis_check_keys_script, &cursor, (lesson_store_id){NULL, 0}, &store->reply);
        if (first)
            connections = store->connection.made;
        while (!code && !check->stopped && !redis_reply_at_end(&store->reply))
            code = check_answer(check);
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
    struct check check = {.store = redis_of(instance), .flags = flags, .callback = callback, .context = context};
    int code = check_pages(&check);
    lesson_store_seen_free(check.seen);
    redis_reply_free(&check.members);
    return code;
}
