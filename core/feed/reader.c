/* Reads events for all feeds of a store. Feeds at the same position are read for together, and a feed whose queue is
 * full stays behind. One that is behind is read for by itself, until it has caught up with the others. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "feed.h"

#define PAGE_MAX (LESSON_STORE_FEED_QUEUE_MAX / 2) /* events that are asked for at a time */
#define PAGE_ROOM LESSON_STORE_FEED_QUEUE_MAX      /* that are taken: a backend may give more */
#define WAIT_MS 50 /* in the engine: so long a new feed may wait, and the end of the thread */
#define BORROW_PAUSE_NS 100000
/* Between pages that are not full, so that a busy writer is not asked at each event. */
#define GATHER_US INT64_C(2000)
#define FIRST_PAUSE_US INT64_C(50000) /* after a failure */
#define LONGEST_PAUSE_US INT64_C(1000000)

struct page {
    lesson_store_event_position position; /* behind its latest event */
    bool lacks_memory;
    size_t count;
    lesson_store__kept_event *events[PAGE_ROOM];
};

void lesson_store__reader_open(lesson_store__reader *reader) {
    pthread_mutex_init(&reader->opening, NULL);
    pthread_mutex_init(&reader->mutex, NULL);
    lesson_store__condition_open(&reader->work);
}

void lesson_store__reader_close(lesson_store__reader *reader) {
    free(reader->observer);
    pthread_cond_destroy(&reader->work);
    pthread_mutex_destroy(&reader->mutex);
    pthread_mutex_destroy(&reader->opening);
}

void lesson_store__reader_wake(lesson_store__reader *reader) {
    pthread_mutex_lock(&reader->mutex);
    reader->is_noted = true;
    pthread_cond_signal(&reader->work);
    pthread_mutex_unlock(&reader->mutex);
}

/* ---- Pages */

static lesson_store__kept_event *keep(const lesson_store_event *event) {
    lesson_store__kept_event *kept;
    const lesson_store_id *const from[] = {&event->lesson_id,      &event->uid,     &event->course_id,
                                           &event->from_lesson_id, &event->session, &event->owner};
    size_t size = 0;
    for (size_t i = 0; i < sizeof from / sizeof *from; i++)
        size += from[i]->size;
    kept = malloc(sizeof *kept + size);
    if (!kept)
        return NULL;
    kept->uses = 1;
    kept->is_gap = false;
    kept->event = *event;
    lesson_store_id *const to[] = {&kept->event.lesson_id,      &kept->event.uid,     &kept->event.course_id,
                                   &kept->event.from_lesson_id, &kept->event.session, &kept->event.owner};
    char *text = kept->texts;
    for (size_t i = 0; i < sizeof from / sizeof *from; i++) {
        if (from[i]->size > 0)
            memcpy(text, from[i]->data, from[i]->size);
        to[i]->data = from[i]->data ? text : NULL;
        text += from[i]->size;
    }
    return kept;
}

static bool take_event(const lesson_store_event *event, const lesson_store_event_position *behind, void *context) {
    struct page *page = context;
    if (page->count == PAGE_ROOM)
        return false;
    lesson_store__kept_event *kept = keep(event);
    page->lacks_memory = !kept;
    if (!kept)
        return false;
    kept->lesson_hash = lesson_store__lesson_hash(event->lesson_id);
    kept->from_hash = lesson_store__lesson_hash(event->from_lesson_id);
    kept->before = page->position;
    kept->behind = page->position = *behind;
    page->events[page->count++] = kept;
    return true;
}

static void release_page(struct page *page) {
    for (size_t i = 0; i < page->count; i++)
        lesson_store__event_release(page->events[i]);
    page->count = 0;
}

/* ---- Reading */

static int open_own_instance(lesson_store *store) {
    if (!store->reader.observer)
        store->reader.observer = lesson_store__observer_open(&store->log, NULL, NULL);
    lesson_store_location *location = store->reader.observer ? lesson_store__location_copy(&store->location) : NULL;
    if (!location)
        return lesson_store_fail(LESSON_STORE_NO_MEMORY, "%s: no memory to read events", store->location.shown);
    location->observer = store->reader.observer;
    int code = lesson_store__open_instance(&store->reader.instance, &store->backend, location);
    lesson_store__location_free(location);
    return code;
}

/* The time is not measured: it is that of waiting for events. */
static int ask(lesson_store *store, lesson_store_instance *instance, lesson_store_observer *observer, struct page *page,
               int64_t wait_ms) {
    lesson_store_event_position position = page->position;
    if (store->pool.call_timeout_us)
        instance->deadline_us = lesson_store_monotonic_us() + store->pool.call_timeout_us;
    int code = store->backend.events(instance, &position, PAGE_MAX, wait_ms, take_event, page);
    if (code == LESSON_STORE_GAP)
        page->position = position;
    if (!code && page->lacks_memory)
        code = lesson_store_fail(LESSON_STORE_NO_MEMORY, "%s: no memory for an event", store->location.shown);
    if (code > 0 && code != LESSON_STORE_GAP && code != LESSON_STORE_NOT_FOUND)
        code = lesson_store_fail(LESSON_STORE_FAILED, "%s: the backend ended a page of events with the code %s",
                                 store->location.shown, lesson_store_code_name(code));
    lesson_store__count_call(observer, LESSON_STORE_COUNTED_EVENTS, code, 0);
    return code;
}

static bool is_to_end(lesson_store__reader *reader) {
    pthread_mutex_lock(&reader->mutex);
    bool ends = reader->ends;
    pthread_mutex_unlock(&reader->mutex);
    return ends;
}

/* A callback of the store, which has borrowed the only instance, may wait for the end of this thread. NULL without a
 * code: the thread is to end. */
static lesson_store__slot *borrow(lesson_store *store, int *code) {
    const struct timespec pause = {.tv_nsec = BORROW_PAUSE_NS};
    lesson_store__slot *slot;
    while (!(slot = lesson_store__pool_try_take(&store->pool, code)) && !*code && !is_to_end(&store->reader))
        nanosleep(&pause, NULL);
    return slot;
}

/* Reads a page behind `page->position`. Where instances share no data, there is only that of the store. */
static int read_page(lesson_store *store, struct page *page, int64_t wait_ms) {
    int code = LESSON_STORE_OK;
    if (store->capabilities & LESSON_STORE_CAN_SHARE) {
        if (!store->reader.instance)
            code = open_own_instance(store);
        return code ? code : ask(store, store->reader.instance, store->reader.observer, page, wait_ms);
    }
    lesson_store__slot *slot = borrow(store, &code);
    if (!slot)
        return code;
    code = ask(store, slot->instance, slot->observer, page, 0);
    lesson_store__pool_give(&store->pool, slot);
    return code;
}

/* ---- Giving, with the mutex held */

static void give_page(lesson_store__reader *reader, const struct page *page) {
    for (lesson_store_feed *feed = reader->feeds; feed; feed = feed->next)
        lesson_store__feed_push(feed, page->events, page->count);
}

/* There are no events behind this position, for feeds that were there when the store was asked. */
static void note_end(lesson_store__reader *reader, const lesson_store_event_position *position) {
    for (lesson_store_feed *feed = reader->feeds; feed; feed = feed->next) {
        if (feed->round == reader->round && lesson_store__position_equal(&feed->read, position))
            lesson_store__feed_meet_newest(feed);
    }
}

/* If there is no memory or no room for it, the feed stays where it is, and meets the gap again. */
static void give_gap(lesson_store__reader *reader, const lesson_store_event_position *before,
                     const lesson_store_event_position *behind) {
    const lesson_store_event none = {.kind = 0};
    lesson_store__kept_event *gap = keep(&none);
    if (!gap)
        return;
    gap->is_gap = true;
    gap->before = *before;
    gap->behind = *behind;
    for (lesson_store_feed *feed = reader->feeds; feed; feed = feed->next)
        lesson_store__feed_push(feed, &gap, 1);
    lesson_store__event_release(gap);
}

static void note_failure(lesson_store__reader *reader, int code) {
    if (code == reader->code)
        return;
    reader->code = code;
    reader->failures += code != LESSON_STORE_OK;
    snprintf(reader->message, sizeof reader->message, "%s", code < 0 ? lesson_store_message() : "");
    for (lesson_store_feed *feed = reader->feeds; feed; feed = feed->next)
        lesson_store__feed_announce(feed);
}

/* ---- The thread */

enum round { ROUND_EMPTY, ROUND_OF_FEW, ROUND_OF_MANY };

static bool has_room_for_page(const lesson_store_feed *feed) {
    return feed->count + PAGE_MAX <= LESSON_STORE_FEED_QUEUE_MAX;
}

/* The next feed of this round, NULL if there is none. */
static lesson_store_feed *next_feed(const lesson_store__reader *reader) {
    lesson_store_feed *feed = reader->feeds;
    while (feed && (feed->round == reader->round || !has_room_for_page(feed)))
        feed = feed->next;
    return feed;
}

static void begin_round_at(lesson_store__reader *reader, const lesson_store_event_position *position) {
    for (lesson_store_feed *feed = reader->feeds; feed; feed = feed->next) {
        if (has_room_for_page(feed) && lesson_store__position_equal(&feed->read, position))
            feed->round = reader->round;
    }
}

/* Reads for all feeds at this position. Releases the mutex meanwhile, so feeds come and go. */
static enum round read_behind(lesson_store *store, lesson_store_event_position before, struct page *page,
                              int64_t wait_ms) {
    lesson_store__reader *reader = &store->reader;
    begin_round_at(reader, &before);
    page->position = before;
    page->lacks_memory = false;
    pthread_mutex_unlock(&reader->mutex);
    int code = read_page(store, page, wait_ms);
    pthread_mutex_lock(&reader->mutex);
    enum round found = page->count >= PAGE_MAX / 2                   ? ROUND_OF_MANY
                       : page->count > 0 || code == LESSON_STORE_GAP ? ROUND_OF_FEW
                                                                     : ROUND_EMPTY;
    give_page(reader, page);
    if (!code && page->count == 0)
        note_end(reader, &before);
    if (code == LESSON_STORE_GAP)
        give_gap(reader, &before, &page->position);
    note_failure(reader, code == LESSON_STORE_GAP ? LESSON_STORE_OK : code);
    release_page(page);
    return found;
}

/* One round: what there was. */
static enum round read_round(lesson_store *store, struct page *page, int64_t wait_ms) {
    lesson_store__reader *reader = &store->reader;
    lesson_store_feed *feed;
    enum round found = ROUND_EMPTY;
    reader->round++;
    while (!reader->ends && (feed = next_feed(reader))) {
        enum round of_feed = read_behind(store, feed->read, page, wait_ms);
        found = of_feed > found ? of_feed : found;
        wait_ms = 0;
        if (reader->code)
            return ROUND_EMPTY;
    }
    return found;
}

/* Waits for `pause_us`, or until this store has written. */
static void wait_for_work(lesson_store__reader *reader, int64_t pause_us) {
    int64_t until_us = lesson_store_monotonic_us() + pause_us;
    while (!reader->ends && !reader->is_noted && lesson_store__wait_until(&reader->work, &reader->mutex, until_us) == 0)
        ;
}

static int64_t poll_us_of(const lesson_store *store) {
    return (int64_t)store->pool.slots[0].instance->events_poll_ms * 1000;
}

/* Lets events gather. Only the end of the thread ends this. */
static void gather(lesson_store__reader *reader) {
    int64_t until_us = lesson_store_monotonic_us() + GATHER_US;
    while (!reader->ends && lesson_store__wait_until(&reader->work, &reader->mutex, until_us) == 0)
        ;
}

/* Every feed has its events, so wait for more: in the engine with the next round, or here. */
static void wait_for_events(lesson_store *store, int64_t pause_us) {
    lesson_store__reader *reader = &store->reader;
    int64_t poll_us = poll_us_of(store);
    bool has_reader = false;
    for (lesson_store_feed *feed = reader->feeds; feed; feed = feed->next)
        has_reader |= has_room_for_page(feed);
    if (reader->code)
        wait_for_work(reader, pause_us);
    else if (poll_us > 0 || !has_reader)
        wait_for_work(reader, poll_us > 0 ? poll_us : LONGEST_PAUSE_US);
}

static void *read_events(void *context) {
    lesson_store *store = context;
    lesson_store__reader *reader = &store->reader;
    struct page *page = reader->page;
    int64_t pause_us = FIRST_PAUSE_US;
    enum round found = ROUND_OF_MANY;
    pthread_mutex_lock(&reader->mutex);
    while (!reader->ends) {
        reader->is_noted = false;
        int64_t began_us = lesson_store_monotonic_us();
        found = read_round(store, page, found == ROUND_EMPTY ? WAIT_MS : 0);
        bool has_rested = lesson_store_monotonic_us() - began_us >= GATHER_US;
        pause_us = !reader->code ? FIRST_PAUSE_US : pause_us < LONGEST_PAUSE_US ? 2 * pause_us : pause_us;
        if (found == ROUND_EMPTY)
            wait_for_events(store, pause_us);
        if (found == ROUND_OF_FEW || (found == ROUND_EMPTY && poll_us_of(store) == 0 && !has_rested))
            gather(reader);
    }
    pthread_mutex_unlock(&reader->mutex);
    return NULL;
}

/* ---- Its beginning and end */

static int start_thread(lesson_store *store) {
    sigset_t all, before;
    store->reader.ends = false;
    store->reader.page = calloc(1, sizeof(struct page));
    if (!store->reader.page)
        return lesson_store_fail(LESSON_STORE_NO_MEMORY, "feed: no memory");
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    bool is_started = pthread_create(&store->reader.thread, NULL, read_events, store) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (is_started)
        return LESSON_STORE_OK;
    free(store->reader.page);
    return lesson_store_fail(LESSON_STORE_FAILED, "feed: a thread could not be started");
}

static void end_thread(lesson_store *store) {
    lesson_store__reader *reader = &store->reader;
    pthread_mutex_lock(&reader->mutex);
    reader->ends = true;
    pthread_cond_signal(&reader->work);
    pthread_mutex_unlock(&reader->mutex);
    pthread_join(reader->thread, NULL);
    free(reader->page);
    if (reader->instance)
        store->backend.close(reader->instance);
    reader->instance = NULL;
    reader->code = LESSON_STORE_OK;
}

static void link_feed(lesson_store__reader *reader, lesson_store_feed *feed) {
    pthread_mutex_lock(&reader->mutex);
    feed->next = reader->feeds;
    feed->told = reader->failures;
    reader->feeds = feed;
    reader->is_noted = true;
    pthread_cond_signal(&reader->work);
    pthread_mutex_unlock(&reader->mutex);
}

static void unlink_feed(lesson_store__reader *reader, lesson_store_feed *feed) {
    pthread_mutex_lock(&reader->mutex);
    lesson_store_feed **link = &reader->feeds;
    while (*link != feed)
        link = &(*link)->next;
    *link = feed->next;
    pthread_mutex_unlock(&reader->mutex);
}

int lesson_store__reader_add(lesson_store *store, lesson_store_feed *feed) {
    lesson_store__reader *reader = &store->reader;
    pthread_mutex_lock(&reader->opening);
    if (poll_us_of(store) > 0)
        atomic_store_explicit(&reader->is_waiting, true, memory_order_relaxed);
    bool is_first = reader->feeds == NULL;
    link_feed(reader, feed);
    int code = is_first ? start_thread(store) : LESSON_STORE_OK;
    if (code)
        unlink_feed(reader, feed);
    pthread_mutex_unlock(&reader->opening);
    return code;
}

void lesson_store__reader_remove(lesson_store *store, lesson_store_feed *feed) {
    lesson_store__reader *reader = &store->reader;
    pthread_mutex_lock(&reader->opening);
    unlink_feed(reader, feed);
    if (!reader->feeds) {
        end_thread(store);
        atomic_store_explicit(&reader->is_waiting, false, memory_order_relaxed);
    }
    pthread_mutex_unlock(&reader->opening);
}
