/* Certificates for one test, in a temporary directory. certificates.sh says which there are. */
#ifndef LESSON_STORE_TESTS_CERTIFICATES_H
#define LESSON_STORE_TESTS_CERTIFICATES_H

typedef struct certificates {
    char directory[64];
} certificates;

/* Makes them, with openssl(1). Returns -1, with a message on stderr, if it cannot. */
int certificates_make(certificates *made);
void certificates_remove(certificates *made);

#endif
