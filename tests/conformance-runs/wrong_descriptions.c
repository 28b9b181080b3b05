/* Descriptions that declare more than the backend can do, or less. */
#include "wrapper.h"
#include "wrong_backends.h"

static void no_check_table(lesson_store_backend *table) {
    table->check = NULL;
}

static void no_set_table(lesson_store_backend *table) {
    table->operations &= ~(uint64_t)LESSON_STORE_OPERATION_MASK_SET;
}

void no_stay_table(lesson_store_backend *table) {
    table->flags &= ~(uint32_t)LESSON_STORE_JOIN_STAY;
}

void describe_shared(lesson_store_conformance_backend *description) {
    description->capabilities |= LESSON_STORE_CAN_SHARE;
}

static int open_with_steps(lesson_store_instance **out, const lesson_store_location *location) {
    int code = wrapper_open(out, location);
    if (!code)
        (*out)->exceptions = LESSON_STORE_EXCEPT_STEPS;
    return code;
}

static void steps_table(lesson_store_backend *table) {
    table->open = open_with_steps;
}

static void describe_no_users(lesson_store_conformance_backend *description) {
    description->calls &= ~(uint32_t)LESSON_STORE_CALL_USERS;
}

static void describe_no_where(lesson_store_conformance_backend *description) {
    description->operations &= ~(uint64_t)LESSON_STORE_OPERATION_MASK_WHERE;
}

void describe_no_stay(lesson_store_conformance_backend *description) {
    description->flags &= ~(uint32_t)LESSON_STORE_JOIN_STAY;
}

static void describe_no_sessions(lesson_store_conformance_backend *description) {
    description->capabilities &= ~(uint32_t)LESSON_STORE_CAN_KEEP_SESSIONS;
}

#define LACKS(name) "the description declares " name ", and the backend has none"
#define HIDES(name) "the backend has " name ", and the description does not declare it"

const wrong_description wrong_descriptions[] = {
    {{"lacks-a-call", "", "", no_check_table, NULL}, LACKS("CHECK")},
    {{"lacks-an-operation", "", "", no_set_table, NULL}, LACKS("SET")},
    {{"lacks-a-flag", "", "", no_stay_table, NULL}, LACKS("JOIN_STAY")},
    {{"lacks-a-capability", "", "", NULL, describe_shared}, LACKS("CAN_SHARE")},
    {{"lacks-an-exception", "", "", NULL, describe_exceptions}, LACKS("EXCEPT_STEPS")},
    {{"hides-an-exception", "", "", steps_table, NULL}, HIDES("EXCEPT_STEPS")},
    {{"hides-a-call", "", "", NULL, describe_no_users}, HIDES("USERS")},
    {{"hides-an-operation", "", "", NULL, describe_no_where}, HIDES("WHERE")},
    {{"hides-a-flag", "", "", NULL, describe_no_stay}, HIDES("JOIN_STAY")},
    {{"hides-a-capability", "", "", NULL, describe_no_sessions}, HIDES("CAN_KEEP_SESSIONS")},
    {.line = NULL},
};
