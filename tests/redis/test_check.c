/* Residue and damage of every kind: found, reported once, left alone by a check, repaired by a repair. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "raw.h"

/* ---- Findings as text, sorted, because the server returns keys in no order */

enum { FINDINGS_MAX = 64, LINE_SIZE = 512 };

struct findings {
    char lines[FINDINGS_MAX][LINE_SIZE];
    size_t count;
};

static bool note(const lesson_store_finding *finding, void *context) {
    struct findings *findings = context;
    assert_true(findings->count < FINDINGS_MAX);
    snprintf(findings->lines[findings->count++], LINE_SIZE, "%s [%.*s] [%.*s] %s: %s",
             lesson_store_finding_text((int)finding->kind), (int)finding->lesson_id.size,
             finding->lesson_id.data ? finding->lesson_id.data : "", (int)finding->uid.size,
             finding->uid.data ? finding->uid.data : "",
             finding->repaired     ? "repaired"
             : finding->repairable ? "repairable"
                                   : "left",
             finding->detail);
    return true;
}

static int compare(const void *left, const void *right) {
    return strcmp(left, right);
}

/* Checks, and expects these lines, sorted. A '!' marks a line that is repairable in a check and repaired in a repair.
 */
static void expect_findings(raw_server *raw, uint32_t flags, const char *expected) {
    struct findings findings = {.count = 0};
    uint64_t found, repaired;
    const char *word = flags & LESSON_STORE_CHECK_REPAIR ? "repaired" : "repairable";
    assert_code(lesson_store_check(raw->store, flags, note, &findings, &found, &repaired), OK);
    qsort(findings.lines, findings.count, LINE_SIZE, compare);
    char text[FINDINGS_MAX * LINE_SIZE] = "", wanted[FINDINGS_MAX * LINE_SIZE];
    for (size_t i = 0; i < findings.count; i++)
        strcat(strcat(text, findings.lines[i]), "\n");
    char *out = wanted;
    for (const char *in = expected; *in; in++)
        out += *in == '!' ? sprintf(out, "%s", word) : sprintf(out, "%c", *in);
    *out = '\0';
    assert_string_equal(text, wanted);
    assert_int_equal(found, findings.count);
    if (!(flags & LESSON_STORE_CHECK_REPAIR))
        assert_int_equal(repaired, 0);
}

/* A check changes nothing. A repair leaves this state, and a check after it finds only `rest`. */
static void expect_repair(raw_server *raw, uint32_t flags, const char *findings, const char *after, const char *rest) {
    char *before = raw_dump(raw);
    expect_findings(raw, flags, findings);
    raw_expect(raw, before);
    free(before);
    expect_findings(raw, flags | LESSON_STORE_CHECK_REPAIR, findings);
    raw_expect(raw, after);
    expect_findings(raw, flags, rest);
}

static void test_nothing(void **state) {
    raw_server *raw = *state;
    expect_repair(raw, 0, "", "", "");
    assert_code(lesson_store_create(raw->store, "L1", 0), OK);
    assert_code(lesson_store_join(raw->store, "ann", "C1", "L1", "session", 0, NULL), OK);
    expect_findings(raw, LESSON_STORE_CHECK_ENDED, "");
}

static void test_ghosts(void **state) {
    raw_server *raw = *state;
    assert_code(lesson_store_join(raw->store, "ann", "C1", "L1", NULL, 0, NULL), OK);
    raw_do(raw, "SADD " MEMBERS("L1") " gone");
    raw_do(raw, "SADD " MEMBERS("L2") " ann");
    raw_do(raw, "SADD " MEMBERS("L2") " only");
    expect_repair(raw, 0,
                  "ghost member [L1] [gone] !: no user record names a lesson\n"
                  "ghost member [L2] [ann] !: the user record names the lesson L1\n"
                  "ghost member [L2] [only] !: no user record names a lesson\n",
                  "hash " USER("ann") "\n  uid=ann\n  course_id=C1\n  lesson_id=L1\n"
                                      "set " MEMBERS("L1") "\n  ann\n",
                  "");
}

static void test_missing_members(void **state) {
    raw_server *raw = *state;
    raw_do(raw, "HMSET " USER("ann") " uid ann course_id C1 lesson_id L1");
    expect_repair(raw, 0, "missing member [L1] [ann] !: the user record names the lesson\n",
                  "hash " USER("ann") "\n  uid=ann\n  course_id=C1\n  lesson_id=L1\n"
                                      "set " MEMBERS("L1") "\n  ann\n",
                  "");
}

static void test_incomplete_lessons(void **state) {
    raw_server *raw = *state;
    raw_do(raw, "HSET " RECORD("L1") " lesson_id L1");
    raw_do(raw, "HSET " RECORD("L2") " course_status 1 chat_status 1");
    raw_do(raw, "HSET " RECORD("L3") " other x");
    expect_repair(
        raw, 0,
        "incomplete lesson record [L1] [] !: the lesson record lacks course_status, chat_status\n"
        "incomplete lesson record [L2] [] !: the lesson record lacks lesson_id\n"
        "incomplete lesson record [L3] [] !: the lesson record lacks lesson_id, course_status, chat_status\n",
        "hash " RECORD("L1") "\n  lesson_id=L1\n  course_status=3\n  chat_status=0\n"
                             "hash " RECORD(
                                 "L2") "\n  course_status=1\n  chat_status=1\n  lesson_id=L2\n"
                                       "hash " RECORD(
                                           "L3") "\n  other=x\n  lesson_id=L3\n  course_status=3\n  chat_status=0\n",
        "");
}

static void test_incomplete_users(void **state) {
    raw_server *raw = *state;
    raw_do(raw, "HSET " USER("a") " uid a course_id C1");
    raw_do(raw, "SADD " MEMBERS("L1") " a b c d");
    raw_do(raw, "HSET " USER("b") " course_id C1 lesson_id L1");
    raw_do(raw, "HSET " USER("c") " uid c lesson_id L1");
    raw_do(raw, "HSET " USER("d") " lesson_id L1");
    expect_repair(raw, 0,
                  "ghost member [L1] [a] !: no user record names a lesson\n"
                  "incomplete user record [L1] [b] !: the user record lacks the uid\n"
                  "incomplete user record [L1] [c] left: the user record names no course\n"
                  "incomplete user record [L1] [d] left: the user record names no course\n"
                  "incomplete user record [L1] [d] !: the user record lacks the uid\n"
                  "incomplete user record [] [a] !: the user record names no lesson\n",
                  "hash " USER("b") "\n  course_id=C1\n  lesson_id=L1\n  uid=b\n"
                                    "hash " USER("c") "\n  uid=c\n  lesson_id=L1\n"
                                                      "hash " USER("d") "\n  lesson_id=L1\n  uid=d\n"
                                                                        "set " MEMBERS("L1") "\n  b\n  c\n  d\n",
                  "incomplete user record [L1] [c] left: the user record names no course\n"
                  "incomplete user record [L1] [d] left: the user record names no course\n");
}

static void test_ended_lessons(void **state) {
    raw_server *raw = *state;
    assert_code(lesson_store_create(raw->store, "open", 0), OK);
    assert_code(lesson_store_join(raw->store, "ann", "C1", "open", NULL, 0, NULL), OK);
    assert_code(lesson_store_join(raw->store, "bob", "C1", "ended", NULL, 0, NULL), OK);
    raw_do(raw, "HMSET " USER("eve") " uid eve course_id C1 lesson_id ended");
    expect_findings(raw, 0, "missing member [ended] [eve] repairable: the user record names the lesson\n");
    expect_repair(raw, LESSON_STORE_CHECK_ENDED,
                  "user of an ended lesson [ended] [bob] !: the lesson has no record\n"
                  "user of an ended lesson [ended] [eve] !: the lesson has no record\n",
                  "hash " USER("ann") "\n  uid=ann\n  course_id=C1\n  lesson_id=open\n"
                                      "hash " RECORD("open") "\n  lesson_id=open\n  course_status=3\n  chat_status=0\n"
                                                             "set " MEMBERS("open") "\n  ann\n",
                  "");
}

/* A repair changes nothing here: it reports the findings, and a person has to look. */
static void test_malformed(void **state) {
    raw_server *raw = *state;
    raw_do(raw, "SET " USER("a") " text");
    raw_do(raw, "SET " RECORD("L1") " text");
    raw_do(raw, "SET " MEMBERS("L2") " text");
    raw_do(raw, "HSET " USER("b") " uid b course_id C lesson_id L2");
    raw_do(raw, "HSET " USER("c") " uid x course_id C lesson_id L3");
    raw_do(raw, "HSET " USER("d") " uid d course_id %b lesson_id L3", "\xff", (size_t)1);
    raw_do(raw, "HSET " USER("e") " uid e course_id C lesson_id %b", "bad\n", (size_t)4);
    raw_do(raw, "HSET " USER("f") " uid f course_id C lesson_id L3 session %b session_lesson_id L3", "s\n", (size_t)2);
    raw_do(raw, "HSET " USER("g") " uid g course_id C lesson_id L3 session %b session_lesson_id L2", "s\n", (size_t)2);
    raw_do(raw, "SADD " MEMBERS("L3") " c d a f g");
    raw_do(raw, "SADD " MEMBERS("L3") " %b", "\xc3\x28", (size_t)2);
    raw_do(raw, "HSET " RECORD("L4") " lesson_id L5 course_status 4 chat_status on");
    raw_do(raw, "HSET " USER("%b") " uid x", "\x01", (size_t)1);
    raw_do(raw, "HSET " RECORD("%b") " lesson_id x", "\xed\xa0\x80", (size_t)3);
    raw_do(raw, "SADD STATUS:LESSON_USER:LESSON_ID: a");
    char *before = raw_dump(raw);
    const char *findings =
        "malformed data [L1] [] left: the lesson record is not a hash\n"
        "malformed data [L2] [] left: the members are not a set\n"
        "malformed data [L3] [] left: the members hold the uid \\xC3(\n"
        "malformed data [L3] [c] left: the user record holds the uid x\n"
        "malformed data [L3] [d] left: the user record holds the course_id \\xFF\n"
        "malformed data [L3] [f] left: the user record holds the session s\\x0A\n"
        "malformed data [L4] [] left: the chat_status is on\n"
        "malformed data [L4] [] left: the course_status is 4\n"
        "malformed data [L4] [] left: the lesson record holds the lesson_id L5\n"
        "malformed data [] [] left: the key STATUS:IN_LESSON:UID:\\x01 names no valid uid\n"
        "malformed data [] [] left: the key STATUS:LESSON_STATUS:LESSON_ID:\\xED\\xA0\\x80 names no valid lesson_id\n"
        "malformed data [] [] left: the key STATUS:LESSON_USER:LESSON_ID: names no valid lesson_id\n"
        "malformed data [] [a] left: the user record is not a hash\n"
        "malformed data [] [e] left: the user record holds the lesson_id bad\\x0A\n";
    expect_repair(raw, 0, findings, before, findings);
    free(before);
}

/* Bans that others left behind when they removed the record are found, and removed. Those of a record stay. */
static void test_bans(void **state) {
    raw_server *raw = *state;
    raw_do(raw, "HSET " RECORD("L1") " lesson_id L1 course_status 3 chat_status 0 bans 1");
    raw_do(raw, "ZADD STATUS:BANS:LESSON_ID:L1 1 ann");
    raw_do(raw, "HSET " RECORD("L2") " lesson_id L2 course_status 3 chat_status 0");
    char *sound = raw_dump(raw);
    raw_do(raw, "ZADD STATUS:BANS:LESSON_ID:L2 1 ann");
    raw_do(raw, "ZADD STATUS:BANS:LESSON_ID:L3 1 ann");
    expect_repair(raw, 0,
                  "bans of an ended lesson [L2] [] !: the lesson that they were of has ended\n"
                  "bans of an ended lesson [L3] [] !: the lesson that they were of has ended\n",
                  sound, "");
    free(sound);
    raw_do(raw, "SET STATUS:BANS:LESSON_ID:L1 text");
    raw_do(raw, "ZADD STATUS:BANS:LESSON_ID: 1 ann");
    sound = raw_dump(raw);
    const char *findings = "malformed data [L1] [] left: the bans are not a sorted set\n"
                           "malformed data [] [] left: the key STATUS:BANS:LESSON_ID: names no valid lesson_id\n";
    expect_repair(raw, 0, findings, sound, findings);
    free(sound);
}

/* The script and the library must have the same rule for ids. */
static void test_rule_of_ids(void **state) {
    raw_server *raw = *state;
    static const char *const valid[] = {"a",
                                        "\xc2\x80",
                                        "\xdf\xbf",
                                        "\xe0\xa0\x80",
                                        "\xed\x9f\xbf",
                                        "\xee\x80\x80",
                                        "\xf0\x90\x80\x80",
                                        "\xf4\x8f\xbf\xbf",
                                        "x\xe8\xaf\xbe y"};
    static const char *const invalid[] = {"\x7f",
                                          "\x1f",
                                          "\x80",
                                          "\xc1\xbf",
                                          "\xe0\x9f\xbf",
                                          "\xed\xa0\x80",
                                          "\xf0\x8f\xbf\xbf",
                                          "\xf4\x90\x80\x80",
                                          "\xf5\x80\x80\x80",
                                          "\xe8\xaf",
                                          "\xc2\xc2\x80\x80",
                                          "\xe8\xc2\x80\xaf\xbe"};
    char longest[257];
    memset(longest, 'x', 256);
    longest[256] = '\0';
    for (size_t i = 0; i < sizeof valid / sizeof *valid; i++)
        raw_do(raw, "SADD " MEMBERS("L1") " %s", valid[i]);
    raw_do(raw, "SADD " MEMBERS("L1") " %s", longest + 1);
    struct findings findings = {.count = 0};
    assert_code(lesson_store_check(raw->store, LESSON_STORE_CHECK_REPAIR, note, &findings, NULL, NULL), OK);
    assert_int_equal(findings.count, sizeof valid / sizeof *valid + 1);
    raw_expect(raw, ""); /* ghosts with valid names, all removed */

    for (size_t i = 0; i < sizeof invalid / sizeof *invalid; i++)
        raw_do(raw, "SADD " MEMBERS("L1") " %s", invalid[i]);
    raw_do(raw, "SADD " MEMBERS("L1") " %s", longest);
    raw_do(raw, "SADD " MEMBERS("L1") " %b", "", (size_t)0);
    /* Both are longer than an id, and their displayed beginnings are equal. */
    raw_do(raw, "SADD " MEMBERS("L1") " %sy %sz", longest, longest);
    findings.count = 0;
    assert_code(lesson_store_check(raw->store, LESSON_STORE_CHECK_REPAIR, note, &findings, NULL, NULL), OK);
    assert_int_equal(findings.count, sizeof invalid / sizeof *invalid + 4);
    assert_int_equal(raw_number(raw, "SCARD " MEMBERS("L1")), sizeof invalid / sizeof *invalid + 4);
}

/* The keys of which there is one each. */
static void test_helper_keys(void **state) {
    raw_server *raw = *state;
    raw_do(raw, "HSET STATUS:LEASES w 15000 v text");
    raw_do(raw, "HSET STATUS:SWEEPS latest 1 x -1");
    raw_do(raw, "SET STATUS:FEED many");
    raw_do(raw, "XADD STATUS:EVENTS * e O0");
    raw_do(raw, "ZADD STATUS:OWNERS 1 w");
    expect_findings(raw, LESSON_STORE_CHECK_REPAIR,
                    "malformed data [] [] left: the key STATUS:FEED holds many\n"
                    "malformed data [] [] left: the key STATUS:LEASES holds text\n"
                    "malformed data [] [] left: the key STATUS:SWEEPS holds -1\n");
    raw_do(raw, "FLUSHALL");
    raw_do(raw, "MSET STATUS:LEASES x STATUS:SWEEPS x STATUS:OWNERS x STATUS:EVENTS x");
    raw_do(raw, "HSET STATUS:FEED x y");
    expect_findings(raw, 0,
                    "malformed data [] [] left: the key STATUS:EVENTS is not a stream\n"
                    "malformed data [] [] left: the key STATUS:FEED is not a string\n"
                    "malformed data [] [] left: the key STATUS:LEASES is not a hash\n"
                    "malformed data [] [] left: the key STATUS:OWNERS is not a sorted set\n"
                    "malformed data [] [] left: the key STATUS:SWEEPS is not a hash\n");
}

/* Far more than a page of keys, and than a page of members. */
static void test_pages(void **state) {
    raw_server *raw = *state;
    enum { USERS = 5000 };
    for (int i = 0; i < USERS; i++) {
        redisAppendCommand(raw->commands, "HSET " USER("user-%d") " uid user-%d course_id C lesson_id L1", i, i);
        redisAppendCommand(raw->commands, "SADD " MEMBERS("L2") " user-%d", i);
    }
    for (int i = 0; i < 2 * USERS; i++) {
        redisReply *reply;
        assert_int_equal(redisGetReply(raw->commands, (void **)&reply), REDIS_OK);
        freeReplyObject(reply);
    }
    uint64_t found, repaired;
    assert_code(lesson_store_check(raw->store, 0, NULL, NULL, &found, &repaired), OK);
    assert_int_equal(found, 2 * USERS);
    assert_int_equal(repaired, 0);
    assert_code(lesson_store_check(raw->store, LESSON_STORE_CHECK_REPAIR, NULL, NULL, &found, &repaired), OK);
    assert_int_equal(found, 2 * USERS);
    assert_int_equal(repaired, 2 * USERS);
    assert_int_equal(raw_number(raw, "SCARD " MEMBERS("L1")), USERS);
    assert_int_equal(raw_number(raw, "EXISTS " MEMBERS("L2")), 0);
    assert_code(lesson_store_check(raw->store, 0, NULL, NULL, &found, &repaired), OK);
    assert_int_equal(found, 0);
}

static bool stop_after_three(const lesson_store_finding *finding, void *context) {
    (void)finding;
    return ++*(int *)context < 3;
}

static void test_stopping(void **state) {
    raw_server *raw = *state;
    int calls = 0;
    uint64_t found;
    raw_do(raw, "SADD " MEMBERS("L1") " a b c d e");
    assert_code(lesson_store_check(raw->store, 0, stop_after_three, &calls, &found, NULL), OK);
    assert_int_equal(calls, 3);
    assert_int_equal(found, 3);
    assert_code(lesson_store_where(raw->store, "a", NULL), NOT_FOUND);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(nothing),          TEST(ghosts),        TEST(missing_members), TEST(incomplete_lessons),
        TEST(incomplete_users), TEST(ended_lessons), TEST(malformed),       TEST(bans),
        TEST(rule_of_ids),      TEST(pages),         TEST(helper_keys),     TEST(stopping),
    };
    return cmocka_run_group_tests(tests, raw_start, raw_stop);
}
