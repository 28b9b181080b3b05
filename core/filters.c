/* Filters of lessons: their check, and the rule by which a lesson passes. */
#include "core.h"

#define STATUSES (uint32_t)(LESSON_STORE_GIVEN_COURSE_STATUS | LESSON_STORE_GIVEN_CHAT_STATUS)

static int check_status(const lesson_store_lesson_filter *filter, uint32_t bit, const char *what, int32_t status,
                        int32_t highest) {
    bool is_given = filter->given & bit;
    if (!is_given && status != 0)
        return lesson_store_fail(LESSON_STORE_INVALID, "filter: the %s is %d, but `given` does not include it", what,
                                 (int)status);
    if (status < 0 || status > highest)
        return lesson_store_fail(LESSON_STORE_INVALID, "filter: the %s %d is not between 0 and %d", what, (int)status,
                                 (int)highest);
    return LESSON_STORE_OK;
}

static bool uses_reserved(const lesson_store_lesson_filter *filter) {
    uint64_t used = filter->reserved_number;
    for (size_t i = 0; i < sizeof filter->reserved / sizeof *filter->reserved; i++)
        used |= filter->reserved[i];
    return used != 0;
}

int lesson_store__filter_check(const lesson_store_lesson_filter *filter) {
    if (!filter)
        return lesson_store_fail(LESSON_STORE_INVALID, "no filter is given");
    if (filter->given & ~STATUSES || uses_reserved(filter))
        return lesson_store_fail(LESSON_STORE_INVALID, "filter: an unknown number is given, or a reserved field");
    int code = check_status(filter, LESSON_STORE_GIVEN_COURSE_STATUS, "course_status", filter->course_status,
                            LESSON_STORE_COURSE_WAITING);
    if (!code)
        code = check_status(filter, LESSON_STORE_GIVEN_CHAT_STATUS, "chat_status", filter->chat_status,
                            LESSON_STORE_CHAT_BANNED);
    if (!code && (filter->course_id.data || filter->course_id.size > 0))
        code = lesson_store_id_check("course_id", filter->course_id);
    return code;
}

bool lesson_store__filter_is_empty(const lesson_store_lesson_filter *filter) {
    return filter->given == 0 && !filter->course_id.data;
}

bool lesson_store__filter_equal(const lesson_store_lesson_filter *left, const lesson_store_lesson_filter *right) {
    return left->given == right->given && left->course_status == right->course_status &&
           left->chat_status == right->chat_status && lesson_store_id_equal(left->course_id, right->course_id);
}

bool lesson_store_filter_passes(const lesson_store_lesson_filter *filter, const lesson_store_lesson *lesson) {
    if (filter->course_id.data && !lesson_store_id_equal(filter->course_id, lesson->course_id))
        return false;
    if (filter->given & LESSON_STORE_GIVEN_COURSE_STATUS && filter->course_status != lesson->course_status)
        return false;
    return !(filter->given & LESSON_STORE_GIVEN_CHAT_STATUS) || filter->chat_status == lesson->chat_status;
}
