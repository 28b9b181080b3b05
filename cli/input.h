/* Input files and their lines. */
#ifndef LESSONCTL_INPUT_H
#define LESSONCTL_INPUT_H

#include <stdio.h>

#include "lessonctl.h"

/* Why a line is malformed: one line for a person. */
struct fault {
    char text[LESSON_STORE_MESSAGE_SIZE];
};

/* Fills in a fault and returns false, so that a parser can return it. */
bool fault_set(struct fault *fault, const char *format, ...) LESSON_STORE_PRINTF(2, 3);

/* True if these bytes are an id. */
bool fault_check_id(struct fault *fault, const char *what, lesson_store_id id);

/* Sets the status that a word names, or LESSON_STORE_STATUS_NONE if the word is NULL. */
bool fault_read_course_status(struct fault *fault, const char *what, const char *word, int *status);
bool fault_read_chat_status(struct fault *fault, const char *what, const char *word, int *status);

enum line_result { LINE_READ, LINE_END, LINE_TOO_LONG, LINE_FAILED };

/* Reads a line without its newline into `buffer` and terminates it by a NUL; NUL bytes in the line are kept. A line of
 * `size` or more bytes is too long, and its rest stays unread. */
enum line_result read_line(FILE *stream, char *buffer, size_t size, size_t *length);

/* An input file, or standard input for "-" and NULL. */
struct input {
    FILE *stream;
    FILE *copy;       /* of the lines that were read, if they cannot be read again */
    const char *name; /* for messages */
    uint64_t size;    /* bytes, or 0 if unknown */
    uint64_t line_number;
    uint64_t last_line; /* beyond it is what was not there at the first reading */
    bool is_stdin;
};

/* Returns an exit status, with a message if the file cannot be opened or belongs to the store. A shell that reads its
 * commands from standard input cannot read data there. */
int input_open(struct input *input, const struct call *call, const char *path);

/* Makes sure that the input can be read twice: from now on each line of a pipe is also written to a file without a
 * name.
 */
int input_keep(struct input *input, const struct call *call);

/* Begins to read the same lines again. */
int input_again(struct input *input, const struct call *call);

/* Reads the next line. After a failure a message is printed, and *status is not EXIT_YES. */
enum line_result input_line(struct input *input, const struct call *call, char *buffer, size_t size, size_t *length,
                            int *status);

/* Prints "FILE: line 7: why". Returns EXIT_USAGE. */
int input_malformed(const struct input *input, const struct call *call, const struct fault *fault);

uint64_t input_done(const struct input *input);
void input_close(struct input *input);

#endif
