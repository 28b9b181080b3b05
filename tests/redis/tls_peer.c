#include "tls_peer.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "cmocka_all.h"

#define LOOK_AGAIN_MS 5
#define LATE_MS 5 /* so late that the client no longer leaves the waiting to its socket */

struct tls_peer {
    SSL_CTX *context;
    char real_socket[108];
    int listener;
    int port;
    pthread_t thread;
    atomic_bool ends;
    atomic_int part;
    atomic_int connections;
    atomic_int goodbyes;
    atomic_int key_updates;
    char name[256];
};

static int connect_to(const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    int real = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(real, (struct sockaddr *)&address, sizeof address) == 0)
        return real;
    close(real);
    return -1;
}

/* A connection: the client's TLS above a pair of memory BIOs, so that its records can be sent in any pieces. */
struct line {
    tls_peer *peer;
    SSL *ssl;
    int client, real;
};

static bool send_all(int to, const char *bytes, size_t size) {
    while (size > 0) {
        ssize_t sent = send(to, bytes, size, MSG_NOSIGNAL);
        if (sent <= 0)
            return false;
        bytes += sent;
        size -= (size_t)sent;
    }
    return true;
}

/* Sends the records that OpenSSL has made: all, or `most` bytes of them, one by one if `slow`. */
static bool flush(struct line *line, size_t most, bool slow) {
    static char bytes[1 << 20];
    const struct timespec pause = {.tv_nsec = 20 * 1000 * 1000};
    int made = BIO_read(SSL_get_wbio(line->ssl), bytes, sizeof bytes);
    size_t size = made > 0 ? (size_t)made : 0;
    size = size < most ? size : most;
    if (!slow)
        return send_all(line->client, bytes, size);
    for (size_t i = 0; i < size && !line->peer->ends; i++) {
        if (!send_all(line->client, bytes + i, 1))
            return false;
        nanosleep(&pause, NULL);
    }
    return true;
}

/* Receives records from the client. */
static bool fill(struct line *line) {
    char bytes[65536];
    ssize_t size = recv(line->client, bytes, sizeof bytes, 0);
    return size > 0 && BIO_write(SSL_get_rbio(line->ssl), bytes, (int)size) == size;
}

static bool shake_hands(struct line *line) {
    while (!line->peer->ends) {
        ERR_clear_error();
        int result = SSL_accept(line->ssl);
        bool wants_more = result != 1 && SSL_get_error(line->ssl, result) == SSL_ERROR_WANT_READ;
        if (!flush(line, SIZE_MAX, false))
            return false;
        if (!wants_more)
            return result == 1;
        struct pollfd ready = {.fd = line->client, .events = POLLIN};
        if (poll(&ready, 1, LOOK_AGAIN_MS) > 0 && !fill(line))
            return false;
    }
    return false;
}

/* ---- Moving bytes */

/* Passes on what was received. */
static bool pass_requests(struct line *line) {
    char bytes[16384];
    size_t size;
    int result;
    ERR_clear_error();
    while ((result = SSL_read_ex(line->ssl, bytes, sizeof bytes, &size)) == 1) {
        if (!send_all(line->real, bytes, size))
            return false;
    }
    if (SSL_get_shutdown(line->ssl) & SSL_RECEIVED_SHUTDOWN)
        line->peer->goodbyes++;
    return SSL_get_error(line->ssl, result) == SSL_ERROR_WANT_READ && flush(line, SIZE_MAX, false);
}

static bool write_reply(struct line *line, const char *bytes, size_t size, size_t at_once) {
    size_t written;
    while (size > 0) {
        if (SSL_write_ex(line->ssl, bytes, size < at_once ? size : at_once, &written) != 1)
            return false;
        bytes += written;
        size -= written;
    }
    return true;
}

static bool send_ticket(struct line *line, bool half) {
    SSL_new_session_ticket(line->ssl);
    SSL_do_handshake(line->ssl);
    return flush(line, half ? 20 : SIZE_MAX, false);
}

/* Before the reply. */
static void prepare(struct line *line, int part) {
    if (part == TLS_PEER_UPDATE_KEYS)
        SSL_key_update(line->ssl, SSL_KEY_UPDATE_REQUESTED);
    if (part == TLS_PEER_RENEGOTIATE) {
        SSL_renegotiate(line->ssl);
        SSL_do_handshake(line->ssl);
    }
}

static bool on_reply(struct line *line) {
    static char bytes[16384];
    ssize_t size = recv(line->real, bytes, sizeof bytes, 0);
    int part = line->peer->part;
    if (size <= 0)
        return false;
    if (part == TLS_PEER_GARBLE || part == TLS_PEER_GOODBYE) {
        line->peer->part = TLS_PEER_PASS_ON;
        if (part == TLS_PEER_GARBLE)
            return send_all(line->client, "no record of TLS at all", 23);
        SSL_shutdown(line->ssl);
        return flush(line, SIZE_MAX, false);
    }
    prepare(line, part);
    if (part == TLS_PEER_RECORDS)
        poll(NULL, 0, LATE_MS);
    if (!write_reply(line, bytes, (size_t)size, part == TLS_PEER_RECORDS ? 1 : SIZE_MAX))
        return false;
    if (part == TLS_PEER_TWO_REPLIES) {
        line->peer->part = TLS_PEER_PASS_ON;
        write_reply(line, "+OK\r\n", 5, SIZE_MAX);
    }
    if (!flush(line, SIZE_MAX, part == TLS_PEER_DRIBBLE))
        return false;
    if (part == TLS_PEER_CLOSE)
        return false;
    if (part == TLS_PEER_TICKET_HALF)
        line->peer->part = TLS_PEER_PASS_ON;
    return part != TLS_PEER_TICKETS && part != TLS_PEER_TICKET_HALF ? true
                                                                    : send_ticket(line, part == TLS_PEER_TICKET_HALF);
}

static void reset(struct line *line) {
    const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    struct pollfd ready = {.fd = line->client, .events = POLLIN};
    bool has_request = BIO_pending(SSL_get_rbio(line->ssl)) > 0;
    while (!has_request && !line->peer->ends && poll(&ready, 1, LOOK_AGAIN_MS) == 0)
        ;
    setsockopt(line->client, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

static void serve(struct line *line) {
    if (!shake_hands(line))
        return;
    const char *name = SSL_get_servername(line->ssl, TLSEXT_NAMETYPE_host_name);
    snprintf(line->peer->name, sizeof line->peer->name, "%s", name ? name : "");
    if (line->peer->part == TLS_PEER_RESET) {
        reset(line);
        return;
    }
    if (!pass_requests(line)) /* the first can come together with the end of the handshake */
        return;
    while (!line->peer->ends) {
        struct pollfd ready[2] = {{.fd = line->client, .events = POLLIN}, {.fd = line->real, .events = POLLIN}};
        poll(ready, 2, LOOK_AGAIN_MS);
        if ((ready[0].revents && !(fill(line) && pass_requests(line))) || (ready[1].revents && !on_reply(line)))
            return;
    }
}

/* ---- Messages of the handshake that clients send later */

static void note_message(int is_written, int version, int type, const void *bytes, size_t size, SSL *ssl, void *peer) {
    (void)version, (void)ssl;
    if (!is_written && type == SSL3_RT_HANDSHAKE && size > 0 && *(const unsigned char *)bytes == SSL3_MT_KEY_UPDATE)
        ((tls_peer *)peer)->key_updates++;
}

static void *run(void *context) {
    tls_peer *peer = context;
    const int on = 1;
    while (!peer->ends) {
        struct pollfd ready = {.fd = peer->listener, .events = POLLIN};
        if (poll(&ready, 1, LOOK_AGAIN_MS) <= 0)
            continue;
        struct line line = {.peer = peer, .client = accept4(peer->listener, NULL, NULL, SOCK_CLOEXEC)};
        setsockopt(line.client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        line.real = connect_to(peer->real_socket);
        line.ssl = SSL_new(peer->context);
        SSL_set_bio(line.ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
        SSL_set_msg_callback(line.ssl, note_message);
        SSL_set_msg_callback_arg(line.ssl, peer);
        peer->connections++;
        serve(&line);
        SSL_free(line.ssl);
        close(line.real);
        close(line.client);
    }
    return NULL;
}

tls_peer *tls_peer_start(const certificates *made, const char *real_socket, int version) {
    tls_peer *peer = calloc(1, sizeof *peer);
    char file[128];
    assert_non_null(peer);
    snprintf(peer->real_socket, sizeof peer->real_socket, "%s", real_socket);
    peer->context = SSL_CTX_new(TLS_server_method());
    SSL_CTX_set_min_proto_version(peer->context, version);
    SSL_CTX_set_max_proto_version(peer->context, version);
    snprintf(file, sizeof file, "%s/server.crt", made->directory);
    assert_int_equal(SSL_CTX_use_certificate_chain_file(peer->context, file), 1);
    snprintf(file, sizeof file, "%s/server.key", made->directory);
    assert_int_equal(SSL_CTX_use_PrivateKey_file(peer->context, file, SSL_FILETYPE_PEM), 1);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    peer->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(peer->listener, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(peer->listener, 16), 0);
    assert_int_equal(getsockname(peer->listener, (struct sockaddr *)&address, &size), 0);
    peer->port = ntohs(address.sin_port);
    assert_int_equal(pthread_create(&peer->thread, NULL, run, peer), 0);
    return peer;
}

void tls_peer_stop(tls_peer *peer) {
    peer->ends = true;
    pthread_join(peer->thread, NULL);
    close(peer->listener);
    SSL_CTX_free(peer->context);
    free(peer);
}

void tls_peer_play(tls_peer *peer, tls_peer_part part) {
    peer->part = (int)part;
}

int tls_peer_port(const tls_peer *peer) {
    return peer->port;
}

int tls_peer_connections(const tls_peer *peer) {
    return peer->connections;
}

const char *tls_peer_name(const tls_peer *peer) {
    return peer->name;
}

int tls_peer_goodbyes(const tls_peer *peer) {
    return peer->goodbyes;
}

int tls_peer_key_updates(const tls_peer *peer) {
    return peer->key_updates;
}
