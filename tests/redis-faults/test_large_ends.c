/* The end of a lesson that takes several steps, under every fault. It is done, or not begun, or leaves the OffLine
 * lesson with fewer members; ending again finishes it. */
#include <stdio.h>

#include "faults.h"

enum { LEAST = 1001, MORE = 4000, ROUNDS_OF_EACH = 1 };

/* How the ends went, for a printed line. */
static struct { uint64_t done, refused, unknown, in_part; } went;

static void count_end(int ended, int found, const lesson_store_lesson *lesson) {
    bool in_part = found == LESSON_STORE_OK && lesson->course_status == LESSON_STORE_COURSE_OFFLINE;
    went.done += ended == LESSON_STORE_OK;
    went.unknown += ended == LESSON_STORE_UNKNOWN;
    went.refused += ended != LESSON_STORE_OK && ended != LESSON_STORE_UNKNOWN;
    went.in_part += in_part;
}

/* Excludes faults whose damage is on users and lessons of the model, and so not on this lesson. */
static bool is_of_use(const fault_kind *fault) {
    return fault->code != LESSON_STORE_MALFORMED;
}

static const fault_kind *fault_of(uint64_t seed) {
    size_t count = 0;
    while (fault_at(count))
        count++;
    size_t turn = (size_t)(seed % count);
    while (!is_of_use(fault_at(turn)))
        turn = (turn + 1) % count;
    return fault_at(turn);
}

static int end_through(fault_bench *bench, const fault_kind *fault) {
    uint64_t left;
    if (fault->strike)
        fault->strike(bench);
    if (fault->beside)
        assert_int_equal(pthread_create(&bench->beside, NULL, fault->beside, bench), 0);
    int code = lesson_store_end(bench->store, "L1", 0, &left);
    if (fault->beside)
        pthread_join(bench->beside, NULL);
    if (fault->repair)
        fault->repair(bench);
    return code;
}

/* Asks until there is an answer. After that nothing is applied late. */
static int look(fault_bench *bench, lesson_store_lesson *lesson) {
    int code;
    do
        code = lesson_store_get_lesson(bench->store, "L1", lesson);
    while (code == LESSON_STORE_UNREACHABLE);
    bench_wait_for_clients(bench, 2);
    do
        code = lesson_store_get_lesson(bench->store, "L1", lesson);
    while (code == LESSON_STORE_UNREACHABLE);
    return code;
}

static bool is_possible(int ended, int found, const lesson_store_lesson *lesson, uint64_t count) {
    bool is_gone = found == LESSON_STORE_NOT_FOUND;
    if (!is_gone && (found != LESSON_STORE_OK || !lesson->has_record))
        return false;
    bool untouched = !is_gone && lesson->course_status == LESSON_STORE_COURSE_ONLINE && lesson->member_count == count;
    bool in_part = !is_gone && lesson->course_status == LESSON_STORE_COURSE_OFFLINE && lesson->member_count <= count;
    if (ended == LESSON_STORE_OK)
        return is_gone;
    return ended == LESSON_STORE_UNKNOWN ? is_gone || untouched || in_part : untouched;
}

static void end_again(fault_bench *bench) {
    uint64_t found, left;
    int code;
    do
        code = lesson_store_end(bench->store, "L1", 0, &left);
    while (code == LESSON_STORE_UNKNOWN || code == LESSON_STORE_UNREACHABLE);
    if (code != LESSON_STORE_OK && code != LESSON_STORE_NOT_FOUND)
        bench_fail(bench, "ending again: %s", lesson_store_message());
    bench_put_away(bench);
    lesson_store *fresh = raw_open_store(bench->at, "?pool=1&timeout_ms=60000");
    if (lesson_store_check(fresh, 0, NULL, NULL, &found, NULL) != LESSON_STORE_OK || found > 0)
        bench_fail(bench, "check: %" PRIu64 " found", found);
    lesson_store_close(fresh);
    assert_int_equal(raw_number(bench->at, "DBSIZE"), 0);
}

static void check_agreement(fault_bench *bench) {
    uint64_t found = 0;
    int code;
    do
        code = lesson_store_check(bench->store, LESSON_STORE_CHECK_ENDED, NULL, NULL, &found, NULL);
    while (code == LESSON_STORE_UNREACHABLE);
    if (code || found)
        bench_fail(bench, "check between the ends: %" PRIu64 " found (%s)", found, lesson_store_message());
}

static void play(fault_bench *bench, const fault_kind *fault) {
    lesson_store_lesson lesson;
    int count = LEAST + (int)dice_below(&bench->dice, MORE);
    bench->fault = fault->name;
    bench_open(bench, &fault->wish);
    raw_make_lesson(bench->at, "L1", "1", count);
    int ended = end_through(bench, fault);
    if (ended != LESSON_STORE_OK && !(ended < 0 && fault->rules.writes >> -ended & 1))
        bench_fail(bench, "the end was answered %s", lesson_store_code_name(ended));
    int found = look(bench, &lesson);
    count_end(ended, found, &lesson);
    if (!fault->loses_data && !is_possible(ended, found, &lesson, (uint64_t)count))
        bench_fail(bench,
                   "after an end of %d members that is %s the lesson is %s, with status %d and %" PRIu64 " members",
                   count, lesson_store_code_name(ended), lesson_store_code_name(found),
                   found ? -1 : lesson.course_status, found ? 0 : lesson.member_count);
    check_agreement(bench);
    end_again(bench);
    judge_free(bench->judge);
}

static void test_ends(void **state) {
    size_t faults = 0;
    while (fault_at(faults))
        faults++;
    soak_run soak = soak_begin("large ends in faults", "redis", ROUNDS_OF_EACH * faults);
    fault_bench bench = {.soak = &soak, .rules = judge_nothing_fails};
    while (soak_next(&soak)) {
        bench.dice = (dice_state){soak.seed};
        play(&bench, fault_of(soak.seed));
        soak.histories++;
        soak.faults++;
    }
    bench_end(&bench);
    printf("large ends\t%" PRIu64 " done\t%" PRIu64 " refused\t%" PRIu64 " unknown\t%" PRIu64 " left in part\n",
           went.done, went.refused, went.unknown, went.in_part);
    soak_end(&soak);
    if (soak.rounds >= faults && went.in_part == 0)
        fail_msg("no end was interrupted between its steps%s", "");
    (void)state;
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_ends)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
