/* A server for one test, a store on it, and raw commands without the library, as the legacy classes send them. */
#ifndef LESSON_STORE_TESTS_REDIS_RAW_H
#define LESSON_STORE_TESTS_REDIS_RAW_H

#include <hiredis/hiredis.h>

#include "cmocka_all.h"
#include "false_server.h"
#include "redis_server.h"

#include <lessonstore/lessonstore.h>

/* The three keys of the default prefix. */
#define USER(uid) "STATUS:IN_LESSON:UID:" uid
#define RECORD(lesson_id) "STATUS:LESSON_STATUS:LESSON_ID:" lesson_id
#define MEMBERS(lesson_id) "STATUS:LESSON_USER:LESSON_ID:" lesson_id

typedef struct raw_server {
    redis_server *server;
    redisContext *commands;
    lesson_store *store;   /* pool=1 */
    false_server *between; /* between the store and the server; only for raw_open_behind */
} raw_server;

/* cmocka's set-up and tear-down. For the group: a server. For each test: an empty database and a store. */
int raw_start(void **state);
int raw_stop(void **state);
int raw_open(void **state);
int raw_close(void **state);

/* For each test, instead: an empty database, a false server before it, and a store that uses the false server. */
int raw_open_behind(void **state);
int raw_close_behind(void **state);

/* Opens a store on the server with these options after the location ("" or "?a=b"). The test fails if it cannot. */
lesson_store *raw_open_store(const raw_server *raw, const char *options);

/* Opening must fail with this code, and the message must contain `part`. */
void raw_refuse(const char *location, int code, const char *part);

/* Runs a command, as redisCommand does. The test fails if the server replies with an error. */
void raw_do(raw_server *raw, const char *format, ...);
long long raw_number(raw_server *raw, const char *format, ...);

/* Reconnects the raw commands after a restart of the server. */
void raw_reconnect(raw_server *raw);

/* Returns the selected database as text: for each key, sorted, a line "type key"; then a line "  field=value" for each
 * field in stored order, or "  member" for each member, sorted; "  expires" for a key that expires. The caller frees
 * it. */
char *raw_dump(raw_server *raw);

/* The database must be exactly this. */
void raw_expect(raw_server *raw, const char *expected);

/* Makes a lesson with a record (if `status` is given) and the users "u-0" to "u-<count - 1>". The server itself makes
 * it. */
void raw_make_lesson(raw_server *raw, const char *lesson_id, const char *status, int count);

/* An operation with these ids; either may be NULL. */
lesson_store_operation raw_operation(uint32_t kind, const char *uid, const char *lesson_id);

/* Returns how often a command was called since the server's start, by the server's own count. */
long long raw_calls(raw_server *raw, const char *command);

#define assert_code(call, expected) raw_assert_code((call), LESSON_STORE_##expected, #call, __FILE__, __LINE__)
void raw_assert_code(int code, int expected, const char *call, const char *file, int line);

/* The latest message must contain this. */
void raw_assert_message(const char *part);

/* The latest message must contain "PART within N ms", with such an N. */
void raw_assert_within(const char *part, int least_ms, int most_ms);

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, raw_open, raw_close)
#define TEST_BEHIND(name) cmocka_unit_test_setup_teardown(test_##name, raw_open_behind, raw_close_behind)

#endif
