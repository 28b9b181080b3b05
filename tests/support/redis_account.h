/* The account that backends/redis/README.md recommends, read from that page. */
#ifndef LESSON_STORE_TESTS_REDIS_ACCOUNT_H
#define LESSON_STORE_TESTS_REDIS_ACCOUNT_H

#include <stddef.h>

enum { REDIS_RIGHTS_MAX = 40 };

typedef struct redis_account {
    char text[2048];
    const char *rights[REDIS_RIGHTS_MAX + 1]; /* as "+hget"; the last is followed by NULL */
    size_t count;
} redis_account;

/* Exits with a message if the page has no such account. */
void redis_account_read(redis_account *account);

/* Writes the command that makes the account, without one of its rights. NULL: with all of them. */
void redis_account_write(char *out, size_t size, const redis_account *account, const char *without);

/* Writes the location of a server for the user "school" with the password "secret". `location` is one without a user.
 */
void redis_account_locate(char *out, size_t size, const char *location);

#endif
