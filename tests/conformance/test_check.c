/* Check and repair, with the one finding that every engine can be brought to: a lesson with members and without a
 * record. Residue that only one engine can hold is tested with that backend. */
#include "suite.h"

/* ann and bob are in a lesson without a record; cid's lesson has one. */
static const struct step ended_lesson[] = {{CREATE("algebra")},
                                           {JOIN("cid", "maths", "algebra")},
                                           {JOIN("ann", "arts", "choir")},
                                           {JOIN("bob", "arts", "choir")},
                                           {.lesson_id = NULL}};
static const struct record ended_lesson_records[] = {{"algebra", "waiting", "free"}, {.lesson_id = NULL}};
static const struct user ended_lesson_users[] = {{IS_IN("cid", "maths", "algebra")},
                                                 {IS_IN("ann", "arts", "choir")},
                                                 {IS_IN("bob", "arts", "choir")},
                                                 {.uid = NULL}};

struct findings {
    lines *out;
    size_t stop_after; /* 0: never */
};

static bool hear_finding(const lesson_store_finding *finding, void *context) {
    struct findings *findings = context;
    lines_add(findings->out, "%s: lesson %s, user %s, %s, %s, %s", lesson_store_finding_text((int)finding->kind),
              quote(finding->lesson_id).text, quote(finding->uid).text,
              finding->repairable ? "repairable" : "not repairable", finding->repaired ? "repaired" : "not repaired",
              finding->detail && *finding->detail ? "why" : "no reason given");
    return !findings->stop_after || findings->out->count < findings->stop_after;
}

static void expect_findings(struct fixture *fixture, uint32_t flags, struct findings findings, uint64_t expected_found,
                            uint64_t expected_repaired) {
    uint64_t found = 4711, repaired = 4711;
    int code = lesson_store_check(fixture->store, flags, hear_finding, &findings, &found, &repaired);
    expect_code(fixture, "check", code, LESSON_STORE_OK);
    expect_number(fixture, "found", found, expected_found);
    expect_number(fixture, "repaired", repaired, expected_repaired);
}

static void expect_ended_found(struct fixture *fixture, uint32_t flags) {
    bool repairs = flags & LESSON_STORE_CHECK_REPAIR;
    lines_clear(&fixture->expected);
    lines_clear(&fixture->found);
    for (const struct user *user = &ended_lesson_users[1]; user->uid; user++)
        lines_add(&fixture->expected, "%s: lesson %s, user %s, repairable, %s, why",
                  lesson_store_finding_text(LESSON_STORE_FINDING_ENDED_LESSON), quote_text(user->lesson_id).text,
                  quote_text(user->uid).text, repairs ? "repaired" : "not repaired");
    expect_findings(fixture, flags, (struct findings){&fixture->found, 0}, 2, repairs ? 2 : 0);
    if (!lines_compare(&fixture->expected, &fixture->found))
        fail_test(fixture, "the findings are not the expected ones (the lines above)");
}

static void check_sound(struct fixture *fixture) {
    need_calls(fixture, LESSON_STORE_CALL_CHECK);
    play(fixture, ended_lesson);
    expect_findings(fixture, 0, (struct findings){&fixture->found, 0}, 0, 0);
    expect_findings(fixture, LESSON_STORE_CHECK_REPAIR, (struct findings){&fixture->found, 0}, 0, 0);
    expect_state(fixture, ended_lesson_records, ended_lesson_users);
}

static void check_ended(struct fixture *fixture) {
    need_calls(fixture, LESSON_STORE_CALL_CHECK);
    play(fixture, ended_lesson);
    expect_ended_found(fixture, LESSON_STORE_CHECK_ENDED);
    expect_state(fixture, ended_lesson_records, ended_lesson_users);
}

static void repair_ended(struct fixture *fixture) {
    need_calls(fixture, LESSON_STORE_CALL_CHECK);
    play(fixture, ended_lesson);
    know_user(fixture, "ann");
    expect_ended_found(fixture, LESSON_STORE_CHECK_ENDED | LESSON_STORE_CHECK_REPAIR);
    expect_findings(fixture, LESSON_STORE_CHECK_ENDED, (struct findings){&fixture->found, 0}, 0, 0);
    expect_state(fixture, ended_lesson_records,
                 (const struct user[]){{IS_IN("cid", "maths", "algebra")}, {.uid = NULL}});
}

static void check_stopped(struct fixture *fixture) {
    need_calls(fixture, LESSON_STORE_CALL_CHECK);
    play(fixture, ended_lesson);
    lines_clear(&fixture->found);
    expect_findings(fixture, LESSON_STORE_CHECK_ENDED, (struct findings){&fixture->found, 1}, 1, 0);
    expect_number(fixture, "findings heard", fixture->found.count, 1);
    expect_state(fixture, ended_lesson_records, ended_lesson_users);
}

static void check_empty(struct fixture *fixture) {
    need_calls(fixture, LESSON_STORE_CALL_CHECK);
    expect_findings(fixture, LESSON_STORE_CHECK_ENDED | LESSON_STORE_CHECK_REPAIR,
                    (struct findings){&fixture->found, 0}, 0, 0);
    expect_state(fixture, NULL, NULL);
}

static const struct test tests[] = {
    {.name = "CHECK-1 in a sound store there is nothing to find", .function = check_sound},
    {.name = "CHECK-1 in an empty store there is nothing to find", .function = check_empty},
    {.name = "CHECK-2 users of a lesson without a record are found on request, and nothing is changed",
     .function = check_ended},
    {.name = "CHECK-3 a repair takes users of a lesson without a record out", .function = repair_ended},
    {.name = "CHECK-4 STREAM-1 check: stopping early is OK, and counts the findings until then",
     .function = check_stopped,
     .modes = IN_MODE(SINGLE)},
};

const test_list check_tests = TEST_LIST(tests);
