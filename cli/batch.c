#include <inttypes.h>
#include <stdlib.h>

#include "batch.h"

int batch_of_one(const struct call *call, lesson_store_operation *operation) {
    int code = lesson_store_batch(call->store, operation, 1);
    return code ? code : operation->code;
}

bool batch_begin(struct batch *batch, size_t capacity) {
    *batch = (struct batch){.capacity = capacity};
    batch->operations = calloc(capacity, sizeof *batch->operations);
    batch->line_numbers = calloc(capacity, sizeof *batch->line_numbers);
    return batch->operations && batch->line_numbers;
}

void batch_end(struct batch *batch) {
    free(batch->operations);
    free(batch->line_numbers);
}

lesson_store_operation *batch_add(struct batch *batch, lesson_store_operation_kind kind, uint64_t line_number) {
    size_t index = batch->count++;
    batch->operations[index] = (lesson_store_operation){.kind = kind};
    batch->line_numbers[index] = line_number;
    return &batch->operations[index];
}

/* Writes the text before the library's message. If the batch as a whole failed, it names the first operation without an
 * answer. Otherwise it names the operation that failed last, because the message is that of the latest failure. */
static void describe_failure(const struct batch *batch, const struct input *input, int code, char *text, size_t size) {
    uint64_t first = 0, last = 0, failures = 0;
    for (size_t i = 0; i < batch->count; i++) {
        if (batch->operations[i].code >= 0)
            continue;
        last = batch->line_numbers[i];
        first = failures++ == 0 ? last : first;
    }
    if (code)
        snprintf(text, size, "%s: from line %" PRIu64 " on", input->name, first);
    else if (failures == 1)
        snprintf(text, size, "%s: line %" PRIu64, input->name, last);
    else
        snprintf(text, size, "%s: %" PRIu64 " lines from %" PRIu64 " on have failed; line %" PRIu64, input->name,
                 failures, first, last);
}

/* An unknown outcome is the most important result for the caller. */
static int worst_code(const struct batch *batch, int code) {
    for (size_t i = 0; i < batch->count; i++) {
        int answer = batch->operations[i].code;
        if (answer < 0 && (code == 0 || answer == LESSON_STORE_UNKNOWN))
            code = answer;
    }
    return code;
}

int batch_run(struct batch *batch, const struct call *call, const struct input *input, batch_callback callback,
              void *context) {
    int code = lesson_store_batch(call->store, batch->operations, batch->count);
    for (size_t i = 0; i < batch->count; i++) {
        if (batch->operations[i].code >= 0)
            callback(&batch->operations[i], context);
    }
    int worst = worst_code(batch, code);
    int status = EXIT_YES;
    if (worst) {
        char where[512];
        describe_failure(batch, input, code, where, sizeof where);
        status = report_failure(call, where, worst);
    }
    batch->count = 0;
    return status;
}
