/* Operations that are gathered from the lines of a file and run together. */
#ifndef LESSONCTL_BATCH_H
#define LESSONCTL_BATCH_H

#include "input.h"

/* Hears of each operation that was answered, with a code of 0 or more, in order. */
typedef void (*batch_callback)(const lesson_store_operation *operation, void *context);

struct batch {
    lesson_store_operation *operations;
    uint64_t *line_numbers;
    size_t count;
    size_t capacity;
};

/* False if there is no memory. */
bool batch_begin(struct batch *batch, size_t capacity);
void batch_end(struct batch *batch);

/* A fresh operation of the line; there must be room. */
lesson_store_operation *batch_add(struct batch *batch, lesson_store_operation_kind kind, uint64_t line_number);

/* Runs what was gathered and empties the batch. An exit status; a failure is said with the file and the line. */
int batch_run(struct batch *batch, const struct call *call, const struct input *input, batch_callback callback,
              void *context);

#endif
