/* A server that stands between a store and the real one, and can be told to misbehave from the next bytes on. It
 * listens on a unix socket in a temporary folder of its own and serves one connection after the other. */
#ifndef LESSON_STORE_TESTS_FALSE_SERVER_H
#define LESSON_STORE_TESTS_FALSE_SERVER_H

typedef struct false_server false_server;

typedef enum false_server_part {
    PASS_ON,           /* behave */
    CLOSE_NOW,         /* once: close the connection while nothing is under way */
    CUT_REQUEST,       /* once: pass on half of the next request, then close */
    LOSE_REPLY,        /* once: let the next request be executed, then close instead of replying */
    LOSE_SECOND_REPLY, /* once: the same with the reply after the next */
    LOSE_EVERY_REPLY,  /* the same, of every connection */
    CUT_REPLY,         /* once: pass on half of the next reply, then close */
    DRIBBLE,           /* pass replies on byte by byte */
    TAKE_NOTHING,      /* read no request at all */
    SAY_NO_MORE,       /* when the next request comes: close the direction of the replies, and read nothing */
    ANSWER,            /* answer each request with a text, and pass on nothing */
} false_server_part;

false_server *false_server_start(const char *real_socket);
void false_server_stop(false_server *server);

/* Plays this part from now on; CLOSE_NOW returns when the connection is closed. */
void false_server_play(false_server *server, false_server_part part);
void false_server_answer(false_server *server, const char *text);

const char *false_server_location(const false_server *server); /* with "?pool=1&timeout_ms=300" */
int false_server_connections(const false_server *server);      /* how many there were */

#endif
