#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "tls_context.h"

/* ---- The files */

enum { CA, CERTIFICATE, KEY, FILES };

static const char *const options[FILES] = {"tls_ca", "tls_cert", "tls_key"};

/* What tells that a file was replaced. All zero: there is no file. */
typedef struct file_stamp {
    dev_t device;
    ino_t number;
    off_t size;
    struct timespec changed;
} file_stamp;

struct redis_tls_context {
    char *shown;
    char *names[FILES]; /* NULL: not given */
    char *expected;     /* tls_name, or NULL */
    redis_tls_verify verify;

    pthread_mutex_t mutex; /* for everything below */
    SSL_CTX *ssl_context;
    file_stamp stamps[FILES];
    SSL_SESSION *session; /* NULL: none */
    char *session_name;   /* what the certificate of that session had to name */
    uint64_t resumed;
};

static bool is_same(const file_stamp *left, const file_stamp *right) {
    return left->device == right->device && left->number == right->number && left->size == right->size &&
           left->changed.tv_sec == right->changed.tv_sec && left->changed.tv_nsec == right->changed.tv_nsec;
}

/* Opens the file, because only this tells whether the process has the right to read it. Does not wait for a pipe. */
static int look_at_file(const redis_tls_context *context, int which, file_stamp *stamp) {
    const char *name = context->names[which];
    struct stat facts;
    if (!name)
        return LESSON_STORE_OK;
    int file = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    int error = file < 0 || fstat(file, &facts) < 0 ? errno : 0;
    if (file >= 0)
        close(file);
    if (error)
        return lesson_store_fail(error == EACCES || error == EPERM ? LESSON_STORE_DENIED : LESSON_STORE_INVALID,
                                 "%s: %s: %s: %s", context->shown, options[which], name, strerror(error));
    *stamp = (file_stamp){facts.st_dev, facts.st_ino, facts.st_size, facts.st_mtim};
    return LESSON_STORE_OK;
}

static int look_at_files(const redis_tls_context *context, file_stamp stamps[FILES]) {
    memset(stamps, 0, FILES * sizeof *stamps);
    int code = LESSON_STORE_OK;
    for (int i = 0; i < FILES && !code; i++)
        code = look_at_file(context, i, &stamps[i]);
    return code;
}

/* ---- OpenSSL's context, which never changes */

/* Without this, OpenSSL asks for the password of an encrypted key on the terminal of the process. */
static int refuse_password(char *password, int size, int is_writing, void *was_asked) {
    (void)is_writing;
    if (size > 0)
        password[0] = '\0';
    *(bool *)was_asked = true;
    return 0;
}

static bool load_cas(SSL_CTX *made, const char *name) {
    return name ? SSL_CTX_load_verify_locations(made, name, NULL) == 1 : SSL_CTX_set_default_verify_paths(made) == 1;
}

/* Reads the files. Returns the one that cannot be used, or FILES. */
static int load(SSL_CTX *made, char *const names[FILES]) {
    if (!load_cas(made, names[CA]))
        return CA;
    if (names[CERTIFICATE] && SSL_CTX_use_certificate_chain_file(made, names[CERTIFICATE]) != 1)
        return CERTIFICATE;
    if (names[KEY] && SSL_CTX_use_PrivateKey_file(made, names[KEY], SSL_FILETYPE_PEM) != 1)
        return KEY;
    return FILES;
}

/* What the policy of the system says about ciphers stays as it is. */
static void set_up(SSL_CTX *made, redis_tls_verify verify) {
    SSL_CTX_set_min_proto_version(made, TLS1_2_VERSION);
    SSL_CTX_set_options(made, SSL_OP_NO_RENEGOTIATION);
    SSL_CTX_set_mode(made, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_read_ahead(made, 1); /* saves one of two calls of recv for each record */
    SSL_CTX_set_session_cache_mode(made, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(made, redis_tls_on_session);
    SSL_CTX_set_verify(made, verify == REDIS_TLS_VERIFY_NONE ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, NULL);
}

static const char *reason(int failed, bool is_encrypted) {
    unsigned long error = ERR_peek_error();
    const char *text = ERR_reason_error_string(error);
    if (is_encrypted)
        return "the key is encrypted, which is not supported";
    if (failed == KEY && ERR_GET_LIB(error) != ERR_LIB_X509) /* else it is not the key of this certificate */
        return "it has no key in PEM format";
    return text ? text : "it cannot be used";
}

static int make(const redis_tls_context *context, SSL_CTX **out) {
    bool is_encrypted = false;
    ERR_clear_error();
    SSL_CTX *made = SSL_CTX_new(TLS_client_method());
    if (!made)
        return lesson_store_fail(LESSON_STORE_NO_MEMORY, "%s: no memory left for TLS", context->shown);
    set_up(made, context->verify);
    SSL_CTX_set_default_passwd_cb(made, refuse_password);
    SSL_CTX_set_default_passwd_cb_userdata(made, &is_encrypted);
    int failed = load(made, context->names);
    SSL_CTX_set_default_passwd_cb_userdata(made, NULL);
    if (failed == FILES) {
        ERR_clear_error();
        *out = made;
        return LESSON_STORE_OK;
    }
    const char *name = context->names[failed];
    lesson_store_fail(LESSON_STORE_INVALID, "%s: %s: %s: %s", context->shown, options[failed],
                      name ? name : "the CAs of the system", reason(failed, is_encrypted));
    ERR_clear_error();
    SSL_CTX_free(made);
    return LESSON_STORE_INVALID;
}

static void forget_session(redis_tls_context *context) {
    SSL_SESSION_free(context->session);
    free(context->session_name);
    context->session = NULL;
    context->session_name = NULL;
}

/* Reads the files if they are not those that were read last. They are looked at first: if one is replaced while it is
 * read, the next connection reads it again. The session goes too, since in it the server knows the old certificate. */
static int read_files(redis_tls_context *context) {
    file_stamp stamps[FILES];
    SSL_CTX *made = NULL;
    int code = look_at_files(context, stamps);
    if (code)
        return code;
    bool is_current = context->ssl_context != NULL;
    for (int i = 0; i < FILES; i++)
        is_current = is_current && is_same(&stamps[i], &context->stamps[i]);
    if (is_current)
        return LESSON_STORE_OK;
    code = make(context, &made);
    if (code)
        return code;
    SSL_CTX_free(context->ssl_context);
    context->ssl_context = made;
    memcpy(context->stamps, stamps, sizeof stamps);
    forget_session(context);
    return LESSON_STORE_OK;
}

/* ---- Opening and closing */

static void close_context(redis_tls_context *context) {
    forget_session(context);
    SSL_CTX_free(context->ssl_context);
    for (int i = 0; i < FILES; i++)
        free(context->names[i]);
    free(context->expected);
    free(context->shown);
    pthread_mutex_destroy(&context->mutex);
    free(context);
}

/* False if there is no memory. */
static bool copy_text(char **out, const char *text) {
    *out = text ? strdup(text) : NULL;
    return *out || !text;
}

static bool copy_settings(redis_tls_context *context, const redis_settings *settings) {
    context->verify = settings->tls_verify;
    return copy_text(&context->shown, settings->shown) && copy_text(&context->names[CA], settings->tls_ca) &&
           copy_text(&context->names[CERTIFICATE], settings->tls_cert) &&
           copy_text(&context->names[KEY], settings->tls_key) && copy_text(&context->expected, settings->tls_name);
}

int redis_tls_context_open(redis_tls_context **out, const redis_settings *settings) {
    redis_tls_context *context = calloc(1, sizeof *context);
    if (!context)
        return lesson_store_fail(LESSON_STORE_NO_MEMORY, "redis: no memory left for TLS");
    pthread_mutex_init(&context->mutex, NULL);
    int code = copy_settings(context, settings) ? read_files(context)
                                                : lesson_store_fail(LESSON_STORE_NO_MEMORY, "redis: no memory left");
    if (code)
        close_context(context);
    else
        *out = context;
    return code;
}

void redis_tls_context_release(redis_tls_context *context) {
    if (context)
        close_context(context);
}

uint64_t redis_tls_context_resumed(redis_tls_context *context) {
    pthread_mutex_lock(&context->mutex);
    uint64_t resumed = context->resumed;
    pthread_mutex_unlock(&context->mutex);
    return resumed;
}

bool redis_tls_context_has_certificate(const redis_tls_context *context) {
    return context->names[CERTIFICATE] != NULL;
}

const char *redis_tls_context_shown(const redis_tls_context *context) {
    return context->shown;
}

/* ---- Connections */

/* RFC 6066 allows no addresses in the server name of the handshake. */
static bool is_address(const char *name) {
    unsigned char address[sizeof(struct in6_addr)];
    return inet_pton(AF_INET, name, address) == 1 || inet_pton(AF_INET6, name, address) == 1;
}

static bool expect_name(const redis_tls_context *context, SSL *ssl, const char *name) {
    X509_VERIFY_PARAM *rules = SSL_get0_param(ssl);
    char shown[REDIS_HOST_SIZE]; /* the macro of OpenSSL casts const away */
    snprintf(shown, sizeof shown, "%s", name);
    if (!is_address(name) && SSL_set_tlsext_host_name(ssl, shown) != 1)
        return false;
    if (context->verify != REDIS_TLS_VERIFY_FULL)
        return true;
    X509_VERIFY_PARAM_set_hostflags(rules, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return (is_address(name) ? X509_VERIFY_PARAM_set1_ip_asc(rules, name)
                             : X509_VERIFY_PARAM_set1_host(rules, name, 0)) == 1;
}

static SSL *begin(redis_tls_context *context, const char *name) {
    ERR_clear_error();
    SSL *ssl = SSL_new(context->ssl_context);
    if (!ssl || !expect_name(context, ssl, name)) {
        SSL_free(ssl);
        return NULL;
    }
    if (context->session && strcmp(context->session_name, name) == 0)
        SSL_set_session(ssl, context->session);
    return ssl;
}

int redis_tls_context_connect(redis_tls_context *context, SSL **out, const char **name) {
    *name = context->expected ? context->expected : *name;
    *out = NULL;
    pthread_mutex_lock(&context->mutex);
    int code = read_files(context);
    if (!code)
        *out = begin(context, *name);
    pthread_mutex_unlock(&context->mutex);
    if (code == LESSON_STORE_INVALID) /* they were valid when the store was opened, and will be again */
        return LESSON_STORE_UNREACHABLE;
    if (!code && !*out)
        return lesson_store_fail(LESSON_STORE_NO_MEMORY, "%s: no TLS connection for the name %s", context->shown,
                                 *name);
    return code;
}

void redis_tls_context_note(redis_tls_context *context, SSL *ssl, bool is_done) {
    pthread_mutex_lock(&context->mutex);
    context->resumed += is_done && SSL_session_reused(ssl);
    if (!is_done && SSL_get_SSL_CTX(ssl) == context->ssl_context)
        forget_session(context);
    pthread_mutex_unlock(&context->mutex);
}

bool redis_tls_context_keep(redis_tls_context *context, const SSL *ssl, SSL_SESSION *session, const char *name) {
    char *copy = strdup(name);
    pthread_mutex_lock(&context->mutex);
    bool is_kept = copy && SSL_get_SSL_CTX(ssl) == context->ssl_context;
    if (is_kept) {
        forget_session(context);
        context->session = session;
        context->session_name = copy;
    }
    pthread_mutex_unlock(&context->mutex);
    if (!is_kept)
        free(copy);
    return is_kept;
}
