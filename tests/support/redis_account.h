/* The accounts that backends/redis/README.md and backends/cluster/README.md recommend, read from those pages. */
#ifndef LESSON_STORE_TESTS_REDIS_ACCOUNT_H
#define LESSON_STORE_TESTS_REDIS_ACCOUNT_H

#include <stddef.h>

enum { REDIS_RIGHTS_MAX = 60 };

#define REDIS_ACCOUNT_KEYS "~STATUS:*"
#define REDIS_ACCOUNT_HELPERS "~{STATUS* ~{*}STATUS:*"

typedef struct redis_account {
    char text[2048];
    size_t size;
    const char *keys;                         /* the patterns */
    const char *rights[REDIS_RIGHTS_MAX + 1]; /* as "+hget"; the last is followed by NULL */
    size_t count;
} redis_account;

/* The first is that of the redis backend; the second has what the cluster backend needs too. Exit with a message if a
 * page has no such account. */
void redis_account_read(redis_account *account);
void redis_account_read_of_slots(redis_account *account);

/* Writes the command that makes the account, without one of its rights. NULL: with all of them. */
void redis_account_write(char *out, size_t size, const redis_account *account, const char *without);

/* Writes the location of a server for the user "school" with the password "secret". `location` is one without a user.
 */
void redis_account_locate(char *out, size_t size, const char *location);

#endif
