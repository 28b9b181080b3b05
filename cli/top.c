/* The largest lessons, and how many users join and quit each second. */
#include <poll.h>
#include <search.h>
#include <stdlib.h>

#include <lessonstore/backend.h>
#include <lessonstore/feed.h>

#include "interrupt.h"
#include "lessonctl.h"

#define LINES_DEFAULT 20
#define LINES_MAX 100 /* and so one aligned table */
#define EVERY_DEFAULT_MS 1000
#define LOOK_MS 50 /* how often a wait for events looks for a signal */

/* What has happened in a lesson since the last screen. */
struct traffic {
    char lesson_id[LESSON_STORE_ID_MAX + 1];
    uint64_t joins;
    uint64_t quits;
};

struct line {
    char lesson_id[LESSON_STORE_ID_MAX + 1];
    uint64_t members;
    int32_t course_status;
};

struct screen {
    struct call *call;
    lesson_store_feed *feed; /* NULL: the store keeps no events */
    int64_t every_us;
    void *traffic; /* a tree of struct traffic */
    uint64_t joins;
    uint64_t quits;
    bool lacks_memory;
    int lost;   /* the code of the feed, if the joins and quits are too few */
    int status; /* of the program */
    uint64_t lessons;
    uint64_t users;
    struct line *lines; /* the largest lessons, in order */
    size_t line_count;
    size_t lines_most;
};

/* ---- Events */

static int compare(const void *left, const void *right) {
    const struct traffic *a = left, *b = right;
    return strcmp(a->lesson_id, b->lesson_id);
}

static struct traffic *traffic_of(struct screen *screen, lesson_store_id lesson_id) {
    struct traffic *made = calloc(1, sizeof *made);
    struct traffic **found = NULL;
    if (made) {
        lesson_store_id_copy(made->lesson_id, lesson_id);
        found = tsearch(made, &screen->traffic, compare);
    }
    if (!found || *found != made)
        free(made);
    screen->lacks_memory |= !found;
    return found ? *found : NULL;
}

static void count(struct screen *screen, lesson_store_id lesson_id, uint64_t joins, uint64_t quits) {
    struct traffic *traffic = traffic_of(screen, lesson_id);
    if (!traffic)
        return;
    traffic->joins += joins;
    traffic->quits += quits;
    screen->joins += joins;
    screen->quits += quits;
}

static void count_join(struct screen *screen, const lesson_store_event *event) {
    if (event->from_lesson_id.data && lesson_store_id_equal(event->from_lesson_id, event->lesson_id))
        return; /* was there already */
    if (event->from_lesson_id.data)
        count(screen, event->from_lesson_id, 0, 1);
    count(screen, event->lesson_id, 1, 0);
}

static bool count_event(const lesson_store_event *event, void *context) {
    if (event->kind == LESSON_STORE_EVENT_JOIN)
        count_join(context, event);
    else if (event->kind == LESSON_STORE_EVENT_QUIT)
        count(context, event->lesson_id, 0, 1);
    else if (event->kind == LESSON_STORE_EVENT_END && event->count > 0)
        count(context, event->lesson_id, 0, event->count);
    return true;
}

static void lose(struct screen *screen, int code) {
    bool is_known = screen->lost && (code == LESSON_STORE_GAP || code == screen->lost);
    if (is_known)
        return;
    screen->lost = code;
    if (code == LESSON_STORE_GAP)
        complain_of(screen->call, code, "events are missing: the joins and quits are too few");
    else if (code == LESSON_STORE_NOT_FOUND)
        note(screen->call, "the feed was turned off, so joins and quits are not counted");
    else
        screen->status = report_failure(screen->call, NULL, code);
}

static void wait_for_events(const struct screen *screen, int64_t left_us) {
    struct pollfd ready = {.fd = lesson_store_feed_descriptor(screen->feed), .events = POLLIN};
    poll(&ready, 1, left_us < LOOK_MS * INT64_C(1000) ? (int)(left_us / 1000) + 1 : LOOK_MS);
}

/* Counts the events of one period. False if the program was asked to end. */
static bool count_events(struct screen *screen) {
    int64_t now_us = lesson_store_monotonic_us(), end_us = now_us + screen->every_us;
    if (!screen->feed)
        return !interrupt_wait(end_us);
    for (; now_us < end_us; now_us = lesson_store_monotonic_us()) {
        size_t taken;
        if (interrupt_wait(now_us))
            return false;
        int code = lesson_store_feed_drain(screen->feed, 0, count_event, screen, &taken);
        if (code)
            lose(screen, code);
        if (taken == 0)
            wait_for_events(screen, end_us - now_us);
    }
    return true;
}

/* ---- Lessons */

static bool take_lesson(const lesson_store_lesson *lesson, void *context) {
    struct screen *screen = context;
    screen->lessons++;
    screen->users += lesson->member_count;
    size_t at = screen->line_count;
    while (at > 0 && screen->lines[at - 1].members < lesson->member_count)
        at--;
    if (at == screen->lines_most)
        return true;
    size_t moved = screen->line_count < screen->lines_most ? screen->line_count - at : screen->lines_most - 1 - at;
    memmove(&screen->lines[at + 1], &screen->lines[at], moved * sizeof *screen->lines);
    screen->line_count += screen->line_count < screen->lines_most;
    lesson_store_id_copy(screen->lines[at].lesson_id, lesson->lesson_id);
    screen->lines[at].members = lesson->member_count;
    screen->lines[at].course_status = lesson->course_status;
    return true;
}

/* ---- The screen */

static struct field rate(const struct screen *screen, const char *name, uint64_t number) {
    struct field field = field_signed(name, (int64_t)number * 1000000 / screen->every_us);
    bool is_known = screen->feed && (!screen->lost || screen->lost == LESSON_STORE_GAP);
    field.kind = is_known ? FIELD_NUMBER : FIELD_ABSENT;
    return field;
}

static bool print_line(const struct screen *screen, const struct line *line) {
    struct traffic wanted;
    lesson_store_id_copy(wanted.lesson_id, lesson_store_id_of(line->lesson_id));
    struct traffic **found = tfind(&wanted, &screen->traffic, compare);
    struct field row[] = {field_text("lesson_id", line->lesson_id),
                          field_text("course_status", lesson_store_course_status_word(line->course_status)),
                          field_number("members", line->members),
                          rate(screen, "joins_per_s", found ? (*found)->joins : 0),
                          rate(screen, "quits_per_s", found ? (*found)->quits : 0)};
    return output_row(&screen->call->output, row, sizeof row / sizeof *row);
}

/* The first line is of all lessons. */
static bool print(const struct screen *screen) {
    char all[64];
    snprintf(all, sizeof all, "(%llu lessons)", (unsigned long long)screen->lessons);
    struct field row[] = {field_text("lesson_id", all), field_text("course_status", NULL),
                          field_number("members", screen->users), rate(screen, "joins_per_s", screen->joins),
                          rate(screen, "quits_per_s", screen->quits)};
    output_begin_screen(&screen->call->output);
    bool is_written = output_row(&screen->call->output, row, sizeof row / sizeof *row);
    for (size_t i = 0; i < screen->line_count && is_written; i++)
        is_written = print_line(screen, &screen->lines[i]);
    return output_end(&screen->call->output) && is_written;
}

static void clear(struct screen *screen) {
    tdestroy(screen->traffic, free);
    screen->traffic = NULL;
    screen->joins = screen->quits = screen->lessons = screen->users = 0;
    screen->line_count = 0;
    screen->lost = LESSON_STORE_OK;
    screen->status = EXIT_YES;
}

/* Shows one screen after another on a terminal, else one. */
static int show(struct screen *screen) {
    struct call *call = screen->call;
    bool is_live = call->output.terminal && !call->program->json;
    if (is_live)
        interrupt_ends_in_order();
    do {
        clear(screen);
        if (!count_events(screen))
            return EXIT_YES;
        int code = lesson_store_lessons(call->store, take_lesson, screen);
        if (screen->lacks_memory)
            return complain_of(call, LESSON_STORE_NO_MEMORY, "no memory left");
        if (code)
            return report_failure(call, NULL, code);
    } while (print(screen) && is_live);
    return is_live ? EXIT_YES : screen->status;
}

static int open_feed(struct screen *screen) {
    int code = lesson_store_feed_open(&screen->feed, screen->call->store, NULL, NULL);
    bool has_none = code == LESSON_STORE_NOT_FOUND || code == LESSON_STORE_UNSUPPORTED;
    if (has_none)
        note(screen->call, "the store keeps no events, so joins and quits are not counted");
    return has_none ? LESSON_STORE_OK : code;
}

int command_top(struct call *call) {
    int64_t every_ms = EVERY_DEFAULT_MS, lines_most = LINES_DEFAULT;
    if (!option_duration(call, OPTION_EVERY, "every", LESSON_STORE_LEASE_MAX_MS, &every_ms) ||
        !option_number(call, OPTION_LINES, "lines", 1, LINES_MAX, &lines_most))
        return EXIT_USAGE;
    if (call->program->in_shell && call->output.terminal)
        return complain_of(call, LESSON_STORE_INVALID,
                           "the shell would never run another line; start lessonctl top by itself");
    struct screen screen = {.call = call, .every_us = every_ms * 1000, .lines_most = (size_t)lines_most};
    screen.lines = calloc(screen.lines_most, sizeof *screen.lines);
    if (!screen.lines)
        return complain_of(call, LESSON_STORE_NO_MEMORY, "no memory left");
    int code = open_feed(&screen);
    int status = code ? report_failure(call, NULL, code) : show(&screen);
    clear(&screen);
    lesson_store_feed_close(screen.feed);
    free(screen.lines);
    return status;
}
