#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "password.h"

static int fail(const redis_settings *settings, const redis_account *account, const char *why) {
    return lesson_store_fail(LESSON_STORE_DENIED, "%s: the %s: %s", settings->shown, account->file_option, why);
}

/* Returns the number of bytes, or -1. */
static ssize_t read_whole(int file, char *bytes, size_t size) {
    size_t count = 0;
    for (;;) {
        ssize_t got = read(file, bytes + count, size - count);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return got < 0 ? -1 : (ssize_t)count;
        count += (size_t)got;
    }
}

static int read_file(redis_password *password, const redis_settings *settings, const redis_account *account) {
    int file = open(account->password_file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (file < 0)
        return fail(settings, account, strerror(errno));
    ssize_t size = read_whole(file, password->bytes, sizeof password->bytes);
    int error = errno;
    close(file);
    if (size < 0)
        return fail(settings, account, strerror(error));
    if (size == sizeof password->bytes)
        return fail(settings, account, "is longer than 4096 bytes");
    password->bytes[size] = '\0';
    password->bytes[strcspn(password->bytes, "\r\n")] = '\0';
    password->text = password->bytes[0] ? password->bytes : NULL;
    return password->text ? LESSON_STORE_OK : fail(settings, account, "has no password in its first line");
}

int redis_password_read(redis_password *password, const redis_settings *settings, const redis_account *account) {
    password->text = account->password;
    return account->password_file ? read_file(password, settings, account) : LESSON_STORE_OK;
}

void redis_password_forget(redis_password *password) {
    explicit_bzero(password, sizeof *password);
}
