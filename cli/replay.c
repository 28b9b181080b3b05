/* replay: applies a trace in the order of its lines. */
#include <inttypes.h>
#include <stdlib.h>

#include "batch.h"
#include "progress.h"
#include "trace.h"

#define DEFAULT_BATCH 1000

struct summary {
    uint64_t created;
    uint64_t existed;
    uint64_t joined;
    uint64_t moved;
    uint64_t already_there;
    uint64_t quit;
    uint64_t quit_absent;
    uint64_t quit_elsewhere;
    uint64_t ended;
    uint64_t put_out;
    uint64_t ended_unknown;
};

struct replay {
    struct call *call;
    struct input input;
    struct batch batch;
    struct progress progress;
    struct summary summary;
    char (*lines)[TRACE_LINE_SIZE]; /* one for each operation of a batch, which borrows its ids from there */
    int64_t until_ms;
    bool unfenced;
};

static void count_join(struct summary *summary, uint32_t arrival) {
    summary->joined += arrival == LESSON_STORE_ARRIVAL_NEW;
    summary->moved += arrival == LESSON_STORE_ARRIVAL_MOVED;
    summary->already_there += arrival == LESSON_STORE_ARRIVAL_ALREADY_THERE;
}

static void count_answer(const lesson_store_operation *operation, void *context) {
    struct summary *summary = context;
    switch (operation->kind) {
    case LESSON_STORE_OPERATION_CREATE:
        summary->created += operation->code == LESSON_STORE_OK;
        summary->existed += operation->code == LESSON_STORE_EXISTS;
        break;
    case LESSON_STORE_OPERATION_JOIN:
        count_join(summary, operation->arrival);
        break;
    case LESSON_STORE_OPERATION_QUIT:
        summary->quit += operation->code == LESSON_STORE_OK;
        summary->quit_absent += operation->code == LESSON_STORE_NOT_FOUND;
        summary->quit_elsewhere += operation->code == LESSON_STORE_CONFLICT;
        break;
    case LESSON_STORE_OPERATION_END:
        summary->ended += operation->code == LESSON_STORE_OK;
        summary->ended_unknown += operation->code == LESSON_STORE_NOT_FOUND;
        summary->put_out += operation->code == LESSON_STORE_OK ? operation->count : 0;
        break;
    default:
        break;
    }
}

static void print_summary(struct call *call, const struct summary *summary) {
    uint64_t events = summary->created + summary->existed + summary->joined + summary->moved + summary->already_there +
                      summary->quit + summary->quit_absent + summary->quit_elsewhere + summary->ended +
                      summary->ended_unknown;
    struct field facts[] = {field_number("events", events),
                            field_number("created", summary->created),
                            field_number("existed", summary->existed),
                            field_number("joined", summary->joined),
                            field_number("moved", summary->moved),
                            field_number("already_there", summary->already_there),
                            field_number("quit", summary->quit),
                            field_number("quit_absent", summary->quit_absent),
                            field_number("quit_elsewhere", summary->quit_elsewhere),
                            field_number("ended", summary->ended),
                            field_number("put_out", summary->put_out),
                            field_number("ended_unknown", summary->ended_unknown)};
    output_facts(&call->output, facts, sizeof facts / sizeof *facts);
}

static void add_event(struct replay *replay, const struct trace_line *line) {
    static const lesson_store_operation_kind kinds[] = {[TRACE_CREATE] = LESSON_STORE_OPERATION_CREATE,
                                                        [TRACE_JOIN] = LESSON_STORE_OPERATION_JOIN,
                                                        [TRACE_QUIT] = LESSON_STORE_OPERATION_QUIT,
                                                        [TRACE_END] = LESSON_STORE_OPERATION_END};
    lesson_store_operation *operation = batch_add(&replay->batch, kinds[line->event], replay->input.line_number);
    bool anywhere = line->event == TRACE_QUIT && replay->unfenced;
    if (!anywhere)
        operation->lesson_id = line->lesson_id;
    if (line->event == TRACE_JOIN)
        operation->course_id = line->course_id;
    if (line->event == TRACE_JOIN || line->event == TRACE_QUIT)
        operation->uid = line->uid;
}

static int run_batch(struct replay *replay) {
    if (replay->batch.count == 0)
        return EXIT_YES;
    int status = batch_run(&replay->batch, replay->call, &replay->input, count_answer, &replay->summary);
    progress_update(&replay->progress, input_done(&replay->input), replay->input.line_number);
    return status;
}

/* Takes the next line into the batch, unless its time is too late. *more becomes false after the last line. */
static int take_line(struct replay *replay, bool *more) {
    char *text = replay->lines[replay->batch.count];
    size_t size;
    int status;
    *more = input_line(&replay->input, replay->call, text, TRACE_LINE_SIZE, &size, &status) == LINE_READ;
    if (!*more)
        return status;
    struct trace_line line;
    struct fault fault;
    if (!trace_parse(&line, text, size, &fault))
        return input_malformed(&replay->input, replay->call, &fault);
    if (line.unix_ms <= replay->until_ms)
        add_event(replay, &line);
    return EXIT_YES;
}

/* Lines before a malformed one are applied; lines after it are not. */
static int replay_all(struct replay *replay) {
    int status = EXIT_YES;
    for (bool more = true; more && !status;) {
        int line_status = take_line(replay, &more);
        if (!more || line_status || replay->batch.count == replay->batch.capacity)
            status = run_batch(replay);
        status = status ? status : line_status;
    }
    return status;
}

static int replay_file(struct replay *replay, size_t batch_size) {
    replay->lines = calloc(batch_size, sizeof *replay->lines);
    int status;
    if (batch_begin(&replay->batch, batch_size) && replay->lines) {
        progress_begin(&replay->progress, NULL, "events", replay->input.size);
        status = replay_all(replay);
        progress_end(&replay->progress);
        print_summary(replay->call, &replay->summary);
    } else {
        status = complain_of(replay->call, LESSON_STORE_NO_MEMORY, "no memory for batches of %zu", batch_size);
    }
    batch_end(&replay->batch);
    free(replay->lines);
    return status;
}

int command_replay(struct call *call) {
    struct replay replay = {.call = call, .until_ms = INT64_MAX, .unfenced = option_given(call, OPTION_UNFENCED)};
    int64_t batch_size = DEFAULT_BATCH;
    if (!option_number(call, OPTION_BATCH, "batch", 1, LESSON_STORE_BATCH_MAX, &batch_size) ||
        !option_number(call, OPTION_UNTIL, "until", 0, INT64_MAX, &replay.until_ms))
        return EXIT_USAGE;
    int status = input_open(&replay.input, call, call->arguments[0]);
    if (status)
        return status;
    pass_warnings(call);
    status = replay_file(&replay, (size_t)batch_size);
    input_close(&replay.input);
    return status;
}
