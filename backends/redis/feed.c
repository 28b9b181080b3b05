/*
 * The events: a stream, which the scripts write. An entry holds the events of one step, up to 16, in the field `e` once
 * for each. The parts of an event are separated by the unit separator, which no id has:
 *
 *   C S R E   create, set, end_record, end: kind and cause, LESSON, COURSE, COURSE_STATUS, CHAT_STATUS, CAPACITY, COUNT
 *   J Q       join, quit: kind and cause, LESSON, UID, COURSE, FROM_LESSON, SESSION, OWNER
 *   O         none: the feed was turned on
 *
 * A part that is not given is empty, and empty ones at the end are left out. Another capital letter is a kind of a
 * later version, with any parts, and is read as none.
 *
 * A position is an entry, how many of its events were given, and a hash of the entry. After a failover the new server
 * may have another entry of the same name, or none: then the events behind it are other ones too.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "failure.h"
#include "keys.h"
#include "primary.h"

#define SEPARATOR '\x1f'
#define PARTS_MAX 7
#define ENTRIES_AT_FIRST 64 /* of a page; more while they hold few events */

enum { MS, SEQUENCE, GIVEN, HASH }; /* the words of a position */

/* ---- Requests */

static void begin(redis_store *store, const char *command) {
    char key[REDIS_KEY_SIZE];
    redis_key(key, store->settings.prefix, REDIS_EVENTS, (lesson_store_id){"", 0});
    redis_request_begin(&store->request);
    redis_request_add_text(&store->request, command);
    redis_request_add_text(&store->request, key);
}

static void add_number(redis_store *store, uint64_t number) {
    char digits[24];
    snprintf(digits, sizeof digits, "%" PRIu64, number);
    redis_request_add_text(&store->request, digits);
}

/* `behind`: "(", for a range that begins behind the entry, or "". */
static void add_entry(redis_store *store, const char *behind, const lesson_store_event_position *position) {
    char name[64];
    snprintf(name, sizeof name, "%s%" PRIu64 "-%" PRIu64, behind, position->words[MS], position->words[SEQUENCE]);
    redis_request_add_text(&store->request, name);
}

int redis_turn_feed(redis_store *store) {
    redis_ask_begin(store, &redis_feed_script, NULL);
    add_number(store, (uint64_t)store->settings.events_kept);
    int code = redis_ask(store, &store->reply, true);
    if (!code)
        store->connection.keeps_events = store->settings.events_kept > 0;
    return code;
}

/* ---- Entries */

static bool read_number(lesson_store_id digits, uint64_t most, uint64_t *number) {
    *number = 0;
    for (size_t i = 0; i < digits.size; i++) {
        uint64_t digit = (unsigned char)digits.data[i] - (uint64_t)'0';
        if (digit > 9 || *number > (UINT64_MAX - digit) / 10)
            return false;
        *number = *number * 10 + digit;
    }
    return digits.size > 0 && *number <= most;
}

static bool read_name(lesson_store_id name, lesson_store_event_position *entry) {
    const char *dash = name.data ? memchr(name.data, '-', name.size) : NULL;
    *entry = (lesson_store_event_position){{0}};
    if (!dash)
        return false;
    size_t size = (size_t)(dash - name.data);
    return read_number((lesson_store_id){name.data, size}, UINT64_MAX, &entry->words[MS]) &&
           read_number((lesson_store_id){dash + 1, name.size - size - 1}, UINT64_MAX, &entry->words[SEQUENCE]);
}

static bool is_same_entry(const lesson_store_event_position *a, const lesson_store_event_position *b) {
    return a->words[MS] == b->words[MS] && a->words[SEQUENCE] == b->words[SEQUENCE];
}

static bool is_later_entry(const lesson_store_event_position *a, const lesson_store_event_position *b) {
    return a->words[MS] > b->words[MS] || (a->words[MS] == b->words[MS] && a->words[SEQUENCE] > b->words[SEQUENCE]);
}

/* FNV-1a */
static uint64_t hash_more(uint64_t hash, lesson_store_id text) {
    for (size_t i = 0; i < text.size; i++)
        hash = (hash ^ (unsigned char)text.data[i]) * UINT64_C(0x100000001b3);
    return hash;
}

/* Reads the next entry: its name, and an array of fields and values. Its HASH becomes that of its events, and its GIVEN
 * their number. The next text of the reply is then the field of its first event. */
static bool read_entry(redis_reply *reply, lesson_store_event_position *entry) {
    int64_t parts, texts;
    lesson_store_id name, field, value;
    if (!redis_reply_next_array(reply, &parts) || parts != 2 || !redis_reply_next_text(reply, &name) ||
        !read_name(name, entry) || !redis_reply_next_array(reply, &texts) || texts < 2 || texts % 2 != 0)
        return false;
    size_t first = reply->next;
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (; texts > 0; texts -= 2) {
        if (!redis_reply_next_text(reply, &field) || !field.data || !redis_reply_next_text(reply, &value) ||
            !value.data)
            return false;
        hash = hash_more(hash, value);
        entry->words[GIVEN]++;
    }
    entry->words[HASH] = hash;
    reply->next = first;
    return true;
}

static bool read_only_entry(redis_reply *reply, lesson_store_event_position *entry) {
    return read_entry(reply, entry) && reply->next + 2 * entry->words[GIVEN] == reply->count;
}

/* ---- Events */

static int split(lesson_store_id text, lesson_store_id parts[PARTS_MAX]) {
    int count = 0;
    for (const char *at = text.data, *end = text.data + text.size; at <= end; count++) {
        const char *separator = memchr(at, SEPARATOR, (size_t)(end - at));
        const char *stop = separator ? separator : end;
        if (count == PARTS_MAX)
            return -1;
        parts[count] = (lesson_store_id){at, (size_t)(stop - at)};
        at = stop + 1;
    }
    return count;
}

static bool read_number_if_given(lesson_store_id part, uint64_t most, uint64_t *number) {
    *number = 0;
    return part.size == 0 || read_number(part, most, number);
}

static bool read_lesson_parts(const lesson_store_id *parts, lesson_store_event *event) {
    uint64_t course_status, chat_status;
    event->course_id = redis_valid_or_none(redis_given(parts[2]));
    event->given = (parts[3].size > 0 ? LESSON_STORE_GIVEN_COURSE_STATUS : 0U) |
                   (parts[4].size > 0 ? LESSON_STORE_GIVEN_CHAT_STATUS : 0U) |
                   (parts[5].size > 0 ? LESSON_STORE_GIVEN_CAPACITY : 0U);
    bool is_sound = read_number_if_given(parts[3], LESSON_STORE_COURSE_WAITING, &course_status) &&
                    read_number_if_given(parts[4], LESSON_STORE_CHAT_BANNED, &chat_status) &&
                    read_number_if_given(parts[5], LESSON_STORE_CAPACITY_MAX, &event->capacity) &&
                    read_number_if_given(parts[6], UINT64_MAX, &event->count);
    event->course_status = is_sound ? (int32_t)course_status : 0;
    event->chat_status = is_sound ? (int32_t)chat_status : 0;
    return is_sound;
}

/* Legacy records may hold ids that are not valid. Those count as not given, but there is no event without a user. */
static bool read_user_parts(const lesson_store_id *parts, lesson_store_event *event) {
    event->uid = redis_valid_or_none(redis_given(parts[2]));
    event->course_id = redis_valid_or_none(redis_given(parts[3]));
    event->from_lesson_id = redis_valid_or_none(redis_given(parts[4]));
    event->session = redis_valid_or_none(redis_given(parts[5]));
    event->owner = redis_valid_or_none(redis_given(parts[6]));
    return event->uid.data != NULL;
}

/* 0 for a capital letter of no kind. */
static uint32_t kind_of(char letter) {
    static const char letters[] = " CSERJQ";
    const char *found = strchr(letters, letter);
    return found ? (uint32_t)(found - letters) : 0;
}
_Static_assert(LESSON_STORE_EVENT_CREATE == 1 && LESSON_STORE_EVENT_END_RECORD == 4 && LESSON_STORE_EVENT_QUIT == 6,
               "the letters of the kinds");

static bool has_kind_and_cause(lesson_store_id text) {
    return text.size >= 2 && text.data[0] >= 'A' && text.data[0] <= 'Z' && text.data[1] >= '0' && text.data[1] <= '9' &&
           (text.size == 2 || text.data[2] == SEPARATOR);
}

/* False if the event cannot be read. One of no kind only moves the position. */
static bool read_event(lesson_store_id text, lesson_store_event *event) {
    lesson_store_id parts[PARTS_MAX] = {{NULL, 0}};
    *event = (lesson_store_event){.kind = 0};
    if (!has_kind_and_cause(text))
        return false;
    uint32_t kind = kind_of(text.data[0]);
    if (kind == 0)
        return true;
    if (split(text, parts) < 0)
        return false;
    event->kind = kind;
    event->cause = (uint32_t)(text.data[1] - '0');
    event->lesson_id = redis_valid_or_none(redis_given(parts[1]));
    bool is_of_user = kind == LESSON_STORE_EVENT_JOIN || kind == LESSON_STORE_EVENT_QUIT;
    return event->lesson_id.data && (is_of_user ? read_user_parts(parts, event) : read_lesson_parts(parts, event));
}

/* ---- Pages */

struct reading {
    redis_store *store;
    lesson_store_event_position *position;
    lesson_store_event_taker take;
    void *context;
    size_t taken;
    bool is_full;
    bool is_broken; /* events are missing, or one cannot be read */
};

/* Gives the events of an entry but the first ones, which were given before. An event that another program has written
 * can have any field. */
static void give_entry(struct reading *reading, redis_reply *reply, const lesson_store_event_position *entry,
                       uint64_t given_before) {
    for (uint64_t i = 1; i <= entry->words[GIVEN]; i++) {
        lesson_store_id field, value;
        lesson_store_event event;
        lesson_store_event_position behind = *entry;
        redis_reply_next_text(reply, &field);
        redis_reply_next_text(reply, &value);
        if (i <= given_before || reading->is_full || reading->is_broken)
            continue;
        behind.words[GIVEN] = i;
        reading->is_broken = !redis_text_is(field, "e") || !read_event(value, &event);
        event.at_ms = (int64_t)entry->words[MS];
        if (!reading->is_broken)
            reading->is_full = !reading->take(&event, &behind, reading->context);
        if (!reading->is_broken && !reading->is_full)
            *reading->position = behind;
        reading->taken++;
    }
}

/* The entry of the position, which is there only if none behind it was trimmed or lost. */
static bool give_rest(struct reading *reading, redis_reply *reply) {
    lesson_store_event_position entry;
    const uint64_t *words = reading->position->words;
    if (lesson_store_event_position_is_oldest(reading->position))
        return true;
    reading->is_broken = reply->is_array && redis_reply_at_end(reply);
    if (reading->is_broken)
        return true;
    if (!read_only_entry(reply, &entry) || !is_same_entry(&entry, reading->position))
        return false;
    reading->is_broken = entry.words[HASH] != words[HASH] || entry.words[GIVEN] < words[GIVEN];
    if (!reading->is_broken)
        give_entry(reading, reply, &entry, words[GIVEN]);
    return true;
}

/* The position before the oldest entry. */
static void give_start(struct reading *reading, const lesson_store_event_position *oldest) {
    const lesson_store_event none = {.kind = 0};
    lesson_store_event_position start = *oldest;
    start.words[GIVEN] = 0;
    reading->is_full = !reading->take(&none, &start, reading->context);
    if (!reading->is_full)
        *reading->position = start;
}

static bool give_entries(struct reading *reading, redis_reply *reply, size_t *entries) {
    lesson_store_event_position entry;
    for (*entries = 0; !redis_reply_at_end(reply) && !reading->is_full && !reading->is_broken; ++*entries) {
        if (!read_entry(reply, &entry) || !is_later_entry(&entry, reading->position))
            return false;
        if (lesson_store_event_position_is_oldest(reading->position))
            give_start(reading, &entry);
        give_entry(reading, reply, &entry, 0);
    }
    return reply->is_array;
}

/* ---- Reading */

/* The newest position. NOT_FOUND: there are no events, so the feed is off. */
static int find_newest(redis_store *store, lesson_store_event_position *newest) {
    begin(store, "XREVRANGE");
    redis_request_add_text(&store->request, "+");
    redis_request_add_text(&store->request, "-");
    redis_request_add_text(&store->request, "COUNT");
    redis_request_add_text(&store->request, "1");
    redis_reply reply = {.flat = true, .has_arrays = true};
    int code = redis_ask(store, &reply, false);
    if (!code && reply.is_array && redis_reply_at_end(&reply))
        code = LESSON_STORE_NOT_FOUND;
    else if (!code && !read_only_entry(&reply, newest))
        code = redis_ask_garbled(store, false);
    redis_reply_free(&reply);
    return code;
}

static redis_exchange_end send_request(redis_store *store) {
    redis_bytes bytes = redis_request_finish(&store->request);
    return bytes.data ? redis_connection_send(&store->connection, bytes) : REDIS_NO_MEMORY_TO_SEND;
}

/* The server answers this when there is an event behind the position, or when the time is over. */
static redis_exchange_end send_wait(redis_store *store, const lesson_store_event_position *position, int64_t wait_ms) {
    char key[REDIS_KEY_SIZE];
    redis_key(key, store->settings.prefix, REDIS_EVENTS, (lesson_store_id){"", 0});
    redis_request_begin(&store->request);
    for (const char *const *word = (const char *const[]){"XREAD", "COUNT", "1", "BLOCK", NULL}; *word; word++)
        redis_request_add_text(&store->request, *word);
    add_number(store, (uint64_t)wait_ms);
    redis_request_add_text(&store->request, "STREAMS");
    redis_request_add_text(&store->request, key);
    add_entry(store, "", position);
    return send_request(store);
}

static redis_exchange_end send_page(redis_store *store, const lesson_store_event_position *position, size_t entries) {
    begin(store, "XRANGE");
    add_entry(store, "(", position);
    redis_request_add_text(&store->request, "+");
    redis_request_add_text(&store->request, "COUNT");
    add_number(store, entries);
    redis_exchange_end end = send_request(store);
    if (end != REDIS_ANSWERED)
        return end;
    begin(store, "XRANGE");
    add_entry(store, "", position);
    add_entry(store, "", position);
    return send_request(store);
}

/* The page behind the position, and then the entry of the position: what is trimmed meanwhile makes a gap. */
static redis_exchange_end exchange(redis_store *store, const lesson_store_event_position *position, int64_t wait_ms,
                                   size_t entries, redis_reply *page, redis_reply *entry) {
    redis_reply_clear(&store->reply);
    redis_exchange_end end = wait_ms > 0 ? send_wait(store, position, wait_ms) : REDIS_ANSWERED;
    if (end == REDIS_ANSWERED)
        end = send_page(store, position, entries);
    if (end == REDIS_ANSWERED && wait_ms > 0)
        end = redis_connection_receive(&store->connection, &store->reply);
    if (end == REDIS_ANSWERED)
        end = redis_connection_receive(&store->connection, page);
    if (end == REDIS_ANSWERED)
        end = redis_connection_receive(&store->connection, entry);
    return end;
}

static int refuse(redis_store *store, const redis_reply *reply) {
    int code = redis_ask_error(store, reply, false);
    redis_primary_refused(store, redis_reply_line(reply));
    return code;
}

/* The reply to XREAD says only that the wait is over: nothing was asked, the time is over, or there is an event. */
static bool is_wait_over(const redis_reply *reply) {
    return reply->is_array || reply->count == 0 || reply->items[0].type == REDIS_ITEM_NIL;
}

/* Fewer entries if they hold many events, so that a page has about as many events as were asked for. */
static void adapt_page(redis_store *store, size_t entries, size_t events, size_t most) {
    if (events > most && store->entries_per_page > 1)
        store->entries_per_page /= 2;
    else if (entries == store->entries_per_page && 2 * events <= most)
        store->entries_per_page *= 2;
}

static int give_page(struct reading *reading, size_t most, redis_reply *page, redis_reply *entry) {
    redis_store *store = reading->store;
    size_t entries = 0;
    if (store->reply.is_error || page->is_error || entry->is_error)
        return refuse(store, store->reply.is_error ? &store->reply : page->is_error ? page : entry);
    if (!is_wait_over(&store->reply) || !give_rest(reading, entry) ||
        (!reading->is_broken && !give_entries(reading, page, &entries)))
        return redis_ask_garbled(store, false);
    adapt_page(store, entries, reading->taken, most);
    if (!reading->is_broken && (reading->is_full || !lesson_store_event_position_is_oldest(reading->position)))
        return LESSON_STORE_OK;
    bool is_broken = reading->is_broken;
    lesson_store_event_position newest;
    int code = find_newest(store, &newest);
    if (!code && is_broken)
        *reading->position = newest;
    return code || !is_broken ? code : LESSON_STORE_GAP;
}

static int read_events(struct reading *reading, size_t most, int64_t wait_ms) {
    redis_store *store = reading->store;
    redis_reply page = {.flat = true, .has_arrays = true}, entry = page;
    redis_retry retry;
    if (store->entries_per_page == 0)
        store->entries_per_page = ENTRIES_AT_FIRST;
    int code = redis_primary_prepare(store, &retry);
    if (code)
        return code;
    redis_exchange_end end = exchange(store, reading->position, wait_ms, store->entries_per_page, &page, &entry);
    if (end == REDIS_ANSWERED) {
        code = give_page(reading, most, &page, &entry);
    } else {
        redis_primary_lost(store, false); /* replies that are still under way are not those of a later request */
        code = redis_ask_code(store, end, false);
    }
    redis_reply_free(&page);
    redis_reply_free(&entry);
    return code;
}

/* The data was lost, and the feed with it, which this location wants to be on. */
static int turn_on_again(redis_store *store, lesson_store_event_position *position, size_t most) {
    int code = redis_turn_feed(store);
    if (!code)
        code = find_newest(store, position);
    return !code && most > 0 ? LESSON_STORE_GAP : code;
}

int redis_events(lesson_store_instance *instance, lesson_store_event_position *position, size_t most, int64_t wait_ms,
                 lesson_store_event_taker take, void *context) {
    redis_store *store = redis_of(instance);
    struct reading reading = {.store = store, .position = position, .take = take, .context = context};
    int64_t longest_ms = store->settings.timeout_ms / 2;
    int code = most == 0 ? find_newest(store, position)
                         : read_events(&reading, most, wait_ms < longest_ms ? wait_ms : longest_ms);
    bool is_lost = code == LESSON_STORE_NOT_FOUND && store->settings.events_kept > 0;
    return is_lost ? turn_on_again(store, position, most) : code;
}
