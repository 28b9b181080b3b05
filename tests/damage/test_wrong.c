/* Checks and repairs with one defect each. The judges of the rounds must reject each, and for the right reason. */
#include <stdio.h>
#include <string.h>

#include "cmocka_all.h"
#include "engine.h"
#include "round.h"

static lesson_store_backend right; /* the engine's own table; one for the process, because a backend has no context */

typedef struct check_listener {
    lesson_store_finding_callback callback;
    void *context;
} check_listener;

static int check_right(lesson_store_instance *instance, uint32_t flags, lesson_store_finding_callback callback,
                       void *context) {
    return right.check(instance, flags, callback, context);
}

static int check_repairs_unasked(lesson_store_instance *instance, uint32_t flags,
                                 lesson_store_finding_callback callback, void *context) {
    return right.check(instance, flags | LESSON_STORE_CHECK_REPAIR, callback, context);
}

/* The findings are those of a check, but ghosts are removed all the same. */
static int check_repairs_in_secret(lesson_store_instance *instance, uint32_t flags,
                                   lesson_store_finding_callback callback, void *context) {
    int code = right.check(instance, flags, callback, context);
    facts state = round_side()->read();
    facts findings = {NULL, 0, 0}, target;
    round_side()->judge(&state, false, &findings, &target);
    const char *ghost = lesson_store_finding_text(LESSON_STORE_FINDING_GHOST_MEMBER);
    for (size_t i = 0; !(flags & LESSON_STORE_CHECK_REPAIR) && i < findings.count; i++) {
        const lesson_store_id *parts = findings.items[i].parts;
        char uid[LESSON_STORE_ID_MAX + 1], lesson_id[LESSON_STORE_ID_MAX + 1];
        if (!bytes_are(parts[FINDING_KIND], ghost) || !parts[FINDING_UID].size || !parts[FINDING_LESSON].size)
            continue;
        lesson_store_id_copy(uid, parts[FINDING_UID]);
        lesson_store_id_copy(lesson_id, parts[FINDING_LESSON]);
        round_side()->remove_member(uid, lesson_id);
        break;
    }
    facts_free(&state);
    facts_free(&findings);
    facts_free(&target);
    return code;
}

static bool report_unless_ghost(const lesson_store_finding *finding, void *context) {
    const check_listener *listener = context;
    return finding->kind == LESSON_STORE_FINDING_GHOST_MEMBER || listener->callback(finding, listener->context);
}

static int check_misses_ghosts(lesson_store_instance *instance, uint32_t flags, lesson_store_finding_callback callback,
                               void *context) {
    check_listener listening = {callback, context};
    return right.check(instance, flags, report_unless_ghost, &listening);
}

static bool report_twice(const lesson_store_finding *finding, void *context) {
    const check_listener *listener = context;
    return listener->callback(finding, listener->context) && listener->callback(finding, listener->context);
}

static int check_reports_twice(lesson_store_instance *instance, uint32_t flags, lesson_store_finding_callback callback,
                               void *context) {
    check_listener listening = {callback, context};
    return right.check(instance, flags, report_twice, &listening);
}

static bool report_as_repaired(const lesson_store_finding *finding, void *context) {
    const check_listener *listener = context;
    lesson_store_finding reported = *finding;
    reported.repaired = reported.repairable;
    return listener->callback(&reported, listener->context);
}

static int repair_only_says_so(lesson_store_instance *instance, uint32_t flags, lesson_store_finding_callback callback,
                               void *context) {
    check_listener listening = {callback, context};
    bool repairs = flags & LESSON_STORE_CHECK_REPAIR;
    return right.check(instance, flags & ~(uint32_t)LESSON_STORE_CHECK_REPAIR, repairs ? report_as_repaired : callback,
                       repairs ? (void *)&listening : context);
}

/* Removes a user from the members who is in the lesson by record and membership. */
static int repair_removes_member(lesson_store_instance *instance, uint32_t flags,
                                 lesson_store_finding_callback callback, void *context) {
    facts state = round_side()->read();
    facts kept = round_side()->keep(&state, flags & LESSON_STORE_CHECK_ENDED);
    int code = right.check(instance, flags, callback, context);
    if (flags & LESSON_STORE_CHECK_REPAIR && kept.count > 0)
        round_side()->remove_kept(&kept);
    facts_free(&state);
    facts_free(&kept);
    return code;
}

static const struct wrong_check {
    const char *name;
    int (*check)(lesson_store_instance *instance, uint32_t flags, lesson_store_finding_callback callback,
                 void *context);
    const char *reason; /* the judge's text must begin with this; NULL: the backend is correct */
} checks[] = {
    {"right", check_right, NULL},
    {"repairs unasked", check_repairs_unasked, "check: "},
    {"repairs in secret", check_repairs_in_secret, "changed by a check: "},
    {"misses ghosts", check_misses_ghosts, "check: missing: "},
    {"reports twice", check_reports_twice, "check: not expected: "},
    {"only says that it repaired", repair_only_says_so, "after the repair: "},
    {"removes a true member", repair_removes_member, "a true member: lost: "},
};

static bool finds_engine(const lesson_store_backend *backend) {
    return strncmp(backend->schemes, engine_name(), strlen(engine_name())) == 0;
}

static void test_wrong(void **state) {
    (void)state;
    enum { SEEDS = 12 };
    for (size_t i = 0; i < sizeof checks / sizeof *checks; i++) {
        lesson_store_backend wrong = right;
        char text[ROUND_TEXT_SIZE] = "";
        damage_tally tally = {0};
        bool sound = true;
        wrong.check = checks[i].check;
        for (uint64_t seed = 1; sound && seed <= (checks[i].reason ? SEEDS : 2); seed++)
            sound = play_round(seed, &wrong, &tally, text);
        if (sound == (checks[i].reason != NULL))
            fail_msg("%s: %s %s", checks[i].name, sound ? "not rejected" : "rejected:", text);
        if (checks[i].reason && strncmp(text, checks[i].reason, strlen(checks[i].reason)) != 0)
            fail_msg("%s: rejected for another reason: %s", checks[i].name, text);
    }
}

int main(int count, char **arguments) {
    if (count != 2 || !engine_choose(arguments[1]))
        return 2;
    const lesson_store_backend *backend;
    for (size_t i = 0; (backend = lesson_store_backend_at(i)) && !finds_engine(backend); i++) {
    }
    if (!backend)
        return 2;
    right = *backend;
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_wrong)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
