/*
 * The redis backend. Its files, from the top down:
 *
 *   redis.c       the table of the backend; opening, closing        info.c     facts about the server
 *   run.c         batches of operations; apply.c  as requests, and their answers; end.c  the end of a large lesson
 *   members.c     the members of a lesson       stream.c  lessons, users       check.c  check and repair
 *   sweep.c       sweeps and owners             feed.c    events
 *   ask.c         one question to the server: retrying, and the codes of failures
 *   primary.c     the connection to the server that is the primary now    topology.c  where that is, for all instances
 *   confirm.c     waiting for replicas
 *   sentinel.c    asking Sentinels for it         cluster.c  asking the nodes of a Cluster
 *   connection.c  one connection: making it, requests under way, replies
 *   greeting.c    what a new connection sends first    channel.c  moving bytes within a time limit
 *   dial.c        making the connected socket     lookup.c  the addresses of a name     password.c  the password
 *   tls.c         TLS over a channel              tls_context.c  what its connections share
 *   request.c     writing requests        reply.c  collecting replies        failure.c  the server's errors
 *   scripts/      what the server runs    keys.h  the keys, and the rule for sessions
 *   settings.c    the options of the location    cursor.h  where a scan goes on
 *   malformed.c   malformed entries, which the lists do not give
 */
#ifndef LESSON_STORE_REDIS_REDIS_H
#define LESSON_STORE_REDIS_REDIS_H

#include "topology.h"

/* How much one step may look at. Each step takes a slow core 1 to 3 ms, during which the server serves no other client.
 */
#define REDIS_PAGE_SIZE "200"            /* keys that are listed or checked */
#define REDIS_CHECK_PAGE_SIZE "500"      /* members that are checked, of one lesson or of several */
#define REDIS_MEMBERS_PAGE_SIZE "2000"   /* members that are listed */
#define REDIS_END_AT_ONCE_MAX "1000"     /* members of a lesson that ends in one step */
#define REDIS_END_PAGE_SIZE "500"        /* members removed in each step of a larger lesson's end */
#define REDIS_SNAPSHOT_PAGE_SIZE "10000" /* members that are only named, while others join faster than those steps */

/* Of the writes of one call: see confirm.h. */
typedef struct redis_confirmation {
    redis_reply reply;
    bool is_under_way;
    bool is_missing; /* fewer replicas than wait_replicas have confirmed one of them */
    int64_t number;  /* that have */
    bool is_refused; /* the server has refused WAIT */
} redis_confirmation;

typedef struct redis_store {
    lesson_store_instance base;
    redis_settings settings;
    redis_topology *topology; /* shared by all instances of the store */
    redis_place place;        /* of the server that it is connected to */
    bool leaves;              /* that server has refused us, so the next request goes over a new connection */
    redis_connection connection;
    redis_confirmation confirmation;
    size_t entries_per_page;                 /* that are asked for in a page of events; 0: as many as the first time */
    char failure[LESSON_STORE_MESSAGE_SIZE]; /* of an attempt: see redis_attempts_end */
    redis_request request;
    redis_reply reply;
} redis_store;

static inline redis_store *redis_of(lesson_store_instance *instance) {
    return (redis_store *)instance;
}

/* ---- ask.c */

/* Sends the instance's request and waits for `reply`. What the server refuses for now, as during a failover, is tried
 * again until the time of the call is over. If the connection breaks, a question that only reads is asked again on a
 * new connection, unless a part of the reply was already passed on. OK: there is a reply, and it is no error. Otherwise
 * a code with its message set. UNKNOWN: the request writes and may have been executed. After every other code it was
 * certainly not executed, or had no effect. */
int redis_ask(redis_store *store, redis_reply *reply, bool writes);

/* The same for a page of all keys. Where the keys are in several slots, the page would lack those of a slot that is
 * being moved to another node, so this asks the node whether it still has all of them: UNREACHABLE if not. */
int redis_ask_page(redis_store *store, redis_reply *reply, bool writes);

/* True if a request that ended so may be sent again. */
bool redis_ask_may_repeat(redis_exchange_end end, bool writes);

/* The code for a malformed reply. */
int redis_ask_garbled(redis_store *store, bool writes);

/* The code for an error reply. */
int redis_ask_error(redis_store *store, const redis_reply *reply, bool writes);

/* The code for a failed exchange. The connection has already set the message. */
int redis_ask_code(redis_store *store, redis_exchange_end end, bool writes);

/* Begins the instance's request: a call of a script, with the prefix as its first argument. `key` is one of the keys
 * that it uses; NULL: it uses all, and the server is found by a key that does not exist. Where keys are being moved to
 * another server, the script is refused then, because it would see only some of them. */
void redis_ask_begin(redis_store *store, const redis_script *script, const char *key);

/* The form of a script for the keys of this store, and for its feed. */
const redis_script *redis_ask_form(const redis_store *store, const redis_script *script);

/* Begins the instance's request: SSCAN of the members at this key, from this cursor on. */
void redis_ask_begin_scan(redis_store *store, const char *key, const char *cursor, const char *count);

/* ---- end.c */

/* Ends a lesson in steps, and sets the answer of the operation. Returns OK, or the code that stops the batch. */
int redis_end_in_steps(redis_store *store, lesson_store_operation *end);

/* ---- feed.c */

/* Turns the feed on or off, as the settings say. */
int redis_turn_feed(redis_store *store);

/* ---- stream.c */

/* Read one entry of a page of owners, or of bans. False: the reply is malformed. */
bool redis_read_owner(redis_reply *reply, lesson_store_owner *owner);
bool redis_read_banned(redis_reply *reply, lesson_store_banned *banned);

/* ---- apply.c */

/* Returns the text, or "not given" if it is empty. A record without a course may lack the field or hold an empty one.
 */
static inline lesson_store_id redis_given(lesson_store_id text) {
    return text.size > 0 ? text : (lesson_store_id){NULL, 0};
}

/* Reads a stored status. NONE if it is missing. LESSON_STORE_MALFORMED, which is lower than any status, if it is not
 * valid. */
int32_t redis_status_of(lesson_store_id text, int32_t highest);

/* Reads a stored capacity, {NULL, 0} if there is none. False if it is malformed. */
bool redis_read_capacity(lesson_store_id text, uint64_t *capacity);

/* A stored time in ms; 0 if it is missing or no number. */
int64_t redis_read_time(lesson_store_id text);

/* False for a lesson that has statuses but no record, which no script returns. */
static inline bool redis_is_lesson(const lesson_store_lesson *lesson) {
    return lesson->has_record ||
           (lesson->course_status == LESSON_STORE_STATUS_NONE && lesson->chat_status == LESSON_STORE_STATUS_NONE);
}

/* ---- The functions of the backend's table */

int redis_run(lesson_store_instance *instance, lesson_store_operation *operations, size_t count);
int redis_members(lesson_store_instance *instance, const lesson_store_id *lesson_id,
                  lesson_store_member_callback callback, void *context);
int redis_lessons(lesson_store_instance *instance, lesson_store_lesson_callback callback, void *context);
int redis_users(lesson_store_instance *instance, lesson_store_user_callback callback, void *context);
int redis_members_page(lesson_store_instance *instance, const lesson_store_id *lesson_id, size_t most,
                       lesson_store_position *position, lesson_store_member_callback callback, void *context);
int redis_find_lessons(lesson_store_instance *instance, const lesson_store_lesson_filter *filter,
                       lesson_store_lesson_callback callback, void *context);
int redis_find_lessons_page(lesson_store_instance *instance, const lesson_store_lesson_filter *filter, size_t most,
                            lesson_store_position *position, lesson_store_lesson_callback callback, void *context);
int redis_lessons_page(lesson_store_instance *instance, size_t most, lesson_store_position *position,
                       lesson_store_lesson_callback callback, void *context);
int redis_users_page(lesson_store_instance *instance, size_t most, lesson_store_position *position,
                     lesson_store_user_callback callback, void *context);
int redis_sweep(lesson_store_instance *instance, const lesson_store_id *dropped, lesson_store_user_callback callback,
                void *context);
int redis_owners(lesson_store_instance *instance, lesson_store_owner_callback callback, void *context);
int redis_bans(lesson_store_instance *instance, const lesson_store_id *lesson_id, lesson_store_banned_callback callback,
               void *context);
int redis_events(lesson_store_instance *instance, lesson_store_event_position *position, size_t most, int64_t wait_ms,
                 lesson_store_event_taker take, void *context);
int redis_check(lesson_store_instance *instance, uint32_t flags, lesson_store_finding_callback callback, void *context);
int redis_info(lesson_store_instance *instance, lesson_store_info_callback callback, void *context);

#endif
