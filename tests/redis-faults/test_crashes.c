/* Clients that are killed during their work: acknowledged changes are there, changes under way are there whole or not
 * at all, and user records and members agree. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "client.h"

enum { LONG_MS = 60000, KILLS = 60, KILLS_OF_ENDS = 30, KILLS_OF_REPAIRS = 30 };

static const bench_wish wish = {.place = PLACE_MAIN, .timeout_ms = LONG_MS};

static void locate(const fault_bench *bench, char *location, size_t size) {
    snprintf(location, size, "%s?pool=1&timeout_ms=%d", redis_server_unix_location(bench->at->server), LONG_MS);
}

static void pause_by_chance(dice_state *dice, unsigned most_us) {
    struct timespec pause = {.tv_nsec = (long)dice_below(dice, most_us) * 1000};
    nanosleep(&pause, NULL);
}

/* ---- Random joins, moves, quits, ends and repairs */

static void kill_one(fault_bench *bench) {
    char location[256];
    client_process client;
    locate(bench, location, sizeof location);
    client_start(&client, NULL, location, bench->soak->seed);
    client_wait(&client, dice_below(&bench->dice, 12));
    pause_by_chance(&bench->dice, 4000);
    if (!client_kill(&client))
        bench_fail(bench, "the client ended by itself after %zu batches", client.batches);
    if (!client_judge(&client, bench->judge))
        bench_fail(bench, "%s", judge_text(bench->judge));
    bench->soak->operations += client.operations;
    bench->soak->kills++;
    client_free(&client);
}

static void test_clients_by_chance(void **state) {
    soak_run soak = soak_begin("killed clients", "redis", KILLS);
    fault_bench bench = {.soak = &soak, .fault = "a client was killed", .rules = judge_nothing_fails};
    while (soak_next(&soak)) {
        bench.dice = (dice_state){soak.seed};
        bench_open(&bench, &wish);
        kill_one(&bench);
        bench_close(&bench);
        soak.histories++;
    }
    bench_end(&bench);
    soak_end(&soak);
    (void)state;
}

/* ---- Ends of large lessons, alone or with another client who joins and quits meanwhile and is killed too */

static lesson_store *open_in_child(const char *location) {
    lesson_store *store;
    if (lesson_store_open(&store, location))
        _exit(1);
    return store;
}

/* Writes "b" when it begins and "e" when it is done, then waits to be killed. */
static void end_lesson(const char *location, int fd) {
    lesson_store *store = open_in_child(location);
    bool said =
        write(fd, "b", 1) == 1 && lesson_store_end(store, "L1", 0, NULL) == LESSON_STORE_OK && write(fd, "e", 1) == 1;
    if (!said)
        _exit(1);
    for (;;)
        pause();
}

static void keep_moving(const char *location, uint64_t seed, int count) {
    dice_state dice = {seed};
    lesson_store *store = open_in_child(location);
    for (;;) {
        char uid[16];
        snprintf(uid, sizeof uid, "u-%u", dice_below(&dice, (unsigned)count));
        if (dice_once_in(&dice, 3))
            lesson_store_quit(store, uid, NULL, NULL, NULL);
        else
            lesson_store_join(store, uid, "C", dice_once_in(&dice, 2) ? "L1" : "L2", NULL, 0, NULL);
    }
}

static void kill_child(pid_t pid) {
    int status;
    kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
}

/* True if the end was acknowledged. */
static bool kill_an_end(fault_bench *bench, int count, bool with_mover) {
    char location[256], said[3] = "";
    int ends[2];
    locate(bench, location, sizeof location);
    assert_int_equal(pipe(ends), 0);
    pid_t mover = with_mover ? client_fork() : -1;
    if (mover == 0)
        keep_moving(location, bench->soak->seed, count);
    pid_t ender = client_fork();
    if (ender == 0)
        end_lesson(location, ends[1]);
    close(ends[1]);
    assert_int_equal(read(ends[0], said, 1), 1);
    pause_by_chance(&bench->dice, 6000);
    kill_child(ender);
    if (with_mover)
        kill_child(mover);
    bool acknowledged = read(ends[0], said + 1, 1) == 1;
    close(ends[0]);
    bench->soak->kills += 1 + with_mover;
    return acknowledged;
}

static void check_nothing_found(fault_bench *bench, lesson_store *store, uint32_t flags) {
    uint64_t found = 1;
    int code = lesson_store_check(store, flags, NULL, NULL, &found, NULL);
    if (code || found)
        bench_fail(bench, "check: %" PRIu64 " found (%s)", found, lesson_store_code_name(code));
}

/* How the ends went, for a printed line. */
static struct { uint64_t done, in_part, untouched; } went;

/* An interrupted end leaves nothing, everything, or the OffLine lesson with some of its members. */
static void check_rest(fault_bench *bench, lesson_store *store, uint64_t count, bool acknowledged, bool alone) {
    lesson_store_lesson lesson;
    int code = lesson_store_get_lesson(store, "L1", &lesson);
    if (acknowledged && alone && code != LESSON_STORE_NOT_FOUND)
        bench_fail(bench, "the lesson is there (%s) after its end", lesson_store_code_name(code));
    went.done += code == LESSON_STORE_NOT_FOUND;
    if (code == LESSON_STORE_NOT_FOUND)
        return;
    went.in_part += lesson.course_status == LESSON_STORE_COURSE_OFFLINE;
    went.untouched += lesson.course_status == LESSON_STORE_COURSE_ONLINE;
    if (code)
        bench_fail(bench, "get_lesson: %s", lesson_store_message());
    if (!alone)
        return;
    bool untouched = lesson.course_status == LESSON_STORE_COURSE_ONLINE && lesson.member_count == count;
    bool in_part = lesson.course_status == LESSON_STORE_COURSE_OFFLINE && lesson.member_count <= count;
    if (!lesson.has_record || !(untouched || in_part))
        bench_fail(bench, "%d, %" PRIu64 " members remain", lesson.course_status, lesson.member_count);
}

/* Another end finishes it: no member and no record is left. */
static void end_again(fault_bench *bench, lesson_store *store) {
    uint64_t members, left = 0;
    assert_int_equal(lesson_store_count_members(store, "L1", &members), LESSON_STORE_OK);
    int code = lesson_store_end(store, "L1", 0, &left);
    if (code != LESSON_STORE_OK && code != LESSON_STORE_NOT_FOUND)
        bench_fail(bench, "ending again: %s", lesson_store_message());
    if (left != members)
        bench_fail(bench, "%" PRIu64 " of %" PRIu64 " were put out", left, members);
    assert_int_equal(lesson_store_count_members(store, "L1", &members), LESSON_STORE_OK);
    assert_int_equal(members, 0);
    assert_int_equal(lesson_store_get_lesson(store, "L1", &(lesson_store_lesson){0}), LESSON_STORE_NOT_FOUND);
}

static void end_round(fault_bench *bench) {
    int count = 1001 + (int)dice_below(&bench->dice, 5000);
    bool alone = dice_once_in(&bench->dice, 2);
    raw_do(bench->at, "FLUSHALL");
    raw_make_lesson(bench->at, "L1", "1", count);
    bool acknowledged = kill_an_end(bench, count, !alone);
    bench_wait_for_clients(bench, 1);
    lesson_store *store = raw_open_store(bench->at, "?pool=1&timeout_ms=60000");
    check_nothing_found(bench, store, 0);
    if (alone)
        check_nothing_found(bench, store, LESSON_STORE_CHECK_ENDED);
    check_rest(bench, store, (uint64_t)count, acknowledged, alone);
    end_again(bench, store);
    check_nothing_found(bench, store, 0);
    lesson_store_close(store);
    if (alone)
        assert_int_equal(raw_number(bench->at, "DBSIZE"), 0);
}

/* ---- Repairs */

/* True members `u-`, which no repair may change; ghosts `g-` and missing members `m-`, which it must repair. */
static const char damage[] =
    "for i = 1, tonumber(ARGV[1]) do\n"
    "    redis.call('SADD', 'STATUS:LESSON_USER:LESSON_ID:L1', 'g-' .. i)\n"
    "    redis.call('HSET', 'STATUS:IN_LESSON:UID:m-' .. i, 'uid', 'm-' .. i, 'course_id', 'C',\n"
    "               'lesson_id', 'L1')\n"
    "end\n"
    "return 1";

static const char count_true[] =
    "local count = 0\n"
    "for i = 0, tonumber(ARGV[1]) - 1 do\n"
    "    local named = redis.call('HGET', 'STATUS:IN_LESSON:UID:u-' .. i, 'lesson_id')\n"
    "    if named == 'L1' then\n"
    "        count = count + redis.call('SISMEMBER', 'STATUS:LESSON_USER:LESSON_ID:L1', 'u-' .. i)\n"
    "    end\n"
    "end\n"
    "return count";

static void repair_in_child(const char *location, int fd) {
    lesson_store *store = open_in_child(location);
    if (write(fd, "b", 1) != 1 || lesson_store_check(store, LESSON_STORE_CHECK_REPAIR, NULL, NULL, NULL, NULL))
        _exit(1);
    for (;;)
        pause();
}

static void repair_round(fault_bench *bench) {
    enum { TRUE_MEMBERS = 1000, DAMAGED = 400 };
    char location[256], said;
    int ends[2];
    locate(bench, location, sizeof location);
    raw_do(bench->at, "FLUSHALL");
    raw_make_lesson(bench->at, "L1", "1", TRUE_MEMBERS);
    raw_do(bench->at, "EVAL %s 0 %d", damage, DAMAGED);
    assert_int_equal(pipe(ends), 0);
    pid_t pid = client_fork();
    if (pid == 0)
        repair_in_child(location, ends[1]);
    close(ends[1]);
    assert_int_equal(read(ends[0], &said, 1), 1);
    close(ends[0]);
    pause_by_chance(&bench->dice, 15000);
    kill_child(pid);
    bench->soak->kills++;
    bench_wait_for_clients(bench, 1);
    assert_int_equal(raw_number(bench->at, "EVAL %s 0 %d", count_true, TRUE_MEMBERS), TRUE_MEMBERS);
    lesson_store *store = raw_open_store(bench->at, "?pool=1&timeout_ms=60000");
    assert_int_equal(lesson_store_check(store, LESSON_STORE_CHECK_REPAIR, NULL, NULL, NULL, NULL), LESSON_STORE_OK);
    check_nothing_found(bench, store, LESSON_STORE_CHECK_ENDED);
    assert_int_equal(raw_number(bench->at, "SCARD " MEMBERS("L1")), TRUE_MEMBERS + DAMAGED);
    assert_int_equal(raw_number(bench->at, "EVAL %s 0 %d", count_true, TRUE_MEMBERS), TRUE_MEMBERS);
    lesson_store_close(store);
}

static void run_rounds(const char *part, uint64_t rounds, void (*round)(fault_bench *bench)) {
    soak_run soak = soak_begin(part, "redis", rounds);
    fault_bench bench = {.soak = &soak, .fault = part};
    bench.at = bench_place_of(&bench, PLACE_MAIN);
    while (soak_next(&soak)) {
        bench.dice = (dice_state){soak.seed};
        round(&bench);
        soak.histories++;
    }
    bench_end(&bench);
    soak_end(&soak);
}

static void test_ends_of_large_lessons(void **state) {
    run_rounds("killed large ends", KILLS_OF_ENDS, end_round);
    printf("killed ends\t%" PRIu64 " done\t%" PRIu64 " left in part\t%" PRIu64 " not begun\n", went.done, went.in_part,
           went.untouched);
    (void)state;
}

static void test_repairs(void **state) {
    run_rounds("killed repairs", KILLS_OF_REPAIRS, repair_round);
    (void)state;
}

/* Runs one of the three parts, so that each has its own time in a soak. */
int main(int count, char **arguments) {
    const struct CMUnitTest all[] = {
        cmocka_unit_test(test_clients_by_chance),
        cmocka_unit_test(test_ends_of_large_lessons),
        cmocka_unit_test(test_repairs),
    };
    static const char *const names[] = {"clients", "ends", "repairs"};
    for (size_t i = 0; count > 1 && i < sizeof names / sizeof *names; i++) {
        const struct CMUnitTest one[] = {all[i]};
        if (strcmp(arguments[1], names[i]) == 0)
            return cmocka_run_group_tests(one, NULL, NULL);
    }
    return 2;
}
