/* The password of a connection, from the location or from a file. */
#ifndef LESSON_STORE_REDIS_PASSWORD_H
#define LESSON_STORE_REDIS_PASSWORD_H

#include "settings.h"

#define REDIS_PASSWORD_SIZE 4097 /* a password of a file has at most 4096 bytes */

/* A password for one greeting. redis_password_forget overwrites it. */
typedef struct redis_password {
    const char *text; /* NULL: none */
    char bytes[REDIS_PASSWORD_SIZE];
} redis_password;

/* Reads the password of one account of the settings. A file is read each time, so that a secret that was replaced in it
 * counts from the next connection on; its first line is the password. Returns OK, or a code with its message set. */
int redis_password_read(redis_password *password, const redis_settings *settings, const redis_account *account);
void redis_password_forget(redis_password *password);

#endif
