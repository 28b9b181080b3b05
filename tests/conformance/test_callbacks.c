/*
 * Callbacks that use another store on the same data.
 *
 * A backend that holds a lock of its data while it calls back then waits for itself forever, and so does the thread
 * that closes its stores. So these tests run in a child process with its own stores, which an alarm ends. The child
 * must not use cmocka, because cmocka would go on with the next test in both processes.
 */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "suite.h"

#define ITEMS 1200    /* more than any backend fetches at a time */
#define WRITING 12    /* callbacks that write; each write may wait for a disk */
#define PATIENCE_S 60 /* if the description gives none */

/* One list of ITEMS users, each identified by the number in its id. */
struct reported {
    lesson_store *other;
    const char *prefix; /* of the listed ids, before the number */
    size_t lessons;     /* number of lessons that the users are in */
    unsigned writes;
    unsigned times_heard[ITEMS];
    char failure[1536]; /* the first failure; empty if there is none */
};

static void note_failure(struct reported *reported, const char *what, int code) {
    if (*reported->failure)
        return;
    snprintf(reported->failure, sizeof reported->failure, "%s: found %s%s%s", what, lesson_store_code_name(code),
             code < 0 ? ": " : "", code < 0 ? lesson_store_message() : "");
}

static void expect_answer(struct reported *reported, const char *what, int found, int expected) {
    if (found != expected)
        note_failure(reported, what, found);
}

/* Removes the user of this entry, and adds a new one instead. */
static void write_and_read(struct reported *reported, unsigned item) {
    char uid[32], late_uid[32], lesson_id[32];
    lesson_store_place place = {.lesson_id = ""};
    snprintf(uid, sizeof uid, "user %u", item);
    snprintf(late_uid, sizeof late_uid, "late %u", item);
    if (reported->lessons == 1)
        snprintf(lesson_id, sizeof lesson_id, "lesson 0");
    else
        snprintf(lesson_id, sizeof lesson_id, "late lesson %u", item);
    expect_answer(reported, "join through the other store, in a callback",
                  lesson_store_join(reported->other, late_uid, "maths", lesson_id, NULL, 0, NULL), LESSON_STORE_OK);
    expect_answer(reported, "where of the user who has just joined, in a callback",
                  lesson_store_where(reported->other, late_uid, &place), LESSON_STORE_OK);
    if (strcmp(place.lesson_id, lesson_id) != 0)
        note_failure(reported, "where of the user who has just joined names another lesson", LESSON_STORE_OK);
    expect_answer(reported, "quit through the other store, in a callback",
                  lesson_store_quit(reported->other, uid, NULL, NULL, NULL), LESSON_STORE_OK);
    expect_answer(reported, "where of the user who has just quit, in a callback",
                  lesson_store_where(reported->other, uid, NULL), LESSON_STORE_NOT_FOUND);
}

/* Entries that were added meanwhile may be listed or not, so only the original ones are counted. */
static bool hear(struct reported *reported, lesson_store_id id) {
    char text[LESSON_STORE_ID_MAX + 1];
    lesson_store_id_copy(text, id);
    if (strncmp(text, reported->prefix, strlen(reported->prefix)) != 0)
        return true;
    unsigned long item = strtoul(text + strlen(reported->prefix), NULL, 10);
    if (item >= ITEMS)
        return true;
    reported->times_heard[item]++;
    if (reported->writes < WRITING) {
        reported->writes++;
        write_and_read(reported, (unsigned)item);
    }
    return true;
}

static bool hear_member(const lesson_store_id *uid, void *context) {
    return hear(context, *uid);
}

static bool hear_lesson(const lesson_store_lesson *lesson, void *context) {
    return hear(context, lesson->lesson_id);
}

static bool hear_user(const lesson_store_user *user, void *context) {
    return hear(context, user->uid);
}

static int begin_members(lesson_store *store, struct reported *reported) {
    return lesson_store_members(store, "lesson 0", hear_member, reported);
}

static int begin_lessons(lesson_store *store, struct reported *reported) {
    return lesson_store_lessons(store, hear_lesson, reported);
}

static int begin_users(lesson_store *store, struct reported *reported) {
    return lesson_store_users(store, hear_user, reported);
}

static void expect_all_heard(struct reported *reported) {
    for (size_t i = 0; i < ITEMS && !*reported->failure; i++) {
        if (reported->times_heard[i] != 1)
            snprintf(reported->failure, sizeof reported->failure, "item %zu was there and is listed %u times", i,
                     reported->times_heard[i]);
    }
}

/* ---- In the child */

/* cmocka's handlers would return into its loop. The alarm must have its default effect. */
static void be_a_plain_process(unsigned patience_s) {
    static const int signals[] = {SIGALRM, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGSYS};
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
        signal(signals[i], SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    alarm(patience_s);
}

static void stream_and_write(struct fixture *fixture, int (*begin)(lesson_store *store, struct reported *reported),
                             struct reported *reported) {
    const lesson_store_conformance_backend *backend = fixture->backend;
    lesson_store *store = NULL;
    int code = backend->open(&store, backend->context);
    expect_answer(reported, "open", code, LESSON_STORE_OK);
    if (!code)
        expect_answer(reported, "open of a second store", backend->open(&reported->other, backend->context),
                      LESSON_STORE_OK);
    if (!*reported->failure)
        expect_answer(reported, "the batch", lesson_store_batch(store, fixture->operations, ITEMS), LESSON_STORE_OK);
    if (!*reported->failure) {
        expect_answer(reported, "the stream", begin(store, reported), LESSON_STORE_OK);
        expect_all_heard(reported);
    }
    lesson_store_close(reported->other);
    lesson_store_close(store);
}

/* ---- In the parent */

static void call_another(struct fixture *fixture, uint32_t call, const char *prefix, size_t lessons,
                         int (*begin)(lesson_store *store, struct reported *reported)) {
    need_calls(fixture, call);
    need_operation(fixture, LESSON_STORE_OPERATION_JOIN);
    need_operation(fixture, LESSON_STORE_OPERATION_QUIT);
    need_operation(fixture, LESSON_STORE_OPERATION_WHERE);
    unsigned patience_s = fixture->backend->patience_s ? fixture->backend->patience_s : PATIENCE_S;
    make_joins(fixture, ITEMS, lessons);
    fixture_close(fixture);
    fflush(NULL);
    pid_t child = fork();
    if (child < 0)
        fail_test(fixture, "no child process can be started");
    if (child == 0) {
        be_a_plain_process(patience_s);
        struct reported reported = {.prefix = prefix, .lessons = lessons};
        stream_and_write(fixture, begin, &reported);
        if (*reported.failure)
            fprintf(stderr, "  %s\n", reported.failure);
        _exit(*reported.failure != '\0');
    }
    int status = 0;
    while (waitpid(child, &status, 0) < 0)
        ;
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
        fail_test(fixture, "a callback that calls another store on the same data has hung for %u s", patience_s);
    if (WIFSIGNALED(status))
        fail_test(fixture, "signal %d ended the process that called another store in a callback", WTERMSIG(status));
    expect_number(fixture, "exit status of the child process (its failure is the line above)",
                  (uint64_t)WEXITSTATUS(status), 0);
}

static void members_call_another(struct fixture *fixture) {
    call_another(fixture, LESSON_STORE_CALL_MEMBERS, "user ", 1, begin_members);
}

static void lessons_call_another(struct fixture *fixture) {
    call_another(fixture, LESSON_STORE_CALL_LESSONS, "lesson ", ITEMS, begin_lessons);
}

static void users_call_another(struct fixture *fixture) {
    call_another(fixture, LESSON_STORE_CALL_USERS, "user ", 1, begin_users);
}

static const struct test tests[] = {
    {.name = "STREAM-3 a callback of members uses another store on the same data",
     .function = members_call_another,
     .modes = IN_MODE(TWO_STORES)},
    {.name = "STREAM-3 a callback of lessons uses another store on the same data",
     .function = lessons_call_another,
     .modes = IN_MODE(TWO_STORES)},
    {.name = "STREAM-3 a callback of users uses another store on the same data",
     .function = users_call_another,
     .modes = IN_MODE(TWO_STORES)},
};

const test_list callback_tests = TEST_LIST(tests);
