/* The lists of lessons, users, owners and bans. Scripts find them page by page, and read the records in the same step.
 */
#include <stdio.h>
#include <stdlib.h>

#include "cursor.h"
#include "malformed.h"

struct listing {
    redis_store *store;
    lesson_store_seen *seen;
    redis_malformed malformed;
    lesson_store_lesson_callback give_lesson;
    lesson_store_user_callback give_user;
    lesson_store_owner_callback give_owner;
    lesson_store_banned_callback give_banned;
    const lesson_store_id *lesson_id; /* of bans, else NULL */
    void *context;
    const lesson_store_lesson_filter *filter; /* of lessons; NULL: none */
    uint64_t met;                             /* entries that were given, without repetitions */
    bool stopped;
    bool is_page; /* core drops entries that were given before */
};

/* Takes one entry from the reply. Returns OK, or a code with its message set. */
typedef int (*entry_function)(struct listing *listing);

static int garbled(struct listing *listing) {
    return redis_ask_garbled(listing->store, false);
}

/* EXISTS if the entry was given before, in this page or an earlier one. */
static int meet(struct listing *listing, lesson_store_id id) {
    if (!id.data)
        return garbled(listing);
    int code = listing->is_page ? LESSON_STORE_OK : lesson_store_seen_add(&listing->seen, id.data, id.size);
    listing->met += code == LESSON_STORE_OK;
    return code;
}

static int take_lesson(struct listing *listing) {
    redis_reply *reply = &listing->store->reply;
    lesson_store_id word, course_status, chat_status, capacity;
    lesson_store_lesson lesson = {.has_record = false};
    int64_t count;
    if (!redis_reply_next_text(reply, &word) || !redis_reply_next_text(reply, &lesson.lesson_id) ||
        !redis_reply_next_text(reply, &course_status) || !redis_reply_next_text(reply, &chat_status) ||
        !redis_reply_next_text(reply, &lesson.course_id) || !redis_reply_next_text(reply, &capacity) ||
        !redis_reply_next_number(reply, &count) || count < 0)
        return garbled(listing);
    int code = meet(listing, lesson.lesson_id);
    if (code)
        return code == LESSON_STORE_EXISTS ? LESSON_STORE_OK : code;
    lesson.has_record = redis_text_is(word, "RECORD");
    lesson.member_count = (uint64_t)count;
    lesson.course_status = redis_status_of(course_status, LESSON_STORE_COURSE_WAITING);
    lesson.chat_status = redis_status_of(chat_status, LESSON_STORE_CHAT_BANNED);
    bool is_unknown = redis_text_is(word, "WRONG_TYPE");
    bool passes = is_unknown || !listing->filter || lesson_store_filter_passes(listing->filter, &lesson);
    if (!redis_is_lesson(&lesson) || !passes)
        return garbled(listing);
    if (!lesson.has_record && lesson.member_count == 0 && !is_unknown)
        return LESSON_STORE_OK; /* the entry was removed meanwhile */
    if (is_unknown || lesson.course_status == LESSON_STORE_MALFORMED || lesson.chat_status == LESSON_STORE_MALFORMED ||
        !redis_read_capacity(capacity, &lesson.capacity) || !redis_text_is_id_or_nil(lesson.course_id) ||
        !lesson_store_id_valid(lesson.lesson_id.data, lesson.lesson_id.size))
        redis_malformed_note(&listing->malformed, "lesson", lesson.lesson_id);
    else
        listing->stopped = !listing->give_lesson(&lesson, listing->context);
    return LESSON_STORE_OK;
}

static int take_user(struct listing *listing) {
    redis_reply *reply = &listing->store->reply;
    lesson_store_id word, joined_ms;
    lesson_store_user user = {.session = {NULL, 0}};
    if (!redis_reply_next_text(reply, &word) || !redis_reply_next_text(reply, &user.uid) ||
        !redis_reply_next_text(reply, &user.course_id) || !redis_reply_next_text(reply, &user.lesson_id) ||
        !redis_reply_next_text(reply, &user.session) || !redis_reply_next_text(reply, &user.owner) ||
        !redis_reply_next_text(reply, &joined_ms))
        return garbled(listing);
    user.joined_ms = user.owner.data ? redis_read_time(joined_ms) : 0;
    int code = meet(listing, user.uid);
    if (code || redis_text_is(word, "IDLE"))
        return code == LESSON_STORE_EXISTS ? LESSON_STORE_OK : code;
    if (redis_text_is(word, "WRONG_TYPE") || !lesson_store_id_valid(user.uid.data, user.uid.size) ||
        !lesson_store_id_valid(user.lesson_id.data, user.lesson_id.size) || !redis_text_is_id_or_nil(user.course_id) ||
        !redis_text_is_id_or_nil(user.session) || !redis_text_is_id_or_nil(user.owner))
        redis_malformed_note(&listing->malformed, "user", user.uid);
    else
        listing->stopped = !listing->give_user(&user, listing->context);
    return LESSON_STORE_OK;
}

/* 0 if it is no number. */
static int64_t number_of(lesson_store_id text) {
    char digits[24];
    snprintf(digits, sizeof digits, "%.*s", (int)(text.size < sizeof digits ? text.size : 0),
             text.data ? text.data : "");
    return strtoll(digits, NULL, 10);
}

static void describe(lesson_store_owner *owner, lesson_store_id lease, lesson_store_id left) {
    bool is_over = redis_text_is(left, "OVER");
    owner->lease_ms = number_of(lease);
    owner->left_ms = is_over ? 0 : number_of(left);
    owner->state = is_over              ? LESSON_STORE_OWNER_OVER
                   : owner->left_ms < 0 ? LESSON_STORE_OWNER_LATE
                                        : LESSON_STORE_OWNER_HELD;
}

bool redis_read_owner(redis_reply *reply, lesson_store_owner *owner) {
    lesson_store_id lease, left;
    *owner = (lesson_store_owner){.lease_ms = 0};
    if (!redis_reply_next_text(reply, &owner->owner) || !owner->owner.data || !redis_reply_next_text(reply, &lease) ||
        !redis_reply_next_text(reply, &left) || !left.data)
        return false;
    describe(owner, lease, left);
    return true;
}

bool redis_read_banned(redis_reply *reply, lesson_store_banned *banned) {
    lesson_store_id left;
    *banned = (lesson_store_banned){.left_ms = 0};
    if (!redis_reply_next_text(reply, &banned->uid) || !banned->uid.data || !redis_reply_next_text(reply, &left) ||
        !left.data)
        return false;
    banned->left_ms = number_of(left);
    return true;
}

static int take_owner(struct listing *listing) {
    lesson_store_owner owner;
    if (!redis_read_owner(&listing->store->reply, &owner))
        return garbled(listing);
    int code = meet(listing, owner.owner);
    if (!code && !lesson_store_id_valid(owner.owner.data, owner.owner.size))
        redis_malformed_note(&listing->malformed, "owner", owner.owner);
    else if (!code)
        listing->stopped = !listing->give_owner(&owner, listing->context);
    return code == LESSON_STORE_EXISTS ? LESSON_STORE_OK : code;
}

static int take_banned(struct listing *listing) {
    lesson_store_banned banned;
    if (!redis_read_banned(&listing->store->reply, &banned))
        return garbled(listing);
    int code = meet(listing, banned.uid);
    if (!code && !lesson_store_id_valid(banned.uid.data, banned.uid.size))
        redis_malformed_note(&listing->malformed, "banned user", banned.uid);
    else if (!code)
        listing->stopped = !listing->give_banned(&banned, listing->context);
    return code == LESSON_STORE_EXISTS ? LESSON_STORE_OK : code;
}

static int take_page(struct listing *listing, entry_function take) {
    int code = LESSON_STORE_OK;
    while (!code && !listing->stopped && !redis_reply_at_end(&listing->store->reply))
        code = take(listing);
    return code;
}

static void add_status(redis_request *request, bool is_given, int32_t status) {
    const char text[] = {(char)('0' + status), '\0'};
    redis_request_add_text(request, is_given ? text : "");
}

/* Begins to ask for a page: the arguments of the script (scripts/lessons.lua, ...). */
static void begin_page(struct listing *listing, const redis_script *script, const char *cursor, const char *count) {
    redis_store *store = listing->store;
    const lesson_store_lesson_filter *filter = listing->filter;
    redis_ask_begin(store, script, NULL);
    if (listing->lesson_id)
        redis_request_add_id(&store->request, *listing->lesson_id);
    redis_request_add_text(&store->request, cursor);
    redis_request_add_text(&store->request, count);
    if (!filter)
        return;
    add_status(&store->request, filter->given & LESSON_STORE_GIVEN_COURSE_STATUS, filter->course_status);
    add_status(&store->request, filter->given & LESSON_STORE_GIVEN_CHAT_STATUS, filter->chat_status);
    redis_request_add_id(&store->request, filter->course_id);
}

/* The pages of one pass. A cursor is valid only for the server that gave it, and a new connection may lead to a
 * restarted server. In that case the pass begins again, and entries that were given before are not given again. It may
 * do so as long as each pass gives something new: a server can close a connection that is idle while a callback takes
 * its time. */
static int list_pages(struct listing *listing, const redis_script *script, entry_function take) {
    redis_store *store = listing->store;
    redis_cursor cursor = redis_cursor_start();
    bool is_again = false;
    uint64_t met = 0; /* before this pass */
    for (;;) {
        uint64_t connections = store->connection.made;
        bool first = redis_cursor_at_start(&cursor);
        begin_page(listing, script, cursor.text, REDIS_PAGE_SIZE);
        int code = redis_ask_page(store, &store->reply, false);
        if (code)
            return code;
        if (!first && connections != store->connection.made) {
            if (is_again && listing->met == met)
                return lesson_store_fail(LESSON_STORE_UNREACHABLE, "%s: the connection breaks before a list can go on",
                                         store->settings.shown);
            is_again = true;
            met = listing->met;
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
    lesson_store_seen_free(listing->seen);
    if (code || listing->stopped)
        return code;
    return redis_malformed_report(&listing->malformed, listing->store);
}

int redis_lessons(lesson_store_instance *instance, lesson_store_lesson_callback callback, void *context) {
    struct listing listing = {.store = redis_of(instance), .give_lesson = callback, .context = context};
    return list(&listing, &redis_lessons_script, take_lesson);
}

int redis_find_lessons(lesson_store_instance *instance, const lesson_store_lesson_filter *filter,
                       lesson_store_lesson_callback callback, void *context) {
    struct listing listing = {
        .store = redis_of(instance), .filter = filter, .give_lesson = callback, .context = context};
    return list(&listing, &redis_lessons_script, take_lesson);
}

int redis_users(lesson_store_instance *instance, lesson_store_user_callback callback, void *context) {
    struct listing listing = {.store = redis_of(instance), .give_user = callback, .context = context};
    return list(&listing, &redis_users_script, take_user);
}

int redis_owners(lesson_store_instance *instance, lesson_store_owner_callback callback, void *context) {
    struct listing listing = {.store = redis_of(instance), .give_owner = callback, .context = context};
    return list(&listing, &redis_owners_script, take_owner);
}

int redis_bans(lesson_store_instance *instance, const lesson_store_id *lesson_id, lesson_store_banned_callback callback,
               void *context) {
    struct listing listing = {
        .store = redis_of(instance), .give_banned = callback, .lesson_id = lesson_id, .context = context};
    return list(&listing, &redis_bans_script, take_banned);
}

/* ---- Pages */

static int give_page(struct listing *listing, const redis_script *script, entry_function take, size_t most,
                     lesson_store_position *position) {
    redis_store *store = listing->store;
    redis_cursor cursor = redis_cursor_of(position);
    char count[8];
    redis_write_page_size(count, most, REDIS_PAGE_SIZE);
    begin_page(listing, script, cursor.text, count);
    int64_t asked_us = lesson_store_monotonic_us();
    int code = redis_ask_page(store, &store->reply, false);
    if (code || !redis_cursor_is_of_this_server(position, &store->connection, asked_us))
        return code;
    if (!redis_cursor_read(&cursor, &store->reply))
        return garbled(listing);
    code = take_page(listing, take);
    if (code || listing->stopped)
        return code;
    redis_cursor_keep(&cursor, position);
    return redis_malformed_report(&listing->malformed, store);
}

int redis_lessons_page(lesson_store_instance *instance, size_t most, lesson_store_position *position,
                       lesson_store_lesson_callback callback, void *context) {
    struct listing listing = {
        .store = redis_of(instance), .give_lesson = callback, .context = context, .is_page = true};
    return give_page(&listing, &redis_lessons_script, take_lesson, most, position);
}

/* Few lessons may pass, so each page looks at as many as possible. */
int redis_find_lessons_page(lesson_store_instance *instance, const lesson_store_lesson_filter *filter, size_t most,
                            lesson_store_position *position, lesson_store_lesson_callback callback, void *context) {
    struct listing listing = {
        .store = redis_of(instance), .filter = filter, .give_lesson = callback, .context = context, .is_page = true};
    (void)most;
    return give_page(&listing, &redis_lessons_script, take_lesson, SIZE_MAX, position);
}

int redis_users_page(lesson_store_instance *instance, size_t most, lesson_store_position *position,
                     lesson_store_user_callback callback, void *context) {
    struct listing listing = {.store = redis_of(instance), .give_user = callback, .context = context, .is_page = true};
    return give_page(&listing, &redis_users_script, take_user, most, position);
}
