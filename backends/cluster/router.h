/*
 * The router: sends requests to the nodes that have their slots, all that go to one node together, and follows
 * redirections. It tells apart what was certainly not executed, and sends that again until the time is over, from what
 * was sent and not answered. The latter it sends again only if the caller says that it takes effect once, however often
 * it arrives.
 */
#ifndef LESSON_STORE_CLUSTER_ROUTER_H
#define LESSON_STORE_CLUSTER_ROUTER_H

#include "map.h"

typedef enum cluster_request_end {
    CLUSTER_WAITS,
    CLUSTER_ANSWERED, /* `take` has got the reply, which may be an error */
    CLUSTER_UNSENT,   /* certainly not executed, unless `was_lost` */
    CLUSTER_LOST      /* sent, and the reply was lost */
} cluster_request_end;

typedef struct cluster_request {
    unsigned slot;
    bool may_repeat; /* it takes effect once, however often it arrives; so does what only reads */
    bool is_pinned;  /* goes to the node `node` of the router, whatever it has; so it is not sent to another one */

    cluster_request_end end;
    int code;      /* of the failure, if the end is UNSENT or LOST; its message is that of the router */
    bool was_lost; /* it was sent before, and the reply was lost */

    int node;         /* of the router */
    uint64_t made;    /* over which connection to it the reply came, as redis_connection counts them */
    bool asks;        /* the node is importing the slot: ASKING goes ahead */
    bool with_source; /* the node did not have the script */
    int redirections; /* so far */
    int64_t due_us;   /* before that it is not sent again; 0: at once */
    int64_t pause_us; /* the next one */
} cluster_request;

/* Makes a request with this slot one that waits. */
void cluster_request_begin(cluster_request *request, unsigned slot, bool may_repeat);

/* What is to be sent, and who takes the replies. `write` writes request `index` into the router's request, each time in
 * the same way. */
typedef struct cluster_exchange {
    cluster_request *requests;
    size_t count;
    void (*write)(size_t index, void *context);
    void (*take)(size_t index, redis_reply *reply, void *context);
    void *context;
    bool writes; /* so nobody knows what a request did that was sent and has no reply */
} cluster_exchange;

typedef struct cluster_node {
    redis_connection connection;
    redis_address address;
    char *bytes; /* to be sent */
    size_t size;
    size_t capacity;
    size_t *sent; /* the requests in the bytes, in order; SIZE_MAX for an ASKING */
    size_t count;
    size_t room;
} cluster_node;

typedef struct cluster_router {
    const redis_settings *settings;
    cluster_map *map;
    const lesson_store_location *opening; /* while the instance is opened, else NULL */
    lesson_store_observer *observer;
    cluster_view view;
    cluster_node **nodes; /* that were met so far */
    int node_count;
    int *node_of;        /* for each master of the view */
    uint64_t generation; /* of the view that `node_of` is for */
    int64_t deadline_us; /* of what is under way */
    redis_request *request;
    redis_reply *reply;
    char failure[LESSON_STORE_MESSAGE_SIZE];
} cluster_router;

void cluster_router_free(cluster_router *router);

/* Sends the requests that wait and are due, and takes their replies. False if none waits any more, or if the time is
 * over: then none waits either. Between two rounds the caller may begin requests. */
bool cluster_router_round(cluster_router *router, const cluster_exchange *exchange, int64_t until_us);

/* Rounds until each request has its end. */
void cluster_router_run(cluster_router *router, const cluster_exchange *exchange, int64_t until_us);

/* Brings the view up to date. Returns OK, or a code with its message set. */
int cluster_router_look(cluster_router *router);

/* Called after a page of a list was asked for, at `asked_us`, and this node has replied. False if the list must begin
 * again, because its cursor is one of another node, as after its key was moved, or of another server at the same
 * address; the position is then reset. It goes on over any instance of the store. */
bool cluster_cursor_is_of_this_node(lesson_store_position *position, const cluster_node *node, int64_t asked_us);

/* In a position, beside REDIS_WORD_BEGAN_US. */
enum { CLUSTER_WORD_NODE = 3 };

/* The number of the node of a master of the view; -1 if there is no memory. */
int cluster_router_node_of(cluster_router *router, int master);

#endif
