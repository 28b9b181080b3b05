/* Waiting for the locks of SQLite, and who goes first.
 *
 * SQLite has no queue: whoever looks at the moment at which a lock is free gets it. A process that writes large batches
 * one after the other always looks first, and SQLite's own busy handler looks the less often the longer it has waited.
 * So a call that has waited for some time states its age, by a lock on a byte of the log, where SQLite has none: the
 * older the call, the higher the byte. The oldest looks often, and all others seldom.
 *
 * These locks only give precedence. The system drops them with their process. If the oldest is a stopped process, its
 * age stays and it never takes its turn. So an instance that has made way for the same age many times ignores ages for
 * a while. */
#include <fcntl.h>
#include <unistd.h>

#include "sqlite.h"

enum {
    AGE_US = 100000,          /* the age of a call is the number of these that it has waited for */
    FIRST_LOOK_US = 500,      /* of the oldest */
    YOUNG_PAUSE_US = 20000,   /* the longest of a call without an age, if no other has one */
    BEHIND_PAUSE_US = 20000,  /* the longest of a call that an older one precedes */
    SHORTEST_YOUNG_US = 1000, /* and the shortest, from which both double with each look */
    SHORTEST_BEHIND_US = 1000,
    ASK_AGAIN_US =
        1000,         /* how often a call that has not waited asks for older ones; asking takes a hundredth of a join */
    MOST_PASSED = 20, /* calls in a row that make way for one age */
    IGNORE_US = 1000000, /* how long an age is ignored after that */
};

#define AGES_AT (INT64_C(1) << 60) /* in the log, far behind its end */

/* OFD locks belong to a descriptor, not to the process. So instances of one process see each other, and closing the
 * descriptor drops no other lock. */
static bool lock_ages(const sqlite_store *sqlite, int command, struct flock *lock, int64_t age) {
    lock->l_whence = SEEK_SET;
    lock->l_start = AGES_AT + age;
    return sqlite->log >= 0 && fcntl(sqlite->log, command, lock) == 0;
}

/* 0: none. If there are several, it is the first that the system finds. */
static int64_t find_older(const sqlite_store *sqlite) {
    struct flock lock = {.l_type = F_WRLCK, .l_len = 0 /* to the end */};
    bool is_there = lock_ages(sqlite, F_OFD_GETLK, &lock, sqlite->wait.age + 1) && lock.l_type != F_UNLCK;
    return is_there ? lock.l_start - AGES_AT : 0;
}

static void state_age(sqlite_store *sqlite, int64_t age) {
    struct flock lock = {.l_type = F_RDLCK, .l_len = 1}, earlier = {.l_type = F_UNLCK, .l_len = 1};
    if (age > 0)
        lock_ages(sqlite, F_OFD_SETLK, &lock, age);
    if (sqlite->wait.age > 0)
        lock_ages(sqlite, F_OFD_SETLK, &earlier, sqlite->wait.age);
    sqlite->wait.age = age;
}

/* Time is counted by the pauses, or by the clock if it was longer. */
static void pause_for(sqlite_store *sqlite, int us) {
    sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);
    int64_t before_us = lesson_store_monotonic_us();
    vfs->xSleep(vfs, us);
    int64_t passed_us = lesson_store_monotonic_us() - before_us;
    sqlite->wait.waited_us += passed_us > us ? passed_us : us;
}

static int doubled(int us, int times, int longest_us) {
    while (times-- > 0 && us < longest_us)
        us *= 2;
    return us < longest_us ? us : longest_us;
}

static int next_pause(const sqlite_store *sqlite, int looked) {
    if (find_older(sqlite) > 0)
        return doubled(SHORTEST_BEHIND_US, looked, BEHIND_PAUSE_US);
    return sqlite->wait.age > 0 ? FIRST_LOOK_US : doubled(SHORTEST_YOUNG_US, looked, YOUNG_PAUSE_US);
}

/* SQLite's busy handler. 0 to give up. */
static int wait_for_lock(void *context, int looked) {
    sqlite_store *sqlite = context;
    if (looked == 0 && !sqlite->wait.is_for_turn)
        sqlite->wait.waited_us = 0;
    if (looked == 0)
        lesson_store_observe_count(sqlite->observer, LESSON_STORE_ENGINE_LOCK_WAITS, 1);
    if (sqlite->wait.waited_us >= sqlite->wait.patience_us)
        return 0;
    int64_t age = sqlite->wait.waited_us / AGE_US;
    if (sqlite->wait.is_for_turn && age != sqlite->wait.age)
        state_age(sqlite, age);
    pause_for(sqlite, next_pause(sqlite, looked));
    return 1;
}

void sqlite_wait_for_locks(sqlite_store *sqlite) {
    sqlite->wait.patience_us = sqlite->busy_timeout_ms * 1000;
    sqlite3_busy_handler(sqlite->database, wait_for_lock, sqlite);
}

/* A living process that waits states another age before long, or gets its turn. */
static bool has_passed_often(sqlite_store *sqlite, int64_t age) {
    sqlite->wait.passed = age == sqlite->wait.passed_age ? sqlite->wait.passed + 1 : 0;
    sqlite->wait.passed_age = age;
    return sqlite->wait.passed >= MOST_PASSED;
}

/* For a call that comes. If it tried at once, it would always be first: it is already running. */
static void let_older_pass(sqlite_store *sqlite) {
    int64_t now_us = lesson_store_monotonic_us();
    if (sqlite->wait.patience_us == 0 || now_us < sqlite->wait.ask_again_us)
        return;
    int64_t age = find_older(sqlite);
    bool is_ignored = has_passed_often(sqlite, age);
    if (age > 0 && !is_ignored) {
        pause_for(sqlite, SHORTEST_BEHIND_US);
        return;
    }
    sqlite->wait.passed = 0;
    sqlite->wait.ask_again_us = now_us + (age > 0 ? IGNORE_US : ASK_AGAIN_US);
}

/* The time for which the call has waited for this instance counts. */
static int64_t waited_for_instance_us(const sqlite_store *sqlite) {
    int64_t left_us = sqlite->base.deadline_us - lesson_store_monotonic_us();
    return sqlite->base.deadline_us && left_us < sqlite->wait.patience_us ? sqlite->wait.patience_us - left_us : 0;
}

int sqlite_take_turn(sqlite_store *sqlite) {
    sqlite->wait.waited_us = waited_for_instance_us(sqlite);
    sqlite->wait.is_for_turn = true;
    let_older_pass(sqlite);
    int code = sqlite_execute(sqlite, STATEMENT_BEGIN_WRITE, NULL, 0);
    if (sqlite->wait.age > 0)
        state_age(sqlite, 0);
    sqlite->wait.is_for_turn = false;
    return code;
}
