/* The executor: pages of lists, which wait, expire, are cancelled and taken back, before a backend that does as told.
 */
#include <stdatomic.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gate.h"

/* Records the pages of one list. */
struct reader {
    size_t calls;
    int code;
    size_t count;
    bool has_users;
    char message[LESSON_STORE_MESSAGE_SIZE];
    char uids[512]; /* "u0 u1 ..." of all pages */
    lesson_store_cursor *cursor;
};

static void see_page(const lesson_store_page *page, void *context) {
    struct reader *reader = context;
    pthread_mutex_lock(&the_gate.mutex);
    reader->calls++;
    reader->code = page->code;
    reader->count = page->count;
    reader->has_users = page->users != NULL;
    snprintf(reader->message, sizeof reader->message, "%s", page->message);
    for (size_t i = 0; i < page->count; i++) {
        size_t used = strlen(reader->uids);
        snprintf(reader->uids + used, sizeof reader->uids - used, "%.*s ", (int)page->users[i].uid.size,
                 page->users[i].uid.data);
    }
    assert_null(page->uids);
    assert_null(page->lessons);
    assert_int_equal(page->kind, LESSON_STORE_LIST_USERS);
    pthread_cond_broadcast(&the_gate.changed);
    pthread_mutex_unlock(&the_gate.mutex);
}

static void wait_for_calls(const struct reader *reader, size_t calls) {
    pthread_mutex_lock(&the_gate.mutex);
    while (reader->calls < calls)
        pthread_cond_wait(&the_gate.changed, &the_gate.mutex);
    pthread_mutex_unlock(&the_gate.mutex);
}

static int ask(struct gated *gated, struct reader *reader, size_t most, int64_t timeout_ms,
               lesson_store_completion_queue *queue, uint64_t *ticket) {
    const lesson_store_list list = {.kind = LESSON_STORE_LIST_USERS, .most = most};
    return lesson_store_executor_submit_page(gated->executor, &list, &reader->cursor, timeout_ms, queue, see_page,
                                             reader, ticket);
}

static void read_page(struct gated *gated, struct reader *reader, size_t most) {
    size_t calls = reader->calls;
    assert_int_equal(ask(gated, reader, most, 0, NULL, NULL), LESSON_STORE_OK);
    wait_for_calls(reader, calls + 1);
}

static void close_all(struct gated *gated, struct reader *reader) {
    gated_close(gated);
    lesson_store_cursor_close(reader->cursor);
}

static void pages_follow_one_another_to_the_end(void **state) {
    (void)state;
    struct gated gated = gated_open(1, 8, 8);
    struct reader reader = {0};
    read_page(&gated, &reader, 4);
    assert_int_equal(reader.count, 4);
    read_page(&gated, &reader, 6);
    assert_int_equal(reader.count, 6);
    assert_string_equal(reader.uids, "u0 u1 u2 u3 u4 u5 u6 u7 u8 u9 ");
    for (int i = 0; i < 2; i++) {
        read_page(&gated, &reader, 1);
        assert_int_equal(reader.code, LESSON_STORE_OK);
        assert_int_equal(reader.count, 0);
        assert_false(reader.has_users);
    }
    assert_int_equal(gate_figures(gated.executor).pages, 4);
    assert_int_equal(gate_figures(gated.executor).batches, 0);
    close_all(&gated, &reader);
}

/* The cursor keeps what the backend gives besides what it was asked for. Then the engine is not asked. */
static void what_does_not_fit_comes_with_the_next_page(void **state) {
    (void)state;
    struct gated gated = gated_open(1, 8, 8);
    struct reader reader = {0};
    the_gate.extra = 3;
    for (int i = 0; i < 4; i++) {
        read_page(&gated, &reader, 1);
        assert_int_equal(reader.count, 1);
    }
    assert_int_equal(the_gate.pages, 1);
    assert_string_equal(reader.uids, "u0 u1 u2 u3 ");
    close_all(&gated, &reader);
}

static void a_wrong_page_is_not_accepted(void **state) {
    (void)state;
    struct gated gated = gated_open(1, 8, 8), other = gated_open(1, 8, 8);
    struct reader reader = {0}, direct = {0};
    lesson_store_completion_queue *queue;
    lesson_store_list list = {.kind = LESSON_STORE_LIST_USERS, .most = 1};
    lesson_store_cursor **cursor = &reader.cursor;
    lesson_store_executor *executor = gated.executor;
    const lesson_store_user *users;
    size_t count;
    assert_int_equal(lesson_store_executor_add_queue(&queue, other.executor), LESSON_STORE_OK);
#define SUBMIT(executor, list, cursor, timeout_ms, queue, callback) \
    lesson_store_executor_submit_page(executor, list, cursor, timeout_ms, queue, callback, &reader, NULL)
    assert_int_equal(SUBMIT(NULL, &list, cursor, 0, NULL, see_page), LESSON_STORE_INVALID);
    assert_int_equal(SUBMIT(executor, NULL, cursor, 0, NULL, see_page), LESSON_STORE_INVALID);
    assert_int_equal(SUBMIT(executor, &list, NULL, 0, NULL, see_page), LESSON_STORE_INVALID);
    assert_int_equal(SUBMIT(executor, &list, cursor, 0, NULL, NULL), LESSON_STORE_INVALID);
    assert_int_equal(SUBMIT(executor, &list, cursor, -1, NULL, see_page), LESSON_STORE_INVALID);
    assert_int_equal(SUBMIT(executor, &list, cursor, 0, queue, see_page), LESSON_STORE_INVALID);
    list.lesson_id = lesson_store_id_of("l");
    assert_int_equal(SUBMIT(executor, &list, cursor, 0, NULL, see_page), LESSON_STORE_INVALID);
    list.kind = LESSON_STORE_LIST_MEMBERS; /* which this backend does not have */
    assert_int_equal(SUBMIT(executor, &list, cursor, 0, NULL, see_page), LESSON_STORE_UNSUPPORTED);
    list.lesson_id = lesson_store_id_of("");
    assert_int_equal(SUBMIT(executor, &list, cursor, 0, NULL, see_page), LESSON_STORE_INVALID);
    for (uint32_t kind = 0; kind <= 4; kind += 4) {
        list = (lesson_store_list){.kind = kind, .most = 1};
        assert_int_equal(SUBMIT(executor, &list, cursor, 0, NULL, see_page), LESSON_STORE_INVALID);
    }
    for (size_t most = 0; most <= LESSON_STORE_PAGE_MAX + 1; most += LESSON_STORE_PAGE_MAX + 1)
        assert_int_equal(ask(&gated, &reader, most, 0, NULL, NULL), LESSON_STORE_INVALID);
    list = (lesson_store_list){.kind = LESSON_STORE_LIST_USERS, .most = 1};
    list.filter.given = LESSON_STORE_GIVEN_CHAT_STATUS;
    assert_int_equal(SUBMIT(executor, &list, cursor, 0, NULL, see_page), LESSON_STORE_INVALID);
    list.kind = LESSON_STORE_LIST_LESSONS; /* with a filter, which this backend does not have */
    assert_int_equal(SUBMIT(executor, &list, cursor, 0, NULL, see_page), LESSON_STORE_UNSUPPORTED);
    list.filter.chat_status = 2;
    assert_int_equal(SUBMIT(executor, &list, cursor, 0, NULL, see_page), LESSON_STORE_INVALID);
    list = (lesson_store_list){.kind = LESSON_STORE_LIST_USERS, .most = 1, .reserved = {1}};
    assert_int_equal(SUBMIT(executor, &list, cursor, 0, NULL, see_page), LESSON_STORE_INVALID);
    list = (lesson_store_list){.kind = LESSON_STORE_LIST_USERS, .most = 1, .reserved_kind = 1};
    assert_int_equal(SUBMIT(executor, &list, cursor, 0, NULL, see_page), LESSON_STORE_INVALID);
    assert_null(reader.cursor);

    /* A cursor belongs to the calls, and to the executor, that it began with. */
    read_page(&gated, &reader, 1);
    assert_int_equal(ask(&other, &reader, 1, 0, NULL, NULL), LESSON_STORE_INVALID);
    assert_int_equal(lesson_store_users_page(gated.store, 1, &reader.cursor, &users, &count), LESSON_STORE_INVALID);
    assert_int_equal(lesson_store_users_page(gated.store, 1, &direct.cursor, &users, &count), LESSON_STORE_OK);
    assert_int_equal(ask(&gated, &direct, 1, 0, NULL, NULL), LESSON_STORE_INVALID);
    assert_int_equal(reader.calls, 1);
    lesson_store_cursor_close(direct.cursor);
    gated_close(&other);
    close_all(&gated, &reader);
}

/* Occupies the lane of a shut gate. */
static void occupy(struct gated *gated, struct witness *witness) {
    lesson_store_operation join = gate_join("first", "l");
    gate_shut();
    gate_submit(gated->executor, &join, 0, NULL, witness);
    gate_wait_inside(1);
}

static void drain_until_called(lesson_store_completion_queue *queue, struct reader *reader, size_t calls) {
    while (queue && lesson_store_completion_queue_drain(queue, 0) == 0)
        ;
    wait_for_calls(reader, calls);
}

static void what_waits_is_cancelled_or_expires(void **state) {
    (void)state;
    for (int queued = 0; queued < 2; queued++) {
        struct gated gated = gated_open(1, 8, 8);
        struct witness first = {0};
        struct reader reader = {0};
        lesson_store_completion_queue *queue = NULL;
        uint64_t ticket = 0;
        if (queued)
            assert_int_equal(lesson_store_executor_add_queue(&queue, gated.executor), LESSON_STORE_OK);
        occupy(&gated, &first);
        assert_int_equal(ask(&gated, &reader, 2, 0, queue, &ticket), LESSON_STORE_OK);
        assert_int_equal(ask(&gated, &reader, 2, 0, queue, NULL), LESSON_STORE_INVALID);
        assert_int_equal(lesson_store_executor_cancel(gated.executor, ticket), LESSON_STORE_OK);
        assert_int_equal(lesson_store_executor_cancel(gated.executor, ticket), LESSON_STORE_NOT_FOUND);
        drain_until_called(queue, &reader, 1);
        assert_int_equal(reader.code, LESSON_STORE_CANCELLED);
        assert_non_null(strstr(reader.message, "cancelled"));

        assert_int_equal(ask(&gated, &reader, 2, 2, queue, NULL), LESSON_STORE_OK);
        drain_until_called(queue, &reader, 2);
        assert_int_equal(reader.code, LESSON_STORE_EXPIRED);
        assert_non_null(strstr(reader.message, "before it had begun"));
        assert_int_equal(the_gate.pages, 0);

        gate_open();
        assert_int_equal(ask(&gated, &reader, 2, 10000, queue, &ticket), LESSON_STORE_OK);
        drain_until_called(queue, &reader, 3);
        assert_int_equal(reader.code, LESSON_STORE_OK);
        assert_string_equal(reader.uids, "u0 u1 ");
        assert_int_equal(lesson_store_executor_cancel(gated.executor, ticket), LESSON_STORE_NOT_FOUND);
        close_all(&gated, &reader);
        assert_int_equal(reader.calls, 3);
    }
}

static size_t gate_inside(void) {
    pthread_mutex_lock(&the_gate.mutex);
    size_t inside = the_gate.inside;
    pthread_mutex_unlock(&the_gate.mutex);
    return inside;
}

/* Asks until a page has timed out while it ran. On a busy machine it may time out before it begins. */
static void outrun(struct gated *gated, struct reader *reader, lesson_store_completion_queue *queue) {
    gate_shut();
    for (int64_t timeout_ms = 20; gate_inside() == 0; timeout_ms *= 2) {
        size_t calls = reader->calls;
        assert_int_equal(ask(gated, reader, 2, timeout_ms, queue, NULL), LESSON_STORE_OK);
        drain_until_called(queue, reader, calls + 1);
        assert_int_equal(reader->code, LESSON_STORE_EXPIRED);
    }
}

/* The page that came too late is not lost: the next one has its entries. */
static void what_runs_too_long_is_given_with_the_next_page(void **state) {
    (void)state;
    for (int queued = 0; queued < 2; queued++) {
        struct gated gated = gated_open(1, 8, 8);
        struct reader reader = {0};
        lesson_store_completion_queue *queue = NULL;
        if (queued)
            assert_int_equal(lesson_store_executor_add_queue(&queue, gated.executor), LESSON_STORE_OK);
        the_gate.users = 3;
        the_gate.page_code = LESSON_STORE_MALFORMED;
        for (int i = 0; i < 3; i++) {
            if (i < 2) /* the page of the end is ready */
                outrun(&gated, &reader, queue);
            size_t calls = reader.calls;
            assert_int_equal(ask(&gated, &reader, 2, 0, queue, NULL), LESSON_STORE_OK);
            gate_open();
            drain_until_called(queue, &reader, calls + 1);
        }
        assert_string_equal(reader.uids, "u0 u1 u2 ");
        assert_int_equal(reader.code, LESSON_STORE_MALFORMED);
        assert_non_null(strstr(reader.message, "the gate fails"));
        close_all(&gated, &reader);
    }
}

/* The page of the end comes too late, and with it the report of damage. The next page has the report, once. */
static void a_late_report_of_damage_is_given_with_the_next_page(void **state) {
    (void)state;
    struct gated gated = gated_open(1, 8, 8);
    struct reader reader = {0};
    the_gate.users = 0;
    the_gate.page_code = LESSON_STORE_MALFORMED;
    outrun(&gated, &reader, NULL);
    gate_open();
    read_page(&gated, &reader, 2);
    assert_int_equal(reader.code, LESSON_STORE_MALFORMED);
    assert_non_null(strstr(reader.message, "the gate fails"));
    read_page(&gated, &reader, 2);
    assert_int_equal(reader.code, LESSON_STORE_OK);
    assert_int_equal(reader.count, 0);
    close_all(&gated, &reader);
}

/* The lane still fills the cursor when its caller closes it. */
static void a_cursor_is_closed_while_its_page_runs(void **state) {
    (void)state;
    struct gated gated = gated_open(1, 2, 8);
    struct reader reader = {0}, pending = {0}, waiting = {0};
    uint64_t ticket;
    outrun(&gated, &reader, NULL);
    lesson_store_cursor_close(reader.cursor);
    assert_int_equal(ask(&gated, &pending, 2, 0, NULL, NULL), LESSON_STORE_OK);
    lesson_store_cursor_close(pending.cursor);
    while (ask(&gated, &waiting, 2, 0, NULL, &ticket) == LESSON_STORE_OVERLOADED)
        ; /* the callback was called, but has not returned */
    lesson_store_cursor_close(waiting.cursor);
    assert_int_equal(lesson_store_executor_cancel(gated.executor, ticket), LESSON_STORE_OK);
    gate_open();
    wait_for_calls(&pending, 1);
    wait_for_calls(&waiting, 1);
    assert_string_equal(pending.uids, "u0 u1 ");
    assert_int_equal(waiting.code, LESSON_STORE_CANCELLED);
    gated_close(&gated);
}

static void a_failure_is_told_and_the_list_goes_on(void **state) {
    (void)state;
    struct gated gated = gated_open(1, 8, 8);
    struct reader reader = {0};
    read_page(&gated, &reader, 2);
    the_gate.page_code = LESSON_STORE_UNREACHABLE;
    read_page(&gated, &reader, 2);
    assert_int_equal(reader.code, LESSON_STORE_UNREACHABLE);
    assert_int_equal(reader.count, 0);
    assert_non_null(strstr(reader.message, "the gate fails"));
    the_gate.page_code = LESSON_STORE_OK;
    read_page(&gated, &reader, 2);
    assert_string_equal(reader.uids, "u0 u1 u2 u3 ");
    close_all(&gated, &reader);
}

/* An operation that comes while pages wait is run after one of them, and after one look of a page without entries. */
static void operations_and_pages_take_turns(void **state) {
    (void)state;
    struct gated gated = gated_open(1, 8, 1);
    struct witness first = {0}, other = {0};
    struct reader readers[3] = {{0}, {0}, {0}};
    the_gate.empty_pages = 5;
    occupy(&gated, &first);
    for (int i = 0; i < 3; i++)
        assert_int_equal(ask(&gated, &readers[i], 3, 0, NULL, NULL), LESSON_STORE_OK);
    lesson_store_operation where = gate_where("other");
    gate_submit(gated.executor, &where, 0, NULL, &other);
    gate_open();
    for (int i = 0; i < 3; i++) {
        wait_for_calls(&readers[i], 1);
        assert_string_equal(readers[i].uids, "u0 u1 u2 ");
    }
    assert_int_equal(the_gate.pages, 3 * 6);
    assert_int_equal(gate_figures(gated.executor).pages, 3);
    gated_close(&gated);
    for (int i = 0; i < 3; i++)
        lesson_store_cursor_close(readers[i].cursor);
    assert_int_equal(other.code, LESSON_STORE_OK);
    assert_int_equal(the_gate.pages_before[1], 1);
}

static void a_page_that_waits_again_can_be_cancelled_and_expires(void **state) {
    (void)state;
    struct gated gated = gated_open(1, 8, 1);
    struct reader reader = {0};
    uint64_t ticket;
    the_gate.empty_pages = UINT64_MAX;
    assert_int_equal(ask(&gated, &reader, 3, 0, NULL, &ticket), LESSON_STORE_OK);
    while (lesson_store_executor_cancel(gated.executor, ticket) == LESSON_STORE_NOT_FOUND)
        ;
    wait_for_calls(&reader, 1);
    assert_int_equal(reader.code, LESSON_STORE_CANCELLED);
    assert_int_equal(ask(&gated, &reader, 3, 10, NULL, NULL), LESSON_STORE_OK);
    wait_for_calls(&reader, 2);
    assert_int_equal(reader.code, LESSON_STORE_EXPIRED);
    close_all(&gated, &reader);
}

static void pages_are_pending_like_operations(void **state) {
    (void)state;
    struct gated gated = gated_open(1, 2, 8);
    struct witness first = {0};
    struct reader reader = {0}, refused = {0};
    occupy(&gated, &first);
    assert_int_equal(ask(&gated, &reader, 2, 0, NULL, NULL), LESSON_STORE_OK);
    assert_int_equal(ask(&gated, &refused, 2, 0, NULL, NULL), LESSON_STORE_OVERLOADED);
    assert_null(refused.cursor);
    assert_int_equal(gate_figures(gated.executor).pending, 2);
    assert_int_equal(gate_figures(gated.executor).overloaded, 1);
    gate_open();
    assert_int_equal(lesson_store_executor_stop(gated.executor, 0), LESSON_STORE_OK);
    assert_string_equal(reader.uids, "u0 u1 ");
    assert_int_equal(ask(&gated, &reader, 2, 0, NULL, NULL), LESSON_STORE_CLOSED);
    assert_int_equal(ask(&gated, &refused, 2, 0, NULL, NULL), LESSON_STORE_CLOSED);
    assert_null(refused.cursor);
    assert_int_equal(gate_figures(gated.executor).completed, 2);
    close_all(&gated, &reader);
}

static void *open_the_gate(void *context) {
    gate_open();
    return context;
}

static void a_stop_cancels_pages_too(void **state) {
    (void)state;
    struct gated gated = gated_open(1, 8, 8);
    struct reader readers[2] = {{0}, {0}};
    gate_shut();
    assert_int_equal(ask(&gated, &readers[0], 2, 0, NULL, NULL), LESSON_STORE_OK);
    gate_wait_inside(1);
    assert_int_equal(ask(&gated, &readers[1], 2, 0, NULL, NULL), LESSON_STORE_OK);
    pthread_t opener;
    assert_int_equal(pthread_create(&opener, NULL, open_the_gate, NULL), 0);
    assert_int_equal(lesson_store_executor_stop(gated.executor, LESSON_STORE_STOP_CANCEL), LESSON_STORE_OK);
    pthread_join(opener, NULL);
    assert_string_equal(readers[0].uids, "u0 u1 ");
    assert_int_equal(readers[1].calls, 1);
    lesson_store_cursor_close(readers[1].cursor);
    close_all(&gated, &readers[0]);
}

/* The gate opens only when the stop has cancelled what waits: `context` is the reader of that. */
static void *open_when_cancelled(void *context) {
    wait_for_calls(context, 1);
    gate_open();
    return NULL;
}

/* The page has begun when it is stopped, and gives nothing: it would wait again, and again. */
static void a_stop_cancels_a_page_that_would_wait_again(void **state) {
    (void)state;
    for (int queued = 0; queued < 2; queued++) {
        struct gated gated = gated_open(1, 8, 8);
        struct reader begun = {0}, waiting = {0};
        lesson_store_completion_queue *queue = NULL;
        pthread_t opener;
        if (queued)
            assert_int_equal(lesson_store_executor_add_queue(&queue, gated.executor), LESSON_STORE_OK);
        the_gate.empty_pages = 100;
        gate_shut();
        assert_int_equal(ask(&gated, &begun, 2, 0, queue, NULL), LESSON_STORE_OK);
        gate_wait_inside(1);
        assert_int_equal(ask(&gated, &waiting, 2, 0, NULL, NULL), LESSON_STORE_OK);
        assert_int_equal(pthread_create(&opener, NULL, open_when_cancelled, &waiting), 0);
        assert_int_equal(lesson_store_executor_stop(gated.executor, LESSON_STORE_STOP_CANCEL), LESSON_STORE_OK);
        pthread_join(opener, NULL);
        drain_until_called(queue, &begun, 1);
        assert_int_equal(begun.code, LESSON_STORE_CANCELLED);
        assert_int_equal(waiting.code, LESSON_STORE_CANCELLED);
        assert_int_equal(the_gate.pages, 1);
        assert_int_equal(gate_figures(gated.executor).cancelled, 2);
        assert_int_equal(gate_figures(gated.executor).pages, 0);
        assert_int_equal(gate_figures(gated.executor).completed, 2);
        lesson_store_cursor_close(waiting.cursor);
        close_all(&gated, &begun);
    }
}

/* Reads a list to its end from within its own callbacks, and reads each page after the next one was submitted. */
struct chain {
    struct gated *gated;
    struct reader reader;
    atomic_int ended;
};

static void submit_next(const lesson_store_page *page, void *context) {
    struct chain *chain = context;
    const lesson_store_list list = {.kind = LESSON_STORE_LIST_USERS, .most = 3};
    lesson_store_cursor *cursor = chain->reader.cursor;
    if (page->count == 0)
        lesson_store_cursor_close(cursor);
    else
        assert_int_equal(lesson_store_executor_submit_page(chain->gated->executor, &list, &chain->reader.cursor, 0,
                                                           NULL, submit_next, chain, NULL),
                         LESSON_STORE_OK);
    see_page(page, &chain->reader);
    atomic_store(&chain->ended, page->count == 0);
}

static void a_callback_submits_the_next_page(void **state) {
    (void)state;
    for (uint32_t lanes = 1; lanes <= 3; lanes += 2) {
        struct gated gated = gated_open(lanes, 8, 8);
        struct chain chain = {.gated = &gated};
        const lesson_store_list list = {.kind = LESSON_STORE_LIST_USERS, .most = 3};
        assert_int_equal(lesson_store_executor_submit_page(gated.executor, &list, &chain.reader.cursor, 0, NULL,
                                                           submit_next, &chain, NULL),
                         LESSON_STORE_OK);
        while (!atomic_load(&chain.ended))
            ;
        gated_close(&gated);
        assert_string_equal(chain.reader.uids, "u0 u1 u2 u3 u4 u5 u6 u7 u8 u9 ");
        assert_int_equal(chain.reader.calls, 5);
    }
}

static void a_forked_child_gets_no_page(void **state) {
    (void)state;
    struct gated gated = gated_open(1, 8, 8);
    struct reader reader = {0};
    int status = -1;
    read_page(&gated, &reader, 2);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(ask(&gated, &reader, 2, 0, NULL, NULL) == LESSON_STORE_CLOSED ? 0 : 1);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    close_all(&gated, &reader);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages_follow_one_another_to_the_end),
        cmocka_unit_test(what_does_not_fit_comes_with_the_next_page),
        cmocka_unit_test(a_wrong_page_is_not_accepted),
        cmocka_unit_test(what_waits_is_cancelled_or_expires),
        cmocka_unit_test(what_runs_too_long_is_given_with_the_next_page),
        cmocka_unit_test(a_late_report_of_damage_is_given_with_the_next_page),
        cmocka_unit_test(a_cursor_is_closed_while_its_page_runs),
        cmocka_unit_test(a_failure_is_told_and_the_list_goes_on),
        cmocka_unit_test(operations_and_pages_take_turns),
        cmocka_unit_test(a_page_that_waits_again_can_be_cancelled_and_expires),
        cmocka_unit_test(pages_are_pending_like_operations),
        cmocka_unit_test(a_stop_cancels_pages_too),
        cmocka_unit_test(a_stop_cancels_a_page_that_would_wait_again),
        cmocka_unit_test(a_callback_submits_the_next_page),
        cmocka_unit_test(a_forked_child_gets_no_page),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
