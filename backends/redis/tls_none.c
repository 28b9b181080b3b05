/* For a build without OpenSSL. Only opening a context can be called: without one there are no connections. */
#include "tls.h"

int redis_tls_context_open(redis_tls_context **out, const redis_settings *settings) {
    *out = NULL;
    return lesson_store_fail(LESSON_STORE_UNSUPPORTED, "%s: this library was built without TLS (LESSONSTORE_TLS)",
                             settings->shown);
}

void redis_tls_context_release(redis_tls_context *context) {
    (void)context;
}

uint64_t redis_tls_context_resumed(redis_tls_context *context) {
    (void)context;
    return 0;
}

int redis_tls_open(redis_tls **out, redis_tls_context *context, int socket, const char *name) {
    (void)context, (void)socket, (void)name;
    *out = NULL;
    return lesson_store_fail(LESSON_STORE_UNSUPPORTED, "redis: this library was built without TLS");
}

void redis_tls_close(redis_tls *tls, bool says_goodbye) {
    (void)tls, (void)says_goodbye;
}

int redis_tls_shake_hands(redis_tls *tls) {
    (void)tls;
    return -1;
}

ssize_t redis_tls_send(redis_tls *tls, const char *bytes, size_t size) {
    (void)tls, (void)bytes, (void)size;
    return -1;
}

ssize_t redis_tls_receive(redis_tls *tls, char *bytes, size_t size, int flags) {
    (void)tls, (void)bytes, (void)size, (void)flags;
    return -1;
}

short redis_tls_send_events(const redis_tls *tls) {
    (void)tls;
    return 0;
}

short redis_tls_receive_events(const redis_tls *tls) {
    (void)tls;
    return 0;
}

bool redis_tls_has_pending(const redis_tls *tls) {
    (void)tls;
    return false;
}

bool redis_tls_is_stale(redis_tls *tls) {
    (void)tls;
    return true;
}

const char *redis_tls_problem(const redis_tls *tls) {
    (void)tls;
    return "";
}

int redis_tls_code(const redis_tls *tls) {
    (void)tls;
    return LESSON_STORE_UNSUPPORTED;
}

void redis_tls_describe(const redis_tls *tls, char *text, size_t size) {
    (void)tls;
    if (size > 0)
        text[0] = '\0';
}

bool redis_tls_is_resumed(const redis_tls *tls) {
    (void)tls;
    return false;
}
