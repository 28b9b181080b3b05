#include "replies.h"

#define VERSION_DIGITS_MAX 16 /* Lua counts exactly up to 2^53 */

bool cluster_read_version(lesson_store_id text, uint64_t *version) {
    *version = 0;
    if (text.size == 0 || text.size > VERSION_DIGITS_MAX)
        return false;
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        *version = *version * 10 + (uint64_t)(text.data[i] - '0');
    }
    return true;
}

bool cluster_next_version(redis_reply *reply, uint64_t *version) {
    lesson_store_id text;
    return redis_reply_next_text(reply, &text) && cluster_read_version(text, version);
}

static bool read_details(redis_reply *reply, lesson_store_user *user) {
    lesson_store_id session_lesson, joined_ms;
    if (!redis_reply_next_text(reply, &user->course_id) || !redis_reply_next_text(reply, &user->session) ||
        !redis_reply_next_text(reply, &session_lesson) || !redis_reply_next_text(reply, &user->owner) ||
        !redis_reply_next_text(reply, &joined_ms))
        return false;
    user->course_id = redis_given(user->course_id);
    user->session = redis_if_valid(user->session, user->lesson_id, session_lesson);
    user->owner = redis_if_valid(user->owner, user->lesson_id, session_lesson);
    user->joined_ms = user->owner.data ? redis_read_time(joined_ms) : 0;
    return true;
}

bool cluster_read_inspect(redis_reply *reply, cluster_whereabouts *whereabouts) {
    lesson_store_user *user = &whereabouts->user;
    *user = (lesson_store_user){.uid = {NULL, 0}};
    if (!redis_reply_next_text(reply, &whereabouts->lesson) || !whereabouts->lesson.data ||
        !cluster_next_version(reply, &whereabouts->version) || !redis_reply_next_text(reply, &whereabouts->last) ||
        !whereabouts->last.data || whereabouts->last.size >= CLUSTER_OPERATION_SIZE)
        return false;
    user->lesson_id = redis_given(whereabouts->lesson);
    return redis_reply_at_end(reply) || (read_details(reply, user) && redis_reply_at_end(reply));
}

static cluster_commit commit_of(lesson_store_id word) {
    static const struct {
        const char *word;
        cluster_commit commit;
    } words[] = {{"DONE", CLUSTER_COMMIT_DONE},
                 {"REPEATED", CLUSTER_COMMIT_REPEATED},
                 {"FENCED", CLUSTER_COMMIT_FENCED},
                 {"LOST", CLUSTER_COMMIT_LOST},
                 {"SUPERSEDED", CLUSTER_COMMIT_SUPERSEDED}};
    for (size_t i = 0; word.data && i < sizeof words / sizeof *words; i++) {
        if (redis_text_is(word, words[i].word))
            return words[i].commit;
    }
    return CLUSTER_COMMIT_NONE;
}

bool cluster_read_commit(redis_reply *reply, cluster_committed *committed) {
    lesson_store_id word;
    if (!redis_reply_next_text(reply, &word) || !redis_reply_next_text(reply, &committed->now) ||
        !committed->now.data || !cluster_next_version(reply, &committed->version) ||
        !redis_reply_next_text(reply, &committed->before) || !committed->before.data || !redis_reply_at_end(reply))
        return false;
    committed->commit = commit_of(word);
    return committed->commit != CLUSTER_COMMIT_NONE;
}

bool cluster_read_evict(redis_reply *reply, cluster_evicted *evicted) {
    return redis_reply_next_text(reply, &evicted->now) && evicted->now.data &&
           cluster_next_version(reply, &evicted->version) && redis_reply_next_number(reply, &evicted->done) &&
           redis_reply_at_end(reply);
}

bool cluster_read_add(redis_reply *reply, cluster_added *added) {
    lesson_store_id word;
    int64_t count = 0;
    *added = (cluster_added){.is_added = false};
    if (!redis_reply_next_text(reply, &word) || !word.data)
        return false;
    added->is_added = redis_text_is(word, "ADDED");
    added->is_full = redis_text_is(word, "FULL");
    bool is_stale = redis_text_is(word, "STALE");
    if (is_stale && !cluster_next_version(reply, &added->version))
        return false;
    if (added->is_full && (!redis_reply_next_number(reply, &count) || count < 0))
        return false;
    added->count = (uint64_t)count;
    return (added->is_added || added->is_full || is_stale) && redis_reply_at_end(reply);
}

bool cluster_read_record(redis_reply *reply, cluster_record *record) {
    lesson_store_lesson *lesson = &record->lesson;
    lesson_store_id course_status, chat_status, capacity;
    int64_t fields, is_banned;
    *lesson = (lesson_store_lesson){.has_record = false};
    if (!redis_reply_next_number(reply, &fields) || !redis_reply_next_text(reply, &course_status) ||
        !redis_reply_next_text(reply, &chat_status) || !redis_reply_next_text(reply, &lesson->course_id) ||
        !redis_reply_next_text(reply, &capacity) || !redis_reply_next_number(reply, &is_banned) ||
        !redis_reply_at_end(reply))
        return false;
    lesson->has_record = fields > 0;
    lesson->course_status = redis_status_of(course_status, LESSON_STORE_COURSE_WAITING);
    lesson->chat_status = redis_status_of(chat_status, LESSON_STORE_CHAT_BANNED);
    record->is_valid = redis_read_capacity(capacity, &lesson->capacity) && redis_text_is_id_or_nil(lesson->course_id) &&
                       lesson->course_status != LESSON_STORE_MALFORMED && lesson->chat_status != LESSON_STORE_MALFORMED;
    record->is_banned = is_banned > 0;
    return true;
}
