/* The lists. Rows are copied before the callback receives the first of them. So a callback that waits, as for a person
 * who reads in a pager, holds no read transaction, which would keep the log from beginning anew.
 *
 * `members` is one statement, and so shows one instant. `lessons` and `users` can be larger than memory should hold, so
 * they are read in pages, each of which shows one instant. */
#include <stdio.h>
#include <stdlib.h>

#include "sqlite.h"

enum {
    MESSAGE_SIZE = 1024,
    LIST_PAGE = LESSON_STORE_PAGE_MAX,
    ENTRY_MAX = 2048, /* the most that one copied row takes */
    COPY_BEGIN = 8192,
};

/* Receives the rows of a statement. Malformed rows are skipped and counted, and the first of them is described. */
struct stream {
    sqlite_store *sqlite;
    sqlite3_stmt *statement;
    const struct kind *kind;
    union {
        lesson_store_member_callback member;
        lesson_store_lesson_callback lesson;
        lesson_store_user_callback user;
    } callback;
    void *context;
    lesson_store_position *next; /* of a page: behind the last valid key so far */
    uint64_t reported;           /* rows with invalid keys behind `next` that an earlier page has reported */
    uint64_t odd_keys;           /* and those that this page has met */
    sqlite_malformed malformed;
    char *copy; /* rows, each as its kind writes it */
    size_t copy_size;
    size_t copy_room;
};

/* `keep` copies the current row to the end of the copy, where it has room for it. `give` gives the row at `*at` to the
 * callback, and moves `*at` behind it. It returns false to stop. */
struct kind {
    void (*keep)(struct stream *stream);
    bool (*give)(struct stream *stream, const char **at);
};

/* ---- Copied rows: numbers as they are, and each id behind a byte with its size */

static void keep_bytes(struct stream *stream, const void *bytes, size_t size) {
    memcpy(stream->copy + stream->copy_size, bytes, size);
    stream->copy_size += size;
}

static void keep_id(struct stream *stream, lesson_store_id id) {
    stream->copy[stream->copy_size++] = (char)(unsigned char)id.size;
    if (id.size > 0)
        keep_bytes(stream, id.data, id.size);
}

static lesson_store_id take_id(const char **at) {
    lesson_store_id id = {*at + 1, (unsigned char)**at};
    *at += 1 + id.size;
    return id.size > 0 ? id : (lesson_store_id){NULL, 0};
}

static bool make_room(struct stream *stream) {
    if (stream->copy_room - stream->copy_size >= ENTRY_MAX)
        return true;
    size_t room = stream->copy_room ? stream->copy_room * 2 : COPY_BEGIN;
    char *copy = realloc(stream->copy, room);
    if (!copy)
        return false;
    stream->copy = copy;
    stream->copy_room = room;
    return true;
}

static void note_malformed(struct stream *stream, const char *what) {
    sqlite_note_malformed(&stream->malformed, stream->statement, what);
}

/* Reads the key of the current row. If it is invalid, `what` names the row in the report, unless an earlier page has
 * reported it. */
static bool read_key(struct stream *stream, lesson_store_id *out, const char *what) {
    if (!sqlite_read_id(stream->statement, 0, out)) {
        if (stream->odd_keys++ >= stream->reported)
            note_malformed(stream, what);
        return false;
    }
    stream->odd_keys = stream->reported = 0;
    if (stream->next)
        lesson_store_id_copy(stream->next->id, *out);
    return true;
}

static void keep_member(struct stream *stream) {
    lesson_store_id uid;
    if (read_key(stream, &uid, "a member with an invalid uid:"))
        keep_id(stream, uid);
}

static bool give_member(struct stream *stream, const char **at) {
    lesson_store_id uid = take_id(at);
    return stream->callback.member(&uid, stream->context);
}

static void keep_lesson(struct stream *stream) {
    lesson_store_lesson lesson = {.has_record = false};
    lesson_store_id lesson_id;
    if (!read_key(stream, &lesson_id, "a lesson with an invalid lesson_id:"))
        return;
    if (!sqlite_read_record(stream->statement, 1, &lesson)) {
        note_malformed(stream, "an invalid value in the record of lesson");
        return;
    }
    lesson.has_record = sqlite3_column_int(stream->statement, 1 + SQLITE_RECORD_COLUMNS);
    lesson.member_count = (uint64_t)sqlite3_column_int64(stream->statement, 2 + SQLITE_RECORD_COLUMNS);
    keep_bytes(stream, &lesson, sizeof lesson);
    keep_id(stream, lesson_id);
    keep_id(stream, lesson.course_id);
}

static bool give_lesson(struct stream *stream, const char **at) {
    lesson_store_lesson lesson;
    memcpy(&lesson, *at, sizeof lesson);
    *at += sizeof lesson;
    lesson.lesson_id = take_id(at);
    lesson.course_id = take_id(at);
    return stream->callback.lesson(&lesson, stream->context);
}

static void keep_user(struct stream *stream) {
    static const char what[] = "an invalid id in the record of user";
    lesson_store_user user = {.session = {NULL, 0}};
    if (!read_key(stream, &user.uid, what))
        return;
    if (!sqlite_read_place(stream->statement, 1, &user)) {
        note_malformed(stream, what);
        return;
    }
    keep_id(stream, user.uid);
    keep_id(stream, user.course_id);
    keep_id(stream, user.lesson_id);
    keep_id(stream, user.session);
    keep_id(stream, user.owner);
    keep_bytes(stream, &user.joined_ms, sizeof user.joined_ms);
}

static bool give_user(struct stream *stream, const char **at) {
    lesson_store_user user = {.uid = take_id(at)};
    user.course_id = take_id(at);
    user.lesson_id = take_id(at);
    user.session = take_id(at);
    user.owner = take_id(at);
    memcpy(&user.joined_ms, *at, sizeof user.joined_ms);
    *at += sizeof user.joined_ms;
    return stream->callback.user(&user, stream->context);
}

static const struct kind members = {keep_member, give_member}, lessons = {keep_lesson, give_lesson},
                         users = {keep_user, give_user};

_Static_assert(ENTRY_MAX >= sizeof(lesson_store_lesson) + (size_t)5 * (1 + LESSON_STORE_ID_MAX), "a row has room");
_Static_assert(COPY_BEGIN >= 2 * ENTRY_MAX, "the first copy has room for a row");

/* ---- Reading
 *
 * A page begins behind the last valid id that was given: `id` in the position. A row whose key is not a valid id cannot
 * be named there. words[0] counts the rows of that kind behind `id` that were reported already, so that they are not
 * reported again. words[1] is 1 after the first page: only that page may begin with the key "", which is malformed. */

/* Binds the parameters of every PAGE statement: ?2 the id to begin at, which moves on while the rows are read, ?3
 * whether to begin behind it, ?4 the number of rows. */
static int bind_page(sqlite3_stmt *statement, const lesson_store_position *position, size_t most) {
    int result = sqlite3_bind_text(statement, 2, position->id, -1, SQLITE_TRANSIENT);
    if (result == SQLITE_OK)
        result = sqlite3_bind_int64(statement, 3, position->words[1] > 0);
    if (result == SQLITE_OK)
        result = sqlite3_bind_int64(statement, 4, (sqlite3_int64)most + (sqlite3_int64)position->words[0]);
    return result;
}

static int keep_row(struct stream *stream) {
    if (!make_room(stream))
        return SQLITE_NOMEM;
    stream->kind->keep(stream);
    return sqlite3_step(stream->statement);
}

/* Returns the result of the last step. */
static int keep_rows(struct stream *stream, size_t *rows) {
    int result = sqlite3_step(stream->statement);
    for (*rows = 0; result == SQLITE_ROW; ++*rows)
        result = keep_row(stream);
    return result;
}

static int keep_page(struct stream *stream, size_t most, lesson_store_position *next) {
    size_t rows = 0, limit = most + (size_t)next->words[0];
    int result = bind_page(stream->statement, next, most);
    stream->next = next;
    stream->reported = next->words[0];
    stream->odd_keys = 0;
    if (result == SQLITE_OK)
        result = keep_rows(stream, &rows);
    stream->next = NULL;
    next->words[0] = stream->odd_keys;
    next->words[1] = 1;
    next->ended = rows < limit;
    return result;
}

/* MALFORMED promises every other entry, but a damaged file breaks the list off. */
int sqlite_fail_reading(sqlite_store *sqlite, int result) {
    int code = sqlite_fail(sqlite, result);
    return code == LESSON_STORE_MALFORMED ? lesson_store_fail(LESSON_STORE_FAILED, "%s", lesson_store_message()) : code;
}

/* What one statement reads. `lesson_id` and `filter` are NULL unless the statement takes one. `next` is the position of
 * a page, which is moved, or NULL for a whole list. */
struct reading {
    sqlite_statement statement;
    const lesson_store_id *lesson_id;
    const lesson_store_lesson_filter *filter;
    size_t most;
    lesson_store_position *next;
};

/* Rows that may be wrong are not given. */
static int confirm_rows(struct stream *stream, int code) {
    if (!sqlite_was_changed(stream->sqlite))
        return code;
    stream->copy_size = 0;
    return sqlite_confirm(stream->sqlite, code);
}

static int bind_status(sqlite3_stmt *statement, int parameter, bool is_given, int32_t status) {
    return is_given ? sqlite3_bind_int(statement, parameter, status) : sqlite3_bind_null(statement, parameter);
}

/* Binds NULL for what is not asked. */
static int bind_filter(sqlite3_stmt *statement, const lesson_store_lesson_filter *filter) {
    int result = sqlite3_bind_text(statement, 5, filter->course_id.data, (int)filter->course_id.size, SQLITE_STATIC);
    if (result == SQLITE_OK)
        result = bind_status(statement, 6, filter->given & LESSON_STORE_GIVEN_COURSE_STATUS, filter->course_status);
    if (result == SQLITE_OK)
        result = bind_status(statement, 7, filter->given & LESSON_STORE_GIVEN_CHAT_STATUS, filter->chat_status);
    return result;
}

static int bind_reading(sqlite3_stmt *statement, const struct reading *reading) {
    const lesson_store_id *id = reading->lesson_id;
    if (id)
        return sqlite3_bind_text(statement, 1, id->data, (int)id->size, SQLITE_STATIC);
    return reading->filter ? bind_filter(statement, reading->filter) : SQLITE_OK;
}

/* Copies the rows. If the disk or memory fails halfway, the rows before that are in the copy. */
static int read_rows(struct stream *stream, const struct reading *reading) {
    stream->copy_size = 0;
    size_t rows;
    int code = sqlite_enter(stream->sqlite);
    if (code)
        return code;
    stream->statement = stream->sqlite->statements[reading->statement];
    int result = bind_reading(stream->statement, reading);
    if (result == SQLITE_OK)
        result = reading->next ? keep_page(stream, reading->most, reading->next) : keep_rows(stream, &rows);
    if (result != SQLITE_DONE)
        code = sqlite_fail_reading(stream->sqlite, result);
    sqlite_finish(stream->sqlite, reading->statement);
    return confirm_rows(stream, code);
}

/* ---- Giving */

/* Gives the copied rows. False if the callback stopped. */
static bool give_copy(struct stream *stream) {
    const char *at = stream->copy, *end = at + stream->copy_size;
    bool go_on = true;
    while (go_on && at < end)
        go_on = stream->kind->give(stream, &at);
    return go_on;
}

/* Gives what was read although reading it ended with this failure. The callback may use other stores, whose messages
 * must not take the place of this one. */
static int give_before_failure(struct stream *stream, int code) {
    char message[MESSAGE_SIZE];
    snprintf(message, sizeof message, "%s", lesson_store_message());
    return give_copy(stream) ? lesson_store_fail(code, "%s", message) : LESSON_STORE_OK;
}

static int end_stream(struct stream *stream, int code) {
    free(stream->copy);
    return code;
}

/* Of a list, which may have kept the log from beginning anew while it was read. */
static int end_list(struct stream *stream, int code) {
    sqlite_trim_log(stream->sqlite);
    return end_stream(stream, code);
}

int sqlite_members(lesson_store_instance *instance, const lesson_store_id *lesson_id,
                   lesson_store_member_callback callback, void *context) {
    struct stream stream = {
        .sqlite = sqlite_of(instance), .kind = &members, .callback.member = callback, .context = context};
    const struct reading reading = {.statement = STATEMENT_LIST_MEMBERS, .lesson_id = lesson_id};
    int code = read_rows(&stream, &reading);
    if (code)
        code = give_before_failure(&stream, code);
    else if (give_copy(&stream))
        code = sqlite_report_malformed(stream.sqlite, &stream.malformed);
    return end_list(&stream, code);
}

static int give_pages(struct stream *stream, sqlite_statement statement, const lesson_store_lesson_filter *filter) {
    lesson_store_position next = {.id = ""};
    const struct reading reading = {.statement = statement, .filter = filter, .most = LIST_PAGE, .next = &next};
    while (!next.ended) {
        int code = read_rows(stream, &reading);
        if (code)
            return give_before_failure(stream, code);
        if (!give_copy(stream))
            return LESSON_STORE_OK;
    }
    return sqlite_report_malformed(stream->sqlite, &stream->malformed);
}

int sqlite_lessons(lesson_store_instance *instance, lesson_store_lesson_callback callback, void *context) {
    struct stream stream = {
        .sqlite = sqlite_of(instance), .kind = &lessons, .callback.lesson = callback, .context = context};
    return end_list(&stream, give_pages(&stream, STATEMENT_PAGE_LESSONS, NULL));
}

int sqlite_find_lessons(lesson_store_instance *instance, const lesson_store_lesson_filter *filter,
                        lesson_store_lesson_callback callback, void *context) {
    struct stream stream = {
        .sqlite = sqlite_of(instance), .kind = &lessons, .callback.lesson = callback, .context = context};
    return end_list(&stream, give_pages(&stream, STATEMENT_FIND_LESSONS, filter));
}

int sqlite_users(lesson_store_instance *instance, lesson_store_user_callback callback, void *context) {
    struct stream stream = {
        .sqlite = sqlite_of(instance), .kind = &users, .callback.user = callback, .context = context};
    return end_list(&stream, give_pages(&stream, STATEMENT_PAGE_USERS, NULL));
}

/* ---- Pages, in the order of the keys */

static int give_page(struct stream *stream, struct reading reading, lesson_store_position *position) {
    position->never_repeats = true;
    lesson_store_position next = *position;
    reading.next = &next;
    int code = read_rows(stream, &reading);
    if (code)
        return end_stream(stream, give_before_failure(stream, code));
    if (give_copy(stream)) {
        *position = next;
        code = sqlite_report_malformed(stream->sqlite, &stream->malformed);
    }
    return end_stream(stream, code);
}

int sqlite_members_page(lesson_store_instance *instance, const lesson_store_id *lesson_id, size_t most,
                        lesson_store_position *position, lesson_store_member_callback callback, void *context) {
    struct stream stream = {
        .sqlite = sqlite_of(instance), .kind = &members, .callback.member = callback, .context = context};
    const struct reading reading = {.statement = STATEMENT_PAGE_MEMBERS, .lesson_id = lesson_id, .most = most};
    return give_page(&stream, reading, position);
}

int sqlite_lessons_page(lesson_store_instance *instance, size_t most, lesson_store_position *position,
                        lesson_store_lesson_callback callback, void *context) {
    struct stream stream = {
        .sqlite = sqlite_of(instance), .kind = &lessons, .callback.lesson = callback, .context = context};
    return give_page(&stream, (struct reading){.statement = STATEMENT_PAGE_LESSONS, .most = most}, position);
}

int sqlite_find_lessons_page(lesson_store_instance *instance, const lesson_store_lesson_filter *filter, size_t most,
                             lesson_store_position *position, lesson_store_lesson_callback callback, void *context) {
    struct stream stream = {
        .sqlite = sqlite_of(instance), .kind = &lessons, .callback.lesson = callback, .context = context};
    const struct reading reading = {.statement = STATEMENT_FIND_LESSONS, .filter = filter, .most = most};
    return give_page(&stream, reading, position);
}

int sqlite_users_page(lesson_store_instance *instance, size_t most, lesson_store_position *position,
                      lesson_store_user_callback callback, void *context) {
    struct stream stream = {
        .sqlite = sqlite_of(instance), .kind = &users, .callback.user = callback, .context = context};
    return give_page(&stream, (struct reading){.statement = STATEMENT_PAGE_USERS, .most = most}, position);
}
