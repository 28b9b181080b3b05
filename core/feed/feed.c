/* Feeds: opening, draining, positions. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "feed.h"

/* ---- Words */

const char *lesson_store_event_name(uint32_t kind) {
    switch (kind) {
#define EVENT_CASE(name, number, word) \
    case number:                       \
        return word;
        LESSON_STORE_EVENT_MAP(EVENT_CASE)
#undef EVENT_CASE
    default:
        return "?";
    }
}

const char *lesson_store_cause_name(uint32_t cause) {
    switch (cause) {
#define CAUSE_CASE(name, number, word) \
    case number:                       \
        return word;
        LESSON_STORE_CAUSE_MAP(CAUSE_CASE)
#undef CAUSE_CASE
    default:
        return "?";
    }
}

/* ---- Positions */

static void write_position(char *text, const lesson_store_event_position *position) {
    const uint64_t *words = position->words;
    if (lesson_store_event_position_is_oldest(position))
        snprintf(text, LESSON_STORE_POSITION_SIZE, "%s", LESSON_STORE_POSITION_OLDEST);
    else
        snprintf(text, LESSON_STORE_POSITION_SIZE, "%" PRIx64 "-%" PRIx64 "-%" PRIx64 "-%" PRIx64, words[0], words[1],
                 words[2], words[3]);
}

/* True only for what write_position writes. */
static bool read_position(lesson_store_event_position *position, const char *text) {
    char again[LESSON_STORE_POSITION_SIZE];
    uint64_t *words = position->words;
    const char *rest = text;
    *position = (lesson_store_event_position){{0}};
    if (strcmp(text, LESSON_STORE_POSITION_OLDEST) == 0)
        return true;
    for (int i = 0; i < 4; i++) {
        char *end;
        words[i] = strtoull(rest, &end, 16);
        if (end == rest || (i < 3 && *end != '-'))
            return false;
        rest = end + 1;
    }
    write_position(again, position);
    return strcmp(again, text) == 0;
}

/* ---- The queue */

void lesson_store__event_release(lesson_store__kept_event *event) {
    if (atomic_fetch_sub_explicit(&event->uses, 1, memory_order_acq_rel) == 1)
        free(event);
}

void lesson_store__feed_announce(lesson_store_feed *feed) {
    const lesson_store__reader *reader = &feed->store->reader;
    bool is_readable = feed->count > 0 || (reader->code && feed->told != reader->failures);
    uint64_t count = 1;
    if (is_readable == feed->is_readable)
        return;
    feed->is_readable = is_readable;
    /* The counter is only ever 0 or 1, so both can fail only because of a signal. */
    if (is_readable)
        while (write(feed->descriptor, &count, sizeof count) < 0 && errno == EINTR)
            ;
    else
        while (read(feed->descriptor, &count, sizeof count) < 0 && errno == EINTR)
            ;
}

/* FNV-1a */
uint32_t lesson_store__lesson_hash(lesson_store_id lesson_id) {
    uint32_t hash = 0x811c9dc5;
    for (size_t i = 0; i < lesson_id.size; i++)
        hash = (hash ^ (unsigned char)lesson_id.data[i]) * 0x01000193;
    return hash;
}

static bool concerns(const lesson_store_feed *feed, const lesson_store__kept_event *kept) {
    const lesson_store_id lesson_id = {feed->lesson_id, feed->lesson_size};
    const lesson_store_event *event = &kept->event;
    if (event->kind == 0)
        return kept->is_gap;
    if (feed->lesson_size == 0)
        return true;
    if (kept->lesson_hash != feed->lesson_hash && kept->from_hash != feed->lesson_hash)
        return false;
    return lesson_store_id_equal(event->lesson_id, lesson_id) ||
           lesson_store_id_equal(event->from_lesson_id, lesson_id);
}

static void push(lesson_store_feed *feed, lesson_store__kept_event *event) {
    atomic_fetch_add_explicit(&event->uses, 1, memory_order_relaxed);
    feed->queue[(feed->first + feed->count++) % LESSON_STORE_FEED_QUEUE_MAX] = event;
    lesson_store__feed_announce(feed);
}

void lesson_store__feed_meet_newest(lesson_store_feed *feed) {
    if (!feed->has_met_newest)
        feed->past = feed->count;
    feed->has_met_newest = true;
}

/* A gap that was found before this feed was opened may end before what was the newest event then. */
static bool is_newest(const lesson_store_feed *feed, const lesson_store__kept_event *event) {
    bool is_known_gap = event->is_gap && feed->round == feed->store->reader.round;
    return is_known_gap || lesson_store__position_equal(&event->behind, &feed->newest);
}

void lesson_store__feed_push(lesson_store_feed *feed, lesson_store__kept_event *const *events, size_t count) {
    size_t i = 0;
    while (i < count && !lesson_store__position_equal(&feed->read, &events[i]->before))
        i++;
    for (; i < count; i++) {
        bool is_wanted = concerns(feed, events[i]);
        if (is_wanted && feed->count == LESSON_STORE_FEED_QUEUE_MAX)
            return;
        if (is_wanted)
            push(feed, events[i]);
        feed->read = events[i]->behind;
        if (is_newest(feed, events[i]))
            lesson_store__feed_meet_newest(feed);
    }
}

/* Takes the next event, if there is one; a gap only if `takes_gap`. The thread is woken when half of a full queue is
 * empty, so that it reads whole pages. */
static lesson_store__kept_event *take(lesson_store_feed *feed, bool takes_gap) {
    lesson_store__reader *reader = &feed->store->reader;
    lesson_store__kept_event *event = NULL;
    pthread_mutex_lock(&reader->mutex);
    if (feed->count > 0 && (takes_gap || !feed->queue[feed->first]->is_gap)) {
        event = feed->queue[feed->first];
        feed->first = (feed->first + 1) % LESSON_STORE_FEED_QUEUE_MAX;
        feed->count--;
        feed->past -= feed->past > 0;
        lesson_store__feed_announce(feed);
    }
    if (feed->count == LESSON_STORE_FEED_QUEUE_MAX / 2) {
        reader->is_noted = true;
        pthread_cond_signal(&reader->work);
    }
    pthread_mutex_unlock(&reader->mutex);
    return event;
}

static size_t count_of(lesson_store_feed *feed) {
    pthread_mutex_lock(&feed->store->reader.mutex);
    size_t count = feed->count;
    pthread_mutex_unlock(&feed->store->reader.mutex);
    return count;
}

/* The code of an empty queue. */
static int failure_of(lesson_store_feed *feed) {
    lesson_store__reader *reader = &feed->store->reader;
    char message[LESSON_STORE_MESSAGE_SIZE];
    pthread_mutex_lock(&reader->mutex);
    int code = feed->count == 0 ? reader->code : LESSON_STORE_OK;
    if (code) {
        feed->told = reader->failures;
        snprintf(message, sizeof message, "%s", reader->message);
        lesson_store__feed_announce(feed);
    }
    pthread_mutex_unlock(&reader->mutex);
    return code < 0 ? lesson_store_fail(code, "%s", message) : code;
}

static int check_process(const lesson_store_feed *feed) {
    return lesson_store__origin_is_elsewhere(&feed->store->pool.origin) ? lesson_store__fail_in_child()
                                                                        : LESSON_STORE_OK;
}

static int drain(lesson_store_feed *feed, size_t most, lesson_store_event_callback callback, void *context,
                 size_t *count) {
    size_t there = count_of(feed);
    most = most > 0 && most < there ? most : there;
    for (bool goes_on = true; goes_on && *count < most;) {
        lesson_store__kept_event *event = take(feed, *count == 0);
        if (!event)
            return LESSON_STORE_OK;
        bool is_gap = event->is_gap;
        if (!is_gap)
            goes_on = callback(&event->event, context);
        lesson_store__event_release(event);
        if (is_gap)
            return LESSON_STORE_GAP;
        ++*count;
        if (lesson_store__origin_is_elsewhere(&feed->store->pool.origin))
            return lesson_store__fail_in_child();
    }
    return there == 0 ? failure_of(feed) : LESSON_STORE_OK;
}

int lesson_store_feed_drain(lesson_store_feed *feed, size_t most, lesson_store_event_callback callback, void *context,
                            size_t *count) {
    size_t given = 0;
    if (count)
        *count = 0;
    if (!feed || !callback)
        return lesson_store_fail(LESSON_STORE_INVALID, "feed: no %s", feed ? "callback" : "feed");
    int code = check_process(feed);
    if (!code) {
        int cancel_state = lesson_store__disable_cancel();
        code = drain(feed, most, callback, context, &given);
        lesson_store__restore_cancel(cancel_state);
    }
    if (count)
        *count = given;
    return code;
}

int lesson_store_feed_position(const lesson_store_feed *feed, char *position) {
    if (!feed || !position)
        return lesson_store_fail(LESSON_STORE_INVALID, "feed: no %s", feed ? "memory for the position" : "feed");
    int code = check_process(feed);
    if (code)
        return code;
    pthread_mutex_t *mutex = &feed->store->reader.mutex;
    pthread_mutex_lock(mutex);
    write_position(position, feed->count > 0 ? &feed->queue[feed->first]->before : &feed->read);
    pthread_mutex_unlock(mutex);
    return LESSON_STORE_OK;
}

bool lesson_store_feed_is_current(const lesson_store_feed *feed) {
    if (!feed || check_process(feed))
        return false;
    pthread_mutex_t *mutex = &feed->store->reader.mutex;
    pthread_mutex_lock(mutex);
    bool is_current = feed->has_met_newest && feed->past == 0;
    pthread_mutex_unlock(mutex);
    return is_current;
}

int lesson_store_feed_descriptor(const lesson_store_feed *feed) {
    return feed->descriptor;
}

/* ---- Opening and closing */

static bool take_none(const lesson_store_event *event, const lesson_store_event_position *behind, void *context) {
    (void)event;
    (void)behind;
    (void)context;
    return false;
}

/* Asks for the newest position, and so whether the store keeps events. */
static int find_newest(lesson_store *store, lesson_store_event_position *newest) {
    int code = lesson_store__pool_check_caller(&store->pool);
    if (code)
        return code;
    lesson_store__slot *slot = lesson_store__pool_take(&store->pool, &code);
    if (!slot)
        return code;
    code = store->backend.events(slot->instance, newest, 0, 0, take_none, NULL);
    lesson_store__pool_give(&store->pool, slot);
    return code;
}

static int begin(lesson_store_feed *feed, const char *position) {
    lesson_store *store = feed->store;
    int code = find_newest(store, &feed->newest);
    if (code)
        return code;
    if (!position)
        feed->read = feed->newest;
    feed->has_met_newest = lesson_store__position_equal(&feed->read, &feed->newest);
    feed->descriptor = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (feed->descriptor < 0)
        return lesson_store_fail(LESSON_STORE_FAILED, "feed: no descriptor: %s", strerror(errno));
    code = lesson_store__reader_add(store, feed);
    if (code)
        close(feed->descriptor);
    return code;
}

static int check_opening(lesson_store *store, lesson_store_id lesson_id, const char *position) {
    lesson_store_event_position parsed;
    int code = lesson_id.data ? lesson_store_id_check("lesson_id", lesson_id) : LESSON_STORE_OK;
    if (code)
        return code;
    if (!store)
        return lesson_store_fail(LESSON_STORE_INVALID, "feed: no store is given");
    if (position && !read_position(&parsed, position))
        return lesson_store_fail(LESSON_STORE_INVALID, "feed: the text is no position");
    if (lesson_store__origin_is_elsewhere(&store->pool.origin))
        return lesson_store__fail_in_child();
    if (!store->backend.events)
        return lesson_store_fail(LESSON_STORE_UNSUPPORTED, "%s: the backend has no feed", store->location.shown);
    return LESSON_STORE_OK;
}

int lesson_store_feed_open(lesson_store_feed **out, lesson_store *store, const char *lesson_id, const char *position) {
    lesson_store_id id = lesson_store_id_of(lesson_id);
    if (!out)
        return lesson_store_fail(LESSON_STORE_INVALID, "feed: no argument for the feed");
    *out = NULL;
    int code = check_opening(store, id, position);
    if (code)
        return code;
    lesson_store_feed *feed = calloc(1, sizeof *feed);
    if (!feed)
        return lesson_store_fail(LESSON_STORE_NO_MEMORY, "feed: no memory");
    feed->store = store;
    feed->lesson_size = id.size;
    feed->lesson_hash = lesson_store__lesson_hash(id);
    lesson_store_id_copy(feed->lesson_id, id);
    if (position)
        read_position(&feed->read, position);
    int cancel_state = lesson_store__disable_cancel();
    code = begin(feed, position);
    lesson_store__restore_cancel(cancel_state);
    if (code)
        free(feed);
    else
        *out = feed;
    return code;
}

void lesson_store_feed_close(lesson_store_feed *feed) {
    if (!feed || lesson_store__origin_is_elsewhere(&feed->store->pool.origin))
        return;
    int cancel_state = lesson_store__disable_cancel();
    lesson_store__reader_remove(feed->store, feed);
    for (; feed->count > 0; feed->count--, feed->first = (feed->first + 1) % LESSON_STORE_FEED_QUEUE_MAX)
        lesson_store__event_release(feed->queue[feed->first]);
    close(feed->descriptor);
    free(feed);
    lesson_store__restore_cancel(cancel_state);
}
