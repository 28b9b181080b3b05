/* The events, in a ring. An event is prepared before its change, so that nothing can fail behind the change. */
#include <stdlib.h>

#include "table.h"

#define FIRST_CAPACITY 64

struct memory_event {
    lesson_store_event event;
    char texts[];
};

static uint64_t newest_of(const memory_feed *feed) {
    return feed->oldest + feed->count - 1;
}

/* ---- Writing */

static memory_event **place_of(const memory_feed *feed, uint64_t number) {
    return &feed->ring[number & (feed->capacity - 1)];
}

/* Room for one more event. The ring grows up to the number of events that are kept. */
static bool has_room(memory_feed *feed) {
    if (feed->count < feed->capacity || feed->count == feed->kept)
        return true;
    memory_feed larger = *feed;
    larger.capacity = feed->capacity ? 2 * feed->capacity : FIRST_CAPACITY;
    larger.ring = malloc(larger.capacity * sizeof *larger.ring);
    if (!larger.ring)
        return false;
    for (uint64_t i = 0; i < feed->count; i++)
        *place_of(&larger, feed->oldest + i) = *place_of(feed, feed->oldest + i);
    free(feed->ring);
    *feed = larger;
    return true;
}

static size_t copy_ids(lesson_store_event *to, const lesson_store_event *from, char *texts) {
    const lesson_store_id *const ids[] = {&from->lesson_id,      &from->uid,     &from->course_id,
                                          &from->from_lesson_id, &from->session, &from->owner};
    lesson_store_id *const copies[] = {&to->lesson_id,      &to->uid,     &to->course_id,
                                       &to->from_lesson_id, &to->session, &to->owner};
    size_t used = 0;
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        if (texts && ids[i]->data) {
            memcpy(texts + used, ids[i]->data, ids[i]->size);
            copies[i]->data = texts + used;
        }
        used += ids[i]->size;
    }
    return used;
}

bool memory_prepare_event(memory_store *memory, const lesson_store_event *event) {
    memory_feed *feed = &memory->feed;
    if (feed->kept == 0)
        return true;
    lesson_store_event unused;
    memory_event *prepared = realloc(feed->prepared, sizeof *prepared + copy_ids(&unused, event, NULL));
    if (!prepared)
        return false;
    prepared->event = *event;
    prepared->event.at_ms = lesson_store_clock_ms();
    copy_ids(&prepared->event, event, prepared->texts);
    feed->prepared = prepared;
    return has_room(feed);
}

bool memory_prepare_quit_event(memory_store *memory, const memory_user *user, lesson_store_cause cause) {
    const lesson_store_event event = {.kind = LESSON_STORE_EVENT_QUIT,
                                      .cause = cause,
                                      .lesson_id = memory_id(&user->lesson->entry),
                                      .uid = memory_id(&user->entry)};
    return memory_prepare_event(memory, &event);
}

static void drop_oldest(memory_feed *feed) {
    free(*place_of(feed, feed->oldest));
    feed->oldest++;
    feed->count--;
}

void memory_commit_event(memory_store *memory) {
    memory_feed *feed = &memory->feed;
    if (feed->kept == 0)
        return;
    if (feed->count == feed->kept)
        drop_oldest(feed);
    *place_of(feed, feed->oldest + feed->count) = feed->prepared;
    feed->count++;
    feed->prepared = NULL;
}

/* ---- Reading */

static lesson_store_event_position position_of(const memory_feed *feed, uint64_t number) {
    return (lesson_store_event_position){{number, feed->incarnation}};
}

static int give_events(const memory_feed *feed, lesson_store_event_position *position, size_t most,
                       lesson_store_event_taker take, void *context) {
    const lesson_store_event none = {.kind = 0};
    const lesson_store_event_position start = position_of(feed, feed->oldest - 1);
    if (lesson_store_event_position_is_oldest(position) && !take(&none, &start, context))
        return LESSON_STORE_OK;
    uint64_t number = lesson_store_event_position_is_oldest(position) ? feed->oldest : position->words[0] + 1;
    for (; most > 0 && number <= newest_of(feed); number++, most--) {
        lesson_store_event_position behind = position_of(feed, number);
        if (!take(&(*place_of(feed, number))->event, &behind, context))
            return LESSON_STORE_OK;
        *position = behind;
    }
    return LESSON_STORE_OK;
}

int memory_events(lesson_store_instance *instance, lesson_store_event_position *position, size_t most, int64_t wait_ms,
                  lesson_store_event_taker take, void *context) {
    const memory_feed *feed = &memory_of(instance)->feed;
    const uint64_t *words = position->words;
    (void)wait_ms;
    if (feed->kept == 0)
        return LESSON_STORE_NOT_FOUND;
    if (most == 0) {
        *position = position_of(feed, newest_of(feed));
        return LESSON_STORE_OK;
    }
    bool is_ours = words[1] == feed->incarnation && words[0] + 1 >= feed->oldest && words[0] <= newest_of(feed);
    if (lesson_store_event_position_is_oldest(position) || is_ours)
        return give_events(feed, position, most, take, context);
    *position = position_of(feed, newest_of(feed));
    return LESSON_STORE_GAP;
}

/* ---- Opening and closing */

int memory_open_feed(memory_store *memory, const lesson_store_location *location) {
    memory->feed.kept = (uint64_t)lesson_store_location_number(location, "feed");
    memory->feed.oldest = 1;
    return memory->feed.kept > 0 ? lesson_store_random(&memory->feed.incarnation, sizeof memory->feed.incarnation)
                                 : LESSON_STORE_OK;
}

void memory_close_feed(memory_store *memory) {
    memory_feed *feed = &memory->feed;
    while (feed->count > 0)
        drop_oldest(feed);
    free(feed->prepared);
    free(feed->ring);
}
