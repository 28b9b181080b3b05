/* The events: a table that is written in the transactions of the changes. */
#include <inttypes.h>
#include <stdio.h>

#include "sqlite.h"

#define TRIM_EVERY 64 /* events */

/* ---- Writing */

int sqlite_find_feed(sqlite_store *sqlite) {
    sqlite3_stmt *find = sqlite->statements[STATEMENT_FIND_FEED];
    int result = sqlite_start(sqlite, STATEMENT_FIND_FEED, NULL, 0);
    int code = result == SQLITE_ROW || result == SQLITE_DONE ? LESSON_STORE_OK : sqlite_fail(sqlite, result);
    sqlite->events_kept = result == SQLITE_ROW ? sqlite3_column_int64(find, 0) : 0;
    sqlite->events_incarnation = result == SQLITE_ROW ? sqlite3_column_int64(find, 1) : 0;
    sqlite_finish(sqlite, STATEMENT_FIND_FEED);
    return code;
}

static int bind_given(sqlite3_stmt *add, int parameter, const lesson_store_event *event, uint32_t which,
                      int64_t number) {
    return (event->given & which) != 0 ? sqlite3_bind_int64(add, parameter, number) : sqlite3_bind_null(add, parameter);
}

static int bind_numbers(sqlite3_stmt *add, const lesson_store_event *event) {
    int result = sqlite3_bind_int64(add, 7, lesson_store_clock_ms());
    if (result == SQLITE_OK)
        result = sqlite3_bind_int64(add, 8, event->kind);
    if (result == SQLITE_OK)
        result = sqlite3_bind_int64(add, 9, event->cause);
    if (result == SQLITE_OK)
        result = bind_given(add, 10, event, LESSON_STORE_GIVEN_COURSE_STATUS, event->course_status);
    if (result == SQLITE_OK)
        result = bind_given(add, 11, event, LESSON_STORE_GIVEN_CHAT_STATUS, event->chat_status);
    if (result == SQLITE_OK)
        result = bind_given(add, 12, event, LESSON_STORE_GIVEN_CAPACITY, (int64_t)event->capacity);
    return result == SQLITE_OK ? sqlite3_bind_int64(add, 13, (int64_t)event->count) : result;
}

/* One more is kept than asked for: that of the position of a reader who is behind by just as many. */
static int trim(sqlite_store *sqlite) {
    int64_t newest = sqlite3_last_insert_rowid(sqlite->database);
    if (newest % TRIM_EVERY != 0)
        return LESSON_STORE_OK;
    int result = sqlite3_bind_int64(sqlite->statements[STATEMENT_TRIM_EVENTS], 1, newest - sqlite->events_kept - 1);
    return result == SQLITE_OK ? sqlite_execute(sqlite, STATEMENT_TRIM_EVENTS, NULL, 0) : sqlite_fail(sqlite, result);
}

int sqlite_add_event(sqlite_store *sqlite, const lesson_store_event *event) {
    const lesson_store_id ids[] = {event->lesson_id,      event->uid,     event->course_id,
                                   event->from_lesson_id, event->session, event->owner};
    if (sqlite->events_kept == 0)
        return LESSON_STORE_OK;
    int result = bind_numbers(sqlite->statements[STATEMENT_ADD_EVENT], event);
    int code = result == SQLITE_OK ? sqlite_execute(sqlite, STATEMENT_ADD_EVENT, ids, 6) : sqlite_fail(sqlite, result);
    return code ? code : trim(sqlite);
}

int sqlite_add_quit_event(sqlite_store *sqlite, lesson_store_id uid, lesson_store_id lesson_id,
                          lesson_store_cause cause) {
    const lesson_store_event event = {
        .kind = LESSON_STORE_EVENT_QUIT, .cause = cause, .lesson_id = lesson_id, .uid = uid};
    return sqlite_add_event(sqlite, &event);
}

/* ---- Reading */

struct reading {
    sqlite_store *sqlite;
    lesson_store_event_position *position;
    lesson_store_event_taker take;
    void *context;
    int64_t number; /* of the latest event that was given */
    bool is_full;
    bool is_broken; /* events are missing */
};

/* The words of a position: the number and the time of an event, and whether the position is before it. */
enum { NUMBER, INCARNATION, AT_MS, IS_BEFORE };

static lesson_store_event_position position_of(const sqlite_store *sqlite, int64_t number, int64_t at_ms) {
    return (lesson_store_event_position){{(uint64_t)number, (uint64_t)sqlite->events_incarnation, (uint64_t)at_ms}};
}

/* The events are numbered without gaps, and the number and time of one say that it is that one. A file that was put
 * back from a copy has others. */
static int check_position(struct reading *reading) {
    sqlite_store *sqlite = reading->sqlite;
    const uint64_t *words = reading->position->words;
    if (lesson_store_event_position_is_oldest(reading->position))
        return LESSON_STORE_OK;
    sqlite3_stmt *find = sqlite->statements[STATEMENT_FIND_EVENT];
    int result = sqlite3_bind_int64(find, 1, (int64_t)words[NUMBER]);
    if (result == SQLITE_OK)
        result = sqlite_start(sqlite, STATEMENT_FIND_EVENT, NULL, 0);
    bool is_found = result == SQLITE_ROW && (uint64_t)sqlite3_column_int64(find, 0) == words[AT_MS];
    int code = result == SQLITE_ROW || result == SQLITE_DONE ? LESSON_STORE_OK : sqlite_fail(sqlite, result);
    sqlite_finish(sqlite, STATEMENT_FIND_EVENT);
    bool is_before_first = words[NUMBER] == 0;
    reading->is_broken = words[INCARNATION] != (uint64_t)sqlite->events_incarnation || !(is_found || is_before_first);
    reading->number = (int64_t)(words[NUMBER] - (words[IS_BEFORE] && words[NUMBER] > 0));
    return code;
}

static uint32_t read_given(sqlite3_stmt *row, int column, uint32_t which, int64_t *number) {
    *number = sqlite3_column_int64(row, column);
    return sqlite3_column_type(row, column) == SQLITE_NULL ? 0 : which;
}

/* False if the row is damaged. A kind of a later version, with any columns, only moves the position. */
static bool read_event(sqlite3_stmt *row, lesson_store_event *event) {
    lesson_store_id *const ids[] = {&event->lesson_id,      &event->uid,     &event->course_id,
                                    &event->from_lesson_id, &event->session, &event->owner};
    int64_t course_status, chat_status, capacity, kind = sqlite3_column_int64(row, 2);
    *event = (lesson_store_event){.at_ms = sqlite3_column_int64(row, 1)};
    if (kind < 1 || kind > LESSON_STORE_EVENT_QUIT)
        return kind > 0;
    event->kind = (uint32_t)kind;
    event->cause = (uint32_t)sqlite3_column_int(row, 3);
    for (int i = 0; i < 6; i++) {
        if (!sqlite_read_optional_id(row, 4 + i, ids[i]))
            return false;
    }
    event->given = read_given(row, 10, LESSON_STORE_GIVEN_COURSE_STATUS, &course_status) |
                   read_given(row, 11, LESSON_STORE_GIVEN_CHAT_STATUS, &chat_status) |
                   read_given(row, 12, LESSON_STORE_GIVEN_CAPACITY, &capacity);
    event->course_status = (int32_t)course_status;
    event->chat_status = (int32_t)chat_status;
    event->capacity = (uint64_t)capacity;
    event->count = (uint64_t)sqlite3_column_int64(row, 13);
    return event->lesson_id.data != NULL;
}

/* The position before the oldest event, or before the first one if there is none. */
static void give_start(struct reading *reading, int64_t oldest, int64_t at_ms) {
    const lesson_store_event none = {.kind = 0};
    lesson_store_event_position start = position_of(reading->sqlite, oldest, at_ms);
    start.words[IS_BEFORE] = oldest > 0;
    reading->is_full = !reading->take(&none, &start, reading->context);
    reading->number = oldest > 0 ? oldest - 1 : 0;
    *reading->position = start;
}

static void take_row(struct reading *reading, sqlite3_stmt *row) {
    lesson_store_event event;
    int64_t number = sqlite3_column_int64(row, 0);
    if (lesson_store_event_position_is_oldest(reading->position))
        give_start(reading, number, sqlite3_column_int64(row, 1));
    if (reading->is_full)
        return;
    if (number != reading->number + 1 || !read_event(row, &event)) {
        reading->is_broken = true;
        return;
    }
    lesson_store_event_position behind = position_of(reading->sqlite, number, event.at_ms);
    reading->is_full = !reading->take(&event, &behind, reading->context);
    if (!reading->is_full)
        reading->number = number;
}

static int read_page(struct reading *reading, size_t most) {
    sqlite_store *sqlite = reading->sqlite;
    sqlite3_stmt *rows = sqlite->statements[STATEMENT_PAGE_EVENTS];
    int result = sqlite3_bind_int64(rows, 1, reading->number);
    if (result == SQLITE_OK)
        result = sqlite3_bind_int64(rows, 2, (int64_t)most);
    if (result == SQLITE_OK)
        result = sqlite3_step(rows);
    for (; result == SQLITE_ROW && !reading->is_full && !reading->is_broken; result = sqlite3_step(rows))
        take_row(reading, rows);
    if (result == SQLITE_DONE && lesson_store_event_position_is_oldest(reading->position))
        give_start(reading, 0, 0);
    int code = result == SQLITE_ROW || result == SQLITE_DONE ? LESSON_STORE_OK : sqlite_fail(sqlite, result);
    sqlite_finish(sqlite, STATEMENT_PAGE_EVENTS);
    return code;
}

static int find_newest(struct reading *reading) {
    sqlite_store *sqlite = reading->sqlite;
    sqlite3_stmt *newest = NULL;
    int result = sqlite_ask_text(sqlite, "SELECT number, at_ms FROM events ORDER BY number DESC LIMIT 1", &newest);
    int code = result == SQLITE_ROW || result == SQLITE_DONE ? LESSON_STORE_OK : sqlite_fail(sqlite, result);
    if (!code)
        *reading->position = result == SQLITE_ROW
                                 ? position_of(sqlite, sqlite3_column_int64(newest, 0), sqlite3_column_int64(newest, 1))
                                 : position_of(sqlite, 0, 0);
    sqlite3_finalize(newest);
    return code;
}

static int read_events(struct reading *reading, size_t most) {
    int code = sqlite_find_feed(reading->sqlite);
    if (code || reading->sqlite->events_kept == 0)
        return code ? code : LESSON_STORE_NOT_FOUND;
    if (most > 0)
        code = check_position(reading);
    if (!code && most > 0 && !reading->is_broken)
        code = read_page(reading, most);
    if (!code && (most == 0 || reading->is_broken))
        code = find_newest(reading);
    return code || !reading->is_broken ? code : LESSON_STORE_GAP;
}

int sqlite_events(lesson_store_instance *instance, lesson_store_event_position *position, size_t most, int64_t wait_ms,
                  lesson_store_event_taker take, void *context) {
    sqlite_store *sqlite = sqlite_of(instance);
    struct reading reading = {.sqlite = sqlite, .position = position, .take = take, .context = context};
    (void)wait_ms;
    int code = sqlite_enter(sqlite);
    if (!code)
        code = sqlite_begin(sqlite, false);
    if (code)
        return code;
    code = read_events(&reading, most);
    int end = code < 0 ? LESSON_STORE_OK : sqlite_commit(sqlite, false);
    if (code < 0 || end)
        sqlite_roll_back(sqlite);
    end = sqlite_confirm(sqlite, end);
    return end ? end : code;
}

/* ---- Turning it on and off */

static int turn_on(sqlite_store *sqlite, int64_t kept) {
    char text[160];
    int64_t incarnation;
    sqlite3_randomness(sizeof incarnation, &incarnation);
    snprintf(text, sizeof text,
             "DELETE FROM events; INSERT INTO feed(incarnation, kept) VALUES(%" PRId64 ", %" PRId64 ")", incarnation,
             kept);
    return sqlite_execute_text(sqlite, text);
}

static int turn(sqlite_store *sqlite, int64_t kept) {
    char text[80];
    bool is_on = sqlite->events_kept > 0;
    snprintf(text, sizeof text, "UPDATE feed SET kept = %" PRId64, kept);
    if (kept == 0)
        return sqlite_execute_text(sqlite, "DELETE FROM feed; DELETE FROM events");
    return is_on ? sqlite_execute_text(sqlite, text) : turn_on(sqlite, kept);
}

int sqlite_turn_feed(sqlite_store *sqlite, int64_t kept) {
    int code = sqlite_find_feed(sqlite);
    if (code || sqlite->events_kept == kept)
        return code;
    code = sqlite_begin(sqlite, true); /* which looks again */
    if (!code)
        code = turn(sqlite, kept);
    if (!code)
        code = sqlite_commit(sqlite, true);
    if (code)
        sqlite_roll_back(sqlite);
    return code;
}
