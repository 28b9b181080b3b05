/* Operations that are collected from the lines of a file and run together. */
#ifndef LESSONCTL_BATCH_H
#define LESSONCTL_BATCH_H

#include "input.h"

/* Called for each operation with a code of 0 or more, in order. */
typedef void (*batch_callback)(const lesson_store_operation *operation, void *context);

struct batch {
    lesson_store_operation *operations;
    uint64_t *line_numbers;
    size_t count;
    size_t capacity;
};

/* Runs one operation and returns its code. Operations can ask and answer more than the single calls of the library. */
int batch_of_one(const struct call *call, lesson_store_operation *operation);

/* False if there is no memory. */
bool batch_begin(struct batch *batch, size_t capacity);
void batch_end(struct batch *batch);

/* Adds an operation for the line. There must be room. */
lesson_store_operation *batch_add(struct batch *batch, lesson_store_operation_kind kind, uint64_t line_number);

/* Runs the collected operations and empties the batch. Returns an exit status. A message about a failure names the file
 * and the line. */
int batch_run(struct batch *batch, const struct call *call, const struct input *input, batch_callback callback,
              void *context);

#endif
