/* Certificates for one test, in a temporary directory. certificates.sh says which there are. */
#ifndef LESSON_STORE_TESTS_CERTIFICATES_H
#define LESSON_STORE_TESTS_CERTIFICATES_H

#include <stddef.h>

typedef struct certificates {
    char directory[64];
} certificates;

/* Makes them, with openssl(1). Returns -1, with a message on stderr, if it cannot. */
int certificates_make(certificates *made);
void certificates_remove(certificates *made);

/* Writes a location with these options ("" or "a=b&c=d"). If `made` is not NULL, options ahead of them trust the first
 * CA and show the certificate "client". The location must have none yet. */
void certificates_locate(char *out, size_t size, const certificates *made, const char *location, const char *options);

#endif
