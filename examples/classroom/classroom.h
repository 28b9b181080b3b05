/*
 * classroom: a complete server. main.c describes its commands, and names the files.
 *
 * A *worker* is this process: one loop, one store, one owner. A *client* is a connection to it. Everything runs in the
 * thread of the loop: the callbacks of the executor too, because its completion queue is drained there.
 */
#ifndef CLASSROOM_H
#define CLASSROOM_H

#include <lessonstore/executor.h>
#include <lessonstore/feed.h>
#include <uv.h>

enum {
    TIMEOUT_MS = 5000,        /* of an operation */
    LINE_SIZE = 2048,         /* bytes in a line of a client, with its end */
    BACKLOG_MAX = 1024 * 1024 /* bytes of the messages that wait for a client. Beyond it, the client is closed */
};

struct worker {
    uv_loop_t loop;
    uv_pipe_t listener;
    uv_signal_t signals[2];
    uv_timer_t renewal;
    uv_poll_t completions;
    uv_poll_t events;
    lesson_store *store;
    lesson_store_executor *executor;
    lesson_store_completion_queue *queue;
    lesson_store_feed *feed;
    struct client *clients;
    const char *name;
    char owner[LESSON_STORE_ID_MAX + 1];
    int64_t lease_ms;
    uint64_t session_count;
    bool is_held;        /* the owner holds a lease, for all that is known */
    bool is_asking;      /* a hold is pending */
    bool is_silent;      /* the latest renewal failed, which was reported */
    bool is_blind;       /* the feed cannot be read, which was reported */
    bool was_overloaded; /* what a client needs was not accepted */
    bool has_caller;     /* a connection waits, because there was no memory for it */
    bool is_ending;
};

/* Users who are in a lesson, in the order of their ids (roster.c). While the lesson is listed, an event counts more
 * than the list: the list may have been read before it. */
struct seat {
    bool is_taken;
    bool is_by_event;
    size_t size;
    char uid[LESSON_STORE_ID_MAX + 1];
};

struct roster {
    struct seat **seats;
    size_t count;
    size_t room;
};

struct watch {
    char lesson_id[LESSON_STORE_ID_MAX + 1]; /* "": this client watches nothing */
    struct roster roster;
    lesson_store_cursor *cursor;
    bool is_listing;
    bool is_pending; /* a page */
    bool is_asked;   /* the command has no answer yet */
    bool is_stale;   /* list from the beginning, when the page that is pending has come */
};

struct client {
    struct worker *worker;
    struct client *previous;
    struct client *next;
    uv_pipe_t pipe;
    char session[LESSON_STORE_ID_MAX + 1];
    char uid[LESSON_STORE_ID_MAX + 1]; /* who has entered, or may have; "": nobody */
    char course_id[LESSON_STORE_ID_MAX + 1];
    char lesson_id[LESSON_STORE_ID_MAX + 1];
    bool is_in;     /* the user is in the lesson */
    bool is_unsure; /* the user may be in one, after a join of unknown outcome */
    bool is_owned;  /* by the worker's owner of now, not by one before */
    bool
        is_busy; /* a command is not answered yet, or an operation is pending. One at a time, so answers are in order */
    bool is_closed; /* for commands and answers */
    bool is_gone;   /* the loop has closed the pipe */
    struct watch watch;
    size_t backlog; /* bytes of its messages: the memory that they take, which is much more than their text */
    size_t size;
    char text[LINE_SIZE]; /* read, but not yet run */
};

/* Text for a client. `request` is what libuv needs to write it. */
struct message {
    uv_write_t request;
    size_t size;
    char text[];
};

/* lease.c */
int lease_begin(struct worker *worker);
void lease_renew(struct worker *worker);

/* client.c */
void client_accept(struct worker *worker);
void client_close(struct client *client);
void client_free(struct client *client);
/* Both close a client that reads too slowly, or for which there is no memory. post frees the message; NULL: there was
 * no memory for it. */
void client_say(struct client *client, const char *format, ...) LESSON_STORE_PRINTF(2, 3);
void client_post(struct client *client, struct message *message);
/* OK: the client is busy until the callback, which calls client_answered. */
int client_submit(struct client *client, const lesson_store_operation *operation,
                  lesson_store_completion_callback callback);
/* These three may free a client that is closed, so they are the last call of a callback. settle does what is due
 * between two commands: joins again by a new owner, quits for one that is closed, runs the next line. go_on does the
 * same without joining again. answered: the client is no longer busy; then settle. */
void client_settle(struct client *client);
void client_go_on(struct client *client);
void client_answered(struct client *client);
void clients_settle(struct worker *worker);

/* entry.c */
void entry_run(struct client *client, char *words[], size_t count);
void entry_leave(struct client *client);
void entry_find(struct client *client, const char *uid);
void entry_renew(struct client *client);
void entry_end(struct client *client);

/* commands.c */
void command_run(struct client *client, char *line);

/* watch.c */
int watch_open(struct worker *worker);
void watch_begin(struct client *client, const char *lesson_id);
void watch_end(struct client *client);

/* roster.c. set returns false if there is no memory. `*changed` says whether the seat is another one than before. */
bool roster_set(struct roster *roster, lesson_store_id uid, bool is_taken, bool is_by_event, bool *changed);
bool roster_remove(struct roster *roster, lesson_store_id uid); /* false: the user was not there */
void roster_remove_empty(struct roster *roster);
/* The head, and a line for each user. NULL: there is no memory. */
struct message *roster_print(const struct roster *roster, const char *head, const char *front, const char *tail);
void roster_clear(struct roster *roster);

static inline bool id_is(lesson_store_id id, const char *text) {
    size_t size = strlen(text);
    return id.size == size && size > 0 && memcmp(id.data, text, size) == 0;
}

/* `copy` has LESSON_STORE_ID_MAX + 1 bytes. */
static inline void id_copy(char *copy, lesson_store_id id) {
    if (id.data)
        memcpy(copy, id.data, id.size);
    copy[id.size] = '\0';
}

#endif
