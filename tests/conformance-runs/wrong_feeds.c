/* Feeds that lose, repeat, change or forget events. */
#include "wrapper.h"
#include "wrong_backends.h"

/* ---- Events on their way */

struct passing {
    lesson_store_event_taker take;
    void *context;
    bool (*pass)(struct passing *passing, lesson_store_event *event, const lesson_store_event_position *behind);
};

static bool pass_on(const lesson_store_event *event, const lesson_store_event_position *behind, void *context) {
    struct passing *passing = context;
    lesson_store_event copy = *event;
    return passing->pass(passing, &copy, behind);
}

static bool give(const struct passing *passing, const lesson_store_event *event,
                 const lesson_store_event_position *behind) {
    return passing->take(event, behind, passing->context);
}

static int events_through(lesson_store_instance *instance, lesson_store_event_position *position, size_t most,
                          lesson_store_event_taker take, void *context,
                          bool (*pass)(struct passing *, lesson_store_event *, const lesson_store_event_position *)) {
    struct passing passing = {.take = take, .context = context, .pass = pass};
    return wrapper_events(instance, position, most, 0, pass_on, &passing);
}

#define WRONG_EVENTS(name)                                                                                        \
    static int name##_events(lesson_store_instance *instance, lesson_store_event_position *position, size_t most, \
                             int64_t wait_ms, lesson_store_event_taker take, void *context) {                     \
        (void)wait_ms;                                                                                            \
        return events_through(instance, position, most, take, context, name);                                     \
    }                                                                                                             \
    static void name##_table(lesson_store_backend *table) {                                                       \
        table->events = name##_events;                                                                            \
    }

/* Its event is counted by the position, and never given. */
static bool loses_moves(struct passing *passing, lesson_store_event *event, const lesson_store_event_position *behind) {
    bool is_move = event->from_lesson_id.data && !lesson_store_id_equal(event->from_lesson_id, event->lesson_id);
    event->kind = is_move ? 99 : event->kind; /* which everybody skips */
    return give(passing, event, behind);
}
WRONG_EVENTS(loses_moves)

static bool gives_twice(struct passing *passing, lesson_store_event *event, const lesson_store_event_position *behind) {
    return give(passing, event, behind) && (event->kind != LESSON_STORE_EVENT_QUIT || give(passing, event, behind));
}
WRONG_EVENTS(gives_twice)

static bool forgets_cause(struct passing *passing, lesson_store_event *event,
                          const lesson_store_event_position *behind) {
    event->cause = LESSON_STORE_CAUSE_CALL;
    return give(passing, event, behind);
}
WRONG_EVENTS(forgets_cause)

static bool forgets_from(struct passing *passing, lesson_store_event *event,
                         const lesson_store_event_position *behind) {
    event->from_lesson_id = (lesson_store_id){NULL, 0};
    return give(passing, event, behind);
}
WRONG_EVENTS(forgets_from)

/* ---- Positions */

static bool is_zero(const lesson_store_event_position *position) {
    return (position->words[0] | position->words[1]) == 0;
}

/* Goes on at what is left. */
static int hides_gaps(lesson_store_instance *instance, lesson_store_event_position *position, size_t most,
                      int64_t wait_ms, lesson_store_event_taker take, void *context) {
    int code = wrapper_events(instance, position, most, wait_ms, take, context);
    return code == LESSON_STORE_GAP ? LESSON_STORE_OK : code;
}

static void hides_gaps_table(lesson_store_backend *table) {
    table->events = hides_gaps;
}

/* Begins with the newest event instead of the oldest one. */
static int has_no_past(lesson_store_instance *instance, lesson_store_event_position *position, size_t most,
                       int64_t wait_ms, lesson_store_event_taker take, void *context) {
    if (most > 0 && is_zero(position)) {
        int code = wrapper_events(instance, position, 0, wait_ms, take, context);
        if (code)
            return code;
    }
    return wrapper_events(instance, position, most, wait_ms, take, context);
}

static void has_no_past_table(lesson_store_backend *table) {
    table->events = has_no_past;
}

/* ---- Events of what did not happen */

/* Writes a join of its own before each operation that may be refused, and takes it back: the event came before its
 * change, and stays. */
static int writes_events_first(lesson_store_instance *instance, lesson_store_operation *operations, size_t count) {
    lesson_store_operation early[] = {{.kind = LESSON_STORE_OPERATION_JOIN}, {.kind = LESSON_STORE_OPERATION_QUIT}};
    for (size_t i = 0; i < count; i++) {
        if (operations[i].kind != LESSON_STORE_OPERATION_JOIN || !operations[i].flags)
            continue;
        early[0].uid = early[1].uid = lesson_store_id_of("too early");
        early[0].course_id = operations[i].course_id;
        early[0].lesson_id = operations[i].lesson_id;
        int code = wrapper_run(instance, early, 2);
        if (code)
            return code;
    }
    return wrapper_run(instance, operations, count);
}

static void writes_events_first_table(lesson_store_backend *table) {
    table->run = writes_events_first;
}

/* ---- The list */

const wrong_backend wrong_feeds[] = {
    {"feed-loses-moves", "FEED-7", "FEED-1 FEED-4", loses_moves_table, NULL},
    {"feed-gives-twice", "FEED-1", "FEED-3 FEED-4 FEED-5", gives_twice_table, NULL},
    {"feed-forgets-cause", "FEED-3", "", forgets_cause_table, NULL},
    {"feed-forgets-from", "FEED-4", "FEED-1", forgets_from_table, NULL},
    {"feed-hides-gaps", "FEED-6", "", hides_gaps_table, NULL},
    {"feed-has-no-past", "FEED-5", "FEED-6", has_no_past_table, NULL},
    {"feed-writes-events-first", "FEED-2", "", writes_events_first_table, NULL},
    {.name = NULL},
};
