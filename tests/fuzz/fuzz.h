/*
 * What the fuzz targets share. A target is one file with the function that libFuzzer calls; it judges what comes out,
 * and not only whether it crashes.
 */
#ifndef LESSON_STORE_FUZZ_H
#define LESSON_STORE_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <lessonstore/lessonstore.h>

/* The target: runs one input, and returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Ends the process, which libFuzzer and the tests take for a find, unless the condition holds. */
#define REQUIRE(condition) ((condition) ? (void)0 : fuzz_broken(__FILE__, __LINE__, #condition))
_Noreturn void fuzz_broken(const char *file, int line, const char *condition);

/* The input, from which values are taken one after the other; behind its end there are zeros and empty texts. */
typedef struct fuzz_input {
    const uint8_t *data;
    size_t size;
} fuzz_input;

uint8_t fuzz_take_byte(fuzz_input *input);

/* What stands before the next separator, or all that is left; the separator is taken too. Borrowed from the input. */
fuzz_input fuzz_take_part(fuzz_input *input, uint8_t separator);

/* Copies of just these bytes, so that whoever reads beyond them is caught; to be freed. */
char *fuzz_copy(const void *data, size_t size);
char *fuzz_copy_text(const void *data, size_t size); /* with a NUL behind it */

/* What an id is by RFC 3629, worked out by code points, and slowly; not by the library. */
size_t fuzz_sequence(const uint8_t *text, size_t size); /* as lesson_store__utf8_sequence */
bool fuzz_is_id(const char *data, size_t size);

/* As lesson_store_make_printable. */
void fuzz_make_printable(char *text);

#endif
