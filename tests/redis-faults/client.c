#include "client.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { BATCH_MAX = 1100, ENDED_WRONGLY = 3 };

/* The report is a sequence of these: the calls, then in another piece the code and the answers. */
struct asked {
    size_t count;
    model_call calls[BATCH_MAX];
};

struct heard {
    int code;
    model_answer answers[BATCH_MAX];
};

/* ---- The client */

static void report(int fd, const void *bytes, size_t size) {
    for (const char *next = bytes; size > 0;) {
        ssize_t written = write(fd, next, size);
        if (written < 0 && errno != EINTR)
            _exit(ENDED_WRONGLY);
        next += written > 0 ? written : 0;
        size -= written > 0 ? (size_t)written : 0;
    }
}

static void run_batch(lesson_store *store, int fd, const struct asked *asked) {
    static struct heard heard;
    report(fd, asked, offsetof(struct asked, calls) + asked->count * sizeof *asked->calls);
    heard.code = bench_ask(store, asked->calls, heard.answers, asked->count);
    report(fd, &heard, offsetof(struct heard, answers) + asked->count * sizeof *heard.answers);
}

static bool ignore_member(const lesson_store_id *uid, void *context) {
    (void)uid, (void)context;
    return true;
}

static void read_or_repair(lesson_store *store, dice_state *dice) {
    uint64_t found = 0;
    const char *lesson = awkward_vocabulary.lessons[dice_below(dice, MODEL_LESSONS)];
    int code = dice_once_in(dice, 2) ? lesson_store_check(store, LESSON_STORE_CHECK_REPAIR, NULL, NULL, &found, NULL)
                                     : lesson_store_members(store, lesson, ignore_member, NULL);
    if (code || found)
        _exit(ENDED_WRONGLY);
}

static void work(const lesson_store_backend *backend, const char *location, int fd, uint64_t seed) {
    static struct asked asked;
    dice_state dice = {seed};
    lesson_store *store;
    int code = backend ? lesson_store_open_with(&store, backend, location) : lesson_store_open(&store, location);
    if (code)
        _exit(ENDED_WRONGLY);
    for (;;) {
        size_t most = backend ? 6 : dice_once_in(&dice, 4) ? BATCH_MAX : dice_once_in(&dice, 3) ? 256 : 6;
        asked.count = bench_draw(&dice, asked.calls, most, 0);
        run_batch(store, fd, &asked);
        if (!backend && dice_once_in(&dice, 6))
            read_or_repair(store, &dice);
    }
}

pid_t client_fork(void) {
    pid_t parent = getpid(), pid = fork();
    if (pid != 0)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(ENDED_WRONGLY);
    return 0;
}

void client_start(client_process *client, const lesson_store_backend *backend, const char *location, uint64_t seed) {
    int ends[2];
    *client = (client_process){.report = -1};
    assert_int_equal(pipe(ends), 0);
    client->pid = client_fork();
    assert_true(client->pid >= 0);
    if (client->pid == 0) {
        close(ends[0]);
        work(backend, location, ends[1], seed);
    }
    close(ends[1]);
    client->report = ends[0];
}

/* ---- Its report */

/* Reads the next batch of the report, from `*at` on. False if it is incomplete; `*heard` is NULL if its answers are
 * missing. The report is copied, because its pieces are not aligned. */
static bool next_batch(const client_process *client, size_t *at, struct asked *asked, struct heard *heard,
                       bool *is_heard) {
    size_t left = client->size - *at, size = offsetof(struct asked, calls);
    if (left < size)
        return false;
    memcpy(asked, client->bytes + *at, size);
    size += asked->count * sizeof *asked->calls;
    if (left < size)
        return false;
    memcpy(asked, client->bytes + *at, size);
    size_t answer_size = offsetof(struct heard, answers) + asked->count * sizeof *heard->answers;
    *is_heard = left - size >= answer_size;
    if (*is_heard)
        memcpy(heard, client->bytes + *at + size, answer_size);
    *at += size + (*is_heard ? answer_size : left - size);
    return true;
}

static void count_batches(client_process *client) {
    static struct asked asked;
    static struct heard heard;
    bool is_heard = true;
    client->batches = client->operations = 0;
    for (size_t at = 0; is_heard && next_batch(client, &at, &asked, &heard, &is_heard);) {
        client->batches += is_heard;
        client->operations += is_heard ? asked.count : 0;
    }
}

/* False at its end. */
static bool read_some(client_process *client) {
    enum { PIECE = 1 << 16 };
    if (client->capacity - client->size < PIECE) {
        client->capacity = 2 * client->capacity + PIECE;
        client->bytes = realloc(client->bytes, client->capacity);
        assert_non_null(client->bytes);
    }
    ssize_t size;
    do
        size = read(client->report, client->bytes + client->size, PIECE);
    while (size < 0 && errno == EINTR);
    client->size += size > 0 ? (size_t)size : 0;
    return size > 0;
}

void client_wait(client_process *client, size_t batches) {
    while (client->batches < batches && read_some(client))
        count_batches(client);
}

bool client_kill(client_process *client) {
    int status = 0;
    kill(client->pid, SIGKILL);
    while (read_some(client))
        ;
    assert_int_equal(waitpid(client->pid, &status, 0), client->pid);
    count_batches(client);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

bool client_judge(const client_process *client, judge_case *judge) {
    static struct asked asked;
    static struct heard heard;
    bool is_heard = true, fits = true;
    for (size_t at = 0; fits && next_batch(client, &at, &asked, &heard, &is_heard);)
        fits = is_heard ? judge_batch(judge, &judge_nothing_fails, asked.calls, heard.answers, asked.count, heard.code)
                        : judge_batch_unheard(judge, asked.calls, asked.count);
    return fits;
}

void client_free(client_process *client) {
    close(client->report);
    free(client->bytes);
}
