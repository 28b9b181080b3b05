/*
 * Shared by the fuzz targets. A target is one file with the function that libFuzzer calls. It judges results, besides
 * looking for crashes.
 */
#ifndef LESSON_STORE_FUZZ_H
#define LESSON_STORE_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <lessonstore/lessonstore.h>

/* The target: runs one input, and returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Ends the process unless the condition holds. libFuzzer and the tests treat that as a find. */
#define REQUIRE(condition) ((condition) ? (void)0 : fuzz_broken(__FILE__, __LINE__, #condition))
_Noreturn void fuzz_broken(const char *file, int line, const char *condition);

/* The input, from which values are taken one after another. After its end come zeros and empty texts. */
typedef struct fuzz_input {
    const uint8_t *data;
    size_t size;
} fuzz_input;

uint8_t fuzz_take_byte(fuzz_input *input);

/* Takes the text before the next separator, or the rest of the input; also takes the separator. Borrowed from the
 * input. */
fuzz_input fuzz_take_part(fuzz_input *input, uint8_t separator);

/* Copies of exactly these bytes, so that a read beyond them is caught. The caller frees them. */
char *fuzz_copy(const void *data, size_t size);
char *fuzz_copy_text(const void *data, size_t size); /* with a NUL appended */

/* The rule for ids by RFC 3629, implemented slowly through code points, without the library. */
size_t fuzz_sequence(const uint8_t *text, size_t size); /* like lesson_store__utf8_sequence */
bool fuzz_is_id(const char *data, size_t size);

/* Like lesson_store_make_printable. */
void fuzz_make_printable(char *text);

#endif
