/* Pages of lists: submitting them, running them in a lane, and their callbacks. */
#include <stdio.h>

#include "executor.h"

/* ---- Submitting */

static int check_page(const lesson_store_executor *executor, const lesson_store_list *list,
                      lesson_store_cursor *const *cursor, const lesson_store__terms *terms,
                      lesson_store_page_callback callback) {
    if (!executor || !list || !cursor || !callback)
        return lesson_store_fail(LESSON_STORE_INVALID, "submit: no %s",
                                 !executor ? "executor"
                                 : !list   ? "list"
                                 : !cursor ? "cursor"
                                           : "callback");
    int code = lesson_store__check_terms(executor, terms);
    return code ? code : lesson_store__list_check(executor->store, list, executor, *cursor);
}

static lesson_store_cursor *open_cursor(lesson_store_executor *executor, const lesson_store_list *list) {
    uint32_t number = atomic_fetch_add_explicit(&executor->lists, 1, memory_order_relaxed);
    return lesson_store__cursor_open(executor->store, list, executor, number);
}

/* All pages of a list go to one lane: a lane can still fill the cursor after the page has expired. */
static lesson_store__lane *lane_of(lesson_store_executor *executor, const lesson_store_cursor *cursor) {
    return &executor->lanes[lesson_store__cursor_number(cursor) % executor->lane_count];
}

/* Begins the next page of a list, whose cursor is opened for the first one. NULL, with a code, if that fails. */
static lesson_store_cursor *begin_page(lesson_store_executor *executor, const lesson_store_list *list,
                                       lesson_store_cursor *before, int *code) {
    lesson_store_cursor *cursor = before ? before : open_cursor(executor, list);
    *code = cursor ? LESSON_STORE_OK : LESSON_STORE_NO_MEMORY;
    if (!cursor || lesson_store__cursor_begin_page(cursor))
        return cursor;
    *code = lesson_store_fail(LESSON_STORE_INVALID,
                              "page: the callback of the last page of this cursor was not called yet");
    return NULL;
}

static void undo_begin(lesson_store_cursor *cursor, const lesson_store_cursor *before) {
    lesson_store__cursor_end_page(cursor);
    lesson_store_cursor_close(cursor); /* for the lane, which did not get it */
    if (!before)
        lesson_store_cursor_close(cursor);
}

int lesson_store_executor_submit_page(lesson_store_executor *executor, const lesson_store_list *list,
                                      lesson_store_cursor **cursor, int64_t timeout_ms,
                                      lesson_store_completion_queue *queue, lesson_store_page_callback callback,
                                      void *context, uint64_t *ticket) {
    const lesson_store_operation none = {.kind = LESSON_STORE_OPERATION_NONE};
    const lesson_store__terms terms = {timeout_ms, queue, context};
    int code = check_page(executor, list, cursor, &terms, callback);
    if (code)
        return code;
    lesson_store__submission *submission = lesson_store__take_slot(executor, &none, &code);
    if (!submission)
        return code;
    lesson_store_cursor *before = *cursor;
    lesson_store_cursor *begun = begin_page(executor, list, before, &code);
    if (!begun) {
        lesson_store__slots_free(&executor->slots, submission, true);
        return code;
    }
    submission->cursor = begun;
    submission->page_callback = callback;
    submission->kind = list->kind;
    submission->most = list->most;
    *cursor = begun; /* before the callback can be called */
    code = lesson_store__accept(submission, lane_of(executor, begun), &terms, ticket);
    if (code) {
        *cursor = before;
        undo_begin(begun, before);
    }
    return code;
}

/* ---- In the lane */

void lesson_store__run_page(lesson_store__lane *lane) {
    lesson_store__submission *submission = lane->batch[0];
    lesson_store__page *page = &lane->listing.page;
    lane->timed = submission->timed;
    lane->listing.cursor = submission->cursor;
    lane->listing.is_there = lesson_store__cursor_try_page(submission->cursor, submission->most, page);
    if (lane->listing.is_there && page->code < 0)
        snprintf(submission->message, sizeof submission->message, "%s", lesson_store_message());
}

bool lesson_store__page_waits_again(lesson_store__lane *lane) {
    lesson_store__submission *submission = lane->batch[0];
    if (!lane->listing.cursor || lane->listing.is_there || submission->early_code)
        return false;
    lesson_store__ring_add(&lane->pages, submission);
    lane->listing.cursor = NULL;
    lane->count = lane->timed = 0;
    if (lane->executor->cancels)
        lesson_store__cancel_waiting(submission);
    return true;
}

void lesson_store__answer_page(lesson_store__lane *lane) {
    lesson_store__submission *submission = lane->batch[0];
    lesson_store__page *page = &lane->listing.page;
    if (submission) {
        submission->operation.code = page->code;
        submission->entries = page->entries;
        submission->count = page->count;
    } else if (lane->listing.is_there) {
        lesson_store__cursor_take_back(lane->listing.cursor, page);
    }
    lesson_store_cursor_close(lane->listing.cursor);
    lane->listing.cursor = NULL;
}

/* ---- The callback */

void lesson_store__call_back_page(const lesson_store__submission *submission, const lesson_store_operation *operation) {
    lesson_store_page page = {.code = operation->code, .kind = submission->kind, .message = operation->message};
    if (!submission->early_code) {
        page.count = submission->count;
        page.uids = submission->kind == LESSON_STORE_LIST_MEMBERS ? submission->entries : NULL;
        page.lessons = submission->kind == LESSON_STORE_LIST_LESSONS ? submission->entries : NULL;
        page.users = submission->kind == LESSON_STORE_LIST_USERS ? submission->entries : NULL;
    }
    lesson_store__cursor_end_page(submission->cursor); /* the callback may submit the next page */
    submission->page_callback(&page, submission->context);
}
