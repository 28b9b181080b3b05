/* Frozen: lessonstore.h as programs and backends of version 0.1 were compiled with it before lists by page came, without
 * its comments. Never change it. */
#ifndef LESSONSTORE_LESSONSTORE_H
#define LESSONSTORE_LESSONSTORE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#ifdef __cplusplus
extern "C" {
#endif
#define LESSON_STORE_VERSION_MAJOR 0
#define LESSON_STORE_VERSION_MINOR 1
#define LESSON_STORE_VERSION_PATCH 0
#if defined(__GNUC__)
#define LESSON_STORE_API __attribute__((visibility("default")))
#define LESSON_STORE_PRINTF(format_index, first_argument) __attribute__((format(printf, format_index, first_argument)))
#define LESSON_STORE_RARE __attribute__((cold))
#else
#define LESSON_STORE_API
#define LESSON_STORE_PRINTF(format_index, first_argument)
#define LESSON_STORE_RARE
#endif
#define LESSON_STORE_ID_MAX 255
#define LESSON_STORE_LOCATION_MAX 4096
#define LESSON_STORE_MESSAGE_SIZE 1024
#define LESSON_STORE_BATCH_MAX 65536
#define LESSON_STORE_POOL_MAX 64
#define LESSON_STORE_CODE_MAP(X) \
    X(OK, 0, "done") \
    X(NOT_FOUND, 1, "not found") \
    X(EXISTS, 2, "exists already") \
    X(REFUSED, 3, "refused by a flag of the call") \
    X(CONFLICT, 4, "the current state is not the expected one") \
    X(INVALID, -1, "invalid argument") \
    X(UNSUPPORTED, -2, "not supported by this store") \
    X(REENTERED, -3, "called from a callback of the same store") \
    X(NO_MEMORY, -4, "out of memory") \
    X(UNREACHABLE, -5, "the store cannot be reached") \
    X(DENIED, -6, "access denied by the store") \
    X(READ_ONLY, -7, "the store is read-only") \
    X(FULL, -8, "the store has no room left") \
    X(BUSY, -9, "the store is locked by another process") \
    X(UNKNOWN, -10, "outcome unknown: the request may or may not have been applied") \
    X(MALFORMED, -11, "the stored data is malformed") \
    X(FAILED, -12, "the store failed") \
    X(EXPIRED, -13, "timed out; nothing was changed") \
    X(CANCELLED, -14, "cancelled before it began") \
    X(OVERLOADED, -15, "too many operations are pending") \
    X(CLOSED, -16, "closed to new operations")
typedef enum lesson_store_code {
#define LESSON_STORE_CODE_ENUM(name, value, text) LESSON_STORE_##name = (value),
    LESSON_STORE_CODE_MAP(LESSON_STORE_CODE_ENUM)
#undef LESSON_STORE_CODE_ENUM
} lesson_store_code;
LESSON_STORE_API const char *lesson_store_code_name(int code);
LESSON_STORE_API const char *lesson_store_code_text(int code);
LESSON_STORE_API const char *lesson_store_message(void);
LESSON_STORE_API void lesson_store_make_printable(char *text);
LESSON_STORE_API const char *lesson_store_version(void);
enum {
    LESSON_STORE_STATUS_NONE = -1,
    LESSON_STORE_COURSE_OFFLINE = 0,
    LESSON_STORE_COURSE_ONLINE = 1,
    LESSON_STORE_COURSE_CANT_JOIN_IN = 2,
    LESSON_STORE_COURSE_WAITING = 3,
    LESSON_STORE_CHAT_FREE = 0,
    LESSON_STORE_CHAT_BANNED = 1
};
LESSON_STORE_API const char *lesson_store_course_status_word(int course_status);
LESSON_STORE_API const char *lesson_store_chat_status_word(int chat_status);
LESSON_STORE_API int lesson_store_course_status_of(const char *word);
LESSON_STORE_API int lesson_store_chat_status_of(const char *word);
typedef struct lesson_store_id {
    const char *data;
    size_t size;
} lesson_store_id;
static inline lesson_store_id lesson_store_id_of(const char *text) {
    lesson_store_id id;
    id.data = text;
    id.size = text ? strlen(text) : 0;
    return id;
}
LESSON_STORE_API int lesson_store_id_check(const char *what, lesson_store_id id);
typedef struct lesson_store_place {
    char course_id[LESSON_STORE_ID_MAX + 1];
    char lesson_id[LESSON_STORE_ID_MAX + 1];
    char session[LESSON_STORE_ID_MAX + 1];
    char reserved_id[LESSON_STORE_ID_MAX + 1];
    uint64_t reserved[8];
} lesson_store_place;
typedef struct lesson_store_lesson {
    lesson_store_id lesson_id;
    uint64_t member_count;
    int32_t course_status;
    int32_t chat_status;
    bool has_record;
    uint64_t reserved[8];
} lesson_store_lesson;
typedef struct lesson_store_user {
    lesson_store_id uid;
    lesson_store_id course_id;
    lesson_store_id lesson_id;
    lesson_store_id session;
    uint64_t reserved[8];
} lesson_store_user;
typedef struct lesson_store lesson_store;
LESSON_STORE_API int lesson_store_open(lesson_store **out, const char *location);
LESSON_STORE_API void lesson_store_close(lesson_store *store);
enum {
    LESSON_STORE_CREATE_RESET = 1 << 0,
    LESSON_STORE_END_RECORD_ONLY = 1 << 1,
    LESSON_STORE_JOIN_IF_EXISTS = 1 << 2,
    LESSON_STORE_JOIN_IF_OPEN = 1 << 3,
    LESSON_STORE_JOIN_STAY = 1 << 4
};
LESSON_STORE_API int lesson_store_create(lesson_store *store, const char *lesson_id, uint32_t flags);
LESSON_STORE_API int lesson_store_end(lesson_store *store, const char *lesson_id, uint32_t flags, uint64_t *left);
LESSON_STORE_API int lesson_store_set_course_status(lesson_store *store, const char *lesson_id, int course_status);
LESSON_STORE_API int lesson_store_set_chat_status(lesson_store *store, const char *lesson_id, int chat_status);
LESSON_STORE_API int lesson_store_replace_course_status(lesson_store *store, const char *lesson_id, int expected,
                                                        int course_status, int *current);
LESSON_STORE_API int lesson_store_replace_chat_status(lesson_store *store, const char *lesson_id, int expected,
                                                      int chat_status, int *current);
LESSON_STORE_API int lesson_store_get_lesson(lesson_store *store, const char *lesson_id, lesson_store_lesson *lesson);
LESSON_STORE_API int lesson_store_join(lesson_store *store, const char *uid, const char *course_id,
                                       const char *lesson_id, const char *session, uint32_t flags,
                                       lesson_store_place *before);
LESSON_STORE_API int lesson_store_quit(lesson_store *store, const char *uid, const char *lesson_id, const char *session,
                                       lesson_store_place *before);
LESSON_STORE_API int lesson_store_where(lesson_store *store, const char *uid, lesson_store_place *place);
LESSON_STORE_API int lesson_store_count_members(lesson_store *store, const char *lesson_id, uint64_t *count);
#define LESSON_STORE_OPERATION_MAP(X) \
    X(CREATE, 1, "create") \
    X(END, 2, "end") \
    X(SET, 3, "set") \
    X(GET_LESSON, 4, "get_lesson") \
    X(JOIN, 5, "join") \
    X(QUIT, 6, "quit") \
    X(WHERE, 7, "where") \
    X(COUNT_MEMBERS, 8, "count_members")
typedef enum lesson_store_operation_kind {
    LESSON_STORE_OPERATION_NONE = 0,
#define LESSON_STORE_OPERATION_ENUM(name, number, word) LESSON_STORE_OPERATION_##name = (number),
    LESSON_STORE_OPERATION_MAP(LESSON_STORE_OPERATION_ENUM)
#undef LESSON_STORE_OPERATION_ENUM
} lesson_store_operation_kind;
enum {
#define LESSON_STORE_OPERATION_ENUM(name, number, word) LESSON_STORE_OPERATION_MASK_##name = 1 << (number),
    LESSON_STORE_OPERATION_MAP(LESSON_STORE_OPERATION_ENUM)
#undef LESSON_STORE_OPERATION_ENUM
};
LESSON_STORE_API const char *lesson_store_operation_name(uint32_t kind);
typedef enum lesson_store_arrival {
    LESSON_STORE_ARRIVAL_NEW = 0,
    LESSON_STORE_ARRIVAL_MOVED = 1,
    LESSON_STORE_ARRIVAL_ALREADY_THERE = 2
} lesson_store_arrival;
enum {
    LESSON_STORE_GIVEN_COURSE_STATUS = 1 << 0,
    LESSON_STORE_GIVEN_CHAT_STATUS = 1 << 1,
    LESSON_STORE_GIVEN_IF_COURSE_STATUS = 1 << 2,
    LESSON_STORE_GIVEN_IF_CHAT_STATUS = 1 << 3
};
typedef struct lesson_store_operation {
    uint32_t kind;
    uint32_t flags;
    lesson_store_id uid;
    lesson_store_id course_id;
    lesson_store_id lesson_id;
    lesson_store_id session;
    uint32_t given;
    int32_t course_status;
    int32_t chat_status;
    int32_t if_course_status;
    int32_t if_chat_status;
    uint32_t message_size;
    char *message;
    lesson_store_place *place;
    uint64_t reserved[12];
    int32_t code;
    uint32_t arrival;
    uint32_t refused_by;
    uint32_t reserved_answer;
    uint64_t count;
    lesson_store_lesson lesson;
    uint64_t reserved_answers[8];
} lesson_store_operation;
LESSON_STORE_API int lesson_store_batch(lesson_store *store, lesson_store_operation *operations, size_t count);
typedef bool (*lesson_store_member_callback)(const lesson_store_id *uid, void *context);
typedef bool (*lesson_store_lesson_callback)(const lesson_store_lesson *lesson, void *context);
typedef bool (*lesson_store_user_callback)(const lesson_store_user *user, void *context);
LESSON_STORE_API int lesson_store_members(lesson_store *store, const char *lesson_id,
                                          lesson_store_member_callback callback, void *context);
LESSON_STORE_API int lesson_store_lessons(lesson_store *store, lesson_store_lesson_callback callback, void *context);
LESSON_STORE_API int lesson_store_users(lesson_store *store, lesson_store_user_callback callback, void *context);
typedef enum lesson_store_finding_kind {
    LESSON_STORE_FINDING_GHOST_MEMBER = 0,
    LESSON_STORE_FINDING_MISSING_MEMBER = 1,
    LESSON_STORE_FINDING_INCOMPLETE_LESSON = 2,
    LESSON_STORE_FINDING_INCOMPLETE_USER = 3,
    LESSON_STORE_FINDING_ENDED_LESSON = 4,
    LESSON_STORE_FINDING_MALFORMED = 5
} lesson_store_finding_kind;
LESSON_STORE_API const char *lesson_store_finding_text(int kind);
typedef struct lesson_store_finding {
    uint32_t kind;
    bool repairable;
    bool repaired;
    lesson_store_id lesson_id;
    lesson_store_id uid;
    const char *detail;
    uint64_t reserved[4];
} lesson_store_finding;
typedef bool (*lesson_store_finding_callback)(const lesson_store_finding *finding, void *context);
enum {
    LESSON_STORE_CHECK_REPAIR = 1 << 0,
    LESSON_STORE_CHECK_ENDED = 1 << 1
};
LESSON_STORE_API int lesson_store_check(lesson_store *store, uint32_t flags, lesson_store_finding_callback callback,
                                        void *context, uint64_t *found, uint64_t *repaired);
enum {
    LESSON_STORE_CALL_MEMBERS = 1 << 0,
    LESSON_STORE_CALL_LESSONS = 1 << 1,
    LESSON_STORE_CALL_USERS = 1 << 2,
    LESSON_STORE_CALL_CHECK = 1 << 3
};
enum {
    LESSON_STORE_CAN_KEEP_SESSIONS = 1 << 0,
    LESSON_STORE_CAN_SHARE = 1 << 1,
    LESSON_STORE_CAN_PERSIST = 1 << 2
};
#define LESSON_STORE_OPERATIONS_0_1 \
    (LESSON_STORE_OPERATION_MASK_CREATE | LESSON_STORE_OPERATION_MASK_END | LESSON_STORE_OPERATION_MASK_SET | \
     LESSON_STORE_OPERATION_MASK_GET_LESSON | LESSON_STORE_OPERATION_MASK_JOIN | LESSON_STORE_OPERATION_MASK_QUIT | \
     LESSON_STORE_OPERATION_MASK_WHERE | LESSON_STORE_OPERATION_MASK_COUNT_MEMBERS)
#define LESSON_STORE_FLAGS_0_1 \
    (LESSON_STORE_CREATE_RESET | LESSON_STORE_END_RECORD_ONLY | LESSON_STORE_JOIN_IF_EXISTS | \
     LESSON_STORE_JOIN_IF_OPEN | LESSON_STORE_JOIN_STAY)
#define LESSON_STORE_CALLS_0_1 \
    (LESSON_STORE_CALL_MEMBERS | LESSON_STORE_CALL_LESSONS | LESSON_STORE_CALL_USERS | LESSON_STORE_CALL_CHECK )
typedef struct lesson_store_abilities {
    size_t size;
    uint64_t operations;
    uint64_t flags;
    uint64_t calls;
    uint64_t capabilities;
    uint64_t end_at_once_max;
    uint64_t members_at_once_max;
} lesson_store_abilities;
#define LESSON_STORE_ABILITIES_INIT \
    { sizeof(lesson_store_abilities), 0, 0, 0, 0, 0, 0 }
LESSON_STORE_API void lesson_store_abilities_init(lesson_store_abilities *abilities, size_t size);
LESSON_STORE_API int lesson_store_read_abilities(const lesson_store *store, lesson_store_abilities *abilities);
typedef bool (*lesson_store_info_callback)(const char *name, const char *value, void *context);
LESSON_STORE_API int lesson_store_info(lesson_store *store, lesson_store_info_callback callback, void *context);
#ifdef __cplusplus
}
#endif
#endif
