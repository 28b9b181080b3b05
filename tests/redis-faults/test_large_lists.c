/* Lists with many pages or one large reply, under every fault. No entry is given twice, every entry is true, and after
 * OK the list is complete. */
#include <stdio.h>
#include <stdlib.h>

#include "faults.h"

enum { MEMBERS_MAX = 9000 };

typedef enum list_kind { MEMBERS, USERS, LESSONS, LISTS } list_kind;

/* The given entries: a mark for each of the users u-0, u-1, ... or lessons l-0, l-1, ... */
struct given {
    bool marks[MEMBERS_MAX];
    int count;
    int wrong; /* strangers and repeated entries */
};

static bool mark(struct given *given, lesson_store_id id) {
    char text[16] = "";
    int number = -1;
    snprintf(text, sizeof text, "%.*s", (int)(id.size < sizeof text ? id.size : 0), id.data);
    if (sscanf(text, "%*c-%d", &number) != 1 || number < 0 || number >= MEMBERS_MAX || given->marks[number])
        given->wrong++;
    else
        given->marks[number] = true;
    given->count++;
    return true;
}

static bool hear_member(const lesson_store_id *uid, void *context) {
    return mark(context, *uid);
}

static bool hear_user(const lesson_store_user *user, void *context) {
    return mark(context, user->uid);
}

static bool hear_lesson(const lesson_store_lesson *lesson, void *context) {
    return mark(context, lesson->lesson_id);
}

static int list(lesson_store *store, list_kind kind, struct given *given) {
    *given = (struct given){.count = 0};
    if (kind == MEMBERS)
        return lesson_store_members(store, "L1", hear_member, given);
    return kind == USERS ? lesson_store_users(store, hear_user, given)
                         : lesson_store_lessons(store, hear_lesson, given);
}

static const char make_lessons[] =
    "for i = 0, tonumber(ARGV[1]) - 1 do\n"
    "    redis.call('HSET', 'STATUS:LESSON_STATUS:LESSON_ID:l-' .. i, 'lesson_id', 'l-' .. i, 'course_status', '1',\n"
    "               'chat_status', '0')\n"
    "end\n"
    "return 1";

static void fill(fault_bench *bench, list_kind kind, int count) {
    if (kind == LESSONS)
        raw_do(bench->at, "EVAL %s 0 %d", make_lessons, count);
    else
        raw_make_lesson(bench->at, "L1", "1", count);
}

static void check_list(fault_bench *bench, const fault_kind *fault, int code, const struct given *given, int count) {
    if (code && !(code < 0 && fault->rules.reads >> -code & 1))
        bench_fail(bench, "the list was answered %s (%s)", lesson_store_code_name(code), lesson_store_message());
    if (given->wrong > 0)
        bench_fail(bench, "%d of %d were given twice, or are strangers", given->wrong, given->count);
    if (given->count > count || (code == LESSON_STORE_OK && !fault->loses_data && given->count != count))
        bench_fail(bench, "%d of %d were given after %s", given->count, count, lesson_store_code_name(code));
}

/* True if the list was broken off. */
static bool play(fault_bench *bench, const fault_kind *fault) {
    static struct given given;
    static const int most[] = {300, 5000, MEMBERS_MAX - 2};
    list_kind kind = dice_once_in(&bench->dice, 2) ? MEMBERS : (list_kind)dice_below(&bench->dice, LISTS);
    int count = 2 + (int)dice_below(&bench->dice, (unsigned)most[dice_below(&bench->dice, 3)]);
    bench->fault = fault->name;
    bench_open(bench, &fault->wish);
    fill(bench, kind, count);
    if (fault->strike)
        fault->strike(bench);
    if (fault->beside)
        assert_int_equal(pthread_create(&bench->beside, NULL, fault->beside, bench), 0);
    int code = list(bench->store, kind, &given);
    if (fault->beside)
        pthread_join(bench->beside, NULL);
    check_list(bench, fault, code, &given, count);
    if (fault->repair)
        fault->repair(bench);
    int later;
    do
        later = list(bench->store, kind, &given);
    while (fault->is_timed && later == LESSON_STORE_UNREACHABLE);
    check_list(bench, fault, later, &given, count);
    if (later)
        bench_fail(bench, "the store does not work again: %s", lesson_store_message());
    bench_put_away(bench);
    judge_free(bench->judge);
    return code != LESSON_STORE_OK;
}

/* Faults that put keys of a wrong type where the model decides belong to the other tests. */
static bool is_of_use(const fault_kind *fault) {
    return fault->code != LESSON_STORE_MALFORMED;
}

static size_t count_faults(const fault_kind *list) {
    size_t count = 0;
    while (list[count].name)
        count++;
    return count;
}

/* Every second fault is one of bytes, because only these can break a list off at any place. */
static const fault_kind *fault_of(uint64_t seed) {
    size_t count = 0;
    while (fault_at(count))
        count++;
    if (seed % 2)
        return &faults_of_bytes[seed / 2 % count_faults(faults_of_bytes)];
    return fault_at((size_t)(seed / 2 % count));
}

static void test_lists(void **state) {
    enum { ROUNDS = 90 };
    uint64_t broken = 0;
    soak_run soak = soak_begin("large lists in faults", "redis", ROUNDS);
    fault_bench bench = {.soak = &soak, .rules = judge_nothing_fails};
    while (soak_next(&soak)) {
        const fault_kind *fault = fault_of(soak.seed);
        if (!is_of_use(fault))
            continue;
        bench.dice = (dice_state){soak.seed};
        broken += play(&bench, fault);
        soak.histories++;
        soak.faults++;
    }
    bench_end(&bench);
    printf("large lists\t%" PRIu64 "\t%" PRIu64 " broken off\n", soak.histories, broken);
    soak_end(&soak);
    (void)state;
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_lists)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
