/* Files and lines that are read. */
#ifndef LESSONCTL_INPUT_H
#define LESSONCTL_INPUT_H

#include <stdio.h>

#include "lessonctl.h"

/* Why a line is not what it should be: one line for a person. */
struct fault {
    char text[LESSON_STORE_MESSAGE_SIZE];
};

/* Fills in a fault and returns false, so that a parser can return it. */
bool fault_set(struct fault *fault, const char *format, ...) LESSON_STORE_PRINTF(2, 3);

/* True if these bytes are an id. */
bool fault_check_id(struct fault *fault, const char *what, lesson_store_id id);

/* Fills in the status that a word names, or LESSON_STORE_STATUS_NONE where the word is NULL. */
bool fault_read_course_status(struct fault *fault, const char *what, const char *word, int *status);
bool fault_read_chat_status(struct fault *fault, const char *what, const char *word, int *status);

enum line_result { LINE_READ, LINE_END, LINE_TOO_LONG, LINE_FAILED };

/* Reads a line without its line feed into `buffer` and closes it by a NUL; NUL bytes of its own are kept. A line of
 * `size` and more bytes is too long; what is left of it stays unread. */
enum line_result read_line(FILE *stream, char *buffer, size_t size, size_t *length);

/* A file that is read, or standard input for "-" and NULL. */
struct input {
    FILE *stream;
    const char *name; /* for messages */
    uint64_t size;    /* bytes, or 0 if nobody knows */
    uint64_t line_number;
    bool is_stdin;
};

/* An exit status, with a message if the file cannot be opened. A shell that reads its commands from standard input
 * cannot read data there. */
int input_open(struct input *input, const struct call *call, const char *path);

/* Makes sure that the input can be read twice, by copying a pipe to a file without a name. */
int input_spool(struct input *input, const struct call *call);
void input_rewind(struct input *input);

/* Reads the next line. A failure is said in a message: *status is then not EXIT_YES. */
enum line_result input_line(struct input *input, const struct call *call, char *buffer, size_t size, size_t *length,
                            int *status);

/* "FILE: line 7: why"; returns EXIT_USAGE. */
int input_malformed(const struct input *input, const struct call *call, const struct fault *fault);

uint64_t input_done(const struct input *input);
void input_close(struct input *input);

#endif
