#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include <openssl/err.h>

#include "tls_context.h"

struct redis_tls {
    SSL *ssl;
    redis_tls_context *context; /* of the store, which lives longer */
    int socket;
    int flags;            /* of recv, for the next read of the BIO; then it does not wait */
    int socket_error;     /* errno of the BIO in the current call of OpenSSL; 0: none */
    bool has_ended;       /* the BIO has met the end of the bytes */
    short send_events;    /* what a send that was not completed waits for; 0: there is none */
    short receive_events; /* what the latest receive waited for; 0: it did not have to */
    bool is_connected;    /* the handshake is done */
    bool was_heard;       /* the server has sent data of its own */
    bool has_failed;      /* OpenSSL allows no goodbye */
    int code;
    char problem[256];
    char name[]; /* what the server's certificate must name */
};

/* ---- A BIO of our own. OpenSSL's sends without MSG_NOSIGNAL, so that a server that is gone kills the process. */

static bool is_to_be_repeated(int error) {
    return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

static int bio_write(BIO *bio, const char *bytes, int size) {
    redis_tls *tls = BIO_get_data(bio);
    ssize_t sent = send(tls->socket, bytes, (size_t)size, MSG_NOSIGNAL | MSG_DONTWAIT);
    tls->socket_error = sent < 0 ? errno : 0;
    BIO_clear_retry_flags(bio);
    if (is_to_be_repeated(tls->socket_error))
        BIO_set_retry_write(bio);
    return (int)sent;
}

/* Waits at most once in each call of OpenSSL, however many pieces a record comes in. So a server that sends byte by
 * byte gets no extra time. */
static int bio_read(BIO *bio, char *bytes, int size) {
    redis_tls *tls = BIO_get_data(bio);
    ssize_t received = recv(tls->socket, bytes, (size_t)size, tls->flags);
    tls->socket_error = received < 0 ? errno : 0;
    tls->has_ended = received == 0;
    tls->flags = MSG_DONTWAIT;
    BIO_clear_retry_flags(bio);
    if (is_to_be_repeated(tls->socket_error))
        BIO_set_retry_read(bio);
    return (int)received;
}

static long bio_control(BIO *bio, int command, long number, void *pointer) {
    (void)number, (void)pointer;
    if (command == BIO_CTRL_EOF)
        return ((const redis_tls *)BIO_get_data(bio))->has_ended;
    return command == BIO_CTRL_FLUSH; /* nothing is kept back */
}

static pthread_once_t bio_once = PTHREAD_ONCE_INIT;
static BIO_METHOD *bio_method; /* lives as long as the process */

static void make_bio_method(void) {
    BIO_METHOD *made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "lessonstore socket");
    if (made && BIO_meth_set_write(made, bio_write) && BIO_meth_set_read(made, bio_read) &&
        BIO_meth_set_ctrl(made, bio_control))
        bio_method = made;
}

static BIO *make_bio(redis_tls *tls) {
    pthread_once(&bio_once, make_bio_method);
    BIO *bio = bio_method ? BIO_new(bio_method) : NULL;
    if (!bio)
        return NULL;
    BIO_set_data(bio, tls);
    BIO_set_init(bio, 1);
    return bio;
}

/* ---- Failures */

static void set_problem(redis_tls *tls, int code, const char *text, const char *more) {
    tls->has_failed = true;
    tls->code = code;
    snprintf(tls->problem, sizeof tls->problem, "%s%s", text, more);
}

/* True until the server has replied to the first message of the handshake. */
static bool may_be_in_the_clear(const redis_tls *tls) {
    return !tls->is_connected && SSL_get_state(tls->ssl) == TLS_ST_CW_CLNT_HELLO;
}

/* What a connection that breaks so early suggests. Redis drops a client too many before the handshake. In TLS 1.3 a
 * server that refuses the client says so only after the handshake, and the alert can be lost. */
static const char *hint(const redis_tls *tls) {
    if (may_be_in_the_clear(tls))
        return " (does this port speak TLS? Has the server too many clients?)";
    if (tls->was_heard)
        return "";
    return redis_tls_context_has_certificate(tls->context)
               ? " (does the server accept this client certificate?)"
               : " (does the server want a client certificate? The option tls_cert gives one)";
}

static void set_closed(redis_tls *tls) {
    const char *when = tls->is_connected ? "the server closed the connection instead of replying"
                                         : "the server closed the connection in the TLS handshake";
    set_problem(tls, LESSON_STORE_UNREACHABLE, when, hint(tls));
}

/* True for an alert that says that the server does not accept our certificate, or that there is none. In TLS 1.2 the
 * latter is a handshake failure, which before the server's first message has other reasons. */
static bool is_refusal(const redis_tls *tls, int reason) {
    switch (reason - SSL_AD_REASON_OFFSET) {
    case SSL_AD_BAD_CERTIFICATE:
    case SSL_AD_UNSUPPORTED_CERTIFICATE:
    case SSL_AD_CERTIFICATE_REVOKED:
    case SSL_AD_CERTIFICATE_EXPIRED:
    case SSL_AD_CERTIFICATE_UNKNOWN:
    case SSL_AD_UNKNOWN_CA:
    case SSL_AD_ACCESS_DENIED:
    case SSL_AD_CERTIFICATE_REQUIRED:
        return true;
    case SSL_AD_HANDSHAKE_FAILURE:
        return !may_be_in_the_clear(tls);
    default:
        return false;
    }
}

static void set_certificate_problem(redis_tls *tls) {
    const char *why = X509_verify_cert_error_string(SSL_get_verify_result(tls->ssl));
    set_problem(tls, LESSON_STORE_DENIED, "", "");
    snprintf(tls->problem, sizeof tls->problem, "the server's certificate for %.120s is not accepted: %s", tls->name,
             why);
}

static void set_tls_problem(redis_tls *tls, const char *said) {
    set_problem(tls, LESSON_STORE_UNREACHABLE, "", "");
    snprintf(tls->problem, sizeof tls->problem, "TLS: %s%s", said, may_be_in_the_clear(tls) ? hint(tls) : "");
}

/* An error of OpenSSL's own, or an alert. */
static void set_error(redis_tls *tls, unsigned long error) {
    const char *text = ERR_reason_error_string(error);
    const char *refused = redis_tls_context_has_certificate(tls->context)
                              ? "the server does not accept the client certificate: "
                              : "the server wants a client certificate (the option tls_cert): ";
    const char *said = text ? text : "unknown error";
    if (ERR_GET_REASON(error) == SSL_R_CERTIFICATE_VERIFY_FAILED)
        set_certificate_problem(tls);
    else if (is_refusal(tls, ERR_GET_REASON(error)))
        set_problem(tls, LESSON_STORE_DENIED, refused, said);
    else
        set_tls_problem(tls, said);
}

/* After a failed call: returns the events to wait for before it is repeated, and sets errno to EAGAIN. 0: the problem
 * is set. `*closed`: the server has closed the connection. */
static short explain(redis_tls *tls, int result, bool *closed) {
    int kind = SSL_get_error(tls->ssl, result);
    unsigned long error = ERR_peek_error();
    bool is_end = ERR_GET_LIB(error) == ERR_LIB_SSL && ERR_GET_REASON(error) == SSL_R_UNEXPECTED_EOF_WHILE_READING;
    *closed = kind == SSL_ERROR_ZERO_RETURN || (kind == SSL_ERROR_SSL && is_end) ||
              (kind == SSL_ERROR_SYSCALL && tls->socket_error == 0);
    if (kind == SSL_ERROR_WANT_READ || kind == SSL_ERROR_WANT_WRITE) {
        errno = EAGAIN;
        return kind == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT;
    }
    if (*closed)
        set_closed(tls);
    else if (kind == SSL_ERROR_SYSCALL)
        set_problem(tls, LESSON_STORE_UNREACHABLE, strerror(tls->socket_error), hint(tls));
    else
        set_error(tls, error);
    ERR_clear_error();
    errno = EPROTO;
    return 0;
}

/* Before each call of OpenSSL: errors that the caller's own calls have left would be taken for those of this one. */
static void begin(redis_tls *tls, int flags) {
    ERR_clear_error();
    tls->socket_error = 0;
    tls->flags = flags;
}

/* ---- Moving bytes */

int redis_tls_shake_hands(redis_tls *tls) {
    bool closed;
    begin(tls, MSG_DONTWAIT);
    int result = SSL_connect(tls->ssl);
    tls->is_connected = result == 1;
    tls->receive_events = tls->is_connected ? 0 : explain(tls, result, &closed);
    if (tls->is_connected || tls->receive_events == 0)
        redis_tls_context_note(tls->context, tls->ssl, tls->is_connected);
    return tls->is_connected ? 0 : -1;
}

/* Sends one record. Of a record that is sent in part the server can read nothing. */
ssize_t redis_tls_send(redis_tls *tls, const char *bytes, size_t size) {
    size_t sent = 0;
    bool closed;
    begin(tls, MSG_DONTWAIT);
    int result = SSL_write_ex(tls->ssl, bytes, size, &sent);
    tls->send_events = result == 1 ? 0 : explain(tls, result, &closed);
    return result == 1 ? (ssize_t)sent : -1;
}

ssize_t redis_tls_receive(redis_tls *tls, char *bytes, size_t size, int flags) {
    size_t received = 0;
    bool closed = false;
    begin(tls, flags);
    int result = SSL_read_ex(tls->ssl, bytes, size, &received);
    tls->receive_events = result == 1 ? 0 : explain(tls, result, &closed);
    tls->was_heard = tls->was_heard || result == 1;
    return result == 1 ? (ssize_t)received : closed ? 0 : -1;
}

short redis_tls_send_events(const redis_tls *tls) {
    return tls->send_events;
}

short redis_tls_receive_events(const redis_tls *tls) {
    if (tls->receive_events)
        return tls->receive_events;
    return SSL_has_pending(tls->ssl) ? 0 : POLLIN;
}

bool redis_tls_has_pending(const redis_tls *tls) {
    return SSL_has_pending(tls->ssl);
}

bool redis_tls_is_stale(redis_tls *tls) {
    char byte;
    size_t seen;
    bool closed;
    begin(tls, MSG_DONTWAIT);
    int result = SSL_peek_ex(tls->ssl, &byte, 1, &seen);
    return result == 1 || explain(tls, result, &closed) == 0;
}

const char *redis_tls_problem(const redis_tls *tls) {
    return tls->problem;
}

int redis_tls_code(const redis_tls *tls) {
    return tls->code;
}

void redis_tls_describe(const redis_tls *tls, char *text, size_t size) {
    snprintf(text, size, "%s %s", SSL_get_version(tls->ssl), SSL_get_cipher(tls->ssl));
}

bool redis_tls_is_resumed(const redis_tls *tls) {
    return SSL_session_reused(tls->ssl) == 1;
}

/* ---- Opening and closing */

int redis_tls_on_session(SSL *ssl, SSL_SESSION *session) {
    const redis_tls *tls = SSL_get_app_data(ssl);
    return redis_tls_context_keep(tls->context, ssl, session, tls->name);
}

int redis_tls_open(redis_tls **out, redis_tls_context *context, int socket, const char *name) {
    SSL *ssl;
    int code = redis_tls_context_connect(context, &ssl, &name);
    if (code)
        return code;
    size_t name_size = strlen(name) + 1;
    redis_tls *tls = calloc(1, sizeof *tls + name_size);
    BIO *bio = tls ? make_bio(tls) : NULL;
    if (!bio || !SSL_set_app_data(ssl, tls)) {
        BIO_free(bio);
        free(tls);
        SSL_free(ssl);
        return lesson_store_fail(LESSON_STORE_NO_MEMORY, "%s: no memory left for TLS",
                                 redis_tls_context_shown(context));
    }
    SSL_set_bio(ssl, bio, bio);
    tls->ssl = ssl;
    tls->context = context;
    tls->socket = socket;
    memcpy(tls->name, name, name_size);
    *out = tls;
    return LESSON_STORE_OK;
}

/* No goodbye while a record is sent in part: it would complete a request that the caller knows as not sent. OpenSSL
 * takes a connection without a goodbye for a failed one and does not resume its session, so it is told that there was
 * one. */
void redis_tls_close(redis_tls *tls, bool says_goodbye) {
    if (!tls)
        return;
    ERR_clear_error();
    if (says_goodbye && tls->is_connected && !tls->has_failed && !tls->send_events)
        SSL_shutdown(tls->ssl);
    if (tls->is_connected)
        SSL_set_shutdown(tls->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(tls->ssl);
    ERR_clear_error();
    free(tls);
}
