/* Frozen: backend.h as programs and backends of version 0.1 were compiled with it before lists by page came, without
 * its comments. Never change it. */
#ifndef LESSONSTORE_BACKEND_H
#define LESSONSTORE_BACKEND_H
#include <lessonstore/lessonstore.h>
#ifdef __cplusplus
extern "C" {
#endif
typedef struct lesson_store_backend lesson_store_backend;
typedef struct lesson_store_instance {
    uint64_t capabilities;
    uint64_t end_at_once_max;
    uint64_t members_at_once_max;
    uint64_t reserved[5];
} lesson_store_instance;
typedef struct lesson_store_location lesson_store_location;
LESSON_STORE_API const char *lesson_store_location_scheme(const lesson_store_location *location);
LESSON_STORE_API const char *lesson_store_location_user(const lesson_store_location *location);
LESSON_STORE_API const char *lesson_store_location_password(const lesson_store_location *location);
LESSON_STORE_API const char *lesson_store_location_host(const lesson_store_location *location);
LESSON_STORE_API int lesson_store_location_port(const lesson_store_location *location);
LESSON_STORE_API const char *lesson_store_location_path(const lesson_store_location *location);
LESSON_STORE_API const char *lesson_store_location_directory(const lesson_store_location *location);
LESSON_STORE_API const lesson_store_instance *lesson_store_location_first(const lesson_store_location *location);
LESSON_STORE_API const char *lesson_store_location_shown(const lesson_store_location *location);
LESSON_STORE_API const char *lesson_store_location_text(const lesson_store_location *location, const char *name);
LESSON_STORE_API int64_t lesson_store_location_number(const lesson_store_location *location, const char *name);
LESSON_STORE_API bool lesson_store_location_has(const lesson_store_location *location, const char *name);
enum {
    LESSON_STORE_OPTION_SECRET =
        1 << 0
};
typedef struct lesson_store_option {
    const char *name;
    const char *summary;
    const char *choices;
    const char *text_default;
    int64_t number_default;
    int64_t minimum;
    int64_t maximum;
    uint32_t flags;
    uint32_t reserved;
    uint64_t reserved_words[3];
} lesson_store_option;
LESSON_STORE_API LESSON_STORE_RARE int lesson_store_fail(int code, const char *format, ...) LESSON_STORE_PRINTF(2, 3);
LESSON_STORE_API LESSON_STORE_RARE void lesson_store_keep_message(lesson_store_operation *operation);
static inline void lesson_store_answer(lesson_store_operation *operation, int code) {
    operation->code = code;
    if (code < 0)
        lesson_store_keep_message(operation);
}
LESSON_STORE_API void lesson_store_fail_operations(lesson_store_operation *operations, size_t first, size_t end,
                                                   int code);
LESSON_STORE_API int lesson_store_code_of_unsent(int code);
#define LESSON_STORE_UNANSWERED INT32_MIN
LESSON_STORE_API void lesson_store_answer_place(const lesson_store_operation *operation, lesson_store_id course_id,
                                                lesson_store_id lesson_id, lesson_store_id session);
LESSON_STORE_API bool lesson_store_id_valid(const char *data, size_t size);
static inline bool lesson_store_id_equal(lesson_store_id left, lesson_store_id right) {
    return left.size == right.size && (left.size == 0 || memcmp(left.data, right.data, left.size) == 0);
}
LESSON_STORE_API void lesson_store_id_copy(char field[LESSON_STORE_ID_MAX + 1], lesson_store_id id);
LESSON_STORE_API bool lesson_store_operation_writes(const lesson_store_operation *operation);
LESSON_STORE_API bool lesson_store_any_writes(const lesson_store_operation *operations, size_t count);
LESSON_STORE_API uint32_t lesson_store_join_refused_by(const lesson_store_operation *join, bool has_record,
                                                       int32_t course_status, bool is_elsewhere);
LESSON_STORE_API bool lesson_store_set_expects(const lesson_store_operation *set, int32_t course_status,
                                               int32_t chat_status);
LESSON_STORE_API int64_t lesson_store_monotonic_us(void);
LESSON_STORE_API int lesson_store_random(void *bytes, size_t size);
LESSON_STORE_API bool lesson_store_sized_read(void *to, size_t to_size, const void *from, size_t least);
LESSON_STORE_API void lesson_store_sized_init(void *to, size_t size, const void *from, size_t from_size);
typedef struct lesson_store_seen lesson_store_seen;
LESSON_STORE_API int lesson_store_seen_add(lesson_store_seen **seen, const char *data, size_t size);
LESSON_STORE_API void lesson_store_seen_free(lesson_store_seen *seen);
struct lesson_store_backend {
    size_t size;
    const char *schemes;
    const char *summary;
    uint64_t operations;
    uint64_t flags;
    const lesson_store_option *options;
    int32_t default_pool;
    int32_t reserved;
    int (*open)(lesson_store_instance **out, const lesson_store_location *location);
    void (*close)(lesson_store_instance *instance);
    int (*run)(lesson_store_instance *instance, lesson_store_operation *operations, size_t count);
    int (*members)(lesson_store_instance *instance, const lesson_store_id *lesson_id,
                   lesson_store_member_callback callback, void *context);
    int (*lessons)(lesson_store_instance *instance, lesson_store_lesson_callback callback, void *context);
    int (*users)(lesson_store_instance *instance, lesson_store_user_callback callback, void *context);
    int (*check)(lesson_store_instance *instance, uint32_t flags, lesson_store_finding_callback callback,
                 void *context);
    int (*info)(lesson_store_instance *instance, lesson_store_info_callback callback, void *context);
};
LESSON_STORE_API void lesson_store_backend_init(lesson_store_backend *backend, size_t size);
LESSON_STORE_API int lesson_store_register(const lesson_store_backend *backend);
LESSON_STORE_API int lesson_store_open_with(lesson_store **out, const lesson_store_backend *backend,
                                            const char *location);
LESSON_STORE_API const lesson_store_backend *lesson_store_backend_at(size_t index);
LESSON_STORE_API const lesson_store_backend *lesson_store_location_beneath(const lesson_store_location *location);
LESSON_STORE_API int lesson_store_open_beneath(lesson_store_instance **out, const lesson_store_location *location,
                                               const lesson_store_instance *first);
LESSON_STORE_API int lesson_store_run_unanswered(const lesson_store_backend *backend, lesson_store_instance *instance,
                                                 lesson_store_operation *operations, size_t count);
LESSON_STORE_API const lesson_store_instance *lesson_store_first_instance(const lesson_store *store,
                                                                          const lesson_store_backend *backend);
#ifdef __cplusplus
}
#endif
#endif
