/* What the files of the feed share. */
#ifndef LESSON_STORE_CORE_FEED_H
#define LESSON_STORE_CORE_FEED_H

#include "../core.h"

#define LESSON_STORE_FEED_QUEUE_MAX 1024 /* events that wait in a feed; the others wait in the store */

struct lesson_store_feed {
    lesson_store *store;
    int descriptor;
    size_t lesson_size; /* 0: all lessons */
    uint32_t lesson_hash;
    char lesson_id[LESSON_STORE_ID_MAX + 1];

    /* With the reader's mutex. */
    lesson_store_feed *next;
    lesson_store_event_position read; /* the events before it were put into the queue, or are of other lessons */
    uint64_t round;                   /* the reader's latest for this feed; 0: none */
    uint64_t told;                    /* the reader's failure that drain has returned */
    bool is_readable;
    lesson_store_event_position newest; /* when it was opened */
    bool has_met_newest;
    size_t past; /* how many of the queue belong to what there was then, once that has been met */
    size_t first;
    size_t count;
    lesson_store__kept_event *queue[LESSON_STORE_FEED_QUEUE_MAX];
};

/* Called with the reader's mutex held, after anything has changed that drain would return. */
void lesson_store__feed_announce(lesson_store_feed *feed);

/* Called with the reader's mutex held. Takes the events of a page from where this feed has read to, those of its
 * lesson, as long as there is room. A thousand feeds of quiet lessons cost a page little: none of them looks at more
 * than two numbers of each event. */
void lesson_store__feed_push(lesson_store_feed *feed, lesson_store__kept_event *const *events, size_t count);

/* Called with the reader's mutex held: `read` is at, or behind, what was the newest event at the opening. */
void lesson_store__feed_meet_newest(lesson_store_feed *feed);

uint32_t lesson_store__lesson_hash(lesson_store_id lesson_id);

void lesson_store__event_release(lesson_store__kept_event *event);

static inline bool lesson_store__position_equal(const lesson_store_event_position *a,
                                                const lesson_store_event_position *b) {
    return memcmp(a, b, sizeof *a) == 0;
}

#endif
