/* The lists. Each list, and each page, is one statement, and so shows one instant. */
#include <inttypes.h>
#include <stdio.h>

#include "sqlite.h"

#define DESCRIPTION_SIZE (SQLITE_SHOWN_SIZE + 64)

/* Receives the rows of a statement. Malformed rows are skipped and counted, and the first of them is described. */
struct stream {
    sqlite_store *sqlite;
    sqlite3_stmt *statement;
    union {
        lesson_store_member_callback member;
        lesson_store_lesson_callback lesson;
        lesson_store_user_callback user;
    } callback;
    void *context;
    uint64_t malformed_count;
    char first_malformed[DESCRIPTION_SIZE];
};

/* Gives the current row. False to stop. */
typedef bool (*give_row)(struct stream *stream);

/* `what` names the row, whose key is the first column. Returns true, so that the list goes on. */
static bool note_malformed(struct stream *stream, const char *what) {
    if (stream->malformed_count++ > 0)
        return true;
    char key[SQLITE_SHOWN_SIZE];
    int type = sqlite3_column_type(stream->statement, 0);
    const void *bytes = type == SQLITE_BLOB ? sqlite3_column_blob(stream->statement, 0)
                                            : (const void *)sqlite3_column_text(stream->statement, 0);
    sqlite_show_value(key, type, bytes, sqlite3_column_bytes(stream->statement, 0));
    snprintf(stream->first_malformed, sizeof stream->first_malformed, "%s %s", what, key);
    return true;
}

static bool give_member(struct stream *stream) {
    lesson_store_id uid;
    if (!sqlite_read_id(stream->statement, 0, &uid))
        return note_malformed(stream, "a member with an invalid uid:");
    return stream->callback.member(&uid, stream->context);
}

static bool give_lesson(struct stream *stream) {
    lesson_store_lesson lesson = {.has_record = false};
    if (!sqlite_read_id(stream->statement, 0, &lesson.lesson_id))
        return note_malformed(stream, "a lesson with an invalid lesson_id:");
    if (!sqlite_read_statuses(stream->statement, 1, &lesson))
        return note_malformed(stream, "an invalid status in the record of lesson");
    lesson.has_record = sqlite3_column_int(stream->statement, 3);
    lesson.member_count = (uint64_t)sqlite3_column_int64(stream->statement, 4);
    return stream->callback.lesson(&lesson, stream->context);
}

static bool give_user(struct stream *stream) {
    lesson_store_user user = {.session = {NULL, 0}};
    if (!sqlite_read_id(stream->statement, 0, &user.uid) || !sqlite_read_place(stream->statement, 1, &user))
        return note_malformed(stream, "an invalid id in the record of user");
    return stream->callback.user(&user, stream->context);
}

static int end_of_rows(const struct stream *stream, int result) {
    if (result != SQLITE_DONE) {
        /* MALFORMED promises every other entry, but a damaged file breaks the list off. */
        int code = sqlite_fail(stream->sqlite, result);
        return code == LESSON_STORE_MALFORMED ? lesson_store_fail(LESSON_STORE_FAILED, "%s", lesson_store_message())
                                              : code;
    }
    if (stream->malformed_count == 0)
        return LESSON_STORE_OK;
    return lesson_store_fail(LESSON_STORE_MALFORMED, "%s: %s (the first of %" PRIu64 ")", stream->sqlite->path,
                             stream->first_malformed, stream->malformed_count);
}

static int give_rows(struct stream *stream, sqlite_statement statement, const lesson_store_id *lesson_id,
                     give_row give) {
    int code = sqlite_enter(stream->sqlite);
    if (code)
        return code;
    stream->statement = stream->sqlite->statements[statement];
    int result = sqlite_start(stream->sqlite, statement, lesson_id, lesson_id ? 1 : 0);
    bool go_on = true;
    while (result == SQLITE_ROW && (go_on = give(stream)))
        result = sqlite3_step(stream->statement);
    code = go_on ? end_of_rows(stream, result) : LESSON_STORE_OK;
    sqlite_finish(stream->sqlite, statement);
    return code;
}

int sqlite_members(lesson_store_instance *instance, const lesson_store_id *lesson_id,
                   lesson_store_member_callback callback, void *context) {
    struct stream stream = {.sqlite = sqlite_of(instance), .callback.member = callback, .context = context};
    return give_rows(&stream, STATEMENT_LIST_MEMBERS, lesson_id, give_member);
}

int sqlite_lessons(lesson_store_instance *instance, lesson_store_lesson_callback callback, void *context) {
    struct stream stream = {.sqlite = sqlite_of(instance), .callback.lesson = callback, .context = context};
    return give_rows(&stream, STATEMENT_LIST_LESSONS, NULL, give_lesson);
}

int sqlite_users(lesson_store_instance *instance, lesson_store_user_callback callback, void *context) {
    struct stream stream = {.sqlite = sqlite_of(instance), .callback.user = callback, .context = context};
    return give_rows(&stream, STATEMENT_LIST_USERS, NULL, give_user);
}

/* ---- Pages, in the order of the keys
 *
 * A page begins behind the last valid id that was given: `id` in the position. A row whose key is not a valid id cannot
 * be named there. words[0] counts the rows of that kind behind `id` that were reported already, so that they are not
 * reported again. words[1] is 1 after the first page: only that page may begin with the key "", which is malformed. */

/* Binds the parameters of every PAGE statement: ?2 the id to begin at, ?3 whether to begin behind it, ?4 the number of
 * rows. */
static int bind_page(sqlite3_stmt *statement, const lesson_store_position *position, size_t most) {
    int result = sqlite3_bind_text(statement, 2, position->id, -1, SQLITE_STATIC);
    if (result == SQLITE_OK)
        result = sqlite3_bind_int64(statement, 3, position->words[1] > 0);
    if (result == SQLITE_OK)
        result = sqlite3_bind_int64(statement, 4, (sqlite3_int64)most + (sqlite3_int64)position->words[0]);
    return result;
}

/* Gives the current row, unless its key is not valid and an earlier page has reported it. */
static bool give_row_of_page(struct stream *stream, give_row give, lesson_store_position *next, uint64_t *reported) {
    lesson_store_id key;
    if (sqlite_read_id(stream->statement, 0, &key)) {
        lesson_store_id_copy(next->id, key);
        next->words[0] = *reported = 0;
    } else if (next->words[0]++ < *reported) {
        return true;
    }
    return give(stream);
}

/* Gives the rows of a page and moves `next`. Returns the code of the last step, or SQLITE_ABORT if the callback
 * stopped. */
static int give_rows_of_page(struct stream *stream, give_row give, lesson_store_position *next, size_t limit) {
    uint64_t reported = next->words[0];
    size_t rows = 0;
    int result = sqlite3_step(stream->statement);
    for (next->words[0] = 0; result == SQLITE_ROW; rows++) {
        if (!give_row_of_page(stream, give, next, &reported))
            return SQLITE_ABORT;
        result = sqlite3_step(stream->statement);
    }
    next->words[1] = 1;
    next->ended = rows < limit;
    return result;
}

static int give_page(struct stream *stream, sqlite_statement statement, const lesson_store_id *lesson_id, size_t most,
                     lesson_store_position *position, give_row give) {
    position->never_repeats = true;
    int code = sqlite_enter(stream->sqlite);
    if (code)
        return code;
    lesson_store_position next = *position;
    stream->statement = stream->sqlite->statements[statement];
    int result = lesson_id
                     ? sqlite3_bind_text(stream->statement, 1, lesson_id->data, (int)lesson_id->size, SQLITE_STATIC)
                     : SQLITE_OK;
    if (result == SQLITE_OK)
        result = bind_page(stream->statement, position, most);
    if (result == SQLITE_OK)
        result = give_rows_of_page(stream, give, &next, most + (size_t)position->words[0]);
    bool stopped = result == SQLITE_ABORT;
    code = stopped ? LESSON_STORE_OK : end_of_rows(stream, result);
    if (!stopped && (!code || code == LESSON_STORE_MALFORMED))
        *position = next;
    sqlite_finish(stream->sqlite, statement);
    return code;
}

int sqlite_members_page(lesson_store_instance *instance, const lesson_store_id *lesson_id, size_t most,
                        lesson_store_position *position, lesson_store_member_callback callback, void *context) {
    struct stream stream = {.sqlite = sqlite_of(instance), .callback.member = callback, .context = context};
    return give_page(&stream, STATEMENT_PAGE_MEMBERS, lesson_id, most, position, give_member);
}

int sqlite_lessons_page(lesson_store_instance *instance, size_t most, lesson_store_position *position,
                        lesson_store_lesson_callback callback, void *context) {
    struct stream stream = {.sqlite = sqlite_of(instance), .callback.lesson = callback, .context = context};
    return give_page(&stream, STATEMENT_PAGE_LESSONS, NULL, most, position, give_lesson);
}

int sqlite_users_page(lesson_store_instance *instance, size_t most, lesson_store_position *position,
                      lesson_store_user_callback callback, void *context) {
    struct stream stream = {.sqlite = sqlite_of(instance), .callback.user = callback, .context = context};
    return give_page(&stream, STATEMENT_PAGE_USERS, NULL, most, position, give_user);
}
