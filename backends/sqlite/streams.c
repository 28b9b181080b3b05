/* The streams: each is one statement, and so of one instant. */
#include <inttypes.h>
#include <stdio.h>

#include "sqlite.h"

#define DESCRIPTION_SIZE (SQLITE_SHOWN_SIZE + 64)

/* Where the rows of a statement go. Rows that are not of our shape are skipped, counted, and the first is described. */
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

/* Gives the present row; false to stop. */
typedef bool (*give_row)(struct stream *stream);

/* `what` names the row, whose key is the first column. Returns true: the stream goes on. */
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
        return note_malformed(stream, "a member whose uid is not valid:");
    return stream->callback.member(uid, stream->context);
}

static bool give_lesson(struct stream *stream) {
    lesson_store_lesson lesson;
    if (!sqlite_read_id(stream->statement, 0, &lesson.lesson_id))
        return note_malformed(stream, "a lesson whose lesson_id is not valid:");
    if (!sqlite_read_statuses(stream->statement, 1, &lesson))
        return note_malformed(stream, "a status that is not valid in the record of lesson");
    lesson.has_record = sqlite3_column_int(stream->statement, 3);
    lesson.member_count = (uint64_t)sqlite3_column_int64(stream->statement, 4);
    return stream->callback.lesson(&lesson, stream->context);
}

static bool give_user(struct stream *stream) {
    lesson_store_user user;
    if (!sqlite_read_id(stream->statement, 0, &user.uid) || !sqlite_read_place(stream->statement, 1, &user))
        return note_malformed(stream, "something that is not a valid id in the record of user");
    return stream->callback.user(&user, stream->context);
}

static int end_of_rows(const struct stream *stream, int result) {
    if (result != SQLITE_DONE)
        return sqlite_fail(stream->sqlite, result);
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

int sqlite_members(lesson_store_instance *instance, lesson_store_id lesson_id, lesson_store_member_callback callback,
                   void *context) {
    struct stream stream = {.sqlite = sqlite_of(instance), .callback.member = callback, .context = context};
    return give_rows(&stream, STATEMENT_LIST_MEMBERS, &lesson_id, give_member);
}

int sqlite_lessons(lesson_store_instance *instance, lesson_store_lesson_callback callback, void *context) {
    struct stream stream = {.sqlite = sqlite_of(instance), .callback.lesson = callback, .context = context};
    return give_rows(&stream, STATEMENT_LIST_LESSONS, NULL, give_lesson);
}

int sqlite_users(lesson_store_instance *instance, lesson_store_user_callback callback, void *context) {
    struct stream stream = {.sqlite = sqlite_of(instance), .callback.user = callback, .context = context};
    return give_rows(&stream, STATEMENT_LIST_USERS, NULL, give_user);
}
