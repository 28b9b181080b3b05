/* The thread that reads the events of a store for all of its feeds. core.h includes this file. */
#ifndef LESSON_STORE_CORE_READER_H
#define LESSON_STORE_CORE_READER_H

#include <pthread.h>
#include <stdatomic.h>

#include <lessonstore/backend.h>

/* An event, shared by the feeds that it waits in. */
typedef struct lesson_store__kept_event {
    _Atomic(uint32_t) uses;
    lesson_store_event event; /* of no kind: a gap, or only a position */
    bool is_gap;
    lesson_store_event_position before;
    lesson_store_event_position behind;
    uint32_t lesson_hash; /* of lesson_id */
    uint32_t from_hash;   /* of from_lesson_id */
    char texts[];
} lesson_store__kept_event;

typedef struct lesson_store__reader {
    pthread_mutex_t opening; /* held while the thread is started or ended */
    pthread_mutex_t mutex;   /* of everything below, and of the feeds */
    pthread_cond_t work;
    pthread_t thread;
    lesson_store_instance *instance;           /* the thread's own; NULL: it borrows that of the store */
    _Atomic(lesson_store_observer *) observer; /* of that instance, and as long as the store; NULL: it never had one */
    struct page *page;                         /* of the thread */
    lesson_store_feed *feeds;
    uint64_t round;           /* of reading for each feed */
    bool ends;                /* the thread */
    bool is_noted;            /* this store may have new events */
    _Atomic(bool) is_waiting; /* for that: the backend cannot wait for events */
    int code;                 /* of the latest failure, OK after it */
    uint64_t failures;        /* that have begun */
    char message[LESSON_STORE_MESSAGE_SIZE];
} lesson_store__reader;

void lesson_store__reader_open(lesson_store__reader *reader);
void lesson_store__reader_close(lesson_store__reader *reader);

/* Adds a feed, and starts the thread for the first one. */
int lesson_store__reader_add(lesson_store *store, lesson_store_feed *feed);

/* Removes a feed, and ends the thread with the last one. */
void lesson_store__reader_remove(lesson_store *store, lesson_store_feed *feed);

void lesson_store__reader_wake(lesson_store__reader *reader);

/* Called after each call that may have written. */
static inline void lesson_store__reader_note(lesson_store__reader *reader) {
    if (atomic_load_explicit(&reader->is_waiting, memory_order_relaxed))
        lesson_store__reader_wake(reader);
}

#endif
