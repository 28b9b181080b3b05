/* The events of the store. */
#include <inttypes.h>
#include <poll.h>
#include <time.h>

#include <lessonstore/backend.h>
#include <lessonstore/feed.h>

#include "interrupt.h"
#include "lessonctl.h"

#define LOOK_MS 50 /* how often a wait for events looks for a signal, and for the end */

struct following {
    struct call *call;
    lesson_store_feed *feed;
    bool is_written; /* false: standard output takes no more */
};

static void format_time(char text[static 40], int64_t at_ms) {
    time_t seconds = (time_t)(at_ms / 1000);
    struct tm parts;
    gmtime_r(&seconds, &parts);
    size_t used = strftime(text, 32, "%Y-%m-%dT%H:%M:%S", &parts);
    snprintf(text + used, 40 - used, ".%03dZ", (int)(at_ms % 1000));
}

static struct field given(const lesson_store_event *event, uint32_t which, struct field field) {
    if (!(event->given & which))
        field.kind = FIELD_ABSENT;
    return field_only_json(field);
}

static bool print_event(const lesson_store_event *event, void *context) {
    struct following *following = context;
    char position[LESSON_STORE_POSITION_SIZE], at[40];
    lesson_store_feed_position(following->feed, position);
    format_time(at, event->at_ms);
    struct field row[] = {
        field_text("position", position),
        field_text("at", at),
        field_text("event", lesson_store_event_name(event->kind)),
        field_text("cause", lesson_store_cause_name(event->cause)),
        field_id("lesson_id", event->lesson_id),
        field_id("uid", event->uid),
        field_id("course_id", event->course_id),
        field_id("from_lesson_id", event->from_lesson_id),
        field_only_json(field_id("session", event->session)),
        field_only_json(field_id("owner", event->owner)),
        given(event, LESSON_STORE_GIVEN_COURSE_STATUS,
              field_text("course_status", lesson_store_course_status_word(event->course_status))),
        given(event, LESSON_STORE_GIVEN_CHAT_STATUS,
              field_text("chat_status", lesson_store_chat_status_word(event->chat_status))),
        given(event, LESSON_STORE_GIVEN_CAPACITY, field_number("capacity", event->capacity)),
        field_only_json(field_number("count", event->count)),
    };
    size_t count = sizeof row / sizeof *row;
    following->is_written =
        output_row(&following->call->output, row, event->kind == LESSON_STORE_EVENT_END ? count : count - 1);
    return following->is_written;
}

static int complain_of_gap(const struct call *call) {
    return complain_of(call, LESSON_STORE_GAP, "events are missing here: list the store again");
}

/* Prints what has come. Returns the code of drain. */
static int print_events(struct following *following) {
    int code = lesson_store_feed_drain(following->feed, 0, print_event, following, NULL);
    following->is_written &= output_end(&following->call->output);
    return code;
}

static void wait_for_events(const lesson_store_feed *feed) {
    struct pollfd ready = {.fd = lesson_store_feed_descriptor(feed), .events = POLLIN};
    poll(&ready, 1, LOOK_MS);
}

static int print_present(struct following *following) {
    while (following->is_written) {
        bool is_last = lesson_store_feed_is_current(following->feed);
        int code = print_events(following);
        if (code == LESSON_STORE_GAP)
            return complain_of_gap(following->call);
        if (code)
            return report_failure(following->call, NULL, code);
        if (is_last)
            break;
        wait_for_events(following->feed);
    }
    return EXIT_YES;
}

/* A store that fails may come back, so this goes on until a signal comes. */
static int print_for_ever(struct following *following) {
    int reported = LESSON_STORE_OK;
    interrupt_ends_in_order();
    while (following->is_written && !interrupt_wait(lesson_store_monotonic_us())) {
        int code = print_events(following);
        if (code == LESSON_STORE_GAP)
            complain_of_gap(following->call);
        else if (code && code != reported)
            report_failure(following->call, NULL, code);
        reported = code;
        wait_for_events(following->feed);
    }
    return EXIT_YES;
}

int command_events(struct call *call) {
    const char *from = call->options.text[OPTION_FROM];
    bool follows = option_given(call, OPTION_FOLLOW);
    if (follows && call->program->in_shell)
        return complain_of(call, LESSON_STORE_INVALID,
                           "--follow: the shell would never run another line; start lessonctl events by itself");
    struct following following = {.call = call, .is_written = true};
    int code = lesson_store_feed_open(&following.feed, call->store, call->options.text[OPTION_LESSON],
                                      from ? from : LESSON_STORE_POSITION_OLDEST);
    if (code == LESSON_STORE_NOT_FOUND)
        return complain_of(call, code, "the store keeps no events: open it once with feed=N in its location");
    if (code)
        return report_failure(call, NULL, code);
    int status = follows ? print_for_ever(&following) : print_present(&following);
    lesson_store_feed_close(following.feed);
    return status;
}
