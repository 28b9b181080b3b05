/*
 * The redis backend. What its files do, from the top down:
 *
 *   redis.c       the table of the backend; opening, closing, information
 *   run.c         batches of operations; apply.c  as requests, and their answers; end.c  the end of a large lesson
 *   members.c     the members of a lesson       stream.c  lessons, users       check.c  check and repair
 *   ask.c         one question to the server: connecting anew, trying again, what failures mean for the asker
 *   connection.c  one connection: making and replacing it, requests under way, replies
 *   greeting.c    what a new connection says first    channel.c  moving bytes in time
 *   request.c     writing requests        reply.c  collecting replies        failure.c  the server's errors
 *   scripts/      what the server runs    keys.h  the keys, and what a session means
 *   settings.c    what the location says  cursor.h  where a scan goes on
 *   seen.c        what was given already  malformed.c  what is not given, being of a wrong shape
 */
#ifndef LESSON_STORE_REDIS_REDIS_H
#define LESSON_STORE_REDIS_REDIS_H

#include "connection.h"

/* How much one step may look at: each takes one slow core 1 to 3 ms, in which the server answers nobody else. */
#define REDIS_PAGE_SIZE "200"          /* keys that are listed; keys or members that are checked */
#define REDIS_MEMBERS_PAGE_SIZE "2000" /* members that are listed */
#define REDIS_END_AT_ONCE_MAX "1000"   /* members of a lesson that is ended in one step */
#define REDIS_END_PAGE_SIZE "500"      /* members that are put out at a time where there are more */

typedef struct redis_store {
    lesson_store_instance base;
    redis_settings settings;
    redis_connection connection;
    redis_request request;
    redis_reply reply;
} redis_store;

static inline redis_store *redis_of(lesson_store_instance *instance) {
    return (redis_store *)instance;
}

/* ---- ask.c */

/* Sends the instance's request and waits for `reply`. A question that only reads is asked again, once, on a new
 * connection when the first one broke before any of the reply was handed on.
 * OK: there is a reply, and it is no error. Else a code, announced: UNKNOWN if the request writes and may have been
 * executed; after every other code it certainly was not, or had no effect. */
int redis_ask(redis_store *store, redis_reply *reply, bool writes);

/* The code for a reply that came but is none of ours. */
int redis_ask_garbled(redis_store *store, bool writes);

/* The code for a reply that is an error. */
int redis_ask_error(redis_store *store, const redis_reply *reply);

/* The code for an exchange that failed, of which the connection has told why. */
int redis_ask_code(redis_store *store, redis_exchange_end end, bool writes);

/* Begins the instance's request as a call of a script with the prefix, its first argument. */
void redis_ask_begin(redis_store *store, const redis_script *script);

/* ---- end.c */

/* Ends a lesson in steps, and answers the operation. OK, or the code of a batch that goes no further. */
int redis_end_in_steps(redis_store *store, lesson_store_operation *end);

/* ---- apply.c */

/* The text, or "not given" if it is empty: a record can lack its course in either way. */
static inline lesson_store_id redis_given(lesson_store_id text) {
    return text.size > 0 ? text : (lesson_store_id){NULL, 0};
}

/* A status as it was stored: NONE for a missing one, LESSON_STORE_MALFORMED (lower than any status) for one that is not
 * valid. */
int32_t redis_status_of(lesson_store_id text, int32_t highest);

/* False for a lesson that has statuses and no record, which no script answers. */
static inline bool redis_is_lesson(const lesson_store_lesson *lesson) {
    return lesson->has_record ||
           (lesson->course_status == LESSON_STORE_STATUS_NONE && lesson->chat_status == LESSON_STORE_STATUS_NONE);
}

/* ---- The vtable's functions */

int redis_run(lesson_store_instance *instance, lesson_store_operation *operations, size_t count);
int redis_members(lesson_store_instance *instance, const lesson_store_id *lesson_id,
                  lesson_store_member_callback callback, void *context);
int redis_lessons(lesson_store_instance *instance, lesson_store_lesson_callback callback, void *context);
int redis_users(lesson_store_instance *instance, lesson_store_user_callback callback, void *context);
int redis_members_page(lesson_store_instance *instance, const lesson_store_id *lesson_id, size_t most,
                       lesson_store_position *position, lesson_store_member_callback callback, void *context);
int redis_lessons_page(lesson_store_instance *instance, size_t most, lesson_store_position *position,
                       lesson_store_lesson_callback callback, void *context);
int redis_users_page(lesson_store_instance *instance, size_t most, lesson_store_position *position,
                     lesson_store_user_callback callback, void *context);
int redis_check(lesson_store_instance *instance, uint32_t flags, lesson_store_finding_callback callback, void *context);

#endif
