/* The codes for the server's errors, and the results of malformed replies. */
#include <stdio.h>
#include <string.h>

#include <lessonstore/feed.h>

#include "raw.h"

/* Errors after which nothing was executed, so that reads and writes return the same code. */
static const struct {
    const char *error;
    int code;
} errors[] = {
    {"-LOADING Redis is loading the dataset in memory\r\n", LESSON_STORE_UNREACHABLE},
    {"-MASTERDOWN Link with MASTER is down\r\n", LESSON_STORE_UNREACHABLE},
    {"-CLUSTERDOWN The cluster is down\r\n", LESSON_STORE_UNREACHABLE},
    {"-TRYAGAIN Multiple keys request during rehashing of slot\r\n", LESSON_STORE_UNREACHABLE},
    {"-ERR max number of clients reached\r\n", LESSON_STORE_UNREACHABLE},
    {"-BUSY Redis is busy running a script.\r\n", LESSON_STORE_BUSY},
    {"-NOAUTH Authentication required.\r\n", LESSON_STORE_DENIED},
    {"-NOPERM this user has no permissions\r\n", LESSON_STORE_DENIED},
    {"-ERR ACL failure in script: User reader has no permissions\r\n", LESSON_STORE_DENIED},
    {"-ERR The user executing the script can't run this command\r\n", LESSON_STORE_DENIED},
    {"-The user executing the script can't run this command\r\n", LESSON_STORE_DENIED},
    {"-DENIED Redis is running in protected mode\r\n", LESSON_STORE_DENIED},
    {"-READONLY You can't write against a read only replica.\r\n", LESSON_STORE_READ_ONLY},
    {"-OOM command not allowed when used memory > 'maxmemory'.\r\n", LESSON_STORE_FULL},
    {"-MOVED 1234 127.0.0.1:7001\r\n", LESSON_STORE_UNSUPPORTED},
    {"-MISCONF Redis is configured to save RDB snapshots\r\n", LESSON_STORE_READ_ONLY},
    {"-NOREPLICAS Not enough good replicas to write.\r\n", LESSON_STORE_UNREACHABLE},
    {"-ERR Error running script (call to f_1): @user_script:7: -READONLY You can't write\r\n", LESSON_STORE_READ_ONLY},
    {"-ERR something new\r\n", LESSON_STORE_FAILED},
};

static void test_errors(void **state) {
    raw_server *raw = *state;
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        false_server_answer(raw->between, errors[i].error);
        int read = lesson_store_where(raw->store, "ann", NULL);
        int write = lesson_store_join(raw->store, "ann", "C", "L", NULL, 0, NULL);
        if (read != errors[i].code || write != errors[i].code)
            fail_msg("%s became %s and %s", errors[i].error, lesson_store_code_name(read),
                     lesson_store_code_name(write));
        char word[16];
        assert_int_equal(sscanf(errors[i].error, "-%15s", word), 1);
        raw_assert_message(word);
    }
}

static bool no_user(const lesson_store_user *user, void *context) {
    (void)user, (void)context;
    fail();
    return true;
}

/* Nobody knows what a script had written when Lua ended it. The first reply is that of this server, the second that of
 * Redis 6. In the last one the key has such a name. */
static void test_errors_of_lua(void **state) {
    raw_server *raw = *state;
    char of_server[512];
    redisReply *reply = redisCommand(raw->commands, "EVAL %s 0", "return 1 + 'text'");
    assert_int_equal(reply->type, REDIS_REPLY_ERROR);
    snprintf(of_server, sizeof of_server, "-%s\r\n", reply->str);
    freeReplyObject(reply);
    const struct {
        const char *error;
        int read, write;
    } cases[] = {
        {of_server, LESSON_STORE_FAILED, LESSON_STORE_UNKNOWN},
        {"-ERR Error running script (call to f_1): @user_script:1: user_script:1: attempt to index a nil value\r\n",
         LESSON_STORE_FAILED, LESSON_STORE_UNKNOWN},
        {"-ERR Error running script (call to f_1): @user_script:1: @user_script: 1: Unknown Redis command\r\n",
         LESSON_STORE_FAILED, LESSON_STORE_FAILED},
        {"-ERR something new: STATUS:EVENTS: user_script:1: attempt to\r\n", LESSON_STORE_FAILED, LESSON_STORE_FAILED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        lesson_store_operation joins[] = {raw_operation(LESSON_STORE_OPERATION_JOIN, "ann", "L"),
                                          raw_operation(LESSON_STORE_OPERATION_WHERE, "ann", NULL)};
        false_server_answer(raw->between, cases[i].error);
        int read = lesson_store_where(raw->store, "ann", NULL);
        int of_list = lesson_store_users(raw->store, no_user, NULL);
        int write = lesson_store_join(raw->store, "ann", "C", "L", NULL, 0, NULL);
        lesson_store_batch(raw->store, joins, 2);
        if (read != cases[i].read || of_list != cases[i].read || write != cases[i].write ||
            joins[0].code != cases[i].write)
            fail_msg("%s became %s, %s, %s and %s", cases[i].error, lesson_store_code_name(read),
                     lesson_store_code_name(of_list), lesson_store_code_name(write),
                     lesson_store_code_name(joins[0].code));
    }
}

/* For `where`, and for a join. */
static const char *const wrong_replies[] = {
    "HTTP/1.1 400 Bad Request\r\n\r\n",
    "$5\r\nbogus\r\n",
    "$1\r\nO\r\n",
    "$2\r\nXX\r\n",
    "$4\r\nOC\x1fL\r\n",
    "$6\r\nOC\x1fL\x1fs\r\n",
    "*2\r\n$1\r\nX\r\n$1\r\nX\r\n",
    "*1\r\n$5\r\nbogus\r\n",
    "*0\r\n",
    "*1\r\n$2\r\nOK\r\n",
    "*3\r\n$2\r\nOK\r\n$1\r\nC\r\n$1\r\nL\r\n",
    "*4\r\n$2\r\nOK\r\n$1\r\nC\r\n$1\r\nL\r\n:7\r\n",
    "*4\r\n$2\r\nOK\r\n$1\r\nC\r\n$1\r\nL\r\n*1\r\n$1\r\nx\r\n",
    "*5\r\n$2\r\nOK\r\n$1\r\nC\r\n$1\r\nL\r\n$-1\r\n$-1\r\n",
    "*1\r\n$9\r\nNOT_FOUND\r\n*1\r\n$9\r\nNOT_FOUND\r\n",
    "*1\r\n$7\r\nFAILURE\r\n",
    "+OK\r\n",
    ":1\r\n",
    "$-1\r\n",
    "*-1\r\n",
    "*999999999999\r\n",
    "$3\r\nabcdef\r\n",
    "\r\n\r\n",
};

/* A read fails, and a write has an unknown outcome. The connection is not used any more. */
static void test_wrong_replies(void **state) {
    raw_server *raw = *state;
    for (size_t i = 0; i < sizeof wrong_replies / sizeof *wrong_replies; i++) {
        lesson_store_place place = {.lesson_id = "untouched"};
        int connections = false_server_connections(raw->between);
        false_server_answer(raw->between, wrong_replies[i]);
        int read = lesson_store_where(raw->store, "ann", &place);
        if (read != LESSON_STORE_FAILED)
            fail_msg("\"%s\" became %s (%s)", wrong_replies[i], lesson_store_code_name(read), lesson_store_message());
        false_server_play(raw->between, PASS_ON);
        assert_code(lesson_store_where(raw->store, "ann", &place), NOT_FOUND);
        assert_int_equal(false_server_connections(raw->between), connections + 1);

        false_server_answer(raw->between, wrong_replies[i]);
        assert_code(lesson_store_quit(raw->store, "ann", "L", NULL, NULL), UNKNOWN);
        false_server_play(raw->between, PASS_ON);
        assert_code(lesson_store_where(raw->store, "ann", &place), NOT_FOUND);
    }
}

#define SEPARATOR "\x1f"

/* The letters are correct, but the parts that belong to them are missing or malformed. */
static void test_cut_answers(void **state) {
    static const char *const cut_lessons[] = {"$0\r\n\r\n",
                                              "$1\r\nO\r\n",
                                              "$2\r\nO1\r\n",
                                              "$4\r\nO1" SEPARATOR "2\r\n",
                                              "$7\r\nO1" SEPARATOR "2" SEPARATOR "=1\r\n",
                                              "$8\r\nO1" SEPARATOR "x" SEPARATOR "=1" SEPARATOR "\r\n",
                                              "$9\r\nO1" SEPARATOR "2" SEPARATOR "=1" SEPARATOR "0\r\n",
                                              "$8\r\nO0" SEPARATOR "0" SEPARATOR "=1" SEPARATOR "\r\n",
                                              "$13\r\nO1" SEPARATOR "2" SEPARATOR "=1" SEPARATOR "=0" SEPARATOR
                                              "=c\r\n",
                                              "$1\r\nF\r\n",
                                              "$4\r\nFERR\r\n"};
    static const char *const cut_joins[] = {"$1\r\no\r\n",
                                            "$4\r\no=0" SEPARATOR "\r\n",
                                            "$5\r\no=0" SEPARATOR "C\r\n",
                                            "$7\r\no=0" SEPARATOR "C" SEPARATOR "L\r\n",
                                            "$9\r\no=0" SEPARATOR "C" SEPARATOR "L" SEPARATOR "s\r\n",
                                            "$6\r\ne=0" SEPARATOR SEPARATOR SEPARATOR "\r\n",
                                            "$1\r\nM\r\n",
                                            "$1\r\nO\r\n"};
    raw_server *raw = *state;
    lesson_store_lesson lesson;
    int present = 7;
    for (size_t i = 0; i < sizeof cut_lessons / sizeof *cut_lessons; i++) {
        false_server_answer(raw->between, cut_lessons[i]);
        assert_code(lesson_store_get_lesson(raw->store, "L", &lesson), FAILED);
    }
    false_server_answer(raw->between, "$3\r\nC=1\r\n");
    assert_code(lesson_store_replace_course_status(raw->store, "L", 2, 1, &present), UNKNOWN);
    assert_int_equal(present, 7);
    for (size_t i = 0; i < sizeof cut_joins / sizeof *cut_joins; i++) {
        false_server_answer(raw->between, cut_joins[i]);
        assert_code(lesson_store_join(raw->store, "ann", "C", "L", NULL, LESSON_STORE_JOIN_IF_OPEN, NULL), UNKNOWN);
    }
    false_server_play(raw->between, PASS_ON);
}

static bool no_member(const lesson_store_id *uid, void *context) {
    (void)uid, (void)context;
    fail();
    return true;
}

static bool no_lesson(const lesson_store_lesson *lesson, void *context) {
    (void)lesson, (void)context;
    fail();
    return true;
}

/* The call fails, and the same cursor then gives the page that it would have given. */
static void check_user_page(raw_server *raw, const char *reply) {
    lesson_store_cursor *cursor = NULL;
    const lesson_store_user *users;
    size_t count;
    false_server_answer(raw->between, reply);
    assert_code(lesson_store_users_page(raw->store, 2, &cursor, &users, &count), FAILED);
    false_server_play(raw->between, PASS_ON);
    assert_code(lesson_store_users_page(raw->store, 2, &cursor, &users, &count), OK);
    assert_int_equal(count, 0);
    lesson_store_cursor_close(cursor);
}

static void test_wrong_replies_to_streams(void **state) {
    raw_server *raw = *state;
    static const char *const replies[] = {"+OK\r\n",      ":1\r\n",        "$-1\r\n",
                                          "*1\r\n:5\r\n", "*1\r\n$-1\r\n", "*1\r\n*0\r\n"};
    for (size_t i = 0; i < sizeof replies / sizeof *replies; i++) {
        false_server_answer(raw->between, replies[i]);
        assert_code(lesson_store_members(raw->store, "L", no_member, NULL), FAILED);
        false_server_play(raw->between, PASS_ON);
        assert_code(lesson_store_where(raw->store, "ann", NULL), NOT_FOUND);
        false_server_answer(raw->between, replies[i]);
        assert_code(lesson_store_lessons(raw->store, no_lesson, NULL), FAILED);
        false_server_play(raw->between, PASS_ON);
        assert_code(lesson_store_where(raw->store, "ann", NULL), NOT_FOUND);
        false_server_answer(raw->between, replies[i]);
        assert_code(lesson_store_check(raw->store, 0, NULL, NULL, NULL, NULL), FAILED);
        false_server_play(raw->between, PASS_ON);
        assert_code(lesson_store_where(raw->store, "ann", NULL), NOT_FOUND);
    }
    static const char *const pages[] = {"*1\r\n$3\r\nxyz\r\n", "*2\r\n$1\r\n0\r\n$4\r\nUSER\r\n",
                                        "*7\r\n$1\r\n0\r\n$4\r\nUSER\r\n$-1\r\n$1\r\nC\r\n$1\r\nL\r\n$-1\r\n$-1\r\n",
                                        "*1\r\n$30\r\n111111111111111111111111111111\r\n"};
    for (size_t i = 0; i < sizeof pages / sizeof *pages; i++) {
        false_server_answer(raw->between, pages[i]);
        assert_code(lesson_store_users(raw->store, no_user, NULL), FAILED);
        false_server_play(raw->between, PASS_ON);
        assert_code(lesson_store_where(raw->store, "ann", NULL), NOT_FOUND);
        check_user_page(raw, pages[i]);
    }
    check_user_page(raw, "$3\r\nabc\r\n");
    check_user_page(raw, "-ERR no pages today\r\n");
}

static bool no_owner(const lesson_store_owner *owner, void *context) {
    (void)owner, (void)context;
    fail();
    return true;
}

static bool no_ban(const lesson_store_banned *banned, void *context) {
    (void)banned, (void)context;
    fail();
    return true;
}

/* A ban that was not to kick says that somebody left, a kick lacks the place, a refusal was not asked for. */
static void test_wrong_replies_about_bans(void **state) {
    raw_server *raw = *state;
    static const char *const bans[] = {"*1\r\n$3\r\nxyz\r\n", "*2\r\n$1\r\n0\r\n$1\r\nu\r\n",
                                       "*3\r\n$1\r\n0\r\n$-1\r\n$1\r\n5\r\n", "*3\r\n$1\r\n0\r\n$1\r\nu\r\n$-1\r\n"};
    for (size_t i = 0; i < sizeof bans / sizeof *bans; i++) {
        false_server_answer(raw->between, bans[i]);
        assert_code(lesson_store_bans(raw->store, "L", no_ban, NULL), FAILED);
        false_server_play(raw->between, PASS_ON);
        assert_code(lesson_store_where(raw->store, "ann", NULL), NOT_FOUND);
    }
    false_server_answer(raw->between, "$7\r\nKC\x1fL\x1f=s\r\n");
    assert_code(lesson_store_ban(raw->store, "L", "ann", 1), UNKNOWN);
    assert_code(lesson_store_kick(raw->store, "L", "ann", 1, NULL), OK);
    false_server_answer(raw->between, "$2\r\nKC\r\n");
    assert_code(lesson_store_kick(raw->store, "L", "ann", 1, NULL), UNKNOWN);
    false_server_answer(raw->between, "$2\r\nOK\r\n");
    assert_code(lesson_store_ban(raw->store, "L", "ann", 1), UNKNOWN);
    false_server_answer(raw->between, "$4\r\nb\x1f\x1f\x1f\r\n");
    assert_code(lesson_store_join(raw->store, "ann", "C", "L", NULL, LESSON_STORE_JOIN_IF_OPEN, NULL), UNKNOWN);
    assert_code(lesson_store_join(raw->store, "ann", "C", "L", NULL, LESSON_STORE_JOIN_UNLESS_BANNED, NULL), REFUSED);
    false_server_play(raw->between, PASS_ON);
}

static void test_wrong_replies_about_events(void **state) {
    raw_server *raw = *state;
    static const char *const replies[] = {
        "*1\r\n*2\r\n$1\r\nx\r\n*0\r\n",
        "*1\r\n*2\r\n$3\r\n1-x\r\n*0\r\n",
        "*1\r\n*2\r\n$-1\r\n*0\r\n",
        "*1\r\n*2\r\n:7\r\n*0\r\n",
        "*1\r\n*2\r\n$3\r\n1-1\r\n*1\r\n$-1\r\n",
        "*1\r\n*2\r\n$3\r\n1-1\r\n*2\r\n$1\r\ne\r\n:7\r\n",
        "*1\r\n*2\r\n$3\r\n1-1\r\n*0\r\n",
        "*1\r\n*0\r\n",
        "*-1\r\n",
        ":0\r\n",
        "*2\r\n$3\r\n1-1\r\n*2\r\n$1\r\ne\r\n$2\r\nO0\r\n",
        "*1\r\n*2\r\n$4\r\n-1-1\r\n*2\r\n$1\r\ne\r\n$2\r\nO0\r\n",
        "*1\r\n*2\r\n$2\r\n1-\r\n*2\r\n$1\r\ne\r\n$2\r\nO0\r\n",
        "*1\r\n*2\r\n$22\r\n1-18446744073709551616\r\n*2\r\n$1\r\ne\r\n$2\r\nO0\r\n",
        "*1\r\n*3\r\n$3\r\n1-1\r\n*2\r\n$1\r\ne\r\n$2\r\nO0\r\n$2\r\n3-\r\n",
        "*2\r\n*2\r\n$3\r\n1-1\r\n*2\r\n$1\r\ne\r\n$2\r\nO0\r\n*2\r\n$3\r\n1-0\r\n*2\r\n$1\r\ne\r\n$2\r\nO0\r\n",
    };
    for (size_t i = 0; i < sizeof replies / sizeof *replies; i++) {
        lesson_store_feed *feed;
        false_server_answer(raw->between, replies[i]);
        int code = lesson_store_feed_open(&feed, raw->store, NULL, NULL);
        if (code != LESSON_STORE_FAILED)
            fail_msg("%s: %s", replies[i], lesson_store_code_name(code));
        assert_null(feed);
    }
    false_server_play(raw->between, PASS_ON);
    assert_code(lesson_store_where(raw->store, "ann", NULL), NOT_FOUND);
}

/* The last one is of a lesson without a record that has a status. */
static void test_wrong_replies_about_owners_and_lessons(void **state) {
    raw_server *raw = *state;
    static const char *const sweeps[] = {"*0\r\n", "*1\r\n$-1\r\n", "*1\r\n$24\r\n000000000000000000000000\r\n",
                                         "*2\r\n$0\r\n\r\n$-1\r\n", "*2\r\n$0\r\n\r\n$1\r\nw\r\n"};
    for (size_t i = 0; i < sizeof sweeps / sizeof *sweeps; i++) {
        false_server_answer(raw->between, sweeps[i]);
        assert_code(lesson_store_sweep(raw->store, no_user, NULL, NULL), UNKNOWN);
        false_server_play(raw->between, PASS_ON);
        assert_code(lesson_store_where(raw->store, "ann", NULL), NOT_FOUND);
    }
    static const char *const owners[] = {"*1\r\n$3\r\nxyz\r\n", "*2\r\n$1\r\n0\r\n$1\r\nw\r\n",
                                         "*4\r\n$1\r\n0\r\n$1\r\nw\r\n$1\r\n5\r\n$-1\r\n"};
    for (size_t i = 0; i < sizeof owners / sizeof *owners; i++) {
        false_server_answer(raw->between, owners[i]);
        assert_code(lesson_store_owners(raw->store, no_owner, NULL), FAILED);
        false_server_play(raw->between, PASS_ON);
        assert_code(lesson_store_where(raw->store, "ann", NULL), NOT_FOUND);
    }
    false_server_answer(raw->between,
                        "*8\r\n$1\r\n0\r\n$4\r\nNONE\r\n$1\r\nL\r\n$1\r\n1\r\n$1\r\n0\r\n$-1\r\n$-1\r\n:1\r\n");
    assert_code(lesson_store_lessons(raw->store, no_lesson, NULL), FAILED);
    false_server_play(raw->between, PASS_ON);
}

/* The reply is a lesson that does not pass the filter. */
static void test_wrong_replies_to_filters(void **state) {
    raw_server *raw = *state;
    const char *const reply = "*8\r\n$1\r\n0\r\n$6\r\nRECORD\r\n$1\r\nL\r\n$1\r\n1\r\n$1\r\n0\r\n$-1\r\n$-1\r\n:1\r\n";
    const lesson_store_lesson_filter filters[] = {
        {.given = LESSON_STORE_GIVEN_COURSE_STATUS, .course_status = LESSON_STORE_COURSE_WAITING},
        {.given = LESSON_STORE_GIVEN_CHAT_STATUS, .chat_status = LESSON_STORE_CHAT_BANNED},
        {.course_id = lesson_store_id_of("C")},
    };
    for (size_t i = 0; i < sizeof filters / sizeof *filters; i++) {
        lesson_store_cursor *cursor = NULL;
        const lesson_store_lesson *lessons;
        size_t count;
        false_server_answer(raw->between, reply);
        assert_code(lesson_store_find_lessons(raw->store, &filters[i], no_lesson, NULL), FAILED);
        false_server_answer(raw->between, reply);
        assert_code(lesson_store_find_lessons_page(raw->store, &filters[i], 2, &cursor, &lessons, &count), FAILED);
        lesson_store_cursor_close(cursor);
        false_server_play(raw->between, PASS_ON);
        assert_code(lesson_store_where(raw->store, "ann", NULL), NOT_FOUND);
    }
}

/* Something that is no server, or a server that refuses, while a store opens. */
static void test_wrong_greetings(void **state) {
    raw_server *raw = *state;
    false_server_answer(raw->between, "HTTP/1.1 400 Bad Request\r\n\r\n");
    raw_refuse(false_server_location(raw->between), LESSON_STORE_FAILED, "Protocol error");
    false_server_answer(raw->between, "-LOADING Redis is loading\r\n");
    raw_refuse(false_server_location(raw->between), LESSON_STORE_UNREACHABLE, "LOADING");
    false_server_answer(raw->between, "-NOAUTH Authentication required.\r\n");
    raw_refuse(false_server_location(raw->between), LESSON_STORE_DENIED, "NOAUTH");
    false_server_answer(raw->between, "*2\r\n$4\r\nmode\r\n$7\r\ncluster\r\n");
    raw_refuse(false_server_location(raw->between), LESSON_STORE_UNSUPPORTED, "cluster");
    false_server_answer(raw->between, "*2\r\n$4\r\nmode\r\n$8\r\nsentinel\r\n");
    raw_refuse(false_server_location(raw->between), LESSON_STORE_UNSUPPORTED, "sentinel");
}

/* An error may quote what was sent. The password must not get into a message that way. */
static void test_password_in_an_error(void **state) {
    raw_server *raw = *state;
    char location[300];
    const char *after_scheme = strstr(false_server_location(raw->between), "://") + 3;
    snprintf(location, sizeof location, "redis+unix://:s3cret@%s", after_scheme);
    false_server_answer(raw->between, "-ERR unknown command `AUTH`, with args beginning with: `s3cret`\r\n");
    raw_refuse(location, LESSON_STORE_DENIED, "password");
    assert_null(strstr(lesson_store_message(), "s3cret"));
    false_server_answer(raw->between, "-\r\n");
    raw_refuse(location, LESSON_STORE_DENIED, "password");
}

static bool find_engine(const char *name, const char *value, void *context) {
    if (strcmp(name, "engine") == 0)
        snprintf(context, 64, "%s", value);
    return true;
}

/* A proxy without HELLO, an account without the right to it, and another kind of server with modules. */
static void test_other_greetings(void **state) {
    raw_server *raw = *state;
    static const char *const greetings[][2] = {
        {"-ERR unknown command `HELLO`\r\n", "unknown"},
        {"-NOPERM this user has no permissions to run the 'hello' command\r\n", "unknown"},
        {"*6\r\n$7\r\nmodules\r\n*1\r\n*2\r\n$4\r\nname\r\n:1\r\n$6\r\nserver\r\n$6\r\nvalkey\r\n$"
         "7\r\nversion\r\n$5"
         "\r\n8.1.1\r\n",
         "Valkey 8.1.1"},
    };
    for (size_t i = 0; i < sizeof greetings / sizeof *greetings; i++) {
        lesson_store *store;
        char engine[64] = "";
        false_server_answer(raw->between, greetings[i][0]);
        assert_code(lesson_store_open(&store, false_server_location(raw->between)), OK);
        assert_code(lesson_store_info(store, find_engine, engine), OK);
        assert_string_equal(engine, greetings[i][1]);
        lesson_store_close(store);
    }
}

/* Uses a store that keeps its connection, because the false server serves only one at a time. */
static int start_alone(void **state) {
    raw_server *raw = *state;
    raw->between = false_server_start(redis_server_socket(raw->server));
    return 0;
}

static int stop_alone(void **state) {
    raw_server *raw = *state;
    false_server_stop(raw->between);
    raw->between = NULL;
    return 0;
}

#define TEST_ALONE(name) cmocka_unit_test_setup_teardown(test_##name, start_alone, stop_alone)

#define GHOST ":0\r\n$2\r\nL1\r\n$3\r\nann\r\n:1\r\n:0\r\n$5\r\nghost\r\n"

/* SCAN may return a key twice, in one page or in two. */
static void test_a_finding_is_reported_once(void **state) {
    raw_server *raw = *state;
    uint64_t found = 0;
    false_server_answer(raw->between, "*13\r\n$1\r\n0\r\n" GHOST GHOST);
    assert_code(lesson_store_check(raw->store, 0, NULL, NULL, &found, NULL), OK);
    assert_int_equal(found, 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST_BEHIND(cut_answers),
        TEST_BEHIND(errors),
        TEST_BEHIND(errors_of_lua),
        TEST_BEHIND(wrong_replies),
        TEST_BEHIND(wrong_replies_to_streams),
        TEST_BEHIND(wrong_replies_about_events),
        TEST_BEHIND(wrong_replies_about_owners_and_lessons),
        TEST_BEHIND(wrong_replies_about_bans),
        TEST_BEHIND(wrong_replies_to_filters),
        TEST_ALONE(wrong_greetings),
        TEST_ALONE(password_in_an_error),
        TEST_ALONE(other_greetings),
        TEST_BEHIND(a_finding_is_reported_once),
    };
    return cmocka_run_group_tests(tests, raw_start, raw_stop);
}
