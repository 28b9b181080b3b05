/* A TLS server before a real Redis server, which does what Redis does not do. One connection at a time. */
#ifndef LESSON_STORE_TESTS_TLS_PEER_H
#define LESSON_STORE_TESTS_TLS_PEER_H

#include "certificates.h"

typedef enum tls_peer_part {
    TLS_PEER_PASS_ON,
    TLS_PEER_UPDATE_KEYS, /* asks for new keys before each reply */
    TLS_PEER_RENEGOTIATE, /* asks for a new handshake before each reply; only in TLS 1.2 */
    TLS_PEER_TICKETS,     /* sends a session ticket after each reply */
    TLS_PEER_TICKET_HALF, /* once: the same, but only the first half of it */
    TLS_PEER_TWO_REPLIES, /* once: sends another reply in a record of its own, at once */
    TLS_PEER_DRIBBLE,     /* sends the record of a reply byte by byte */
    TLS_PEER_RECORDS,     /* sends each reply late, in records of one byte, all at once */
    TLS_PEER_CLOSE,       /* closes the connection after each reply */
    TLS_PEER_RESET,       /* resets the connection after the handshake, instead of reading */
    TLS_PEER_GARBLE,      /* once: sends bytes that are no record instead of a reply */
    TLS_PEER_GOODBYE      /* once: says goodbye instead of a reply */
} tls_peer_part;

typedef struct tls_peer tls_peer;

/* `version` is TLS1_2_VERSION or TLS1_3_VERSION, the only one it speaks. */
tls_peer *tls_peer_start(const certificates *made, const char *real_socket, int version);
void tls_peer_stop(tls_peer *peer);

void tls_peer_play(tls_peer *peer, tls_peer_part part);

int tls_peer_port(const tls_peer *peer);
int tls_peer_connections(const tls_peer *peer);
const char *tls_peer_name(const tls_peer *peer); /* the server name in the latest handshake, "" if there was none */
int tls_peer_goodbyes(const tls_peer *peer);     /* connections that the client has ended by a goodbye */
int tls_peer_key_updates(const tls_peer *peer);  /* that clients have sent */

#endif
