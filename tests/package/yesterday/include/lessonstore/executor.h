/* Frozen: executor.h as programs and backends of version 0.1 were compiled with it before lists by page came, without
 * its comments. Never change it. */
#ifndef LESSONSTORE_EXECUTOR_H
#define LESSONSTORE_EXECUTOR_H
#include <lessonstore/lessonstore.h>
#ifdef __cplusplus
extern "C" {
#endif
#define LESSON_STORE_EXECUTOR_LANES_MAX LESSON_STORE_POOL_MAX
#define LESSON_STORE_EXECUTOR_PENDING_MAX 1048576
#define LESSON_STORE_EXECUTOR_QUEUES_MAX 256
typedef struct lesson_store_executor lesson_store_executor;
typedef struct lesson_store_completion_queue lesson_store_completion_queue;
typedef struct lesson_store_executor_options {
    size_t size;
    uint32_t lanes;
    uint32_t pending_max;
    uint32_t batch_max;
    uint32_t reserved;
} lesson_store_executor_options;
#define LESSON_STORE_EXECUTOR_OPTIONS_INIT \
    { sizeof(lesson_store_executor_options), 0, 0, 0, 0 }
LESSON_STORE_API void lesson_store_executor_options_init(lesson_store_executor_options *options, size_t size);
LESSON_STORE_API int lesson_store_executor_open(lesson_store_executor **out, lesson_store *store,
                                                const lesson_store_executor_options *options);
typedef void (*lesson_store_completion_callback)(const lesson_store_operation *operation, void *context);
LESSON_STORE_API int lesson_store_executor_submit(lesson_store_executor *executor,
                                                  const lesson_store_operation *operation, int64_t timeout_ms,
                                                  lesson_store_completion_queue *queue,
                                                  lesson_store_completion_callback callback, void *context,
                                                  uint64_t *ticket);
LESSON_STORE_API int lesson_store_executor_run(lesson_store_executor *executor, lesson_store_operation *operation,
                                               int64_t timeout_ms);
LESSON_STORE_API int lesson_store_executor_cancel(lesson_store_executor *executor, uint64_t ticket);
LESSON_STORE_API int lesson_store_executor_add_queue(lesson_store_completion_queue **out,
                                                     lesson_store_executor *executor);
LESSON_STORE_API int lesson_store_executor_remove_queue(lesson_store_executor *executor,
                                                        lesson_store_completion_queue *queue);
LESSON_STORE_API int lesson_store_completion_queue_descriptor(const lesson_store_completion_queue *queue);
LESSON_STORE_API size_t lesson_store_completion_queue_drain(lesson_store_completion_queue *queue, size_t most);
enum { LESSON_STORE_STOP_CANCEL = 1 << 0 };
LESSON_STORE_API int lesson_store_executor_stop(lesson_store_executor *executor, uint32_t flags);
LESSON_STORE_API void lesson_store_executor_close(lesson_store_executor *executor);
typedef struct lesson_store_executor_figures {
    size_t size;
    uint64_t accepted;
    uint64_t completed;
    uint64_t pending;
    uint64_t overloaded;
    uint64_t expired;
    uint64_t cancelled;
    uint64_t batches;
    uint64_t largest_batch;
} lesson_store_executor_figures;
#define LESSON_STORE_EXECUTOR_FIGURES_INIT \
    { sizeof(lesson_store_executor_figures), 0, 0, 0, 0, 0, 0, 0, 0 }
LESSON_STORE_API void lesson_store_executor_figures_init(lesson_store_executor_figures *figures, size_t size);
LESSON_STORE_API int lesson_store_executor_read_figures(lesson_store_executor *executor,
                                                        lesson_store_executor_figures *figures);
#ifdef __cplusplus
}
#endif
#endif
