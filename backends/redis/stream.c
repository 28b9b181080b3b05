/* The streams. Members come as one reply that is handed on while it is read; lessons and users are found page by page
 * by scripts that read the records in the same step. */
#include <stdio.h>

#include "cursor.h"
#include "redis.h"
#include "seen.h"

/* ---- What is not given, because it is not of our shape */

struct malformed {
    size_t count;
    char first[160];
};

static void note_malformed(struct malformed *malformed, const char *what, lesson_store_id id) {
    if (malformed->count++ > 0)
        return;
    snprintf(malformed->first, sizeof malformed->first, "%s \"%.*s\"", what, (int)id.size, id.data ? id.data : "");
    for (char *byte = malformed->first; *byte; byte++) {
        if ((unsigned char)*byte >= 0x80)
            *byte = '?';
    }
}

static int tell_malformed(redis_store *store, const struct malformed *malformed) {
    if (malformed->count == 0)
        return LESSON_STORE_OK;
    return lesson_store_fail(LESSON_STORE_MALFORMED, "%s: %zu not listed, being malformed; the first: %s",
                             store->connection.settings.shown, malformed->count, malformed->first);
}

/* ---- Members */

struct members {
    lesson_store_member_callback callback;
    void *context;
    struct malformed malformed;
    bool stopped;
};

/* After the callback has stopped, the rest of the reply is still read, so that the connection can be used again. */
static void give_member(const char *data, size_t size, void *context) {
    struct members *members = context;
    lesson_store_id uid = {data, size};
    if (members->stopped)
        return;
    if (lesson_store_id_valid(data, size))
        members->stopped = !members->callback(uid, members->context);
    else
        note_malformed(&members->malformed, "member", uid);
}

static int ask_members(redis_store *store, lesson_store_id lesson_id, redis_reply *reply) {
    static const char middle[] = ":LESSON_USER:LESSON_ID:";
    char key[LESSON_STORE_ID_MAX + sizeof middle + LESSON_STORE_ID_MAX];
    snprintf(key, sizeof key, "%s%s%.*s", store->connection.settings.prefix, middle, (int)lesson_id.size,
             lesson_id.data);
    redis_request_begin(&store->request, NULL);
    redis_request_add_text(&store->request, "SMEMBERS");
    redis_request_add_text(&store->request, key);
    int code = redis_ask(store, reply, false);
    if (code == LESSON_STORE_MALFORMED)
        lesson_store_fail(code, "%s: %s is not a set", store->connection.settings.shown, key);
    return code;
}

int redis_members(lesson_store_instance *instance, lesson_store_id lesson_id, lesson_store_member_callback callback,
                  void *context) {
    redis_store *store = redis_of(instance);
    struct members members = {.callback = callback, .context = context};
    redis_reply reply = {.each = give_member, .context = &members};
    int code = ask_members(store, lesson_id, &reply);
    bool only_texts = reply.is_array && reply.count == 0;
    redis_reply_free(&reply);
    if (members.stopped)
        return LESSON_STORE_OK;
    if (!code && !only_texts)
        code = redis_ask_garbled(store, false);
    return code ? code : tell_malformed(store, &members.malformed);
}

/* ---- Lessons and users: pages of entries */

struct listing {
    redis_store *store;
    redis_seen seen;
    struct malformed malformed;
    lesson_store_lesson_callback give_lesson;
    lesson_store_user_callback give_user;
    void *context;
    bool stopped;
};

/* Takes one entry from the reply. OK, or a code, announced. */
typedef int (*entry_function)(struct listing *listing);

static int garbled(struct listing *listing) {
    return redis_ask_garbled(listing->store, false);
}

/* EXISTS if the entry was met before, in this page or in one before. */
static int meet(struct listing *listing, lesson_store_id id) {
    if (!id.data)
        return garbled(listing);
    return redis_seen_add(&listing->seen, id.data, id.size);
}

static int take_lesson(struct listing *listing) {
    redis_reply *reply = &listing->store->reply;
    lesson_store_id word, course_status, chat_status;
    lesson_store_lesson lesson;
    int64_t count;
    if (!redis_reply_next_text(reply, &word) || !redis_reply_next_text(reply, &lesson.lesson_id) ||
        !redis_reply_next_text(reply, &course_status) || !redis_reply_next_text(reply, &chat_status) ||
        !redis_reply_next_number(reply, &count))
        return garbled(listing);
    int code = meet(listing, lesson.lesson_id);
    if (code)
        return code == LESSON_STORE_EXISTS ? LESSON_STORE_OK : code;
    lesson.has_record = redis_text_is(word, "RECORD");
    lesson.member_count = (uint64_t)count;
    lesson.course_status = redis_status_of(course_status, LESSON_STORE_COURSE_WAITING);
    lesson.chat_status = redis_status_of(chat_status, LESSON_STORE_CHAT_BANNED);
    if (redis_text_is(word, "WRONG_TYPE") || lesson.course_status == LESSON_STORE_MALFORMED ||
        lesson.chat_status == LESSON_STORE_MALFORMED ||
        !lesson_store_id_valid(lesson.lesson_id.data, lesson.lesson_id.size))
        note_malformed(&listing->malformed, "lesson", lesson.lesson_id);
    else
        listing->stopped = !listing->give_lesson(&lesson, listing->context);
    return LESSON_STORE_OK;
}

static int take_user(struct listing *listing) {
    redis_reply *reply = &listing->store->reply;
    lesson_store_id word;
    lesson_store_user user;
    if (!redis_reply_next_text(reply, &word) || !redis_reply_next_text(reply, &user.uid) ||
        !redis_reply_next_text(reply, &user.course_id) || !redis_reply_next_text(reply, &user.lesson_id) ||
        !redis_reply_next_text(reply, &user.session))
        return garbled(listing);
    int code = meet(listing, user.uid);
    if (code || redis_text_is(word, "IDLE"))
        return code == LESSON_STORE_EXISTS ? LESSON_STORE_OK : code;
    if (redis_text_is(word, "WRONG_TYPE") || !lesson_store_id_valid(user.uid.data, user.uid.size) ||
        !lesson_store_id_valid(user.lesson_id.data, user.lesson_id.size) || !redis_text_is_id_or_nil(user.course_id) ||
        !redis_text_is_id_or_nil(user.session))
        note_malformed(&listing->malformed, "user", user.uid);
    else
        listing->stopped = !listing->give_user(&user, listing->context);
    return LESSON_STORE_OK;
}

static int take_page(struct listing *listing, entry_function take) {
    int code = LESSON_STORE_OK;
    while (!code && !listing->stopped && !redis_reply_at_end(&listing->store->reply))
        code = take(listing);
    return code;
}

/* The pages of one pass. A cursor means something only to the server that gave it, and a connection made anew may lead
 * to a server that was restarted: then the pass begins again, once, and what was given already is not given again. */
static int list_pages(struct listing *listing, const redis_script *script, entry_function take) {
    redis_store *store = listing->store;
    redis_cursor cursor = redis_cursor_start();
    bool began_again = false;
    for (;;) {
        uint64_t connections = store->connection.made;
        bool first = redis_cursor_at_start(&cursor);
        redis_ask_begin(store, script);
        redis_request_add_text(&store->request, cursor.text);
        redis_request_add_text(&store->request, REDIS_PAGE_SIZE);
        int code = redis_ask(store, &store->reply, false);
        if (code)
            return code;
        if (!first && connections != store->connection.made) {
            if (began_again)
                return lesson_store_fail(LESSON_STORE_UNREACHABLE, "%s: the connection broke twice during one listing",
                                         store->connection.settings.shown);
            began_again = true;
            cursor = redis_cursor_start();
            continue;
        }
        if (!redis_cursor_read(&cursor, &store->reply))
            return garbled(listing);
        code = take_page(listing, take);
        if (code || listing->stopped || redis_cursor_at_start(&cursor))
            return code;
    }
}

static int list(struct listing *listing, const redis_script *script, entry_function take) {
    int code = list_pages(listing, script, take);
    redis_seen_free(&listing->seen);
    if (code || listing->stopped)
        return code;
    return tell_malformed(listing->store, &listing->malformed);
}

int redis_lessons(lesson_store_instance *instance, lesson_store_lesson_callback callback, void *context) {
    struct listing listing = {.store = redis_of(instance), .give_lesson = callback, .context = context};
    return list(&listing, &redis_lessons_script, take_lesson);
}

int redis_users(lesson_store_instance *instance, lesson_store_user_callback callback, void *context) {
    struct listing listing = {.store = redis_of(instance), .give_user = callback, .context = context};
    return list(&listing, &redis_users_script, take_user);
}
