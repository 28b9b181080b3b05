/* Prints the lessons of a store by pages through an executor, as an event loop would, and waits for nothing but the
 * queue: executor_list LOCATION. */
#include <poll.h>
#include <stdio.h>

#include <lessonstore/executor.h>

struct listing {
    lesson_store_executor *executor;
    lesson_store_completion_queue *queue;
    lesson_store_cursor *cursor;
    bool ended;
    int code;
};

static void print_page(const lesson_store_page *page, void *context);

static void ask(struct listing *listing) {
    const lesson_store_list list = {.kind = LESSON_STORE_LIST_LESSONS, .most = 100};
    listing->code = lesson_store_executor_submit_page(listing->executor, &list, &listing->cursor, 2000, listing->queue,
                                                      print_page, listing, NULL);
    listing->ended = listing->code != LESSON_STORE_OK;
}

static void print_page(const lesson_store_page *page, void *context) {
    struct listing *listing = context;
    listing->code = page->code;
    listing->ended = page->code != LESSON_STORE_OK || page->count == 0;
    for (size_t i = 0; i < page->count; i++)
        printf("%.*s\n", (int)page->lessons[i].lesson_id.size, page->lessons[i].lesson_id.data);
    if (!listing->ended)
        ask(listing);
}

static void run_loop(struct listing *listing) {
    struct pollfd pollfd = {.fd = lesson_store_completion_queue_descriptor(listing->queue), .events = POLLIN};
    while (!listing->ended) {
        if (poll(&pollfd, 1, -1) == 1)
            lesson_store_completion_queue_drain(listing->queue, 0);
    }
}

static int fail(const char *what) {
    fprintf(stderr, "executor_list: %s: %s\n", what, lesson_store_message());
    return 1;
}

static int list_lessons(lesson_store *store) {
    struct listing listing = {.ended = false};
    if (lesson_store_executor_open(&listing.executor, store, NULL) != LESSON_STORE_OK)
        return fail("executor");
    int code = lesson_store_executor_add_queue(&listing.queue, listing.executor);
    if (code == LESSON_STORE_OK) {
        ask(&listing);
        run_loop(&listing);
        code = listing.code;
    }
    int status = code == LESSON_STORE_OK ? 0 : fail("list"); /* before another call can replace the message */
    lesson_store_cursor_close(listing.cursor);
    lesson_store_executor_close(listing.executor);
    return status;
}

int main(int argc, char **argv) {
    lesson_store *store;
    if (argc != 2) {
        fprintf(stderr, "usage: executor_list LOCATION\n");
        return 2;
    }
    if (lesson_store_open(&store, argv[1]) != LESSON_STORE_OK)
        return fail(argv[1]);
    int status = list_lessons(store);
    lesson_store_close(store);
    return status;
}
