/* A server between a store and the real one, which can misbehave from the next bytes on. It listens on a unix socket in
 * its own temporary directory, or on a port, and serves one connection after another. It knows nothing of TLS, so it
 * can stand beneath it. */
#ifndef LESSON_STORE_TESTS_FALSE_SERVER_H
#define LESSON_STORE_TESTS_FALSE_SERVER_H

#include <stdbool.h>
#include <stddef.h>

typedef struct false_server false_server;

typedef enum false_server_part {
    PASS_ON,           /* behave correctly */
    CLOSE_NOW,         /* once: close the connection while nothing is under way */
    CUT_REQUEST,       /* once: pass on half of the next request, then close */
    LOSE_REPLY,        /* once: let the next request be executed, then close instead of replying */
    LOSE_SECOND_REPLY, /* once: the same with the reply after the next one */
    LOSE_THIRD_REPLY,  /* once: the same with the one after that */
    LOSE_EVERY_REPLY,  /* the same, for every connection */
    CUT_REPLY,         /* once: pass on half of the next reply, then close */
    DRIBBLE,           /* pass replies on byte by byte */
    TAKE_NOTHING,      /* read no requests */
    SAY_NO_MORE,       /* when the next request comes: close the direction of the replies, and read nothing */
    ANSWER,            /* answer each request with a text, or with several in turn, and pass nothing on */
    GARBLE_REPLY,      /* once: let the next request be executed, and reply with a text instead */
    CHOP,              /* pass everything on in small pieces, without a pause */

    /* After some more bytes in one direction, the number given to false_server_break: */
    CUT,  /* once: close the connection */
    SHUT, /* once: close this direction, and let the other one go on */
    HOLD  /* keep the rest back while this part is played */
} false_server_part;

typedef enum false_server_direction { REQUESTS, REPLIES } false_server_direction;

/* `real` is the path of the real server's socket, or a port on 127.0.0.1 ("6379"). Then this one listens on a port too.
 */
false_server *false_server_start(const char *real);
void false_server_stop(false_server *server);

/* Plays this part from now on. For CLOSE_NOW, returns when the connection is closed. */
void false_server_play(false_server *server, false_server_part part);
void false_server_answer(false_server *server, const char *text);
/* The last one, which a NULL follows, is the answer to every later request too. */
void false_server_answer_in_turn(false_server *server, const char *const *texts);
void false_server_garble(false_server *server, const char *text);

/* CUT, SHUT or HOLD after `after` more bytes in this direction. */
void false_server_break(false_server *server, false_server_part part, false_server_direction direction, size_t after);

/* False once the CUT or SHUT has happened. */
bool false_server_is_armed(const false_server *server);

/* New connections lead to this server from now on. The text must stay valid. */
void false_server_lead_to(false_server *server, const char *real);

const char *false_server_location(const false_server *server); /* with "?pool=1&timeout_ms=300" */
int false_server_port(const false_server *server);             /* 0: it listens on a socket */
int false_server_connections(const false_server *server);      /* the number of connections so far */

#endif
